//! The streams of a container's own first process: both ways, with and without a terminal, and what detaching means.

use longshore::{Attach, AttachStream, Container, ContainerRequest, LogSource, Wait};
use serde_json::json;

use super::client::shell;
use super::support::{exists, is_podman, TestResult};

/// One that answers each line, and tells the end of its input.
fn echo() -> ContainerRequest {
    shell("echo ready; while read line; do echo got $line; echo err $line >&2; done; echo end; exit 6").wait(Wait::log("ready"))
}

async fn next(stream: &mut AttachStream) -> longshore::Result<(LogSource, String)> {
    let frame = stream.output().next_frame().await.expect("the output goes on")?;
    Ok((frame.source(), frame.text().into_owned()))
}

/// Reads output until it holds `text`.
async fn read_until(stream: &mut AttachStream, text: &str) -> longshore::Result<String> {
    let mut seen = String::new();
    while !seen.contains(text) {
        let frame = stream.output().next_frame().await;
        let frame =
            frame.unwrap_or_else(|| panic!("the output ended: {seen:?} has no {text:?}"))?;
        seen.push_str(&frame.text());
    }
    Ok(seen)
}

async fn is_fine(container: &Container) -> longshore::Result<()> {
    assert!(container.inspect().await?.is_running());
    assert_eq!(container.exec(["echo", "fine"]).await?.stdout(), b"fine\n");
    Ok(())
}

#[tokio::test]
async fn streams_go_both_ways_and_are_told_apart() -> TestResult {
    let container = echo().interactive().start().await?;
    let mut stream = container.attach(Attach::new()).await?;
    for word in ["one", "two"] {
        stream.input().write(format!("{word}\n")).await?;
        let mut both = [next(&mut stream).await?, next(&mut stream).await?];
        both.sort_by_key(|(source, _)| *source != LogSource::Stdout);
        assert_eq!(both[0], (LogSource::Stdout, format!("got {word}\n")));
        assert_eq!(both[1], (LogSource::Stderr, format!("err {word}\n")));
    }
    Ok(())
}

#[tokio::test]
async fn detaching_leaves_it_running_and_its_input_open() -> TestResult {
    if is_podman() {
        // To it every container is made for one client, and reads end of file when that goes.
        return Ok(());
    }
    let container = echo().interactive().start().await?;
    let mut first = container.attach(Attach::new()).await?;
    first.input().write("one\n").await?;
    read_until(&mut first, "got one\n").await?;
    drop(first);
    is_fine(&container).await?;
    let mut second = container.attach(Attach::new()).await?;
    second.input().write("two\n").await?;
    read_until(&mut second, "got two\n").await?;
    Ok(())
}

#[tokio::test]
async fn two_that_are_attached_see_the_same() -> TestResult {
    let container = echo().interactive().start().await?;
    let mut writes = container.attach(Attach::new()).await?;
    let mut reads = container.attach(Attach::new().no_stdin()).await?;
    writes.input().write("one\n").await?;
    read_until(&mut writes, "got one\n").await?;
    read_until(&mut reads, "got one\n").await?;
    let error = reads.input().write("x").await.unwrap_err();
    assert_eq!(error.summary(), "the input was not attached to");
    Ok(())
}

#[tokio::test]
async fn what_was_written_before_comes_first_if_it_is_asked_for() -> TestResult {
    let container = echo().interactive().start().await?;
    let mut with = container.attach(Attach::new().logs()).await?;
    let mut without = container.attach(Attach::new()).await?;
    with.input().write("one\n").await?;
    assert!(read_until(&mut with, "got one\n").await?.starts_with("ready\n"));
    assert!(!read_until(&mut without, "got one\n").await?.contains("ready"));
    Ok(())
}

#[tokio::test]
async fn the_output_ends_with_the_container() -> TestResult {
    let container = echo().interactive().start().await?;
    let mut stream = container.attach(Attach::new()).await?;
    container.kill("KILL").await?;
    assert!(stream.output().next_frame().await.is_none());
    let error = loop {
        // What was written before the end was seen is lost.
        if let Err(error) = stream.input().write("late\n").await {
            break error;
        }
    };
    assert_eq!(error.summary(), "the input of the container is closed");
    Ok(())
}

#[tokio::test]
async fn an_input_made_for_one_client_is_ended_with_it() -> TestResult {
    let container = echo().interactive().raw(json!({ "StdinOnce": true })).start().await?;
    let mut stream = container.attach(Attach::new()).await?;
    stream.input().write("one\n").await?;
    read_until(&mut stream, "got one\n").await?;
    stream.input().close()?;
    read_until(&mut stream, "end\n").await?;
    assert!(stream.output().next_frame().await.is_none());
    assert_eq!(container.wait().await?, 6);
    let error = stream.input().write("more\n").await.unwrap_err();
    assert_eq!(error.summary(), "the input of the container is closed");
    Ok(())
}

#[tokio::test]
async fn an_input_that_cannot_be_ended_says_so_and_stays_open() -> TestResult {
    if is_podman() {
        // There it can.
        return Ok(());
    }
    let container = echo().interactive().start().await?;
    let mut stream = container.attach(Attach::new()).await?;
    let error = stream.input().close().unwrap_err();
    assert_eq!(error.summary(), "the input of the container cannot be ended");
    assert!(error.to_string().contains("`.raw(json!({ \"StdinOnce\": true }))`"), "{error}");
    stream.input().write("one\n").await?;
    read_until(&mut stream, "got one\n").await?;
    Ok(())
}

#[tokio::test]
async fn a_large_input_comes_whole() -> TestResult {
    let count = shell("echo ready; wc -c").interactive().raw(json!({ "StdinOnce": true }));
    let container = count.wait(Wait::log("ready")).start().await?;
    let mut stream = container.attach(Attach::new()).await?;
    let (input, output) = stream.split();
    for _ in 0..40 {
        input.write(vec![b'x'; 100_000]).await?;
    }
    input.close()?;
    let mut text = String::new();
    while let Some(frame) = output.next_frame().await {
        text.push_str(&frame?.text());
    }
    assert_eq!(text.trim(), "4000000");
    Ok(())
}

#[tokio::test]
async fn without_interactive_there_is_output_alone() -> TestResult {
    let container = shell("echo ready; while :; do echo tick; sleep 0.1; done")
        .wait(Wait::log("ready"))
        .start()
        .await?;
    let mut stream = container.attach(Attach::new()).await?;
    read_until(&mut stream, "tick\n").await?;
    for error in [stream.input().write("x").await.err(), stream.input().close().err()] {
        let error = error.expect("there is no input");
        assert_eq!(error.summary(), "the container takes no input");
        assert!(
            error.to_string().ends_with("hint: declare the container with `.interactive()`"),
            "{error}"
        );
    }
    read_until(&mut stream, "tick\n").await?;
    drop(stream);
    is_fine(&container).await?;
    Ok(())
}

#[tokio::test]
async fn with_a_terminal_it_is_one_stream_that_has_a_size() -> TestResult {
    let script = "echo ready; while read line; do echo got $line; echo err >&2; stty size; done; echo end; exit 6";
    let container = shell(script).tty().interactive().wait(Wait::log("ready")).start().await?;
    let mut stream = container.attach(Attach::new()).await?;
    stream.resize(100, 30).await?;
    stream.input().write("one\n").await?;
    // The terminal echoes what is typed.
    let seen = read_until(&mut stream, "30 100").await?;
    for part in ["one\r\n", "got one\r\n", "err\r\n"] {
        assert!(seen.contains(part), "{part:?} is missing: {seen:?}");
    }
    let error = stream.input().close().unwrap_err();
    assert!(error.to_string().contains("Ctrl-D"), "{error}");
    stream.input().write("\x04").await?;
    read_until(&mut stream, "end\r\n").await?;
    assert_eq!(container.wait().await?, 6);
    Ok(())
}

#[tokio::test]
async fn one_that_is_attached_to_before_its_start_loses_nothing() -> TestResult {
    let script = "echo first; read line; echo got $line; exit 6";
    let request = shell(script).interactive().wait(Wait::exit().code(6));
    let container = request.create().await?;
    let mut stream = container.attach(Attach::new()).await?;
    stream.input().write("one\n").await?;
    container.start().await?;
    assert_eq!(read_until(&mut stream, "got one\n").await?, "first\ngot one\n");
    assert!(stream.output().next_frame().await.is_none());
    Ok(())
}

#[tokio::test]
async fn a_stopped_container_cannot_be_attached_to() -> TestResult {
    let container = shell("echo done").wait(Wait::exit()).start().await?;
    let error = container.attach(Attach::new()).await.unwrap_err();
    assert!(error.is_exited(), "{error}");
    assert_eq!(error.summary(), "the container could not be attached to");
    assert!(
        error.to_string().ends_with("hint: the container has to be running: `start` it first"),
        "{error}"
    );
    Ok(())
}

#[tokio::test]
async fn a_paused_container_cannot_be_attached_to() -> TestResult {
    let container = echo().interactive().start().await?;
    container.pause().await?;
    let error = container.attach(Attach::new()).await.unwrap_err();
    assert_eq!(error.summary(), "the container could not be attached to");
    assert!(error.to_string().ends_with("hint: `unpause` it first"), "{error}");
    Ok(())
}

#[tokio::test]
async fn one_that_is_attached_to_is_removed_as_ever() -> TestResult {
    let container = echo().interactive().start().await?;
    let id = container.id().to_owned();
    let mut stream = container.attach(Attach::new()).await?;
    drop(container);
    assert!(!exists(&id));
    while let Some(frame) = stream.output().next_frame().await {
        frame?;
    }
    Ok(())
}
