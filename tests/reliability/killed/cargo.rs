//! Test programs that one `cargo test` runs one after another: they are of one test run, whose reaper lives until cargo ends.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::{env, fs};

use libc::SIGKILL;

use super::child::{is_child, tell, wait_for_parent, Held, CHILD};
use super::support::session::{Folder, Session};
use super::support::sys::{self, Lock};
use super::support::{eventually, get, TestResult};
use super::{hold, sleeper};

const PROGRAM: &str = "killed::cargo::child_of_cargo";

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_of_cargo() {
    if is_child(PROGRAM) {
        let container = sleeper().start_blocking().expect("a container");
        tell(std::process::id());
        tell(container.id());
        hold(container);
        wait_for_parent();
    }
}

/// A shell by the name of cargo that runs this program twice, in a test run that has its name from that.
fn cargo(folder: &Folder, session: &Session) -> Result<Held, Box<dyn std::error::Error>> {
    let mut command = command(folder, session, PROGRAM)?;
    command.env_remove("LONGSHORE_SESSION");
    Ok(Held::start(command)?)
}

/// A shell by the name of cargo that runs a test of this program twice.
pub(crate) fn command(
    folder: &Folder,
    session: &Session,
    program: &str,
) -> Result<Command, Box<dyn std::error::Error>> {
    let cargo = folder.path().join("cargo");
    // By another process: while this one has it open, a child of another test may have it too, and it could not be run.
    assert!(Command::new("cp").arg("/bin/sh").arg(&cargo).status()?.success());
    fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755))?;
    let mut command = Command::new(&cargo);
    session.join(&mut command);
    command.env("CARGO", &cargo).env(CHILD, program);
    command.args(["-c", r#""$@"; read line; "$@"; read line; exit 0"#, "cargo"]);
    command.arg(env::current_exe()?).args(["--exact", program, "--nocapture", "--ignored"]);
    Ok(command)
}

/// The test run that a container belongs to, as its label says.
fn session_of(container: &str) -> String {
    let labels = &get(&format!("/containers/{container}/json"))["Config"]["Labels"];
    labels["org.longshore.session"].as_str().expect("it is ours").to_owned()
}

#[test]
fn programs_of_one_cargo_are_of_one_test_run_with_one_reaper() -> TestResult {
    let _sessions = Lock::shared();
    let (folder, mut session) = (Folder::new(), Session::new("cargo"));
    let mut cargo = cargo(&folder, &session)?;
    let (program, container) = (cargo.told(), cargo.told());
    session.rename(&session_of(&container));
    assert!(session.name().contains(&cargo.id().to_string()), "{}", session.name());
    let reaper = session.reaper();
    cargo.go();
    let program = program.parse()?;
    eventually("the end of the first program", || !sys::is_running(program));
    session.all_gone();
    // No process of this test run is left, and it is not over.
    assert_eq!(session.reaper(), reaper);
    cargo.go();
    let (second, container) = (cargo.told(), cargo.told());
    assert_ne!(second.parse(), Ok(program));
    assert_eq!(session_of(&container), session.name());
    assert_eq!(session.reaper(), reaper);
    cargo.go();
    cargo.go();
    assert!(cargo.end().status.success());
    assert_eq!(session.left(), []);
    session.over();
    Ok(())
}

#[test]
fn nothing_is_left_when_cargo_is_killed_and_its_program() -> TestResult {
    let _sessions = Lock::shared();
    let (folder, mut session) = (Folder::new(), Session::new("cargo"));
    let mut cargo = cargo(&folder, &session)?;
    let (program, container) = (cargo.told(), cargo.told());
    session.rename(&session_of(&container));
    session.reaper();
    cargo.kill();
    sys::signal(program.parse()?, SIGKILL)?;
    cargo.wait();
    session.all_gone();
    session.over();
    Ok(())
}

/// As after Ctrl-C in a terminal that only cargo has heard: the program goes on.
#[test]
fn a_program_that_outlives_cargo_keeps_its_reaper() -> TestResult {
    let _sessions = Lock::shared();
    let (folder, mut session) = (Folder::new(), Session::new("cargo"));
    let mut cargo = cargo(&folder, &session)?;
    let (program, container) = (cargo.told(), cargo.told());
    session.rename(&session_of(&container));
    let reaper = session.reaper();
    sys::signal(cargo.id(), SIGKILL)?;
    eventually("cargo's end", || !sys::is_running(cargo.id()));
    assert_eq!(session.reaper(), reaper);
    assert_eq!(session.left().len(), 1);
    sys::signal(program.parse()?, SIGKILL)?;
    session.all_gone();
    session.over();
    Ok(())
}
