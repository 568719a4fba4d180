//! Snapshots: whose turn it is to make the one of a key, in all processes of this user, when each was used, and how many may be.
//!
//! The lock goes back when its process ends, however that ends. Where there is no folder for it, or none can be made, each process
//! makes its own, and the one that was made last stays: that costs time and nothing else. Must not know what a snapshot is.

use std::collections::HashMap;
use std::env;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::SystemTime;

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

use super::identity::Session;
use super::reaper::{Cellar, Lock};
use crate::engine::{io, Engine};
use crate::error::{Error, Kind, Result};

const VARIABLE: &str = "LONGSHORE_SNAPSHOTS";

/// How many there may be on an engine if nothing else is said.
const DEFAULT_COUNT: usize = 20;

/// The place of one snapshot on one engine.
#[derive(Debug, Clone)]
pub(crate) struct SnapshotPlace {
    /// In the names of the files.
    key: String,
    cellar: Option<Arc<Cellar>>,
}

/// The right to make it.
#[derive(Debug)]
pub(crate) struct SnapshotTurn {
    _local: OwnedMutexGuard<()>,
    _lock: Option<Lock>,
}

static TURNS: LazyLock<Mutex<HashMap<String, Arc<AsyncMutex<()>>>>> = LazyLock::new(Mutex::default);

/// What has failed in this process, where there is nowhere to write it down.
static FAILURES: LazyLock<Mutex<HashMap<String, String>>> = LazyLock::new(Mutex::default);

impl SnapshotPlace {
    pub(crate) fn of(engine: &Engine, key: &str) -> Self {
        let hash = xxhash_rust::xxh3::xxh3_128(format!("{}\n{key}", engine.address()).as_bytes());
        SnapshotPlace { key: format!("{hash:032x}"), cellar: Cellar::open().map(Arc::new) }
    }

    /// Waits until nobody else makes it.
    ///
    /// # Errors
    ///
    /// When the folder cannot be used.
    pub(crate) async fn turn(&self) -> Result<SnapshotTurn, String> {
        let turns = || TURNS.lock().unwrap_or_else(PoisonError::into_inner);
        let local = turns().entry(self.key.clone()).or_default().clone();
        let local = local.lock_owned().await;
        let lock = match self.cellar.clone() {
            None => None,
            Some(cellar) => {
                let key = self.key.clone();
                // On a thread of its own, since the kernel wakes it: another process may be at it for minutes.
                let waiting =
                    io::run(async { tokio::task::spawn_blocking(move || cellar.lock(&key)).await });
                Some(waiting.await.map_err(|error| error.to_string()).and_then(|lock| lock)?)
            }
        };
        Ok(SnapshotTurn { _local: local, _lock: lock })
    }

    /// It was used just now.
    pub(crate) fn used(&self) {
        if let Some(cellar) = &self.cellar {
            cellar.used(&self.key);
        }
    }

    pub(crate) fn last_use(&self) -> Option<SystemTime> {
        self.cellar.as_ref()?.last_use(&self.key)
    }

    /// It is gone.
    pub(crate) fn forget(&self) {
        if let Some(cellar) = &self.cellar {
            cellar.forget(&self.key);
        }
    }

    /// Notes that it could not be made, so that it is not tried again and again in this test run; or that it was.
    pub(crate) fn note(&self, has_failed: bool) {
        let session = &Session::this().id;
        let mut failures = FAILURES.lock().unwrap_or_else(PoisonError::into_inner);
        match has_failed {
            true => drop(failures.insert(self.key.clone(), session.clone())),
            false => drop(failures.remove(&self.key)),
        }
        let Some(cellar) = &self.cellar else { return };
        if let Err(error) = cellar.note(&self.key, if has_failed { session } else { "" }) {
            tracing::debug!(error, "other processes will try to make the snapshot again");
        }
    }

    /// Whether somebody has tried in vain in this test run.
    pub(crate) fn has_failed(&self) -> bool {
        let session = Some(&Session::this().id);
        let failures = FAILURES.lock().unwrap_or_else(PoisonError::into_inner);
        let written = || self.cellar.as_ref().and_then(|cellar| cellar.failure(&self.key));
        failures.get(&self.key) == session || written().as_ref() == session
    }
}

/// How many snapshots there may be on an engine; `None` when none is to be made or used.
pub(crate) fn snapshot_limit() -> Option<usize> {
    // What cannot be one was refused before.
    limit(&env::var(VARIABLE).unwrap_or_default()).unwrap_or(Some(DEFAULT_COUNT))
}

/// Refuses a value of `LONGSHORE_SNAPSHOTS` that says nothing.
pub(super) fn check_limit() -> Result<()> {
    let word = env::var_os(VARIABLE).unwrap_or_default();
    limit(&word.to_string_lossy()).map(drop)
}

fn limit(word: &str) -> Result<Option<usize>> {
    match (word, word.parse()) {
        ("", _) => Ok(Some(DEFAULT_COUNT)),
        ("off", _) => Ok(None),
        (_, Ok(count)) if count > 0 => Ok(Some(count)),
        _ => {
            let what = format!("`{word}` is no number of snapshots");
            Err(Error::new(Kind::InvalidRequest, what)
                .fact("from", format!("the variable `{VARIABLE}`"))
                .hint("set it to `off` or to how many there may be, or unset it for 20"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_is_off_or_a_number() {
        let limits = ["", "off", "3"].map(|word| limit(word).unwrap());
        assert_eq!(limits, [Some(DEFAULT_COUNT), None, Some(3)]);
        assert_eq!(
            limit("0").unwrap_err().to_string(),
            "`0` is no number of snapshots\n  from: the variable `LONGSHORE_SNAPSHOTS`\n  hint: set it to `off` or to how many \
             there may be, or unset it for 20"
        );
        assert!(limit("none").is_err() && limit("-1").is_err());
    }
}
