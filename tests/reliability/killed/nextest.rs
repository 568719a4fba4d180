//! Tests under nextest, each in a process of its own and all of one test run: nothing is left when they pass, run out of time, are
//! interrupted, or lose nextest itself; and nextest calls none of them leaky.

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use libc::{SIGINT, SIGKILL, SIGTERM};
use rand::Rng;

use super::child::is_child;
use super::support::nextest::{Run, END, END_OF_LATE, TESTS, UNDER_NEXTEST};
use super::support::sys::{self, Lock};
use super::support::{eventually, TestResult};
use super::torture::{self, make_things};
use super::{hold_one_of_each, is_over_whatever_was_killed, skipped};
use crate::torture_count;

/// Waits until each of the tests holds its things, and gives their processes.
fn holders(run: &Run) -> Vec<u32> {
    eventually("the start of all tests", || run.session.left().len() == 4 * TESTS);
    let mut tests: Vec<_> = run.session.left().iter().map(|left| left.owner).collect();
    tests.sort_unstable();
    tests.dedup();
    assert_eq!(tests.len(), TESTS);
    tests
}

fn nothing_is_left(run: &Run) {
    run.session.all_gone();
    run.session.over_late();
}

/// Whether there is no nextest here; then that was said.
pub(super) fn is_skipped() -> bool {
    let is_there = Command::new("cargo-nextest").args(["nextest", "--version"]).output().is_ok();
    if !is_there {
        skipped("there is no nextest; `cargo install cargo-nextest`");
    }
    !is_there
}

#[test]
fn nothing_is_left_of_tests_that_pass_and_none_is_leaky() -> TestResult {
    let _sessions = Lock::shared();
    if is_skipped() {
        return Ok(());
    }
    let mut run = Run::start("test(/nextest::child_that_waits_/)")?;
    holders(&run);
    // Not a child of nextest: it would wait for it.
    run.session.reaper();
    run.tell(END);
    let (said, status) = run.end();
    assert!(status.success(), "{said}");
    assert!(said.contains(&format!("{TESTS} passed")), "{said}");
    assert!(!said.to_lowercase().contains("leak"), "{said}");
    // Handles and ends of processes have removed everything before.
    assert_eq!(run.session.left(), []);
    run.session.over();
    Ok(())
}

#[test]
fn the_reaper_stays_from_test_to_test_until_nextest_ends() -> TestResult {
    let _sessions = Lock::shared();
    if is_skipped() {
        return Ok(());
    }
    // Six tests, three at a time, in the order of their names.
    let mut run = Run::start("test(/nextest::child_that_(waits|will_wait)_/)")?;
    let first = holders(&run);
    let reaper = run.session.reaper();
    run.tell(END);
    eventually("the start of a test after those", || {
        run.session.left().iter().any(|left| !first.contains(&left.owner))
    });
    assert_eq!(run.session.reaper(), reaper);
    run.tell(END_OF_LATE);
    let (said, status) = run.end();
    assert!(status.success(), "{said}");
    assert!(!said.to_lowercase().contains("leak"), "{said}");
    nothing_is_left(&run);
    Ok(())
}

#[test]
fn nothing_is_left_of_a_test_that_nextest_ends_for_its_time() -> TestResult {
    let _sessions = Lock::shared();
    if is_skipped() {
        return Ok(());
    }
    // On a busy machine it may have nothing yet when its time is over; then it is given more.
    for limit in [3, 9, 27].map(Duration::from_secs) {
        let mut run = Run::start_within("test(/nextest::child_that_hangs/)", limit)?;
        let mut held = 0;
        while !run.is_over() && held < 4 {
            held = run.session.left().len();
        }
        let (said, status) = run.end();
        assert!(!status.success() && said.contains("TIMEOUT"), "{said}");
        nothing_is_left(&run);
        if held == 4 {
            return Ok(());
        }
    }
    panic!("the test never held its things");
}

#[test]
fn nothing_is_left_when_nextest_is_interrupted() -> TestResult {
    let _sessions = Lock::shared();
    if is_skipped() {
        return Ok(());
    }
    for signal in [SIGINT, SIGTERM] {
        let mut run = Run::start("test(/nextest::child_that_waits_/)")?;
        holders(&run);
        run.signal(signal);
        let (said, status) = run.end();
        assert!(!status.success(), "{said}");
        nothing_is_left(&run);
    }
    Ok(())
}

/// Its tests go on until they are killed as well, or end by themselves.
#[test]
fn nothing_is_left_when_nextest_is_killed() -> TestResult {
    let _sessions = Lock::shared();
    if is_skipped() {
        return Ok(());
    }
    let mut run = Run::start("test(/nextest::child_that_waits_/)")?;
    let tests = holders(&run);
    run.kill();
    sys::signal(tests[0], SIGKILL)?;
    eventually("the removal of what the killed one had", || {
        run.session.left_of(tests[0]).is_empty()
    });
    assert_eq!(run.session.left().len(), 4 * (TESTS - 1), "what the others have");
    run.tell(END);
    for test in &tests {
        eventually("the end of the tests", || !sys::is_running(*test));
    }
    nothing_is_left(&run);
    Ok(())
}

/// A CI job that is cut off.
#[test]
fn nothing_is_left_when_nextest_is_killed_and_all_its_tests() -> TestResult {
    let _sessions = Lock::shared();
    if is_skipped() {
        return Ok(());
    }
    let mut run = Run::start("test(/nextest::child_that_waits_/)")?;
    let tests = holders(&run);
    run.kill();
    for test in tests {
        sys::signal(test, SIGKILL)?;
    }
    nothing_is_left(&run);
    Ok(())
}

/// The torture of `torture`, where each test is a process of one test run, and its runner may be killed as well.
#[test]
fn nothing_is_left_of_tests_under_nextest_that_are_killed_at_random_moments() -> TestResult {
    let alone = Lock::alone();
    if is_skipped() {
        return Ok(());
    }
    let mut random = rand::thread_rng();
    let (mut runs, mut kills) = (Vec::new(), Vec::new());
    while kills.len() < torture_count() {
        let mut run = Run::start("test(/nextest::child_that_makes_/)")?;
        eventually("the start of the tests", || run.tests().len() == TESTS);
        let begun = Instant::now();
        let at = torture::LIFE.mul_f64(random.gen_range(0.0..1.0));
        thread::sleep(at);
        let tests = run.tests();
        if random.gen() {
            run.kill();
        }
        for test in &tests {
            sys::signal(*test, SIGKILL)?;
        }
        let (lived, killed) = (begun.elapsed(), Instant::now());
        let session = &run.session;
        kills.extend(thread::scope(|scope| {
            let watching = tests
                .iter()
                .map(|test| scope.spawn(move || torture::watch(session, *test, lived, killed)));
            let watching: Vec<_> = watching.collect();
            watching.into_iter().map(|kill| kill.join().expect("no panic")).collect::<Vec<_>>()
        }));
        runs.push(run);
    }
    torture::assert_gone("killed under nextest at random moments", &mut kills);
    drop(alone);
    runs.iter().for_each(|run| is_over_whatever_was_killed(&run.session));
    Ok(())
}

/// Holds one of each, until the parent says so or two minutes are over.
fn wait_for_end() {
    wait_for(END);
}

fn wait_for_end_of_late() {
    wait_for(END_OF_LATE);
}

fn wait_for(end: &str) {
    if !is_child(UNDER_NEXTEST) {
        return;
    }
    hold_one_of_each();
    let begun = Instant::now();
    while !Path::new(end).exists() && begun.elapsed() < Duration::from_secs(120) {
        thread::sleep(Duration::from_millis(20));
    }
}

fn make_until_killed() {
    if is_child(UNDER_NEXTEST) {
        make_things();
    }
}

macro_rules! tests {
    ($($name:ident)* => $body:ident) => {$(
        #[test]
        #[ignore = "run under nextest by the other tests"]
        fn $name() {
            $body();
        }
    )*};
}

tests! { child_that_waits_1 child_that_waits_2 child_that_waits_3 => wait_for_end }
tests! { child_that_will_wait_1 child_that_will_wait_2 child_that_will_wait_3 => wait_for_end_of_late }
tests! { child_that_makes_1 child_that_makes_2 child_that_makes_3 => make_until_killed }
tests! { child_that_hangs => wait_for_end }
