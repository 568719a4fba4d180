//! Where there are no Unix sockets there is no reaper yet: what a killed process leaves stays until another run sweeps it away.
//! Removal on drop and at the end of the process are the same as everywhere. Not tried on a machine.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use super::cleanup;
use super::shared::Record;
use super::startup::Start;
use crate::engine::{io, Engine};
use crate::report::Subject;

/// Nothing has to be begun.
pub(crate) fn begin() {}

/// Before something is made on an engine: the first time, it is swept.
pub(super) async fn announce(engine: &Engine, _: &str, _: Option<&str>) {
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
pub(crate) async fn used_shared(_: &str, _: &str, _: &str, _: Duration) {}

/// What a session shares between its processes; there is none, and each process has its own.
#[derive(Debug)]
pub(super) enum Shelf {}

/// Held by nobody.
#[derive(Debug)]
pub(super) enum Lock {}

pub(super) async fn shelf() -> Option<Shelf> {
    None
}

impl Shelf {
    pub(super) fn owner(&self) -> &str {
        match *self {}
    }

    pub(super) fn lock(&self, _: &str) -> Result<Lock, String> {
        match *self {}
    }

    pub(super) fn read(&self, _: &str) -> Option<Record> {
        match *self {}
    }

    pub(super) fn write(&self, _: &str, _: &Record) -> Result<(), String> {
        match *self {}
    }
}

/// What processes tell each other of snapshots: nothing.
#[derive(Debug)]
pub(super) enum Cellar {}

impl Cellar {
    pub(super) fn open() -> Option<Self> {
        None
    }

    pub(super) fn lock(&self, _: &str) -> Result<Lock, String> {
        match *self {}
    }

    pub(super) fn used(&self, _: &str) {
        match *self {}
    }

    pub(super) fn last_use(&self, _: &str) -> Option<SystemTime> {
        match *self {}
    }

    pub(super) fn note(&self, _: &str, _: &str) -> Result<(), String> {
        match *self {}
    }

    pub(super) fn failure(&self, _: &str) -> Option<String> {
        match *self {}
    }

    pub(super) fn forget(&self, _: &str) {
        match *self {}
    }
}

/// Nobody listens.
pub(super) fn is_served(_: &str) -> bool {
    false
}
