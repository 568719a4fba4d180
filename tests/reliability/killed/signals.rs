//! Signals that end a process, to it alone and to its whole group: nothing is left. Those that a test handles itself are left to
//! it.

use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use libc::{SIGCHLD, SIGHUP, SIGINT, SIGKILL, SIGPIPE, SIGQUIT, SIGTERM, SIGUSR1};

use super::child::{is_child, tell, wait_for_parent, Held};
use super::support::session::Session;
use super::support::sys::{self, Lock};
use super::{assert_has_one_of_each, hold_one_of_each, HOLDER};

/// Who gets a signal.
#[derive(Debug, Clone, Copy)]
enum To {
    Process,
    /// Its whole process group, as a terminal does it.
    Group,
}

/// A child that holds one of each kind gets the signals one right after another.
fn check(signals: &[i32], to: To) {
    let session = Session::new("signal");
    let mut command = session.command(HOLDER);
    command.process_group(0);
    let mut child = Held::start(command).expect("this program can be started");
    assert_eq!(child.told(), "ready");
    assert_has_one_of_each(&session, child.id());
    for signal in signals {
        let sent = match to {
            To::Process => sys::signal(child.id(), *signal),
            To::Group => sys::signal_group(child.id(), *signal),
        };
        sent.expect("it was not waited for");
    }
    let ended = child.wait();
    assert_eq!(ended.status.signal(), Some(signals[0]), "{ended:?}");
    session.all_gone();
    session.over();
}

#[test]
fn nothing_is_left_of_a_process_that_a_signal_ends() {
    let _sessions = Lock::shared();
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGKILL] {
        check(&[signal], To::Process);
    }
}

/// The reaper is not in that group.
#[test]
fn nothing_is_left_of_a_process_group_that_a_signal_ends() {
    let _sessions = Lock::shared();
    for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGKILL] {
        check(&[signal], To::Group);
    }
}

#[test]
fn nothing_is_left_after_a_second_interrupt() {
    let _sessions = Lock::shared();
    check(&[SIGINT, SIGINT], To::Group);
}

/// Ctrl-C again, while things are already being removed.
#[test]
fn the_reaper_is_not_interrupted_by_signals_to_the_group_of_its_test() {
    let _sessions = Lock::shared();
    let session = Session::new("second-interrupt");
    let mut command = session.command(HOLDER);
    command.process_group(0);
    let mut child = Held::start(command).expect("this program can be started");
    assert_eq!(child.told(), "ready");
    let reaper = session.reaper();
    let reaper_is = sys::stat(reaper).expect("it runs");
    assert_ne!(reaper_is.group, child.id());
    assert_ne!(reaper_is.session, sys::stat(child.id()).expect("it runs").session);
    child.signal(SIGINT);
    // Until the child is waited for, its number is its own.
    for _ in 0..5 {
        let _ = sys::signal_group(child.id(), SIGINT);
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(child.wait().status.signal(), Some(SIGINT));
    session.all_gone();
    session.over();
}

static HANDLED: AtomicUsize = AtomicUsize::new(0);

extern "C" fn count(_signal: i32) {
    HANDLED.fetch_add(1, Ordering::SeqCst);
}

const HANDLER: &str = "killed::signals::child_with_its_own_handlers";

#[test]
fn a_test_keeps_its_own_handlers_and_what_it_has_left_alone() {
    let _sessions = Lock::shared();
    let session = Session::new("own-handler");
    let mut child = session.start(HANDLER);
    assert_eq!(child.told(), "ready");
    child.signal(SIGINT);
    child.signal(SIGUSR1);
    assert_eq!(child.told(), "handled 2");
    assert_has_one_of_each(&session, child.id());
    let ended = child.end();
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(session.left(), []);
    session.over();
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_with_its_own_handlers() {
    if !is_child(HANDLER) {
        return;
    }
    sys::handle(SIGINT, count);
    sys::handle(SIGUSR1, count);
    let all = [SIGINT, SIGUSR1, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGCHLD];
    let before = all.map(sys::disposition);
    let blocked = sys::blocked_signals();
    assert_eq!(before[..2], [count as *const () as usize; 2]);
    assert_eq!(before[2..5], [libc::SIG_DFL; 3]);
    hold_one_of_each();
    assert_eq!(all.map(sys::disposition), before);
    assert_eq!(sys::blocked_signals(), blocked);
    tell("ready");
    while HANDLED.load(Ordering::SeqCst) < 2 {
        thread::sleep(Duration::from_millis(5));
    }
    tell(format_args!("handled {}", HANDLED.load(Ordering::SeqCst)));
    wait_for_parent();
}
