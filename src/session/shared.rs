//! Containers that all of a test run share: where the one of a key is, and whose turn it is to make it.
//!
//! ```text
//! asker ── record: ready ─────────────────────────────> that one, if it lives
//! asker ── turn (one at a time, of all processes) ─┬──> record: ready    that one, if it lives
//!                                                  ├──> record: failed   while this one waited: the same error
//!                                                  └──> make it: claim, then ready or failed
//! ```
//!
//! The record and the lock are files in the session's folder, so that they are there for processes one after the other, and a
//! lock goes back when its process ends, however that ends. The reaper takes the records when the session is over, and removes
//! what they name. Without a reaper there is nobody to do so: then the record is this process's, and so is the container.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::cleanup;
use super::guard::Guard;
use super::identity::Session;
use super::labels::{instance, INSTANCE, KEEP, OWNER, SESSION, SHARED};
use super::reaper::{self, Lock, Shelf};
use crate::engine::{io, Engine};
use crate::error::{Error, Kind, Result, Told};

/// What is known of the container of one key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(super) engine: String,
    /// Each try to make it has one.
    attempt: String,
    /// Empty before there is anything on the engine.
    pub(crate) instance: String,
    pub(crate) state: State,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// Whoever made it is at it, or has died over it.
    Making,
    Ready {
        id: String,
        name: String,
    },
    Failed(Told),
}

impl Record {
    #[cfg_attr(not(unix), allow(dead_code, reason = "only a reaper asks"))]
    pub(super) fn is_ready_as(&self, instance: &str) -> bool {
        self.instance == instance && matches!(self.state, State::Ready { .. })
    }

    /// What the try that this is about has failed with, if it was under way or had not begun when `before` was read.
    pub(crate) fn failed_since(&self, before: Option<&Record>) -> Option<Error> {
        let State::Failed(told) = &self.state else { return None };
        (before != Some(self)).then(|| Error::from(told.clone()))
    }
}

/// The place of one key on one engine.
#[derive(Debug)]
pub(crate) struct Place {
    engine: Engine,
    key: String,
    shelf: Option<Arc<Shelf>>,
    local: Arc<Local>,
}

/// What this process has of it.
#[derive(Debug, Default)]
struct Local {
    turn: Arc<AsyncMutex<()>>,
    /// Only without a shelf.
    record: Mutex<Option<Record>>,
    /// Of the container, if it is this process's own. Never dropped: it goes at the end of the process.
    owner: Mutex<Option<Guard>>,
}

static LOCALS: LazyLock<Mutex<HashMap<String, Arc<Local>>>> = LazyLock::new(Mutex::default);

impl Place {
    /// The place of `key`, which says all that makes a container another one. This process holds a lease from now on, so that
    /// nobody takes away what is found there. On the I/O thread.
    pub(crate) async fn of(engine: Engine, key: &str) -> Place {
        let hash = xxhash_rust::xxh3::xxh3_128(format!("{}\n{key}", engine.address()).as_bytes());
        let key = format!("{hash:032x}");
        // Other processes are no part of a session that is one process, and come to no harm by one that has no reaper.
        let shelf = match Session::this().is_this_process() {
            true => None,
            false => reaper::shelf().await.map(Arc::new),
        };
        let local = lock(&LOCALS).entry(key.clone()).or_default().clone();
        Place { engine, key, shelf, local }
    }

    pub(crate) fn record(&self) -> Option<Record> {
        match &self.shelf {
            Some(shelf) => shelf.read(&self.key),
            None => lock(&self.local.record).clone(),
        }
    }

    /// Waits until nobody else makes it, in this process or another one.
    ///
    /// # Errors
    ///
    /// When the session's folder cannot be used.
    pub(crate) async fn turn(self) -> Result<Turn> {
        let local = self.local.turn.clone().lock_owned().await;
        let lock = match self.shelf.clone() {
            None => None,
            Some(shelf) => {
                let key = self.key.clone();
                // On a thread of its own, since the kernel wakes it: another process may be at it for minutes.
                let waiting =
                    io::run(async { tokio::task::spawn_blocking(move || shelf.lock(&key)).await });
                let locked = waiting.await.map_err(|error| error.to_string()).and_then(|lock| lock);
                Some(locked.map_err(|because| cannot_share(&because))?)
            }
        };
        let attempt = instance();
        Ok(Turn { place: self, attempt, instance: Mutex::default(), _local: local, _lock: lock })
    }
}

/// The right to make it. Dropped without [`Turn::ready`] or [`Turn::failed`], the next one in line finds that it was given up.
#[derive(Debug)]
pub(crate) struct Turn {
    place: Place,
    attempt: String,
    /// What was claimed last.
    instance: Mutex<String>,
    _local: OwnedMutexGuard<()>,
    _lock: Option<Lock>,
}

impl Turn {
    pub(crate) fn record(&self) -> Option<Record> {
        self.place.record()
    }

    /// Before anything is made.
    pub(crate) fn begin(&self) -> Result<()> {
        self.write(State::Making)
    }

    /// Before the create call of `instance`: its labels say that it is everybody's.
    pub(crate) fn claim(
        &self,
        instance: &str,
        labels: &mut BTreeMap<String, String>,
        guard: &Guard,
    ) -> Result<()> {
        if let Some(shelf) = &self.place.shelf {
            labels.insert(OWNER.to_owned(), shelf.owner().to_owned());
            labels.insert(SHARED.to_owned(), self.place.key.clone());
            // Whether a test has failed is not known of the one that made it; who fails marks it.
            labels.entry(KEEP.to_owned()).and_modify(|keep| {
                if keep == "failed" {
                    keep.clear();
                }
            });
            guard.share(&self.place.key);
        }
        instance.clone_into(&mut lock(&self.instance));
        self.write(State::Making)
    }

    /// Whether a container with these labels is what somebody left who had a turn before this one.
    pub(crate) fn is_leftover(&self, labels: &Value) -> bool {
        labels[SHARED] == self.place.key.as_str()
            && labels[SESSION] == Session::this().id.as_str()
            && labels[INSTANCE] != lock(&self.instance).as_str()
    }

    /// It is there for everybody from now on. Gives the guard of one who uses it.
    ///
    /// # Errors
    ///
    /// When that cannot be noted; its guard has removed it then.
    pub(crate) async fn ready(&self, guard: Guard, id: &str, name: &str) -> Result<Guard> {
        self.write(State::Ready { id: id.to_owned(), name: name.to_owned() })?;
        let instance = lock(&self.instance).clone();
        match self.place.shelf {
            Some(_) => guard.hand_over().await,
            None => drop(lock(&self.place.local.owner).replace(guard)),
        }
        Ok(Guard::of_shared(self.place.engine.clone(), instance, id, name))
    }

    pub(crate) fn failed(&self, error: &Error) {
        if let Err(error) = self.write(State::Failed(Told::from(error))) {
            tracing::debug!(%error, "those who wait do not get to know");
        }
    }

    /// Takes away what the record names, which is of no use any more. On the I/O thread.
    pub(crate) async fn remove(&self, record: &Record) {
        drop(lock(&self.place.local.owner).take());
        if record.instance.is_empty() {
            return;
        }
        if let Err(error) = cleanup::of_instance(&self.place.engine, &record.instance).await {
            // The reaper does it in the end.
            tracing::debug!(%error, "what is left of a shared container could not be removed");
        }
    }

    fn write(&self, state: State) -> Result<()> {
        let record = Record {
            engine: self.place.engine.address(),
            attempt: self.attempt.clone(),
            instance: lock(&self.instance).clone(),
            state,
        };
        match &self.place.shelf {
            Some(shelf) => {
                shelf.write(&self.place.key, &record).map_err(|error| cannot_share(&error))
            }
            None => {
                *lock(&self.place.local.record) = Some(record);
                Ok(())
            }
        }
    }
}

/// The guard of one who uses the container of a record that is ready.
pub(crate) fn guard_of(engine: &Engine, record: &Record, id: &str, name: &str) -> Guard {
    Guard::of_shared(engine.clone(), record.instance.clone(), id, name)
}

fn cannot_share(because: &str) -> Error {
    Error::new(
        Kind::NotReady,
        "the container cannot be shared with the other processes of the test run",
    )
    .fact("because", because)
    .hint("see to that folder; or let each process have its own: set `LONGSHORE_REAPER=off`")
}

fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}
