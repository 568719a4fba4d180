//! What reads a test's output sees its end when the test ends, although the reaper lives on: `cargo test | cat` does not hang.

use std::process::Command;
use std::time::{Duration, Instant};

use super::child::Held;
use super::support::session::Session;
use super::support::sys::{self, Lock};
use super::{HOLDER, SLEEPER};

/// For a test to remove its container and end, and for what reads its output to do so as well.
const ENDS_WITHIN: Duration = Duration::from_secs(30);

/// After a test's end its pipes are closed within this.
const CLOSED_WITHIN: Duration = Duration::from_secs(8);

#[test]
fn pipes_are_closed_when_the_process_ends_that_has_started_the_reaper() {
    let _sessions = Lock::shared();
    let session = Session::new("pipes");
    let mut first = session.start(SLEEPER);
    first.told();
    let reaper = session.reaper();
    let mut other = session.start(HOLDER);
    assert_eq!(other.told(), "ready");

    let ended = first.end();
    assert!(ended.status.success(), "{ended:?}");
    assert!(ended.open_for < CLOSED_WITHIN, "{:?}", ended.open_for);
    assert_eq!(session.reaper(), reaper);
    assert!(sys::is_running(reaper));
    assert!(other.end().status.success());
    session.over();
}

#[test]
fn pipes_are_closed_when_the_process_is_killed_that_has_started_the_reaper() {
    let _sessions = Lock::shared();
    let session = Session::new("pipes");
    let mut first = session.start(SLEEPER);
    first.told();
    let reaper = session.reaper();
    let mut other = session.start(HOLDER);
    assert_eq!(other.told(), "ready");
    first.kill();
    let ended = first.wait();
    assert!(ended.open_for < CLOSED_WITHIN, "{:?}", ended.open_for);
    assert_eq!(session.reaper(), reaper);
    assert!(other.end().status.success());
    session.over();
}

#[test]
fn a_pipeline_ends_when_the_test_does() {
    let _sessions = Lock::shared();
    let session = Session::new("pipeline");
    // Both outputs, as in `cargo test 2>&1 | cat`; the shell waits for `cat`.
    let mut shell = Command::new("sh");
    let test = session.command(SLEEPER);
    shell.args(["-c", r#""$@" 2>&1 | cat"#, "sh"]).arg(test.get_program()).args(test.get_args());
    for (name, value) in test.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let mut pipeline = Held::start(shell).expect("there is a shell");
    pipeline.told();
    let reaper = session.reaper();
    let mut other = session.start(HOLDER);
    assert_eq!(other.told(), "ready");

    let begun = Instant::now();
    let ended = pipeline.end();
    assert!(ended.status.success(), "{ended:?}");
    assert!(begun.elapsed() < ENDS_WITHIN, "{:?}", begun.elapsed());
    assert_eq!(session.reaper(), reaper);
    assert!(other.end().status.success());
    session.over();
}
