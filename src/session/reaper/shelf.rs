//! The records of what a session shares, as files in its folder: one of each key, written by whoever has the lock of that key.
//!
//! Test processes read and write; the reaper takes all when the session is over.

use std::fs;
use std::path::PathBuf;

use super::super::shared::Record;
use super::folder::{Folder, Lock};

/// What all of these files are called with.
const KIND: &str = "shared";

/// The records of this process's session.
#[derive(Debug)]
pub(in crate::session) struct Shelf {
    folder: Folder,
    owner: String,
}

impl Shelf {
    /// In this folder; `owner` is whose end is the end of the session.
    pub(super) fn new(folder: Folder, owner: String) -> Self {
        Shelf { folder, owner }
    }

    /// The label of the owner of what is shared.
    pub(in crate::session) fn owner(&self) -> &str {
        &self.owner
    }

    /// Waits for the lock of a key.
    pub(in crate::session) fn lock(&self, key: &str) -> Result<Lock, String> {
        self.folder.lock_of(&format!("{KIND}-{key}.lock"))
    }

    pub(in crate::session) fn read(&self, key: &str) -> Option<Record> {
        read(&self.folder, key)
    }

    /// Replaces the record; only under its lock.
    pub(in crate::session) fn write(&self, key: &str, record: &Record) -> Result<(), String> {
        let told = |error: &dyn std::fmt::Display| {
            format!("`{}`: {error}", file(&self.folder, key).display())
        };
        let text = serde_json::to_vec(record).map_err(|error| told(&error))?;
        self.folder.replace(&name(key), &text).map_err(|error| told(&error))
    }
}

/// The record of a key, as it is now.
pub(super) fn read(folder: &Folder, key: &str) -> Option<Record> {
    serde_json::from_slice(&fs::read(file(folder, key)).ok()?).ok()
}

/// Takes all records: whoever comes now finds none. Under the folder's lock.
pub(super) fn take(folder: &Folder, _: &Lock) -> Vec<Record> {
    let files = folder.files(&format!("{KIND}-"));
    let records = files.iter().filter(|file| file.extension().is_some_and(|end| end == "json"));
    records
        .filter_map(|file| {
            let record = fs::read(file).ok().and_then(|text| serde_json::from_slice(&text).ok());
            let _ = fs::remove_file(file);
            record
        })
        .collect()
}

fn name(key: &str) -> String {
    format!("{KIND}-{key}.json")
}

fn file(folder: &Folder, key: &str) -> PathBuf {
    folder.file(&name(key))
}
