//! Waiting for commands, health checks, exits, files and time, for all or any of several, and for nothing in
//! particular. Logs, ports, HTTP and waits of one's own have files of their own.

use std::time::{Duration, Instant};

use longshore::{ContainerRequest, Exec, Wait};

use crate::client::{failed_start, shell, text_of, web};
use crate::support::{api, api_with, is_podman, unique, TestResult, BUSYBOX};

const SECOND: Duration = Duration::from_secs(1);

/// Does something after a second, and lives on.
fn in_a_second(command: &str) -> ContainerRequest {
    shell(&format!("sleep 1; {command}; exec sleep 600"))
}

/// The start takes at least a second, and comes to an end.
async fn check(request: ContainerRequest, wait: impl Into<Wait>) -> TestResult {
    let begun = Instant::now();
    let container = request.wait(wait).start().await?;
    assert!(begun.elapsed() >= SECOND, "ready after {:?}", begun.elapsed());
    container.remove().await?;
    Ok(())
}

/// The wait times out after two seconds, and the error's text begins with this.
async fn check_never(request: ContainerRequest, wait: impl Into<Wait>, told: &str) {
    let error = failed_start(request.wait(Wait::all([wait.into()]).timeout(2 * SECOND))).await;
    assert!(error.is_timeout(), "{error}");
    let text = text_of(&error).await;
    assert!(text.contains(told), "`{told}` is not in {text}");
}

#[tokio::test]
async fn a_command_that_succeeds() -> TestResult {
    check(in_a_second("touch /up"), Wait::exec(["test", "-e", "/up"])).await?;
    let told = "`false` in the container to exit with code 0)\n  because: it did not happen in 2s: it exited with code 1 \
                and printed nothing\n";
    check_never(in_a_second("true"), Wait::exec(["false"]), told).await;
    Ok(())
}

#[tokio::test]
async fn a_command_that_exits_with_a_code() -> TestResult {
    let command = ["sh", "-c", "test -e /up && exit 7"];
    check(in_a_second("touch /up"), Wait::exec(command).code(7)).await?;
    let told = "it exited with code 0 and printed: fine";
    check_never(in_a_second("true"), Wait::exec(["echo", "fine"]).code(7), told).await;
    Ok(())
}

#[tokio::test]
async fn a_command_that_prints_something() -> TestResult {
    let request = || in_a_second("echo up 1 > /state");
    let command = || Wait::exec(["sh", "-c", "cat /state; echo asked >&2; true"]);
    check(request(), command().output_contains("up 1")).await?;
    check(request(), command().output_matches("(?m)^up [0-9]$")).await?;
    // On either stream; and the code counts too.
    request().wait(command().output_contains("asked")).start().await?.remove().await?;
    let told = "it exited with code 0 and printed: ";
    check_never(request(), command().output_contains("down"), told).await;
    let failing = Wait::exec(["sh", "-c", "echo up 1; exit 1"]).output_contains("up 1");
    check_never(request(), failing, "it exited with code 1 and printed: up 1").await;
    Ok(())
}

#[tokio::test]
async fn a_command_with_its_own_user_folder_and_environment() -> TestResult {
    let command = Exec::new(["sh", "-c", "test $(id -u)$PWD$WHAT = 65534/tmpup"]);
    let wait = Wait::exec(command.user("65534").workdir("/tmp").env("WHAT", "up"));
    shell("exec sleep 600").wait(wait.timeout(20 * SECOND)).start().await?.remove().await?;
    Ok(())
}

#[tokio::test]
async fn a_command_that_is_not_there_is_told_when_time_is_over() {
    let begun = Instant::now();
    let request = in_a_second("true").wait(Wait::exec(["no-such-command"]).timeout(2 * SECOND));
    let error = failed_start(request).await;
    assert!(error.is_timeout() && begun.elapsed() < 20 * SECOND, "{error}");
    let told = ["`no-such-command` could not be run in the container", "executable file not found"];
    assert!(told.iter().any(|told| error.to_string().contains(told)), "{error}");
}

/// Checks often; unhealthy after the first failure, healthy once there is a file.
fn with_health_check(request: ContainerRequest) -> ContainerRequest {
    request
        .health_cmd("echo looking; test -e /up")
        .health_interval(Duration::from_millis(200))
        .health_retries(1)
}

#[tokio::test]
async fn a_health_check_that_passes_even_after_it_has_failed() -> TestResult {
    check(with_health_check(in_a_second("touch /up")), Wait::healthy()).await
}

#[tokio::test]
async fn a_health_check_that_fails_is_told_with_what_it_printed() {
    let request = with_health_check(shell("exec sleep 600"));
    let error = failed_start(request.wait(Wait::healthy().timeout(2 * SECOND))).await;
    assert!(error.is_timeout(), "{error}");
    let text = text_of(&error).await;
    assert!(text.contains("\n  waiting for: the health check to pass\n"), "{text}");
    let told = if is_podman() {
        "the health check fails: it exited with code 1"
    } else {
        "the health check says `unhealthy`"
    };
    assert!(text.contains(told), "{text}");
    assert!(text.contains("looking"), "{text}");
}

#[tokio::test]
async fn a_health_check_that_nobody_has_declared_is_an_error_at_once() {
    let begun = Instant::now();
    for request in [shell("exec sleep 600"), shell("exec sleep 600").no_healthcheck()] {
        let error = failed_start(request.wait(Wait::healthy())).await;
        assert!(begun.elapsed() < 20 * SECOND);
        assert_eq!(
            text_of(&error).await,
            "the container did not become ready\n  waiting for: the health check to pass\n  because: neither the request \
             nor the image has a health check; declare one with `.health_cmd(..)`\n  image: `busybox:1.35`\n  container: \
             `NAME` (ID)\n  engine: ENGINE"
        );
    }
}

#[tokio::test]
async fn the_exit_of_a_container_that_does_a_job() -> TestResult {
    let begun = Instant::now();
    let container = shell("sleep 1; echo done").wait(Wait::exit()).start().await?;
    assert!(begun.elapsed() >= SECOND);
    assert_eq!(container.logs().await?, "done\n");
    assert_eq!(container.inspect().await?.exit_code(), Some(0));
    container.remove().await?;
    shell("exit 3").wait(Wait::exit().code(3)).start().await?.remove().await?;
    // What it printed on its way counts as well.
    let request = shell("echo migrated").wait(Wait::log("migrated")).wait(Wait::exit());
    request.start().await?.remove().await?;
    Ok(())
}

#[tokio::test]
async fn an_exit_with_another_code_is_an_error() {
    let error = failed_start(shell("echo no such table; exit 3").wait(Wait::exit())).await;
    assert!(error.is_exited());
    assert_eq!(error.exit_code(), Some(3));
    assert_eq!(
        text_of(&error).await,
        "the container exited with code 3\n  waiting for: the container to exit with code 0\n  image: `busybox:1.35`\n  \
         container: `NAME` (ID)\n  engine: ENGINE\n  last output:\n    | no such table"
    );
    let told = "it did not happen in 2s: the container is still running";
    check_never(shell("exec sleep 600"), Wait::exit(), told).await;
}

#[tokio::test]
async fn a_file_or_a_folder() -> TestResult {
    check(in_a_second("touch /tmp/up"), Wait::file("/tmp/up")).await?;
    check(in_a_second("mkdir /tmp/folder"), Wait::file("/tmp/folder")).await?;
    let told = "the file `/no/such` in the container)\n  because: it did not happen in 2s: there is no such file\n";
    check_never(shell("exec sleep 600"), Wait::file("/no/such"), told).await;
    Ok(())
}

#[tokio::test]
async fn some_time() -> TestResult {
    check(shell("exec sleep 600"), Wait::duration(SECOND)).await
}

#[tokio::test]
async fn all_of_several() -> TestResult {
    let request = || shell("touch /one; sleep 1; touch /two; exec sleep 600");
    let waits = |last: &str| {
        Wait::all([Wait::from(Wait::file("/one")), Wait::exec(["test", "-e", last]).into()])
    };
    check(request(), waits("/two")).await?;
    let error = failed_start(request().wait(waits("/three").timeout(2 * SECOND))).await;
    assert!(error.is_timeout(), "{error}");
    let text = text_of(&error).await;
    let told = "waiting for: all of (the file `/one` in the container, `test -e /three` in the container to exit with code \
                0)\n  because: it did not happen in 2s: it exited with code 1 and printed nothing\n";
    assert!(text.contains(told), "only what is missing is told: {text}");
    Ok(())
}

#[tokio::test]
async fn any_of_several() -> TestResult {
    let waits = |first: &str| Wait::any([Wait::from(Wait::file(first)), Wait::log("up").into()]);
    check(in_a_second("touch /up"), waits("/up")).await?;
    check(in_a_second("echo up"), waits("/no/such")).await?;
    // One that fails for good does not stop the others; all of them do.
    let waits = Wait::any([Wait::from(Wait::healthy()), Wait::file("/up").into()]);
    check(in_a_second("touch /up"), waits).await?;
    let waits = Wait::any([Wait::from(Wait::healthy()), Wait::exit().into()]);
    let begun = Instant::now();
    let error = failed_start(shell("sleep 0.5; exit 3").wait(waits)).await;
    assert!(begun.elapsed() < 20 * SECOND && !error.is_timeout(), "{error}");
    let text = error.to_string();
    assert!(text.contains("has a health check") && text.contains("exited with code 3"), "{text}");
    Ok(())
}

#[tokio::test]
async fn any_wait_inside_can_have_a_time_out_of_its_own() -> TestResult {
    let waits = Wait::any([
        Wait::from(Wait::file("/no/such").timeout(Duration::from_millis(100))),
        Wait::file("/up").into(),
    ]);
    check(in_a_second("touch /up"), waits).await
}

/// An image with a health check, built by the engine; gone when this is dropped.
struct Checked(String);

impl Checked {
    fn build() -> Self {
        let dockerfile =
            format!("FROM {BUSYBOX}\nHEALTHCHECK --interval=200ms --retries=1 CMD test -e /up\n");
        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(dockerfile.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, "Dockerfile", dockerfile.as_bytes())
            .expect("memory takes everything");
        let context = tar.into_inner().expect("memory takes everything");
        let context = String::from_utf8(context).expect("a tar of text is text");
        let image = format!("localhost/{}:1", unique("longshore-checked"));
        let (status, told) = api_with("POST", &format!("/build?t={image}"), &context);
        assert_eq!(status, 200, "{told}");
        assert_eq!(api("GET", &format!("/images/{image}/json")).0, 200, "{told}");
        Checked(image)
    }
}

impl Drop for Checked {
    fn drop(&mut self) {
        api("DELETE", &format!("/images/{}?force=1", self.0));
    }
}

#[tokio::test]
async fn the_images_health_check_when_nothing_is_declared() -> TestResult {
    web([80]).start().await?.remove().await?; // the image is here now
    let image = Checked::build();
    let request = || {
        let request = ContainerRequest::new(&image.0).publish("80");
        request.cmd(["sh", "-c", "httpd -p 80; sleep 1; touch /up; exec sleep 600"])
    };
    let begun = Instant::now();
    request().start().await?.remove().await?;
    assert!(begun.elapsed() >= SECOND, "the health check comes before the ports");
    // Without it, the ports are.
    request().no_healthcheck().start().await?.remove().await?;
    Ok(())
}

#[tokio::test]
async fn that_it_runs_when_nothing_is_declared() -> TestResult {
    for request in [shell("exec sleep 600"), shell("while true; do true; done")] {
        let container = request.start().await?;
        assert!(container.inspect().await?.is_running());
        container.remove().await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_whole_start_has_a_time_out_too() {
    let request = shell("echo hello; exec sleep 600").wait(Wait::exec(["false"]));
    let begun = Instant::now();
    let error = failed_start(request.start_timeout(2 * SECOND)).await;
    assert!(begun.elapsed() < 20 * SECOND);
    assert!(error.is_timeout() && !error.is_exited());
    assert_eq!(
        text_of(&error).await,
        "the container was not ready in 2s\n  waiting for: `false` in the container to exit with code 0\n  because: it \
         exited with code 1 and printed nothing\n  image: `busybox:1.35`\n  container: `NAME` (ID)\n  engine: ENGINE\n  \
         last output:\n    | hello\n  hint: give it longer with `.start_timeout(..)`, or wait for something else"
    );
}
