//! The error's data and predicates. Must never carry a foreign type in its public signature.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;

use serde::{Deserialize, Serialize};

/// `Result` with longshore's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why something could not be done, as a report.
///
/// The message names the image, the container and the engine, what was awaited and why it did not come, the
/// exit code, the last lines of output, and what to do about it. Ask the predicates for decisions in code.
pub struct Error(Box<Report>);

pub(super) struct Report {
    pub(super) kind: Kind,
    pub(super) summary: String,
    pub(super) facts: Vec<(Cow<'static, str>, String)>,
    pub(super) exit_code: Option<i64>,
    pub(super) output: Vec<String>,
    pub(super) hint: Option<String>,
    pub(super) source: Option<Box<dyn StdError + Send + Sync>>,
    pub(super) also: Vec<Error>,
    /// What was found out about it that is too much for a message, as files; not shown.
    pub(super) files: Vec<(&'static str, Vec<u8>)>,
}

/// What sort of failure it is; users see it through the predicates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// The request itself is wrong; nothing was made.
    InvalidRequest,
    /// No engine answers.
    EngineUnavailable,
    /// The engine refused or failed, with the HTTP status of its answer.
    Engine(u16),
    /// The image is neither here nor in its registry, or may not be pulled.
    ImageNotFound,
    /// The image exists, but pulling it failed.
    Pull,
    /// The image exists, but pushing it failed.
    Push,
    /// Something uses what was to be removed.
    InUse,
    /// A host port is taken, or a range of them is spent.
    PortUnavailable,
    /// The fixed name of what was to be made is taken.
    NameTaken,
    /// A subnet overlaps with another one, or the engine has none left.
    SubnetUnavailable,
    /// Something did not happen in the time it was given.
    Timeout,
    /// The container ended although it should be running.
    Exited,
    /// A wait strategy failed for good.
    NotReady,
    /// The command of an exec cannot be run.
    Command,
    /// A file could not be copied in or out.
    Copy,
    /// The container, or what was asked of it, does not exist.
    NotFound,
    /// An address was asked for a port that is not published.
    NotPublished,
    /// The handle belongs to another process (it was carried over a `fork`).
    OtherProcess,
    /// What came back is not text.
    Encoding,
    /// A database server in a container did not do what it was asked.
    Database,
}

impl Error {
    pub(crate) fn new(kind: Kind, summary: impl Into<String>) -> Self {
        Error(Box::new(Report {
            kind,
            summary: summary.into(),
            facts: Vec::new(),
            exit_code: None,
            output: Vec::new(),
            hint: None,
            source: None,
            also: Vec::new(),
            files: Vec::new(),
        }))
    }

    /// Adds a labelled line; a label that is already there is left as it was, since the first is the nearest.
    pub(crate) fn fact(mut self, label: &'static str, value: impl Into<String>) -> Self {
        if !self.0.facts.iter().any(|(have, _)| *have == label) {
            self.0.facts.push((label.into(), value.into()));
        }
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint.get_or_insert_with(|| hint.into());
        self
    }

    /// In place of one that fits less.
    pub(crate) fn better_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    pub(crate) fn with_exit_code(mut self, code: i64) -> Self {
        self.0.exit_code = Some(code);
        self
    }

    pub(crate) fn with_output(mut self, lines: Vec<String>) -> Self {
        if self.0.output.is_empty() {
            self.0.output = lines;
        }
        self
    }

    pub(crate) fn with_source(
        mut self,
        source: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Adds a failure that happened while the first one was being cleaned up after.
    pub(crate) fn and_also(mut self, other: Error) -> Self {
        self.0.also.push(other);
        self
    }

    pub(super) fn of(report: Report) -> Self {
        Error(Box::new(report))
    }

    /// Adds files for the report of a test, by their names.
    pub(crate) fn with_files(mut self, files: Vec<(&'static str, Vec<u8>)>) -> Self {
        self.0.files = files;
        self
    }

    /// Takes those files out of it.
    pub(crate) fn take_files(&mut self) -> Vec<(&'static str, Vec<u8>)> {
        std::mem::take(&mut self.0.files)
    }

    pub(super) fn report(&self) -> &Report {
        &self.0
    }

    /// The headline, without facts, output and hint.
    pub fn summary(&self) -> &str {
        &self.0.summary
    }

    /// The request is wrong in itself; nothing was made.
    pub fn is_invalid_request(&self) -> bool {
        self.0.kind == Kind::InvalidRequest
    }

    /// No engine answered.
    pub fn is_engine_unavailable(&self) -> bool {
        self.0.kind == Kind::EngineUnavailable
    }

    /// The image does not exist, here or in its registry, or its pull policy forbids fetching it.
    pub fn is_image_not_found(&self) -> bool {
        self.0.kind == Kind::ImageNotFound
    }

    /// The image could not be pulled: registry down, access denied, stalled.
    pub fn is_pull_failed(&self) -> bool {
        self.0.kind == Kind::Pull
    }

    /// The image could not be pushed: registry down, access denied, stalled.
    pub fn is_push_failed(&self) -> bool {
        self.0.kind == Kind::Push
    }

    /// What was to be removed is used: by a container, by more names, by what was made from it.
    pub fn is_in_use(&self) -> bool {
        self.0.kind == Kind::InUse
    }

    /// A host port is taken by somebody else, or every port of a range is.
    pub fn is_port_unavailable(&self) -> bool {
        self.0.kind == Kind::PortUnavailable
    }

    /// The fixed name of a container, a network or a volume is taken.
    pub fn is_name_taken(&self) -> bool {
        self.0.kind == Kind::NameTaken
    }

    /// A network's subnet overlaps with another one, or the engine has none left to give.
    pub fn is_subnet_unavailable(&self) -> bool {
        self.0.kind == Kind::SubnetUnavailable
    }

    /// Something did not happen in the time it was given.
    pub fn is_timeout(&self) -> bool {
        self.0.kind == Kind::Timeout
    }

    /// The container ended although it should be running; see [`Error::exit_code`].
    pub fn is_exited(&self) -> bool {
        self.0.kind == Kind::Exited
    }

    /// The container, network, volume or file asked for does not exist.
    pub fn is_not_found(&self) -> bool {
        self.0.kind == Kind::NotFound || self.0.kind == Kind::Engine(404)
    }

    /// The port asked for is not published.
    pub fn is_not_published(&self) -> bool {
        self.0.kind == Kind::NotPublished
    }

    /// The container's exit code, where it ended.
    pub fn exit_code(&self) -> Option<i64> {
        self.0.exit_code
    }

    /// The HTTP status with which the engine refused, if it did.
    pub fn engine_status(&self) -> Option<u16> {
        match self.0.kind {
            Kind::Engine(status) => Some(status),
            _ => None,
        }
    }

    /// The container's last lines of output, oldest first; empty where there were none.
    pub fn output(&self) -> &[String] {
        &self.0.output
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl fmt::Debug for Error {
    /// As `Display`: `unwrap()` and a test that returns `Err` print `Debug`, and that is where users read it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<longshore_syntax::SyntaxError> for Error {
    fn from(error: longshore_syntax::SyntaxError) -> Self {
        let hint = error.hint().map(str::to_owned);
        let report = Error::new(Kind::InvalidRequest, error.message());
        match hint {
            Some(hint) => report.hint(hint),
            None => report,
        }
    }
}
