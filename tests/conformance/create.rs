//! `docker create`: a container that is made and not started, what can be done with it, and its first start.

use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use longshore::wait::{Target, WaitStrategy};
use longshore::{Container, ContainerRequest, ContainerState, Engine, Error, Hooks, Wait};

use super::client::{free_ports, http_get, shell, text_and_cause_of, text_of, Mark};
use super::support::{api, eventually, exists, get, remove_kept, TestResult, BUSYBOX};

fn idle() -> ContainerRequest {
    ContainerRequest::new(BUSYBOX).cmd(["sleep", "600"])
}

/// How the engine calls the state of a container.
fn state(container: &Container) -> String {
    let inspect = get(&format!("/containers/{}/json", container.id()));
    inspect["State"]["Status"].as_str().unwrap_or_default().to_owned()
}

/// Closures that note all output.
fn noting() -> (Hooks, Arc<Mutex<String>>) {
    let seen = Arc::new(Mutex::new(String::new()));
    let into = seen.clone();
    let hooks = Hooks::new().on_log(move |frame| {
        into.lock().expect("no panic in the lock").push_str(&frame.text());
    });
    (hooks, seen)
}

fn text(seen: &Mutex<String>) -> String {
    seen.lock().expect("no panic in the lock").clone()
}

#[tokio::test]
async fn a_created_container_has_not_run() -> TestResult {
    let container = shell("echo ran; exec sleep 600").create().await?;
    assert!(["created", "configured"].contains(&state(&container).as_str()));
    let inspect = container.inspect().await?;
    assert_eq!((inspect.state(), inspect.is_running()), (ContainerState::Created, false));
    assert_eq!((inspect.exit_code(), inspect.pid()), (None, None));
    assert_eq!(container.logs().await?, "");
    let id = container.id().to_owned();
    drop(container);
    assert!(!exists(&id));
    Ok(())
}

#[tokio::test]
async fn files_are_copied_in_and_out_before_it_starts() -> TestResult {
    let container = shell("cat /from/request /from/handle; exec sleep 600")
        .copy_to(b"request ", "/from/request")
        .wait(Wait::log("handle"))
        .create()
        .await?;
    container.copy_to(b"handle\n", "/from/handle").await?;
    assert_eq!(container.read_file("/from/request").await?, b"request ");
    container.start().await?;
    assert_eq!(container.logs().await?, "request handle\n");
    Ok(())
}

#[tokio::test]
async fn its_first_start_returns_when_it_is_ready() -> TestResult {
    let container = shell(
        "sleep 0.5; echo ready; mkdir -p /www; echo page > /www/index.html; sleep 0.5; exec httpd -f -p 80 -h /www",
    )
    .publish("80")
    .wait(Wait::log("ready"))
    .wait(Wait::http("/").port(80))
    .create()
    .await?;
    container.start().await?;
    assert_eq!(http_get(container.address(80)?, "/")?, (200, "page\n".to_owned()));
    // And from then on as any other.
    container.stop_within(Duration::ZERO).await?;
    assert!(!container.inspect().await?.is_running());
    container.start().await?;
    assert_eq!(container.exec(["cat", "/www/index.html"]).await?.stdout_str()?, "page\n");
    let logs = || longshore::blocking::block_on(container.logs()).unwrap_or_default();
    eventually("the output of both runs", || logs() == "ready\nready\n");
    Ok(())
}

#[tokio::test]
async fn without_waits_its_first_start_awaits_the_published_ports() -> TestResult {
    let request = shell("sleep 0.5; mkdir /www; exec httpd -f -p 80 -h /www");
    let container = request.publish("80").create().await?;
    container.start().await?;
    assert_eq!(http_get(container.address(80)?, "/")?.0, 404);
    Ok(())
}

#[tokio::test]
async fn consumers_see_the_output_from_the_first_line() -> TestResult {
    let (hooks, seen) = noting();
    let container =
        shell("for i in $(seq 100); do echo $i; done; exec sleep 600").create_with(hooks).await?;
    assert_eq!(text(&seen), "");
    container.start().await?;
    let lines: String = (1..=100).map(|i| format!("{i}\n")).collect();
    eventually("all output", || text(&seen) == lines);
    container.remove().await?;
    assert_eq!(text(&seen), lines);
    Ok(())
}

/// Is ready when a file is there that it has asked for.
struct Sees(&'static str);

impl WaitStrategy for Sees {
    fn ready<'a>(
        &'a self,
        target: &'a Target,
    ) -> futures::future::BoxFuture<'a, Result<(), Box<dyn std::error::Error + Send + Sync>>> {
        Box::pin(async move {
            while target.exec(["test", "-e", self.0]).await?.code() != 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Ok(())
        })
    }
}

#[test]
fn without_async_too() -> TestResult {
    let request = shell("sleep 0.3; touch /up; exec sleep 600");
    let container = request.create_blocking()?;
    assert_eq!(container.inspect()?.state(), ContainerState::Created);
    container.start()?;
    assert!(container.inspect()?.is_running());
    let engine = Engine::connect_blocking()?;
    let container = request.create_on_blocking(&engine)?;
    assert_eq!(container.inspect()?.state(), ContainerState::Created);
    // A wait of one's own has a runtime there, as with `start_with_blocking`.
    for container in [
        request.create_with_blocking(Hooks::new().wait(Sees("/up")))?,
        request.create_on_with_blocking(&engine, Hooks::new().wait(Sees("/up")))?,
    ] {
        container.start()?;
        assert_eq!(container.exec(["test", "-e", "/up"])?.code(), 0);
        let id = container.id().to_owned();
        drop(container);
        assert!(!exists(&id));
    }
    Ok(())
}

#[tokio::test]
async fn a_first_start_that_fails_leaves_the_container_and_can_be_tried_again() -> TestResult {
    let container =
        shell("cat /config || exit 3; exec sleep 600").wait(Wait::log("good")).create().await?;
    let error = container.start().await.unwrap_err();
    assert!(error.is_exited(), "{error}");
    // Which of the two ends is seen first differs.
    let text = text_of(&error).await.replace("because: the output ended: ", "last seen: ");
    assert_eq!(
        text,
        "the container exited with code 3 before it was ready
  waiting for: `good` in the output
  last seen: found 0 of 1 times in 1 lines of output
  image: `busybox:1.35`
  container: `NAME` (ID)
  engine: ENGINE
  last output:
    | cat: can't open '/config': No such file or directory"
    );
    assert_eq!(container.inspect().await?.exit_code(), Some(3));
    assert_eq!(container.wait().await?, 3);
    container.copy_to(b"good\n", "/config").await?;
    container.start().await?;
    assert!(container.inspect().await?.is_running());
    assert!(container.logs().await?.ends_with("\ngood\n"));
    let id = container.id().to_owned();
    drop(container);
    assert!(!exists(&id));
    Ok(())
}

#[tokio::test]
async fn a_first_start_that_is_late_leaves_it_running() -> TestResult {
    let (hooks, seen) = noting();
    let container =
        shell("echo one; while ! test -e /go; do sleep 0.05; done; echo two; exec sleep 600")
            .wait(Wait::log("two"))
            .start_timeout(Duration::from_secs(2))
            .create_with(hooks)
            .await?;
    let error = container.start().await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    let pid = container.inspect().await?.pid();
    assert!(pid.is_some());
    assert_eq!(text(&seen), "one\n");
    container.exec(["touch", "/go"]).await?;
    container.start().await?;
    assert_eq!(container.inspect().await?.pid(), pid, "it was started anew");
    container.remove().await?;
    assert_eq!(text(&seen), "one\ntwo\n");
    Ok(())
}

#[tokio::test]
async fn what_an_earlier_try_wrote_does_not_make_the_next_one_ready() -> TestResult {
    let script = "echo run >> /runs; echo ready; test $(wc -l < /runs) = 1 && exit 4; sleep 0.5; echo ready; exec sleep 600";
    let (hooks, seen) = noting();
    let request = shell(script).wait(Wait::log("ready").times(2));
    for (container, seen) in
        [(request.create().await?, None), (request.create_with(hooks).await?, Some(seen))]
    {
        let error = container.start().await.unwrap_err();
        assert_eq!(error.exit_code(), Some(4), "{error}");
        container.start().await?;
        assert_eq!(container.logs().await?, "ready\nready\nready\n");
        drop(container);
        if let Some(seen) = seen {
            assert_eq!(text(&seen), "ready\nready\nready\n");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_first_start_that_is_dropped_can_be_tried_again() -> TestResult {
    let container =
        shell("sleep 1; echo ready; exec sleep 600").wait(Wait::log("ready")).create().await?;
    for millis in [1, 20, 300] {
        let limit = Duration::from_millis(millis);
        assert!(tokio::time::timeout(limit, container.start()).await.is_err());
    }
    container.start().await?;
    assert_eq!(container.logs().await?, "ready\n");
    Ok(())
}

#[tokio::test]
async fn a_port_that_was_taken_meanwhile_is_told() -> TestResult {
    let port = free_ports(1);
    let container = shell("mkdir /www; exec httpd -f -p 80 -h /www")
        .publish(format!("{port}:80"))
        .create()
        .await?;
    let taken = TcpListener::bind(("127.0.0.1", port))?;
    let error = container.start().await.unwrap_err();
    assert!(error.is_port_unavailable(), "{error}");
    assert_eq!(
        text_and_cause_of(&error).await.0,
        "a host port of the container was taken since it was made
  image: `busybox:1.35`
  container: `NAME` (ID)
  engine: ENGINE
  hint: stop who has it; or make and start the container in one, which finds another port"
    );
    assert!(exists(container.id()));
    drop(taken);
    container.start().await?;
    assert_eq!(http_get(container.address(80)?, "/")?.0, 404);
    Ok(())
}

#[tokio::test]
async fn a_command_that_cannot_be_run_is_told_at_the_first_start() -> TestResult {
    let container = ContainerRequest::new(BUSYBOX).cmd(["/no/such/binary"]).create().await?;
    let error = container.start().await.unwrap_err();
    assert_eq!(error.summary(), "the command of the container cannot be run");
    container
        .copy(longshore::CopyIn::new(b"#!/bin/sh\nsleep 600\n", "/no/such/binary").mode(0o755))
        .await?;
    container.start().await?;
    assert!(container.inspect().await?.is_running());
    Ok(())
}

/// What a verb says of a container that has not started.
async fn refusal<T: std::fmt::Debug>(outcome: Result<T, Error>) -> String {
    text_and_cause_of(&outcome.unwrap_err()).await.0
}

#[tokio::test]
async fn what_needs_a_running_container_says_so() -> TestResult {
    let container = idle().publish("80").create().await?;
    let about = "\n  image: `busybox:1.35`\n  container: `NAME` (ID)\n  engine: ENGINE";
    assert_eq!(
        refusal(container.exec(["true"]).await).await,
        format!(
            "`true` could not be run in the container{about}\n  \
             hint: the container has to be running, and the command has to be in its image"
        )
    );
    let hint = "\n  hint: start it: `container.start()`";
    assert_eq!(
        refusal(container.wait().await).await,
        format!("the container was not started yet{about}{hint}")
    );
    assert_eq!(
        refusal(container.address(80)).await,
        format!("the port `80/tcp` has no address before the container is started{about}{hint}")
    );
    assert_eq!(
        refusal(container.kill("TERM").await).await,
        format!("the container could not be sent a signal{about}")
    );
    assert_eq!(
        refusal(container.pause().await).await,
        format!("the container could not be paused{about}")
    );
    // There is no output, and none is waited for.
    let mut logs = container.follow_logs().await?;
    let next = tokio::time::timeout(Duration::from_secs(30), logs.next()).await;
    assert!(next.is_ok_and(|frame| frame.is_none()));
    container.stop().await?;
    assert_eq!(container.inspect().await?.state(), ContainerState::Created);
    Ok(())
}

#[tokio::test]
async fn a_wait_for_its_end_can_begin_while_it_starts() -> TestResult {
    for _ in 0..5 {
        let container = shell("sleep 0.1; exit 5").wait(Wait::exit().code(5)).create().await?;
        let (started, code) = futures::join!(container.start(), container.wait());
        started?;
        assert_eq!(code?, 5);
    }
    Ok(())
}

#[tokio::test]
async fn restart_starts_it_too() -> TestResult {
    let container =
        shell("sleep 0.3; echo ready; exec sleep 600").wait(Wait::log("ready")).create().await?;
    container.restart().await?;
    assert_eq!(container.logs().await?, "ready\n");
    Ok(())
}

#[tokio::test]
async fn one_that_removes_itself_does_so_after_its_first_run() -> TestResult {
    let container = shell("echo done; exit 6").rm(true).wait(Wait::exit().code(6)).create().await?;
    let id = container.id().to_owned();
    assert!(exists(&id));
    container.start().await?;
    assert_eq!(container.wait().await?, 6);
    assert_eq!(container.logs().await?, "done\n");
    eventually("the removal", || !exists(&id));
    // Also when it was not to end.
    let container = shell("echo done; exit 6").rm(true).create().await?;
    let error = container.start().await.unwrap_err();
    assert_eq!((error.exit_code(), error.output()), (Some(6), &["done".to_owned()][..]));
    assert_eq!(container.wait().await?, 6);
    eventually("the removal", || !exists(container.id()));
    // One that never ran is removed with its handle.
    let container = shell("echo done").rm(true).create().await?;
    let id = container.id().to_owned();
    drop(container);
    assert!(!exists(&id));
    Ok(())
}

#[tokio::test]
async fn one_that_is_kept_stays_as_it_is() -> TestResult {
    let kept = idle().create().await?.keep().await?;
    let id = kept.id();
    assert_eq!(api("GET", &format!("/containers/{id}/json")).0, 200);
    assert_eq!(api("POST", &format!("/containers/{id}/start")).0, 204);
    remove_kept(&format!("/containers/{id}"));
    Ok(())
}

#[tokio::test]
async fn a_create_that_fails_leaves_nothing() -> TestResult {
    let mark = Mark::new();
    // The parent of the target is a file there.
    let request = mark.on(idle().copy_to(b"x", "/etc/passwd/x"));
    let error = request.create().await.unwrap_err();
    assert!(error.summary().contains("`/etc/passwd/x` could not be written"), "{error}");
    assert_eq!(mark.count(), 0);
    Ok(())
}
