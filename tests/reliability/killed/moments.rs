//! Processes that are killed in the middle of one certain call to the engine, which may still do it, or while the reaper is being
//! started.

use std::os::unix::process::CommandExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{mpsc, Arc};
use std::thread;
use std::time::{Duration, Instant};

use libc::{SIGINT, SIGKILL};
use longshore::blocking::block_on;
use longshore::{Commit, CopyIn, NetworkRequest, VolumeRequest};
use rand::Rng;

use super::child::{is_child, Held};
use super::support::proxy::{Action, Proxy};
use super::support::session::Session;
use super::support::sys::{self, Lock};
use super::{sleeper, SLEEPER};
use crate::torture_count;

const MAKER: &str = "killed::moments::child_that_makes_and_drops_all";

/// What has to be kept until a reaper has ended.
type Checked = (Session, Proxy);

/// Nothing comes later than a reaper waits for it.
fn are_over(checked: &[Checked]) {
    checked.iter().for_each(|(session, _)| session.over_late());
}

/// Kills a child when it makes the call that begins with `method` and holds `part`, and then lets that call have `fate`.
fn check(method: &str, part: &str, fate: Action) -> Checked {
    let (seen, is_seen) = mpsc::channel();
    let is_armed = Arc::new(AtomicBool::new(true));
    let (method, part) = (method.to_owned(), part.to_owned());
    let what = format!("{method} {part} {fate:?}");
    let proxy = Proxy::with(move |call| {
        let is_it = call.starts_with(&method) && call.contains(&part);
        // The reaper makes such calls too, later.
        if is_it && is_armed.swap(false, Ordering::SeqCst) {
            seen.send(()).expect("the test waits");
            return fate;
        }
        Action::Pass
    });
    let session = Session::new("moment").env("DOCKER_HOST", proxy.address());
    let mut child = session.start(MAKER);
    let limit = Duration::from_secs(60);
    if is_seen.recv_timeout(limit).is_err() {
        child.kill();
        panic!("{what}: the child made no such call: {}", child.wait().errors);
    }
    if let Action::DelayAnswer(time) = fate {
        // The engine has got it, and is somewhere in the middle.
        thread::sleep(time / 2);
    }
    child.kill();
    assert!(!child.wait().status.success());
    session.all_gone();
    // Also when what was late has come.
    if let Action::Delay(time) = fate {
        thread::sleep(time);
        session.all_gone();
    }
    (session, proxy)
}

const MAKES: [(&str, &str); 4] = [
    ("POST", "/networks/create"),
    ("POST", "/volumes/create"),
    ("POST", "/containers/create"),
    ("POST", "/commit"),
];

/// The call is on its way when its sender dies, and does its work after that.
#[test]
fn nothing_is_left_of_a_process_killed_before_the_engine_has_its_call() {
    let _sessions = Lock::shared();
    let (soon, late) = (Duration::from_millis(300), Duration::from_secs(1));
    let calls = MAKES.into_iter().chain([("PUT", "/archive"), ("POST", "/start")]);
    let mut checked: Vec<_> =
        calls.map(|(method, part)| check(method, part, Action::Delay(soon))).collect();
    checked.push(check("POST", "/containers/create", Action::Delay(late)));
    are_over(&checked);
}

#[test]
fn nothing_is_left_of_a_process_killed_while_the_engine_makes_something() {
    let _sessions = Lock::shared();
    let meanwhile = Action::DelayAnswer(Duration::from_millis(100));
    are_over(&MAKES.map(|(method, part)| check(method, part, meanwhile)));
}

#[test]
fn nothing_is_left_of_a_process_killed_during_a_copy_or_a_start() {
    let _sessions = Lock::shared();
    let meanwhile = Action::DelayAnswer(Duration::from_millis(60));
    let calls = [("PUT", "/archive"), ("POST", "/start"), ("POST", "/wait")];
    are_over(&calls.map(|(method, part)| check(method, part, meanwhile)));
}

#[test]
fn nothing_is_left_of_a_process_killed_while_it_drops_a_handle() {
    let _sessions = Lock::shared();
    let pause = Duration::from_millis(50);
    for part in ["/containers/", "/images/", "/volumes/", "/networks/"] {
        let before = check("DELETE", part, Action::Delay(pause));
        let meanwhile = check("DELETE", part, Action::DelayAnswer(pause));
        are_over(&[before, meanwhile]);
    }
}

#[test]
fn nothing_is_left_of_a_process_killed_while_the_reaper_is_being_started() {
    kill_at_the_beginning(|child| child.signal(SIGKILL));
}

/// The reaper is to be out of reach from its first moment.
#[test]
fn nothing_is_left_of_a_process_group_interrupted_while_the_reaper_is_being_started() {
    kill_at_the_beginning(|child| sys::signal_group(child.id(), SIGINT).expect("it runs"));
}

/// Ends children about when the socket of their reaper is there.
fn kill_at_the_beginning(end: impl Fn(&Held)) {
    let _sessions = Lock::shared();
    let mut random = rand::thread_rng();
    let last = Session::new("last");
    let mut sessions = Vec::new();
    for _ in 0..(torture_count() / 2).max(10) {
        let session = last.next("beginning");
        let before = session.files();
        let mut command = session.command(MAKER);
        command.process_group(0);
        let child = Held::start(command).expect("this program can be started");
        let begun = Instant::now();
        while session.files().iter().all(|file| before.contains(file)) {
            assert!(begun.elapsed() < Duration::from_secs(30), "no reaper was started");
        }
        thread::sleep(Duration::from_micros(random.gen_range(0..15_000)));
        end(&child);
        assert!(!child.wait().status.success());
        session.all_gone();
        sessions.push(session);
    }
    for session in &sessions {
        session.ended_late();
    }
    // Some had no reaper yet when they were killed, and have left its folder. The next one takes it away.
    let mut child = last.start(SLEEPER);
    child.told();
    assert!(child.end().status.success());
    last.over();
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_makes_and_drops_all() {
    if !is_child(MAKER) {
        return;
    }
    for _ in 0..20 {
        let network = block_on(NetworkRequest::new().create()).expect("a network");
        let volume = block_on(VolumeRequest::new().create()).expect("a volume");
        let request = sleeper()
            .network(&network)
            .volume(volume.at("/data"))
            .copy(CopyIn::new(vec![7_u8; 4 << 20], "/copied"));
        let container = request.start_blocking().expect("a container");
        let image = container.commit(Commit::new()).expect("an image");
        drop((container, image, network, volume));
    }
}
