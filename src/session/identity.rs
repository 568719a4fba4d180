//! This process as an owner of containers, and the test run that it is part of.

use std::env;
use std::fs;
use std::sync::OnceLock;

use crate::engine::io;

/// A process, told apart from every other one that ever had its number.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    fn here(pid: u32) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        let namespace = fs::read_link("/proc/self/ns/pid").ok();
        Process {
            boot: read("/proc/sys/kernel/random/boot_id"),
            pid_namespace: namespace
                .map(|link| link.to_string_lossy().into_owned())
                .unwrap_or_default(),
            pid,
            started: start_time(pid).unwrap_or_default(),
        }
    }

    /// Whether it has provably ended: seen from the same boot and pid namespace, its number is free or another's.
    pub(super) fn is_dead(&self) -> bool {
        let now = Process::here(self.pid);
        let comparable = !now.boot.is_empty()
            && now.boot == self.boot
            && !now.pid_namespace.is_empty()
            && now.pid_namespace == self.pid_namespace;
        comparable && now.started != self.started
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

/// When a process started, in clock ticks since boot (proc(5), field 22 of `stat`).
fn start_time(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is a name in parentheses that may hold anything.
    stat.rsplit_once(") ")?.1.split(' ').nth(19)?.parse().ok()
}

/// The test run: `LONGSHORE_SESSION`, else nextest's run, else the `cargo` that started us, else this process alone.
pub(super) fn session() -> &'static str {
    static SESSION: OnceLock<String> = OnceLock::new();
    SESSION.get_or_init(|| {
        let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        if let Some(session) = variable("LONGSHORE_SESSION") {
            return session;
        }
        if let Some(run) = variable("NEXTEST_RUN_ID") {
            return format!("nextest-{run}");
        }
        match parent().filter(|_| variable("CARGO").is_some()) {
            Some(pid) => {
                let process = Process::here(pid);
                format!("cargo-{pid}-{}", process.started)
            }
            None => {
                let process = Process::this();
                format!("process-{}-{}", process.pid, process.started)
            }
        }
    })
}

#[cfg(unix)]
fn parent() -> Option<u32> {
    Some(std::os::unix::process::parent_id())
}

#[cfg(not(unix))]
fn parent() -> Option<u32> {
    None
}

/// The test that is running, by the name that libtest gives its thread.
pub(super) fn test_name() -> Option<String> {
    let thread = std::thread::current();
    let name = thread.name()?;
    (name != "main" && !io::is_io_thread()).then(|| name.to_owned())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
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
    fn labels_that_are_not_ours_are_not_read() {
        for text in ["", "a/b/c/d", "a/b/1", "a/b/1/2/3"] {
            assert_eq!(Process::from_label(text), None);
        }
    }
}
