//! What the starts of a test run took: plain data, as processes tell it to the reaper and as it lies in the report's file.
//!
//! The file is for other programs too: what it has keeps its name and its meaning as long as [`FORMAT`] stays the same. Fields may
//! be added, and those that are not known are passed over. Must never hold what a request has of secrets.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{json, Value};

/// Of the file.
pub(crate) const FORMAT: u32 = 1;

/// In the folder of all reports: a file for each test run.
pub(crate) const FOLDER: &str = "sessions";

/// All starts of a test run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) format: u32,
    /// The version of the crate that wrote it.
    pub(crate) longshore: String,
    pub(crate) session: String,
    pub(crate) runner: Option<Runner>,
    pub(crate) begun_unix_ms: u64,
    /// Nothing while the test run goes on, or when its reaper was killed.
    pub(crate) ended_unix_ms: Option<u64>,
    pub(crate) containers: Vec<ContainerStart>,
}

/// The program that runs the tests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Runner {
    /// `cargo` or `nextest`.
    pub(crate) name: String,
    /// As the label of an owner.
    pub(crate) process: String,
}

/// A container in a [`StartupReport`](crate::StartupReport): who started it, what that took, who used it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ContainerStart {
    #[serde(flatten)]
    pub(crate) start: Start,
    /// The process that started it, as the label of an owner.
    #[serde(default)]
    pub(crate) process: String,
    /// Those who found it there.
    #[serde(default)]
    pub(crate) used_by: Vec<Use>,
}

/// One start, as it is told: at its beginning and at its end. Empty texts are not known.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Start {
    /// One of a kind.
    pub(crate) id: String,
    /// The label of the container that was made last, when one was.
    pub(crate) instance: String,
    pub(crate) name: String,
    pub(crate) image: String,
    pub(crate) test: Option<String>,
    pub(crate) binary: String,
    pub(crate) engine: String,
    pub(crate) begun_unix_ms: u64,
    pub(crate) phases_ms: Phases,
    /// From the call to its end.
    pub(crate) total_ms: Millis,
    pub(crate) outcome: StartOutcome,
    pub(crate) warmth: Option<Warmth>,
    pub(crate) error: Option<String>,
}

/// How long each phase took; nothing for one that was not come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Phases {
    pub(crate) pull: Option<Millis>,
    pub(crate) create: Option<Millis>,
    pub(crate) start: Option<Millis>,
    pub(crate) ready: Option<Millis>,
    /// To find its snapshot, and to have it made.
    pub(crate) snapshot: Option<Millis>,
}

/// What one process had of a container that it found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Use {
    pub(crate) process: String,
    pub(crate) binary: String,
    /// How often it asked.
    pub(crate) uses: u64,
    /// How long it waited, all told.
    pub(crate) waited_ms: Millis,
}

/// What became of a start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StartOutcome {
    /// It goes on.
    Starting,
    /// The container was made, and not started (`docker create`).
    Created,
    /// The container was ready.
    Ready,
    /// It ended with an error.
    Failed,
    /// Nobody waited for it any more: the future was dropped, by a time-out of the test's own for example.
    Dropped,
    /// Its process ended in the middle of it.
    Killed,
    /// Nobody told, or it is of a later version.
    #[default]
    #[serde(other)]
    Unknown,
}

/// What became of the snapshot that a container was to be started from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Warmth {
    /// There was one.
    Used,
    /// This start has made it first.
    Made,
    /// There was none, and none could be made.
    Failed,
    /// Something of a later version.
    #[serde(other)]
    Unknown,
}

/// A duration that is written as a number of milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Millis(pub(crate) Duration);

impl Report {
    #[cfg_attr(not(unix), allow(dead_code, reason = "only a reaper makes one"))]
    pub(crate) fn new(session: &str, runner: Option<Runner>, now: u64) -> Self {
        Report {
            format: FORMAT,
            longshore: env!("CARGO_PKG_VERSION").into(),
            session: session.to_owned(),
            runner,
            begun_unix_ms: now,
            ended_unix_ms: None,
            containers: Vec::new(),
        }
    }

    /// # Errors
    ///
    /// When the file cannot be read, or is none of this format.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let invalid = |why: String| io::Error::new(io::ErrorKind::InvalidData, why);
        let value: Value =
            serde_json::from_slice(&fs::read(path)?).map_err(|error| invalid(error.to_string()))?;
        match &value["format"] {
            format if *format == FORMAT => {}
            Value::Null => return Err(invalid("it has no `format`".into())),
            other => return Err(invalid(format!("its format is {other}, not {FORMAT}"))),
        }
        serde_json::from_value(value).map_err(|error| invalid(error.to_string()))
    }

    /// As it is written: with the sums, which are only for the reader.
    pub(crate) fn to_json(&self) -> Value {
        let mut value = json!(self);
        for (row, container) in self.containers.iter().enumerate() {
            let row = &mut value["containers"][row];
            row["users"] = container.users().into();
            row["processes"] = container.processes().into();
            row["waited_ms"] = json!(Millis(container.waited()));
        }
        let mut engines: Vec<_> = self.containers.iter().map(ContainerStart::engine).collect();
        engines.retain(|engine| !engine.is_empty());
        engines.sort_unstable();
        engines.dedup();
        value["engines"] = engines.into();
        let shared = self.containers.iter().filter(|container| container.users() > 1);
        let slowest = self.containers.iter().max_by_key(|container| container.total());
        value["totals"] = json!({
            "started": self.containers.len(),
            "not_ready": self.containers.iter().filter(|one| one.has_failed()).count(),
            "shared": shared.count(),
            "uses": self.containers.iter().map(ContainerStart::users).sum::<u64>(),
            "total_ms": Millis(self.total()),
            "slowest": slowest.map(ContainerStart::name),
        });
        value
    }

    /// All starts together; those that went side by side count each.
    pub(crate) fn total(&self) -> Duration {
        self.containers.iter().map(ContainerStart::total).sum()
    }
}

impl Serialize for Millis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0.as_micros() as f64 / 1000.0)
    }
}

impl<'de> Deserialize<'de> for Millis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let micros = f64::deserialize(deserializer)? * 1000.0;
        // A number that is no duration becomes the nearest one.
        Ok(Millis(Duration::from_micros(micros.round() as u64)))
    }
}

impl fmt::Display for StartOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StartOutcome::Starting => "starting",
            StartOutcome::Created => "created",
            StartOutcome::Ready => "ready",
            StartOutcome::Failed => "failed",
            StartOutcome::Dropped => "dropped",
            StartOutcome::Killed => "killed",
            StartOutcome::Unknown => "unknown",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_milliseconds_and_keep_their_microseconds() {
        let took = Millis(Duration::from_micros(1_234_567));
        assert_eq!(serde_json::to_string(&took).unwrap(), "1234.567");
        for (text, micros) in [("1234.567", 1_234_567), ("7", 7000), ("-1", 0)] {
            let read: Millis = serde_json::from_str(text).unwrap();
            assert_eq!(read.0, Duration::from_micros(micros), "{text}");
        }
    }

    #[test]
    fn what_a_later_version_adds_is_passed_over() {
        let text = r#"{"image":"a","outcome":"melted","phases_ms":{"thaw":1},"colour":"red"}"#;
        let start: Start = serde_json::from_str(text).unwrap();
        let outcome = StartOutcome::Unknown;
        assert_eq!(start, Start { image: "a".into(), outcome, ..Start::default() });
    }

    #[test]
    fn what_was_not_come_to_is_null_and_what_is_derived_is_written() {
        let start = Start {
            name: "web".into(),
            image: "busybox:1.35".into(),
            engine: "Docker".into(),
            phases_ms: Phases { create: Some(Millis::default()), ..Phases::default() },
            total_ms: Millis(Duration::from_millis(8)),
            outcome: StartOutcome::Ready,
            ..Start::default()
        };
        let waited_ms = Millis(Duration::from_millis(3));
        let (process, binary) = ("p2".into(), "b".into());
        let used_by = vec![Use { process, binary, uses: 2, waited_ms }];
        let mut report = Report::new("s", None, 1);
        report.containers = vec![ContainerStart { start, process: "p1".into(), used_by }];
        let written = report.to_json();
        let phases =
            json!({ "pull": null, "create": 0.0, "start": null, "ready": null, "snapshot": null });
        assert_eq!(written["containers"][0]["phases_ms"], phases);
        assert_eq!(written["containers"][0]["users"], 3);
        assert_eq!(written["containers"][0]["processes"], 2);
        assert_eq!(written["engines"], json!(["Docker"]));
        let totals = json!({ "started": 1, "not_ready": 0, "shared": 1, "uses": 3, "total_ms": 8.0, "slowest": "web" });
        assert_eq!(written["totals"], totals);
        assert_eq!(serde_json::from_value::<Report>(written).unwrap(), report);
    }
}
