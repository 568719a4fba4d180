//! The data of a request. Its builder methods are in `options`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::copy::CopyIn;
use super::port_word::PortWord;
use crate::wait::Wait;

/// The time a start may take, from creating the container to its last wait, when the request says nothing.
pub(super) const DEFAULT_START_TIMEOUT: Duration = Duration::from_secs(60);

/// What a test needs, in the words of `docker run`.
///
/// A request is data: it can be cloned, compared, serialized and started any number of times. Building one never
/// fails; [`start`](ContainerRequest::start) reports everything that is wrong with it at once, before anything
/// is made.
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
    #[serde(flatten)]
    pub(super) options: Options,
}

/// Everything but the image. A field that is not set is not serialized, so that adding one changes no fingerprint.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Options {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) env: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cmd: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) entrypoint: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) workdir: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hostname: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) publish: Vec<PortWord>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) expose: Vec<PortWord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) network: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) network_alias: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) add_host: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) volume: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) tmpfs: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) memory: Option<Size>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) shm_size: Option<Size>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) cap_add: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) cap_drop: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) privileged: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) read_only: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) init: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) tty: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) interactive: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) rm: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stop_signal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) stop_timeout: Option<Duration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) health: Option<Health>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) platform: Option<String>,
    #[serde(skip_serializing_if = "PullPolicy::is_default")]
    pub(super) pull: PullPolicy,
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
}

/// The health check that a request declares; `None` in `test` leaves the image's command.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Health {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) test: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) interval: Option<Duration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) timeout: Option<Duration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) start_period: Option<Duration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) retries: Option<u32>,
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
    fn is_default(&self) -> bool {
        *self == PullPolicy::Missing
    }
}

/// A number of bytes: a number, or Docker's spelling of one such as `"512m"`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Size(String);

impl Size {
    pub(crate) fn bytes(&self) -> Result<u64, longshore_syntax::SyntaxError> {
        longshore_syntax::parse_bytes(&self.0)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<u64> for Size {
    fn from(bytes: u64) -> Self {
        Size(bytes.to_string())
    }
}

impl From<&str> for Size {
    fn from(text: &str) -> Self {
        Size(text.to_owned())
    }
}

impl From<String> for Size {
    fn from(text: String) -> Self {
        Size(text)
    }
}

impl ContainerRequest {
    /// A request for a container of `image`, such as `postgres:15`, `localhost:5000/app` or
    /// `redis@sha256:…`; without a registry it is Docker Hub's, without a tag `latest`. Also an [`&Image`](crate::Image),
    /// or an image's id, which is never pulled.
    pub fn new(image: impl Into<String>) -> Self {
        ContainerRequest { image: image.into(), options: Options::default() }
    }

    /// The image as it was written.
    pub fn image(&self) -> &str {
        &self.image
    }

    pub(crate) fn waits(&self) -> &[Wait] {
        &self.options.waits
    }

    pub(crate) fn copies(&self) -> &[CopyIn] {
        &self.options.copies
    }

    pub(crate) fn fixed_name(&self) -> Option<&str> {
        self.options.name.as_deref()
    }

    pub(crate) fn pull_policy(&self) -> PullPolicy {
        self.options.pull
    }

    pub(crate) fn platform_name(&self) -> Option<&str> {
        self.options.platform.as_deref()
    }

    pub(crate) fn stall_timeout(&self) -> Option<Duration> {
        self.options.pull_stall_timeout
    }

    pub(crate) fn has_tty(&self) -> bool {
        self.options.tty
    }

    pub(crate) fn removes_itself(&self) -> bool {
        self.options.rm
    }

    pub(crate) fn time_to_start(&self) -> Duration {
        self.options.start_timeout.unwrap_or(DEFAULT_START_TIMEOUT)
    }
}
