//! One container of a start-up report, as its reader sees it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::session::{ContainerStart, Millis, StartOutcome, Warmth};

impl ContainerStart {
    /// Its name on the engine; empty if none was made, since its image could not be pulled for example.
    pub fn name(&self) -> &str {
        &self.start.name
    }

    /// The image that was asked for, as the request has it.
    pub fn image(&self) -> &str {
        &self.start.image
    }

    /// The test that started it, where that has a name.
    pub fn test(&self) -> Option<&str> {
        self.start.test.as_deref()
    }

    /// The program of that test, without the hash that cargo gives it.
    pub fn binary(&self) -> &str {
        &self.start.binary
    }

    /// The engine that it was started on, such as `Docker 20.10.24 at unix:///var/run/docker.sock`; empty where nobody told.
    pub fn engine(&self) -> &str {
        &self.start.engine
    }

    /// When it was begun.
    pub fn begun(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.start.begun_unix_ms)
    }

    /// How long the image was pulled; `None` if it was there.
    pub fn pull(&self) -> Option<Duration> {
        self.start.phases_ms.pull.map(duration)
    }

    /// How long the engine took to create it (`docker create`); `None` if it did not come to that.
    pub fn create(&self) -> Option<Duration> {
        self.start.phases_ms.create.map(duration)
    }

    /// How long files were copied into it and the engine took to start it (`docker start`); `None` if it did not come to that.
    pub fn start(&self) -> Option<Duration> {
        self.start.phases_ms.start.map(duration)
    }

    /// How long it was waited for until it was ready, or was not; `None` if it did not come to that.
    pub fn ready(&self) -> Option<Duration> {
        self.start.phases_ms.ready.map(duration)
    }

    /// How long its snapshot was looked for, and made if there was none; `None` if it is not [warm](crate::ContainerRequest::warm).
    pub fn snapshot(&self) -> Option<Duration> {
        self.start.phases_ms.snapshot.map(duration)
    }

    /// What became of its snapshot; `None` if it is not [warm](crate::ContainerRequest::warm).
    pub fn warmth(&self) -> Option<Warmth> {
        self.start.warmth
    }

    /// How long all of it took: the five and what is between them, and the removal if it failed.
    pub fn total(&self) -> Duration {
        self.start.total_ms.0
    }

    /// What became of it.
    pub fn outcome(&self) -> StartOutcome {
        self.start.outcome
    }

    /// Whether it ended without a container that was ready or just created.
    pub fn has_failed(&self) -> bool {
        matches!(
            self.outcome(),
            StartOutcome::Failed | StartOutcome::Dropped | StartOutcome::Killed
        )
    }

    /// The error's first line, if it failed.
    pub fn error(&self) -> Option<&str> {
        self.start.error.as_deref()
    }

    /// How often it was asked for: once by the test that started it, and once more by each that found it.
    pub fn users(&self) -> u64 {
        1 + self.used_by.iter().map(|by| by.uses).sum::<u64>()
    }

    /// In how many processes those were.
    pub fn processes(&self) -> u64 {
        let others = self.used_by.iter().filter(|by| by.process != self.process).count();
        1 + others as u64
    }

    /// How long those who found it waited until it was ready, all together.
    pub fn waited(&self) -> Duration {
        self.used_by.iter().map(|by| by.waited_ms.0).sum()
    }
}

fn duration(millis: Millis) -> Duration {
    millis.0
}
