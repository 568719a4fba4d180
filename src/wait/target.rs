//! The container as a wait sees it.

use std::fmt;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use super::transcript::Transcript;
use crate::engine::{
    io, Address, ContainerPortSpec, ExecOutput, ExitState, ExitWatch, Host, Inspect, LogFrame,
    LogOptions, LogStream, Ports, Remote,
};
use crate::error::Result;
use crate::request::Exec;

/// A container that is being waited for. Cheap to clone; it keeps nothing alive.
#[derive(Clone)]
pub struct Target {
    remote: Remote,
    host: Host,
    ports: Arc<RwLock<Ports>>,
    /// What the engine said right after the start.
    started: Arc<Inspect>,
    exit: ExitWatch,
    transcript: Arc<Transcript>,
}

impl Target {
    pub(crate) fn new(
        remote: Remote,
        host: Host,
        ports: Arc<RwLock<Ports>>,
        started: Inspect,
        exit: ExitWatch,
        transcript: Arc<Transcript>,
    ) -> Self {
        Target { remote, host, ports, started: Arc::new(started), exit, transcript }
    }

    /// The container's full id.
    pub fn id(&self) -> &str {
        self.remote.id()
    }

    /// The container's name.
    pub fn name(&self) -> &str {
        self.remote.name()
    }

    /// The image, as the request named it.
    pub fn image(&self) -> &str {
        self.remote.image()
    }

    /// Where a published port is reached.
    ///
    /// # Errors
    ///
    /// When the port is malformed or not published.
    pub fn address(&self, port: impl ContainerPortSpec) -> Result<Address> {
        Ok(self.addresses(port)?.remove(0))
    }

    /// Every address of a published port, IPv4 first.
    ///
    /// # Errors
    ///
    /// When the port is malformed or not published.
    pub fn addresses(&self, port: impl ContainerPortSpec) -> Result<Vec<Address>> {
        self.published().addresses(port.container_port()?, &self.host)
    }

    /// Runs a command in the container to its end.
    ///
    /// # Errors
    ///
    /// When it cannot be run; an exit code other than 0 is not an error.
    pub async fn exec(&self, command: impl Into<Exec>) -> Result<ExecOutput> {
        self.remote.exec(command.into()).await
    }

    /// The container's output from its first line on, as it is written.
    ///
    /// # Errors
    ///
    /// When the engine fails.
    pub async fn follow_logs(&self) -> Result<LogStream> {
        self.remote.follow_logs(LogOptions::new()).await
    }

    /// Asks the engine for the container's state.
    ///
    /// # Errors
    ///
    /// When the engine fails or the container is gone.
    pub async fn inspect(&self) -> Result<Inspect> {
        self.remote.inspect().await
    }

    /// The exit code, once the container has ended.
    pub fn exit_code(&self) -> Option<i64> {
        match self.exit.now() {
            ExitState::Exited(code) => Some(code),
            _ => None,
        }
    }

    /// Sleeps, under any executor.
    pub async fn sleep(&self, time: Duration) {
        io::sleep(time).await;
    }

    pub(super) fn remote(&self) -> &Remote {
        &self.remote
    }

    pub(super) fn published(&self) -> Ports {
        self.ports.read().expect("ports are only ever set whole").clone()
    }

    pub(crate) fn started(&self) -> &Inspect {
        &self.started
    }

    pub(crate) fn exit(&self) -> &ExitWatch {
        &self.exit
    }

    pub(super) async fn next_output(&self, from: &mut usize) -> Vec<LogFrame> {
        self.transcript.next_frames(from).await
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({} of {})", self.name(), self.image())
    }
}
