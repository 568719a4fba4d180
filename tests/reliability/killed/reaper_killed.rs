//! The reaper is killed: alone, then there is another; together with its test, then the next test run removes what they left.

use std::time::Duration;
use std::{env, thread};

use libc::{SIGKILL, SIGSTOP};
use rand::Rng;

use super::child::{is_child, tell, wait_for_parent, Held};
use super::support::eventually;
use super::support::session::Session;
use super::support::sys::{self, Lock};
use super::{hold, hold_one_of_each, sleeper, HOLDER, SLEEPER};
use crate::torture_count;

/// The next test run removes it while its first test runs.
const SWEPT_WITHIN: Duration = Duration::from_secs(10);

/// Both end in the same moment: a reaper that stands still cannot act on the end of its test.
fn kill_both(session: &Session, mut child: Held) {
    let reapers = session.reapers();
    for reaper in &reapers {
        sys::signal(*reaper, SIGSTOP).expect("it runs");
    }
    child.kill();
    for reaper in &reapers {
        sys::signal(*reaper, SIGKILL).expect("it runs");
    }
    assert!(!child.wait().status.success());
    for reaper in reapers {
        eventually("the reaper's end", || !sys::is_running(reaper));
    }
}

/// Whatever is left of a session goes when `next` has started its first container.
fn assert_swept_by(next: &Session, session: &Session) {
    let mut child = next.start(SLEEPER);
    child.told();
    session.all_gone_within(SWEPT_WITHIN);
    let ended = child.end();
    assert!(ended.status.success(), "{ended:?}");
    // Its reaper takes away as well what the killed one had in the runtime folder.
    next.over();
}

#[test]
fn what_a_test_and_its_reaper_left_goes_with_the_next_test_run() {
    let _alone = Lock::alone();
    let session = Session::new("both");
    let mut child = session.start(HOLDER);
    assert_eq!(child.told(), "ready");
    let left = session.left();
    assert_eq!(left.len(), 4);
    session.reaper();
    kill_both(&session, child);
    // Nobody is left who would remove it.
    thread::sleep(Duration::from_secs(1));
    assert_eq!(session.left(), left);
    assert_swept_by(&session.next("next"), &session);
}

#[test]
fn what_a_test_and_its_reaper_left_goes_with_the_next_run_of_another_runtime_folder() {
    let _alone = Lock::alone();
    let session = Session::new("both");
    let mut child = session.start(HOLDER);
    assert_eq!(child.told(), "ready");
    kill_both(&session, child);
    assert_eq!(session.left().len(), 4);
    assert_swept_by(&Session::new("elsewhere"), &session);
}

/// As a user does it who sets `LONGSHORE_SESSION` to the same value each time.
#[test]
fn what_a_test_and_its_reaper_left_goes_with_the_next_test_of_the_same_session() {
    let _alone = Lock::alone();
    let session = Session::new("both");
    let mut child = session.start(HOLDER);
    assert_eq!(child.told(), "ready");
    kill_both(&session, child);
    assert_eq!(session.left().len(), 4);
    let mut next = session.start(SLEEPER);
    let id = next.told();
    eventually("the removal of what was left", || session.left().iter().all(|left| left.id == id));
    assert!(next.end().status.success());
    session.over();
}

#[test]
fn what_tests_and_reapers_left_that_were_killed_at_random_moments_goes_with_the_next_test_run() {
    let _alone = Lock::alone();
    let mut random = rand::thread_rng();
    let mut found = 0;
    let count = (torture_count() / 5).max(3);
    for _ in 0..count {
        let session = Session::new("both-random");
        let child = session.start(super::torture::MAKER);
        thread::sleep(Duration::from_millis(random.gen_range(50..1500)));
        kill_both(&session, child);
        found += usize::from(!session.left().is_empty());
        assert_swept_by(&session.next("next"), &session);
    }
    assert!(found * 2 >= count, "of {count} kills only {found} left something");
}

const STARTER: &str = "killed::reaper_killed::child_that_starts_when_told";

#[test]
fn a_test_whose_reaper_is_killed_goes_on_and_has_another() {
    let _alone = Lock::alone();
    let session = Session::new("reaper-killed");
    let mut child = session.start(STARTER);
    assert_eq!(child.told(), "ready");
    let first = session.reaper();
    sys::signal(first, SIGKILL).expect("it runs");
    eventually("the reaper's end", || !sys::is_running(first));
    assert_eq!(session.left().len(), 4);

    child.go();
    assert_eq!(child.told(), "started");
    eventually("another reaper", || session.reapers().len() == 1);
    assert_ne!(session.reaper(), first);
    assert_eq!(session.left().len(), 5);
    child.kill();
    let ended = child.wait();
    // Also what it has made under the first.
    session.all_gone();
    session.over();
    assert_eq!(ended.complaints(), [""; 0]);
}

/// It makes nothing more, and nobody asks for a reaper.
#[test]
fn a_test_whose_reaper_is_killed_has_another_although_it_starts_nothing_more() {
    let _alone = Lock::alone();
    let session = Session::new("reaper-killed");
    let mut child = session.start(HOLDER);
    assert_eq!(child.told(), "ready");
    let first = session.reaper();
    sys::signal(first, SIGKILL).expect("it runs");
    eventually("another reaper", || session.reapers().iter().any(|reaper| *reaper != first));
    child.kill();
    drop(child);
    session.all_gone();
    session.over();
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_starts_when_told() {
    if is_child(STARTER) {
        assert!(env::var_os("LONGSHORE_SESSION").is_some());
        hold_one_of_each();
        tell("ready");
        wait_for_parent();
        hold(sleeper().start_blocking().expect("a container"));
        tell("started");
        wait_for_parent();
    }
}
