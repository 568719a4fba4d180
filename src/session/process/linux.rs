//! Processes as Linux tells of them, under `/proc` (proc(5)).

use std::fs;
use std::path::PathBuf;

/// Nothing where `/proc` is another pid namespace's: its numbers mean other processes.
pub(super) fn boot() -> String {
    let own = fs::read_link("/proc/self").unwrap_or_default();
    if own.to_str() != Some(std::process::id().to_string().as_str()) {
        return String::new();
    }
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

/// With the time namespace, where there is one: it has a clock of its own for when a process started.
pub(super) fn pid_namespace() -> String {
    let namespace = |kind: &str| {
        let link = fs::read_link(format!("/proc/self/ns/{kind}")).ok()?;
        Some(link.to_string_lossy().into_owned())
    };
    let Some(pid) = namespace("pid") else { return String::new() };
    [Some(pid), namespace("time")].into_iter().flatten().collect::<Vec<_>>().join(",")
}

/// When it started, in clock ticks since boot: field 22 of `stat`.
pub(super) fn started(pid: u32) -> Option<u64> {
    field(pid, 22)
}

pub(super) fn parent(pid: u32) -> Option<u32> {
    field(pid, 4)
}

/// Whether it has ended and its parent does not know yet. (When only the first thread of a process has ended, it looks the
/// same but for the number of threads.)
pub(super) fn is_zombie(pid: u32) -> bool {
    let state: Option<char> = field(pid, 3);
    let threads: Option<u32> = field(pid, 20);
    matches!(state, Some('Z' | 'X')) && threads.is_none_or(|threads| threads <= 1)
}

/// Whether no process has this number. One that may not be seen has.
#[expect(unsafe_code, reason = "the standard library cannot ask for a process without a signal")]
pub(super) fn is_free(pid: u32) -> bool {
    let Ok(pid) = libc::pid_t::try_from(pid) else { return false };
    // SAFETY: signal 0 is none; the call only looks whether it could be sent.
    let sent = unsafe { libc::kill(pid, 0) };
    pid > 0 && sent == -1 && std::io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH)
}

pub(super) fn program(pid: u32) -> Option<PathBuf> {
    let path = fs::read_link(format!("/proc/{pid}/exe")).ok()?;
    // So the kernel says that the file was replaced meanwhile.
    match path.to_str().and_then(|path| path.strip_suffix(" (deleted)")) {
        Some(path) => Some(path.into()),
        None => Some(path),
    }
}

/// One field of `stat`, counted from 1 as in the manual; from the third on.
fn field<T: std::str::FromStr>(pid: u32, number: usize) -> Option<T> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is a name in parentheses that may hold anything.
    stat.rsplit_once(") ")?.1.split(' ').nth(number - 3)?.parse().ok()
}
