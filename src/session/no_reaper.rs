//! Where there are no Unix sockets there is no reaper yet: what a killed process leaves stays until another run sweeps it away.
//! Removal on drop and at the end of the process are the same as everywhere. Not tried on a machine.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use super::cleanup;
use super::startup::Start;
use crate::engine::{io, Engine};
use crate::report::Subject;

/// Nothing has to be begun.
pub(crate) fn begin() {}

/// Before something is made on an engine: the first time, it is swept.
pub(super) async fn announce(engine: &Engine, _: &str) {
    static SWEPT: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    if cleanup::is_unasked() && SWEPT.lock().is_ok_and(|mut swept| swept.insert(engine.address())) {
        let engine = engine.clone();
        drop(io::spawn(async move { cleanup::of_dead_owners(&engine).await }));
    }
}

/// Nobody has to be told.
pub(super) async fn settled(_: &str) {}

/// Nobody has to be told.
pub(super) async fn gone(_: &str) {}

/// Nobody has to be told.
pub(super) async fn fixture(_: &Engine, _: &str, _: Subject) {}

/// Nobody has to be told.
pub(super) async fn judged(_: &str) {}

/// Nobody has to be told.
pub(crate) fn started(_: Start) {}

/// Nobody has to be told.
pub(crate) fn used_shared(_: &str, _: &str, _: &str, _: Duration) {}
