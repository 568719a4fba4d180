//! Snapshots of warm starts across processes: exactly one is made, whoever dies over it; old ones go, and none that is used; a full
//! disk is no reason to have no container. They are counted and pruned on the whole engine, so this is a test program of its own,
//! which cargo runs when no other runs, and its tests run one after the other.

#![cfg(target_os = "linux")]
#![allow(missing_docs, reason = "tests")]

mod support;

use std::fs::{self, File};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use std::{env, thread};

use libc::SIGKILL;
use longshore::blocking::{block_on, Container};
use longshore::{ContainerRequest, Engine, Wait};
use rand::Rng;
use serde_json::{json, Value};

use support::child::{is_child, tell, wait_for_parent, Held};
use support::events::Created;
use support::proxy::engine_socket;
use support::session::Session;
use support::{api, get, say, sys, unique, TestResult, BUSYBOX};

/// Of the snapshots and containers of one test.
const MARK: &str = "LONGSHORE_TEST_MARK";

/// What its container does at its first start, beside making `/data/id`.
const SCRIPT: &str = "LONGSHORE_TEST_SCRIPT";

/// Where the data is: nothing is the container's own file system.
const VOLUME: &str = "LONGSHORE_TEST_VOLUME";

/// What an engine was asked for by a killed process is looked for half a minute long.
const LATEST: Duration = Duration::from_secs(45);

const ASKER: &str = "child_that_asks";

const TWICE: &str = "child_that_asks_twice";

fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn request(mark: &str, script: &str, is_on_volume: bool) -> ContainerRequest {
    let script = format!(
        "mkdir -p /data; test -e /data/id || {{ {script}; cat /proc/sys/kernel/random/uuid >/data/id; }}; \
         trap 'exit 0' TERM; echo up; sleep 600 & wait"
    );
    let request = ContainerRequest::new(BUSYBOX)
        .cmd(["sh", "-c", &script])
        .label("snapshot-test", mark)
        .wait(Wait::log("up"))
        .warm();
    if is_on_volume {
        return request.volume("/data");
    }
    request
}

/// The container lives as long as what this gives.
fn ask() -> Option<Container> {
    let variable = |name| env::var(name).unwrap_or_default();
    let request = request(&variable(MARK), &variable(SCRIPT), !variable(VOLUME).is_empty());
    match request.start_blocking() {
        Ok(container) => {
            let read = container.exec(["cat", "/data/id"]).expect("it runs");
            tell(read.stdout_str().expect("text").trim());
            Some(container)
        }
        Err(error) => {
            tell(error.to_string().replace('\n', ";"));
            None
        }
    }
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_asks() {
    if is_child(ASKER) {
        let _container = ask();
        wait_for_parent();
    }
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_asks_twice() {
    if is_child(TWICE) {
        ask();
        ask();
        wait_for_parent();
    }
}

/// A test run whose processes ask for one container, and its snapshots, which go with it.
struct Run {
    session: Session,
    mark: String,
}

impl Run {
    fn new(script: &str) -> Self {
        Run::with(script, "")
    }

    /// With all that it makes on a volume.
    fn on_volume(script: &str) -> Self {
        Run::with(script, "yes")
    }

    fn with(script: &str, volume: &str) -> Self {
        let mark = unique("snapshot");
        let session = Session::new("snapshot").env(MARK, &mark).env(SCRIPT, script);
        Run { session: session.env(VOLUME, volume), mark }
    }

    /// Another test run of the same user that asks for the same.
    fn next(&self, script: &str) -> Session {
        self.session.next("next").env(MARK, &self.mark).env(SCRIPT, script)
    }

    /// All images that have anything to do with its snapshots.
    fn images(&self) -> Vec<Value> {
        let filters = json!({ "label": [format!("snapshot-test={}", self.mark)] }).to_string();
        let filters: String = filters.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let images = get(&format!("/images/json?all=1&filters={filters}"));
        images.as_array().into_iter().flatten().cloned().collect()
    }

    fn names(&self) -> Vec<String> {
        let images = self.images();
        let names = images.iter().filter_map(|image| image["RepoTags"][0].as_str());
        names.filter(|name| !name.contains("<none>")).map(str::to_owned).collect()
    }

    /// There is nothing of it, or one snapshot and what that is built on.
    fn assert_whole(&self) -> bool {
        let is_whole = || {
            let images = self.images();
            let parents: Vec<_> = images.iter().map(|image| &image["ParentId"]).collect();
            let mut last = images.iter().filter(|image| !parents.contains(&&image["Id"]));
            match (last.next(), last.next()) {
                (None, None) => Some(false),
                (Some(one), None) => {
                    let name = one["RepoTags"][0].as_str().unwrap_or_default();
                    name.starts_with("localhost/longshore-snapshot:").then_some(true)
                }
                _ => None,
            }
        };
        // The reaper is at it.
        let begun = Instant::now();
        loop {
            if let Some(is_whole) = is_whole() {
                return is_whole;
            }
            let images = || serde_json::to_string_pretty(&self.images()).unwrap_or_default();
            assert!(begun.elapsed() < LATEST, "neither a snapshot nor nothing: {}", images());
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        for name in self.names() {
            api("DELETE", &format!("/images/{name}"));
        }
        if !thread::panicking() {
            assert_eq!(self.images(), [] as [Value; 0], "something is left of a snapshot");
        }
        for image in self.images() {
            api("DELETE", &format!("/images/{}?force=1", image["Id"].as_str().unwrap_or_default()));
        }
    }
}

fn all_are_told_the_same(mut askers: Vec<Held>) -> String {
    let ids: Vec<_> = askers.iter_mut().map(Held::told).collect();
    assert!(ids[0].len() == 36 && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    for asker in askers {
        let ended = asker.end();
        assert!(ended.status.success(), "{}", ended.errors);
        assert_eq!(ended.complaints(), [""; 0]);
    }
    ids[0].clone()
}

#[test]
fn sixteen_processes_at_once_make_one() {
    let _alone = alone();
    let (run, created) = (Run::new("sleep 0.5"), Created::from_now());
    let id = all_are_told_the_same((0..16).map(|_| run.session.start(ASKER)).collect());
    run.session.all_gone();
    run.session.over();
    let mine = created.sessions().into_iter().filter(|one| one == run.session.name()).count();
    assert_eq!(mine, 17, "one for each, and the one of which the snapshot was made");
    assert_eq!(run.names().len(), 1);
    // And so do test runs after it.
    let next = run.next("sleep 0.5");
    assert_eq!(all_are_told_the_same(vec![next.start(ASKER)]), id);
    next.all_gone();
    next.over();
}

#[test]
fn whoever_makes_it_may_die_at_any_moment() {
    let _alone = alone();
    let rounds = env::var("LONGSHORE_TORTURE").ok().and_then(|count| count.parse().ok());
    let rounds = rounds.unwrap_or(20);
    // How long it takes, so that the moments lie in it.
    let run = Run::on_volume("head -c 3000000 /dev/urandom >/data/big");
    let begun = Instant::now();
    let whole = {
        let mut child = run.session.start(ASKER);
        child.told();
        begun.elapsed()
    };
    run.session.all_gone();
    run.session.ended_late();
    drop(run);
    let (mut complete, mut waiting) = (0, 0);
    for round in 0..rounds {
        let run = Run::on_volume("head -c 3000000 /dev/urandom >/data/big");
        let maker = run.session.start(ASKER);
        // Every other time somebody waits for it.
        let other = (round % 2 == 1).then(|| run.session.start(ASKER));
        let share = (f64::from(round) + rand::thread_rng().gen_range(0.0..1.0)) / f64::from(rounds);
        thread::sleep(whole.mul_f64(share));
        maker.signal(SIGKILL);
        drop(maker);
        if let Some(mut other) = other {
            assert_eq!(other.told().len(), 36);
            let ended = other.end();
            assert_eq!(ended.complaints(), [""; 0], "{}", ended.errors);
            waiting += 1;
        }
        run.session.all_gone();
        complete += usize::from(run.assert_whole());
        run.session.ended_late();
        let next = run.next("head -c 3000000 /dev/urandom >/data/big").env(VOLUME, "yes");
        all_are_told_the_same(vec![next.start(ASKER)]);
        assert!(run.assert_whole());
        next.all_gone();
        next.over();
    }
    say(&format!(
        "{rounds} makers of snapshots killed within {whole:?}, {waiting} with somebody who waited; {complete} left a whole one, \
         the others nothing"
    ));
}

#[test]
fn old_ones_go_and_too_many_and_none_that_is_used() -> TestResult {
    let _alone = alone();
    let runs: Vec<_> = (0..5).map(|_| Run::new("true")).collect();
    let folder = &runs[0].session;
    let join = |run: &Run, limit: &str| {
        let session = folder.next("many").env(MARK, &run.mark).env(SCRIPT, "true");
        session.env("LONGSHORE_SNAPSHOTS", limit)
    };
    let start = |run: &Run, limit: &str| {
        let session = join(run, limit);
        let mut child = session.start(ASKER);
        let id = child.told();
        assert_eq!(id.len(), 36, "{id}");
        (session, child, id)
    };
    let end = |(session, child, _): (Session, Held, String)| {
        assert!(child.end().status.success());
        session.all_gone();
        session.ended_late();
    };
    let there = || runs.iter().map(|run| run.names().len()).collect::<Vec<_>>();
    // The first one stays in use.
    let user = start(&runs[0], "2");
    for run in &runs[1..4] {
        end(start(run, "2"));
    }
    assert_eq!(there(), [1, 0, 1, 1, 0], "two are left, and the one that is used");

    // One is used again, and so another one is the least used.
    end(start(&runs[2], "2"));
    end(start(&runs[4], "2"));
    assert_eq!(there(), [1, 0, 1, 0, 1]);

    // All uses were two weeks ago and more.
    let files = sys::below(&folder.runtime().join("longshore/snapshots"));
    let used: Vec<_> =
        files.iter().filter(|file| file.extension().is_some_and(|end| end == "used")).collect();
    assert_eq!(used.len(), 3, "{files:?}");
    let then = SystemTime::now() - Duration::from_secs(15 * 24 * 60 * 60);
    for file in used {
        File::options().write(true).open(file)?.set_modified(then)?;
    }
    end(start(&runs[3], ""));
    assert_eq!(there(), [1, 0, 0, 1, 0]);
    end(user);

    // With `off` none is made or used.
    let (session, child, cold) = start(&runs[3], "off");
    end((session, child, cold.clone()));
    let (session, child, warm) = start(&runs[3], "");
    assert_ne!(cold, warm);
    end((session, child, warm));

    // By hand.
    let held = start(&runs[3], "");
    let snapshots = block_on(Engine::connect())?.snapshots();
    let (used, unused) = (runs[3].names().remove(0), runs[0].names().remove(0));
    let gone = block_on(snapshots.remove_all())?;
    assert!(gone.iter().any(|one| one.name() == unused), "{gone:?}");
    assert!(block_on(snapshots.list())?.iter().all(|one| one.name() == used));
    end(held);
    block_on(snapshots.remove_all())?;
    assert_eq!(there(), [0; 5]);
    Ok(())
}

#[test]
fn a_snapshot_that_finds_no_place_on_the_disk_is_told_once_and_made_next_time() {
    let _alone = alone();
    let Some(disk) = Disk::of_engine() else { return };
    for is_on_volume in [false, true] {
        // What is made at the first start is there once, and there is no room for it twice.
        let script = "head -c 60000000 /dev/zero >/data/big";
        let run = if is_on_volume { Run::on_volume(script) } else { Run::new(script) };
        let full = disk.with_room_for(90 << 20);
        let mut child = run.session.start(TWICE);
        let ids = [child.told(), child.told()];
        assert!(ids[0].len() == 36 && ids[0] != ids[1], "{ids:?}");
        let ended = child.end();
        let complaints = ended.complaints();
        assert_eq!(complaints.len(), 1, "{}", ended.errors);
        let expected =
            format!("longshore: no snapshot of `{BUSYBOX}` could be made, it is started cold: ");
        assert!(complaints[0].starts_with(&expected), "{complaints:?}");
        assert!(complaints[0].contains("no space left on device"), "{complaints:?}");
        run.session.all_gone();
        assert_eq!(run.images(), [] as [Value; 0]);
        run.session.ended_late();
        drop(full);

        let mut next = run.next(script);
        if is_on_volume {
            next = next.env(VOLUME, "yes");
        }
        let mut child = next.start(TWICE);
        assert_eq!(child.told(), child.told());
        assert_eq!(child.end().complaints(), [""; 0]);
        assert!(run.assert_whole());
        next.all_gone();
        next.over();
    }
}

/// The file system in memory that the engine has its data on.
struct Disk {
    mounts: File,
    data: String,
}

impl Disk {
    /// That of an engine that is the tests' own; else it is said why not.
    fn of_engine() -> Option<Self> {
        let state = engine_socket().parent().expect("a socket in a folder").to_owned();
        let is_kept = state.join("keep").exists();
        let may = env::var_os("LONGSHORE_TEST_STOP_ENGINE").is_some();
        if env::var_os("LONGSHORE_TEST_ENGINE").is_none() || is_kept && !may {
            support::skipped(
                "only the disk of an engine of the tests' own is filled: use `tests/run`",
            );
            return None;
        }
        let data = format!("{}/data", state.display());
        let pid = sys::processes().into_iter().find(|pid| {
            let mounts = fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap_or_default();
            let name = sys::stat(*pid).map(|stat| stat.name).unwrap_or_default();
            (name == "dockerd" || name == "podman") && mounts.contains(&data)
        });
        let mounts = File::open(format!("/proc/{}/ns/mnt", pid.expect("the engine runs")));
        Some(Disk { mounts: mounts.expect("we are root"), data })
    }

    fn run(&self, words: &[&str]) -> String {
        use std::os::fd::AsRawFd;
        let mounts = format!("--mount=/proc/{}/fd/{}", std::process::id(), self.mounts.as_raw_fd());
        let output = Command::new("nsenter").arg(mounts).args(words).output().expect("nsenter");
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Has so many bytes free until that is dropped.
    fn with_room_for(&self, bytes: u64) -> Full<'_> {
        let numbers = self.run(&["df", "-B1", "--output=used,size", &self.data]);
        let numbers: Vec<u64> = numbers
            .lines()
            .last()
            .expect("a line of numbers")
            .split_whitespace()
            .map(|number| number.parse().expect("a number"))
            .collect();
        let full = Full { disk: self, size: numbers[1] };
        self.resize(numbers[0] + bytes);
        full
    }

    fn resize(&self, bytes: u64) {
        self.run(&["mount", "-o", &format!("remount,size={bytes}"), &self.data]);
    }
}

struct Full<'a> {
    disk: &'a Disk,
    size: u64,
}

impl Drop for Full<'_> {
    fn drop(&mut self) {
        self.disk.resize(self.size);
    }
}
