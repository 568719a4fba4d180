//! Processes that make everything they can on several threads, killed at random moments: within five seconds nothing of them
//! exists.

use std::thread;
use std::time::{Duration, Instant};

use longshore::blocking::block_on;
use longshore::{Commit, ContainerRequest, CopyIn, NetworkRequest, VolumeRequest};
use rand::seq::SliceRandom;
use rand::Rng;
use serde_json::json;

use super::child::{is_child, Held};
use super::innocent::Innocent;
use super::support::session::{Session, REMOVED_WITHIN};
use super::support::sys::Lock;
use super::support::{say, unique, TestResult, BUSYBOX};
use super::{hold, is_over_whatever_was_killed, sleeper};
use crate::torture_count;

/// Kills fall between a child's first moment and this.
pub(super) const LIFE: Duration = Duration::from_millis(1500);

/// How many children live at a time.
const AT_ONCE: usize = 3;

/// What is still there after this will stay.
const GIVE_UP: Duration = Duration::from_secs(30);

pub(super) const MAKER: &str = "killed::torture::child_that_makes_things";

/// One kill.
pub(super) struct Kill {
    /// How long the child lived.
    at: Duration,
    /// How many things the engine had of it right after.
    found: usize,
    /// How long after the kill the engine had none.
    gone: Option<Duration>,
}

#[test]
fn nothing_is_left_of_processes_that_are_killed_at_random_moments() -> TestResult {
    let alone = Lock::alone();
    let strangers = [
        Innocent::with_labels(&json!({})),
        // Of another machine, where nobody here can tell whether the owner lives.
        Innocent::with_labels(&json!({
            "org.longshore.session": unique("elsewhere"),
            "org.longshore.owner": "another-boot/pid:[4026531836]/4194304/1",
        })),
    ];
    // Its owner lives: this process.
    let living = sleeper().start_blocking()?;

    let stem = unique("torture");
    let mut kills = Vec::new();
    let mut sessions = Vec::new();
    for (round, moments) in moments(torture_count()).chunks(AT_ONCE).enumerate() {
        // Each in a session of its own, and next time all in one.
        let count = if round % 2 == 0 { moments.len() } else { 1 };
        let round: Vec<_> = (0..count).map(|_| Session::new(&stem).without_sweep()).collect();
        kills.extend(kill_at(&round, moments));
        sessions.extend(round);
    }
    assert_gone("killed at random moments", &mut kills);
    drop(alone);
    sessions.iter().for_each(is_over_whatever_was_killed);
    for stranger in &strangers {
        stranger.assert_untouched();
    }
    assert!(living.exec(["true"])?.success(), "the container of a living process");
    Ok(())
}

/// One in each equal part of a child's life, in any order.
fn moments(count: usize) -> Vec<Duration> {
    let mut random = rand::thread_rng();
    let mut moments: Vec<_> = (0..count)
        .map(|part| LIFE.mul_f64((part as f64 + random.gen_range(0.0..1.0)) / count as f64))
        .collect();
    moments.shuffle(&mut random);
    moments
}

/// Starts a child for each moment, and kills it then.
fn kill_at(sessions: &[Session], moments: &[Duration]) -> Vec<Kill> {
    thread::scope(|scope| {
        let children: Vec<_> = moments
            .iter()
            .zip(sessions.iter().cycle())
            .map(|(at, session)| scope.spawn(move || kill(session, session.start(MAKER), *at)))
            .collect();
        children.into_iter().map(|child| child.join().expect("no panic")).collect()
    })
}

fn kill(session: &Session, mut child: Held, at: Duration) -> Kill {
    thread::sleep(at);
    child.kill();
    let killed = Instant::now();
    let process = child.id();
    let status = child.wait().status;
    assert!(!status.success(), "it lived longer than this test");
    watch(session, process, at, killed)
}

/// Looks on until nothing is left of a process that was killed then, or for half a minute.
pub(super) fn watch(session: &Session, process: u32, at: Duration, killed: Instant) -> Kill {
    let mut found = None;
    loop {
        let asked = killed.elapsed();
        let left = session.left_of(process).len();
        let found = *found.get_or_insert(left);
        let gone = (left == 0).then_some(asked);
        if gone.is_some() || asked > GIVE_UP {
            return Kill { at, found, gone };
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Prints the line that is quoted in the README, and judges.
pub(super) fn assert_gone(what: &str, kills: &mut [Kill]) {
    kills.sort_by_key(|kill| kill.gone.unwrap_or(Duration::MAX));
    let left = kills.iter().filter(|kill| kill.gone.is_none()).count();
    let found: usize = kills.iter().map(|kill| kill.found).sum();
    let hits: Vec<_> = kills.iter().filter(|kill| kill.found > 0).collect();
    let removal = |kill: Option<&&Kill>| {
        kill.and_then(|kill| kill.gone).map_or("never".into(), |time| format!("{time:.2?}"))
    };
    say(&format!(
        "{what}: {} kills, {} of them with {found} things on the engine; {left} left; removed after {} (median), {} \
         (slowest, killed {:.2?} after its start)",
        kills.len(),
        hits.len(),
        removal(hits.get(hits.len() / 2)),
        removal(hits.last()),
        kills.last().map_or(Duration::ZERO, |kill| kill.at),
    ));
    assert!(kills.iter().all(|kill| kill.gone.is_some_and(|time| time <= REMOVED_WITHIN)));
    assert!(hits.len() * 3 >= kills.len(), "of {} kills few hit something", kills.len());
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_makes_things() {
    if is_child(MAKER) {
        make_things();
    }
}

/// Makes all that there is, on several threads, until its process is killed.
pub(super) fn make_things() {
    // Each ends with its process.
    for work in [copy_and_drop, use_a_network_and_a_volume, commit] {
        thread::spawn(move || loop {
            work();
        });
    }
    hold(sleeper().start_blocking().expect("a container"));
    thread::sleep(LIFE * 20);
}

/// Four megabytes, so that there is a moment in which they are copied.
fn copy_and_drop() {
    let copy = CopyIn::new(vec![7_u8; 4 << 20], "/data");
    drop(sleeper().copy(copy).start_blocking());
}

fn use_a_network_and_a_volume() {
    let Ok(network) = block_on(NetworkRequest::new().create()) else { return };
    let Ok(volume) = block_on(VolumeRequest::new().create()) else { return };
    let request = sleeper().network(&network).volume(volume.at("/data"));
    let container = request.start_blocking();
    drop((container, network, volume));
}

fn commit() {
    let Ok(container) = ContainerRequest::new(BUSYBOX).cmd(["true"]).start_blocking() else {
        return;
    };
    let image = container.commit(Commit::new());
    drop((container, image));
}
