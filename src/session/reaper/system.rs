//! Calls of the kernel that the standard library has not. Unix only.

#![expect(unsafe_code, reason = "the standard library has none of these calls")]

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
#[cfg(target_os = "linux")]
use std::os::fd::{FromRawFd, OwnedFd};

/// The user that this process acts as.
pub(super) fn user() -> u32 {
    // SAFETY: takes nothing and cannot fail.
    unsafe { libc::geteuid() }
}

/// Takes an exclusive lock on an open file, waiting for it; closing the file gives it back (flock(2)).
pub(super) fn lock(file: &File) -> io::Result<()> {
    loop {
        // SAFETY: the descriptor is open for the length of the call.
        if unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX) } == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// The same, if nobody has it. Says whether it was taken.
pub(super) fn try_lock(file: &File) -> bool {
    // SAFETY: the descriptor is open for the length of the call.
    unsafe { libc::flock(file.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) == 0 }
}

/// Makes this process a daemon that nothing of its beginnings reaches. It has one thread; its descriptors 0 to 2 are its own.
/// The process that was started ends here, so that the one who started it has no child.
pub(super) fn detach() {
    close_inherited();
    // SAFETY: with one thread, the child is as whole as its parent. `_exit` runs no handlers of the program.
    match unsafe { libc::fork() } {
        // There may be no more processes than there are: then it stays a child of its test.
        0 | -1 => {}
        _ => exit_now(0),
    }
    // SAFETY: plain calls with constants; the path ends with a zero byte. A failure leaves things as they were.
    unsafe {
        libc::setsid();
        libc::chdir(c"/".as_ptr());
        libc::umask(0o077);
        // A write to somebody who has gone must be an error, and the terminal's signals are not for us.
        // And a log that may not grow is no reason to end.
        for signal in [libc::SIGPIPE, libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGXFSZ] {
            libc::signal(signal, libc::SIG_IGN);
        }
        // The rest as if nobody had changed anything.
        libc::signal(libc::SIGTERM, libc::SIG_DFL);
        libc::signal(libc::SIGCHLD, libc::SIG_DFL);
        let mut none = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut());
        #[cfg(target_os = "linux")]
        libc::prctl(libc::PR_SET_NAME, c"longshore".as_ptr());
    }
}

/// Ends this process without running what the program has registered for its end.
pub(super) fn exit_now(code: i32) -> ! {
    // SAFETY: ends the process.
    unsafe { libc::_exit(code) }
}

/// Closes every descriptor but the first three: the test's pipes and sockets, which would be held open.
fn close_inherited() {
    #[cfg(target_os = "linux")]
    {
        // SAFETY: nothing in this process, which has just begun, owns a descriptor behind 2.
        if unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) } == 0 {
            return;
        }
    }
    // SAFETY: as above; closing one that is not open does nothing.
    unsafe {
        let limit = libc::sysconf(libc::_SC_OPEN_MAX).clamp(256, 65_536);
        for descriptor in 3..limit as libc::c_int {
            libc::close(descriptor);
        }
    }
}

/// A descriptor that can be read as soon as the process has ended (pidfd_open(2), Linux 5.3).
#[cfg(target_os = "linux")]
pub(super) fn process_descriptor(pid: u32) -> io::Result<OwnedFd> {
    // SAFETY: takes two numbers.
    let descriptor = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    match i32::try_from(descriptor) {
        // SAFETY: the kernel has just opened it for us.
        Ok(descriptor) if descriptor >= 0 => Ok(unsafe { OwnedFd::from_raw_fd(descriptor) }),
        _ => Err(io::Error::last_os_error()),
    }
}
