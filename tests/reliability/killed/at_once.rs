//! Processes of one test run that begin and end at the same time: they have one reaper, and it does not end too early.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use rand::Rng;

use super::child::{is_child, tell, wait_for_parent, Held};
use super::support::session::Session;
use super::support::sys::Lock;
use super::{sleeper, SLEEPER};
use crate::torture_count;

const AT_ONCE: usize = 5;

#[test]
fn processes_that_start_at_the_same_time_have_one_reaper() {
    let _sessions = Lock::shared();
    for _ in 0..(torture_count() / 10).max(2) {
        let session = Session::new("at-once");
        let mut children: Vec<_> = (0..AT_ONCE).map(|_| session.start(READY)).collect();
        for child in &mut children {
            assert_eq!(child.told(), "ready");
        }
        // They have all begun, and make their first thing when they hear so.
        children.iter_mut().for_each(Held::go);
        for child in &mut children {
            child.told();
        }
        session.reaper();
        assert_eq!(session.left().len(), AT_ONCE);
        let owners: BTreeSet<_> = session.left().iter().map(|left| left.owner).collect();
        assert_eq!(owners.len(), AT_ONCE);
        let (killed, ended) = children.split_at_mut(AT_ONCE / 2);
        for child in killed {
            child.kill();
        }
        session.reaper();
        for child in ended {
            child.go();
        }
        for child in children {
            assert_eq!(child.end().complaints(), [""; 0]);
        }
        session.all_gone();
        session.over();
    }
}

const READY: &str = "killed::at_once::child_that_starts_when_told";

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_starts_when_told() {
    if is_child(READY) {
        longshore::Engine::connect_blocking().expect("an engine");
        tell("ready");
        wait_for_parent();
        let container = sleeper().start_blocking().expect("a container");
        tell(container.id());
        wait_for_parent();
        drop(container);
    }
}

/// A process may come in the very moment in which the reaper ends because the last one has gone.
#[test]
fn processes_that_come_while_others_go_have_a_reaper() {
    let _sessions = Lock::shared();
    let session = Session::new("come-and-go");
    let mut random = rand::thread_rng();
    for _ in 0..torture_count().min(60) {
        let mut child = session.start(SLEEPER);
        child.told();
        child.kill();
        drop(child);
        // About when the reaper has removed its things, and ends.
        thread::sleep(Duration::from_millis(random.gen_range(0..800)));
    }
    session.all_gone();
    session.over();
}

const EXITER: &str = "killed::at_once::child_that_starts_and_exits";

#[test]
fn nothing_is_left_of_a_process_that_exits_right_after_a_start() {
    let _sessions = Lock::shared();
    for _ in 0..(torture_count() / 4).max(3) {
        let session = Session::new("exit");
        let mut child = session.start(EXITER);
        let id = child.told();
        let ended = child.wait();
        assert_eq!(ended.status.code(), Some(7), "{ended:?}");
        assert_eq!(ended.complaints(), [""; 0]);
        assert!(!super::support::exists(&id));
        session.over();
    }
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_starts_and_exits() {
    if is_child(EXITER) {
        let container = sleeper().start_blocking().expect("a container");
        tell(container.id());
        std::process::exit(7);
    }
}
