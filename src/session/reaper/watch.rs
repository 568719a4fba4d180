//! When has a process ended? Awaited where the kernel tells (Linux 5.3 and later), else asked twice a second.

use std::time::Duration;

use super::super::process::Process;

const PAUSE: Duration = Duration::from_millis(500);

/// Returns when `process` has ended; never for one of which that cannot be known.
pub(super) async fn ended(process: Process) {
    if !process.is_comparable() {
        return std::future::pending().await;
    }
    #[cfg(target_os = "linux")]
    if let Some(descriptor) = descriptor(process.pid) {
        // The number may have been another's already when it was opened.
        if !process.is_dead() && descriptor.readable().await.is_ok() {
            return;
        }
    }
    while !process.is_dead() {
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(target_os = "linux")]
fn descriptor(pid: u32) -> Option<tokio::io::unix::AsyncFd<std::os::fd::OwnedFd>> {
    let descriptor = super::system::process_descriptor(pid).ok()?;
    #[allow(
        deprecated,
        reason = "its successor is unsafe, for types that may give another descriptor later; this one cannot"
    )]
    tokio::io::unix::AsyncFd::new(descriptor).ok()
}
