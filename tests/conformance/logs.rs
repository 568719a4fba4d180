//! What a container has written: all of it or a part, now or as it comes, by asking or by consumers.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use futures::StreamExt;
use longshore::{Container, Hooks, LogFrame, LogOptions, LogSource, Wait};

use super::client::shell;
use super::support::{eventually, is_podman, TestResult};

/// One that has run to its end.
async fn ended(script: &str) -> longshore::Result<Container> {
    shell(script).wait(Wait::exit()).start().await
}

/// A container that says `got LINE` for each line that is handed to it with `say`.
async fn echo() -> longshore::Result<Container> {
    let script =
        "mkfifo /in; exec 3<>/in; echo ready; while read line <&3; do echo got $line; done";
    shell(script).wait(Wait::log("ready")).start().await
}

async fn say(container: &Container, line: &str) -> longshore::Result<()> {
    container.exec(["sh", "-c", &format!("echo {line} > /in")]).await?.ok().map(drop)
}

fn text(frames: &[LogFrame]) -> String {
    frames.iter().map(|frame| frame.text().into_owned()).collect()
}

/// What a consumer has seen.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<LogFrame>>>);

impl Seen {
    fn hooks(&self) -> Hooks {
        self.watch(Hooks::new())
    }

    fn watch(&self, hooks: Hooks) -> Hooks {
        let seen = self.0.clone();
        hooks.on_log(move |frame| seen.lock().expect("no panic in the lock").push(frame))
    }

    fn frames(&self) -> Vec<LogFrame> {
        self.0.lock().expect("no panic in the lock").clone()
    }

    fn text(&self) -> String {
        text(&self.frames())
    }
}

#[tokio::test]
async fn all_output_until_now_from_both_streams() -> TestResult {
    let container = ended("echo out; echo err >&2").await?;
    let logs = container.logs().await?;
    let mut lines: Vec<_> = logs.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["err", "out"]);
    let frames = container.logs_with(LogOptions::new()).await?;
    let source =
        |text: &str| frames.iter().find(|frame| frame.text() == text).map(LogFrame::source);
    assert_eq!(source("out\n"), Some(LogSource::Stdout));
    assert_eq!(source("err\n"), Some(LogSource::Stderr));
    Ok(())
}

#[tokio::test]
async fn one_stream_alone() -> TestResult {
    let container = ended("echo out; echo err >&2").await?;
    assert_eq!(text(&container.logs_with(LogOptions::new().stdout_only()).await?), "out\n");
    assert_eq!(text(&container.logs_with(LogOptions::new().stderr_only()).await?), "err\n");
    Ok(())
}

#[tokio::test]
async fn the_last_lines_alone() -> TestResult {
    let container = ended("seq 1 100").await?;
    assert_eq!(text(&container.logs_with(LogOptions::new().tail(2)).await?), "99\n100\n");
    assert_eq!(text(&container.logs_with(LogOptions::new().tail(0)).await?), "");
    Ok(())
}

#[tokio::test]
async fn lines_before_and_after_a_moment() -> TestResult {
    let container = echo().await?;
    let moment = SystemTime::now();
    say(&container, "new").await?;
    let mut stream = container.follow_logs_with(LogOptions::new().since(moment)).await?;
    assert_eq!(stream.next().await.expect("a frame")?.text(), "got new\n");
    assert_eq!(text(&container.logs_with(LogOptions::new().since(moment)).await?), "got new\n");
    assert_eq!(text(&container.logs_with(LogOptions::new().until(moment)).await?), "ready\n");
    Ok(())
}

#[tokio::test]
async fn a_time_stamp_before_each_line() -> TestResult {
    let container = ended("echo one; echo two").await?;
    let logs = text(&container.logs_with(LogOptions::new().timestamps()).await?);
    let lines: Vec<_> = logs.lines().filter_map(|line| line.split_once(' ')).collect();
    assert_eq!(lines.iter().map(|(_, line)| *line).collect::<Vec<_>>(), ["one", "two"]);
    for (stamp, _) in lines {
        // 2026-11-24T08:25:43.123456789Z, or with an offset.
        assert_eq!(stamp.as_bytes()[10], b'T', "{stamp}");
        assert!(stamp[..4].parse::<u16>().is_ok_and(|year| year >= 2024), "{stamp}");
    }
    Ok(())
}

#[tokio::test]
async fn a_terminals_output_is_one_stream() -> TestResult {
    let container = shell("echo out; echo err >&2").tty().wait(Wait::exit()).start().await?;
    let frames = container.logs_with(LogOptions::new()).await?;
    assert_eq!(text(&frames), "out\r\nerr\r\n");
    assert!(frames.iter().all(|frame| frame.source() == LogSource::Console));
    Ok(())
}

#[tokio::test]
async fn bytes_that_are_not_text_and_lines_without_end() -> TestResult {
    let container = ended("printf 'a\\377b\\000c'").await?;
    let frames = container.logs_with(LogOptions::new()).await?;
    let bytes: Vec<u8> = frames.iter().flat_map(|frame| frame.bytes().to_vec()).collect();
    // Docker's usual log file is JSON, which holds text only; other engines and drivers keep the byte.
    let kept = [&b"a\xFFb\0c"[..], "a\u{FFFD}b\0c".as_bytes()];
    assert!(kept.contains(&bytes.strip_suffix(b"\n").unwrap_or(&bytes)), "{bytes:?}");
    assert_eq!(container.logs().await?.trim_end(), "a\u{FFFD}b\0c");
    Ok(())
}

#[tokio::test]
async fn a_line_longer_than_the_engine_likes_comes_whole() -> TestResult {
    let seen = Seen::default();
    let container = shell("head -c 100000 /dev/zero | tr '\\0' x; echo; echo end")
        .wait(Wait::exit())
        .start_with(seen.hooks())
        .await?;
    let expected = format!("{}\nend\n", "x".repeat(100_000));
    assert!(container.logs().await? == expected);
    container.remove().await?;
    assert!(seen.text() == expected);
    Ok(())
}

#[tokio::test]
async fn following_goes_from_the_first_line_to_the_end() -> TestResult {
    let container = ended("echo one; echo two >&2; echo three").await?;
    let mut stream = container.follow_logs().await?;
    let mut lines = Vec::new();
    while let Some(frame) = stream.next_frame().await {
        lines.push(frame?.text().into_owned());
    }
    lines.sort();
    assert_eq!(lines, ["one\n", "three\n", "two\n"]);
    Ok(())
}

#[tokio::test]
async fn following_gives_each_line_when_it_is_written() -> TestResult {
    let container = echo().await?;
    let mut stream = container.follow_logs().await?;
    assert_eq!(stream.next().await.expect("a frame")?.text(), "ready\n");
    for line in ["one", "two"] {
        say(&container, line).await?;
        assert_eq!(stream.next().await.expect("a frame")?.text(), format!("got {line}\n"));
    }
    container.kill("KILL").await?;
    assert!(stream.next().await.is_none(), "it ends when the container does");
    Ok(())
}

#[tokio::test]
async fn a_stream_dropped_early_harms_nothing() -> TestResult {
    let container = shell("yes").start().await?;
    for _ in 0..5 {
        let mut stream = container.follow_logs().await?;
        assert!(stream.next().await.expect("a frame")?.text().starts_with("y\n"));
    }
    assert_eq!(container.exec(["echo", "fine"]).await?.stdout_str()?, "fine\n");
    container.remove().await?;
    Ok(())
}

#[tokio::test]
async fn the_end_of_a_removed_container_ends_its_streams() -> TestResult {
    let container = echo().await?;
    let mut stream = container.follow_logs().await?;
    assert_eq!(stream.next().await.expect("a frame")?.text(), "ready\n");
    container.remove().await?;
    assert!(stream.next().await.is_none_or(|frame| frame.is_err()));
    Ok(())
}

#[tokio::test]
async fn a_consumer_sees_everything_from_the_first_line_on() -> TestResult {
    let seen = Seen::default();
    let container =
        shell("echo first; echo error >&2; mkfifo /in; read line </in; echo last $line")
            .wait(Wait::running())
            .start_with(seen.hooks())
            .await?;
    container
        .exec(["sh", "-c", "while [ ! -p /in ]; do sleep 0.01; done; echo line > /in"])
        .await?
        .ok()?;
    container.wait().await?;
    eventually("the consumer's last line", || seen.text().contains("last line\n"));
    let (mut out, mut err) = (String::new(), String::new());
    for frame in seen.frames() {
        let into = if frame.source() == LogSource::Stderr { &mut err } else { &mut out };
        into.push_str(&frame.text());
    }
    assert_eq!((out.as_str(), err.as_str()), ("first\nlast line\n", "error\n"));
    Ok(())
}

#[tokio::test]
async fn a_consumer_has_seen_everything_when_the_drop_returns() -> TestResult {
    for _ in 0..5 {
        let seen = Seen::default();
        let container =
            shell("echo one; echo two").wait(Wait::exit()).start_with(seen.hooks()).await?;
        drop(container);
        assert_eq!(seen.text(), "one\ntwo\n");
    }
    Ok(())
}

#[tokio::test]
async fn a_consumer_keeps_up_with_a_fast_writer() -> TestResult {
    if is_podman() {
        // It drops lines in the middle of a followed answer, also for its own client.
        return Ok(());
    }
    let expected: String = (1..=50_000).map(|number| format!("{number}\n")).collect();
    let seen = Seen::default();
    let container = shell("seq 1 50000; exec sleep 1000")
        .wait(Wait::log("50000\n"))
        .start_with(seen.hooks())
        .await?;
    drop(container);
    assert!(seen.text() == expected, "running: {} of {}", seen.text().len(), expected.len());
    let expected: String = (1..=20_000).map(|number| format!("{number}\n")).collect();
    let seen = Seen::default();
    let container = shell("seq 1 20000").wait(Wait::exit()).start_with(seen.hooks()).await?;
    // A drop would wait for it five seconds only, and a busy engine needs longer.
    eventually("all output of one that has ended", || seen.text().len() >= expected.len());
    drop(container);
    assert!(seen.text() == expected);
    Ok(())
}

#[tokio::test]
async fn a_regular_expression_keeps_up_with_a_fast_writer() -> TestResult {
    let ready_after = |wait: Wait| async {
        let begun = Instant::now();
        let container = shell("seq 1 50000; exec sleep 1000").wait(wait).start().await?;
        let took = begun.elapsed();
        container.remove().await?;
        Ok::<_, longshore::Error>(took)
    };
    // How fast the engine is depends on what else the machine does.
    let plain = ready_after(Wait::log("50000\n").into()).await?;
    let matched = ready_after(Wait::log_matches("(?m)^50000$").into()).await?;
    assert!(matched < 3 * plain + Duration::from_secs(5), "{matched:?}, without it {plain:?}");
    Ok(())
}

#[tokio::test]
async fn a_consumer_that_panics_harms_nobody() -> TestResult {
    let seen = Seen::default();
    let hooks = Hooks::new().on_log(|_| panic!("this panic belongs to the test"));
    let container = shell("echo one; echo two; exec sleep 1000")
        .wait(Wait::log("two"))
        .start_with(seen.watch(hooks))
        .await?;
    assert_eq!(container.logs().await?, "one\ntwo\n");
    assert_eq!(container.exec(["echo", "fine"]).await?.stdout_str()?, "fine\n");
    container.remove().await?;
    assert_eq!(seen.text(), "one\ntwo\n");
    Ok(())
}

#[tokio::test]
async fn a_slow_consumer_holds_up_neither_the_start_nor_another_one() -> TestResult {
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let seen = Seen::default();
    let hooks = Hooks::new().on_log(move |_| {
        let _ = wait.recv();
    });
    let container = shell("echo one; echo two; exec sleep 1000")
        .wait(Wait::log("two"))
        .start_with(seen.watch(hooks))
        .await?;
    eventually("the other consumer's output", || seen.text() == "one\ntwo\n");
    drop(go);
    container.remove().await?;
    Ok(())
}

#[tokio::test]
async fn a_consumer_sees_the_output_of_a_start_that_failed() -> TestResult {
    let seen = Seen::default();
    let error = shell("echo no licence; exit 9")
        .wait(Wait::log("ready"))
        .start_with(seen.hooks())
        .await
        .unwrap_err();
    assert_eq!(error.exit_code(), Some(9));
    assert_eq!(error.output(), ["no licence"]);
    assert_eq!(seen.text(), "no licence\n");
    Ok(())
}

#[tokio::test]
async fn a_consumer_goes_on_after_a_restart() -> TestResult {
    let seen = Seen::default();
    let container = shell("echo run; exec sleep 1000")
        .stop_signal("KILL")
        .wait(Wait::log("run"))
        .start_with(seen.hooks())
        .await?;
    container.restart().await?;
    eventually("the output of the second run", || seen.text() == "run\nrun\n");
    Ok(())
}

#[tokio::test]
async fn logs_of_both_runs_are_kept() -> TestResult {
    let container = shell("echo run; exec sleep 1000")
        .stop_signal("KILL")
        .wait(Wait::log("run"))
        .start()
        .await?;
    container.restart().await?;
    let mut stream = container.follow_logs().await?;
    let mut seen = String::new();
    while seen != "run\nrun\n" {
        seen.push_str(&stream.next().await.expect("a frame")?.text());
    }
    assert_eq!(container.logs().await?, "run\nrun\n");
    Ok(())
}
