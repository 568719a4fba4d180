//! Measures a start and its phases, and tells the reaper at its beginning and its end. Nobody waits for that, and nothing is asked of
//! the engine.

use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::Span;

use crate::engine::{io, phase, Engine};
use crate::error::Error;
use crate::report::this_binary;
use crate::session::{self, Millis, Phases, Start, StartOutcome, Warmth};

/// The most of an error's first line that is told.
const TOLD_CHARS: usize = 300;

/// Of one start. Dropped before [`Clock::ended`], the start was given up.
#[derive(Debug)]
pub(super) struct Clock {
    told: Mutex<Start>,
    /// The time of earlier rounds: a container may be made first and started later.
    spent: Duration,
    round: Instant,
}

/// A part of a start.
#[derive(Debug, Clone, Copy)]
pub(super) enum Phase {
    Pull,
    Create,
    Start,
    Ready,
    Snapshot,
}

impl Clock {
    /// For a start that begins with what was asked then, on the thread of the test. Nothing is told yet.
    pub(super) fn new(begun: Instant, image: &str, engine: &Engine) -> Self {
        let ago = u64::try_from(begun.elapsed().as_millis()).unwrap_or_default();
        let told = Start {
            id: session::instance(),
            image: image.to_owned(),
            test: session::test_name(),
            binary: this_binary(),
            engine: engine.to_string(),
            begun_unix_ms: session::unix_ms().saturating_sub(ago),
            outcome: StartOutcome::Unknown,
            ..Start::default()
        };
        Clock { told: Mutex::new(told), spent: Duration::ZERO, round: begun }
    }

    /// There will be a container.
    pub(super) fn begin(&self) {
        let mut told = self.told();
        (told.outcome, told.error) = (StartOutcome::Starting, None);
        session::started(told.clone());
    }

    /// It goes on after [`Clock::ended`].
    pub(super) fn go_on(&mut self) {
        (self.spent, self.round) = (self.told().total_ms.0, Instant::now());
        self.begin();
    }

    /// The container that is about to be made.
    pub(super) fn makes(&self, instance: &str, name: &str) {
        let mut told = self.told();
        (told.instance, told.name) = (instance.to_owned(), name.to_owned());
    }

    /// It is started warm, or was to be.
    pub(super) fn warms(&self, warmth: Warmth) {
        self.told().warmth = Some(warmth);
    }

    /// Runs a phase in its span. One that is gone through again, with other ports, is longer.
    pub(super) async fn phase<T>(
        &self,
        which: Phase,
        span: Span,
        work: impl Future<Output = T>,
    ) -> T {
        let _ticking = Ticking { clock: self, which, begun: Instant::now() };
        phase(span, work).await
    }

    /// The start has ended like this.
    pub(super) fn ended(&self, outcome: Result<StartOutcome, &Error>) {
        let mut told = self.told();
        told.total_ms = Millis(self.spent + self.round.elapsed());
        (told.outcome, told.error) = match outcome {
            Ok(outcome) => (outcome, None),
            Err(error) => {
                let summary = error.summary().chars().take(TOLD_CHARS).collect();
                (StartOutcome::Failed, Some(summary))
            }
        };
        session::started(told.clone());
    }

    fn told(&self) -> MutexGuard<'_, Start> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        if self.told().outcome == StartOutcome::Starting && io::check_process().is_ok() {
            self.ended(Ok(StartOutcome::Dropped));
        }
    }
}

/// A phase that is gone through. It counts also when it is cut off.
struct Ticking<'a> {
    clock: &'a Clock,
    which: Phase,
    begun: Instant,
}

impl Drop for Ticking<'_> {
    fn drop(&mut self) {
        let mut told = self.clock.told();
        let Phases { pull, create, start, ready, snapshot } = &mut told.phases_ms;
        let phase = match self.which {
            Phase::Pull => pull,
            Phase::Create => create,
            Phase::Start => start,
            Phase::Ready => ready,
            Phase::Snapshot => snapshot,
        };
        *phase = Some(Millis(phase.unwrap_or_default().0 + self.begun.elapsed()));
    }
}
