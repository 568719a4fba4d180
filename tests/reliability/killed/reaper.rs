//! What kind of process the reaper is: on its own, with nothing of the test that has started it, and without a trace at its end.

use std::fs::File;
use std::os::fd::IntoRawFd;
use std::path::Path;

use super::child::{is_child, tell, wait_for_parent};
use super::support::session::Session;
use super::support::sys::{self, Lock};
use super::support::{eventually, exists};
use super::{hold_one_of_each, HOLDER, SLEEPER};

#[test]
fn the_reaper_is_a_process_of_its_own() {
    let _sessions = Lock::shared();
    let session = Session::new("process");
    let mut child = session.start(HOLDER);
    assert_eq!(child.told(), "ready");
    let reaper = session.reaper();
    let (is, test) = (sys::stat(reaper).expect("it runs"), sys::stat(child.id()).expect("it runs"));
    assert_ne!(is.parent, child.id(), "{is:?}");
    assert_ne!(is.parent, std::process::id(), "{is:?}");
    assert_ne!(is.session, test.session, "{is:?}");
    assert_ne!(is.group, test.group, "{is:?}");
    // A daemon that leads its session could be given a terminal.
    assert_ne!(is.state, 'Z', "{is:?}");

    let ignored = sys::status(reaper, "SigIgn").expect("it runs");
    let ignored = u64::from_str_radix(&ignored, 16).expect("a mask");
    assert_ne!(ignored & 1 << (libc::SIGPIPE - 1), 0, "SIGPIPE is not ignored");
    let blocked = sys::status(reaper, "SigBlk").expect("it runs");
    assert_eq!(u64::from_str_radix(&blocked, 16), Ok(0));

    let command = std::fs::read_to_string(format!("/proc/{reaper}/cmdline")).expect("it runs");
    assert!(command.starts_with("longshore-reaper"), "{command:?}");

    assert!(child.end().status.success());
    session.over();
}

#[test]
fn no_zombie_stays_in_the_process_that_has_started_the_reaper() {
    let _sessions = Lock::shared();
    let session = Session::new("zombie");
    let mut child = session.start(HOLDER);
    assert_eq!(child.told(), "ready");
    let reaper = session.reaper();
    eventually("the end of all that started the reaper", || sys::zombies_of(child.id()).is_empty());
    // Nor when the reaper ends.
    sys::signal(reaper, libc::SIGKILL).expect("it runs");
    eventually("the reaper's end", || !sys::is_running(reaper));
    eventually("the end of all that started reapers", || sys::zombies_of(child.id()).is_empty());
    assert!(child.end().status.success());
    session.all_gone();
}

const LITTERER: &str = "killed::reaper::child_with_open_files";

#[test]
fn the_reaper_has_nothing_open_that_is_the_tests() {
    let _sessions = Lock::shared();
    let session = Session::new("open");
    let mut child = session.start(LITTERER);
    assert_eq!(child.told(), "ready");
    let reaper = session.reaper();
    let (open, tests) = (sys::open_files(reaper), sys::open_files(child.id()));
    assert!(tests.iter().any(|file| file == Path::new("/etc/hostname")), "{tests:?}");
    assert!(tests.iter().any(|file| file.to_string_lossy().starts_with("pipe:")), "{tests:?}");
    assert!(!open.is_empty(), "it has at least a socket");
    for file in &open {
        let name = file.to_string_lossy();
        let is_its_own = file == Path::new("/dev/null")
            || file.starts_with(session.runtime())
            || name.starts_with("anon_inode:")
            || ["pipe:", "socket:"].iter().any(|kind| name.starts_with(kind))
                && !tests.contains(file);
        assert!(is_its_own, "the reaper has {name} open: {open:?}");
    }
    assert!(child.end().status.success());
    session.over();
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_with_open_files() {
    if !is_child(LITTERER) {
        return;
    }
    // Careless programs have such: every program that they start inherits them.
    sys::inherited_pipe();
    let file = File::open("/etc/hostname").expect("every machine has a name");
    sys::let_inherit(file.into_raw_fd());
    hold_one_of_each();
    tell("ready");
    wait_for_parent();
}

#[test]
fn no_file_stays_when_a_session_is_over() {
    let _sessions = Lock::shared();
    let session = Session::new("files");
    let mut child = session.start(SLEEPER);
    child.told();
    let files = session.files();
    assert!(
        files.iter().any(|file| file.extension().is_some_and(|end| end == "sock")),
        "{files:?}"
    );
    assert!(child.end().status.success());
    session.over();
}

#[test]
fn without_the_reaper_handles_still_remove_what_they_hold() {
    let _sessions = Lock::shared();
    let session = Session::new("off").env("LONGSHORE_REAPER", "off");
    let mut child = session.start(SLEEPER);
    let id = child.told();
    assert!(exists(&id));
    assert_eq!(session.reapers(), [0; 0]);
    assert_eq!(session.files(), [""; 0].map(std::path::PathBuf::from));
    let ended = child.end();
    assert!(ended.status.success() && !exists(&id), "{ended:?}");
    assert_eq!(ended.complaints(), [""; 0]);
    session.over();
}
