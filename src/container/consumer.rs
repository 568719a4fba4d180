//! Log consumers: user code, so each has a thread of its own and none can hold up the I/O thread or another.

use std::fmt;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::{self, UnboundedSender};

use crate::engine::LogFrame;
use crate::request::Consumer;

/// How long removing a container waits for consumers to have seen its last output.
const DRAIN_LIMIT: Duration = Duration::from_secs(5);

/// The consumers of one container. Dropping it waits for them.
#[derive(Default)]
pub(super) struct Consumers(Vec<Running>);

struct Running {
    thread: ThreadId,
    finished: Arc<Finished>,
}

impl Consumers {
    /// Starts each consumer, and gives the ends into which output is put. They finish when those are dropped.
    pub(super) fn start(consumers: Vec<Consumer>) -> (Self, Vec<UnboundedSender<LogFrame>>) {
        let (running, feeds) = consumers.into_iter().filter_map(start).unzip();
        (Consumers(running), feeds)
    }
}

/// Whether a consumer has seen everything.
#[derive(Default)]
struct Finished {
    is: Mutex<bool>,
    changed: Condvar,
}

/// Tells so when it is dropped, also by a panic.
struct TellFinished(Arc<Finished>);

impl Drop for TellFinished {
    fn drop(&mut self) {
        *self.0.is.lock().expect("nothing in the lock can panic") = true;
        self.0.changed.notify_all();
    }
}

fn start(mut consumer: Consumer) -> Option<(Running, UnboundedSender<LogFrame>)> {
    let (feed, mut frames) = mpsc::unbounded_channel();
    let finished = Arc::new(Finished::default());
    let tell = TellFinished(finished.clone());
    let work = move || {
        // A consumer that panics has finished too; the panic is its own affair.
        let _tell = tell;
        while let Some(frame) = frames.blocking_recv() {
            consumer(frame);
        }
    };
    match thread::Builder::new().name("longshore-log".into()).spawn(work) {
        Ok(handle) => Some((Running { thread: handle.thread().id(), finished }, feed)),
        Err(error) => {
            tracing::warn!(%error, "a log consumer could not be started");
            None
        }
    }
}

impl Drop for Consumers {
    fn drop(&mut self) {
        let deadline = Instant::now() + DRAIN_LIMIT;
        for consumer in &self.0 {
            // A consumer that drops the container itself would wait for itself.
            if consumer.thread == thread::current().id() {
                continue;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let is = consumer.finished.is.lock().expect("nothing in the lock can panic");
            drop(consumer.finished.changed.wait_timeout_while(is, left, |is| !*is));
        }
    }
}

impl fmt::Debug for Consumers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} log consumers", self.0.len())
    }
}
