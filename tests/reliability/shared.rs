//! One container for all processes of a test run: exactly one is made, whoever dies over it, and it goes with the last of them.

use std::env;
use std::thread;
use std::time::{Duration, Instant};

use libc::SIGKILL;
use longshore::{ContainerRequest, Wait};
use rand::Rng;
use serde_json::Value;

use super::killed::{cargo::command, HOLDER};
use super::support::child::{is_child, tell, wait_for_parent, Held};
use super::support::events::Created;
use super::support::proxy::Proxy;
use super::support::session::{Folder, Session};
use super::support::sys::{self, Lock};
use super::support::{api, eventually, exists, get, unique, TestResult, BUSYBOX};
use super::torture_count;

/// What its container does.
pub(crate) const SCRIPT: &str = "LONGSHORE_TEST_SCRIPT";

pub(crate) const AT_ONCE: &str = "echo up; sleep 600";

const SLOWLY: &str = "sleep 2; echo up; sleep 600";

pub(crate) const ASKER: &str = "shared::child_that_asks";

pub(crate) const TWICE: &str = "shared::child_that_asks_twice";

fn request() -> ContainerRequest {
    let script = env::var(SCRIPT).expect("the parent sets it");
    ContainerRequest::new(BUSYBOX).cmd(["sh", "-c", &script]).wait(Wait::log("up"))
}

fn ask() {
    match request().start_shared_blocking() {
        Ok(container) => tell(container.id()),
        Err(error) => tell(error.summary()),
    }
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_asks() {
    if is_child(ASKER) {
        ask();
        wait_for_parent();
    }
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_asks_twice() {
    if is_child(TWICE) {
        ask();
        wait_for_parent();
        ask();
        wait_for_parent();
    }
}

fn session(script: &str) -> Session {
    Session::new("shared").env(SCRIPT, script)
}

/// How many of the session are among what was created.
fn of(created: Created, session: &Session) -> usize {
    created.sessions().iter().filter(|one| *one == session.name()).count()
}

fn is_running(container: &str) -> bool {
    let (status, text) = api("GET", &format!("/containers/{container}/json"));
    let inspect: Value = serde_json::from_str(&text).unwrap_or_default();
    status == 200 && inspect["State"]["Running"] == true
}

/// All of them are told the same container, which is running; lets them end.
fn all_have_the_same(askers: Vec<Held>) -> String {
    let mut askers = askers;
    let ids: Vec<_> = askers.iter_mut().map(Held::told).collect();
    assert!(is_running(&ids[0]), "{ids:?}");
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    for asker in askers {
        let ended = asker.end();
        assert!(ended.status.success(), "{}", ended.errors);
    }
    ids[0].clone()
}

#[test]
fn sixteen_processes_at_once_have_one() {
    let _sessions = Lock::shared();
    let (session, created) = (session(AT_ONCE), Created::from_now());
    all_have_the_same((0..16).map(|_| session.start(ASKER)).collect());
    session.all_gone();
    session.over();
    assert_eq!(of(created, &session), 1);
}

#[test]
fn it_stays_until_the_last_one_is_out() {
    let _sessions = Lock::shared();
    let session = session(AT_ONCE);
    let mut first = session.start(ASKER);
    let id = first.told();
    let mut second = session.start(ASKER);
    assert_eq!(second.told(), id);
    let reaper = session.reaper();
    // It has nothing of its own on the engine, and its end is known to the reaper before another one is served.
    first.end();
    let mut third = session.start(TWICE);
    assert_eq!(third.told(), id);
    second.kill();
    third.go();
    assert_eq!(
        third.told(),
        id,
        "the one that had made it has ended, and so has one that was killed"
    );
    assert_eq!(session.reaper(), reaper);
    third.end();
    session.all_gone();
    session.over();
}

#[test]
fn whoever_makes_it_may_die_over_it() {
    let _sessions = Lock::shared();
    let (session, created) = (session(SLOWLY), Created::from_now());
    let maker = session.start(ASKER);
    eventually("the container of the first one", || !session.left().is_empty());
    let abandoned = session.left()[0].id.clone();
    let others: Vec<_> = (0..3).map(|_| session.start(ASKER)).collect();
    thread::sleep(Duration::from_millis(300));
    maker.signal(SIGKILL);
    let id = all_have_the_same(others);
    assert_ne!(id, abandoned);
    assert!(!exists(&abandoned));
    assert_eq!(of(created, &session), 2);
    session.all_gone();
    session.over_late();
}

#[test]
fn whoever_makes_it_may_die_at_any_moment() {
    let _sessions = Lock::shared();
    let rounds = torture_count();
    let (mut in_time, mut slowest) = (0, Duration::ZERO);
    for round in 0..rounds {
        let (session, created) = (session(AT_ONCE), Created::from_now());
        let maker = session.start(ASKER);
        let others: Vec<_> = (0..2).map(|_| session.start(ASKER)).collect();
        thread::sleep(Duration::from_millis(rand::thread_rng().gen_range(0..700)));
        maker.signal(SIGKILL);
        let killed = Instant::now();
        all_have_the_same(others);
        slowest = slowest.max(killed.elapsed());
        let made = of(created, &session);
        assert!((1..=2).contains(&made), "round {round}: {made} were made");
        in_time += usize::from(made == 2);
        session.all_gone();
        session.ended_late();
    }
    super::support::say(&format!(
        "{rounds} makers killed, {in_time} of them with a container half made; the others had theirs after {slowest:?} at most"
    ));
}

#[test]
fn one_that_was_found_dead_is_told_by_the_one_that_finds_it() {
    let _sessions = Lock::shared();
    let session = session(AT_ONCE);
    let mut first = session.start(TWICE);
    let id = first.told();
    api("POST", &format!("/containers/{id}/kill"));
    eventually("its end", || !is_running(&id));
    let mut second = session.start(ASKER);
    let replaced = second.told();
    assert_ne!(replaced, id);
    first.go();
    assert_eq!(first.told(), replaced);
    let (first, second) = (first.end(), second.end());
    let text = &second.errors;
    assert!(text.contains("had died: it ended with code 137\n  | up\n"), "{text}");
    assert!(text.contains("a new one is started, which has none of its data"), "{text}");
    assert_eq!(first.complaints(), [""; 0], "there is nothing to tell any more");
    session.all_gone();
    session.over();
}

/// A sweep finds that its owner, the first reaper, is dead, and that its test run goes on.
#[test]
fn it_outlives_its_reaper_and_the_sweeps_of_others() -> TestResult {
    // So that test runs sweep.
    let _sessions = Lock::alone();
    let session = session(AT_ONCE);
    let dead = session.next("dead").env(SCRIPT, AT_ONCE).env("LONGSHORE_REAPER", "off");
    let leave_one_behind = || {
        let mut killed = dead.start(ASKER);
        killed.told();
        killed.kill();
    };
    let mut first = session.start(TWICE);
    let id = first.told();
    let reaper = session.reaper();
    leave_one_behind();
    sys::signal(reaper, SIGKILL).expect("it is there");
    eventually("another reaper", || {
        let reapers = session.reapers();
        !reapers.is_empty() && !reapers.contains(&reaper)
    });
    // When what was left behind has gone, the sweep has been.
    dead.all_gone_within(Duration::from_secs(30));
    assert!(is_running(&id), "its own test run has swept it away");

    let others = session.next("sweeper").env(SCRIPT, AT_ONCE);
    leave_one_behind();
    let mut sweeping = others.start(ASKER);
    sweeping.told();
    dead.all_gone_within(Duration::from_secs(30));
    assert!(is_running(&id), "another test run has swept it away");
    sweeping.end();
    others.all_gone();

    let mut second = session.start(ASKER);
    assert_eq!(second.told(), id);
    first.go();
    assert_eq!(first.told(), id);
    second.end();
    first.end();
    session.all_gone();
    session.over();
    Ok(())
}

/// The reaper looks for two minutes whether an engine comes back, on which a killed process has left something.
#[test]
fn it_goes_while_another_engine_is_down() {
    let _sessions = Lock::shared();
    let session = session(AT_ONCE);
    let mut first = session.start(ASKER);
    let id = first.told();
    let relay = Proxy::start();
    let mut command = session.command(HOLDER);
    command.env("DOCKER_HOST", relay.address());
    let mut other = Held::start(command).expect("this program can be started");
    assert_eq!(other.told(), "ready");
    drop(relay);
    other.kill();
    first.end();
    eventually("the removal of what is shared", || !exists(&id));
    assert!(!session.left().is_empty(), "its engine does not answer any more");
}

#[test]
fn a_test_run_with_a_name_goes_on_as_long_as_what_runs_its_tests() -> TestResult {
    let _sessions = Lock::shared();
    let (folder, session) = (Folder::new(), session(AT_ONCE));
    let mut cargo = Held::start(command(&folder, &session, ASKER)?)?;
    let id = cargo.told();
    let mut other = session.start(ASKER);
    assert_eq!(other.told(), id, "another command by the same name");
    other.end();
    // The first program ends, and the second begins when it is told to.
    cargo.go();
    let is_alone = |pid: u32| {
        let mut all = sys::processes().into_iter();
        !all.any(|other| sys::stat(other).is_some_and(|stat| stat.parent == pid))
    };
    eventually("the end of the first program", || is_alone(cargo.id()));
    assert!(is_running(&id), "cargo lives");
    cargo.go();
    assert_eq!(cargo.told(), id, "the second program has it too");
    assert!(cargo.end().status.success());
    session.all_gone();
    session.over();
    Ok(())
}

#[test]
fn without_a_reaper_each_process_has_its_own_and_leaves_nothing() {
    let _sessions = Lock::shared();
    let session = session(AT_ONCE).env("LONGSHORE_REAPER", "off");
    let (mut first, mut second) = (session.start(TWICE), session.start(ASKER));
    let (one, other) = (first.told(), second.told());
    assert_ne!(one, other);
    first.go();
    assert_eq!(first.told(), one);
    first.end();
    second.end();
    assert_eq!(session.left(), [], "the end of a process takes its own");
}

#[test]
fn a_fixed_name_is_no_hindrance_when_the_maker_has_died() -> TestResult {
    let _sessions = Lock::shared();
    let name = unique("fixed");
    let session = session(SLOWLY).env("LONGSHORE_TEST_NAME", &name);
    let start = || session.start("shared::child_that_asks_by_name");
    let maker = start();
    eventually("the container of the first one", || !session.left().is_empty());
    let others = vec![start(), start()];
    maker.signal(SIGKILL);
    let id = all_have_the_same(others);
    let _ = id;
    session.all_gone();
    session.over_late();
    Ok(())
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_asks_by_name() {
    if is_child("shared::child_that_asks_by_name") {
        let name = env::var("LONGSHORE_TEST_NAME").expect("the parent sets it");
        match request().name(&name).publish("47231:80").start_shared_blocking() {
            Ok(container) => {
                let inspect = get(&format!("/containers/{}/json", container.id()));
                assert_eq!(inspect["Name"], format!("/{name}"));
                tell(container.id());
            }
            Err(error) => tell(error),
        }
        wait_for_parent();
    }
}
