//! What a test with `#[with_container]` tells when it fails, and what it leaves in its report's folder: by itself, or by the reaper when
//! it was killed. Each test here runs others of this program, as child processes.

use std::process::{Command, Output};
use std::time::Duration;
use std::{env, fs, path::Path, path::PathBuf};

use longshore::{blocking, with_container, Container};

use crate::support::child::{is_child, tell, wait_for_parent, Ended, CHILD};
use crate::support::nextest::{Run, UNDER_NEXTEST};
use crate::support::proxy::{Action, Proxy};
use crate::support::session::{Folder, Session};
use crate::support::{api, eventually, exists, remove_kept, skipped, TestResult};

/// Whether a child is to fail.
const FAILS: &str = "LONGSHORE_TEST_FAILS";

/// Writes to both streams, some of it on lines that are too early to be among the last ones, and goes on.
const TALKS: &str =
    "for n in $(seq 1 30); do echo line $n; done; echo a complaint >&2; echo up; exec sleep 600";

fn fails() -> bool {
    env::var_os(FAILS).is_some()
}

macro_rules! name {
    ($test:ident) => {
        concat!("attribute_reports::", stringify!($test))
    };
}

#[with_container("busybox:1.35", cmd = ["sh", "-c", TALKS], env("A" = "it's a secret"), publish = "80", wait = log("up"))]
#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_may_panic(db: &blocking::Container) {
    if is_child(name!(child_that_may_panic)) {
        tell(db.name());
        assert!(!fails(), "on purpose");
    }
}

#[with_container("busybox:1.35", cmd = ["sleep", "600"])]
#[with_container("busybox:1.35", cmd = ["sh", "-c", "sleep 600 & read line; exit 7"], interactive, name = "second")]
#[tokio::test]
#[ignore = "run as a child process by the other tests"]
async fn child_that_returns_an_error(first: Container, second: &Container) -> TestResult {
    if is_child(name!(child_that_returns_an_error)) {
        tell(first.id());
        second.kill("KILL").await?;
        second.wait().await?;
        drop(first);
        Err("no such row")?;
    }
    Ok(())
}

#[with_container("busybox:1.35", cmd = ["sleep", "600"])]
#[test]
#[should_panic(expected = "on purpose")]
#[ignore = "run as a child process by the other tests"]
fn child_that_should_panic() {
    match env::var(FAILS).as_deref() {
        Ok("1") => panic!("on purpose"),
        Ok(_) => panic!("by chance"),
        Err(_) => {}
    }
}

#[with_container("busybox:1.35", cmd = ["sleep", "600"], name = "fine")]
#[with_container("busybox:1.35", cmd = ["sh", "-c", "echo no config; exit 3"], wait = log("up"))]
#[ignore = "run as a child process by the other tests"]
async fn child_whose_container_does_not_start(broken: &Container, fine: &Container) {
    panic!("{broken:?} and {fine:?} run");
}

#[with_container("busybox:1.35", cmd = ["sh", "-c", TALKS], publish = "80", wait = log("up"))]
#[tokio::test]
#[ignore = "run as a child process by the other tests"]
async fn child_that_is_ended(db: Container) -> TestResult {
    if is_child(name!(child_that_is_ended)) {
        tell(db.name());
        tokio::task::spawn_blocking(wait_for_parent).await?;
        std::process::abort();
    }
    if is_child(UNDER_NEXTEST) {
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    Ok(())
}

#[with_container("busybox:1.35", cmd = ["sh", "-c", TALKS], wait = log("never comes"))]
#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_waits_for_its_container(db: &blocking::Container) {
    panic!("{db:?} is ready");
}

/// Longer than the limit that nextest gives it.
#[with_container("busybox:1.35", cmd = ["sh", "-c", TALKS], wait = log("up"))]
#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_hangs(_db: &blocking::Container) {
    if is_child(UNDER_NEXTEST) {
        std::thread::sleep(Duration::from_secs(60));
    }
}

#[with_container("busybox:1.35", cmd = ["sleep", "600"])]
#[rstest::rstest]
#[case(1)]
#[case(2)]
#[ignore = "run as a child process by the other tests"]
fn child_with_cases(#[case] number: u32, container: &blocking::Container) {
    assert_eq!(number, 1, "{}", container.name());
}

#[with_container("busybox:1.35", cmd = ["sh", "-c", TALKS], wait = log("up"), shared)]
#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_shares(db: &blocking::Container) {
    if is_child(name!(child_that_shares)) {
        tell(db.name());
        wait_for_parent();
        assert!(!fails(), "on purpose");
    }
}

/// Runs a test of this program as a user does: libtest keeps what it writes.
fn run(session: &Session, test: &str) -> Result<Output, Box<dyn std::error::Error>> {
    run_program(session, &env::current_exe()?, test)
}

fn run_program(
    session: &Session,
    program: &Path,
    test: &str,
) -> Result<Output, Box<dyn std::error::Error>> {
    let mut command = Command::new(program);
    command.args(["--exact", test, "--ignored"]).env(CHILD, test);
    session.join(&mut command);
    Ok(command.output()?)
}

/// A test run whose reports are written to a folder of its own.
fn session(reports: &Folder) -> Session {
    Session::new("reports").env("LONGSHORE_REPORTS", reports.path().to_string_lossy())
}

/// This program's name in paths of reports.
fn binary() -> String {
    let program = env::current_exe().expect("this program has a path");
    let stem = program.file_stem().expect("a name").to_string_lossy().into_owned();
    match stem.rsplit_once('-') {
        Some((name, hash)) if hash.len() == 16 => name.into(),
        _ => stem,
    }
}

fn folder(reports: &Path, test: &str) -> PathBuf {
    reports.join(binary()).join(test.replace("::", "."))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A container's name, which begins so.
fn name_in(text: &str) -> &str {
    let at = text.find("longshore-").expect("a name");
    text[at..].split(['`', ' ', '\n']).next().expect("a name")
}

#[test]
fn a_panic_tells_of_the_container_and_writes_all_that_may_help() -> TestResult {
    let reports = Folder::new();
    let session = session(&reports).env(FAILS, "1");
    let said = run(&session, name!(child_that_may_panic))?;
    let said = text(&said.stdout);
    let at = said.find("longshore: the test").unwrap_or_else(|| panic!("{said}"));
    assert!(said[..at].contains("on purpose"), "{said}");
    let (told, name) = (&said[at..], name_in(&said));
    let folder = folder(reports.path(), name!(child_that_may_panic));
    let head = format!(
        "longshore: the test `{}` has panicked\n  container `db`: `{name}` of `busybox:1.35`, running\n    \
         ports: 80/tcp -> 127.0.0.1:",
        name!(child_that_may_panic)
    );
    assert!(told.starts_with(&head), "{told}");
    assert!(told.contains("\n    last output:\n      | line "), "{told}");
    assert!(!told.contains("| line 9\n"), "twenty lines are told: {told}");
    assert!(told.contains("      | up\n"), "{told}");
    assert!(told.contains(&format!("\n  report: {}\n", folder.display())), "{told}");

    assert!(told.starts_with(&format!("longshore: {}", read(folder.join("report.txt")).trim_end())));
    let part = folder.join("db");
    let logs = read(part.join("logs.txt"));
    assert_eq!(logs.lines().count(), 32, "{logs}");
    assert!(logs.lines().all(|line| line.starts_with("20") && line.contains("Z ")), "{logs}");
    assert!(logs.contains(" line 1\n") && logs.contains(" a complaint\n"), "{logs}");
    let inspect: serde_json::Value = serde_json::from_str(&read(part.join("inspect.json")))?;
    assert_eq!(inspect["State"]["Status"], "running");
    let ports = read(part.join("ports.txt"));
    assert!(ports.starts_with("80/tcp -> 127.0.0.1:"), "{ports}");
    let run = read(part.join("run.sh"));
    assert!(run.ends_with(&format!(" busybox:1.35 sh -c '{TALKS}'\n")), "{run}");
    assert!(run.contains("docker run -d -e \"A=it's a secret\" -p 80 busybox:1.35"), "{run}");
    assert!(run.contains("\n# waits for `up` in the output\n"), "{run}");
    let mut actions = Vec::new();
    for line in read(part.join("events.json")).lines() {
        let event: serde_json::Value = serde_json::from_str(line)?;
        let action = if event["Action"].is_null() { &event["status"] } else { &event["Action"] };
        actions.push(action.as_str().unwrap_or_default().to_owned());
    }
    for action in ["create", "start"] {
        assert!(actions.iter().any(|one| one == action), "{actions:?}");
    }
    assert!(!exists(name));
    session.over();
    Ok(())
}

#[test]
fn a_test_that_passes_takes_its_report_away() -> TestResult {
    let reports = Folder::new();
    let failing = session(&reports).env(FAILS, "1");
    run(&failing, name!(child_that_may_panic))?;
    let folder = folder(reports.path(), name!(child_that_may_panic));
    let beside = folder.with_file_name("attribute_reports.another");
    fs::create_dir(&beside)?;
    fs::write(folder.join("older.txt"), "")?;
    run(&failing, name!(child_that_may_panic))?;
    assert!(folder.join("report.txt").exists() && !folder.join("older.txt").exists());

    let said = run(&session(&reports), name!(child_that_may_panic))?;
    assert!(said.status.success(), "{}", text(&said.stdout));
    assert!(!folder.exists() && beside.exists());
    Ok(())
}

#[test]
fn a_returned_error_is_a_failure_by_whatever_name_its_type_goes() -> TestResult {
    let reports = Folder::new();
    let said = run(&session(&reports), name!(child_that_returns_an_error))?;
    let said = text(&said.stdout);
    let folder = folder(reports.path(), name!(child_that_returns_an_error));
    let report = read(folder.join("report.txt"));
    let head = format!(
        "the test `{}` has returned an error\n  container `",
        name!(child_that_returns_an_error)
    );
    assert!(report.starts_with(&head), "{report}");
    assert!(said.contains(report.trim_end()), "{said}");
    assert!(report.contains("\n  container `first`: `longshore-"), "{report}");
    assert!(report.contains(" of `busybox:1.35`, running\n"), "{report}");
    assert!(report.contains("of `busybox:1.35`, exited with code 137\n"), "{report}");
    for part in ["first", "second"] {
        assert!(folder.join(part).join("inspect.json").exists());
    }
    Ok(())
}

#[test]
fn a_test_that_has_to_panic_fails_when_it_does_not() -> TestResult {
    let reports = Folder::new();
    let said = text(&run(&session(&reports), name!(child_that_should_panic))?.stdout);
    let folder = folder(reports.path(), name!(child_that_should_panic));
    let head =
        format!("the test `{}` has not panicked, as it should\n", name!(child_that_should_panic));
    let report = read(folder.join("report.txt"));
    assert!(report.starts_with(&head), "{report}");
    // It is no parameter, so it has a number.
    assert!(report.contains("\n  container 1: `longshore-") && folder.join("1").is_dir());
    assert!(said.contains("test did not panic as expected"), "{said}");

    let other = session(&reports).env(FAILS, "2");
    run(&other, name!(child_that_should_panic))?;
    let report = read(folder.join("report.txt"));
    assert!(report.contains(" has panicked with another message than it should\n"), "{report}");

    let session = session(&reports).env(FAILS, "1").env("LONGSHORE_KEEP", "failed");
    let said = run(&session, name!(child_that_should_panic))?;
    assert!(said.status.success(), "{}", text(&said.stdout));
    assert!(!text(&said.stderr).contains("longshore: "), "{}", text(&said.stderr));
    assert!(!folder.exists());
    assert_eq!(session.left(), [], "it has panicked as expected, so it is not kept");
    Ok(())
}

#[test]
fn a_start_that_fails_is_told_with_its_report() -> TestResult {
    let reports = Folder::new();
    let session = session(&reports);
    let said = text(&run(&session, name!(child_whose_container_does_not_start))?.stdout);
    let folder = folder(reports.path(), name!(child_whose_container_does_not_start));
    assert!(said.contains("the container exited with code 3 before it was ready\n"), "{said}");
    assert!(said.contains(&format!("\n  report: {}\n", folder.display())), "{said}");
    let report = read(folder.join("report.txt"));
    let head = format!(
        "the test `{}` did not come to its body\n",
        name!(child_whose_container_does_not_start)
    );
    assert!(report.starts_with(&head), "{report}");
    let line =
        "\n  container `broken`: did not start: the container exited with code 3 before it was ready\n";
    assert!(report.contains(line), "{report}");
    assert!(report.contains("\n      | no config\n"), "{report}");
    let part = folder.join("broken");
    assert!(read(part.join("logs.txt")).ends_with(" no config\n"));
    assert!(read(part.join("run.sh")).contains("docker run -d busybox:1.35 sh -c"));
    let inspect: serde_json::Value = serde_json::from_str(&read(part.join("inspect.json")))?;
    assert_eq!(inspect["State"]["ExitCode"], 3);
    assert_eq!(session.left(), []);
    Ok(())
}

/// Asserts what the reaper has written of the test in whose middle its process has ended.
fn assert_told_by_reaper(folder: &Path, test: &str, pid: Option<u32>) {
    eventually("the report", || folder.join("db/run.sh").exists());
    let report = read(folder.join("report.txt"));
    let head = format!("the test `{test}` has not ended: its process ");
    assert!(report.starts_with(&head), "{report}");
    if let Some(pid) = pid {
        assert!(report[head.len()..].starts_with(&pid.to_string()), "{report}");
    }
    assert!(report.contains(" ended in the middle of it (killed, aborted, or out of stack)\n"));
    assert!(report.contains(" of `busybox:1.35`, running\n"), "{report}");
    assert!(report.contains("      | up\n"), "{report}");
    eventually("the output", || folder.join("db/ports.txt").exists());
    let logs = read(folder.join("db/logs.txt"));
    assert!(logs.contains(" line 1\n"), "{logs}");
    let events = read(folder.join("db/events.json"));
    assert!(events.contains("start"), "{events}");
}

#[test]
fn for_a_test_that_is_killed_or_aborts_the_reaper_writes_it() -> TestResult {
    for is_killed in [true, false] {
        let reports = Folder::new();
        let session = session(&reports).without_sweep();
        let mut child = session.start(name!(child_that_is_ended));
        let (name, pid) = (child.told(), child.id());
        if is_killed {
            child.kill();
        } else {
            child.go();
        }
        let Ended { status, .. } = child.wait();
        assert!(!status.success());
        let folder = folder(reports.path(), name!(child_that_is_ended));
        assert_told_by_reaper(&folder, name!(child_that_is_ended), Some(pid));
        session.all_gone();
        assert!(!exists(&name));
        session.over();
    }
    Ok(())
}

#[test]
fn for_a_test_that_is_killed_while_its_container_is_not_ready_the_reaper_writes_it() -> TestResult {
    let reports = Folder::new();
    let session = session(&reports).without_sweep();
    let mut child = session.start(name!(child_that_waits_for_its_container));
    let has_said_all = || match &session.left()[..] {
        [one] => api("GET", &format!("/containers/{}/logs?stdout=1", one.id)).1.contains("up\n"),
        _ => false,
    };
    eventually("the output", has_said_all);
    child.kill();
    let pid = child.id();
    child.wait();
    let folder = folder(reports.path(), name!(child_that_waits_for_its_container));
    assert_told_by_reaper(&folder, name!(child_that_waits_for_its_container), Some(pid));
    session.all_gone();
    session.over();
    Ok(())
}

#[test]
fn for_a_test_that_nextest_ends_for_its_time_the_reaper_writes_it() -> TestResult {
    if Command::new("cargo-nextest").args(["nextest", "--version"]).output().is_err() {
        skipped("there is no nextest; `cargo install cargo-nextest`");
        return Ok(());
    }
    // Beside this program, as cargo has built it.
    let program = env::current_exe()?;
    let target = program.ancestors().nth(3).expect("a target folder");
    let folder = folder(&target.join("longshore"), name!(child_that_hangs));
    // On a busy machine a short limit is over before there is a container.
    for limit in [3, 9, 27] {
        let filter = "test(/attribute_reports::child_that_hangs/)";
        let mut run = Run::start_within(filter, Duration::from_secs(limit))?;
        let (said, status) = run.end();
        assert!(!status.success() && said.contains("TIMEOUT"), "{said}");
        run.session.all_gone();
        run.session.over_late();
        if folder.exists() {
            break;
        }
    }
    assert!(folder.join("_db/ports.txt").exists());
    let report = read(folder.join("report.txt"));
    assert!(report.contains(" has not ended: its process "), "{report}");
    fs::remove_dir_all(folder)?;
    Ok(())
}

#[test]
fn what_a_failed_test_had_is_kept_on_demand_after_an_error() -> TestResult {
    check_kept(name!(child_that_returns_an_error), 2)
}

#[test]
fn what_a_failed_test_had_is_kept_on_demand_after_a_start_that_failed() -> TestResult {
    // The other one is given up, unless it was ready before.
    check_kept(name!(child_whose_container_does_not_start), 1)
}

/// Asserts that at least so many containers of a test stay, and that the user is told.
fn check_kept(test: &str, count: usize) -> TestResult {
    let reports = Folder::new();
    let session = session(&reports).env("LONGSHORE_KEEP", "failed");
    let said = run(&session, test)?;
    let (told, left) = (text(&said.stderr), session.left());
    let containers: Vec<_> = left.iter().filter(|one| one.kind == "container").collect();
    assert!(containers.len() >= count, "{left:#?}");
    for container in containers {
        let name = container.name.trim_start_matches('/');
        assert!(told.contains(&format!("longshore: the container `{name}` is kept\n")), "{told}");
        assert!(told.contains(&format!(" exec -it {name} sh`\n")), "{told}");
        assert!(told.contains(&format!(" rm -fv {name}`\n")), "{told}");
        remove_kept(&format!("/containers/{}", container.id));
    }
    session.over();
    Ok(())
}

#[test]
fn each_case_of_a_test_has_a_report_of_its_own() -> TestResult {
    let reports = Folder::new();
    let session = session(&reports);
    for case in ["case_1", "case_2"] {
        run(&session, &format!("{}::{case}", name!(child_with_cases)))?;
    }
    let of = |case: &str| folder(reports.path(), &format!("{}::{case}", name!(child_with_cases)));
    assert!(of("case_2").join("container/logs.txt").exists() && !of("case_1").exists());
    Ok(())
}

#[test]
fn tests_of_one_name_in_two_programs_do_not_meet() -> TestResult {
    let target = Folder::new();
    let deps = target.path().join("ci/deps");
    fs::create_dir_all(&deps)?;
    let session = Session::new("reports").env(FAILS, "1").env("LONGSHORE_REPORTS", "");
    for name in ["one", "two"] {
        let program = deps.join(format!("{name}-0123456789abcdef"));
        let this = env::current_exe()?;
        if fs::hard_link(&this, &program).is_err() {
            fs::copy(&this, &program)?;
        }
        run_program(&session, &program, name!(child_that_may_panic))?;
    }
    let reports = target.path().join("longshore");
    let report = |binary: &str| {
        let folder = reports.join(binary).join("attribute_reports.child_that_may_panic");
        name_in(&read(folder.join("report.txt"))).to_owned()
    };
    assert_ne!(report("one"), report("two"));
    Ok(())
}

#[test]
fn a_report_that_cannot_be_written_is_a_line_and_none_at_all_is_said_by_off() -> TestResult {
    let reports = Folder::new();
    let file = reports.path().join("file");
    fs::write(&file, "")?;
    let to = |place: &str| Session::new("reports").env(FAILS, "1").env("LONGSHORE_REPORTS", place);
    let said = run(&to(&file.to_string_lossy()), name!(child_that_may_panic))?;
    let said = text(&said.stdout);
    assert!(said.contains("has panicked\n") && said.contains("      | up\n"), "{said}");
    let line = format!("\n  report: could not be written to {}/", file.display());
    assert!(said.contains(&line), "{said}");
    assert_eq!(fs::metadata(&file)?.len(), 0);

    let said = text(&run(&to("off"), name!(child_that_may_panic))?.stdout);
    assert!(said.contains("      | up\n") && !said.contains("report:"), "{said}");
    // A passing test is not touched by it either.
    let session = Session::new("reports").env("LONGSHORE_REPORTS", file.to_string_lossy());
    assert!(run(&session, name!(child_that_may_panic))?.status.success());
    Ok(())
}

/// The test run is over then, so what it shares may go; but not before it was looked at.
#[test]
fn a_shared_container_is_told_of_when_its_last_test_is_killed() -> TestResult {
    let proxy =
        Proxy::with_reapers(|call| match call.contains("/logs?") && !call.contains("follow=1") {
            true => Action::Delay(Duration::from_millis(700)),
            false => Action::Pass,
        });
    let reports = Folder::new();
    let session = session(&reports).env("DOCKER_HOST", proxy.address());
    let mut child = session.start(name!(child_that_shares));
    let (name, pid) = (child.told(), child.id());
    child.signal(libc::SIGKILL);
    let folder = folder(reports.path(), name!(child_that_shares));
    assert_told_by_reaper(&folder, name!(child_that_shares), Some(pid));
    eventually("the end of the test run", || session.reapers().is_empty());
    assert!(!exists(&name));
    Ok(())
}

#[test]
fn a_shared_container_is_told_of_by_each_test_that_has_it() -> TestResult {
    let (reports, others) = (Folder::new(), Folder::new());
    let session = session(&reports);
    let (mut first, mut second) =
        (session.start(name!(child_that_shares)), session.start(name!(child_that_shares)));
    let name = first.told();
    assert_eq!(second.told(), name);
    // The one that made it and the one that found it, in whatever order.
    for killed in [first, second] {
        let pid = killed.id();
        killed.signal(libc::SIGKILL);
        let folder = folder(reports.path(), name!(child_that_shares));
        assert_told_by_reaper(&folder, name!(child_that_shares), Some(pid));
        assert!(read(folder.join("report.txt")).contains(&format!("container `db`: `{name}` of")));
        fs::remove_dir_all(&folder)?;
    }
    session.all_gone();
    session.over();

    let failing = Session::new("reports")
        .env("LONGSHORE_REPORTS", others.path().to_string_lossy())
        .env(FAILS, "1")
        .env("LONGSHORE_KEEP", "failed");
    let mut third = failing.start(name!(child_that_shares));
    let name = third.told();
    let ended = third.end();
    assert!(!ended.status.success());
    assert!(ended.errors.contains(&format!("the container `{name}` is kept")), "{}", ended.errors);
    assert!(folder(others.path(), name!(child_that_shares)).join("db/logs.txt").exists());
    eventually("the end of the test run", || failing.reapers().is_empty());
    let is_there = exists(&name);
    remove_kept(&format!("/containers/{name}"));
    assert!(is_there, "a test that has failed had it");
    Ok(())
}
