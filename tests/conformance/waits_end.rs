//! Containers that end while they are waited for: told at once, with exit code and output.

use std::time::{Duration, Instant};

use longshore::wait::Target;
use longshore::{ContainerRequest, Hooks, Wait};

use crate::client::{failed_start, shell, text_of, Mark};
use crate::support::{is_podman, TestResult};

/// Far below the 60 s after which a start is given up.
const AT_ONCE: Duration = Duration::from_secs(20);

fn dying() -> ContainerRequest {
    shell("sleep 0.5; echo no space left >&2; exit 3")
}

async fn check(request: ContainerRequest) {
    let begun = Instant::now();
    let error = failed_start(request).await;
    assert!(begun.elapsed() < AT_ONCE, "after {:?}: {error}", begun.elapsed());
    assert!(error.is_exited() && !error.is_timeout(), "{error}");
    assert_eq!(error.exit_code(), Some(3), "{error}");
    assert_eq!(error.summary(), "the container exited with code 3 before it was ready", "{error}");
    assert_eq!(error.output(), ["no space left"], "{error}");
}

#[tokio::test]
async fn a_wait_for_output() {
    check(dying().wait(Wait::log("ready"))).await;
    check(dying().wait(Wait::log_matches("ready|up"))).await;
}

#[tokio::test]
async fn a_wait_for_a_port() {
    check(dying().publish("80").wait(Wait::port(80))).await;
    check(dying().publish("80").publish("53/udp").wait(Wait::ports())).await;
    check(dying().publish("80")).await;
}

#[tokio::test]
async fn a_wait_for_an_http_answer() {
    check(dying().publish("80").wait(Wait::http("/"))).await;
}

#[tokio::test]
async fn a_wait_for_a_command() {
    check(dying().wait(Wait::exec(["false"]))).await;
    // Killed in the middle of it.
    check(dying().wait(Wait::exec(["sleep", "600"]))).await;
}

#[tokio::test]
async fn a_wait_for_the_health_check() {
    let request = dying().health_cmd("false").health_interval(Duration::from_millis(200));
    check(request.clone().wait(Wait::healthy())).await;
    check(request).await;
}

#[tokio::test]
async fn a_wait_for_a_file_or_for_time() {
    check(dying().wait(Wait::file("/no/such"))).await;
    check(dying().wait(Wait::duration(Duration::from_secs(50)))).await;
}

#[tokio::test]
async fn all_and_any_of_several() {
    let waits = || [Wait::from(Wait::log("ready")), Wait::file("/no/such").into()];
    check(dying().wait(Wait::all(waits()))).await;
    check(dying().wait(Wait::any(waits()))).await;
}

#[tokio::test]
async fn a_wait_of_ones_own() -> TestResult {
    let never = |target: Target| async move {
        target.sleep(Duration::from_secs(50)).await;
        Ok(())
    };
    let mark = Mark::new();
    let begun = Instant::now();
    let outcome = mark.on(dying()).start_with(Hooks::new().wait(never)).await;
    let error = outcome.map(drop).expect_err("it has died");
    assert!(begun.elapsed() < AT_ONCE, "{error}");
    assert_eq!((error.is_exited(), error.exit_code()), (true, Some(3)), "{error}");
    assert_eq!(mark.count(), 0);
    Ok(())
}

#[tokio::test]
async fn a_second_wait_after_a_first_that_came() {
    let request = shell("echo ready; sleep 0.5; echo no space left >&2; exit 3");
    let error = failed_start(request.wait(Wait::log("ready")).wait(Wait::log("more"))).await;
    assert_eq!(error.exit_code(), Some(3), "{error}");
}

#[tokio::test]
async fn the_whole_text() {
    let error = failed_start(dying().wait(Wait::log("ready").times(2))).await;
    assert_eq!(
        // Either the end of the output or that of the container is seen first.
        text_of(&error).await.replace("because: the output ended: ", "last seen: "),
        "the container exited with code 3 before it was ready\n  waiting for: `ready` in the output, 2 times\n  last seen: \
         found 0 of 2 times in 1 lines of output\n  image: `busybox:1.35`\n  container: `NAME` (ID)\n  engine: ENGINE\n  \
         last output:\n    | no space left"
    );
}

#[tokio::test]
async fn one_that_exits_at_once_is_a_failed_start_every_time() {
    for _ in 0..20 {
        let error = failed_start(shell("echo bad option; exit 3")).await;
        assert!(error.is_exited(), "{error}");
        assert_eq!((error.exit_code(), error.output()), (Some(3), &["bad option".to_owned()][..]));
    }
}

#[tokio::test]
async fn one_that_succeeds_at_once_is_a_failed_start_with_a_hint() {
    for _ in 0..20 {
        let error = failed_start(shell("echo done")).await;
        assert_eq!((error.is_exited(), error.exit_code()), (true, Some(0)), "{error}");
        let text = text_of(&error).await;
        let hint = "\n  hint: a container that does its job and ends is waited for with `.wait(Wait::exit())`";
        assert!(
            text.starts_with("the container exited with code 0 before it was ready\n"),
            "{text}"
        );
        assert!(text.ends_with(hint), "{text}");
    }
}

#[tokio::test]
async fn one_that_exits_at_once_with_ports_published_is_a_failed_start_every_time() {
    for ports in ["80", "53/udp"] {
        for _ in 0..20 {
            let error = failed_start(shell("exit 3").publish(ports)).await;
            assert_eq!((error.is_exited(), error.exit_code()), (true, Some(3)), "{ports}: {error}");
        }
    }
}

#[tokio::test]
async fn one_that_is_removed_by_the_engine_at_its_end_is_told_too() {
    let begun = Instant::now();
    for request in [dying().rm(true).wait(Wait::log("ready")), dying().rm(true).publish("80")] {
        let error = failed_start(request).await;
        assert!(begun.elapsed() < AT_ONCE, "{error}");
        assert_eq!((error.is_exited(), error.exit_code()), (true, Some(3)), "{error}");
        assert_eq!(error.output(), ["no space left"], "{error}");
    }
}

#[tokio::test]
async fn one_that_takes_too_much_memory_is_told_as_such() {
    let request = shell("exec tail /dev/zero").memory("16m").wait(Wait::log("ready"));
    let error = failed_start(request).await;
    assert_eq!((error.is_exited(), error.exit_code()), (true, Some(137)), "{error}");
    if is_podman() {
        return; // It does not tell why the kernel killed a container.
    }
    let text = text_of(&error).await;
    assert!(
        text.starts_with(
            "the container was killed for want of memory (exit code 137) before it was ready\n"
        ),
        "{text}"
    );
    assert!(text.ends_with("\n  hint: raise its limit: `.memory(..)`"), "{text}");
}
