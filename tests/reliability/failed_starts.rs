//! Starts that fail: an error that says why, and nothing left.

use std::net::TcpListener;
use std::time::Duration;

use longshore::{ContainerRequest, Error, Wait};
use rand::Rng;

use super::support::{labelled, unique, TestResult, BUSYBOX};
use super::torture_count;

/// A request that its test finds again by a label.
fn request(label: &str) -> ContainerRequest {
    ContainerRequest::new(BUSYBOX).label(label, "1")
}

/// Starts it, sees it fail, and sees that nothing is left.
fn fails(request: impl FnOnce(ContainerRequest) -> ContainerRequest) -> Error {
    let label = unique("failed-start");
    let error = request(self::request(&label)).start_blocking().expect_err("this start fails");
    assert_eq!(labelled(&label), [""; 0], "left after: {error}");
    error
}

#[test]
fn with_a_taken_fixed_port() -> TestResult {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let port = taken.local_addr()?.port();
    let error = fails(|request| request.cmd(["sleep", "600"]).publish(format!("{port}:80")));
    assert!(error.is_port_unavailable(), "{error}");
    assert_eq!(error.summary(), format!("the host port {port} of `{port}:80` is taken"));
    Ok(())
}

#[test]
fn with_a_missing_copy_source() {
    let error = fails(|request| request.copy_to("no/such/file", "/x"));
    assert!(error.is_invalid_request(), "{error}");
}

#[test]
fn with_a_copy_that_the_container_refuses() {
    // The parent of the target is a file there.
    let error = fails(|request| request.cmd(["sleep", "600"]).copy_to(b"x", "/etc/passwd/x"));
    assert!(error.summary().contains("`/etc/passwd/x` could not be written"), "{error}");
}

#[test]
fn with_a_missing_binary() {
    let error = fails(|request| request.cmd(["/no/such/binary"]));
    assert_eq!(error.summary(), "the command of the container cannot be run");
}

#[test]
fn with_a_wait_that_does_not_come() {
    let error = fails(|request| {
        request.cmd(["sleep", "600"]).wait(Wait::log("never")).start_timeout(Duration::from_secs(2))
    });
    assert!(error.is_timeout(), "{error}");
    assert!(error.to_string().contains("waiting for: `never` in the output"), "{error}");
}

#[test]
fn of_a_container_that_exits_at_once() {
    let error = fails(|request| request.cmd(["sh", "-c", "echo boom; exit 3"]));
    assert!(error.is_exited(), "{error}");
    assert_eq!((error.exit_code(), error.output()), (Some(3), &["boom".to_owned()][..]));
}

#[test]
fn of_a_container_that_exits_at_once_every_time() {
    for _ in 0..torture_count() {
        let error = fails(|request| request.cmd(["sh", "-c", "exit 7"]));
        assert_eq!(error.exit_code(), Some(7), "{error}");
    }
}

#[tokio::test]
async fn cancelled_at_random_moments() {
    let label = unique("cancelled");
    for _ in 0..torture_count() {
        let after = Duration::from_millis(rand::thread_rng().gen_range(0..400));
        let request = request(&label)
            .cmd(["sh", "-c", "sleep 0.1; exec httpd -f"])
            .publish("80")
            .copy_to(vec![b'x'; 200_000], "/big")
            .wait(Wait::http("/big").port(80));
        // Whether it was cancelled or ready in time, dropping what there is removes the container.
        drop(tokio::time::timeout(after, request.start()).await);
        assert_eq!(labelled(&label), [""; 0], "left after {after:?}");
    }
}

#[tokio::test]
async fn made_and_not_started_or_cancelled_at_random_moments() {
    let label = unique("created");
    for _ in 0..torture_count() {
        let after = Duration::from_millis(rand::thread_rng().gen_range(0..400));
        let request = request(&label)
            .cmd(["sh", "-c", "sleep 0.1; exec httpd -f"])
            .publish("80")
            .copy_to(vec![b'x'; 200_000], "/big")
            .wait(Wait::http("/big").port(80));
        let work = async {
            let container = request.create().await.expect("it is made");
            let _ = container.start().await;
            container
        };
        drop(tokio::time::timeout(after, work).await);
        assert_eq!(labelled(&label), [""; 0], "left after {after:?}");
    }
}

#[test]
fn of_a_container_that_was_made_before() {
    let label = unique("failed-start");
    let container =
        request(&label).cmd(["sh", "-c", "exit 3"]).create_blocking().expect("it is made");
    for _ in 0..3 {
        assert_eq!(container.start().expect_err("it ends").exit_code(), Some(3));
    }
    assert_eq!(labelled(&label), [container.id()], "it is there until its handle is dropped");
    drop(container);
    assert_eq!(labelled(&label), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelled_with_the_task_that_awaited_it() {
    let label = unique("aborted");
    for _ in 0..torture_count() {
        let after = Duration::from_millis(rand::thread_rng().gen_range(0..300));
        let task = tokio::spawn(request(&label).cmd(["sleep", "600"]).start());
        tokio::time::sleep(after).await;
        task.abort();
        drop(task.await);
        assert_eq!(labelled(&label), [""; 0], "left after {after:?}");
    }
}

#[test]
fn limits_may_be_as_long_as_one_likes() -> TestResult {
    let forever = Duration::MAX;
    let container = ContainerRequest::new(BUSYBOX)
        .cmd(["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"])
        .wait(Wait::running())
        .wait(Wait::exec(["true"]).timeout(forever))
        .start_timeout(forever)
        .stop_timeout(forever)
        .pull_stall_timeout(forever)
        .start_blocking()?;
    container.stop_within(forever)?;
    assert_eq!(container.wait()?, 0, "it was killed instead of stopped");
    Ok(())
}
