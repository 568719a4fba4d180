//! What the suites share: a look at the engine that does not go through longshore.

#![allow(dead_code, missing_docs, unreachable_pub, reason = "each suite uses a part of it")]

use std::env;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use serde_json::Value;

pub mod child;
pub mod events;
pub mod nextest;
pub mod program;
pub mod proxy;
pub mod rounds;
pub mod session;
pub mod sys;

ctor::declarative::ctor! {
    /// What one test has left on purpose must not be swept away by the test run of another. Before `main`, for this process and
    /// those that it starts; the tests of the sweep set it otherwise.
    #[ctor(unsafe)]
    fn sweep_only_when_asked() {
        if env::var_os("LONGSHORE_SWEEP").is_none() {
            env::set_var("LONGSHORE_SWEEP", "off");
        }
        // Nor may one test's snapshot be too much for that of another.
        if env::var_os("LONGSHORE_SNAPSHOTS").is_none() {
            env::set_var("LONGSHORE_SNAPSHOTS", "1000");
        }
    }
}

/// The result of a test: `?` takes any error, and libtest prints it with `Debug`.
pub type TestResult<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// The small image of the suites.
pub const BUSYBOX: &str = "busybox:1.35";

/// One request to the engine's API by hand: status and body. No version in the path, so the engine takes its newest.
pub fn api(method: &str, path: &str) -> (u16, String) {
    api_with(method, path, "")
}

/// The same with a JSON body.
pub fn api_with(method: &str, path: &str, body: &str) -> (u16, String) {
    let request = format!(
        "{method} {path} HTTP/1.0\r\nHost: engine\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = exchange(request.as_bytes());
    let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer has a head");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    (status, body.to_owned())
}

fn exchange(request: &[u8]) -> String {
    let (mut stream, mut answer) = (connect(), Vec::new());
    stream.write_all(request).expect("the engine reads");
    stream.read_to_end(&mut answer).expect("the engine answers");
    String::from_utf8_lossy(&answer).into_owned()
}

/// A connection to the engine.
trait Stream: Read + Write + Send {}

impl<T: Read + Write + Send> Stream for T {}

fn connect() -> Box<dyn Stream> {
    let host = env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".into());
    match host.split_once("://") {
        Some(("unix", path)) => Box::new(UnixStream::connect(path).expect("the engine listens")),
        Some((_, address)) => Box::new(TcpStream::connect(address).expect("the engine listens")),
        None => panic!("DOCKER_HOST is not an address: {host}"),
    }
}

/// `GET path` as JSON.
pub fn get(path: &str) -> Value {
    let (status, body) = api("GET", path);
    assert_eq!(status, 200, "GET {path}: {body}");
    serde_json::from_str(&body).unwrap_or_else(|error| panic!("GET {path}: {error}: {body}"))
}

/// Whether the engine still knows a container, by id or name.
pub fn exists(container: &str) -> bool {
    is_there(&format!("/containers/{container}/json"))
}

/// The ids of containers that carry a label, running or not. Give each test a value of its own.
pub fn labelled(label: &str) -> Vec<String> {
    let found = get(&format!("/containers/json?all=1&filters={}", label_filter(label)));
    let ids = found.as_array().expect("a list").iter();
    ids.map(|container| container["Id"].as_str().expect("an id").to_owned()).collect()
}

/// The ids of networks that carry a label. Give each test a value of its own.
pub fn networks_labelled(label: &str) -> Vec<String> {
    let path = format!("/networks?filters={}", label_filter(label));
    // Podman 4.3 refuses while a container of somebody else goes.
    eventually("a list of networks", || api("GET", &path).0 != 500);
    let found = get(&path);
    let networks = found.as_array().into_iter().flatten();
    networks.map(|network| network["Id"].as_str().expect("an id").to_owned()).collect()
}

/// The names of volumes that carry a label. Give each test a value of its own.
pub fn volumes_labelled(label: &str) -> Vec<String> {
    let found = get(&format!("/volumes?filters={}", label_filter(label)));
    let volumes = found["Volumes"].as_array().into_iter().flatten();
    volumes.map(|volume| volume["Name"].as_str().expect("a name").to_owned()).collect()
}

fn label_filter(label: &str) -> String {
    let filters = serde_json::json!({ "label": [label] }).to_string();
    filters.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Whether the engine still knows a network, by id or name.
pub fn network_exists(network: &str) -> bool {
    is_there(&format!("/networks/{network}"))
}

/// Whether the engine still knows a volume.
pub fn volume_exists(volume: &str) -> bool {
    is_there(&format!("/volumes/{volume}"))
}

fn is_there(path: &str) -> bool {
    match api("GET", path).0 {
        200 => true,
        404 => false,
        status => panic!("the engine answered {status} to GET {path}"),
    }
}

/// Removes something that was kept on purpose, such as `/containers/ID` or `/images/ID`, and what marks it as kept.
pub fn remove_kept(path: &str) {
    let inspect = match path.split('/').nth(1) {
        Some("containers" | "images") => get(&format!("{path}/json")),
        _ => get(path),
    };
    let labels = match &inspect["Config"]["Labels"] {
        Value::Null => &inspect["Labels"],
        labels => labels,
    };
    let instance = labels["org.longshore.instance"].as_str().expect("it is ours").to_owned();
    let (status, told) = api("DELETE", &format!("{path}?force=1"));
    assert!(matches!(status, 200 | 204), "{told}");
    for mark in marks_of(&instance) {
        assert_eq!(api("DELETE", &format!("/volumes/{mark}")).0, 204);
    }
}

/// The volumes that mark an instance as kept, or others for its sake.
pub fn marks_of(instance: &str) -> Vec<String> {
    let mut marks = volumes_labelled(&format!("org.longshore.kept={instance}"));
    marks.extend(volumes_labelled(&format!("org.longshore.kept.by={instance}")));
    marks
}

/// Waits for something to become true, and fails with `what` after half a minute: a machine may be busy.
pub fn eventually(what: &str, mut is_true: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_true() {
        assert!(Instant::now() < deadline, "{what} did not happen in half a minute");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A word that no other test of any process has, for labels and names.
pub fn unique(stem: &str) -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let since =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    format!(
        "{stem}-{}-{}-{}",
        std::process::id(),
        since.as_nanos() % 1_000_000_000,
        COUNT.fetch_add(1, Ordering::Relaxed)
    )
}

/// Whether the engine of this run is Podman, for the places where engines differ.
pub fn is_podman() -> bool {
    get("/version")["Components"][0]["Name"].as_str().is_some_and(|name| name.contains("Podman"))
}

/// Whether it is Podman 4, which lacks more than the newer ones.
pub fn is_podman_4() -> bool {
    is_podman()
        && get("/version")["Version"].as_str().is_some_and(|version| version.starts_with("4."))
}

/// A test that cannot be done here says so, on the program's own standard error, and may not be skipped under `CI`.
pub fn skipped(why: &str) {
    say(&format!("SKIPPED: {why}"));
    assert!(env::var_os("CI").is_none(), "this test may not be skipped under CI");
}

/// A line that is to be read also when the test passes: libtest keeps what `eprintln!` writes.
pub fn say(line: &str) {
    let _ = std::io::stderr().write_all(format!("{line}\n").as_bytes());
}
