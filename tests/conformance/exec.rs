//! Commands in a container: exit code, streams both ways, and what is told of one that cannot be run.

use futures::future::try_join_all;
use longshore::{Container, ContainerRequest, Exec, ExecStream, LogSource, Wait};

use super::support::{TestResult, BUSYBOX};

async fn idle() -> longshore::Result<Container> {
    ContainerRequest::new(BUSYBOX).cmd(["sleep", "1000"]).start().await
}

fn shell(script: &str) -> Exec {
    Exec::new(["sh", "-c", script])
}

/// Reads output until it holds `text`.
async fn read_until(stream: &mut ExecStream, text: &str) -> longshore::Result<String> {
    let mut seen = String::new();
    while !seen.contains(text) {
        let frame = stream.output().next_frame().await;
        let frame =
            frame.unwrap_or_else(|| panic!("the output ended: {seen:?} has no {text:?}"))?;
        seen.push_str(&frame.text());
    }
    Ok(seen)
}

#[tokio::test]
async fn gives_the_exit_code_and_the_streams_apart() -> TestResult {
    let container = idle().await?;
    let output = container.exec(["sh", "-c", "echo out; echo err >&2; exit 3"]).await?;
    assert_eq!(output.code(), 3);
    assert!(!output.success());
    assert_eq!((output.stdout_str()?, output.stderr_str()?), ("out\n", "err\n"));
    let error = output.ok().unwrap_err();
    assert!(error.summary().ends_with("in the container exited with code 3"), "{error}");
    assert_eq!(error.exit_code(), Some(3));
    let mut told = error.output().to_vec();
    told.sort();
    assert_eq!(told, ["err", "out"]);
    assert!(container.exec(["true"]).await?.ok()?.success());
    Ok(())
}

#[tokio::test]
async fn takes_environment_user_and_folder() -> TestResult {
    let container = ContainerRequest::new(BUSYBOX)
        .env("FROM_REQUEST", "kept")
        .cmd(["sleep", "1000"])
        .start()
        .await?;
    let command = shell("echo $FROM_REQUEST; echo $GREETING; id -u; id -g; pwd")
        .env("GREETING", "hello = world")
        .user("1000:1001")
        .workdir("/tmp");
    let output = container.exec(command).await?.ok()?;
    assert_eq!(output.stdout_str()?, "kept\nhello = world\n1000\n1001\n/tmp\n");
    Ok(())
}

#[tokio::test]
async fn words_are_passed_on_as_they_are() -> TestResult {
    let container = idle().await?;
    let words = ["printf", "<%s>", "two words", "$HOME", "", "é", "\"'\\"];
    let output = container.exec(words).await?.ok()?;
    assert_eq!(output.stdout_str()?, "<two words><$HOME><><é><\"'\\>");
    Ok(())
}

#[tokio::test]
async fn with_a_terminal_both_streams_are_one() -> TestResult {
    let container = idle().await?;
    let output = container.exec(shell("tty; echo err >&2; exit 4").tty()).await?;
    assert_eq!(output.code(), 4);
    let text = output.stdout_str()?;
    assert!(text.starts_with("/dev/pts/") && text.ends_with("\r\nerr\r\n"), "{text:?}");
    assert_eq!(output.stderr(), b"");
    assert!(output.frames().iter().all(|frame| frame.source() == LogSource::Console));
    Ok(())
}

#[tokio::test]
async fn standard_input_comes_whole_and_ends() -> TestResult {
    let container = idle().await?;
    let input: Vec<u8> = (0..1_000_000_u32).map(|count| (count % 251) as u8).collect();
    let output = container.exec(Exec::new(["cat"]).stdin(input.clone())).await?.ok()?;
    assert!(output.stdout() == input, "{} of {} bytes", output.stdout().len(), input.len());
    let output = container.exec(Exec::new(["wc", "-c"]).stdin("")).await?;
    assert_eq!(output.stdout_str()?.trim(), "0");
    Ok(())
}

#[tokio::test]
async fn a_command_that_leaves_its_input_unread_is_fine() -> TestResult {
    let container = idle().await?;
    let output = container.exec(shell("exit 5").stdin(vec![b'x'; 8_000_000])).await?;
    assert_eq!(output.code(), 5);
    Ok(())
}

#[tokio::test]
async fn a_command_without_input_reads_end_of_file() -> TestResult {
    let container = idle().await?;
    let output = container.exec(["cat"]).await?;
    assert_eq!((output.code(), output.stdout()), (0, &b""[..]));
    Ok(())
}

#[tokio::test]
async fn streams_go_both_ways_while_it_runs() -> TestResult {
    let container = idle().await?;
    let command = shell("while read line; do echo got $line; done; exit 6").interactive();
    let mut stream = container.exec_stream(command).await?;
    stream.input().write("one\n").await?;
    assert_eq!(read_until(&mut stream, "\n").await?, "got one\n");
    stream.input().write("two\n").await?;
    assert_eq!(read_until(&mut stream, "\n").await?, "got two\n");
    stream.input().close();
    assert!(stream.output().next_frame().await.is_none());
    let error = stream.input().write("three\n").await.unwrap_err();
    assert_eq!(error.to_string(), "the input of the command is closed");
    assert_eq!(stream.wait().await?, 6);
    Ok(())
}

#[tokio::test]
async fn input_given_beforehand_is_followed_by_what_is_written() -> TestResult {
    let container = idle().await?;
    let mut stream = container.exec_stream(Exec::new(["cat"]).stdin("first ")).await?;
    stream.input().write("second").await?;
    stream.input().close();
    assert_eq!(read_until(&mut stream, "second").await?, "first second");
    assert_eq!(stream.wait().await?, 0);
    Ok(())
}

#[tokio::test]
async fn a_stream_tells_its_two_outputs_apart() -> TestResult {
    let container = idle().await?;
    let mut stream = container.exec_stream(shell("echo out; echo err >&2; exit 2")).await?;
    let (mut out, mut err) = (String::new(), String::new());
    while let Some(frame) = stream.output().next_frame().await {
        let frame = frame?;
        let into = if frame.source() == LogSource::Stderr { &mut err } else { &mut out };
        into.push_str(&frame.text());
    }
    assert_eq!((out.as_str(), err.as_str()), ("out\n", "err\n"));
    assert!(stream.input().write("x").await.is_err(), "there is no input unless it is asked for");
    assert_eq!(stream.wait().await?, 2);
    Ok(())
}

#[tokio::test]
async fn a_stream_dropped_half_way_harms_nothing() -> TestResult {
    let container = idle().await?;
    let mut stream = container.exec_stream(["yes"]).await?;
    read_until(&mut stream, "y\n").await?;
    drop(stream);
    assert_eq!(container.exec(["echo", "fine"]).await?.stdout_str()?, "fine\n");
    container.remove().await?;
    Ok(())
}

#[tokio::test]
async fn a_terminal_takes_the_size_that_it_is_given() -> TestResult {
    let container = idle().await?;
    let command = shell("echo ready; read line; stty size").tty().interactive();
    let mut stream = container.exec_stream(command).await?;
    read_until(&mut stream, "ready").await?;
    stream.resize(120, 40).await?;
    stream.input().write("\n").await?;
    read_until(&mut stream, "40 120").await?;
    assert_eq!(stream.wait().await?, 0);
    Ok(())
}

#[tokio::test]
async fn privileged_reaches_the_engine() -> TestResult {
    let container = idle().await?;
    let capabilities = Exec::new(["grep", "CapEff", "/proc/self/status"]);
    let usual = container.exec(capabilities.clone()).await?.ok()?;
    // Where the engine itself may not grant everything, its refusal is told.
    match container.exec(capabilities.privileged()).await {
        Ok(output) => assert!(output.ok()?.stdout_str()? > usual.stdout_str()?),
        Err(error) => assert!(error.to_string().contains("operation not permitted"), "{error}"),
    }
    Ok(())
}

#[tokio::test]
async fn ten_megabytes_of_output_come_whole() -> TestResult {
    let container = idle().await?;
    let output =
        container.exec(shell("head -c 10000000 /dev/zero | tr '\\0' x; echo -n end")).await?;
    assert_eq!(output.code(), 0);
    let (body, end) = output.stdout().split_at(10_000_000);
    assert!(body.iter().all(|byte| *byte == b'x'));
    assert_eq!(end, b"end");
    Ok(())
}

#[tokio::test]
async fn any_byte_comes_through_and_what_is_not_utf_8_is_an_error_as_text_only() -> TestResult {
    let container = idle().await?;
    let every: Vec<u8> = (0..=255).collect();
    let output = container.exec(Exec::new(["cat"]).stdin(every.clone())).await?;
    assert_eq!(output.stdout(), every);
    let error = output.stdout_str().unwrap_err();
    assert_eq!(
        error.to_string(),
        "standard output of the command is not UTF-8 from byte 128 on\n  hint: take the bytes: `output.stdout()`"
    );
    Ok(())
}

#[tokio::test]
async fn a_command_that_is_not_in_the_image_is_a_clear_error() -> TestResult {
    let container = idle().await?;
    let error = container.exec(["no-such-command", "-x"]).await.unwrap_err();
    assert_eq!(error.summary(), "`no-such-command -x` could not be run in the container");
    assert!(!error.is_not_found(), "the container is there: {error}");
    let told = error.to_string();
    for part in ["no-such-command", "not found", "image: `busybox:1.35`", container.name()] {
        assert!(told.contains(part), "{part} is missing: {told}");
    }
    assert_eq!(container.exec(["echo", "fine"]).await?.stdout_str()?, "fine\n");
    Ok(())
}

#[tokio::test]
async fn a_folder_or_user_that_is_not_there_is_a_clear_error() -> TestResult {
    let container = idle().await?;
    for (command, part) in [
        (Exec::new(["true"]).user("nobody-here"), "nobody-here"),
        (Exec::new(["true"]).workdir("/no/such/folder"), "/no/such/folder"),
    ] {
        let error = container.exec(command).await.unwrap_err();
        assert_eq!(error.summary(), "`true` could not be run in the container");
        assert!(error.to_string().contains(part), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn a_command_that_itself_exits_like_a_missing_one_is_no_error() -> TestResult {
    let container = idle().await?;
    assert_eq!(container.exec(shell("exit 126")).await?.code(), 126);
    let output = container.exec(shell("no-such-command")).await?;
    assert_eq!(output.code(), 127);
    assert!(output.stderr_str()?.contains("not found"));
    Ok(())
}

#[tokio::test]
async fn an_empty_command_is_refused_here() -> TestResult {
    let container = idle().await?;
    let error = container.exec(Vec::<String>::new()).await.unwrap_err();
    assert!(error.is_invalid_request());
    assert_eq!(error.summary(), "the command to run in the container is empty");
    Ok(())
}

#[tokio::test]
async fn in_a_stopped_container_it_is_a_clear_error() -> TestResult {
    let container = ContainerRequest::new(BUSYBOX).cmd(["true"]).wait(Wait::exit()).start().await?;
    let failures = [
        container.exec(["echo", "x"]).await.err(),
        container.exec_stream(["echo", "x"]).await.err(),
    ];
    for error in failures {
        let error = error.expect("nothing can run in a stopped container");
        assert_eq!(error.summary(), "`echo x` could not be run in the container");
        assert!(error.to_string().contains("running"), "{error}");
        assert!(error.to_string().contains(container.name()), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn the_exit_code_is_right_every_time() -> TestResult {
    let container = idle().await?;
    for code in 0..50 {
        let output = container.exec(["sh", "-c", &format!("echo {code}; exit {code}")]).await?;
        assert_eq!((output.code(), output.stdout_str()?), (code, format!("{code}\n").as_str()));
    }
    Ok(())
}

#[tokio::test]
async fn many_at_once_are_not_mixed_up() -> TestResult {
    let container = idle().await?;
    let script = |code: i64| format!("echo out {code}; echo err {code} >&2; exit {code}");
    let outputs = try_join_all((0..25).map(|code| container.exec(shell(&script(code))))).await?;
    for (code, output) in (0..).zip(&outputs) {
        assert_eq!(output.code(), code);
        assert_eq!(output.stdout_str()?, format!("out {code}\n"));
        assert_eq!(output.stderr_str()?, format!("err {code}\n"));
    }
    Ok(())
}
