//! Stopping and removing all containers of a test run: these and no others. Each test runs this very program again as a child
//! with a test run of its own, since a test run here is everybody's.

use std::env;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use longshore::blocking::{block_on, Container};
use longshore::{ContainerFilters, ContainerRequest, Engine, Hooks, Wait};

use super::support::{exists, get, labelled, remove_kept, unique, TestResult, BUSYBOX};

/// Set for a child, with its name.
const CHILD: &str = "LONGSHORE_TEST_CHILD";

/// A label for what a test makes, in whichever process.
const LABEL: &str = "LONGSHORE_TEST_LABEL";

fn child_command(name: &str, label: &str) -> std::io::Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["--exact", &format!("sweeps::{name}"), "--nocapture", "--ignored"]);
    command
        .env(CHILD, name)
        .env(LABEL, label)
        .env("LONGSHORE_SESSION", unique("session"))
        .env_remove("CARGO");
    // A reaper would tell what that of an earlier test run could not do.
    command.env("LONGSHORE_REAPER", "off");
    Ok(command)
}

fn run_child(name: &str, label: &str) -> std::io::Result<Output> {
    child_command(name, label)?.output()
}

fn is_child(name: &str) -> bool {
    env::var(CHILD).is_ok_and(|child| child == name)
}

fn check(output: &Output) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}{told}", String::from_utf8_lossy(&output.stdout));
    let complaints = told.lines().filter(|line| line.contains("longshore:"));
    let complaints: Vec<_> = complaints.filter(|line| !line.contains("is kept")).collect();
    assert_eq!(complaints, [""; 0], "a dropped handle complained");
}

fn sleeper(label: &str) -> ContainerRequest {
    ContainerRequest::new(BUSYBOX).label("sweep", label).cmd(["sleep", "600"]).stop_signal("KILL")
}

fn label() -> String {
    env::var(LABEL).expect("the parent sets it")
}

fn is_running(container: &str) -> bool {
    get(&format!("/containers/{container}/json"))["State"]["Running"] == true
}

#[test]
fn all_of_a_test_run_are_removed_and_nobody_elses() -> TestResult {
    let label = unique("sweep-remove");
    // Of another test run than the child's.
    let innocent = sleeper(&label).start_blocking()?;
    check(&run_child("child_that_removes_all", &label)?);
    assert!(is_running(innocent.id()), "another test run's container is gone");
    assert_eq!(labelled(&format!("sweep={label}")), [innocent.id()]);
    Ok(())
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_removes_all() {
    if !is_child("child_that_removes_all") {
        return;
    }
    let label = label();
    let containers = block_on(Engine::connect()).expect("an engine").containers();
    let running = sleeper(&label).start_blocking().expect("a container");
    let ended = ContainerRequest::new(BUSYBOX).label("sweep", &label).cmd(["true"]);
    let ended = ended.wait(Wait::exit()).start_blocking().expect("a container");
    let created = block_on(sleeper(&label).create()).expect("a container");
    // Whoever reads its output must not be waited for.
    let consumer = Hooks::new().on_log(drop);
    let read = sleeper(&label).start_with_blocking(consumer).expect("a container");
    let kept = sleeper(&label).start_blocking().expect("a container").keep().expect("it is kept");
    let mut expected = vec![
        running.id().to_owned(),
        ended.id().to_owned(),
        created.id().to_owned(),
        read.id().to_owned(),
    ];
    let ours = block_on(containers.list(ContainerFilters::new().all().ours())).expect("a list");
    assert_eq!(ours.len(), expected.len() + 1, "{ours:?}");

    let report = block_on(containers.remove_all()).expect("a report");
    assert!(report.failures().is_empty(), "{report:?}");
    let mut removed = report.ok().expect("no failures");
    removed.sort();
    expected.sort();
    assert_eq!(removed, expected);
    assert!(removed.iter().all(|id| !exists(id)));
    assert!(is_running(kept.id()), "what is kept on purpose was stopped");
    remove_kept(&format!("/containers/{}", kept.id()));

    let begun = Instant::now();
    running.remove().expect("gone already counts");
    drop((ended, created, read));
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    let report = block_on(containers.remove_all()).expect("a report");
    assert!(report.ids().is_empty(), "there was nothing left: {report:?}");
    // A new one is as good as ever.
    let next = sleeper(&label).start_blocking().expect("a container");
    assert!(next.exec(["true"]).expect("it runs").success());
}

#[test]
fn all_of_a_test_run_are_stopped_politely_and_nobody_elses() -> TestResult {
    let label = unique("sweep-stop");
    let innocent = sleeper(&label).start_blocking()?;
    check(&run_child("child_that_stops_all", &label)?);
    assert!(is_running(innocent.id()), "another test run's container was stopped");
    Ok(())
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_stops_all() {
    if !is_child("child_that_stops_all") {
        return;
    }
    let label = label();
    let polite = || -> Container {
        let script =
            "trap 'echo bye; exit 3' TERM; echo ready; while :; do sleep 600 & wait $!; done";
        let request = ContainerRequest::new(BUSYBOX).label("sweep", &label);
        let request = request.cmd(["sh", "-c", script]).wait(Wait::log("ready"));
        request.start_blocking().expect("a container")
    };
    // First, since a list may call it running for a moment longer.
    let ended = ContainerRequest::new(BUSYBOX).label("sweep", &label).cmd(["true"]);
    let ended = ended.wait(Wait::exit()).start_blocking().expect("a container");
    let containers = [polite(), polite(), polite()];
    let deaf = ContainerRequest::new(BUSYBOX)
        .label("sweep", &label)
        .cmd(["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 600; done"])
        .stop_timeout(Duration::from_secs(2))
        .wait(Wait::log("ready"));
    let deaf = deaf.start_blocking().expect("a container");
    let begun = Instant::now();
    let engine = block_on(Engine::connect()).expect("an engine");
    let stopped = block_on(engine.containers().stop_all()).expect("a report");
    let stopped = stopped.ok().expect("no failures");
    // The slowest is killed after two seconds, and not after the usual ten.
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(stopped.len(), 4, "{stopped:?}");
    assert!(!stopped.iter().any(|id| id == ended.id()), "it did not run");
    for container in &containers {
        assert_eq!(container.wait().expect("an exit code"), 3);
        assert!(container.logs().expect("its output").ends_with("bye\n"));
    }
    assert_eq!(deaf.wait().expect("an exit code"), 137);
    containers[0].start().expect("a stopped one can be started again");
    assert!(is_running(containers[0].id()));
}
