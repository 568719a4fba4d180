//! When a container is ready, how it is looked after, and when it is gone.

use std::time::Duration;

use serde_json::Value;

use crate::request::{ContainerRequest, PullPolicy, Time};
use crate::wait::Wait;

/// The start.
impl ContainerRequest {
    /// Waits for this before the container counts as started; several are awaited in the order in which they are
    /// written.
    ///
    /// With none, the health check is awaited if the request or the image has one, else the published ports, else
    /// that the container runs.
    pub fn wait(mut self, wait: impl Into<Wait>) -> Self {
        self.own.waits.push(wait.into());
        self
    }

    /// The most time from creating the container to its last wait; 60 s if not said. Pulling the image is outside.
    pub fn start_timeout(mut self, limit: Duration) -> Self {
        self.own.start_timeout = Some(limit);
        self
    }

    /// When the image is pulled (`--pull`).
    pub fn pull(mut self, policy: PullPolicy) -> Self {
        self.words.set("pull", policy.word());
        self
    }

    /// How long a pull may make no progress before it is given up; 60 s if not said.
    pub fn pull_stall_timeout(mut self, limit: Duration) -> Self {
        self.own.pull_stall_timeout = Some(limit);
        self
    }

    /// The platform of the image, such as `"linux/amd64"` (`--platform`).
    pub fn platform(mut self, platform: impl Into<String>) -> Self {
        self.words.set("platform", platform);
        self
    }

    /// What the Engine API has and this crate has not: an object that is merged into the body of
    /// `POST /containers/create`, after everything else. Objects are merged key by key, anything else replaces. What longshore
    /// itself goes by is refused: `Image`, `Labels`, `Tty` and `HostConfig.AutoRemove` have their own methods.
    pub fn raw(mut self, body: Value) -> Self {
        self.own.raw.push(body);
        self
    }
}

/// The health check.
impl ContainerRequest {
    /// The health check's command, run by a shell in the container (`--health-cmd`).
    pub fn health_cmd(mut self, command: impl Into<String>) -> Self {
        self.words.set("health-cmd", command);
        self
    }

    /// Time between health checks; Docker's default is 30 s (`--health-interval`).
    pub fn health_interval(mut self, interval: impl Into<Time>) -> Self {
        self.words.set("health-interval", interval.into());
        self
    }

    /// The most time for one health check; Docker's default is 30 s (`--health-timeout`).
    pub fn health_timeout(mut self, limit: impl Into<Time>) -> Self {
        self.words.set("health-timeout", limit.into());
        self
    }

    /// Time in which failed checks do not count; Docker's default is 0 (`--health-start-period`).
    pub fn health_start_period(mut self, period: impl Into<Time>) -> Self {
        self.words.set("health-start-period", period.into());
        self
    }

    /// Time between health checks during the start period; Docker's default is 5 s (`--health-start-interval`; version 1.44
    /// of the engine's API).
    pub fn health_start_interval(mut self, interval: impl Into<Time>) -> Self {
        self.words.set("health-start-interval", interval.into());
        self
    }

    /// How many failed checks in a row make it unhealthy; Docker's default is 3 (`--health-retries`).
    pub fn health_retries(mut self, retries: u32) -> Self {
        self.words.set("health-retries", retries.to_string());
        self
    }

    /// Without the image's health check (`--no-healthcheck`).
    pub fn no_healthcheck(mut self) -> Self {
        self.words.switch("no-healthcheck", true);
        self
    }
}

/// The end, and what is written down of it.
impl ContainerRequest {
    /// Has the engine remove the container when it ends by itself (`--rm`). Its last output and exit code are still
    /// told by the handle.
    pub fn rm(mut self, remove: bool) -> Self {
        self.words.switch("rm", remove);
        self
    }

    /// When the engine starts it again after its end: `"no"`, `"always"`, `"unless-stopped"`, `"on-failure"`, `"on-failure:3"`
    /// (`--restart`). One that ends before it is ready has failed to start all the same. Random host ports change when the engine
    /// starts it again, which the handle is not told: publish fixed ones, or a range.
    pub fn restart(mut self, policy: impl Into<String>) -> Self {
        self.words.set("restart", policy);
        self
    }

    /// Where its output is written, such as `"json-file"`, `"local"`, `"none"` (`--log-driver`). What the engine cannot read
    /// back from there (`none`, `syslog`, ..), log waits and `logs` cannot see either.
    pub fn log_driver(mut self, driver: impl Into<String>) -> Self {
        self.words.set("log-driver", driver);
        self
    }

    /// An option of the log driver, such as `("max-size", "10m")` (`--log-opt`).
    pub fn log_opt(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.words.push_named("log-opt", name.as_ref(), value.as_ref());
        self
    }
}
