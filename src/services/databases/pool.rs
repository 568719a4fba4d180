//! A few connections to one server, kept for all of the process: a server takes a hundred in all, and many processes share one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many are in use at once. On two processors two are as fast as four; each of many processes may have them.
const MOST: usize = 4;

/// After that long without use one is closed.
const IDLE_LIMIT: Duration = Duration::from_secs(5);

pub(super) struct Pool<C: Send + 'static> {
    permits: Arc<Semaphore>,
    idle: Arc<Mutex<Idle<C>>>,
}

struct Idle<C> {
    connections: Vec<(C, Instant)>,
    /// Whether somebody will look for those that have not been used.
    is_watched: bool,
}

impl<C: Send + 'static> Pool<C> {
    pub(super) fn new() -> Self {
        let idle = Idle { connections: Vec::new(), is_watched: false };
        Pool { permits: Arc::new(Semaphore::new(MOST)), idle: Arc::new(Mutex::new(idle)) }
    }

    /// The right to a connection, when there is one, and an idle connection that is `usable`.
    pub(super) async fn take(&self, usable: impl Fn(&C) -> bool) -> Lease<C> {
        let permit = self.permits.clone().acquire_owned().await.expect("it is never closed");
        let mut idle = lock(&self.idle);
        let mut connection = None;
        while let Some((found, _)) = idle.connections.pop() {
            if usable(&found) {
                connection = Some(found);
                break;
            }
        }
        drop(idle);
        Lease { connection, idle: self.idle.clone(), _permit: permit }
    }
}

/// The use of a connection; gives it back when it is dropped. On the I/O thread.
pub(super) struct Lease<C: Send + 'static> {
    pub(super) connection: Option<C>,
    idle: Arc<Mutex<Idle<C>>>,
    _permit: OwnedSemaphorePermit,
}

impl<C: Send + 'static> Drop for Lease<C> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let mut idle = lock(&self.idle);
        idle.connections.push((connection, Instant::now()));
        if !std::mem::replace(&mut idle.is_watched, true) {
            drop(crate::engine::io::spawn(close_unused(self.idle.clone())));
        }
    }
}

async fn close_unused<C>(shared: Arc<Mutex<Idle<C>>>) {
    loop {
        tokio::time::sleep(IDLE_LIMIT).await;
        let mut idle = lock(&shared);
        let unused: Vec<_>;
        (unused, idle.connections) = std::mem::take(&mut idle.connections)
            .into_iter()
            .partition(|(_, since)| since.elapsed() >= IDLE_LIMIT);
        let is_done = idle.connections.is_empty();
        idle.is_watched = !is_done;
        drop(idle);
        drop(unused);
        if is_done {
            return;
        }
    }
}

fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}
