//! What a killed process leaves goes in the next sweep, and what is kept on purpose stays: each word of `LONGSHORE_KEEP`. Each
//! test runs this very program again as a child with a test run of its own, and without the reaper.

use std::env;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use longshore::blocking::{self, block_on};
use longshore::{Commit, ContainerRequest, Engine, LeftReason, Network, SweepReport, Volume};

use super::support::proxy::{Action, Proxy};
use super::support::sys::Lock;
use super::support::{
    api, api_with, eventually, exists, get, marks_of, network_exists, unique, volume_exists,
    TestResult, BUSYBOX,
};

/// Set for a child, with its name.
const CHILD: &str = "LONGSHORE_TEST_CHILD";

fn idle() -> ContainerRequest {
    ContainerRequest::new(BUSYBOX).cmd(["sleep", "600"])
}

/// A child with a test run of its own.
struct Run {
    child: Child,
    session: String,
    told: Vec<String>,
}

impl Run {
    /// Runs a child until it ends or says `ready`.
    fn start(name: &str, keep: Option<&str>) -> std::io::Result<Self> {
        let session = unique("left-behind");
        let mut command = Command::new(env::current_exe()?);
        command.args(["--exact", &format!("left_behind::{name}"), "--nocapture", "--ignored"]);
        command
            .env(CHILD, name)
            .env("LONGSHORE_SESSION", &session)
            .env_remove("CARGO")
            .env("LONGSHORE_REAPER", "off");
        match keep {
            Some(keep) => command.env("LONGSHORE_KEEP", keep),
            None => command.env_remove("LONGSHORE_KEEP"),
        };
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        let mut told = Vec::new();
        for line in lines.map_while(Result::ok) {
            match line.split_once("told: ") {
                Some((_, "ready")) => break,
                Some((_, what)) => told.push(what.to_owned()),
                None => {}
            }
        }
        Ok(Run { child, session, told })
    }

    /// The things that it told of: `KIND ID`.
    fn told(&self, kind: &str) -> &str {
        let mut of_kind = self.told.iter().filter_map(|told| told.strip_prefix(kind));
        of_kind.next().unwrap_or_else(|| panic!("no {kind} in {:?}", self.told)).trim()
    }

    /// Nobody cleans up behind this.
    fn kill(&mut self) -> std::io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }

    /// What it wrote to its standard error until its end.
    fn end(&mut self) -> std::io::Result<String> {
        drop(self.child.stdin.take());
        let mut text = String::new();
        self.child.stderr.take().expect("it is piped").read_to_string(&mut text)?;
        self.child.wait()?;
        Ok(text)
    }

    fn sweep(&self) -> SweepReport {
        longshore::sweep().session(&self.session).run_blocking().expect("a report")
    }

    /// Removes what was kept too.
    fn sweep_all(&self) -> SweepReport {
        longshore::sweep().session(&self.session).kept().run_blocking().expect("a report")
    }
}

impl Drop for Run {
    /// Of a test that fails nothing is left either.
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = longshore::sweep().session(&self.session).kept().run_blocking();
    }
}

fn is_child(name: &str) -> bool {
    env::var(CHILD).is_ok_and(|child| child == name)
}

#[allow(clippy::print_stdout, reason = "the parent reads it")]
fn tell(what: &str) {
    println!("told: {what}");
    std::io::stdout().flush().expect("the parent reads");
}

/// Until the parent closes the standard input, or kills.
fn wait_for_parent() {
    tell("ready");
    let _ = std::io::stdin().read_line(&mut String::new());
}

fn image_exists(image: &str) -> bool {
    api("GET", &format!("/images/{image}/json")).0 == 200
}

fn is_kept(report: &SweepReport, id: &str) -> bool {
    report.left().iter().any(|(thing, why)| thing.id() == id && *why == LeftReason::Kept)
}

/// Whether all four things are there that a child told of.
fn are_there(run: &Run) -> [bool; 4] {
    [
        exists(run.told("container")),
        network_exists(run.told("network")),
        volume_exists(run.told("volume")),
        image_exists(run.told("image")),
    ]
}

/// One of each kind, told of.
fn one_of_each() -> (blocking::Container, Network, Volume, longshore::Image) {
    let network = block_on(Network::create()).expect("a network");
    let volume = block_on(Volume::create()).expect("a volume");
    let request = idle().network(&network).volume(volume.at("/data"));
    let container = request.start_blocking().expect("a container");
    let image = container.commit(Commit::new()).expect("an image");
    tell(&format!("container {}", container.id()));
    tell(&format!("network {}", network.id()));
    tell(&format!("volume {}", volume.name()));
    tell(&format!("image {}", image.id()));
    (container, network, volume, image)
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_holds_one_of_each() {
    if is_child("child_that_holds_one_of_each") {
        let _held = one_of_each();
        wait_for_parent();
    }
}

#[test]
fn what_a_killed_process_left_goes_in_the_next_sweep() -> TestResult {
    let _sessions = Lock::shared();
    let living = idle().start_blocking()?;
    let body = serde_json::json!({ "Image": BUSYBOX, "Cmd": ["sleep", "600"] }).to_string();
    let (status, told) = api_with("POST", "/containers/create", &body);
    assert_eq!(status, 201, "{told}");
    let innocent: serde_json::Value = serde_json::from_str(&told)?;
    let innocent = innocent["Id"].as_str().expect("an id");

    let mut run = Run::start("child_that_holds_one_of_each", None)?;
    let report = run.sweep();
    assert_eq!(are_there(&run), [true; 4], "its owner lives: {report}");
    assert_eq!(report.left().len(), 4, "{report}");
    assert!(report.left().iter().all(|(_, why)| *why == LeftReason::LivingOwner), "{report}");
    run.kill()?;
    let report = run.sweep();
    assert_eq!(are_there(&run), [false; 4], "{report}");
    let there = exists(innocent);
    api("DELETE", &format!("/containers/{innocent}?force=1"));
    assert!(there, "what has no label of ours is gone: {report}");
    assert!(living.inspect()?.is_running());
    Ok(())
}

#[test]
fn two_sweeps_at_once_do_not_disturb_each_other() -> TestResult {
    let _sessions = Lock::shared();
    let mut run = Run::start("child_that_holds_one_of_each", None)?;
    run.kill()?;
    std::thread::scope(|scope| {
        let sweeps: Vec<_> = (0..4).map(|_| scope.spawn(|| run.sweep())).collect();
        for sweep in sweeps {
            let report = sweep.join().expect("no panic");
            assert!(report.failures().is_empty(), "{report}");
        }
    });
    assert_eq!(are_there(&run), [false; 4]);
    Ok(())
}

#[test]
fn what_failed_keeps_stays_when_a_process_is_killed_and_goes_when_it_ends_well() -> TestResult {
    let _sessions = Lock::shared();
    let mut run = Run::start("child_that_holds_one_of_each", Some("failed"))?;
    run.kill()?;
    let report = run.sweep();
    assert_eq!(are_there(&run), [true; 4], "{report}");
    assert!(is_kept(&report, run.told("container")), "{report}");
    run.sweep_all();
    assert_eq!(are_there(&run), [false; 4]);

    let mut run = Run::start("child_that_holds_one_of_each", Some("failed"))?;
    let told = run.end()?;
    assert_eq!(are_there(&run), [false; 4], "it ended well: {told}");
    assert!(!told.contains("is kept"), "{told}");
    Ok(())
}

#[test]
fn what_failed_keeps_stays_when_a_test_panics() -> TestResult {
    let _sessions = Lock::shared();
    let mut run = Run::start("child_that_panics", Some("failed"))?;
    let told = run.end()?;
    assert_eq!(are_there(&run), [true, true, true, true], "{told}");
    let name = get(&format!("/containers/{}/json", run.told("container")))["Name"].clone();
    let name = name.as_str().expect("a name").trim_start_matches('/');
    assert!(told.contains(&format!("longshore: the container `{name}` is kept")), "{told}");
    assert!(
        told.contains(&format!("exec -it {name} sh`")) && told.contains(&format!("rm -fv {name}`"))
    );
    assert!(!exists(run.told("removed")), "it was dropped before the panic");
    let report = run.sweep();
    assert_eq!(are_there(&run), [true; 4], "{report}");
    assert!(is_kept(&report, run.told("network")), "{report}");
    run.sweep_all();
    assert_eq!(are_there(&run), [false; 4]);
    Ok(())
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_panics() {
    if !is_child("child_that_panics") {
        return;
    }
    let removed = idle().start_blocking().expect("a container");
    tell(&format!("removed {}", removed.id()));
    drop(removed);
    let _held = one_of_each();
    panic!("as a failing test does");
}

#[test]
fn always_keeps_whatever_is_dropped_and_not_what_is_removed() -> TestResult {
    let _sessions = Lock::shared();
    let mut run = Run::start("child_that_drops_and_removes", Some("always"))?;
    let told = run.end()?;
    assert_eq!(are_there(&run), [true; 4], "{told}");
    assert!(exists(run.told("static")), "what is in a static at the end of the process: {told}");
    assert_eq!(told.matches("is kept\n").count(), 2, "two containers: {told}");
    assert!(!exists(run.told("removed")), "it was removed on purpose: {told}");
    let report = run.sweep();
    assert_eq!(are_there(&run), [true; 4], "{report}");
    run.sweep_all();
    assert_eq!(are_there(&run), [false; 4]);
    Ok(())
}

#[test]
fn without_the_variable_only_keep_keeps() -> TestResult {
    let _sessions = Lock::shared();
    let mut run = Run::start("child_that_drops_and_removes", None)?;
    let told = run.end()?;
    assert_eq!(are_there(&run), [false; 4], "{told}");
    assert!(!exists(run.told("static")) && !exists(run.told("removed")), "{told}");
    Ok(())
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_drops_and_removes() {
    static HELD: OnceLock<blocking::Container> = OnceLock::new();
    if !is_child("child_that_drops_and_removes") {
        return;
    }
    let held = HELD.get_or_init(|| idle().start_blocking().expect("a container"));
    tell(&format!("static {}", held.id()));
    let removed = idle().start_blocking().expect("a container");
    tell(&format!("removed {}", removed.id()));
    removed.remove().expect("it goes");
    drop(one_of_each());
}

#[test]
fn keep_holds_beyond_the_process_and_against_every_sweep() -> TestResult {
    let _sessions = Lock::shared();
    let mut run = Run::start("child_that_keeps", None)?;
    let labels =
        get(&format!("/containers/{}/json", run.told("container")))["Config"]["Labels"].clone();
    let instance = labels["org.longshore.instance"].as_str().expect("an instance");
    run.kill()?;
    let report = run.sweep();
    assert_eq!(are_there(&run)[..3], [true; 3], "{report}");
    for kind in ["container", "network", "volume"] {
        assert!(is_kept(&report, run.told(kind)), "{report}");
    }
    assert!(!image_exists(run.told("image")), "that was not kept: {report}");
    // Its network and its volume were kept for its sake.
    api("DELETE", &format!("/containers/{}?force=1&v=1", run.told("container")));
    let report = run.sweep();
    assert_eq!(are_there(&run), [false; 4], "{report}");
    assert_eq!(marks_of(instance), [""; 0]);
    Ok(())
}

#[test]
fn never_keeps_to_the_end_of_the_process_only() -> TestResult {
    let _sessions = Lock::shared();
    let mut run = Run::start("child_that_keeps", Some("never"))?;
    assert_eq!(are_there(&run)[..3], [true; 3]);
    let told = run.end()?;
    assert_eq!(are_there(&run), [false; 4], "{told}");
    assert!(
        told.contains("is kept to the end of the process, since `LONGSHORE_KEEP` is `never`"),
        "{told}"
    );
    Ok(())
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_keeps() {
    if !is_child("child_that_keeps") {
        return;
    }
    let (container, network, volume, image) = one_of_each();
    let id = container.id().to_owned();
    let kept = container.keep().expect("it is kept");
    assert_eq!(kept.id(), id);
    // Used by what is kept: that is more than being dropped.
    drop((network, volume));
    assert!(block_on(Engine::connect())
        .is_ok_and(|engine| block_on(engine.containers().inspect(&id)).is_ok()));
    wait_for_parent();
    drop(image);
}

#[test]
fn a_word_that_says_nothing_is_told_before_anything_is_made() -> TestResult {
    let _sessions = Lock::shared();
    let mut run = Run::start("child_that_is_told_nonsense", Some("sometimes"))?;
    let told = run.end()?;
    assert!(run.child.wait()?.success(), "{told}");
    let report = run.sweep_all();
    assert!(report.removed().is_empty() && report.left().is_empty(), "{report}");
    Ok(())
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_is_told_nonsense() {
    if !is_child("child_that_is_told_nonsense") {
        return;
    }
    for error in [
        idle().start_blocking().expect_err("it says nothing"),
        idle().create_blocking().expect_err("it says nothing"),
        block_on(Network::create()).expect_err("it says nothing"),
        block_on(Network::shared("x")).expect_err("it says nothing"),
        block_on(Volume::create()).expect_err("it says nothing"),
    ] {
        assert!(error.is_invalid_request());
        let told = error.to_string();
        assert!(
            told.contains("the variable `LONGSHORE_KEEP` is `sometimes`, which says nothing"),
            "{told}"
        );
        assert!(told.contains("set it to `failed`, `always` or `never`"), "{told}");
    }
}

#[test]
fn a_drop_in_a_panic_is_bounded_when_the_engine_does_not_answer() -> TestResult {
    let _sessions = Lock::shared();
    let begun = Instant::now();
    let mut run = Run::start("child_that_panics_without_an_answer", Some("failed"))?;
    let told = run.end()?;
    assert!(begun.elapsed() < Duration::from_secs(40), "{:?}", begun.elapsed());
    assert!(told.contains("is kept\n"), "{told}");
    assert!(exists(run.told("container")), "{told}");
    // The label alone keeps it.
    let report = run.sweep();
    assert!(is_kept(&report, run.told("container")), "{report}");
    Ok(())
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_panics_without_an_answer() {
    if !is_child("child_that_panics_without_an_answer") {
        return;
    }
    let late = |asked: &str| match asked.contains("/volumes/create") {
        true => Action::DelayAnswer(Duration::from_secs(60)),
        false => Action::Pass,
    };
    let proxy = Proxy::with(late);
    let engine = Engine::connect_to_blocking(&proxy.address()).expect("an engine");
    let container = idle().start_on_blocking(&engine).expect("a container");
    tell(&format!("container {}", container.id()));
    panic!("as a failing test does");
}

#[test]
fn what_a_sweep_cannot_remove_is_told_and_the_rest_goes() -> TestResult {
    let _sessions = Lock::shared();
    let mut run = Run::start("child_that_holds_one_of_each", None)?;
    run.kill()?;
    let stubborn = run.told("volume").to_owned();
    let proxy =
        Proxy::with(move |asked| match asked.starts_with("DELETE") && asked.contains(&stubborn) {
            true => Action::Refuse(500, "device or resource busy"),
            false => Action::Pass,
        });
    let engine = Engine::connect_to_blocking(&proxy.address())?;
    let report = longshore::sweep().session(&run.session).run_on_blocking(&engine)?;
    assert_eq!(are_there(&run), [false, false, true, false], "{report}");
    assert_eq!(report.failures()[0].thing().id(), run.told("volume"));
    let told = report.to_string();
    let volume = run.told("volume");
    assert!(told.contains(&format!("the volume `{volume}` could not be removed")), "{told}");
    assert!(told.contains("device or resource busy") && told.ends_with("1 failed"), "{told}");
    assert!(report.ok().is_err());
    eventually("the next sweep", || {
        run.sweep();
        !volume_exists(run.told("volume"))
    });
    Ok(())
}
