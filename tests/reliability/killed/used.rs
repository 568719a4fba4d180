//! What a killed process has made and another one of the test run uses: it stays as long as that lives, and goes then.

use std::env;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use super::child::{is_child, tell, wait_for_parent, Held};
use super::support::session::Session;
use super::support::sys::Lock;
use super::support::{exists, network_exists};
use super::{hold, sleeper, HOLDER};

/// Whose network a child's container joins.
const NETWORK: &str = "LONGSHORE_TEST_NETWORK";

/// How long a reaper goes on looking, and some time more.
const GIVES_UP_WITHIN: Duration = Duration::from_secs(60);

const GUEST: &str = "killed::used::child_that_joins_a_network";

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_joins_a_network() {
    if is_child(GUEST) {
        let network = env::var(NETWORK).expect("the parent sets it");
        let container = sleeper().network(network).start_blocking().expect("a container");
        tell(container.id());
        hold(container);
        wait_for_parent();
    }
}

/// A process whose network a container of another one is on.
fn host_and_guest(session: &Session) -> (Held, String, Held, String) {
    let mut host = session.start(HOLDER);
    assert_eq!(host.told(), "ready");
    let mut left = session.left_of(host.id()).into_iter();
    let network = left.find(|left| left.kind == "network").expect("it has one").name;
    let mut command = session.command(GUEST);
    command.env(NETWORK, &network);
    let mut guest = Held::start(command).expect("this program runs");
    let container = guest.told();
    (host, network, guest, container)
}

#[test]
fn a_network_goes_when_the_container_of_another_process_has_gone() {
    let _sessions = Lock::shared();
    let session = Session::new("used");
    let (mut host, network, mut guest, container) = host_and_guest(&session);
    host.kill();
    let begun = Instant::now();
    while session.left_of(host.id()).len() > 1 {
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", session.left_of(host.id()));
    }
    assert!(network_exists(&network) && exists(&container), "a living process uses it");
    guest.kill();
    session.all_gone();
    session.over();
}

#[test]
fn a_network_that_was_used_for_long_goes_at_the_end_of_the_test_run() {
    let _sessions = Lock::shared();
    let session = Session::new("used-long");
    let (mut host, network, mut guest, container) = host_and_guest(&session);
    host.kill();
    let has_given_up = || {
        let files = session.files().into_iter().filter(|path| path.extension().is_some());
        let mut logs = files.filter_map(|path| fs::read_to_string(path).ok());
        logs.any(|log| log.contains("what others use is looked at again in the end"))
    };
    let begun = Instant::now();
    while !has_given_up() {
        assert!(begun.elapsed() < GIVES_UP_WITHIN, "the reaper never stops asking");
        thread::sleep(Duration::from_millis(200));
    }
    assert!(network_exists(&network) && exists(&container), "a living process uses it");
    guest.kill();
    session.all_gone();
    session.over();
}
