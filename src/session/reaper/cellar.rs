//! What processes of one user tell each other of snapshots, as files in a folder of their own: a lock, the last use and the last
//! failure of each key. The folder lies beside those of the sessions and outlives them, as snapshots do.

use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use super::folder::{Folder, Lock};

/// The files of this user.
#[derive(Debug)]
pub(in crate::session) struct Cellar {
    folder: Folder,
}

impl Cellar {
    pub(in crate::session) fn open() -> Option<Self> {
        Some(Cellar { folder: Folder::beside_sessions("snapshots") })
    }

    /// Waits for the lock of a key, making the folder if need be.
    pub(in crate::session) fn lock(&self, key: &str) -> Result<Lock, String> {
        self.folder.lock_of(&lock(key))
    }

    /// It was used just now.
    pub(in crate::session) fn used(&self, key: &str) {
        // Without it, the snapshot is as old as its image is.
        if self.folder.make().is_ok() {
            let _ = self.folder.replace(&used(key), b"");
        }
    }

    pub(in crate::session) fn last_use(&self, key: &str) -> Option<SystemTime> {
        fs::metadata(self.path(&used(key))).and_then(|file| file.modified()).ok()
    }

    /// Notes what became of the last try to make it: nothing is no failure.
    pub(in crate::session) fn note(&self, key: &str, failure: &str) -> Result<(), String> {
        let path = self.path(&failed(key));
        match failure.is_empty() {
            true => {
                let _ = fs::remove_file(path);
                Ok(())
            }
            false => {
                let written = self.folder.replace(&failed(key), failure.as_bytes());
                written.map_err(|error| format!("`{}`: {error}", path.display()))
            }
        }
    }

    pub(in crate::session) fn failure(&self, key: &str) -> Option<String> {
        fs::read_to_string(self.path(&failed(key))).ok()
    }

    /// It is gone.
    pub(in crate::session) fn forget(&self, key: &str) {
        for name in [used(key), failed(key)] {
            let _ = fs::remove_file(self.path(&name));
        }
        self.folder.remove_lock_of(&lock(key));
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.file(name)
    }
}

fn lock(key: &str) -> String {
    format!("{key}.lock")
}

fn used(key: &str) -> String {
    format!("{key}.used")
}

fn failed(key: &str) -> String {
    format!("{key}.failed")
}
