//! The first process of a container, where it can be seen from here: on the engine's own machine, in its pid namespace.

use std::fs;

use super::target::Target;

/// What is seen of a container's first process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sight {
    /// It is there.
    Alive(u32),
    /// It has ended: the engine is about to say so.
    Gone,
    /// The engine's processes cannot be seen from here, or it is not known yet whether they can.
    Unknown,
}

/// Looks for the process that the engine named when the container had started.
pub(super) fn look(target: &Target) -> Sight {
    let engine = target.remote().engine();
    match target.started().pid().filter(|pid| is_of_container(*pid, target.id())) {
        Some(pid) => {
            engine.shares_processes();
            Sight::Alive(pid)
        }
        None if engine.is_seen_to_share_processes() => Sight::Gone,
        None => Sight::Unknown,
    }
}

/// Whether the process is in the container. Its number alone proves nothing: in another pid namespace it is another one.
pub(super) fn is_of_container(pid: u32, id: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/cgroup")).is_ok_and(|groups| groups.contains(id))
}

/// The state letter of a process (proc(5)); `None` when it is gone.
pub(super) fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}
