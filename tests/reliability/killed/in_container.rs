//! A test that runs in a container with the engine's socket, as in CI: when that is removed, its reaper goes as well, and the next
//! test run removes what they left, itself in another container.

use std::time::Duration;
use std::{env, path::Path, thread};

use longshore::blocking::Container;
use longshore::{ContainerRequest, CopyIn};

use super::child::{is_child, tell};
use super::hold_one_of_each;
use super::support::proxy::engine_socket;
use super::support::session::Session;
use super::support::sys::Lock;
use super::support::{api, eventually, TestResult};

/// The next test run removes it while its first test runs.
const SWEPT_WITHIN: Duration = Duration::from_secs(10);

const INNER: &str = "killed::in_container::child_in_a_container";

/// In the outer container: the inner test ends when this is there.
const END: &str = "/end";

/// What the outer container runs.
const TEST: [&str; 5] = ["/the-test", "--exact", INNER, "--ignored", "--nocapture"];

/// Starts this program in a container, and waits until it has started some itself.
fn start_outside<'a>(
    session: &Session,
    command: impl IntoIterator<Item = &'a str>,
) -> Result<Container, Box<dyn std::error::Error>> {
    let outer = ContainerRequest::new("debian:bookworm-slim")
        .cmd(command)
        .copy(CopyIn::new(env::current_exe()?, "/the-test").mode(0o755))
        .volume(format!("{}:/run/docker.sock", engine_socket().display()))
        .env("LONGSHORE_SESSION", session.name())
        // These tests have the lock alone.
        .env("LONGSHORE_SWEEP", "on")
        .env("LONGSHORE_TEST_CHILD", INNER)
        .start_blocking()?;
    let mut output = String::new();
    eventually("the start of the inner test", || {
        output = outer.logs().unwrap_or_default();
        output.contains("told: ready") || output.contains("test result")
    });
    assert!(output.contains("told: ready"), "{output}");
    Ok(outer)
}

#[test]
#[ignore = "run in a container by the other test"]
fn child_in_a_container() {
    if is_child(INNER) {
        hold_one_of_each();
        tell("ready");
        while !Path::new(END).exists() {
            thread::sleep(Duration::from_millis(20));
        }
    }
}

fn remove_by_force(container: &Container) {
    let path = format!("/containers/{}?force=1&v=1", container.id());
    assert_eq!(api("DELETE", &path).0, 204);
}

#[test]
fn what_a_test_left_whose_container_was_removed_goes_with_the_next_test_run() -> TestResult {
    let _alone = Lock::alone();
    let session = Session::new("removed");
    let outer = start_outside(&session, TEST)?;
    let left = session.left();
    assert_eq!(left.len(), 4);
    remove_by_force(&outer);
    // Test and reaper are gone, and nobody else knows.
    thread::sleep(Duration::from_secs(1));
    assert_eq!(session.left(), left);

    let next = Session::new("next");
    let another = start_outside(&next, TEST)?;
    session.all_gone_within(SWEPT_WITHIN);
    assert_eq!(next.left().len(), 4, "what the next one has itself");
    another.exec(["touch", END])?.ok()?;
    assert_eq!(another.wait()?, 0, "{}", another.logs()?);
    assert_eq!(next.left(), []);
    Ok(())
}

/// Its owner lives, although no process here has its number.
#[test]
fn what_a_test_in_a_living_container_holds_is_left_alone_by_other_test_runs() -> TestResult {
    let _alone = Lock::alone();
    let session = Session::new("living");
    let outer = start_outside(&session, TEST)?;
    let held = session.left();
    let here = Session::new("here");
    let mut child = here.start(super::SLEEPER);
    child.told();
    let next = Session::new("next");
    let another = start_outside(&next, TEST)?;
    thread::sleep(Duration::from_secs(2));
    assert_eq!(session.left(), held);
    assert!(child.end().status.success());
    for outer in [&outer, &another] {
        outer.exec(["touch", END])?.ok()?;
        assert_eq!(outer.wait()?, 0);
    }
    assert_eq!(session.left(), []);
    assert_eq!(next.left(), []);
    Ok(())
}

#[test]
fn nothing_is_left_of_a_test_that_is_killed_in_its_container() -> TestResult {
    let _alone = Lock::alone();
    let session = Session::new("killed-inside");
    // The container's first process lives on, and the reaper with it.
    let line = format!("{} & echo $! > /test-pid; wait; exec sleep 600", TEST.join(" "));
    let outer = start_outside(&session, ["sh", "-c", &line])?;
    outer.exec(["sh", "-c", "kill -9 $(cat /test-pid)"])?.ok()?;
    session.all_gone();
    Ok(())
}
