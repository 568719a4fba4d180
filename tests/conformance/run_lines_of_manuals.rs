//! Lines of `docker run` as they stand in manuals: pasted, started, used. (Names and ports that a manual fixes are left to chance, as
//! other tests run side by side.)

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use longshore::{ContainerRequest, Wait};

use super::client::{failed_start, http_get, text_and_cause_of};
use super::support::{unique, TestResult};

#[tokio::test]
async fn nginx_with_a_folder_of_the_project() -> TestResult {
    let name = unique("some-nginx");
    let line = format!(
        "docker run --name {name} -v ./tests/data:/usr/share/nginx/html:ro -d -p 127.0.0.1::80 nginx:1.22"
    );
    let nginx = ContainerRequest::from_run(&line)?.start().await?;
    assert_eq!(nginx.name(), name);
    let page = std::fs::read_to_string("tests/data/index.html")?;
    assert_eq!(http_get(nginx.address(80)?, "/index.html")?, (200, page));
    Ok(())
}

#[tokio::test]
async fn postgres_over_several_lines() -> TestResult {
    let request = ContainerRequest::from_run(
        r#"
        $ docker run -d \
            -e POSTGRES_PASSWORD='my secret password' \
            -e PGDATA=/var/lib/postgresql/data/pgdata \
            -v /var/lib/postgresql/data \
            --shm-size=256mb --health-cmd="pg_isready -U postgres" --health-interval=1s \
            postgres:15 -c shared_buffers=256MB -c 'max_connections=200'   # the server's own options
        "#,
    )?;
    let postgres = request.start().await?;
    let show = |what: &'static str| postgres.exec(["psql", "-U", "postgres", "-tAc", what]);
    assert_eq!(show("SHOW max_connections").await?.ok()?.stdout_str()?, "200\n");
    assert_eq!(show("SHOW shared_buffers").await?.ok()?.stdout_str()?, "256MB\n");
    Ok(())
}

#[tokio::test]
async fn redis_with_a_command_of_its_own() -> TestResult {
    let redis = ContainerRequest::from_run(
        "docker run -p 6379 -d redis:7.0 redis-server --save 60 1 --loglevel warning",
    )?;
    let redis = redis.start().await?;
    let address = redis.address(6379)?;
    let mut stream = TcpStream::connect((address.host(), address.port()))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.write_all(b"PING\r\n")?;
    let mut answer = [0; 7];
    stream.read_exact(&mut answer)?;
    assert_eq!(&answer, b"+PONG\r\n");
    Ok(())
}

#[tokio::test]
async fn a_shell_in_a_terminal_stays() -> TestResult {
    let shell = ContainerRequest::from_run("docker run -it --rm busybox:1.35 sh")?.start().await?;
    assert!(shell.inspect().await?.is_running());
    assert_eq!(shell.exec(["echo", "hello"]).await?.stdout_str()?, "hello\n");
    Ok(())
}

#[tokio::test]
async fn a_job_that_ends_is_waited_for() -> TestResult {
    let request =
        ContainerRequest::from_run(r#"docker run --rm busybox:1.35 sh -c "echo 'a \$b'; exit 0""#)?;
    let error = failed_start(request.clone()).await;
    let (text, _) = text_and_cause_of(&error).await;
    assert!(
        text.starts_with("the container exited with code 0 before it was ready\n")
            && text.contains("hint: a container that does its job and ends is waited for with `.wait(Wait::exit())`"),
        "{text}"
    );
    let job = request.wait(Wait::exit()).start().await?;
    assert_eq!(job.logs().await?, "a $b\n");
    Ok(())
}

#[tokio::test]
async fn an_option_behind_the_image_is_told() -> TestResult {
    let error =
        failed_start(ContainerRequest::from_run("docker run -d busybox:1.35 -p 8080:80")?).await;
    let (text, cause) = text_and_cause_of(&error).await;
    assert_eq!(
        text,
        "the command of the container cannot be run
  image: `busybox:1.35`
  container: `NAME` (ID)
  engine: ENGINE
  hint: `-p` stands behind the image, where the command is; options of `docker run` come before it"
    );
    assert!(cause.contains("-p"), "{cause}");
    Ok(())
}

#[tokio::test]
async fn a_line_of_to_run_makes_the_same_again() -> TestResult {
    let request = ContainerRequest::new("busybox:1.35")
        .env("GREETING", "it's \"$HOME\"\nand more")
        .label("a b", "c'd")
        .workdir("/with space")
        .cmd(["sh", "-c", "echo \"$GREETING\"; pwd"])
        .wait(Wait::exit());
    let again = ContainerRequest::from_run(&request.to_run())?.wait(Wait::exit());
    assert_eq!(again, request);
    let output = again.start().await?.logs().await?;
    assert_eq!(output, "it's \"$HOME\"\nand more\n/with space\n");
    Ok(())
}
