//! What an engine says of one container, with getters for what is asked often. No I/O.

use std::fmt;

use serde_json::Value;

/// What the engine says of a container (`docker inspect`), at the moment it was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspect {
    raw: Value,
}

/// The state of a container, as `docker inspect` calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ContainerState {
    /// Made, never started.
    Created,
    /// Running.
    Running,
    /// Frozen by `pause`.
    Paused,
    /// Between two runs.
    Restarting,
    /// Being removed.
    Removing,
    /// Ended.
    Exited,
    /// Could not be removed or stopped whole.
    Dead,
    /// Something this version does not know; see [`Inspect::raw`].
    Unknown,
}

impl ContainerState {
    /// From the engine's word: Docker's, or Podman's own.
    pub(crate) fn from_word(word: &str) -> Self {
        match word {
            "created" | "configured" | "initialized" => ContainerState::Created,
            "running" => ContainerState::Running,
            "paused" => ContainerState::Paused,
            "restarting" => ContainerState::Restarting,
            "removing" => ContainerState::Removing,
            "exited" | "stopped" => ContainerState::Exited,
            "dead" => ContainerState::Dead,
            _ => ContainerState::Unknown,
        }
    }

    /// Docker's word for it, such as `exited`.
    pub fn as_str(self) -> &'static str {
        match self {
            ContainerState::Created => "created",
            ContainerState::Running => "running",
            ContainerState::Paused => "paused",
            ContainerState::Restarting => "restarting",
            ContainerState::Removing => "removing",
            ContainerState::Exited => "exited",
            ContainerState::Dead => "dead",
            ContainerState::Unknown => "unknown",
        }
    }
}

impl fmt::Display for ContainerState {
    /// As [`ContainerState::as_str`].
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Inspect {
    pub(crate) fn new(raw: Value) -> Self {
        Inspect { raw }
    }

    /// Everything, as the engine gave it.
    pub fn raw(&self) -> &Value {
        &self.raw
    }

    fn text(&self, pointer: &str) -> &str {
        self.raw.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// The full id.
    pub fn id(&self) -> &str {
        self.text("/Id")
    }

    /// The name, without Docker's leading `/`.
    pub fn name(&self) -> &str {
        self.text("/Name").trim_start_matches('/')
    }

    /// The image's id.
    pub fn image_id(&self) -> &str {
        self.text("/Image")
    }

    /// The state.
    pub fn state(&self) -> ContainerState {
        ContainerState::from_word(self.text("/State/Status"))
    }

    /// Whether its process exists, running or paused.
    pub fn is_running(&self) -> bool {
        matches!(self.state(), ContainerState::Running | ContainerState::Paused)
    }

    /// The exit code of the last run; `None` while it runs or before it ran.
    pub fn exit_code(&self) -> Option<i64> {
        let ended = matches!(
            self.state(),
            ContainerState::Exited | ContainerState::Dead | ContainerState::Removing
        );
        self.raw.pointer("/State/ExitCode").and_then(Value::as_i64).filter(|_| ended)
    }

    /// Whether the kernel killed it for want of memory, as far as the engine has noticed: Docker may learn of it only after the
    /// end, and Docker 20.10 does not write it down then.
    pub fn oom_killed(&self) -> bool {
        self.raw.pointer("/State/OOMKilled") == Some(&Value::Bool(true))
    }

    /// Whether it may have only so much memory.
    pub(crate) fn has_memory_limit(&self) -> bool {
        self.raw.pointer("/HostConfig/Memory").and_then(Value::as_u64).is_some_and(|most| most > 0)
    }

    /// The process id of its first process, in the engine's view; `None` while it does not run.
    pub fn pid(&self) -> Option<u32> {
        let pid = self.raw.pointer("/State/Pid").and_then(Value::as_u64)?;
        u32::try_from(pid).ok().filter(|pid| *pid != 0)
    }

    /// Docker's word on the container's health: `starting`, `healthy` or `unhealthy`; `None` without a health check.
    pub fn health(&self) -> Option<&str> {
        let status = self.text("/State/Health/Status");
        let status =
            if status.is_empty() { self.text("/State/Healthcheck/Status") } else { status };
        Some(status).filter(|status| !status.is_empty() && *status != "none")
    }

    /// The command of its health check, as `["CMD", ..]` or `["CMD-SHELL", ..]`; empty without one.
    pub fn health_check(&self) -> Vec<&str> {
        let test = self.raw.pointer("/Config/Healthcheck/Test").and_then(Value::as_array);
        let test: Vec<_> = test.into_iter().flatten().filter_map(Value::as_str).collect();
        if test.first() == Some(&"NONE") {
            return Vec::new();
        }
        test
    }

    /// Its own addresses, by the name of the network they are on. They are reached from the engine's machine (not
    /// on Docker Desktop) and from other containers.
    pub fn ip_addresses(&self) -> Vec<(&str, std::net::IpAddr)> {
        let networks = self.raw.pointer("/NetworkSettings/Networks").and_then(Value::as_object);
        let mut addresses = Vec::new();
        for (name, network) in networks.into_iter().flatten() {
            for key in ["IPAddress", "GlobalIPv6Address"] {
                let address = network[key].as_str().and_then(|address| address.parse().ok());
                addresses.extend(address.map(|address| (name.as_str(), address)));
            }
        }
        addresses
    }
}
