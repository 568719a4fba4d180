//! What the suites ask the kernel for: signals, locks between processes, and what `/proc` tells. Signals go only to processes
//! that a test has started, by their number.

#![allow(dead_code, missing_docs, unreachable_pub, reason = "each suite uses a part of it")]
#![allow(unsafe_code, reason = "the standard library has no call for it")]

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

/// Sends a signal to one process.
pub fn signal(pid: u32, signal: i32) -> io::Result<()> {
    let pid = i32::try_from(pid).map_err(io::Error::other)?;
    assert!(pid > 1, "{pid} is no process of a test");
    // SAFETY: no memory is involved.
    outcome(unsafe { libc::kill(pid, signal) })
}

/// Sends a signal to the process group that a process leads.
pub fn signal_group(leader: u32, signal: i32) -> io::Result<()> {
    let leader = i32::try_from(leader).map_err(io::Error::other)?;
    assert!(leader > 1, "{leader} leads no group of a test");
    // SAFETY: no memory is involved.
    outcome(unsafe { libc::kill(-leader, signal) })
}

fn outcome(returned: i32) -> io::Result<()> {
    match returned {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// What is done on a signal: the address of the handler, or `SIG_DFL`, `SIG_IGN`.
pub fn disposition(signal: i32) -> usize {
    // SAFETY: zeroes are a value of that type, which outlives the call; nothing is set.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        assert_eq!(libc::sigaction(signal, std::ptr::null(), &raw mut action), 0);
        action.sa_sigaction
    }
}

/// Has `handler` called on a signal. It may do only what is allowed there.
pub fn handle(signal: i32, handler: extern "C" fn(i32)) {
    // SAFETY: zeroes are an empty mask without flags; the handler is a function that lives as long as the program.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = handler as usize;
        assert_eq!(libc::sigaction(signal, &raw const action, std::ptr::null_mut()), 0);
    }
}

/// A pipe that every program started from here inherits: reading and writing end.
pub fn inherited_pipe() -> (i32, i32) {
    let mut ends = [0; 2];
    // SAFETY: the array has room for two descriptors.
    assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0);
    (ends[0], ends[1])
}

/// Makes this thread alone another user's, until it ends: what it makes is that user's, and it has no rights left. Linux alone has
/// users of threads.
pub fn become_another_user_in_this_thread(uid: u32) {
    #[cfg(target_os = "linux")]
    // SAFETY: the system call itself, unlike `setresuid` of the C library, leaves the other threads alone.
    let changed = unsafe { libc::syscall(libc::SYS_setresuid, uid, uid, uid) };
    #[cfg(not(target_os = "linux"))]
    let changed = i64::from(uid);
    assert_eq!(changed, 0);
}

/// A program that is ended by what ends programs, although this one may have been started by one that ignores it (a shell does so
/// for what it runs in the background, and `nohup`).
pub fn begin_with_default_signals(command: &mut Command) {
    let reset = || {
        for signal in [libc::SIGINT, libc::SIGQUIT, libc::SIGHUP, libc::SIGTERM] {
            // SAFETY: plain numbers.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
        Ok(())
    };
    // SAFETY: between fork and exec, one call of the system that takes no lock and no memory.
    unsafe { command.pre_exec(reset) };
}

/// A program no file of which may become longer than this, as on a full disk.
pub fn begin_with_files_of_at_most(bytes: u64, command: &mut Command) {
    let limit = move || {
        let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
        // SAFETY: between fork and exec, two calls of the system that take no lock and no memory.
        unsafe {
            libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
            outcome(libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit))
        }
    };
    // SAFETY: see there.
    unsafe { command.pre_exec(limit) };
}

/// Whether this process may do anything.
pub fn is_root() -> bool {
    // SAFETY: no memory is involved.
    unsafe { libc::geteuid() == 0 }
}

/// Whether this process has the lock alone.
static IS_ALONE: AtomicBool = AtomicBool::new(false);

/// A lock between the processes of this test program, held until it is dropped.
#[derive(Debug)]
pub struct Lock(#[allow(dead_code, reason = "closing it unlocks")] File);

impl Drop for Lock {
    fn drop(&mut self) {
        IS_ALONE.store(false, Ordering::SeqCst);
    }
}

impl Lock {
    /// Whether nobody else has it, who might have left something on purpose.
    pub fn is_alone() -> bool {
        IS_ALONE.load(Ordering::SeqCst)
    }

    /// Held by any number at a time.
    pub fn shared() -> Self {
        Lock::take(libc::LOCK_SH)
    }

    /// Held by nobody else.
    pub fn alone() -> Self {
        let lock = Lock::take(libc::LOCK_EX);
        IS_ALONE.store(true, Ordering::SeqCst);
        lock
    }

    fn take(how: i32) -> Self {
        // The program's own file, so that none is left.
        let file = std::env::current_exe().and_then(File::open).expect("this program is a file");
        // SAFETY: the descriptor is open.
        while let Err(error) = outcome(unsafe { libc::flock(file.as_raw_fd(), how) }) {
            assert_eq!(error.kind(), io::ErrorKind::Interrupted, "{error}");
        }
        Lock(file)
    }
}

/// The numbers of all processes.
pub fn processes() -> Vec<u32> {
    let entries = fs::read_dir("/proc").expect("this is Linux");
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// The variables that a process was started with; none of one that has ended or is somebody else's.
pub fn environment(pid: u32) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    let variables = bytes.split(|byte| *byte == 0).filter(|variable| !variable.is_empty());
    variables.map(|variable| String::from_utf8_lossy(variable).into_owned()).collect()
}

/// A process as `/proc/PID/stat` tells it.
#[derive(Debug, Clone)]
pub struct Stat {
    pub name: String,
    pub state: char,
    pub parent: u32,
    pub group: u32,
    pub session: u32,
}

/// `None` of a process that there is not.
pub fn stat(pid: u32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (head, rest) = text.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    Some(Stat {
        name: head.split_once('(')?.1.to_owned(),
        state: fields.next()?.chars().next()?,
        parent: fields.next()?.parse().ok()?,
        group: fields.next()?.parse().ok()?,
        session: fields.next()?.parse().ok()?,
    })
}

/// Whether a process still runs: a zombie does not.
pub fn is_running(pid: u32) -> bool {
    stat(pid).is_some_and(|stat| stat.state != 'Z')
}

/// The children of a process that have ended and that it has not waited for.
pub fn zombies_of(parent: u32) -> Vec<Stat> {
    let all = processes().into_iter().filter_map(stat);
    all.filter(|stat| stat.parent == parent && stat.state == 'Z').collect()
}

/// A line of `/proc/PID/status`, without its name.
pub fn status(pid: u32, line: &str) -> Option<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let found = text.lines().find_map(|each| each.strip_prefix(line)?.strip_prefix(':'));
    found.map(|value| value.trim().to_owned())
}

/// The signals that this thread blocks, as a mask.
pub fn blocked_signals() -> String {
    let text = fs::read_to_string("/proc/thread-self/status").expect("this is Linux");
    let found = text.lines().find_map(|line| line.strip_prefix("SigBlk:"));
    found.expect("a mask").trim().to_owned()
}

/// What a process has open, by the names that the kernel gives: a path, `pipe:[..]`, `socket:[..]`, ..
pub fn open_files(pid: u32) -> Vec<PathBuf> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    entries.filter_map(|entry| fs::read_link(entry.path()).ok()).collect()
}

/// Everything below a folder, itself not.
pub fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        found.push(entry.path());
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            found.extend(below(&entry.path()));
        }
    }
    found
}

/// Lets every program that is started from here inherit a descriptor.
pub fn let_inherit(descriptor: i32) {
    // SAFETY: no memory is involved.
    outcome(unsafe { libc::fcntl(descriptor, libc::F_SETFD, 0) }).expect("the descriptor is open");
}
