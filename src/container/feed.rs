//! Reading a container's output into a transcript, for waits, for consumers, and for containers that the engine removes at
//! their end.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{Stream, StreamExt};

use crate::engine::{io, ApiError, LogFrame, LogOptions, Remote};
use crate::wait::Transcript;

/// The most time that the last output of a container that has ended may take.
pub(super) const LAST_OUTPUT_LIMIT: Duration = Duration::from_secs(5);

/// A task that reads a container's output.
#[derive(Debug)]
pub(super) struct Feed {
    transcript: Arc<Transcript>,
    task: Mutex<io::Aborting>,
}

impl Feed {
    /// Reads what a container writes that is attached to. It need not have started.
    pub(super) fn attached(
        mut output: impl Stream<Item = LogFrame> + Send + Unpin + 'static,
        transcript: Arc<Transcript>,
    ) -> Self {
        let into = transcript.clone();
        let task = io::spawn(async move {
            while let Some(frame) = output.next().await {
                into.push(frame);
            }
            into.end();
        });
        Feed { transcript, task: Mutex::new(task.abort_on_drop()) }
    }

    /// Reads the logs of a container that has started, from the first line on that stands behind `skip` bytes.
    pub(super) fn following(remote: &Remote, transcript: Arc<Transcript>, skip: usize) -> Self {
        let task = Mutex::new(follow(remote.clone(), transcript.clone(), skip));
        Feed { transcript, task }
    }

    pub(super) fn transcript(&self) -> &Arc<Transcript> {
        &self.transcript
    }

    /// Lets consumers have the last output before the container is removed, which would take it away: ends the container and
    /// reads to the end.
    pub(super) fn drain(&self, remote: &Remote) -> impl Future<Output = ()> + Send + 'static {
        let (remote, transcript) = (remote.clone(), self.transcript.clone());
        async move {
            if !transcript.has_consumers() {
                return;
            }
            let drained = async {
                let ending = remote.clone();
                // One that has ended cannot be killed, and that is as well.
                let _ = io::run(async move { ending.kill("SIGKILL").await }).await;
                transcript.ended().await;
            };
            io::timeout(LAST_OUTPUT_LIMIT, drained).await;
        }
    }

    /// Awaits the last output of a run that has ended. Gives the number of bytes that have come.
    pub(super) async fn ended(&self) -> usize {
        io::timeout(LAST_OUTPUT_LIMIT, self.transcript.ended()).await;
        self.transcript.total()
    }

    /// Goes on with the output of another run, after all of the last one's.
    pub(super) async fn resume(&self, remote: &Remote) {
        io::timeout(LAST_OUTPUT_LIMIT, self.transcript.ended()).await;
        // The engine keeps the output of all runs, one behind the other.
        let seen = self.transcript.resume();
        let task = follow(remote.clone(), self.transcript.clone(), seen);
        *self.task.lock().expect("nothing in the lock can panic") = task;
    }
}

fn follow(remote: Remote, into: Arc<Transcript>, mut skip: usize) -> io::Aborting {
    let task = io::spawn(async move {
        let read = async {
            let mut output = remote.stream_logs(&LogOptions::new()).await?;
            while let Some(frame) = output.next().await {
                if let Some(frame) = frame?.without_first(&mut skip) {
                    into.push(frame);
                }
            }
            Ok::<_, ApiError>(())
        };
        if let Err(error) = read.await {
            // Whoever waits for more is told that the output has ended.
            tracing::warn!(container = remote.name(), %error, "the output of the container broke off");
        }
        into.end();
    });
    task.abort_on_drop()
}

impl Drop for Feed {
    /// Consumers finish.
    fn drop(&mut self) {
        self.transcript.close();
    }
}
