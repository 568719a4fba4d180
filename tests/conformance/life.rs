//! The verbs of a container's life: start, stop, restart, kill, pause, waiting for its end, keeping it, inspecting it.

use std::future::Future;
use std::time::{Duration, Instant};

use longshore::blocking::block_on;
use longshore::{Container, ContainerRequest, ContainerState, Wait};

use super::client::{http_get, shell};
use super::support::{eventually, exists, get, is_podman, remove_kept, TestResult, BUSYBOX};

fn idle() -> ContainerRequest {
    ContainerRequest::new(BUSYBOX).cmd(["sleep", "1000"]).stop_signal("KILL")
}

/// One that tells which signal came.
fn listener() -> ContainerRequest {
    shell(
        "trap 'echo got TERM; exit 3' TERM; trap 'echo got INT; exit 4' INT; trap 'echo got HUP' HUP; \
         echo ready; while :; do sleep 1000 & wait $!; done",
    )
    .wait(Wait::log("ready"))
}

/// One that runs `end` when it is told to.
async fn held(request: ContainerRequest, end: &str) -> longshore::Result<Container> {
    let script = format!("mkfifo /go; echo ready; read line </go; {end}");
    request.cmd(["sh", "-c", &script]).wait(Wait::log("ready")).start().await
}

async fn let_go(container: &Container) -> longshore::Result<()> {
    // The container may end, and be gone, before the engine has told how this command ended.
    let _ = container.exec(["sh", "-c", "echo > /go"]).await;
    Ok(())
}

#[tokio::test]
async fn stop_sends_the_polite_signal_and_waits_for_the_end() -> TestResult {
    let container = listener().start().await?;
    container.stop().await?;
    let inspect = container.inspect().await?;
    assert_eq!((inspect.state(), inspect.exit_code()), (ContainerState::Exited, Some(3)));
    assert!(container.logs().await?.ends_with("got TERM\n"));
    container.stop().await?;
    Ok(())
}

#[tokio::test]
async fn stop_sends_the_signal_that_the_request_named() -> TestResult {
    let container = listener().stop_signal("SIGINT").start().await?;
    container.stop().await?;
    assert!(container.logs().await?.ends_with("got INT\n"));
    assert_eq!(container.inspect().await?.exit_code(), Some(4));
    Ok(())
}

#[tokio::test]
async fn stop_with_sends_the_signal_that_it_was_given() -> TestResult {
    for signal in ["SIGINT", "INT", "2"] {
        let container = listener().start().await?;
        container.stop_with(signal, Duration::from_secs(10)).await?;
        let inspect = container.inspect().await?;
        assert_eq!(inspect.state(), ContainerState::Exited, "{signal}");
        assert_eq!(inspect.exit_code(), Some(4), "{signal}");
        assert!(container.logs().await?.ends_with("got INT\n"), "{signal}");
    }
    let container = listener().start().await?;
    let error = container.stop_with("SIGNONSENSE", Duration::from_secs(1)).await.unwrap_err();
    assert!(error.to_string().to_lowercase().contains("signal"), "{error}");
    assert!(container.inspect().await?.is_running());
    Ok(())
}

#[tokio::test]
async fn a_container_that_does_not_listen_is_killed_after_the_limit() -> TestResult {
    let deaf = "trap '' TERM INT; echo ready; while :; do sleep 1000; done";
    let container = shell(deaf).wait(Wait::log("ready")).start().await?;
    killed_in_time(&container, container.stop_within(Duration::from_millis(500))).await?;
    container.start().await?;
    // Before the trap is set it does listen.
    let logs = || block_on(container.logs()).unwrap_or_default();
    eventually("the second run", || logs() == "ready\nready\n");
    killed_in_time(&container, container.stop_with("SIGINT", Duration::from_secs(1))).await?;
    let container =
        shell(deaf).stop_timeout(Duration::from_secs(1)).wait(Wait::log("ready")).start().await?;
    killed_in_time(&container, container.stop()).await?;
    Ok(())
}

/// With the usual limit a stop would take ten seconds at least.
async fn killed_in_time(
    container: &Container,
    stop: impl Future<Output = longshore::Result<()>>,
) -> TestResult {
    let begun = Instant::now();
    stop.await?;
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(container.inspect().await?.exit_code(), Some(137));
    Ok(())
}

#[tokio::test]
async fn kill_sends_any_signal_and_returns() -> TestResult {
    let container = listener().start().await?;
    container.kill("HUP").await?;
    let logs = || block_on(container.logs()).unwrap_or_default();
    eventually("what it says then", || logs().ends_with("got HUP\n"));
    assert!(container.inspect().await?.is_running());
    container.kill("SIGKILL").await?;
    assert_eq!(container.wait().await?, 137);
    let error = container.kill("TERM").await.unwrap_err();
    assert_eq!(error.summary(), "the container could not be sent a signal");
    assert!(error.to_string().contains(container.name()), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_stopped_container_starts_again_with_its_files() -> TestResult {
    let container = idle().start().await?;
    container.exec(["sh", "-c", "echo kept > /file"]).await?.ok()?;
    container.stop().await?;
    assert!(!container.inspect().await?.is_running());
    container.start().await?;
    assert!(container.inspect().await?.is_running());
    assert_eq!(container.read_file("/file").await?, b"kept\n");
    container.start().await?;
    container.stop().await?;
    assert_eq!(container.wait().await?, 137, "the end of the second run");
    Ok(())
}

#[tokio::test]
async fn one_that_ends_at_once_when_started_again_is_told() -> TestResult {
    let container = shell("exit 7").wait(Wait::exit().code(7)).start().await?;
    // It may still run when it is looked at.
    match container.start().await {
        Ok(()) => assert_eq!(container.wait().await?, 7),
        Err(error) => assert_eq!(error.exit_code(), Some(7), "{error}"),
    }
    Ok(())
}

#[tokio::test]
async fn restart_gives_a_new_process_whose_address_works() -> TestResult {
    let server = "echo $$ run > /www/page; exec httpd -f -p 80 -h /www";
    let container = shell(server)
        .stop_signal("KILL")
        .copy_to(b"", "/www/empty")
        .publish("80")
        .wait(Wait::http("/page").port(80))
        .start()
        .await?;
    let before = container.inspect().await?.pid();
    container.restart().await?;
    let after = container.inspect().await?;
    assert!(after.is_running());
    assert!(after.pid().is_some() && after.pid() != before);
    eventually("the page of the second run", || {
        let address = container.address(80).expect("a published port");
        http_get(address, "/page")
            .is_ok_and(|(status, body)| status == 200 && body.ends_with("run\n"))
    });
    container.kill("KILL").await?;
    assert_eq!(container.wait().await?, 137);
    container.restart().await?;
    assert!(container.inspect().await?.is_running(), "a stopped one is started");
    Ok(())
}

#[tokio::test]
async fn pause_freezes_and_unpause_lets_go_on() -> TestResult {
    let container = idle().start().await?;
    container.pause().await?;
    let inspect = container.inspect().await?;
    assert_eq!(inspect.state(), ContainerState::Paused);
    assert!(inspect.is_running());
    let refused = container.exec(["true"]).await.expect_err("a frozen container runs no commands");
    assert!(refused.to_string().contains("paused"), "{refused}");
    container.unpause().await?;
    // Docker also takes containerd's news of the pause, which may come after this: then it says paused once more, until it has the
    // news of the end of the pause as well.
    let state = || block_on(container.inspect()).map(|inspect| inspect.state());
    eventually("the end of the pause", || matches!(state(), Ok(ContainerState::Running)));
    let works = || block_on(container.exec(["true"])).is_ok_and(|output| output.success());
    eventually("a command in the running container", works);
    let error = container.unpause().await.unwrap_err();
    assert_eq!(error.summary(), "the container could not be let go on");
    Ok(())
}

#[tokio::test]
async fn wait_gives_the_exit_code_of_one_that_ends_later_and_of_one_that_has_ended() -> TestResult {
    let container = held(ContainerRequest::new(BUSYBOX), "exit 42").await?;
    let (code, ()) = futures::try_join!(container.wait(), let_go(&container))?;
    assert_eq!(code, 42);
    assert_eq!(container.wait().await?, 42);
    assert_eq!(container.inspect().await?.exit_code(), Some(42));
    let container = shell("exit 5").wait(Wait::exit().code(5)).start().await?;
    assert_eq!(container.wait().await?, 5);
    Ok(())
}

#[tokio::test]
async fn keep_leaves_it_running() -> TestResult {
    let kept = idle().start().await?.keep().await?;
    let state = get(&format!("/containers/{}/json", kept.id()))["State"]["Status"].clone();
    remove_kept(&format!("/containers/{}", kept.id()));
    assert_eq!(state, "running");
    Ok(())
}

#[tokio::test]
async fn inspect_tells_what_the_engine_knows() -> TestResult {
    let container = idle().label("colour", "green").start().await?;
    let inspect = container.inspect().await?;
    assert_eq!(inspect.id(), container.id());
    assert_eq!(inspect.name(), container.name());
    assert!(container.name().starts_with("longshore-"));
    assert_eq!(container.id().len(), 64);
    assert!(inspect.image_id().len() >= 64, "{}", inspect.image_id());
    assert_eq!(inspect.state(), ContainerState::Running);
    assert_eq!(inspect.exit_code(), None);
    assert!(!inspect.oom_killed());
    assert!(inspect.pid().is_some());
    assert_eq!(inspect.health(), None);
    assert_eq!(inspect.raw()["Config"]["Labels"]["colour"], "green");
    let addresses = inspect.ip_addresses();
    assert!(!addresses.is_empty() && addresses.iter().all(|(name, _)| !name.is_empty()));
    let shown = container.exec(["hostname", "-i"]).await?.ok()?;
    assert!(shown.stdout_str()?.contains(&addresses[0].1.to_string()), "{addresses:?}");
    Ok(())
}

#[tokio::test]
async fn a_container_out_of_memory_is_told_by_inspect_and_by_the_start() -> TestResult {
    let request = ContainerRequest::new(BUSYBOX).memory("16m");
    let mut is_told = false;
    // Docker may learn of it after the end, and Docker 20.10 does not write it down then (seen once in 240 times).
    for _ in 0..5 {
        let container = held(request.clone(), "exec tail /dev/zero").await?;
        let_go(&container).await?;
        assert_eq!(container.wait().await?, 137);
        if is_podman() {
            // It notes the reason only where its monitor owns the control group.
            return Ok(());
        }
        is_told = container.inspect().await?.oom_killed();
        if is_told {
            break;
        }
    }
    assert!(is_told);
    let error =
        request.cmd(["tail", "/dev/zero"]).wait(Wait::log("never")).start().await.unwrap_err();
    assert_eq!(
        error.summary(),
        "the container was killed for want of memory (exit code 137) before it was ready"
    );
    assert!(error.is_exited());
    Ok(())
}

#[tokio::test]
async fn one_that_removes_itself_still_tells_its_last_words() -> TestResult {
    let request = ContainerRequest::new(BUSYBOX).rm(true);
    let container = held(request, "echo bye; echo error >&2; exit 7").await?;
    let id = container.id().to_owned();
    let_go(&container).await?;
    assert_eq!(container.wait().await?, 7);
    eventually("the removal by the engine", || !exists(&id));
    let logs = container.logs().await?;
    assert!(logs.starts_with("ready\n"), "{logs:?}");
    assert!(logs.contains("bye\n") && logs.contains("error\n"), "{logs:?}");
    assert_eq!(container.wait().await?, 7);
    container.remove().await?;
    Ok(())
}

#[tokio::test]
async fn one_that_removes_itself_is_removed_like_any_other_while_it_runs() -> TestResult {
    let container = idle().rm(true).start().await?;
    let id = container.id().to_owned();
    drop(container);
    assert!(!exists(&id));
    Ok(())
}

#[tokio::test]
async fn one_that_removes_itself_too_early_tells_why() -> TestResult {
    for _ in 0..10 {
        let request = shell("echo no licence; exit 9").rm(true).wait(Wait::log("ready"));
        let error = request.start().await.unwrap_err();
        assert_eq!(error.summary(), "the container exited with code 9 before it was ready");
        assert_eq!(error.exit_code(), Some(9));
        assert_eq!(error.output(), ["no licence"]);
    }
    Ok(())
}

#[tokio::test]
async fn a_job_that_removes_itself_gives_its_result() -> TestResult {
    for _ in 0..10 {
        let container = shell("echo result").rm(true).wait(Wait::exit()).start().await?;
        assert_eq!(container.logs().await?, "result\n");
        assert_eq!(container.wait().await?, 0);
    }
    Ok(())
}
