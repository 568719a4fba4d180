//! What a container uses: once, as a stream, and what is told of one that does not run.

use std::time::{Duration, Instant};

use longshore::{ContainerRequest, Wait};

use super::client::shell;
use super::support::{is_podman_4, TestResult, BUSYBOX};

#[tokio::test]
async fn a_busy_container_is_seen_to_be_busy() -> TestResult {
    let container = shell("while :; do :; done").memory("64m").start().await?;
    let stats = container.stats().await?;
    // Other tests take their share; a whole processor is 100.
    assert!((1.0..=150.0).contains(&stats.cpu_percent()), "{}", stats.cpu_percent());
    assert_eq!(stats.memory_limit(), 64 * 1024 * 1024);
    assert!((1..stats.memory_limit()).contains(&stats.memory_usage()), "{}", stats.memory_usage());
    let percent = stats.memory_usage() as f64 / stats.memory_limit() as f64 * 100.0;
    assert_eq!(stats.memory_percent(), percent);
    assert_eq!(stats.pids(), 1);
    assert!(stats.raw()["memory_stats"].is_object());
    Ok(())
}

#[tokio::test]
async fn memory_and_processes_are_counted() -> TestResult {
    let hungry = "x=$(head -c 20000000 /dev/zero | tr '\\0' x); sleep 1000 & echo ready; wait";
    let container = shell(hungry).wait(Wait::log("ready")).start().await?;
    let stats = container.stats().await?;
    assert!(stats.memory_usage() >= 20_000_000, "{}", stats.memory_usage());
    assert_eq!(stats.pids(), 2);
    Ok(())
}

#[tokio::test]
async fn what_goes_over_the_network_is_counted() -> TestResult {
    let server = "mkdir /www; head -c 2000000 /dev/zero > /www/zeros; exec httpd -f -p 80 -h /www";
    let web = shell(server).publish("80").wait(Wait::http("/zeros").port(80)).start().await?;
    let before = web.stats().await?;
    super::client::http_get(web.address(80)?, "/zeros")?;
    let after = web.stats().await?;
    if is_podman_4() {
        // It takes the one for the other.
        let sent = after.network_received() - before.network_received();
        assert!(sent >= 2_000_000, "{sent}");
        return Ok(());
    }
    let sent = after.network_sent() - before.network_sent();
    assert!(sent >= 2_000_000, "{sent}");
    assert!(after.network_received() > before.network_received());
    Ok(())
}

#[tokio::test]
async fn a_stream_goes_on_until_the_container_ends() -> TestResult {
    let container = shell("while :; do :; done").start().await?;
    let mut stream = container.follow_stats().await?;
    let mut samples = Vec::new();
    while samples.len() < 3 {
        samples.push(stream.next_sample().await.expect("it runs")?);
    }
    assert!(samples[1..].iter().all(|stats| stats.cpu_percent() > 1.0), "{samples:?}");
    assert!(samples.iter().all(|stats| stats.memory_usage() > 0 && stats.pids() > 0));
    container.kill("KILL").await?;
    let begun = Instant::now();
    while let Some(sample) = stream.next_sample().await {
        sample?;
    }
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    Ok(())
}

#[tokio::test]
async fn a_stream_dropped_half_way_harms_nothing() -> TestResult {
    let container = ContainerRequest::new(BUSYBOX).cmd(["sleep", "1000"]).start().await?;
    let mut stream = container.follow_stats().await?;
    stream.next_sample().await.expect("it runs")?;
    drop(stream);
    assert_eq!(container.exec(["echo", "fine"]).await?.stdout_str()?, "fine\n");
    Ok(())
}

#[tokio::test]
async fn of_a_stopped_container_there_is_nothing_to_measure() -> TestResult {
    let container = ContainerRequest::new(BUSYBOX).cmd(["true"]).wait(Wait::exit()).start().await?;
    for error in [container.stats().await.err(), container.follow_stats().await.err()] {
        let error = error.expect("a stopped container uses nothing");
        assert!(error.is_exited(), "{error}");
        assert_eq!(error.summary(), "what the container uses could not be measured");
        assert!(
            error.to_string().ends_with("hint: the container has to be running: `start` it first"),
            "{error}"
        );
    }
    Ok(())
}
