//! A removal that fails is tried again, and reported in the end: by the next process of the user's, since the reaper has nobody to
//! tell.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::child::{is_child, tell, wait_for_parent};
use super::support::proxy::{Action, Proxy};
use super::support::session::Session;
use super::support::sys::Lock;
use super::support::{eventually, is_podman};
use super::{hold, sleeper, SLEEPER};

/// The reaper gives up within this, and ends.
const GIVES_UP_WITHIN: Duration = Duration::from_secs(240);

const HOLDER: &str = "killed::refused::child_that_holds_two";

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_holds_two() {
    if is_child(HOLDER) {
        for _ in 0..2 {
            let container = sleeper().start_blocking().expect("a container");
            tell(container.id());
            tell(container.name());
            hold(container);
        }
        wait_for_parent();
    }
}

/// A relay that refuses to remove one container, whose id or name is set later, while `is_refusing`.
struct Refusal {
    proxy: Proxy,
    refused: Arc<Mutex<Vec<String>>>,
}

impl Refusal {
    fn new() -> Self {
        let refused: Arc<Mutex<Vec<String>>> = Arc::default();
        let shared = refused.clone();
        let proxy = Proxy::with_reapers(move |call| {
            let refused = shared.lock().expect("no panic");
            let is_refused = refused.iter().any(|word| call.contains(word));
            match call.starts_with("DELETE ") && is_refused {
                true => Action::Refuse(500, "the storage is busy"),
                false => Action::Pass,
            }
        });
        Refusal { proxy, refused }
    }

    fn refuse(&self, words: &[&str]) {
        *self.refused.lock().expect("no panic") =
            words.iter().map(|word| (*word).to_owned()).collect();
    }
}

/// As a list says: Podman may refuse to tell of one container that is being removed.
fn has(session: &Session, id: &str) -> bool {
    session.left().iter().any(|left| left.id == id)
}

#[test]
fn a_removal_that_is_refused_for_some_time_is_made_after_that() {
    let _sessions = Lock::shared();
    let refusal = Refusal::new();
    let session = Session::new("busy").env("DOCKER_HOST", refusal.proxy.address());
    let mut child = session.start(HOLDER);
    let [id, name, other, _] = [(); 4].map(|()| child.told());
    refusal.refuse(&[&id, &name]);
    child.kill();
    drop(child);
    eventually("the removal of the other", || !has(&session, &other));
    thread::sleep(Duration::from_secs(2));
    refusal.refuse(&[]);
    session.all_gone_within(Duration::from_secs(15));
    session.over();
}

#[test]
fn a_removal_that_fails_for_good_is_reported_by_the_next_test_run_once() {
    let _alone = Lock::alone();
    let refusal = Refusal::new();
    let session = Session::new("refused").env("DOCKER_HOST", refusal.proxy.address());
    let mut child = session.start(HOLDER);
    let [id, name, other, _] = [(); 4].map(|()| child.told());
    session.reaper();
    refusal.refuse(&[&id, &name]);
    child.kill();
    drop(child);
    eventually("the removal of the other", || !has(&session, &other));

    let begun = Instant::now();
    while !session.reapers().is_empty() {
        assert!(begun.elapsed() < GIVES_UP_WITHIN, "the reaper never gives up");
        thread::sleep(Duration::from_millis(100));
    }
    assert!(has(&session, &id), "the relay refuses it, and nobody else is here");

    let address = refusal.proxy.address();
    let command = match is_podman() {
        true => format!("podman --url {address} rm -fv {name}"),
        false => format!("docker -H {address} rm -fv {name}"),
    };
    let begins = format!("longshore: the container `{name}` was left on ");
    let ends = format!(
        " and could not be removed: the engine answered 500: the storage is busy; `{command}` removes it"
    );
    // Each in a test run of its own. The first sees to the removal as well, past the relay.
    for reports in [1, 0] {
        let next = session.next("next");
        let mut child = next.start(SLEEPER);
        child.told();
        if reports == 1 {
            eventually("the removal", || !has(&session, &id));
        }
        let ended = child.end();
        let complaints = ended.complaints();
        assert_eq!(complaints.len(), reports, "{}", ended.errors);
        for line in complaints {
            assert!(line.starts_with(&begins) && line.ends_with(&ends), "{line}");
        }
        next.over();
    }
}
