//! What a container has written: `docker logs`; and its streams both ways: `docker attach`.

use std::future::Future;

use super::handle::Container;
use crate::engine::{joined, Attach, AttachStream, LogFrame, LogOptions, LogStream};
use crate::error::Result;

impl Container {
    /// All output until now, both streams in the order in which the engine noted them, as text. What is not UTF-8 becomes
    /// `U+FFFD`.
    ///
    /// # Errors
    ///
    /// When the engine fails.
    pub async fn logs(&self) -> Result<String> {
        let frames = self.logs_with(LogOptions::new()).await?;
        let bytes = joined(&frames);
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// A part of the output until now, as frames.
    ///
    /// Of a container that the engine has removed at its end (`rm`), the last mebibyte is told, whatever the options.
    ///
    /// # Errors
    ///
    /// When the engine fails.
    pub async fn logs_with(&self, options: LogOptions) -> Result<Vec<LogFrame>> {
        let read = self
            .remote
            .call("asked for its output", |remote| async move { remote.read_logs(&options).await });
        match (read.await, self.feed.get()) {
            (Err(error), Some(feed))
                if self.removes_itself
                    && (error.is_not_found() || error.engine_status() == Some(409)) =>
            {
                feed.transcript().ended().await;
                Ok(feed.transcript().frames())
            }
            (outcome, _) => outcome,
        }
    }

    /// The output from the first line on, as it is written (`docker logs --follow`); ends when the container does.
    ///
    /// # Errors
    ///
    /// When the engine fails.
    pub fn follow_logs(&self) -> impl Future<Output = Result<LogStream>> + Send + 'static {
        self.follow_logs_with(LogOptions::new())
    }

    /// A part of the output, and from now on.
    ///
    /// # Errors
    ///
    /// When the engine fails.
    pub fn follow_logs_with(
        &self,
        options: LogOptions,
    ) -> impl Future<Output = Result<LogStream>> + Send + 'static {
        let remote = self.remote.clone();
        async move { remote.follow_logs(options).await }
    }

    /// Its streams both ways (`docker attach`): what its first process writes from now on, and its input. Dropping the stream
    /// detaches, and the container goes on.
    ///
    /// A container that was created and not started yet can be attached to as well: so nothing of its output is missed.
    ///
    /// # Errors
    ///
    /// When it has ended ([`is_exited`](crate::Error::is_exited)) or is paused.
    pub fn attach(
        &self,
        attach: Attach,
    ) -> impl Future<Output = Result<AttachStream>> + Send + 'static {
        let remote = self.remote.clone();
        async move { remote.attach(attach).await }
    }
}
