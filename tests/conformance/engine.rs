//! Finding an engine, and what is told of places where none answers. What depends on the environment runs in child
//! processes: this very program, with `child` as its only test.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use longshore::{ContainerRequest, Engine, Exec};
use tokio::io::copy_bidirectional;

use super::client::{http_get, web};
use super::support::proxy::{engine_socket, Proxy};
use super::support::{exists, get, is_podman, unique, TestResult, BUSYBOX};

const CHILD: &str = "LONGSHORE_TEST_CHILD";

const HINT_ADDRESS: &str =
    "\n  hint: write it as `DOCKER_HOST` does: `unix:///var/run/docker.sock` or `tcp://127.0.0.1:2375`";

const HINT_UNSET: &str =
    "\n  hint: start that engine, or unset `DOCKER_HOST` to have the usual sockets tried";

#[test]
#[ignore = "a part of other tests, which run it as a child process"]
fn child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let connect = || match Engine::connect_blocking() {
        Ok(engine) => format!("connected to {engine}"),
        Err(error) => error.to_string(),
    };
    let other = std::thread::spawn(connect);
    let told = connect();
    assert_eq!(other.join().expect("no panic"), told);
    writeln!(std::io::stdout(), "<<<{told}>>>").expect("standard output");
}

/// This program, told to be `child`.
fn program(path: &Path) -> Command {
    let mut command = Command::new(path);
    command.args(["engine::child", "--exact", "--ignored", "--nocapture"]).env(CHILD, "1");
    for variable in ["DOCKER_HOST", "HOME", "XDG_RUNTIME_DIR", "LONGSHORE_HOST"] {
        command.env_remove(variable);
    }
    command
}

/// What `Engine::connect` says in that environment.
fn told(command: &mut Command) -> String {
    let output = command.output().expect("this program runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let begin = text.split_once("<<<").and_then(|(_, rest)| rest.split_once(">>>"));
    let told = begin.unwrap_or_else(|| panic!("the child failed: {output:?}"));
    told.0.to_owned()
}

fn told_with_docker_host(host: &str) -> String {
    let exe = std::env::current_exe().expect("this program");
    told(program(&exe).env("DOCKER_HOST", host))
}

/// A folder for sockets, gone when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(unique("longshore-engine"));
        fs::create_dir(&path).expect("a folder in the temporary folder");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
        Folder(path)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("engine.sock")
    }

    fn address(&self) -> String {
        format!("unix://{}", self.socket().display())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Something that is no engine: hands each connection to `answer` when a request has come.
fn stub(answer: impl Fn(UnixStream) + Send + 'static) -> Folder {
    let folder = Folder::new();
    let listener = UnixListener::bind(folder.socket()).expect("a socket");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // A request's head comes in one piece.
            let _ = stream.read(&mut [0; 4096]);
            answer(stream);
        }
    });
    folder
}

/// The error of connecting to something that answers so.
async fn error_of(answer: impl Into<String>) -> String {
    let answer = answer.into();
    let stub = stub(move |mut stream| drop(stream.write_all(answer.as_bytes())));
    let error = Engine::connect_to(&stub.address()).await.unwrap_err();
    assert!(error.is_engine_unavailable(), "{error}");
    let text = error.to_string();
    let start =
        format!("no container engine answers\n  tried: {} (the address given): ", stub.address());
    text.strip_prefix(&start).unwrap_or_else(|| panic!("{text}")).to_owned()
}

#[tokio::test]
async fn an_engine_tells_its_name_and_versions() -> TestResult {
    let engine = Engine::connect().await?;
    let version = engine.version();
    let told = get("/version");
    assert_eq!(version.name(), if is_podman() { "Podman" } else { "Docker" });
    assert_eq!(version.engine(), told["Version"]);
    assert_eq!(version.api(), told["ApiVersion"]);
    assert_eq!(version.raw()["Components"], told["Components"]);
    assert_eq!(engine.address(), std::env::var("DOCKER_HOST")?);
    let shown = format!("{} {} at {}", version.name(), version.engine(), engine.address());
    assert_eq!(engine.to_string(), shown);
    engine.ping().await?;
    Ok(())
}

#[test]
fn a_process_asks_for_the_version_once() {
    let proxy = Proxy::start();
    let told = told_with_docker_host(&proxy.address());
    assert!(told.starts_with("connected to ") && told.ends_with(&proxy.address()), "{told}");
    assert_eq!(proxy.calls(), ["GET /version"]);
}

#[test]
fn a_docker_host_where_there_is_nothing_is_told() {
    assert_eq!(
        told_with_docker_host("unix:///no/such/engine.sock"),
        format!("no container engine answers\n  tried: unix:///no/such/engine.sock (DOCKER_HOST): no such socket{HINT_UNSET}")
    );
    let told = told_with_docker_host("tcp://127.0.0.1:1");
    let start = "no container engine answers\n  tried: tcp://127.0.0.1:1 (DOCKER_HOST): ";
    assert!(told.starts_with(start) && told.ends_with(HINT_UNSET), "{told}");
    assert!(told.contains("Connection refused"), "{told}");
}

#[test]
fn a_docker_host_that_is_no_address_is_told() {
    for (host, why) in [
        ("/var/run/docker.sock", "it has no scheme"),
        ("unix://docker.sock", "the path of the socket is not absolute"),
        ("tcp://docker:port", "the port is not a number up to 65535"),
        ("gopher://docker", "its scheme `gopher` is unknown"),
    ] {
        assert_eq!(
            told_with_docker_host(host),
            format!("`{host}` is not an engine's address: {why}\n  from: the variable `DOCKER_HOST`{HINT_ADDRESS}")
        );
    }
}

#[test]
fn without_docker_host_the_usual_sockets_are_tried() {
    let folder = Folder::new();
    std::os::unix::fs::symlink(engine_socket(), folder.0.join("docker.sock")).expect("a link");
    let exe = std::env::current_exe().expect("this program");
    let found = told(program(&exe).env("XDG_RUNTIME_DIR", &folder.0));
    assert!(found.starts_with("connected to "), "{found}");
    let empty = Folder::new();
    let usual = ["/var/run/docker.sock", "/run/podman/podman.sock"];
    if usual.iter().any(|socket| Path::new(socket).exists()) {
        return;
    }
    assert!(found.ends_with(&format!("at unix://{}/docker.sock", folder.0.display())), "{found}");
    // An empty variable is as none.
    let nobody = told(program(&exe).env("DOCKER_HOST", "").env("HOME", &empty.0));
    assert!(
        nobody.contains("tried: unix:///var/run/docker.sock (Docker): no such socket\n"),
        "{nobody}"
    );
    assert!(nobody.contains(".colima/default/docker.sock (Colima): no such socket\n"), "{nobody}");
    assert!(nobody.contains("(Podman): no such socket\n  hint: start Docker ("), "{nobody}");
}

/// What another user than root is told about the engine at an address; nothing where this user cannot become another.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn told_to_nobody(address: &str) -> Option<String> {
    let folder = Folder::new();
    let owner = fs::metadata(&folder.0).expect("it was just made").uid();
    if owner != 0 {
        eprintln!("SKIPPED: only root can become another user; run the tests as root");
        assert!(std::env::var_os("CI").is_none(), "this test may not be skipped under CI");
        return None;
    }
    // Where this program lies, another user may not come.
    let exe = folder.0.join("child");
    let this = std::env::current_exe().expect("this program");
    fs::hard_link(&this, &exe).or_else(|_| fs::copy(&this, &exe).map(drop)).expect("a copy");
    let mut command = program(&exe);
    command.env("DOCKER_HOST", address).current_dir("/").uid(65534).gid(65534);
    Some(told(&mut command))
}

fn check_not_allowed(address: &str) {
    let Some(told) = told_to_nobody(address) else { return };
    let tried = format!("tried: {address} (DOCKER_HOST): ");
    let hint = "\n  hint: you may not use the engine's socket: add yourself to its group";
    for part in [&tried, "Permission denied", hint] {
        assert!(told.contains(part), "{part} is missing: {told}");
    }
}

#[test]
fn a_socket_that_one_may_not_use_is_told() {
    let folder = Folder::new();
    let _listener = UnixListener::bind(folder.socket()).expect("a socket");
    fs::set_permissions(folder.socket(), fs::Permissions::from_mode(0o600)).expect("a mode");
    check_not_allowed(&folder.address());
}

#[test]
fn a_socket_in_a_folder_that_one_may_not_enter_is_told() {
    let folder = Folder::new();
    let _listener = UnixListener::bind(folder.socket()).expect("a socket");
    fs::set_permissions(&folder.0, fs::Permissions::from_mode(0o700)).expect("a mode");
    check_not_allowed(&folder.address());
}

#[tokio::test]
async fn a_socket_that_nobody_listens_on_is_told() {
    let folder = Folder::new();
    drop(UnixListener::bind(folder.socket()).expect("a socket"));
    let error = Engine::connect_to(&folder.address()).await.unwrap_err();
    assert!(error.is_engine_unavailable(), "{error}");
    let start =
        format!("no container engine answers\n  tried: {} (the address given): ", folder.address());
    assert!(error.to_string().starts_with(&start), "{error}");
    assert!(error.to_string().contains("Connection refused"), "{error}");
}

#[tokio::test]
async fn an_address_that_is_none_is_told() {
    let error = Engine::connect_to("docker").await.unwrap_err();
    assert!(error.is_invalid_request());
    assert_eq!(
        error.to_string(),
        format!("`docker` is not an engine's address: it has no scheme{HINT_ADDRESS}")
    );
}

#[tokio::test]
async fn what_is_not_an_engine_is_told_with_its_answer() {
    let http = |status: &str, body: &str| {
        format!(
            "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
    };
    let told = error_of("SSH-2.0-OpenSSH_9.2p1\r\n").await;
    assert!(told.contains("invalid HTTP"), "{told}");
    let told = error_of("").await;
    assert!(told.contains("closed") || told.contains("reset"), "{told}");
    let told = error_of(http("200 OK", "<html>welcome</html>")).await;
    assert!(told.contains("the answer is not JSON") && told.contains("<html>welcome"), "{told}");
    let told = error_of(http("200 OK", "{\"ApiVersion\": 7}")).await;
    assert!(told.starts_with("what answers there is not a container engine"), "{told}");
    let told = error_of(http("500 Internal Server Error", "{\"message\": \"out of disk\"}")).await;
    assert!(told.starts_with("the engine answered 500: out of disk"), "{told}");
    let told = error_of(http("404 Not Found", "page not found\n")).await;
    assert!(told.starts_with("the engine answered 404: page not found"), "{told}");
}

#[tokio::test]
async fn an_engine_that_hangs_is_given_up() {
    let (keep, kept) = std::sync::mpsc::channel();
    let stub = stub(move |stream| keep.send(stream).expect("the test runs"));
    let begun = Instant::now();
    let error = Engine::connect_to(&stub.address()).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert!(error.is_engine_unavailable(), "{error}");
    assert!(error.to_string().contains("the engine did not answer in 10s"), "{error}");
    drop(kept);
}

#[tokio::test]
async fn an_engine_that_goes_away_later_is_told() -> TestResult {
    let proxy = Proxy::start();
    let engine = Engine::connect_to(&proxy.address()).await?;
    let engine_of_no_proxy = engine.to_string();
    drop(proxy);
    // The connection that is open still works; a new one finds nobody.
    let request = ContainerRequest::new(BUSYBOX).cmd(["sleep", "1000"]);
    let starts = (0..4).map(|_| request.start_on(&engine));
    let failed = futures::future::join_all(starts).await.into_iter().filter_map(Result::err);
    for error in failed {
        assert!(error.is_engine_unavailable(), "{error}");
        assert!(error.to_string().contains(&format!("engine: {engine_of_no_proxy}")), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn an_engine_over_tcp_works_from_end_to_end() -> TestResult {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("tcp://{}", listener.local_addr()?);
    let relay = tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut engine = tokio::net::UnixStream::connect(engine_socket()).await?;
                copy_bidirectional(&mut client, &mut engine).await
            });
        }
    });
    let engine = Engine::connect_to(&address).await?;
    assert_eq!(engine.address(), address);
    let container = web([80]).publish("80").copy_to(b"x", "/x").start_on(&engine).await?;
    // The page is asked for on a thread of its own: the relay needs this one.
    let at = container.address(80)?;
    assert_eq!(at.host(), "127.0.0.1");
    let page = tokio::task::spawn_blocking(move || http_get(at, "/")).await??;
    assert_eq!(page, (200, "I am 80\n".to_owned()));
    let output = container.exec(Exec::new(["cat"]).stdin("in and out")).await?;
    assert_eq!(output.stdout_str()?, "in and out");
    assert_eq!(container.read_file("/x").await?, b"x");
    assert_eq!(container.logs().await?, "");
    let id = container.id().to_owned();
    container.remove().await?;
    assert!(!exists(&id));
    relay.abort();
    Ok(())
}
