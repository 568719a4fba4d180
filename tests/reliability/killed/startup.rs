//! The start-up report of a test run: all that its processes start is in one file, whatever becomes of them and of the reaper that
//! writes it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use libc::SIGKILL;
use longshore::{ContainerRequest, ContainerStart, PullPolicy, StartOutcome, StartupReport, Wait};
use serde_json::Value;

use super::child::{is_child, tell, wait_for_parent};
use super::support::nextest::{Run, END, TESTS};
use super::support::session::{Folder, Session};
use super::support::sys::{self, Lock};
use super::support::{eventually, get, unique, TestResult};
use super::{hold, skipped, sleeper, BUSYBOX, SLEEPER};
use crate::shared;

fn session(stem: &str, reports: &Folder) -> Session {
    let reports = reports.path().to_str().expect("UTF-8");
    Session::new(stem).without_sweep().env("LONGSHORE_REPORTS", reports)
}

fn files(reports: &Folder) -> Vec<PathBuf> {
    let entries = fs::read_dir(reports.path().join("sessions")).into_iter().flatten();
    entries.map(|entry| entry.expect("it can be read").path()).collect()
}

/// The only one in that folder.
fn report(reports: &Folder) -> StartupReport {
    match &files(reports)[..] {
        [file] => StartupReport::read(file).expect("it is a report"),
        files => panic!("one report: {files:?}"),
    }
}

fn lists(reports: &Folder, count: usize) -> bool {
    let files = files(reports);
    let read = files.first().and_then(|file| StartupReport::read(file).ok());
    read.is_some_and(|read| {
        let done = |one: &&ContainerStart| one.outcome() != StartOutcome::Starting;
        read.containers().iter().filter(done).count() == count
    })
}

/// What is between the phases takes next to nothing, compared to them.
fn assert_times(container: &ContainerStart) {
    let phases = [container.pull(), container.create(), container.start(), container.ready()];
    let sum: Duration = phases.into_iter().flatten().sum();
    assert!(container.create().is_some() && container.start().is_some(), "{container:?}");
    assert!(!sum.is_zero() && sum <= container.total(), "{container:?}");
    // Finding the engine and the reaper, and the removal of what failed, are no phases.
    assert!(container.total() - sum < sum + Duration::from_secs(3), "{container:?}");
}

#[test]
fn all_processes_of_a_test_run_are_in_one_report() -> TestResult {
    let _sessions = Lock::shared();
    let folder = Folder::new();
    let session = session("report", &folder);
    let mut children = [SLEEPER, STARTER, SLEEPER].map(|test| session.start(test));
    let ids = children.each_mut().map(|child| child.told());
    let names = [&ids[0], &ids[2]].map(|id| {
        let inspect = get(&format!("/containers/{id}/json"));
        inspect["Name"].as_str().expect("a name").trim_start_matches('/').to_owned()
    });
    let processes = children.each_ref().map(|child| child.id());
    for child in children {
        assert!(child.end().status.success());
    }
    session.over();

    let report = report(&folder);
    assert_eq!(report.session(), session.name());
    assert!(report.ended().is_some_and(|ended| ended >= report.begun()));
    assert_eq!(report.containers().len(), 5, "{report}");
    let of = |test: &str| -> Vec<&ContainerStart> {
        report.containers().iter().filter(|one| one.test() == Some(test)).collect()
    };
    let sleepers = of(SLEEPER);
    let mut found: Vec<_> = sleepers.iter().map(|one| one.name().to_owned()).collect();
    found.sort();
    let mut names = names.to_vec();
    names.sort();
    assert_eq!(found, names);
    for one in &sleepers {
        assert_eq!((one.outcome(), one.image(), one.users()), (StartOutcome::Ready, BUSYBOX, 1));
        assert!(one.pull().is_none() && one.ready().is_some(), "{one:?}");
        assert_times(one);
        assert!(one.begun() >= report.begun() - Duration::from_secs(5), "{one:?}");
    }

    let started = of(STARTER);
    let outcomes: Vec<_> = started.iter().map(|one| one.outcome()).collect();
    use StartOutcome::{Dropped, Failed, Ready};
    assert_eq!(outcomes, [Ready, Failed, Dropped], "{report}");
    assert!(started[0].pull().is_some_and(|pull| !pull.is_zero()), "{:?}", started[0]);
    assert_times(started[0]);
    let error = started[1].error().expect("it failed");
    assert_eq!(error, "the container exited with code 3 before it was ready");
    assert_times(started[1]);
    assert!(started[2].total() >= GIVEN_UP_AFTER, "{:?}", started[2]);

    // The same for other programs.
    let text: Value = serde_json::from_slice(&fs::read(report.path())?)?;
    assert_eq!(text["format"], 1);
    assert_eq!(text["containers"].as_array().map(Vec::len), Some(5));
    let total: Duration = report.containers().iter().map(ContainerStart::total).sum();
    assert_eq!(text["totals"]["started"], 5);
    assert_eq!(text["totals"]["not_ready"], 2);
    let told = text["totals"]["total_ms"].as_f64().expect("a number");
    assert!((told - total.as_secs_f64() * 1000.0).abs() < 1.0, "{told} and {total:?}");
    let longest = report.containers().iter().max_by_key(|one| one.total()).expect("five");
    assert_eq!(text["totals"]["slowest"], longest.name());
    assert_eq!(text["engines"].as_array().map(Vec::len), Some(1), "{}", text["engines"]);
    for process in processes {
        let pid = format!("/{process}/");
        let of = |one: &&Value| one["process"].as_str().is_some_and(|label| label.contains(&pid));
        assert!(text["containers"].as_array().is_some_and(|all| all.iter().any(|one| of(&one))));
    }
    Ok(())
}

const GIVEN_UP_AFTER: Duration = Duration::from_millis(700);

const STARTER: &str = "killed::startup::child_that_starts_in_all_ways";

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_starts_in_all_ways() {
    if !is_child(STARTER) {
        return;
    }
    hold(sleeper().pull(PullPolicy::Always).start_blocking().expect("a container"));
    let fails = ContainerRequest::new(BUSYBOX).cmd(["sh", "-c", "exit 3"]).wait(Wait::log("never"));
    fails.start_blocking().expect_err("it ends");
    let never = sleeper().wait(Wait::log("never"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let late = tokio::time::timeout(GIVEN_UP_AFTER, never.start()).await;
        late.expect_err("it is never ready");
    });
    tell("started");
    wait_for_parent();
}

#[test]
fn a_container_that_was_made_first_is_one_start() {
    let _sessions = Lock::shared();
    let folder = Folder::new();
    let session = session("report", &folder);
    let mut child = session.start(CREATOR);
    assert_eq!(child.told(), "made");
    eventually("the container in the report", || lists(&folder, 1));
    let made = report(&folder).containers()[0].clone();
    assert_eq!((made.outcome(), made.start()), (StartOutcome::Created, None));
    assert!(made.create().is_some_and(|took| took <= made.total()));
    child.go();
    assert_eq!(child.told(), "started");
    assert!(child.end().status.success());
    session.over();
    let report = report(&folder);
    let [one] = report.containers() else { panic!("one container: {report}") };
    assert_eq!((one.outcome(), one.name()), (StartOutcome::Ready, made.name()));
    assert_eq!(one.create(), made.create());
    assert!(one.total() > made.total());
    assert_times(one);
}

const CREATOR: &str = "killed::startup::child_that_creates_and_starts";

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_creates_and_starts() {
    if is_child(CREATOR) {
        let container = sleeper().create_blocking().expect("a container");
        tell("made");
        wait_for_parent();
        container.start().expect("it starts");
        tell("started");
        wait_for_parent();
    }
}

#[test]
fn a_process_that_is_killed_in_the_middle_of_a_start_is_listed() {
    let _sessions = Lock::shared();
    let folder = Folder::new();
    let session = session("report", &folder);
    let begun = Instant::now();
    let mut child = session.start(HANGER);
    eventually("the container in the report", || {
        files(&folder).first().is_some_and(|file| {
            StartupReport::read(file).is_ok_and(|read| {
                read.ended().is_none()
                    && read.containers().iter().any(|one| one.outcome() == StartOutcome::Starting)
            })
        })
    });
    eventually("the container", || !session.left().is_empty());
    child.kill();
    drop(child);
    let lived = begun.elapsed();
    session.over_late();
    let report = report(&folder);
    let [one] = report.containers() else { panic!("one container: {report}") };
    assert_eq!((one.outcome(), one.test()), (StartOutcome::Killed, Some(HANGER)));
    assert!(!one.total().is_zero() && one.total() <= lived + Duration::from_secs(1), "{one:?}");
}

const HANGER: &str = "killed::startup::child_that_waits_for_a_container";

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_waits_for_a_container() {
    if is_child(HANGER) {
        let never = sleeper().wait(Wait::log("never")).start_timeout(Duration::from_secs(60));
        let _ = never.start_blocking();
    }
}

#[test]
fn a_reaper_that_takes_the_place_of_a_killed_one_goes_on_with_its_report() {
    let _sessions = Lock::shared();
    let folder = Folder::new();
    let session = session("report", &folder);
    let mut first = session.start(SLEEPER);
    first.told();
    eventually("the first container in the report", || lists(&folder, 1));
    // Nobody tells of it again who lives.
    let mut second = session.start(SLEEPER);
    second.told();
    assert!(first.end().status.success());
    eventually("both containers in the report", || lists(&folder, 2));
    let before = report(&folder);

    let reaper = session.reaper();
    sys::signal(reaper, SIGKILL).expect("it runs");
    eventually("another reaper", || session.reapers().iter().any(|other| *other != reaper));
    let mut third = session.start(SLEEPER);
    third.told();
    for child in [second, third] {
        assert!(child.end().status.success());
    }
    session.over();
    let after = report(&folder);
    assert!(after.ended().is_some() && after.begun() == before.begun());
    assert_eq!(after.containers().len(), 3, "{after}");
    assert_eq!(after.containers()[..2], before.containers()[..]);
}

#[test]
fn all_tests_of_a_run_of_nextest_are_in_one_report() -> TestResult {
    let _sessions = Lock::shared();
    if super::nextest::is_skipped() {
        return Ok(());
    }
    let mut run = Run::start("test(/nextest::child_that_waits_/)")?;
    eventually("the start of all tests", || run.session.left().len() == 4 * TESTS);
    run.tell(END);
    let (said, status) = run.end();
    assert!(status.success(), "{said}");
    run.session.over();
    let file = format!("{}.json", run.session.name());
    let report = StartupReport::read(target()?.join("longshore/sessions").join(file))?;
    assert_eq!(report.runner(), Some("nextest"));
    let mut tests: Vec<_> = report.containers().iter().filter_map(ContainerStart::test).collect();
    tests.sort_unstable();
    let expected = [1, 2, 3].map(|test| format!("killed::nextest::child_that_waits_{test}"));
    assert_eq!(tests, expected);
    let is_ready = |one: &ContainerStart| one.outcome() == StartOutcome::Ready;
    assert!(report.containers().iter().all(is_ready), "{report}");
    Ok(())
}

/// By the messages of the protocol, as a process sends them that finds a container.
#[test]
fn those_who_share_a_container_are_counted() -> TestResult {
    let _sessions = Lock::shared();
    let folder = Folder::new();
    let session = session("report-shared", &folder).env(shared::SCRIPT, shared::AT_ONCE);
    let mut children =
        [shared::ASKER, shared::TWICE, shared::ASKER].map(|test| session.start(test));
    let ids = children.each_mut().map(|child| child.told());
    children[1].go();
    assert_eq!(children[1].told(), ids[0]);
    for child in children {
        assert!(child.end().status.success());
    }
    session.over();
    let report = report(&folder);
    let [one] = report.containers() else { panic!("one was started: {report}") };
    assert_eq!((one.users(), one.processes(), one.outcome()), (4, 3, StartOutcome::Ready));
    assert!(!one.waited().is_zero(), "three have found it");
    assert!(report.to_string().contains("; 1 shared, used 4 times"), "{report}");
    assert_times(one);
    Ok(())
}

#[test]
fn nothing_is_written_when_no_reports_are_wanted_or_they_cannot_be_written() -> TestResult {
    let _sessions = Lock::shared();
    let folder = Folder::new();
    let file = folder.path().join("file");
    fs::write(&file, "")?;
    for reports in ["off", file.to_str().expect("UTF-8")] {
        let session = Session::new("report").without_sweep().env("LONGSHORE_REPORTS", reports);
        let mut child = session.start(SLEEPER);
        child.told();
        let ended = child.end();
        assert!(ended.status.success());
        assert_eq!(ended.complaints(), [""; 0]);
        session.over();
        let name = format!("{}.json", session.name());
        let next_to_us = target()?.join("longshore/sessions").join(name);
        assert!(!next_to_us.exists(), "{}", next_to_us.display());
    }
    assert_eq!(fs::read(file)?, b"");
    Ok(())
}

#[test]
fn without_a_variable_it_is_in_the_target_folder_and_the_example_prints_it() -> TestResult {
    let _sessions = Lock::shared();
    let mut session = Session::new("report").without_sweep();
    session.rename(&format!("a/b {}", unique("c")));
    let mut child = session.start(SLEEPER);
    let id = child.told();
    let name = get(&format!("/containers/{id}/json"))["Name"].clone();
    assert!(child.end().status.success());
    session.over();
    let file = format!("{}.json", session.name().replace(['/', ' '], "_"));
    let path = target()?.join("longshore/sessions").join(file);
    let report = StartupReport::read(&path)?;
    assert_eq!(format!("/{}", report.containers()[0].name()), name);

    let example = std::env::current_exe()?.with_file_name("../examples/report");
    if !example.exists() {
        fs::remove_file(path)?;
        skipped("the example is not built; `cargo build --example report`");
        return Ok(());
    }
    let (printed, text) = run(Command::new(&example).arg(&path))?;
    assert!(printed, "{text}");
    assert_eq!(text, report.to_string());
    assert!(text.contains(BUSYBOX) && text.contains(SLEEPER), "{text}");
    assert!(text.contains("1 start in "), "{text}");

    // The last one of some.
    let folder = Folder::new();
    fs::create_dir(folder.path().join("sessions"))?;
    let example = || {
        let mut command = Command::new(&example);
        command.env("LONGSHORE_REPORTS", folder.path()).current_dir(folder.path());
        command.env_remove("CARGO_TARGET_DIR");
        command
    };
    let (printed, told) = run(&mut example())?;
    assert!(!printed && told.starts_with("there is no start-up report\n  looked in: "), "{told}");
    assert!(told.contains("hint: run tests that start containers"), "{told}");
    fs::rename(path, folder.path().join("sessions/a.json"))?;
    assert_eq!(run(&mut example())?, (true, text));
    Ok(())
}

/// Whether it succeeded, and what it printed.
fn run(command: &mut Command) -> std::io::Result<(bool, String)> {
    let output = command.output()?;
    let text = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
}

/// The folder above `<profile>/deps/<this program>`.
fn target() -> std::io::Result<PathBuf> {
    let program = std::env::current_exe()?;
    Ok(program.ancestors().nth(3).unwrap_or(Path::new("/")).to_owned())
}
