//! The data of a request. Its builder methods are in `options`.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::copy::CopyIn;
use super::warm::Warm;
use super::words::RunWords;
use crate::wait::Wait;

/// The time a start may take, from creating the container to its last wait, when the request says nothing.
pub(super) const DEFAULT_START_TIMEOUT: Duration = Duration::from_secs(60);

/// What a test needs, in the words of `docker run`.
///
/// A request is data: it can be cloned, compared, serialized and started any number of times. Building one never
/// fails; [`start`](ContainerRequest::start) reports everything that is wrong with it at once, before anything
/// is made. Each option of `docker run` is a method with the flag's long name; a whole command line is taken by
/// [`from_run`](ContainerRequest::from_run) and given by [`to_run`](ContainerRequest::to_run).
///
/// # Examples
///
/// ```no_run
/// use longshore::{ContainerRequest, Wait};
///
/// # async fn example() -> longshore::Result<()> {
/// let redis = ContainerRequest::new("redis:7.0")
///     .publish("6379")
///     .wait(Wait::log("Ready to accept connections"))
///     .start()
///     .await?;
/// println!("redis://{}", redis.address(6379)?);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[must_use = "a request does nothing until it is started"]
pub struct ContainerRequest {
    pub(super) image: String,
    /// The command and its arguments; empty is the image's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) cmd: Vec<String>,
    #[serde(flatten)]
    pub(super) own: OwnOptions,
    #[serde(flatten)]
    pub(super) words: RunWords,
}

/// What `docker run` has no word for. A field that is not set is not serialized, so that adding one changes no fingerprint.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct OwnOptions {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pull_stall_timeout: Option<Duration>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) copies: Vec<CopyIn>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) waits: Vec<Wait>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) start_timeout: Option<Duration>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) raw: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) warm: Option<Warm>,
}

/// When an image is pulled, as `docker run --pull`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum PullPolicy {
    /// When the engine does not have it.
    #[default]
    Missing,
    /// At each start, so that a moved tag is followed.
    Always,
    /// Never: an image that the engine does not have is an error.
    Never,
}

impl PullPolicy {
    pub(super) fn word(self) -> &'static str {
        match self {
            PullPolicy::Missing => "missing",
            PullPolicy::Always => "always",
            PullPolicy::Never => "never",
        }
    }

    pub(super) fn from_word(word: &str) -> Option<Self> {
        let all = [PullPolicy::Missing, PullPolicy::Always, PullPolicy::Never];
        all.into_iter().find(|policy| policy.word() == word)
    }
}

impl ContainerRequest {
    /// A request for a container of `image`, such as `postgres:15`, `localhost:5000/app` or
    /// `redis@sha256:…`; without a registry it is Docker Hub's, without a tag `latest`. Also an [`&Image`](crate::Image),
    /// or an image's id, which is never pulled.
    pub fn new(image: impl Into<String>) -> Self {
        ContainerRequest {
            image: image.into(),
            cmd: Vec::new(),
            own: OwnOptions::default(),
            words: RunWords::default(),
        }
    }

    /// The image as it was written.
    pub fn image(&self) -> &str {
        &self.image
    }

    pub(crate) fn command(&self) -> &[String] {
        &self.cmd
    }

    pub(crate) fn waits(&self) -> &[Wait] {
        &self.own.waits
    }

    pub(crate) fn copies(&self) -> &[CopyIn] {
        &self.own.copies
    }

    pub(crate) fn fixed_name(&self) -> Option<&str> {
        self.words.one("name")
    }

    pub(crate) fn pull_policy(&self) -> PullPolicy {
        self.words.one("pull").and_then(PullPolicy::from_word).unwrap_or_default()
    }

    pub(crate) fn platform_name(&self) -> Option<&str> {
        self.words.one("platform")
    }

    pub(crate) fn stall_timeout(&self) -> Option<Duration> {
        self.own.pull_stall_timeout
    }

    pub(crate) fn has_tty(&self) -> bool {
        self.words.is_on("tty")
    }

    pub(crate) fn removes_itself(&self) -> bool {
        self.words.is_on("rm")
    }

    pub(crate) fn time_to_start(&self) -> Duration {
        self.own.start_timeout.unwrap_or(DEFAULT_START_TIMEOUT)
    }
}
