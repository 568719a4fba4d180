//! The blocking handle: the verbs of [`crate::Container`], awaited on the calling thread. Those that a test needs less often
//! are in `more`.

use std::path::Path;
use std::time::Duration;

use super::exec::{ExecStream, Logs};
use super::start::with_runtime_if;
use crate::engine::{
    io, Address, ContainerPortSpec, Engine, ExecOutput, Inspect, LogFrame, LogOptions,
};
use crate::error::Result;
use crate::request::{CopyIn, CopySource, Exec};
use crate::session::Kept;

/// A container that is this handle's own, without async: dropping the handle removes it. See [`crate::Container`], which
/// has the same verbs.
#[derive(Debug)]
#[must_use = "a container is removed as soon as its handle is dropped"]
pub struct Container(pub(super) crate::Container);

impl Container {
    pub(crate) fn new(container: crate::Container) -> Self {
        Container(container)
    }

    /// The async handle of the same container, from a reference.
    pub(crate) fn as_async(&self) -> &crate::Container {
        &self.0
    }

    /// The same to be changed.
    pub(crate) fn as_async_mut(&mut self) -> &mut crate::Container {
        &mut self.0
    }

    /// The async handle of the same container.
    pub fn into_async(self) -> crate::Container {
        self.0
    }

    /// The full id, 64 hexadecimal digits.
    pub fn id(&self) -> &str {
        self.0.id()
    }

    /// The name: the request's, or a random one that begins with `longshore-`.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// The image, as the request named it.
    pub fn image(&self) -> &str {
        self.0.image()
    }

    /// As [`Container::is_shared`](crate::Container::is_shared).
    pub fn is_shared(&self) -> bool {
        self.as_async().is_shared()
    }

    /// The engine it runs on.
    pub fn engine(&self) -> &Engine {
        self.0.engine()
    }

    /// Where a published port is reached; see [`crate::Container::address`].
    ///
    /// # Errors
    ///
    /// When the port is malformed or not published.
    pub fn address(&self, port: impl ContainerPortSpec) -> Result<Address> {
        self.0.address(port)
    }

    /// Every address of a published port, IPv4 first.
    ///
    /// # Errors
    ///
    /// When the port is malformed or not published.
    pub fn addresses(&self, port: impl ContainerPortSpec) -> Result<Vec<Address>> {
        self.0.addresses(port)
    }

    /// Asks the engine for the container's state (`docker inspect`).
    ///
    /// # Errors
    ///
    /// When the engine fails or the container is gone.
    pub fn inspect(&self) -> Result<Inspect> {
        io::block_on(self.0.inspect())
    }

    /// Runs a command in the container to its end; see [`crate::Container::exec`].
    ///
    /// # Errors
    ///
    /// When it cannot be run. An exit code other than 0 is not an error.
    pub fn exec(&self, command: impl Into<Exec>) -> Result<ExecOutput> {
        io::block_on(self.0.exec(command))
    }

    /// Starts a command and gives its streams, both ways; see [`crate::Container::exec_stream`].
    ///
    /// # Errors
    ///
    /// When it cannot be run.
    pub fn exec_stream(&self, command: impl Into<Exec>) -> Result<ExecStream> {
        io::block_on(self.0.exec_stream(command)).map(ExecStream::new)
    }

    /// Copies a file, a folder or bytes into the container; see [`crate::Container::copy_to`].
    ///
    /// # Errors
    ///
    /// When the source cannot be read or the engine cannot write.
    pub fn copy_to(&self, source: impl Into<CopySource>, target: impl Into<String>) -> Result<()> {
        io::block_on(self.0.copy_to(source, target))
    }

    /// As [`copy_to`](Container::copy_to), with mode and owner.
    ///
    /// # Errors
    ///
    /// When the source cannot be read or the engine cannot write.
    pub fn copy(&self, copy: CopyIn) -> Result<()> {
        io::block_on(self.0.copy(copy))
    }

    /// Copies a file or a folder out of the container; see [`crate::Container::copy_from`].
    ///
    /// # Errors
    ///
    /// When there is no such path or the target cannot be written.
    pub fn copy_from(&self, source: &str, target: impl AsRef<Path>) -> Result<()> {
        io::block_on(self.0.copy_from(source, target))
    }

    /// The content of a file in the container, running or stopped.
    ///
    /// # Errors
    ///
    /// When there is no such file.
    pub fn read_file(&self, path: &str) -> Result<Vec<u8>> {
        io::block_on(self.0.read_file(path))
    }

    /// All output until now as text; see [`crate::Container::logs`].
    ///
    /// # Errors
    ///
    /// When the engine fails.
    pub fn logs(&self) -> Result<String> {
        io::block_on(self.0.logs())
    }

    /// A part of the output until now, as frames.
    ///
    /// # Errors
    ///
    /// When the engine fails.
    pub fn logs_with(&self, options: LogOptions) -> Result<Vec<LogFrame>> {
        io::block_on(self.0.logs_with(options))
    }

    /// The output from the first line on, as it is written; ends when the container does.
    ///
    /// # Errors
    ///
    /// When the engine fails.
    pub fn follow_logs(&self) -> Result<Logs> {
        self.follow_logs_with(LogOptions::new())
    }

    /// A part of the output, and from now on.
    ///
    /// # Errors
    ///
    /// When the engine fails.
    pub fn follow_logs_with(&self, options: LogOptions) -> Result<Logs> {
        io::block_on(self.0.follow_logs_with(options)).map(Logs::new)
    }

    /// Starts it after it was created, or again after it has stopped; see [`crate::Container::start`].
    ///
    /// # Errors
    ///
    /// When the engine cannot start it; at the first start also when it ends or is not ready in time.
    pub fn start(&self) -> Result<()> {
        with_runtime_if(self.0.awaits_users_waits(), || io::block_on(self.0.start()))
    }

    /// Stops it politely; see [`crate::Container::stop`].
    ///
    /// # Errors
    ///
    /// When the engine fails.
    pub fn stop(&self) -> Result<()> {
        io::block_on(self.0.stop())
    }

    /// Stops it with another time-out; see [`crate::Container::stop_within`].
    ///
    /// # Errors
    ///
    /// When the engine fails.
    pub fn stop_within(&self, limit: Duration) -> Result<()> {
        io::block_on(self.0.stop_within(limit))
    }

    /// Stops it with another signal; see [`crate::Container::stop_with`].
    ///
    /// # Errors
    ///
    /// When the engine fails or does not know the signal.
    pub fn stop_with(&self, signal: &str, limit: Duration) -> Result<()> {
        io::block_on(self.0.stop_with(signal, limit))
    }

    /// Stops it and starts it again; see [`crate::Container::restart`].
    ///
    /// # Errors
    ///
    /// When the engine fails.
    pub fn restart(&self) -> Result<()> {
        io::block_on(self.0.restart())
    }

    /// Sends a signal to its first process; see [`crate::Container::kill`].
    ///
    /// # Errors
    ///
    /// When it does not run or the signal is unknown.
    pub fn kill(&self, signal: &str) -> Result<()> {
        io::block_on(self.0.kill(signal))
    }

    /// Freezes all of its processes.
    ///
    /// # Errors
    ///
    /// When it does not run or the engine cannot freeze.
    pub fn pause(&self) -> Result<()> {
        io::block_on(self.0.pause())
    }

    /// Lets frozen processes go on.
    ///
    /// # Errors
    ///
    /// When it is not paused.
    pub fn unpause(&self) -> Result<()> {
        io::block_on(self.0.unpause())
    }

    /// Waits until it ends by itself and gives its exit code.
    ///
    /// # Errors
    ///
    /// When the engine fails.
    pub fn wait(&self) -> Result<i64> {
        io::block_on(self.0.wait())
    }

    /// Removes it now and says how that went; dropping the handle does the same.
    ///
    /// # Errors
    ///
    /// When the engine could not remove it.
    pub fn remove(self) -> Result<()> {
        io::block_on(self.0.remove())
    }

    /// Leaves it as it is, on purpose; see [`crate::Container::keep`].
    ///
    /// # Errors
    ///
    /// When the engine fails; the container is removed then, as by a drop.
    pub fn keep(self) -> Result<Kept> {
        io::block_on(self.0.keep())
    }
}

impl AsRef<crate::Container> for Container {
    fn as_ref(&self) -> &crate::Container {
        &self.0
    }
}

/// Removes many containers side by side; see [`crate::remove_all`].
///
/// # Errors
///
/// The first failure, with the others; every container is tried.
pub fn remove_all(containers: impl IntoIterator<Item = Container>) -> Result<()> {
    io::block_on(crate::remove_all(containers.into_iter().map(Container::into_async)))
}
