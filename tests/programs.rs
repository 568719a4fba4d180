//! The crates below `tests/programs`, run as users run theirs: by `cargo test` and by nextest. One container for forty tests in four
//! programs; somebody is there to make it whoever dies over it; and nothing is left of tests, however they end. What the engine has is
//! counted in its events.

#![cfg(target_os = "linux")]
#![allow(missing_docs, reason = "tests")]

mod support;

use std::process::Command;
use std::time::{Duration, Instant};

use rand::Rng;

use support::program::{Program, Ran};
use support::session::{Folder, Session};
use support::{say, skipped, sys};

/// Tests of the program `failing` that panic or return an error.
const FAILING: [&str; 5] = [
    "panics",
    "panics_in_a_task",
    "panics_in_async",
    "returns_an_error",
    "returns_an_error_in_async",
];

/// Whether there is no nextest here; then that was said.
fn is_without_nextest() -> bool {
    let is_there = Command::new("cargo-nextest").args(["nextest", "--version"]).output().is_ok();
    if !is_there {
        skipped("there is no nextest; `cargo install cargo-nextest`");
    }
    !is_there
}

fn session() -> Session {
    Session::new("program").without_sweep()
}

/// A session, and the folder for what it reports of tests that fail.
fn reporting() -> (Session, Folder) {
    let reports = Folder::new();
    (session().env("LONGSHORE_REPORTS", reports.path().to_string_lossy()), reports)
}

/// The tests that there are reports of.
fn reported(reports: &Folder) -> Vec<String> {
    let files = sys::below(reports.path()).into_iter();
    let reports = files.filter(|path| path.ends_with("report.txt"));
    let mut tests: Vec<_> = reports
        .filter_map(|path| Some(path.parent()?.file_name()?.to_string_lossy().into_owned()))
        .map(|test| test.replace("a_test_that.", ""))
        .collect();
    tests.sort_unstable();
    tests
}

/// Nothing is left of a run: no container after five seconds, then no reaper and no file. Gives how long the containers took.
fn nothing_is_left(ran: &Ran) -> Duration {
    assert!(ran.created > 0, "{}", ran.said);
    let gone = ran.session.all_gone();
    ran.session.over_late();
    let complaints = ran.said.lines().filter(|line| {
        line.contains("longshore: ")
            && !line.trim().starts_with("longshore: the test `a_test_that::")
    });
    assert_eq!(complaints.collect::<Vec<_>>(), [""; 0], "what fails are tests, not their ends");
    gone
}

/// What nextest says of tests that end before all that they have started.
fn none_is_leaky(ran: &Ran) {
    assert!(!ran.said.to_lowercase().contains("leak"), "{}", ran.said);
}

#[test]
fn forty_tests_of_four_programs_share_one_under_cargo() {
    let ran = Program::build("sharing").cargo(session(), &[]);
    assert!(ran.status.success(), "{}", ran.said);
    assert_eq!(ran.said.matches("test result: ok. 10 passed; 0 failed").count(), 4, "{}", ran.said);
    assert_eq!(ran.created, 1);
    let gone = nothing_is_left(&ran);
    say(&format!("cargo: one container for forty tests, gone {gone:?} after their end"));
}

#[test]
fn forty_tests_of_four_programs_share_one_under_nextest() {
    if is_without_nextest() {
        return;
    }
    let ran = Program::build("sharing").nextest(session(), &[]);
    assert!(ran.status.success(), "{}", ran.said);
    assert!(ran.said.contains("40 tests across 4 binaries"), "{}", ran.said);
    assert!(ran.said.contains("40 tests run: 40 passed, 0 skipped"), "{}", ran.said);
    none_is_leaky(&ran);
    assert_eq!(ran.created, 1);
    let gone = nothing_is_left(&ran);
    say(&format!("nextest: one container for forty tests, gone {gone:?} after their end"));
}

/// Fifty times where `LONGSHORE_TORTURE` is 200, three times if it is not set.
#[test]
fn whoever_makes_it_under_nextest_may_be_killed_at_any_moment() {
    if is_without_nextest() {
        return;
    }
    let torture = std::env::var("LONGSHORE_TORTURE").ok().and_then(|count| count.parse().ok());
    let rounds = torture.map_or(3, |count: usize| (count / 4).max(3));
    let program = Program::build("failing");
    let (mut sessions, mut made_again, mut slowest) = (Vec::new(), 0, Duration::ZERO);
    for round in 0..rounds {
        let (folder, after) = (Folder::new(), rand::thread_rng().gen_range(0..1200));
        let asked = folder.path().join("asked").to_string_lossy().into_owned();
        let session = session().env("ASKED", asked).env("KILLED_AFTER", after.to_string());
        let begun = Instant::now();
        let ran = program.nextest(
            session,
            &["--test", "killed", "--run-ignored", "only", "--test-threads", "5"],
        );
        slowest = slowest.max(begun.elapsed());
        let what = format!("round {round}, after {after} ms: {}", ran.said);
        assert!(!ran.status.success(), "{what}");
        assert!(ran.said.contains("5 tests run: 4 passed, 1 failed"), "{what}");
        assert!(ran.said.contains("SIGKILL") && ran.said.contains("the_first"), "{what}");
        none_is_leaky(&ran);
        assert!((1..=2).contains(&ran.created), "{} were made in {what}", ran.created);
        made_again += usize::from(ran.created == 2);
        ran.session.all_gone();
        sessions.push(ran.session);
    }
    // The engine is given half a minute for what it was asked to create by one that was killed; one for all of them.
    sessions.iter().for_each(Session::ended_late);
    assert!(rounds < 20 || made_again > rounds / 5, "{made_again} of {rounds} were killed in time");
    say(&format!(
        "{rounds} killed, {made_again} of them with a container half made; a run took {slowest:?} at most"
    ));
}

#[test]
fn nothing_is_left_of_tests_that_fail_under_cargo() {
    let (session, reports) = reporting();
    let ran = Program::build("failing")
        .cargo(session, &["--test", "ends", "--", "passes", "panics", "returns"]);
    assert!(!ran.status.success(), "{}", ran.said);
    assert!(ran.said.contains("test result: FAILED. 1 passed; 5 failed"), "{}", ran.said);
    assert_eq!(ran.created, 6 + 1, "{}", ran.said);
    nothing_is_left(&ran);
    assert_eq!(reported(&reports), FAILING);
}

#[test]
fn nothing_is_left_of_programs_that_exit_or_abort_under_cargo() {
    let program = Program::build("failing");
    let (exit, abort) = ("(exit status: 3)", "(signal: 6, SIGABRT");
    for (tests, end, told) in [
        // One that exits does so on purpose.
        (&["--exact", "a_test_that::exits"][..], exit, Some(&[][..])),
        (&["--exact", "a_test_that::exits_in_async"], exit, Some(&[])),
        // One of both may be kept from starting its containers by the end of the process, and tells of that.
        (&["exits"], exit, None),
        (&["aborts"], abort, Some(&["aborts"])),
    ] {
        let (session, reports) = reporting();
        let ran = program.cargo(session, &[&["--test", "ends", "--"], tests].concat());
        assert!(!ran.status.success() && ran.said.contains(end), "{}", ran.said);
        nothing_is_left(&ran);
        if let Some(told) = told {
            assert_eq!(reported(&reports), told, "{}", ran.said);
        }
    }
}

#[test]
fn nothing_is_left_of_tests_that_fail_exit_abort_and_hang_under_nextest() {
    if is_without_nextest() {
        return;
    }
    let (session, reports) = reporting();
    let ran = Program::build("failing")
        .nextest(session, &["--test", "ends", "--run-ignored", "all", "--test-threads", "4"]);
    assert!(!ran.status.success(), "{}", ran.said);
    let summary = "11 tests run: 1 passed, 8 failed, 2 timed out, 0 skipped";
    assert!(ran.said.contains(summary), "{}", ran.said);
    let said = |what: &str| ran.said.lines().filter(|line| line.trim().starts_with(what)).count();
    assert!(said("SIGABRT") > 0 && said("TIMEOUT") > 0, "{}", ran.said);
    none_is_leaky(&ran);
    assert_eq!(ran.created, 11 + 1, "{}", ran.said);
    nothing_is_left(&ran);
    let mut failing = [&FAILING[..], &["aborts", "hangs", "hangs_in_async"]].concat();
    failing.sort_unstable();
    assert_eq!(reported(&reports), failing);
}
