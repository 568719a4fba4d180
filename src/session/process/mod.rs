//! Processes, told apart from every other one that ever had their number, and whether one has provably ended.
//!
//! What only the system knows is in a file for each: `linux`, `macos`, `other`. Only looks; signals nobody.

#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(target_os = "macos", path = "macos.rs")]
#[cfg_attr(not(any(target_os = "linux", target_os = "macos")), path = "other.rs")]
mod system;

use std::path::PathBuf;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

/// A process, told apart from every other one that ever had its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Process {
    /// The boot of the machine; empty where the system does not tell.
    pub(super) boot: String,
    /// The pid namespace in which `pid` counts; empty where there are none.
    pub(super) pid_namespace: String,
    pub(super) pid: u32,
    /// When it started, in the system's own unit; 0 where it does not tell.
    pub(super) started: u64,
}

impl Process {
    pub(super) fn this() -> Self {
        Process::here(std::process::id())
    }

    /// The process `pid` of this machine, pid namespace and moment.
    pub(super) fn here(pid: u32) -> Self {
        let (boot, pid_namespace) = place().clone();
        let started = system::started(pid).unwrap_or_default();
        Process { boot, pid_namespace, pid, started }
    }

    /// Whether it has provably ended: seen from the same boot and pid namespace, its number is free or another's. One that
    /// only waits to be reaped by its parent has ended.
    pub(super) fn is_dead(&self) -> bool {
        if !self.is_comparable() {
            return false;
        }
        match system::started(self.pid) {
            Some(started) => started != self.started || system::is_zombie(self.pid),
            // Somebody else's may be hidden.
            None => system::is_free(self.pid),
        }
    }

    /// Whether its number means the same here.
    pub(super) fn is_comparable(&self) -> bool {
        let (boot, pid_namespace) = place();
        let has_namespaces = cfg!(target_os = "linux");
        !boot.is_empty()
            && *boot == self.boot
            && *pid_namespace == self.pid_namespace
            && pid_namespace.is_empty() != has_namespaces
            && self.started != 0
    }

    /// As a label's value: `boot/namespace/pid/started`.
    pub(super) fn to_label(&self) -> String {
        format!("{}/{}/{}/{}", self.boot, self.pid_namespace, self.pid, self.started)
    }

    pub(super) fn from_label(text: &str) -> Option<Self> {
        let mut parts = text.split('/');
        let (boot, pid_namespace) = (parts.next()?.to_owned(), parts.next()?.to_owned());
        let (pid, started) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        parts.next().is_none().then_some(Process { boot, pid_namespace, pid, started })
    }
}

/// The boot and the pid namespace that this process is in; neither changes.
fn place() -> &'static (String, String) {
    static PLACE: OnceLock<(String, String)> = OnceLock::new();
    PLACE.get_or_init(|| (system::boot(), system::pid_namespace()))
}

/// The program that a process runs, and where it was started from; nothing where the system does not tell.
pub(super) fn program(pid: u32) -> Option<PathBuf> {
    system::program(pid)
}

/// The parents of this process, nearest first.
pub(super) fn ancestors() -> impl Iterator<Item = u32> {
    // A parent may end meanwhile and its number be given away: that must not become a circle.
    const DEEP: usize = 64;
    let parent = |pid: &u32| system::parent(*pid).filter(|pid| *pid > 0);
    std::iter::successors(parent(&std::process::id()), parent).take(DEEP)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_process_is_dead_when_its_number_is_another_ones() {
        let mut this = Process::this();
        assert!(!this.is_dead());
        assert_eq!(Process::from_label(&this.to_label()), Some(this.clone()));
        this.started += 1;
        assert!(this.is_dead());
        this.boot = "another boot".into();
        assert!(!this.is_dead(), "of another boot nothing is known");
    }

    #[test]
    fn a_process_is_dead_before_its_parent_has_reaped_it() {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let process = Process::here(child.id());
        assert!(!process.is_dead());
        child.kill().unwrap();
        while !process.is_dead() {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(process.is_dead());
    }

    #[test]
    fn labels_that_are_not_ours_are_not_read() {
        for text in ["", "a/b/c/d", "a/b/1", "a/b/1/2/3"] {
            assert_eq!(Process::from_label(text), None);
        }
    }

    #[test]
    fn the_parents_begin_with_the_parent() {
        assert_eq!(ancestors().next(), Some(std::os::unix::process::parent_id()));
        assert!(program(std::process::id()).is_some_and(|path| path.is_absolute()));
    }
}
