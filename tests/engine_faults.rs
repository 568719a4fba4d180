//! The engine stands still, or is restarted, while things of a killed process are to be removed: they are removed after that.
//! Needs an engine of its own, so this is a test program of its own, which cargo runs when no other runs. Without an engine that
//! `tests/run` has started it is skipped: nobody else's is ever touched.

#![cfg(target_os = "linux")]
#![allow(missing_docs, reason = "tests")]

mod support;

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};
use std::{env, thread};

use libc::{SIGCONT, SIGKILL, SIGSTOP, SIGTERM};
use longshore::blocking::{block_on, Container};
use longshore::{Commit, ContainerRequest, Image, Network, NetworkRequest, Volume, VolumeRequest};

use support::child::{is_child, tell, wait_for_parent, Held};
use support::proxy::engine_socket;
use support::session::Session;
use support::{sys, BUSYBOX};

/// How long the engine does not answer.
const SILENCE: Duration = Duration::from_secs(10);

/// After that everything is removed within this. An engine that has been restarted is slow at first.
const REMOVED_WITHIN: Duration = Duration::from_secs(20);

/// One of these tests at a time.
static ENGINE: Mutex<()> = Mutex::new(());

const HOLDER: &str = "child_that_holds_some_of_each";

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_holds_some_of_each() {
    if !is_child(HOLDER) {
        return;
    }
    static HELD: Mutex<Vec<(Container, Image, Network, Volume)>> = Mutex::new(Vec::new());
    for _ in 0..2 {
        let network = block_on(NetworkRequest::new().create()).expect("a network");
        let volume = block_on(VolumeRequest::new().create()).expect("a volume");
        let request = ContainerRequest::new(BUSYBOX).cmd(["sleep", "600"]).network(&network);
        let container = request.volume(volume.at("/data")).start_blocking().expect("a container");
        let image = container.commit(Commit::new()).expect("an image");
        HELD.lock().expect("no panic").push((container, image, network, volume));
    }
    tell("ready");
    wait_for_parent();
}

/// A process whose things are to be removed, in a session with a reaper.
fn holder() -> (Session, Held) {
    let session = Session::new("fault");
    let mut child = session.start(HOLDER);
    assert_eq!(child.told(), "ready");
    assert_eq!(session.left().len(), 8);
    session.reaper();
    (session, child)
}

#[test]
fn what_a_process_leaves_while_the_engine_stands_still_is_removed_after_that() {
    let Some((daemon, _alone)) = daemon() else { return };
    let (session, mut child) = holder();
    let still = Still::new(&daemon);
    child.kill();
    thread::sleep(SILENCE);
    drop(still);
    session.all_gone_within(REMOVED_WITHIN);
    drop(child);
    session.over_late();
}

#[test]
fn what_is_being_removed_when_the_engine_stands_still_is_removed_after_that() {
    let Some((daemon, _alone)) = daemon() else { return };
    let mut sessions = Vec::new();
    for pause in [30, 200] {
        let (session, mut child) = holder();
        child.kill();
        thread::sleep(Duration::from_millis(pause));
        let still = Still::new(&daemon);
        thread::sleep(SILENCE);
        drop(still);
        session.all_gone_within(REMOVED_WITHIN);
        sessions.push(session);
    }
    sessions.iter().for_each(Session::over_late);
}

#[test]
fn what_a_process_leaves_while_the_engine_is_restarted_is_removed_after_that() {
    let Some((daemon, _alone)) = daemon() else { return };
    let (session, mut child) = holder();
    // As `systemctl restart docker` does it.
    let down = Down::new(daemon, SIGTERM);
    child.kill();
    thread::sleep(Duration::from_secs(3));
    drop(down);
    session.all_gone_within(REMOVED_WITHIN);
    drop(child);
    session.over_late();
}

#[test]
fn what_is_being_removed_when_the_engine_is_killed_is_removed_after_its_restart() {
    let Some((daemon, alone)) = daemon() else { return };
    let (session, mut child) = holder();
    child.kill();
    thread::sleep(Duration::from_millis(50));
    let down = Down::new(daemon, SIGKILL);
    thread::sleep(SILENCE);
    drop(down);
    session.all_gone_within(REMOVED_WITHIN);
    drop((child, alone));
    session.over_late();
}

/// The test lives through it, and so does what it knows of its reaper.
#[test]
fn a_process_that_is_killed_after_a_restart_of_the_engine_leaves_nothing() {
    let Some((daemon, _alone)) = daemon() else { return };
    let (session, mut child) = holder();
    let reaper = session.reaper();
    drop(Down::new(daemon, SIGTERM));
    assert_eq!(session.reaper(), reaper);
    assert_eq!(session.left().len(), 8);
    child.kill();
    drop(child);
    session.all_gone_within(REMOVED_WITHIN);
    session.over_late();
}

/// The engine's own process, and how it was started.
struct Daemon {
    pid: u32,
    command: Vec<String>,
    environment: Vec<String>,
    /// Its mount namespace, in which its programs and files are.
    mounts: File,
}

/// The engine, if it is one of ours that nobody else uses; else that was said.
fn daemon() -> Option<(Daemon, MutexGuard<'static, ()>)> {
    let alone = ENGINE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if env::var_os("LONGSHORE_TEST_ENGINE").is_none() {
        return skipped("only an engine of the tests' own is stopped: use `tests/run`");
    }
    if env::var_os("NEXTEST").is_some() {
        return skipped("other tests use the engine at the same time: use `cargo test`");
    }
    let is_kept = state().join("keep").exists();
    if is_kept && env::var_os("LONGSHORE_TEST_STOP_ENGINE").is_none() {
        return skipped(
            "the engine was started by hand, for others too; `LONGSHORE_TEST_STOP_ENGINE=1` says that it may be stopped",
        );
    }
    let mark = format!("{}/data", state().display());
    let pid = sys::processes().into_iter().find(|pid| {
        let name = sys::stat(*pid).map(|stat| stat.name).unwrap_or_default();
        let mounts = fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap_or_default();
        let is_daemon =
            name == "dockerd" || words(*pid, "cmdline").join(" ").contains("system service");
        is_daemon && mounts.contains(&mark)
    });
    let pid = pid.expect("the engine runs");
    let mounts = File::open(format!("/proc/{pid}/ns/mnt")).expect("we are root");
    let (command, environment) = (words(pid, "cmdline"), words(pid, "environ"));
    Some((Daemon { pid, command, environment, mounts }, alone))
}

/// The folder that the engine has its state in.
fn state() -> PathBuf {
    engine_socket().parent().expect("a socket in a folder").to_owned()
}

fn words(pid: u32, file: &str) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
    let words = bytes.split(|byte| *byte == 0).filter(|word| !word.is_empty());
    words.map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

fn skipped<T>(why: &str) -> Option<T> {
    support::skipped(why);
    None
}

/// An engine that stands still until this is dropped.
struct Still(u32);

impl Still {
    fn new(daemon: &Daemon) -> Self {
        sys::signal(daemon.pid, SIGSTOP).expect("the engine runs");
        Still(daemon.pid)
    }
}

impl Drop for Still {
    fn drop(&mut self) {
        sys::signal(self.0, SIGCONT).expect("the engine runs");
    }
}

/// An engine that has ended, until this is dropped.
struct Down(Daemon);

impl Down {
    fn new(daemon: Daemon, signal: i32) -> Self {
        sys::signal(daemon.pid, signal).expect("the engine runs");
        let begun = Instant::now();
        // A zombie would still hold the number, which an engine looks at.
        while sys::stat(daemon.pid).is_some() {
            assert!(begun.elapsed() < Duration::from_secs(60), "the engine does not end");
            thread::sleep(Duration::from_millis(20));
        }
        Down(daemon)
    }
}

impl Drop for Down {
    /// Starts it again where it was, and waits until it answers.
    fn drop(&mut self) {
        let Daemon { command, environment, mounts, .. } = &self.0;
        let log = OpenOptions::new().append(true).open(state().join("engine.log")).expect("a log");
        let _ = fs::remove_file(engine_socket());
        // Not a child of this process, which would not wait for it.
        let started = Command::new("setsid")
            .args(["--fork", "nsenter"])
            .arg(format!("--mount=/proc/{}/fd/{}", std::process::id(), mounts.as_raw_fd()))
            .args(["env", "-i"])
            .args(environment)
            .args(command)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a descriptor"))
            .stderr(log)
            .status();
        assert!(started.is_ok_and(|status| status.success()), "the engine cannot be started");
        let begun = Instant::now();
        while !answers() {
            assert!(begun.elapsed() < Duration::from_secs(60), "the engine does not start");
            thread::sleep(Duration::from_millis(50));
        }
    }
}

fn answers() -> bool {
    let asking = || {
        let mut stream = UnixStream::connect(engine_socket())?;
        stream.write_all(b"GET /_ping HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map(|_| answer)
    };
    asking().is_ok_and(|answer| answer.contains(" 200 "))
}
