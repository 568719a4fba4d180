//! More streams without async: what is attached to, samples of what a container uses, an archive.

use crate::container::{ExportStream, Stats, StatsStream};
use crate::engine::{io, AttachStream as AsyncAttachStream, LogFrame};
use crate::error::Result;

/// The streams of a container's first process, both ways. Dropping it detaches: the container goes on.
#[derive(Debug)]
pub struct AttachStream(AsyncAttachStream);

impl AttachStream {
    pub(super) fn new(stream: AsyncAttachStream) -> Self {
        AttachStream(stream)
    }

    /// Writes to the container's standard input; see [`AttachInput::write`](crate::AttachInput::write).
    ///
    /// # Errors
    ///
    /// When the container takes no input, or it is closed.
    pub fn write(&mut self, bytes: impl Into<Vec<u8>>) -> Result<()> {
        io::block_on(self.0.input().write(bytes))
    }

    /// Ends the input; see [`AttachInput::close`](crate::AttachInput::close) for the containers to which that can be told.
    ///
    /// # Errors
    ///
    /// When the container would not read the end.
    pub fn close_input(&mut self) -> Result<()> {
        self.0.input().close()
    }

    /// The next frame of output; `None` when the container has ended.
    ///
    /// # Errors
    ///
    /// When the engine fails.
    pub fn next_frame(&mut self) -> Result<Option<LogFrame>> {
        io::block_on(self.0.output().next_frame()).transpose()
    }

    /// Sets the size of the container's terminal, in characters.
    ///
    /// # Errors
    ///
    /// When the container has ended or has no terminal.
    pub fn resize(&self, columns: u16, rows: u16) -> Result<()> {
        io::block_on(self.0.resize(columns, rows))
    }
}

/// What a container uses: an iterator that blocks until the next sample, about a second, and ends when the container does.
#[derive(Debug)]
pub struct StatsSamples(StatsStream);

impl StatsSamples {
    pub(super) fn new(stream: StatsStream) -> Self {
        StatsSamples(stream)
    }
}

impl Iterator for StatsSamples {
    type Item = Result<Stats>;

    fn next(&mut self) -> Option<Self::Item> {
        io::block_on(self.0.next_sample())
    }
}

/// A tar archive as it comes: an iterator of pieces of bytes.
#[derive(Debug)]
pub struct Export(ExportStream);

impl Export {
    pub(super) fn new(stream: ExportStream) -> Self {
        Export(stream)
    }
}

impl Iterator for Export {
    type Item = Result<Vec<u8>>;

    fn next(&mut self) -> Option<Self::Item> {
        io::block_on(self.0.next_piece())
    }
}
