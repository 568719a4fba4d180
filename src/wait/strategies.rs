//! [`Wait`]: every strategy as one data type, and the words that make them.

use std::fmt;
use std::time::Duration;

use longshore_syntax::ContainerPort;
use serde::{Deserialize, Serialize};

use super::exec::ExecWait;
use super::exit::ExitWait;
use super::file::FileWait;
use super::health::HealthWait;
use super::http::HttpWait;
use super::limits::{limits_methods, Limits};
use super::log::LogWait;
use super::port::PortWait;
use super::running::{DurationWait, RunningWait};
use super::tcp::TcpWait;
use crate::request::{Exec, PortWord};

/// What has to be true before a container counts as started.
///
/// The constructors give builders with their own options, each with a `timeout` and, where it asks again and
/// again, an `interval`. Every wait ends at once when its container dies. Waits are data; for one of your own see
/// [`WaitStrategy`](crate::wait::WaitStrategy).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Wait(pub(super) Strategy);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Strategy {
    Log(LogWait),
    Port(PortWait),
    Tcp(TcpWait),
    Http(HttpWait),
    Exec(ExecWait),
    Health(HealthWait),
    Exit(ExitWait),
    File(FileWait),
    Duration(DurationWait),
    Running(RunningWait),
    All(AllWait),
    Any(AnyWait),
}

impl Wait {
    /// A piece of text in the container's output, on either stream, once unless said otherwise.
    pub fn log(text: impl Into<String>) -> LogWait {
        LogWait::contains(text.into())
    }

    /// A regular expression in the container's output; `^` and `$` are the ends of lines. It may span lines, and is looked
    /// for in the last 64 KiB.
    pub fn log_matches(regex: impl Into<String>) -> LogWait {
        LogWait::matches(regex.into())
    }

    /// A published port that is truly listened on: not by Docker's proxy, which accepts for a container that does not.
    pub fn port(port: impl Into<PortWord>) -> PortWait {
        PortWait::one(port.into())
    }

    /// Every published port listened on.
    pub fn ports() -> PortWait {
        PortWait::every()
    }

    /// An answer over TCP on a published port, in the service's own words: any answer unless said otherwise.
    ///
    /// ```
    /// # use longshore::{ContainerRequest, Wait};
    /// let redis = ContainerRequest::new("redis:7.0").publish(6379).wait(Wait::tcp(6379).send("PING\r\n").answer_contains("PONG"));
    /// ```
    pub fn tcp(port: impl Into<PortWord>) -> TcpWait {
        TcpWait::new(port.into())
    }

    /// An answer over HTTP to `GET path`, with a status of 200 to 299 unless said otherwise.
    pub fn http(path: impl Into<String>) -> HttpWait {
        HttpWait::new(path.into())
    }

    /// As [`Wait::http`], over TLS. Needs the feature `tls`.
    pub fn https(path: impl Into<String>) -> HttpWait {
        HttpWait::new(path.into()).over_tls()
    }

    /// A command in the container that exits with code 0 unless said otherwise.
    pub fn exec(command: impl Into<Exec>) -> ExecWait {
        ExecWait::new(command.into())
    }

    /// The health check of the request or the image says `healthy`.
    pub fn healthy() -> HealthWait {
        HealthWait::default()
    }

    /// The container ends by itself, with code 0 unless said otherwise: for one that does a job.
    pub fn exit() -> ExitWait {
        ExitWait::default()
    }

    /// A file or folder exists in the container.
    pub fn file(path: impl Into<String>) -> FileWait {
        FileWait::new(path.into())
    }

    /// Some time passes. A guess; any other wait is better.
    pub fn duration(time: Duration) -> DurationWait {
        DurationWait::new(time)
    }

    /// The container runs, and did not end in its first moments.
    pub fn running() -> RunningWait {
        RunningWait::default()
    }

    /// All of these, awaited side by side.
    pub fn all<I: IntoIterator<Item = W>, W: Into<Wait>>(waits: I) -> AllWait {
        AllWait { waits: waits.into_iter().map(Into::into).collect(), limits: Limits::default() }
    }

    /// Any one of these, awaited side by side.
    pub fn any<I: IntoIterator<Item = W>, W: Into<Wait>>(waits: I) -> AnyWait {
        AnyWait { waits: waits.into_iter().map(Into::into).collect(), limits: Limits::default() }
    }

    /// What is wrong with it: what and what to do about it.
    pub(crate) fn problems(&self) -> Vec<(String, &'static str)> {
        match &self.0 {
            Strategy::Log(wait) => wait.problems(),
            Strategy::Port(wait) => wait.problems(),
            Strategy::Tcp(wait) => wait.problems(),
            Strategy::Http(wait) => wait.problems(),
            Strategy::Exec(wait) => wait.problems(),
            Strategy::File(wait) => wait.problems(),
            Strategy::All(AllWait { waits, .. }) | Strategy::Any(AnyWait { waits, .. }) => {
                if waits.is_empty() {
                    return vec![("`all` or `any` of no waits".into(), "name at least one")];
                }
                waits.iter().flat_map(Wait::problems).collect()
            }
            Strategy::Health(_)
            | Strategy::Exit(_)
            | Strategy::Duration(_)
            | Strategy::Running(_) => Vec::new(),
        }
    }

    fn any_leaf(&self, is: fn(&Strategy) -> bool) -> bool {
        match &self.0 {
            Strategy::All(AllWait { waits, .. }) | Strategy::Any(AnyWait { waits, .. }) => {
                waits.iter().any(|wait| wait.any_leaf(is))
            }
            leaf => is(leaf),
        }
    }

    /// The container ports that it asks for; `None` is any TCP port.
    pub(crate) fn needed_ports(&self) -> Vec<Option<ContainerPort>> {
        let named = |port: &PortWord| port.container_port().ok().map(Some);
        match &self.0 {
            Strategy::All(AllWait { waits, .. }) | Strategy::Any(AnyWait { waits, .. }) => {
                waits.iter().flat_map(Wait::needed_ports).collect()
            }
            Strategy::Port(wait) => wait.port_name().and_then(named).into_iter().collect(),
            Strategy::Tcp(wait) => named(wait.port_name()).into_iter().collect(),
            Strategy::Http(wait) => {
                wait.port_name().map_or(Some(None), named).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// Whether it reads the container's output.
    pub(crate) fn reads_output(&self) -> bool {
        self.any_leaf(|leaf| matches!(leaf, Strategy::Log(_)))
    }

    /// Whether the container may end while it is awaited.
    pub(crate) fn expects_exit(&self) -> bool {
        self.any_leaf(|leaf| matches!(leaf, Strategy::Exit(_)))
    }

    /// Whether nothing is awaited but that the container runs.
    pub(crate) fn is_only_to_run(&self) -> bool {
        matches!(self.0, Strategy::Running(_))
    }

    pub(super) fn limits(&self) -> Limits {
        match &self.0 {
            Strategy::Log(wait) => wait.limits,
            Strategy::Port(wait) => wait.limits,
            Strategy::Tcp(wait) => wait.limits,
            Strategy::Http(wait) => wait.limits,
            Strategy::Exec(wait) => wait.limits,
            Strategy::Health(wait) => wait.limits,
            Strategy::Exit(wait) => wait.limits,
            Strategy::File(wait) => wait.limits,
            Strategy::All(wait) => wait.limits,
            Strategy::Any(wait) => wait.limits,
            Strategy::Duration(_) | Strategy::Running(_) => Limits::default(),
        }
    }
}

/// All of some waits, side by side; see [`Wait::all`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[must_use]
pub struct AllWait {
    pub(super) waits: Vec<Wait>,
    #[serde(flatten)]
    pub(super) limits: Limits,
}

impl AllWait {
    limits_methods!(timeout);
}

/// Any one of some waits; see [`Wait::any`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[must_use]
pub struct AnyWait {
    pub(super) waits: Vec<Wait>,
    #[serde(flatten)]
    pub(super) limits: Limits,
}

impl AnyWait {
    limits_methods!(timeout);
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, word: &str, waits: &[Wait]| {
            let parts: Vec<String> = waits.iter().map(ToString::to_string).collect();
            write!(f, "{word} of ({})", parts.join(", "))
        };
        match &self.0 {
            Strategy::Log(wait) => wait.fmt(f),
            Strategy::Port(wait) => wait.fmt(f),
            Strategy::Tcp(wait) => wait.fmt(f),
            Strategy::Http(wait) => wait.fmt(f),
            Strategy::Exec(wait) => wait.fmt(f),
            Strategy::Health(wait) => wait.fmt(f),
            Strategy::Exit(wait) => wait.fmt(f),
            Strategy::File(wait) => wait.fmt(f),
            Strategy::Duration(wait) => wait.fmt(f),
            Strategy::Running(wait) => wait.fmt(f),
            Strategy::All(wait) => list(f, "all", &wait.waits),
            Strategy::Any(wait) => list(f, "any", &wait.waits),
        }
    }
}

macro_rules! into_wait {
    ($($strategy:ident($name:ty)),* $(,)?) => {
        $(impl From<$name> for Wait {
            fn from(wait: $name) -> Wait {
                Wait(Strategy::$strategy(wait))
            }
        })*
    };
}

into_wait!(
    Log(LogWait),
    Port(PortWait),
    Tcp(TcpWait),
    Http(HttpWait),
    Exec(ExecWait),
    Health(HealthWait),
    Exit(ExitWait),
    File(FileWait),
    Duration(DurationWait),
    Running(RunningWait),
    All(AllWait),
    Any(AnyWait),
);
