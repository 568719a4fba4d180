//! The ways in which a process can end without unwinding: nothing is left. What is in statics goes with its process.

use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, hint, thread};

use libc::{SIGABRT, SIGKILL};

use super::child::{is_child, tell, wait_for_parent, Ended, Held};
use super::support::session::{Folder, Session};
use super::support::sys::Lock;
use super::support::{unique, TestResult};
use super::{assert_has_one_of_each, hold, hold_one_of_each, skipped, sleeper, HOLDER};

/// How a child is to end.
const END: &str = "LONGSHORE_TEST_END";

const ENDER: &str = "killed::ends::child_that_ends";

/// Lets a child end in that way, and sees that nothing is left.
fn check(way: &str) -> Ended {
    let session = Session::new("end").env(END, way);
    let mut child = session.start(ENDER);
    assert_eq!(child.told(), "ready");
    assert_has_one_of_each(&session, child.id());
    let ended = child.end();
    session.all_gone();
    session.over();
    ended
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_ends() {
    if !is_child(ENDER) {
        return;
    }
    let way = env::var(END).expect("the parent sets it");
    if let Some(group) = way.strip_prefix("memory ") {
        fs::write(format!("{group}/cgroup.procs"), std::process::id().to_string())
            .expect("the parent has made the group");
    }
    hold_one_of_each();
    tell("ready");
    wait_for_parent();
    match &*way {
        "abort" => std::process::abort(),
        "stack" => drop(endless(0)),
        "exit" => std::process::exit(7),
        "panic in drop" => {
            let _bomb = Bomb;
            panic!("the first");
        }
        _ => eat(),
    }
}

/// Panics while another panic unwinds: that aborts.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the second");
    }
}

#[expect(unconditional_recursion, reason = "it is to overflow the stack")]
fn endless(depth: usize) -> Box<[usize; 64]> {
    let here = hint::black_box([depth; 64]);
    let below = endless(depth + 1);
    Box::new([below[0] + here[1]; 64])
}

/// Takes memory until the kernel ends it.
fn eat() {
    let mut eaten = Vec::new();
    loop {
        eaten.push(hint::black_box(vec![1_u8; 1 << 20]));
    }
}

#[test]
fn nothing_is_left_of_a_process_that_aborts() {
    let _sessions = Lock::shared();
    assert_eq!(check("abort").status.signal(), Some(SIGABRT));
}

#[test]
fn nothing_is_left_of_a_process_whose_stack_overflows() {
    let _sessions = Lock::shared();
    let ended = check("stack");
    assert_eq!(ended.status.signal(), Some(SIGABRT));
    assert!(ended.errors.contains("has overflowed its stack"), "{}", ended.errors);
}

#[test]
fn nothing_is_left_of_a_process_that_panics_in_a_panic() {
    let _sessions = Lock::shared();
    assert_eq!(check("panic in drop").status.signal(), Some(SIGABRT));
}

#[test]
fn nothing_is_left_of_a_process_that_exits() {
    let _sessions = Lock::shared();
    assert_eq!(check("exit").status.code(), Some(7));
}

/// A group of processes that share little memory; gone when it is dropped.
struct MemoryGroup(PathBuf);

impl MemoryGroup {
    fn new(bytes: u64) -> std::io::Result<Self> {
        let is_v2 = Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
        let (top, limits): (_, &[_]) = match is_v2 {
            true => ("/sys/fs/cgroup", &["memory.max"]),
            false => ("/sys/fs/cgroup/memory", &["memory.limit_in_bytes"]),
        };
        let group = MemoryGroup(Path::new(top).join(unique("longshore-tests-memory")));
        fs::create_dir(&group.0)?;
        for limit in limits {
            fs::write(group.0.join(limit), bytes.to_string())?;
        }
        Ok(group)
    }
}

impl Drop for MemoryGroup {
    fn drop(&mut self) {
        // Its last process may have ended this very moment.
        for _ in 0..100 {
            if fs::remove_dir(&self.0).is_ok() || !self.0.exists() {
                return;
            }
            thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

/// Test and reaper share the little memory, as in a container of a CI job.
#[test]
fn nothing_is_left_of_a_process_that_the_kernel_ends_for_want_of_memory() {
    let _sessions = Lock::shared();
    let group = match MemoryGroup::new(192 << 20) {
        Ok(group) => group,
        Err(error) => return skipped(&format!("no control group could be made: {error}; be root")),
    };
    let ended = check(&format!("memory {}", group.0.display()));
    assert_eq!(ended.status.signal(), Some(SIGKILL));
}

#[test]
fn what_is_in_statics_goes_when_its_process_is_killed_while_it_starts_more() {
    let _sessions = Lock::shared();
    let session = Session::new("statics");
    let mut child = session.start(STARTER);
    assert_eq!(child.told(), "ready");
    assert!(session.left_of(child.id()).len() >= 4, "{:?}", session.left());
    child.kill();
    assert_eq!(child.wait().status.signal(), Some(SIGKILL));
    session.all_gone();
    session.over_late();
}

const STARTER: &str = "killed::ends::child_that_starts_more";

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_starts_more() {
    if is_child(STARTER) {
        hold_one_of_each();
        tell("ready");
        loop {
            hold(sleeper().start_blocking().expect("a container"));
        }
    }
}

#[test]
fn what_is_in_statics_goes_when_its_process_ends() {
    let _sessions = Lock::shared();
    let session = Session::new("statics");
    let mut child = session.start(HOLDER);
    assert_eq!(child.told(), "ready");
    let ended = child.end();
    assert!(ended.status.success(), "{ended:?}");
    // Before it ended, not after.
    assert_eq!(session.left(), []);
    assert_eq!(ended.complaints(), [""; 0]);
    session.over();
}

const PANICKER: &str = include_str!("../../programs/panic_abort.rs");

/// The library beside this program, and `rustc`.
fn build_panicker(folder: &Path) -> Result<PathBuf, String> {
    let (source, program) = (folder.join("panic_abort.rs"), folder.join("panic-abort"));
    fs::write(&source, PANICKER).map_err(|error| error.to_string())?;
    let libraries = env::current_exe().expect("this program has a path");
    let libraries = libraries.parent().expect("a folder");
    let rustc = Path::new(env!("CARGO")).with_file_name("rustc");
    let mut found: Vec<_> = fs::read_dir(libraries)
        .expect("a folder")
        .flatten()
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with("liblongshore-") && name.ends_with(".rlib")
        })
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    // Cargo builds the library right before the tests.
    found.sort();
    let mut complaint = "there is no library beside the test".to_owned();
    for (_, library) in found.iter().rev().take(3) {
        let output = Command::new(&rustc)
            .args(["--edition=2021", "-Cpanic=abort", "--extern"])
            .arg(format!("longshore={}", library.display()))
            .arg("-L")
            .arg(format!("dependency={}", libraries.display()))
            .arg("-o")
            .args([&program, &source])
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("{}: {error}", rustc.display()))?;
        if output.status.success() {
            return Ok(program);
        }
        complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    }
    Err(complaint)
}

/// In such a program no destructor runs.
#[test]
fn nothing_is_left_of_a_program_that_aborts_on_panics() -> TestResult {
    let _sessions = Lock::shared();
    let folder = Folder::new();
    let program = build_panicker(folder.path())?;
    let session = Session::new("panic-abort");
    let mut command = Command::new(program);
    session.join(&mut command);
    let mut child = Held::start(command)?;
    assert_eq!(child.told(), "ready");
    assert_eq!(session.left_of(child.id()).len(), 1);
    let ended = child.end();
    assert_eq!(ended.status.signal(), Some(SIGABRT), "{ended:?}");
    assert!(ended.errors.contains("aborts on panics"), "{}", ended.errors);
    session.all_gone();
    session.over();
    Ok(())
}
