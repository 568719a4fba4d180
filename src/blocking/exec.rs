//! Streams without async: iterators over output, and a command's streams.

use crate::engine::{io, ExecStream as AsyncExecStream, LogFrame, LogStream};
use crate::error::Result;

/// Output as it is written: an iterator of frames that blocks until there is one and ends when the container does.
#[derive(Debug)]
pub struct Logs(LogStream);

impl Logs {
    pub(super) fn new(stream: LogStream) -> Self {
        Logs(stream)
    }
}

impl Iterator for Logs {
    type Item = Result<LogFrame>;

    fn next(&mut self) -> Option<Self::Item> {
        io::block_on(self.0.next_frame())
    }
}

/// A command that runs in a container, with its streams both ways.
#[derive(Debug)]
pub struct ExecStream(AsyncExecStream);

impl ExecStream {
    pub(super) fn new(stream: AsyncExecStream) -> Self {
        ExecStream(stream)
    }

    /// Writes to the command's standard input; needs [`Exec::interactive`](crate::Exec::interactive).
    ///
    /// # Errors
    ///
    /// When the input is closed.
    pub fn write(&mut self, bytes: impl Into<Vec<u8>>) -> Result<()> {
        io::block_on(self.0.input().write(bytes))
    }

    /// Ends the input: the command reads end of file.
    pub fn close_input(&mut self) {
        self.0.input().close();
    }

    /// The next frame of output; `None` when the command has closed it.
    ///
    /// # Errors
    ///
    /// When the engine fails.
    pub fn next_frame(&mut self) -> Result<Option<LogFrame>> {
        io::block_on(self.0.output().next_frame()).transpose()
    }

    /// Sets the size of the terminal, in characters.
    ///
    /// # Errors
    ///
    /// When the command has ended or has no terminal.
    pub fn resize(&self, columns: u16, rows: u16) -> Result<()> {
        io::block_on(self.0.resize(columns, rows))
    }

    /// Closes the input, reads the output that is left, and gives the exit code.
    ///
    /// # Errors
    ///
    /// When the engine fails.
    pub fn wait(self) -> Result<i64> {
        io::block_on(self.0.wait())
    }
}
