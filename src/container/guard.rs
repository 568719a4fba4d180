//! The guard of one container: made before the container is, so that a lost reply, a failed copy, a failed start, a
//! cancelled future or a time-out removes it all the same.

use std::future::Future;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::{self, BoxFuture, FutureExt};
use hyper::Method;
use serde_json::{json, Value};
use tokio::sync::Mutex as AsyncMutex;

use super::handle::Container;
use super::phase::phase;
use crate::engine::{io, query, remove_by_id, ApiError, Engine};
use crate::error::Result;
use crate::session::{self, Exit};

/// The most time for a removal, with its retries.
const REMOVE_LIMIT: Duration = Duration::from_secs(30);

/// How long a dropped handle waits for that.
const DROP_LIMIT: Duration = Duration::from_secs(32);

/// How long removal waits for a create or start that is under way, so that it does not come too early.
const SETTLE_LIMIT: Duration = Duration::from_secs(15);

/// Removes its container when it is dropped, unless it was released.
#[derive(Debug)]
pub(crate) struct Guard(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    engine: Engine,
    instance: String,
    name: String,
    /// Whether a removal has begun.
    ended: AtomicBool,
    made: Mutex<Made>,
    /// Held by each call that must have ended before a removal makes sense.
    under_way: Arc<AsyncMutex<()>>,
}

/// What is known of the container.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Made {
    /// There is none: not asked for, refused, or removed.
    Nothing,
    /// It was asked for, and no answer was seen.
    Perhaps,
    Id(String),
    /// It is left running on purpose.
    Released,
    /// It could not be removed, and that was said.
    GivenUp,
}

impl Guard {
    pub(crate) fn new(engine: Engine, instance: String, name: String) -> Self {
        let inner = Arc::new(Inner {
            engine,
            instance,
            name,
            ended: AtomicBool::new(false),
            made: Mutex::new(Made::Nothing),
            under_way: Arc::new(AsyncMutex::new(())),
        });
        let weak = Arc::downgrade(&inner);
        if !session::at_exit(weak) {
            // The process is ending: nothing is made any more.
            inner.ended.store(true, Ordering::SeqCst);
        }
        Guard(inner)
    }

    /// `POST /containers/create`. Goes on when the caller is gone, and is then removed.
    pub(super) fn create(
        &self,
        path: String,
        body: Value,
    ) -> impl Future<Output = Result<String, ApiError>> + Send + 'static {
        let inner = self.0.clone();
        self.undisturbed(async move {
            if inner.ended.load(Ordering::SeqCst) {
                return Err(ApiError::Broken {
                    message: "the process is ending".into(),
                    connected: false,
                });
            }
            inner.set(Made::Perhaps);
            let answer = inner.engine.client().json(Method::POST, &path, Some(&body)).await;
            match &answer {
                Ok(answer) => {
                    let id = answer["Id"].as_str().unwrap_or_default().to_owned();
                    inner.set(Made::Id(id.clone()));
                    if inner.ended.load(Ordering::SeqCst) {
                        // So late that the removal has not waited for it.
                        drop(inner.remove_now().await);
                    }
                    Ok(id)
                }
                Err(error) => {
                    if !error.is_uncertain() {
                        inner.set(Made::Nothing);
                    }
                    Err(error.clone())
                }
            }
        })
    }

    /// Runs a call that must not be cut off, neither by its caller's end nor by a removal, such as a start.
    pub(super) fn undisturbed<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send + 'static {
        let under_way = self.0.under_way.clone();
        async move {
            let under_way = under_way.lock_owned().await;
            let task = io::spawn(async move {
                let _under_way = under_way;
                work.await
            });
            task.await
        }
    }

    /// Whether there is nothing to remove (any more).
    pub(super) fn is_done_with(&self) -> bool {
        self.0.is_done_with()
    }

    /// Leaves the container where it is.
    pub(super) fn release(&self) {
        self.0.set(Made::Released);
    }

    /// Removes the container and says how that went. What could not be removed is not tried again by `drop`.
    pub(super) fn remove(&self) -> impl Future<Output = Result<(), ApiError>> + Send + 'static {
        let inner = self.0.clone();
        io::spawn(async move { inner.remove().await })
    }
}

impl Inner {
    fn set(&self, made: Made) {
        *self.made.lock().expect("nothing in the lock can panic") = made;
    }

    fn made(&self) -> Made {
        self.made.lock().expect("nothing in the lock can panic").clone()
    }

    async fn remove(&self) -> Result<(), ApiError> {
        let removal = async {
            let _settled = tokio::time::timeout(SETTLE_LIMIT, self.under_way.lock()).await;
            self.ended.store(true, Ordering::SeqCst);
            self.remove_now().await
        };
        let span = tracing::info_span!("remove", container = self.name);
        let outcome = match tokio::time::timeout(REMOVE_LIMIT, phase(span, removal)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(ApiError::Late(REMOVE_LIMIT)),
        };
        if outcome.is_err() {
            self.set(Made::GivenUp);
        }
        outcome
    }

    async fn remove_now(&self) -> Result<(), ApiError> {
        let ids = match self.made() {
            Made::Nothing | Made::Released | Made::GivenUp => return Ok(()),
            Made::Id(id) => vec![id],
            Made::Perhaps => self.find().await?,
        };
        for id in ids {
            remove_by_id(&self.engine, &id).await?;
        }
        self.set(Made::Nothing);
        Ok(())
    }

    /// Nobody gets an error from a dropped handle, so it goes to the process's own standard error, which libtest does not
    /// capture.
    fn report(&self, what: &str) {
        tracing::error!(container = self.name, "{what}");
        let line = format!(
            "longshore: the container `{0}` {what}; `docker rm -fv {0}` removes it\n",
            self.name
        );
        let _ = std::io::stderr().write_all(line.as_bytes());
    }

    fn is_done_with(&self) -> bool {
        matches!(self.made(), Made::Nothing | Made::Released | Made::GivenUp)
    }

    /// The containers of a create call whose answer was never seen, by its label: a fixed name may be somebody else's. The
    /// engine may still be at it, so it is asked a few times.
    async fn find(&self) -> Result<Vec<String>, ApiError> {
        for pause in [100, 400, 1000] {
            let found = self.find_now().await?;
            if !found.is_empty() {
                return Ok(found);
            }
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        self.find_now().await
    }

    async fn find_now(&self) -> Result<Vec<String>, ApiError> {
        let label = format!("{}={}", session::INSTANCE, self.instance);
        let filters = json!({ "label": [label] }).to_string();
        let path = format!("/containers/json{}", query(&[("all", "1"), ("filters", &filters)]));
        let found = self.engine.client().json(Method::GET, &path, None).await?;
        let ids =
            found.as_array().into_iter().flatten().filter_map(|container| container["Id"].as_str());
        Ok(ids.map(str::to_owned).collect())
    }
}

impl Exit for Inner {
    fn remove_at_exit(self: Arc<Self>) -> BoxFuture<'static, ()> {
        async move {
            if let Err(error) = self.remove().await {
                self.report(&format!("could not be removed: {error}"));
            }
        }
        .boxed()
    }
}

impl Drop for Guard {
    /// Returns when the container is gone, or after half a minute; never panics.
    fn drop(&mut self) {
        if self.0.is_done_with() && self.0.under_way.try_lock().is_ok()
            || io::check_process().is_err()
        {
            return;
        }
        let inner = self.0.clone();
        let gone = io::wait_for(DROP_LIMIT, inner.remove_at_exit());
        if gone.is_none() && !io::is_io_thread() {
            self.0.report(&format!("was not removed in {DROP_LIMIT:?}"));
        }
    }
}

/// Removes many containers side by side, which takes about as long as the slowest one.
///
/// # Errors
///
/// The first failure; the others are told with it, and every container is tried.
///
/// # Examples
///
/// ```no_run
/// # async fn example(containers: Vec<longshore::Container>) -> longshore::Result<()> {
/// longshore::remove_all(containers).await
/// # }
/// ```
pub async fn remove_all(containers: impl IntoIterator<Item = Container>) -> Result<()> {
    let outcomes = future::join_all(containers.into_iter().map(Container::remove)).await;
    let mut failures = outcomes.into_iter().filter_map(Result::err);
    match failures.next() {
        None => Ok(()),
        Some(first) => Err(failures.fold(first, crate::Error::and_also)),
    }
}
