//! When a container starts again, where its output goes, and its health check.

use std::time::Duration;

use longshore::{ContainerRequest, PullPolicy, Wait};

use super::{idle, inspected, speaks};
use crate::client::{failed_start, shell, text_and_cause_of};
use crate::support::{eventually, get, is_podman, TestResult, BUSYBOX};

#[tokio::test]
async fn a_container_that_fails_is_started_again() -> TestResult {
    let container = shell("mkfifo /fifo 2>/dev/null; echo run; read line < /fifo; exit 7")
        .restart("on-failure:3")
        .wait(Wait::log("run"))
        .start()
        .await?;
    let first = container.inspect().await?.pid();
    // It may be gone before the engine has told how this command ended.
    let _ = container.exec(["sh", "-c", "echo > /fifo"]).await;
    eventually("another run", || {
        let state = &inspected(&container)["State"];
        state["Running"] == true && state["Pid"].as_u64() != first.map(u64::from)
    });
    assert_eq!(inspected(&container)["RestartCount"], 1);
    Ok(())
}

#[tokio::test]
async fn a_policy_to_restart_does_not_hide_that_it_fails_to_start() -> TestResult {
    let error = failed_start(shell("exit 3").restart("on-failure:2")).await;
    // Docker 20.10 may tell the exit code of the next run.
    assert!(error.is_exited(), "{error}");
    Ok(())
}

#[tokio::test]
async fn output_goes_to_another_driver() -> TestResult {
    let say = || shell("echo said; exec sleep 600");
    let driver = if is_podman() { "json-file" } else { "local" };
    let container =
        say().log_driver(driver).log_opt("max-size", "1m").wait(Wait::log("said")).start().await?;
    assert_eq!(container.logs().await?, "said\n");
    let config = &inspected(&container)["HostConfig"]["LogConfig"];
    assert_eq!(config["Type"], driver);
    if !is_podman() {
        assert_eq!(config["Config"]["max-size"], "1m");
    }
    Ok(())
}

#[tokio::test]
async fn without_a_log_there_is_none_to_read() -> TestResult {
    let container = shell("echo said; exec sleep 600").log_driver("none").start().await?;
    match container.logs().await {
        Ok(logs) => assert!(is_podman() && logs.is_empty(), "{logs}"),
        Err(error) => {
            assert!(text_and_cause_of(&error).await.0.starts_with(
                "the container could not be asked for its output\n  image: `busybox:1.35`"
            ));
        }
    }
    // What the engine removes at its end is attached to, and needs no log.
    let container =
        shell("echo said; exec sleep 600").log_driver("none").rm(true).wait(Wait::log("said"));
    if !is_podman() {
        container.start().await?.remove().await?;
    }
    Ok(())
}

#[tokio::test]
async fn times_of_the_health_check_in_words_and_typed() -> TestResult {
    let words = idle()
        .health_cmd("true")
        .health_interval("1m30s")
        .health_timeout("1.5s")
        .health_start_period("2m")
        .health_retries(5);
    let typed = idle()
        .health_cmd("true")
        .health_interval(Duration::from_secs(90))
        .health_timeout(Duration::from_millis(1500))
        .health_start_period(Duration::from_secs(120))
        .health_retries(5);
    for request in [words, typed] {
        let container = request.wait(Wait::running()).start().await?;
        let check = &inspected(&container)["Config"]["Healthcheck"];
        assert_eq!(check["Test"], serde_json::json!(["CMD-SHELL", "true"]));
        assert_eq!(check["Interval"], 90_000_000_000_u64);
        assert_eq!(check["Timeout"], 1_500_000_000_u64);
        assert_eq!(check["StartPeriod"], 120_000_000_000_u64);
        assert_eq!(check["Retries"], 5);
    }
    Ok(())
}

#[tokio::test]
async fn checks_come_faster_while_it_starts() -> TestResult {
    let request = idle()
        .health_cmd("test -e /up")
        .health_interval("10m")
        .health_start_period("5m")
        .health_start_interval("200ms");
    if is_podman() || !speaks(1, 44) {
        // Docker 20.10 says that it cannot (`refused`), Podman's API has no place for it.
        return Ok(());
    }
    let container = request.cmd(["sh", "-c", "sleep 1; touch /up; sleep 600"]).start().await?;
    assert_eq!(container.inspect().await?.health(), Some("healthy"));
    Ok(())
}

#[tokio::test]
async fn without_its_health_check_it_has_none() -> TestResult {
    let container = idle().no_healthcheck().start().await?;
    let inspect = container.inspect().await?;
    assert_eq!(inspect.health(), None);
    assert!(inspect.health_check().is_empty());
    Ok(())
}

#[tokio::test]
async fn the_platform_is_asked_for() -> TestResult {
    let here = if cfg!(target_arch = "aarch64") { "linux/arm64" } else { "linux/amd64" };
    idle().platform(here).start().await?.remove().await?;
    let other = idle().platform("linux/s390x").pull(PullPolicy::Never);
    if is_podman() && get("/version")["Version"].as_str().is_some_and(|version| version < "5") {
        // Podman 4.3 passes it over when it has the image.
        other.start().await?.remove().await?;
        return Ok(());
    }
    let error = failed_start(other).await;
    assert!(error.is_image_not_found());
    let text = text_and_cause_of(&error).await.0;
    assert_eq!(
        text,
        "the image `busybox:1.35` is not here and may not be pulled
  image: `busybox:1.35`
  engine: ENGINE
  hint: pull it before (`docker pull --platform linux/s390x busybox:1.35`), or leave `.pull(PullPolicy::Never)` away"
    );
    Ok(())
}

#[tokio::test]
async fn when_an_image_is_pulled() -> TestResult {
    let image = |policy| ContainerRequest::new(BUSYBOX).cmd(["sleep", "600"]).pull(policy);
    image(PullPolicy::Always).start().await?.remove().await?;
    image(PullPolicy::Never).start().await?.remove().await?;
    image(PullPolicy::Missing).start().await?.remove().await?;
    Ok(())
}

#[tokio::test]
async fn annotations_reach_the_engine() -> TestResult {
    if is_podman() || !speaks(1, 43) {
        return Ok(());
    }
    let container = idle().annotation("one", "1").annotation("two", "a b").start().await?;
    let annotations = &inspected(&container)["HostConfig"]["Annotations"];
    assert_eq!((&annotations["one"], &annotations["two"]), (&"1".into(), &"a b".into()));
    Ok(())
}
