//! The API without async: in plain tests, and inside of whatever executor a test may already be in.

use std::fs;

use longshore::blocking::{remove_all, Container};
use longshore::{
    Attach, Commit, ContainerRequest, Engine, Exec, Hooks, LogOptions, Update, Wait, WaitCondition,
};

use super::client::{http_get, shell};
use super::support::{exists, unique, TestResult, BUSYBOX};

fn idle() -> ContainerRequest {
    ContainerRequest::new(BUSYBOX).cmd(["sleep", "1000"]).stop_signal("KILL")
}

/// Starts one, uses it and drops it.
fn use_one() -> TestResult {
    let container =
        shell("echo ready; exec sleep 1000").wait(Wait::log("ready")).start_blocking()?;
    assert_eq!(container.exec(["echo", "hello"])?.stdout_str()?, "hello\n");
    assert_eq!(container.logs()?, "ready\n");
    let id = container.id().to_owned();
    drop(container);
    assert!(!exists(&id));
    Ok(())
}

#[test]
fn the_first_example_works_without_async() -> TestResult {
    let web = ContainerRequest::new("busybox:1.35")
        .publish("8000-9000:80")
        .env("GREETING", "hello")
        .cmd(["sh", "-c", "echo ready; exec httpd -f -p 80 -h /www"])
        .copy_to("tests/data/index.html", "/www/index.html")
        .wait(Wait::log("ready"))
        .wait(Wait::http("/index.html").port(80).status(200))
        .start_blocking()?;
    let address = web.address(80)?;
    assert!((8000..=9000).contains(&address.port()));
    assert_eq!(address.to_string(), format!("127.0.0.1:{}", address.port()));
    let page = fs::read_to_string("tests/data/index.html")?;
    assert_eq!(http_get(&address, "/index.html")?, (200, page.clone()));
    let output = web.exec(["sh", "-c", "echo $GREETING; exit 3"])?;
    assert_eq!((output.code(), output.stdout_str()?), (3, "hello\n"));
    let out = std::env::temp_dir().join(unique("longshore-www"));
    web.copy_from("/www", &out)?;
    assert_eq!(fs::read_to_string(out.join("index.html"))?, page);
    fs::remove_dir_all(&out)?;
    assert_eq!(web.logs()?, "ready\n");
    let id = web.id().to_owned();
    web.remove()?;
    assert!(!exists(&id));
    Ok(())
}

#[test]
fn on_a_plain_thread() -> TestResult {
    use_one()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inside_a_multi_thread_runtime() -> TestResult {
    use_one()
}

#[tokio::test]
async fn inside_a_current_thread_runtime() -> TestResult {
    use_one()
}

#[tokio::test]
async fn inside_a_runtime_on_a_thread_for_blocking() -> TestResult {
    let used = tokio::task::spawn_blocking(|| use_one().map_err(|error| error.to_string()));
    Ok(used.await??)
}

#[test]
fn inside_another_executor() -> TestResult {
    futures::executor::block_on(async { use_one() })
}

#[tokio::test]
async fn a_handle_made_outside_is_dropped_inside_async_code() -> TestResult {
    let make = || idle().start_blocking();
    let container = std::thread::spawn(make).join().expect("no panic")?;
    let id = container.id().to_owned();
    tokio::spawn(async move { drop(container) }).await?;
    assert!(!exists(&id));
    Ok(())
}

#[test]
fn an_async_handle_can_be_had() -> TestResult {
    let container: Container = idle().start_blocking()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let container = container.into_async();
    let output = runtime.block_on(container.exec(["echo", "hello"]))?;
    assert_eq!(output.stdout_str()?, "hello\n");
    drop(runtime);
    let id = container.id().to_owned();
    drop(container);
    assert!(!exists(&id));
    Ok(())
}

#[test]
fn output_is_an_iterator() -> TestResult {
    let container =
        shell("mkfifo /in; exec 3<>/in; echo ready; while read line <&3; do echo got $line; done")
            .wait(Wait::log("ready"))
            .start_blocking()?;
    let mut logs = container.follow_logs()?;
    let next = |logs: &mut longshore::blocking::Logs| -> longshore::Result<String> {
        Ok(logs.next().expect("a frame")?.text().into_owned())
    };
    assert_eq!(next(&mut logs)?, "ready\n");
    for line in ["one", "two"] {
        container.exec(["sh", "-c", &format!("echo {line} >/in")])?.ok()?;
        assert_eq!(next(&mut logs)?, format!("got {line}\n"));
    }
    let mut last = container.follow_logs_with(LogOptions::new().tail(1))?;
    assert_eq!(next(&mut last)?, "got two\n");
    container.kill("KILL")?;
    assert!(logs.next().is_none() && last.next().is_none());
    assert_eq!(container.wait()?, 137);
    Ok(())
}

#[test]
fn a_commands_streams_go_both_ways() -> TestResult {
    let container = idle().start_blocking()?;
    let command = ["sh", "-c", "while read line; do echo got $line; done; exit 6"];
    let mut stream = container.exec_stream(Exec::new(command).interactive())?;
    for line in ["one", "two"] {
        stream.write(format!("{line}\n"))?;
        let frame = stream.next_frame()?.expect("a frame");
        assert_eq!(frame.text(), format!("got {line}\n"));
    }
    stream.close_input();
    assert!(stream.next_frame()?.is_none());
    assert!(stream.write("three").is_err());
    assert_eq!(stream.wait()?, 6);
    let stream = container.exec_stream(Exec::new(["cat"]).tty().interactive())?;
    stream.resize(100, 30)?;
    Ok(())
}

#[test]
fn the_verbs_of_life() -> TestResult {
    let container = idle().start_blocking()?;
    container.pause()?;
    container.unpause()?;
    container.stop()?;
    container.copy_to(b"content", "/file")?;
    assert_eq!(container.read_file("/file")?, b"content");
    container.start()?;
    container.restart()?;
    assert!(container.inspect()?.is_running());
    container.stop_within(std::time::Duration::from_secs(1))?;
    assert_eq!(container.wait()?, 137);
    assert_eq!(container.engine().address(), Engine::connect_blocking()?.address());
    container.engine().ping_blocking()?;
    Ok(())
}

#[test]
fn hooks_and_a_named_engine() -> TestResult {
    let (sender, lines) = std::sync::mpsc::channel();
    let hooks = Hooks::new().on_log(move |frame| drop(sender.send(frame.text().into_owned())));
    let container = shell("echo hello").wait(Wait::exit()).start_with_blocking(hooks)?;
    drop(container);
    assert_eq!(lines.iter().collect::<String>(), "hello\n");
    let engine = Engine::connect_to_blocking(&Engine::connect_blocking()?.address())?;
    let containers = [idle().start_on_blocking(&engine)?, idle().start_on_blocking(&engine)?];
    let ids = containers.each_ref().map(|container| container.id().to_owned());
    remove_all(containers)?;
    assert!(ids.iter().all(|id| !exists(id)));
    Ok(())
}

#[test]
fn a_failed_start_is_an_error() {
    let error = shell("exit 9").wait(Wait::log("ready")).start_blocking().unwrap_err();
    assert_eq!(error.summary(), "the container exited with code 9 before it was ready");
}

#[test]
fn a_container_is_looked_into_and_changed_without_async() -> TestResult {
    let mut container = idle().start_blocking()?;
    let name = unique("blocking-name");
    container.rename(&name)?;
    assert_eq!(container.inspect()?.name(), name);
    container.exec(["touch", "/new"])?.ok()?;
    assert!(container.changes()?.iter().any(|change| change.to_string() == "A /new"));
    assert_eq!(container.top()?.processes().len(), 1);
    assert!(container.top_with("-o pid,comm").is_ok_and(|top| top.column("PID").is_some()));
    assert!(container.stats()?.memory_usage() > 0);
    let sample = container.follow_stats()?.next().ok_or("a sample")??;
    assert!(sample.pids() > 0);
    assert!(container.ports().is_empty());
    container.update(Update::new().memory("64m").memory_swap("64m"))?;
    assert!(container.resize(80, 25).is_err());
    container.kill("KILL")?;
    assert_eq!(container.wait_for(WaitCondition::NotRunning)?, 137);
    Ok(())
}

#[test]
fn something_is_made_of_a_container_without_async() -> TestResult {
    let container = idle().start_blocking()?;
    container.exec(["sh", "-c", "echo kept > /mark"])?.ok()?;
    let image = container.commit(Commit::new())?;
    let next = ContainerRequest::new(&image).cmd(["cat", "/mark"]).wait(Wait::exit());
    assert_eq!(next.start_blocking()?.logs()?, "kept\n");
    let archive = std::env::temp_dir().join(unique("blocking-export"));
    container.export(&archive)?;
    let size = fs::metadata(&archive)?.len();
    fs::remove_file(&archive)?;
    let mut streamed = 0;
    for piece in container.export_stream()? {
        streamed += piece?.len() as u64;
    }
    assert_eq!(streamed, size);
    Ok(())
}

#[test]
fn a_container_is_attached_to_without_async() -> TestResult {
    let script = "echo ready; while read line; do echo got $line; done";
    let request = ContainerRequest::new(BUSYBOX).cmd(["sh", "-c", script]).interactive();
    let container = request.wait(Wait::log("ready")).start_blocking()?;
    let mut stream = container.attach(Attach::new().logs())?;
    stream.write("one\n")?;
    let mut seen = String::new();
    while !seen.contains("got one\n") {
        seen.push_str(&stream.next_frame()?.ok_or("the output ended")?.text());
    }
    assert!(seen.starts_with("ready\n"), "{seen:?}");
    assert!(stream.resize(80, 25).is_err());
    container.kill("KILL")?;
    while stream.next_frame()?.is_some() {}
    Ok(())
}
