//! Tests under nextest, each in a process of its own and all of one test run: nothing is left when they pass, run out of time, are
//! interrupted, or lose nextest itself; and nextest calls none of them leaky.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use libc::{SIGINT, SIGKILL, SIGTERM};
use serde_json::{json, Value};

use super::child::{is_child, CHILD};
use super::support::session::{Folder, Session};
use super::support::sys::{self, Lock};
use super::support::{eventually, TestResult};
use super::{hold_one_of_each, skipped};

/// The value of [`CHILD`] for all tests under nextest.
const UNDER_NEXTEST: &str = "under nextest";

/// In the folder that they run in: the waiting ones end when this is there.
const END: &str = "end";

/// How many tests are run at once.
const TESTS: usize = 3;

/// A run that goes on. Killed when it is dropped, as are the tests that it has left running.
struct Run {
    nextest: Child,
    lines: Receiver<String>,
    session: Session,
    folder: Folder,
}

impl Run {
    /// Runs this program's ignored tests of that name, without a build: nextest is told which program there is, in a package that
    /// is made for it.
    fn start(filter: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let (folder, mut session) = (Folder::new(), Session::new("nextest"));
        let at = folder.path();
        fs::create_dir(at.join("src"))?;
        fs::write(at.join("src/lib.rs"), "")?;
        fs::write(at.join("Cargo.toml"), "[package]\nname = \"a\"\n[workspace]\n")?;
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--offline", "--format-version", "1"])
            .current_dir(at)
            .output()?;
        let metadata: Value = serde_json::from_slice(&output.stdout)?;
        fs::write(at.join("metadata.json"), &output.stdout)?;
        fs::write(at.join("binaries.json"), binaries(at, &metadata)?.to_string())?;
        fs::write(
            at.join("config.toml"),
            "[profile.default]\nretries = 0\nfail-fast = false\n\
             [[profile.default.overrides]]\nfilter = 'test(hangs)'\n\
             slow-timeout = { period = '3s', terminate-after = 1, grace-period = '500ms' }\n",
        )?;

        let mut command = Command::new("cargo-nextest");
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("NEXTEST") {
                command.env_remove(name);
            }
        }
        command
            .args(["nextest", "run", "--cargo-metadata", "metadata.json", "--binaries-metadata"])
            .args(["binaries.json", "--config-file", "config.toml", "--color", "never"])
            .args(["--run-ignored", "only", "-E", filter])
            .arg(format!("--test-threads={TESTS}"))
            .current_dir(at)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        session.join(&mut command);
        command.env_remove("LONGSHORE_SESSION").env("CARGO", env!("CARGO"));
        command.env(CHILD, UNDER_NEXTEST);
        let mut nextest = command.spawn()?;
        let lines = lines(BufReader::new(nextest.stderr.take().expect("it is piped")));
        // It says which run this is before it runs anything.
        let id = lines
            .iter()
            .find_map(|line| Some(line.split_once("run ID ")?.1.split(' ').next()?.to_owned()));
        session.rename(&format!("nextest-{}", id.ok_or("nextest told no run")?));
        Ok(Run { nextest, lines, session, folder })
    }

    /// Waits until each of the tests holds its things, and gives their processes.
    fn tests(&self) -> Vec<u32> {
        eventually("the start of all tests", || self.session.left().len() == 4 * TESTS);
        let mut tests: Vec<_> = self.session.left().iter().map(|left| left.owner).collect();
        tests.sort_unstable();
        tests.dedup();
        assert_eq!(tests.len(), TESTS);
        tests
    }

    /// Waits for its end: what it has said, and how it has ended.
    fn end(&mut self) -> (String, ExitStatus) {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.nextest.try_wait().expect("it can be waited for") {
                break status;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "nextest does not end");
            thread::sleep(Duration::from_millis(10));
        };
        (self.lines.iter().collect::<Vec<_>>().join("\n"), status)
    }

    fn nothing_left(&self) {
        self.session.all_gone();
        self.session.over_late();
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = fs::write(self.folder.path().join(END), "");
        let _ = self.nextest.kill();
        let _ = self.nextest.wait();
    }
}

fn lines(from: impl BufRead + Send + 'static) -> Receiver<String> {
    let (told, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in from.lines().map_while(Result::ok) {
            let _ = told.send(line);
        }
    });
    lines
}

/// What nextest would know if it had built this program: `nextest list --list-type binaries-only`.
fn binaries(target: &Path, metadata: &Value) -> Result<Value, Box<dyn std::error::Error>> {
    Ok(json!({
        "rust-build-meta": {
            "target-directory": target, "base-output-directories": ["debug"],
            "non-test-binaries": {}, "build-script-out-dirs": {}, "linked-paths": [],
            "target-platforms": [], "target-platform": null,
        },
        "rust-binaries": { "a::reliability": {
            "binary-id": "a::reliability", "binary-name": "reliability", "kind": "test",
            "package-id": metadata["packages"][0]["id"], "build-platform": "target",
            "binary-path": std::env::current_exe()?,
        }},
    }))
}

/// Whether there is no nextest here; then that was said.
fn is_skipped() -> bool {
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
    run.tests();
    // Not a child of nextest: it would wait for it.
    run.session.reaper();
    fs::write(run.folder.path().join(END), "")?;
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
    // Six tests, three at a time.
    let mut run = Run::start("test(/nextest::child_that_(waits|is_late)_/)")?;
    let first = run.tests();
    let reaper = run.session.reaper();
    fs::write(run.folder.path().join(END), "")?;
    eventually("the start of a test after those", || {
        run.session.left().iter().any(|left| !first.contains(&left.owner))
    });
    assert_eq!(run.session.reaper(), reaper);
    let (said, status) = run.end();
    assert!(status.success(), "{said}");
    assert!(!said.to_lowercase().contains("leak"), "{said}");
    run.nothing_left();
    Ok(())
}

#[test]
fn nothing_is_left_of_a_test_that_nextest_ends_for_its_time() -> TestResult {
    let _sessions = Lock::shared();
    if is_skipped() {
        return Ok(());
    }
    let mut run = Run::start("test(/nextest::child_that_hangs/)")?;
    eventually("the start of the test", || run.session.left().len() == 4);
    let (said, status) = run.end();
    assert!(!status.success() && said.contains("TIMEOUT"), "{said}");
    run.nothing_left();
    Ok(())
}

#[test]
fn nothing_is_left_when_nextest_is_interrupted() -> TestResult {
    let _sessions = Lock::shared();
    if is_skipped() {
        return Ok(());
    }
    for signal in [SIGINT, SIGTERM] {
        let mut run = Run::start("test(/nextest::child_that_waits_/)")?;
        run.tests();
        sys::signal(run.nextest.id(), signal)?;
        let (said, status) = run.end();
        assert!(!status.success(), "{said}");
        run.nothing_left();
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
    let tests = run.tests();
    run.nextest.kill()?;
    run.nextest.wait()?;
    sys::signal(tests[0], SIGKILL)?;
    eventually("the removal of what the killed one had", || {
        run.session.left_of(tests[0]).is_empty()
    });
    assert_eq!(run.session.left().len(), 4 * (TESTS - 1), "what the others have");
    fs::write(run.folder.path().join(END), "")?;
    for test in &tests {
        eventually("the end of the tests", || !sys::is_running(*test));
    }
    run.nothing_left();
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
    let tests = run.tests();
    run.nextest.kill()?;
    for test in tests {
        sys::signal(test, SIGKILL)?;
    }
    run.nextest.wait()?;
    run.nothing_left();
    Ok(())
}

/// Holds one of each, until the parent says so or half a minute is over.
fn wait_for_end() {
    if !is_child(UNDER_NEXTEST) {
        return;
    }
    hold_one_of_each();
    let begun = Instant::now();
    while !Path::new(END).exists() && begun.elapsed() < Duration::from_secs(30) {
        thread::sleep(Duration::from_millis(20));
    }
}

macro_rules! tests {
    ($($name:ident)*) => {$(
        #[test]
        #[ignore = "run under nextest by the other tests"]
        fn $name() {
            wait_for_end();
        }
    )*};
}

tests! { child_that_waits_1 child_that_waits_2 child_that_waits_3 }
tests! { child_that_is_late_1 child_that_is_late_2 child_that_is_late_3 }
tests! { child_that_hangs }
