//! How many calls to the engine things cost, counted by a relay between it and longshore.

use longshore::{ContainerRequest, Engine, Wait};

use super::support::proxy::Proxy;
use super::support::{is_podman, TestResult, BUSYBOX};

/// An engine behind a relay that has seen the connection's one call.
async fn counted() -> longshore::Result<(Proxy, Engine)> {
    let proxy = Proxy::start();
    let engine = Engine::connect_to(&proxy.address()).await?;
    assert_eq!(proxy.calls(), ["GET /version"]);
    // The image is there, and what is found out once is known.
    ContainerRequest::new(BUSYBOX).cmd(["sleep", "1000"]).start_on(&engine).await?.remove().await?;
    proxy.forget();
    Ok((proxy, engine))
}

/// The calls so far. Podman has a path of its own for some of them.
fn calls(proxy: &Proxy) -> Vec<String> {
    proxy.calls().iter().map(|call| call.replace("/v4.0.0/libpod", "")).collect()
}

/// The start and the watch for the end, in the order in which this engine is asked.
fn start_and_watch() -> [&'static str; 2] {
    let [start, wait] = ["POST /containers/ID/start", "POST /containers/ID/wait"];
    if is_podman() {
        return [start, wait];
    }
    [wait, start]
}

#[tokio::test]
async fn a_start_with_a_log_wait_and_two_copies() -> TestResult {
    let (proxy, engine) = counted().await?;
    let container = ContainerRequest::new(BUSYBOX)
        .cmd(["sh", "-c", "echo ready; exec sleep 1000"])
        .copy_to(b"one", "/one")
        .copy_to("tests/data/index.html", "/two")
        .wait(Wait::log("ready"))
        .start_on(&engine)
        .await?;
    let [first, second] = start_and_watch();
    assert_eq!(
        proxy.calls(),
        [
            "POST /containers/create",
            "PUT /containers/ID/archive",
            "PUT /containers/ID/archive",
            first,
            second,
            "GET /containers/ID/json",
            "GET /containers/ID/logs",
        ]
    );
    drop(container);
    Ok(())
}

#[tokio::test]
async fn a_start_with_a_published_port_and_nothing_to_wait_for() -> TestResult {
    let (proxy, engine) = counted().await?;
    let container = ContainerRequest::new(BUSYBOX)
        .cmd(["httpd", "-f", "-p", "80"])
        .publish("80")
        .start_on(&engine)
        .await?;
    let [first, second] = start_and_watch();
    assert_eq!(
        proxy.calls(),
        ["POST /containers/create", first, second, "GET /containers/ID/json",]
    );
    proxy.forget();
    for _ in 0..100 {
        container.address(80)?;
    }
    container.addresses("80/tcp")?;
    assert_eq!(proxy.calls(), [""; 0], "asking for addresses costs nothing");
    drop(container);
    assert_eq!(calls(&proxy), ["DELETE /containers/ID"]);
    Ok(())
}

#[tokio::test]
async fn removing_exec_and_the_other_verbs() -> TestResult {
    let (proxy, engine) = counted().await?;
    let container = ContainerRequest::new(BUSYBOX).cmd(["sleep", "1000"]).start_on(&engine).await?;
    proxy.forget();
    container.exec(["true"]).await?.ok()?;
    assert_eq!(
        proxy.calls(),
        ["POST /containers/ID/exec", "POST /exec/ID/start", "GET /exec/ID/json"]
    );
    proxy.forget();
    container.logs().await?;
    container.copy_to(b"x", "/x").await?;
    container.read_file("/x").await?;
    container.inspect().await?;
    container.kill("KILL").await?;
    container.wait().await?;
    assert_eq!(
        calls(&proxy),
        [
            "GET /containers/ID/logs",
            "PUT /containers/ID/archive",
            "GET /containers/ID/archive",
            "GET /containers/ID/json",
            "POST /containers/ID/kill",
        ],
        "waiting for the end costs nothing: that is watched from the start on"
    );
    proxy.forget();
    container.remove().await?;
    assert_eq!(calls(&proxy), ["DELETE /containers/ID"]);
    Ok(())
}

#[tokio::test]
async fn a_connection_is_used_again_and_its_version_asked_once() -> TestResult {
    let (proxy, engine) = counted().await?;
    for _ in 0..3 {
        ContainerRequest::new(BUSYBOX)
            .cmd(["sleep", "1000"])
            .start_on(&engine)
            .await?
            .remove()
            .await?;
    }
    assert!(!proxy.calls().iter().any(|call| call == "GET /version"), "{:?}", proxy.calls());
    let clone = engine.clone();
    clone.ping().await?;
    assert_eq!(proxy.calls().last().map(String::as_str), Some("GET /_ping"));
    Ok(())
}

#[tokio::test]
async fn a_request_that_is_wrong_costs_nothing() -> TestResult {
    let (proxy, engine) = counted().await?;
    let error = ContainerRequest::new("Not An Image").start_on(&engine).await.unwrap_err();
    assert!(error.is_invalid_request(), "{error}");
    assert_eq!(proxy.calls(), [""; 0]);
    Ok(())
}
