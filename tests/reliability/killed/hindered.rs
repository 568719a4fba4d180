//! A reaper that stands still, or cannot write its log; a process that becomes another program. What a living process has stays, and
//! what a dead one had goes.

use std::os::unix::process::CommandExt;

use longshore::blocking::block_on;
use longshore::VolumeRequest;

use super::child::{is_child, tell, this_program_for, wait_for_parent, Held};
use super::support::exists;
use super::support::session::Session;
use super::support::sys::{self, Lock};
use super::{hold, sleeper, SLEEPER};

/// More than what fits into a socket that nobody reads.
const MANY: usize = 600;

const BUSY: &str = "killed::hindered::child_that_makes_much";

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_makes_much() {
    if !is_child(BUSY) {
        return;
    }
    let container = sleeper().start_blocking().expect("a container");
    tell(container.id());
    wait_for_parent();
    hold(container);
    for _ in 0..MANY {
        drop(block_on(VolumeRequest::new().create()).expect("a volume"));
    }
    hold(block_on(VolumeRequest::new().create()).expect("a volume"));
    tell("made");
    wait_for_parent();
}

#[test]
fn what_a_living_process_has_stays_when_its_reaper_stood_still() {
    let _sessions = Lock::shared();
    let session = Session::new("stopped");
    let mut child = session.start(BUSY);
    let container = child.told();
    let reaper = session.reaper();
    sys::signal(reaper, libc::SIGSTOP).expect("it runs");
    child.go();
    assert_eq!(child.told(), "made");
    sys::signal(reaper, libc::SIGCONT).expect("it is there");
    // When this one's lease has begun and ended, the reaper has read what there was.
    let mut other = session.start(SLEEPER);
    other.told();
    assert!(other.end().status.success());
    assert!(exists(&container), "its process lives");
    child.kill();
    session.all_gone();
    session.over_late();
}

#[test]
fn a_log_that_may_not_grow_is_no_reason_to_leave_something() {
    let _sessions = Lock::shared();
    for bytes in [0, 250] {
        let session = Session::new("full");
        let mut command = session.command(SLEEPER);
        sys::begin_with_files_of_at_most(bytes, &mut command);
        let mut child = Held::start(command).expect("this program runs");
        let container = child.told();
        assert!(exists(&container));
        child.kill();
        session.all_gone();
        session.over();
    }
}

const BECOMES_ANOTHER: &str = "killed::hindered::child_that_becomes_another";

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_becomes_another() {
    if is_child(BECOMES_ANOTHER) {
        hold(sleeper().start_blocking().expect("a container"));
        panic!("not executed: {}", this_program_for(SLEEPER).exec());
    }
}

#[test]
fn what_a_process_had_before_it_became_another_program_goes_with_that() {
    let _sessions = Lock::shared();
    let session = Session::new("exec");
    let mut child = session.start(BECOMES_ANOTHER);
    child.told();
    assert_eq!(session.left().len(), 2, "one of each program");
    assert!(child.end().status.success());
    session.all_gone();
    session.over();
}
