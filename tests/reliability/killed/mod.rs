//! What must hold when a test process is killed, ends in any other way, or loses its reaper: nothing is left. Each test runs this
//! very program again as child processes, which are a test run of their own.
//!
//! - `torture`: many processes, killed at random moments.
//! - `moments`: killed at each call to the engine, and while the reaper is being started.
//! - `signals`, `ends`: the ways to end.
//! - `nextest`, `cargo`, `pipes`: the programs around a test, and what they see.
//! - `reaper`: what kind of process that is; `at_once`: one for all processes of a test run.
//! - `reaper_killed`, `in_container`: nobody is left to remove anything, and the next test run does.
//! - `used`: what a process of the same test run uses stays until that has ended.
//! - `hindered`: a reaper that stands still or cannot write, and a process that becomes another program.
//! - `startup`: the report of what a test run has started.
//! - `refused`: removals that fail; `planted`: a runtime folder that is not to be trusted.
//!
//! A new test run removes what dead processes left, whoever they were. Here it does so only in tests that hold
//! [`Lock::alone`](super::support::sys::Lock::alone) and do not forbid it, so that no other test's leavings go, and what a reaper
//! has missed is not removed by another.

mod at_once;
pub(crate) mod cargo;
mod ends;
mod hindered;
mod in_container;
mod innocent;
mod moments;
mod nextest;
mod pipes;
mod planted;
mod reaper;
mod reaper_killed;
mod refused;
mod signals;
mod startup;
mod torture;
mod used;

use std::any::Any;
use std::sync::Mutex;

use longshore::blocking::block_on;
use longshore::{Commit, ContainerRequest, NetworkRequest, VolumeRequest};

use super::support::child::{is_child, tell, wait_for_parent};
use super::support::session::Session;
use super::support::{self, child, skipped, BUSYBOX};

/// In a child: holds something until its process ends.
fn hold(thing: impl Any + Send) {
    static HELD: Mutex<Vec<Box<dyn Any + Send>>> = Mutex::new(Vec::new());
    HELD.lock().expect("no panic").push(Box::new(thing));
}

fn sleeper() -> ContainerRequest {
    ContainerRequest::new(BUSYBOX).cmd(["sleep", "600"])
}

/// The test that children run which hold one of each kind and wait. Each tells `ready`.
pub(crate) const HOLDER: &str = "killed::child_that_holds_one_of_each";

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_holds_one_of_each() {
    if is_child(HOLDER) {
        hold_one_of_each();
        tell("ready");
        wait_for_parent();
    }
}

/// A container in a network, with a volume, and an image that was made of it: all of them in a static.
fn hold_one_of_each() {
    let network = block_on(NetworkRequest::new().create()).expect("a network");
    let volume = block_on(VolumeRequest::new().create()).expect("a volume");
    let request = sleeper().network(&network).volume(volume.at("/data"));
    let container = request.start_blocking().expect("a container");
    let image = container.commit(Commit::new()).expect("an image");
    hold((container, network, volume, image));
}

/// The test that children run which hold one container and wait. Each tells its id.
const SLEEPER: &str = "killed::child_that_holds_a_container";

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_holds_a_container() {
    if is_child(SLEEPER) {
        let container = sleeper().start_blocking().expect("a container");
        tell(container.id());
        wait_for_parent();
        drop(container);
    }
}

/// The child has one of each kind, as the engine says.
fn assert_has_one_of_each(session: &Session, process: u32) {
    let mut kinds: Vec<_> = session.left_of(process).iter().map(|left| left.kind).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["container", "image", "network", "volume"]);
}

/// Waits until a test run is over whose processes were killed at any moment. One that had no reaper yet has left the folder for it, which
/// the next test run of this user takes away.
fn is_over_whatever_was_killed(session: &Session) {
    session.ended_late();
    if session.files().is_empty() {
        return;
    }
    let next = session.next("next");
    let mut child = next.start(SLEEPER);
    child.told();
    assert!(child.end().status.success());
    next.over();
}
