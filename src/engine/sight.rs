//! Whether the processes of an engine's containers can be seen under `/proc` here: then one that is not there has ended,
//! and what it listens on can be read.

#[cfg(target_os = "linux")]
use std::fs;

use super::endpoint::Endpoint;

/// Asks the socket who listens on it, without a call to the engine. `false` is "not known": the first container whose
/// process is seen may tell otherwise.
///
/// A process of another name may be a relay to another machine, as `ssh -L` is, and one in another pid namespace counts
/// its processes otherwise.
#[cfg(target_os = "linux")]
pub(super) async fn is_certain(endpoint: &Endpoint) -> bool {
    /// `systemd` opens the sockets of services that it starts on demand, on its own machine.
    const NAMES: [&str; 3] = ["dockerd", "podman", "systemd"];
    let Endpoint::Unix(path) = endpoint else { return false };
    let Ok(stream) = tokio::net::UnixStream::connect(path).await else { return false };
    let Some(pid) = stream.peer_cred().ok().and_then(|peer| peer.pid()) else { return false };
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    NAMES.contains(&name.trim()) && is_in_our_pid_namespace(&status)
}

/// `NSpid` in `/proc/PID/status` (proc(5)) has one number for each pid namespace from ours down to the process's own.
#[cfg(target_os = "linux")]
fn is_in_our_pid_namespace(status: &str) -> bool {
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    numbers.is_some_and(|numbers| numbers.split_ascii_whitespace().count() == 1)
}

#[cfg(not(target_os = "linux"))]
pub(super) async fn is_certain(_: &Endpoint) -> bool {
    false
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_in_a_namespace_below_ours_has_several_numbers() {
        assert!(is_in_our_pid_namespace("Name:\tdockerd\nNSpid:\t812\nNSsid:\t812\n"));
        assert!(!is_in_our_pid_namespace("Name:\tdockerd\nNSpid:\t812\t1\n"));
        assert!(!is_in_our_pid_namespace(""));
    }
}
