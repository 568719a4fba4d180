//! What a process leaves of networks and volumes when it ends, and many processes that ask at once. Each test runs this very
//! program again as a child, for one of the tests whose name begins with `child_`.

use std::env;
use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::LazyLock;

use longshore::blocking::{block_on, Container};
use longshore::{ContainerRequest, Network, NetworkRequest, Volume, VolumeRequest};
use rand::Rng;

use super::support::sys::Lock;
use super::support::{
    exists, get, network_exists, networks_labelled, unique, volume_exists, volumes_labelled,
    TestResult, BUSYBOX,
};
use super::torture_count;

/// Set for a child, with its name.
const CHILD: &str = "LONGSHORE_TEST_CHILD";

/// A name, or a label, for what a child makes.
const NAME: &str = "LONGSHORE_TEST_NAME";

/// A child that waits for a line on its standard input at its end.
struct Held {
    child: Child,
    told: Lines<BufReader<ChildStdout>>,
}

impl Held {
    fn start(test: &str, name: &str) -> std::io::Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .args([
                "--exact",
                &format!("networks_volumes_processes::{test}"),
                "--nocapture",
                "--ignored",
            ])
            .env(CHILD, test)
            .env(NAME, name)
            // What a killed one leaves is looked at.
            .env("LONGSHORE_REAPER", "off")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let told = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        Ok(Held { child, told })
    }

    /// The next that it told.
    fn told(&mut self) -> String {
        let mut lines = self.told.by_ref().map_while(Result::ok);
        let line = lines.find_map(|line| line.split("told: ").nth(1).map(str::to_owned));
        line.unwrap_or_else(|| {
            let output = std::io::read_to_string(self.child.stderr.take().expect("it is piped"));
            panic!("the child told nothing: {output:?}")
        })
    }

    /// Lets it end, and gives what it wrote to its standard error.
    fn end(mut self) -> std::io::Result<String> {
        drop(self.child.stdin.take());
        // What libtest prints has to go somewhere.
        self.told.by_ref().for_each(drop);
        let output = self.child.wait_with_output()?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{text}");
        Ok(text)
    }

    /// Nobody cleans up behind this.
    fn kill(mut self) -> std::io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }
}

fn is_child(test: &str) -> bool {
    env::var(CHILD).is_ok_and(|child| child == test)
}

fn given_name() -> String {
    env::var(NAME).expect("the parent sets it")
}

#[allow(clippy::print_stdout, reason = "the parent reads it")]
fn tell(what: &str) {
    println!("told: {what}");
    std::io::stdout().flush().expect("the parent reads");
}

fn wait_for_parent() {
    let _ = std::io::stdin().read_line(&mut String::new());
}

fn user_of(network: &Network, volume: &Volume) -> Container {
    ContainerRequest::new(BUSYBOX)
        .network(network)
        .volume(volume.at("/data"))
        .cmd(["sleep", "600"])
        .start_blocking()
        .expect("a container")
}

#[test]
fn what_is_held_in_statics_goes_when_the_process_ends_the_containers_first() -> TestResult {
    let mut child = Held::start("child_with_statics", "")?;
    let (network, volume, container) = (child.told(), child.told(), child.told());
    assert!(network_exists(&network) && volume_exists(&volume) && exists(&container));
    let complaints = child.end()?;
    assert!(!network_exists(&network) && !volume_exists(&volume) && !exists(&container));
    assert!(!complaints.contains("longshore:"), "{complaints}");
    Ok(())
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_with_statics() {
    static NETWORK: LazyLock<Network> =
        LazyLock::new(|| block_on(Network::shared("static")).expect("a network"));
    static VOLUME: LazyLock<Volume> =
        LazyLock::new(|| block_on(Volume::create()).expect("a volume"));
    static USER: LazyLock<Container> = LazyLock::new(|| user_of(&NETWORK, &VOLUME));
    if is_child("child_with_statics") {
        USER.exec(["touch", "/data/x"]).expect("it runs");
        for what in [NETWORK.id(), VOLUME.name(), USER.id()] {
            tell(what);
        }
        wait_for_parent();
    }
}

#[test]
fn nothing_is_left_when_the_process_exits_while_threads_make_things() -> TestResult {
    for _ in 0..(torture_count() / 4).max(3) {
        let label = unique("exit-among-creates");
        let child = Held::start("child_that_exits_among_creates", &label)?;
        child.end()?;
        let label = format!("test={label}");
        assert_eq!(networks_labelled(&label), [""; 0]);
        assert_eq!(volumes_labelled(&label), [""; 0]);
    }
    Ok(())
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_exits_among_creates() {
    if !is_child("child_that_exits_among_creates") {
        return;
    }
    for _ in 0..2 {
        std::thread::spawn(|| loop {
            let network = NetworkRequest::new().label("test", given_name());
            let volume = VolumeRequest::new().label("test", given_name());
            drop(block_on(network.create()));
            drop(block_on(volume.create()));
        });
    }
    std::thread::sleep(std::time::Duration::from_millis(rand::thread_rng().gen_range(50..400)));
    std::process::exit(0);
}

#[test]
fn names_that_a_killed_process_left_are_taken_over_and_a_living_ones_are_not() -> TestResult {
    let _sessions = Lock::shared();
    let name = unique("left-behind");
    let (network, volume) = (NetworkRequest::new().name(&name), VolumeRequest::new().name(&name));
    let mut child = Held::start("child_that_holds_names", &name)?;
    let (left, user) = (child.told(), child.told());

    let refused = block_on(network.create()).expect_err("its owner lives");
    assert!(refused.is_name_taken(), "{refused}");
    let refused = block_on(volume.create()).expect_err("its owner lives");
    assert!(refused.is_name_taken(), "{refused}");
    assert!(network_exists(&left) && exists(&user), "what a living owner has is gone");

    child.kill()?;
    assert!(network_exists(&left) && exists(&user));
    let network = block_on(network.create())?;
    assert_eq!(network.name(), name);
    assert!(!network_exists(&left), "what the dead owner left is still there");
    // The dead owner's container uses the volume: it goes too.
    let volume = block_on(volume.create())?;
    assert!(!exists(&user));
    let container = user_of(&network, &volume);
    let found = container.exec(["ls", "-A", "/data"])?.ok()?;
    assert_eq!(found.stdout_str()?, "", "the volume is a new one");
    drop((container, volume, network));
    assert!(!network_exists(&name) && !volume_exists(&name));
    Ok(())
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_holds_names() {
    if !is_child("child_that_holds_names") {
        return;
    }
    let network = block_on(NetworkRequest::new().name(given_name()).create()).expect("a network");
    let volume = block_on(VolumeRequest::new().name(given_name()).create()).expect("a volume");
    let container = user_of(&network, &volume);
    container.exec(["touch", "/data/old"]).expect("it runs");
    tell(network.id());
    tell(container.id());
    wait_for_parent();
}

/// Starts children that want the same name, and gives how many of them got it. Each holds what it got until all have told.
fn how_many_get(name: &str) -> Result<(usize, usize), Box<dyn std::error::Error>> {
    let mut children: Vec<_> =
        (0..5).map(|_| Held::start("child_that_wants_a_name", name)).collect::<Result<_, _>>()?;
    // Each has begun when it says so, and goes on when it hears so: they ask at the same time.
    for child in &mut children {
        assert_eq!(child.told(), "ready");
    }
    for child in &mut children {
        child.child.stdin.as_mut().expect("it is piped").write_all(b"go\n")?;
    }
    let mut made = (0, 0);
    for child in &mut children {
        made.0 += usize::from(child.told() == "made");
        made.1 += usize::from(child.told() == "made");
    }
    if made == (1, 1) {
        assert!(volume_exists(name), "whoever has it lost it");
        assert_eq!(get(&format!("/networks/{name}"))["Name"], name);
    }
    for child in children {
        child.end()?;
    }
    assert!(!network_exists(name) && !volume_exists(name));
    Ok(made)
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_wants_a_name() {
    if !is_child("child_that_wants_a_name") {
        return;
    }
    block_on(longshore::Engine::connect()).expect("an engine");
    tell("ready");
    wait_for_parent();
    let volume = block_on(VolumeRequest::new().name(given_name()).create());
    tell_outcome(&volume);
    let network = block_on(NetworkRequest::new().name(given_name()).create());
    tell_outcome(&network);
    wait_for_parent();
}

fn tell_outcome<T>(outcome: &longshore::Result<T>) {
    match outcome {
        Ok(_) => tell("made"),
        Err(error) if error.is_name_taken() => tell("taken"),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn of_many_processes_that_want_one_name_at_once_one_gets_it() -> TestResult {
    for _ in 0..(torture_count() / 8).max(2) {
        assert_eq!(how_many_get(&unique("wanted"))?, (1, 1));
    }
    Ok(())
}

#[test]
fn of_many_processes_that_sweep_away_what_a_killed_one_left_one_gets_it() -> TestResult {
    let _sessions = Lock::shared();
    for _ in 0..(torture_count() / 8).max(2) {
        let name = unique("swept");
        let mut child = Held::start("child_that_holds_names", &name)?;
        let (left, user) = (child.told(), child.told());
        child.kill()?;
        assert_eq!(how_many_get(&name)?, (1, 1));
        assert!(!network_exists(&left) && !exists(&user));
    }
    Ok(())
}

#[test]
fn processes_that_share_a_network_by_name_have_one_each() -> TestResult {
    let name = unique("shared-among");
    let mut children = [(); 3].map(|()| Held::start("child_that_shares", &name));
    let mut ids = std::collections::BTreeSet::new();
    for child in children.iter_mut().flatten() {
        let id = child.told();
        assert!(network_exists(&id));
        ids.insert(id);
    }
    assert_eq!(ids.len(), 3, "{ids:?}");
    for child in children {
        child?.end()?;
    }
    assert!(ids.iter().all(|id| !network_exists(id)));
    Ok(())
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_shares() {
    if is_child("child_that_shares") {
        let network = block_on(Network::shared(given_name())).expect("a network");
        tell(network.id());
        wait_for_parent();
    }
}
