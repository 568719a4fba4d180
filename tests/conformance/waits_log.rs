//! Waiting for output: text and patterns, once or more often, in one stream or both, however it is cut up.

use std::time::{Duration, Instant};

use longshore::wait::LogWait;
use longshore::{ContainerRequest, Wait};

use crate::client::{failed_start, shell, text_of};
use crate::support::TestResult;

/// The script prints something and lives on; the wait has to come to an end.
async fn check(script: &str, wait: LogWait) -> TestResult {
    let request = shell(&format!("{script}; exec sleep 600")).wait(wait);
    request.start().await?.remove().await?;
    Ok(())
}

/// It must not.
async fn check_never(script: &str, wait: LogWait, told: &str) {
    let request = shell(&format!("{script}; exec sleep 600"));
    let error = failed_start(request.wait(wait.timeout(Duration::from_millis(1500)))).await;
    assert!(error.is_timeout(), "{error}");
    assert!(error.to_string().contains(told), "`{told}` is not in {error}");
}

#[tokio::test]
async fn text_is_found_in_either_stream() -> TestResult {
    check("echo it is ready now", Wait::log("ready")).await?;
    check("echo it is ready now >&2", Wait::log("ready")).await
}

#[tokio::test]
async fn a_start_lasts_until_the_text_comes() -> TestResult {
    let begun = Instant::now();
    let container =
        shell("sleep 1; echo ready; exec sleep 600").wait(Wait::log("ready")).start().await?;
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert_eq!(container.logs().await?, "ready\n");
    container.remove().await?;
    Ok(())
}

#[tokio::test]
async fn a_stream_that_is_named_is_the_only_one_that_counts() -> TestResult {
    check("echo ready", Wait::log("ready").stdout()).await?;
    check("echo ready >&2", Wait::log("ready").stderr()).await?;
    let unseen = "found 0 of 1 times in 0 lines of output";
    check_never("echo ready >&2", Wait::log("ready").stdout(), unseen).await;
    check_never("echo ready", Wait::log("ready").stderr(), unseen).await;
    Ok(())
}

#[tokio::test]
async fn a_terminals_output_counts_as_standard_output() -> TestResult {
    let request = shell("echo out; echo err >&2; exec sleep 600").tty();
    let request = request.wait(Wait::log("out").stdout()).wait(Wait::log("err").stdout());
    request.start().await?.remove().await?;
    Ok(())
}

#[tokio::test]
async fn it_can_be_waited_for_more_than_once() -> TestResult {
    check("echo ready; sleep 0.3; echo ready", Wait::log("ready").times(2)).await?;
    check("echo ready; echo ready >&2", Wait::log("ready").times(2)).await?;
    check("echo ready ready, ready", Wait::log("ready").times(3)).await?;
    check("for i in 1 2 3; do echo try $i; done", Wait::log_matches("(?m)^try [0-9]$").times(3))
        .await?;
    check_never(
        "echo ready",
        Wait::log("ready").times(2),
        "found 1 of 2 times in 1 lines of output",
    )
    .await;
    Ok(())
}

#[tokio::test]
async fn a_regular_expression_is_matched() -> TestResult {
    check("echo listening on port 5432", Wait::log_matches("port [0-9]{4}")).await?;
    check("echo one; echo two", Wait::log_matches("(?m)^two$")).await?;
    check("echo one; echo two", Wait::log_matches("(?s)one.*two")).await?;
    check_never("echo port five", Wait::log_matches("port [0-9]"), "/port [0-9]/ in the output")
        .await;
    Ok(())
}

#[tokio::test]
async fn anchors_stand_for_the_ends_of_lines() -> TestResult {
    let limit = Duration::from_secs(20);
    check("echo one; echo two", Wait::log_matches("^two").timeout(limit)).await?;
    check("echo port 5432; echo more", Wait::log_matches("port [0-9]{4}$").timeout(limit)).await
}

#[tokio::test]
async fn text_is_found_across_pieces_and_lines() -> TestResult {
    check("printf rea; sleep 0.3; printf dy; sleep 0.3; echo .", Wait::log("ready.")).await?;
    check("echo one; sleep 0.3; echo two", Wait::log("one\ntwo")).await?;
    check("printf '\\303'; sleep 0.3; printf '\\274ber\\n'", Wait::log("über")).await
}

#[tokio::test]
async fn lines_longer_than_the_engines_pieces_of_16_kib_are_searched_whole() -> TestResult {
    let fill = |count: usize| format!("head -c {count} /dev/zero | tr '\\0' x");
    check(&format!("{}; echo ready", fill(40_000)), Wait::log("xready")).await?;
    // The text lies across the border between two pieces.
    check(&format!("{}; echo ready", fill(16 * 1024 - 2)), Wait::log("xready")).await?;
    check(&format!("{}; echo ready", fill(16 * 1024 - 2)), Wait::log_matches("x+re(a)dy")).await
}

#[tokio::test]
async fn it_is_found_in_a_great_deal_of_output() -> TestResult {
    check("seq 1 200000; echo rea''dy; seq 1 1000", Wait::log("\nready\n")).await
}

#[tokio::test]
async fn several_waits_are_awaited_one_after_the_other() -> TestResult {
    let request = shell("echo first; sleep 0.5; echo second; exec sleep 600");
    let container = request.wait(Wait::log("second")).wait(Wait::log("first")).start().await?;
    assert_eq!(container.logs().await?, "first\nsecond\n");
    container.remove().await?;
    Ok(())
}

#[tokio::test]
async fn a_text_that_does_not_come_is_told_with_what_came() {
    let request: ContainerRequest = shell("echo hello; echo world >&2; exec sleep 600");
    let error =
        failed_start(request.wait(Wait::log("never").timeout(Duration::from_secs(1)))).await;
    assert!(error.is_timeout() && !error.is_exited());
    let mut output = error.output().to_vec();
    output.sort();
    assert_eq!(output, ["hello", "world"]);
    // The two streams have no order between them.
    let text =
        text_of(&error).await.replace("    | world\n    | hello", "    | hello\n    | world");
    assert_eq!(
        text,
        "the container was not ready in time\n  waiting for: `never` in the output\n  because: it did not happen in 1s: \
         found 0 of 1 times in 2 lines of output\n  image: `busybox:1.35`\n  container: `NAME` (ID)\n  engine: ENGINE\n  \
         last output:\n    | hello\n    | world\n  hint: give the wait longer with `.timeout(..)`, or wait for something \
         else"
    );
}

#[tokio::test]
async fn output_that_ends_is_told_at_once() {
    // Standard output and error are closed, and the container lives on.
    let begun = Instant::now();
    let request = shell("echo bye; exec sleep 600 >&- 2>&-").wait(Wait::log("ready"));
    let error = failed_start(request.start_timeout(Duration::from_secs(4))).await;
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(error.to_string().contains("found 0 of 1 times in 1 lines of output"), "{error}");
}
