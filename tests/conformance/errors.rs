//! The errors that users meet, to the letter. Those about images, ports and waits are with their tests.

use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use longshore::{ContainerRequest, Engine, Wait};

use crate::client::{failed_start, shell, text_and_cause_of, text_of, Mark};
use crate::support::{unique, TestResult, BUSYBOX};

/// A request that is wrong in itself: the whole text, and nothing was asked of any engine.
async fn check(request: ContainerRequest, text: &str) {
    let error = failed_start(request).await;
    assert!(error.is_invalid_request(), "{error}");
    assert_eq!(error.to_string(), text);
    assert_eq!(format!("{error:?}"), text, "a test that returns the error prints this");
}

fn request() -> ContainerRequest {
    ContainerRequest::new(BUSYBOX)
}

#[tokio::test]
async fn an_image_reference_that_is_none() {
    check(
        ContainerRequest::new("Postgres:15"),
        "`Postgres:15` is not an image reference: its repository holds upper-case letters\n  image: `Postgres:15`\n  hint: \
         write `postgres:15`",
    )
    .await;
    check(
        ContainerRequest::new(""),
        "`` is not an image reference: it is empty\n  image: ``\n  hint: name an image, such as `postgres:16`",
    )
    .await;
}

#[tokio::test]
async fn a_port_mapping_that_is_none() {
    check(
        request().publish("9000-8000:80"),
        "`9000-8000:80` is not a port mapping: `9000-8000` runs backwards\n  image: `busybox:1.35`\n  hint: write \
         `8000-9000`",
    )
    .await;
    check(
        request().publish("70000"),
        "`70000` is not a port mapping: the container port `70000` is too large\n  image: `busybox:1.35`\n  hint: ports go \
         from 1 to 65535",
    )
    .await;
    check(
        request().expose("80:80"),
        "`80:80` is not a port to expose: it holds a `:`\n  image: `busybox:1.35`\n  hint: write the container port alone, \
         `80`; host ports are for `publish`",
    )
    .await;
    check(
        request().network("host").publish("80"),
        "ports cannot be published on the network `host`\n  image: `busybox:1.35`\n  hint: leave `.publish(..)` away: on the \
         host's network a container's ports are the host's own",
    )
    .await;
}

#[tokio::test]
async fn paths_that_are_not_absolute() {
    let hint = "\n  image: `busybox:1.35`\n  hint: paths in a container begin with `/`";
    let check =
        |request, what: &'static str| async move { check(request, &format!("{what}{hint}")).await };
    check(request().workdir("www"), "the working folder `www` is not absolute").await;
    check(request().tmpfs("run:size=1m"), "the path `run` of a tmpfs is not absolute").await;
    check(request().copy_to(b"x", "etc/x"), "the target `etc/x` of a copy is not absolute").await;
}

#[tokio::test]
async fn volumes_that_are_none() {
    check(
        request().volume("/tmp:data"),
        "`/tmp:data` is not a volume: the target `data` is not absolute\n  image: `busybox:1.35`\n  hint: write a path from \
         the root of the container, such as `/data`",
    )
    .await;
    check(
        request().volume("tests/data:/data"),
        "`tests/data:/data` is not a volume: the source `tests/data` is neither a path nor the name of a volume\n  image: \
         `busybox:1.35`\n  hint: for a path in the working directory write `./tests/data`",
    )
    .await;
    check(
        request().volume("/data").tmpfs("/data/"),
        "two things are mounted at `/data`\n  image: `busybox:1.35`\n  hint: give each mount a place of its own",
    )
    .await;
}

#[tokio::test]
async fn a_file_that_is_not_there() {
    check(
        request().copy_to("tests/data/no-such.html", "/www/index.html"),
        "the file `tests/data/no-such.html` that is to be copied cannot be read: No such file or directory (os error 2)\n  \
         image: `busybox:1.35`\n  hint: a relative path starts at the current folder, which is the package's under `cargo \
         test`",
    )
    .await;
}

#[tokio::test]
async fn waits_and_times_that_cannot_be() {
    check(
        request().wait(Wait::log_matches("(")),
        "`(` is not a regular expression: found open group without closing ')'\n  image: `busybox:1.35`\n  hint: the syntax is that of the crate `regex`, without Unicode classes",
    )
    .await;
    check(
        request().wait(Wait::http("index.html")),
        "the path `index.html` of an HTTP wait does not begin with `/`\n  image: `busybox:1.35`\n  hint: write `/index.html`",
    )
    .await;
    check(
        request().start_timeout(Duration::ZERO),
        "the start time-out is zero\n  image: `busybox:1.35`\n  hint: give the start some seconds, or leave it at its 60 s",
    )
    .await;
}

#[cfg(not(feature = "tls"))]
#[tokio::test]
async fn https_without_its_feature() {
    let error = failed_start(request().wait(Wait::https("/"))).await;
    assert!(error.is_invalid_request() && error.to_string().contains("`tls`"), "{error}");
}

#[tokio::test]
async fn several_wrong_things_are_told_at_once() {
    check(
        ContainerRequest::new("busy box").publish("http").memory("12q").workdir("www").label("org.longshore.test", "mine"),
        "5 things are wrong with the request\n  image: `busy box`\n  wrong: `busy box` is not an image reference: it has white \
         space in it (write it without: `busybox`)\n    the label `org.longshore.test` is longshore's own (choose a name \
         outside `org.longshore.`)\n    the working folder `www` is not absolute (paths in a container begin with `/`)\n    \
         `--memory`: `12q` is not a size: `q` is not a unit (the units are `b`, `k`, `m`, `g`, `t` and `p`, each 1024 times the one before)\n    `http` is not a port mapping: the container port `http` is not a number (a port is a number from 1 to 65535)",
    )
    .await;
}

#[tokio::test]
async fn a_command_that_is_not_in_the_image() {
    for request in [request().cmd(["no-such-command"]), request().entrypoint(["/no/such/entry"])] {
        let error = failed_start(request).await;
        assert!(!error.is_invalid_request() && !error.is_exited(), "{error}");
        let (text, cause) = text_and_cause_of(&error).await;
        assert_eq!(
            text,
            "the command of the container cannot be run\n  image: `busybox:1.35`\n  container: `NAME` (ID)\n  engine: \
             ENGINE\n  hint: look at `.cmd(..)`, `.entrypoint(..)`, `.workdir(..)` and what the image holds"
        );
        assert!(cause.contains("no-such-command") || cause.contains("/no/such/entry"), "{cause}");
    }
}

#[tokio::test]
async fn a_name_that_somebody_has() -> TestResult {
    let name = unique("taken");
    let first = shell("exec sleep 600").name(&name).start().await?;
    let error = failed_start(shell("exec sleep 600").name(&name)).await;
    assert!(error.is_name_taken(), "{error}");
    let (text, cause) = text_and_cause_of(&error).await;
    assert_eq!(
        text,
        format!(
            "the name `{name}` is taken by another container\n  image: `busybox:1.35`\n  engine: ENGINE\n  hint: remove it \
             (`docker rm -f {name}`), or leave `.name(..)` away to have a free one"
        )
    );
    assert!(cause.contains("already in use"), "{cause}");
    assert!(first.inspect().await?.is_running(), "whoever has it keeps it");
    first.remove().await?;
    shell("exec sleep 600").name(&name).start().await?.remove().await?;
    Ok(())
}

#[tokio::test]
async fn a_network_that_is_not_there() {
    let error = failed_start(shell("exec sleep 600").network("no-such-network")).await;
    assert!(error.to_string().contains("no-such-network"), "{error}");
    assert!(text_of(&error).await.contains("\n  engine: ENGINE"), "{error}");
}

#[tokio::test]
async fn an_engine_that_is_not_there() -> TestResult {
    let error = Engine::connect_to("unix:///no/such.sock").await.unwrap_err();
    assert!(error.is_engine_unavailable());
    let hint = "start Docker (`sudo systemctl start docker`, or Docker Desktop) or Podman (`systemctl --user start \
                podman.socket`), or set `DOCKER_HOST`";
    assert_eq!(
        error.to_string(),
        format!(
            "no container engine answers\n  tried: unix:///no/such.sock (the address given): no such socket\n  hint: {hint}"
        )
    );

    let error = Engine::connect_to("tcp://127.0.0.1:1").await.unwrap_err();
    assert!(error.is_engine_unavailable());
    let text = error.to_string();
    let told = "no container engine answers\n  tried: tcp://127.0.0.1:1 (the address given): ";
    assert!(text.starts_with(told) && text.contains("onnection refused"), "{text}");
    assert_eq!(text.matches("onnection refused").count(), 1, "it is said once: {text}");

    // A socket whose owner has ended.
    let path = std::env::temp_dir().join(unique("dead"));
    drop(UnixListener::bind(&path)?);
    let error = Engine::connect_to(&format!("unix://{}", path.display())).await.unwrap_err();
    std::fs::remove_file(&path)?;
    assert!(
        error.is_engine_unavailable() && error.to_string().contains("onnection refused"),
        "{error}"
    );
    Ok(())
}

#[tokio::test]
async fn an_engine_that_says_nothing_is_given_up() -> TestResult {
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("tcp://{}", silent.local_addr()?);
    let begun = Instant::now();
    let error = Engine::connect_to(&address).await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(error.is_engine_unavailable());
    let told = format!("{address} (the address given): the engine did not answer in 10s\n");
    assert!(error.to_string().contains(&told), "{error}");
    Ok(())
}

#[tokio::test]
async fn an_address_that_is_not_an_engines() {
    for (address, why) in [
        ("/var/run/docker.sock", "it has no scheme"),
        ("ftp://docker", "its scheme `ftp` is unknown"),
        ("tcp://docker:port", "the port is not a number up to 65535"),
    ] {
        let error = Engine::connect_to(address).await.unwrap_err();
        assert!(error.is_invalid_request());
        assert_eq!(
            error.to_string(),
            format!(
                "`{address}` is not an engine's address: {why}\n  hint: write it as `DOCKER_HOST` does: \
                 `unix:///var/run/docker.sock` or `tcp://127.0.0.1:2375`"
            )
        );
    }
}

/// The variable is the process's own, so another process is asked: this program, with one test.
fn first_start_with(docker_host: &str) -> std::io::Result<String> {
    let output = std::process::Command::new(std::env::current_exe()?)
        .args(["--exact", "errors::the_first_start_of_a_process", "--ignored", "--nocapture"])
        .env("DOCKER_HOST", docker_host)
        .output()?;
    assert!(!output.status.success());
    let text = [output.stdout, output.stderr].concat();
    Ok(String::from_utf8_lossy(&text).into_owned())
}

#[tokio::test]
#[ignore = "run in a process of its own by the other tests"]
async fn the_first_start_of_a_process() -> TestResult {
    shell("exec sleep 600").start().await?.remove().await?;
    Ok(())
}

#[test]
fn a_docker_host_where_nobody_answers_is_told_with_what_to_do() -> TestResult {
    let text = first_start_with("unix:///no/such.sock")?;
    let told = "Error: no container engine answers\n  tried: unix:///no/such.sock (DOCKER_HOST): no such socket\n  hint: \
                start that engine, or unset `DOCKER_HOST` to have the usual sockets tried\n";
    assert!(text.contains(told), "{text}");
    let text = first_start_with("docker.sock")?;
    let told = "Error: `docker.sock` is not an engine's address: it has no scheme\n  from: the variable `DOCKER_HOST`\n";
    assert!(text.contains(told), "{text}");
    Ok(())
}

#[tokio::test]
async fn an_error_made_by_the_engine_says_what_the_engine_said() -> TestResult {
    let mark = Mark::new();
    let request = mark.on(shell("exec sleep 600")).cap_add("NO_SUCH_CAPABILITY");
    let error = request.start().await.map(drop).expect_err("no such capability");
    assert_eq!(mark.count(), 0);
    let text = text_of(&error).await;
    assert!(
        text.contains("\n  because: the engine answered ") && text.contains("CAPABILITY"),
        "{text}"
    );
    Ok(())
}
