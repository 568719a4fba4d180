//! What a process leaves when it ends. Each test runs this very program again as a child, for one of the tests whose name
//! begins with `child_`.

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};
use std::sync::{LazyLock, OnceLock};

use longshore::{blocking, ContainerRequest, Hooks};
use rand::Rng;

use super::support::sys::Lock;
use super::support::{exists, labelled, unique, TestResult, BUSYBOX};

/// Set for a child, with its name.
const CHILD: &str = "LONGSHORE_TEST_CHILD";

/// A label, or a name, for a child's containers.
const LABEL: &str = "LONGSHORE_TEST_LABEL";

fn run_child(name: &str) -> std::io::Result<Output> {
    run_child_with(name, "")
}

fn run_child_with(name: &str, label: &str) -> std::io::Result<Output> {
    child_command(name, label)?.output()
}

fn child_command(name: &str, label: &str) -> std::io::Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["--exact", &format!("processes::{name}"), "--nocapture", "--ignored"]);
    // What a killed one leaves is looked at.
    command.env(CHILD, name).env(LABEL, label).env("LONGSHORE_REAPER", "off");
    Ok(command)
}

fn is_child(name: &str) -> bool {
    env::var(CHILD).is_ok_and(|child| child == name)
}

/// The id that a child printed behind `container: `.
fn told_id(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout);
    let id = text.lines().find_map(|line| line.split("container: ").nth(1)).map(str::to_owned);
    id.unwrap_or_else(|| {
        panic!("the child told no id: {text}{}", String::from_utf8_lossy(&output.stderr))
    })
}

#[allow(clippy::print_stdout, reason = "the parent reads it")]
fn tell(container: &blocking::Container) {
    println!("container: {}", container.id());
}

fn sleeper() -> blocking::Container {
    ContainerRequest::new(BUSYBOX).cmd(["sleep", "600"]).start_blocking().expect("a container")
}

#[test]
fn a_container_in_a_static_goes_when_the_process_ends() -> TestResult {
    let output = run_child("child_with_a_static")?;
    assert!(output.status.success(), "{output:?}");
    assert!(!exists(&told_id(&output)));
    Ok(())
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_with_a_static() {
    static SHARED: LazyLock<blocking::Container> = LazyLock::new(sleeper);
    if is_child("child_with_a_static") {
        tell(&SHARED);
        assert!(SHARED.exec(["true"]).expect("it runs").success());
    }
}

#[test]
fn a_container_goes_when_the_process_exits_in_the_middle() -> TestResult {
    let output = run_child("child_that_exits")?;
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    assert!(!exists(&told_id(&output)));
    Ok(())
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_exits() {
    if is_child("child_that_exits") {
        let container = sleeper();
        tell(&container);
        std::process::exit(7);
    }
}

#[test]
fn nothing_is_left_when_the_process_exits_while_threads_start_containers() -> TestResult {
    for _ in 0..(super::torture_count() / 4).max(3) {
        let label = unique("exit-among-starts");
        let output = run_child_with("child_that_exits_among_starts", &label)?;
        assert_eq!(output.status.code(), Some(7), "{output:?}");
        assert_eq!(labelled(&label), [""; 0]);
    }
    Ok(())
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_exits_among_starts() {
    if !is_child("child_that_exits_among_starts") {
        return;
    }
    for _ in 0..3 {
        std::thread::spawn(|| loop {
            let label = env::var(LABEL).expect("the parent sets it");
            drop(
                ContainerRequest::new(BUSYBOX)
                    .label(label, "1")
                    .cmd(["sleep", "600"])
                    .start_blocking(),
            );
        });
    }
    std::thread::sleep(std::time::Duration::from_millis(rand::thread_rng().gen_range(100..500)));
    std::process::exit(7);
}

#[test]
fn a_container_in_a_thread_local_goes_with_its_thread() -> TestResult {
    let output = run_child("child_with_a_thread_local")?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!exists(&told_id(&output)));
    Ok(())
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_with_a_thread_local() {
    thread_local! {
        static HELD: std::cell::RefCell<Option<blocking::Container>> = const { std::cell::RefCell::new(None) };
    }
    if !is_child("child_with_a_thread_local") {
        return;
    }
    std::thread::spawn(|| {
        let request = ContainerRequest::new(BUSYBOX).cmd(["sleep", "600"]);
        // A consumer, since a drop waits for it.
        let container =
            request.start_with_blocking(Hooks::new().on_log(drop)).expect("a container");
        tell(&container);
        HELD.set(Some(container));
    })
    .join()
    .expect("no panic");
}

#[test]
fn a_name_that_a_killed_process_left_is_taken_over_and_a_living_ones_is_not() -> TestResult {
    let _sessions = Lock::shared();
    let name = unique("fixed-name");
    let request = ContainerRequest::new(BUSYBOX).name(&name).cmd(["sleep", "600"]);
    let mut child =
        child_command("child_that_holds_a_name", &name)?.stdout(Stdio::piped()).spawn()?;
    let told = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let line = told
        .map_while(Result::ok)
        .find(|line| line.contains("container: "))
        .expect("it tells its id");
    let left = line.split("container: ").nth(1).expect("an id").to_owned();

    let refused = request.start_blocking().expect_err("its owner lives");
    assert!(refused.is_name_taken(), "{refused}");
    assert!(exists(&left), "the container of a living owner is gone");

    // `Child::kill` sends SIGKILL: nobody cleans up behind that.
    child.kill()?;
    child.wait()?;
    assert!(exists(&left));
    let container = request.start_blocking()?;
    assert!(!exists(&left), "what the dead owner left is still there");
    assert_eq!(container.name(), name);
    Ok(())
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_holds_a_name() {
    if !is_child("child_that_holds_a_name") {
        return;
    }
    let name = env::var(LABEL).expect("the parent sets it");
    let request = ContainerRequest::new(BUSYBOX).name(name).cmd(["sleep", "600"]);
    let container = request.start_blocking().expect("a container");
    tell(&container);
    // Until the parent kills it.
    std::thread::sleep(std::time::Duration::from_secs(60));
}

#[test]
fn a_forked_child_cannot_touch_its_parents_container() -> TestResult {
    let output = run_child("child_that_forks")?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!exists(&told_id(&output)));
    Ok(())
}

#[test]
#[ignore = "run as a child process by the other tests"]
#[expect(unsafe_code, reason = "there is no fork in the standard library")]
fn child_that_forks() {
    if !is_child("child_that_forks") {
        return;
    }
    static HANDLE: OnceLock<blocking::Container> = OnceLock::new();
    let container = HANDLE.get_or_init(sleeper);
    tell(container);
    // SAFETY: the child calls only what this test is about, and leaves by `_exit`.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let refused = container
            .exec(["true"])
            .is_err_and(|error| error.to_string().contains("another process"));
        // SAFETY: a bitwise copy of a handle that is never dropped itself; the process ends right after.
        let copy = unsafe { std::ptr::read(container) };
        drop(copy);
        // SAFETY: `_exit` runs no handlers.
        unsafe { libc::_exit(if refused { 0 } else { 1 }) };
    }
    let mut status = 0;
    // SAFETY: `status` outlives the call.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0, "the child could use the handle");
    assert!(exists(container.id()), "the child removed the container");
    assert!(container.exec(["true"]).expect("it still runs").success());
}
