//! A request is data: it can be cloned, kept as text and started any number of times, and means the same each time.

use std::time::Duration;

use longshore::{ContainerRequest, CopyIn, Exec, PullPolicy, Wait};
use serde_json::{json, Value};

use crate::client::{page, shell, web, Mark};
use crate::support::{TestResult, BUSYBOX};

/// Something of everything.
fn request() -> ContainerRequest {
    ContainerRequest::new(BUSYBOX)
        .label("one", "1")
        .env("GREETING", "hello")
        .envs([("A", "b c"), ("EMPTY", "")])
        .user("0:0")
        .workdir("/tmp")
        .hostname("the-host")
        .publish("80")
        .expose("81")
        .publish_all()
        .add_host("other:10.0.0.1")
        .tmpfs("/scratch:size=1m")
        .memory("64m")
        .shm_size("32m")
        .cap_drop("NET_RAW")
        .stop_signal("SIGKILL")
        .stop_timeout(Duration::from_secs(3))
        .pull(PullPolicy::Missing)
        .copy_to("tests/data/index.html", "/www/index.html")
        .copy(CopyIn::new(vec![0, 159, 146, 150], "/bytes").mode(0o640).uid(7).gid(8))
        .health_cmd("test -e /tmp/up")
        .health_interval(Duration::from_millis(200))
        .raw(json!({ "HostConfig": { "PidsLimit": 99 } }))
        .cmd([
            "sh",
            "-c",
            "echo ready; touch /tmp/up; httpd -p 81 -h /www; exec httpd -f -p 80 -h /www",
        ])
        .wait(Wait::log("ready").stdout().timeout(Duration::from_secs(30)))
        .wait(Wait::log_matches("^re[a]dy").times(1))
        .wait(Wait::all([
            Wait::from(Wait::port(80)),
            Wait::http("/index.html")
                .port("81/tcp")
                .header("A", "b")
                .status_in([200, 204])
                .body_contains("longshore")
                .into(),
            Wait::exec(Exec::new(["true"]).env("A", "b")).output_matches("^$").into(),
        ]))
        .wait(Wait::any([
            Wait::from(Wait::healthy()),
            Wait::duration(Duration::from_secs(50)).into(),
        ]))
        .wait(Wait::file("/bytes").interval(Duration::from_millis(10)))
        .wait(Wait::running())
        .start_timeout(Duration::from_secs(55))
}

/// What the engine was told, without what is new each time.
async fn meaning(request: &ContainerRequest) -> Result<Value, Box<dyn std::error::Error>> {
    let container = request.start().await?;
    assert_eq!(page(container.address(80)?)?, page(container.address(81)?)?);
    let greeting = container.exec(["sh", "-c", "echo $GREETING $(hostname) $PWD"]).await?;
    assert_eq!(greeting.stdout_str()?, "hello the-host /tmp\n");
    assert_eq!(container.read_file("/bytes").await?, [0, 159, 146, 150]);
    let owner = container.exec(["stat", "-c", "%a %u %g", "/bytes"]).await?;
    assert_eq!(owner.stdout_str()?, "640 7 8\n");
    let inspect = container.inspect().await?.raw().clone();
    container.remove().await?;
    let mut config = inspect["Config"].clone();
    config["Labels"] = config["Labels"]["one"].clone();
    // Podman keeps the environment in no order.
    let variables = config["Env"].as_array_mut().ok_or("an environment")?;
    variables.sort_by_key(Value::to_string);
    let host = &inspect["HostConfig"];
    Ok(json!([
        config,
        host["Memory"],
        host["ShmSize"],
        host["ExtraHosts"],
        host["PidsLimit"],
        host["Tmpfs"]
    ]))
}

#[tokio::test]
async fn one_that_was_text_meanwhile_starts_the_same_container() -> TestResult {
    let text = serde_json::to_string_pretty(&request())?;
    let read: ContainerRequest = serde_json::from_str(&text)?;
    assert_eq!(read, request());
    assert_eq!(serde_json::to_string_pretty(&read)?, text);
    assert_eq!(read.fingerprint()?, request().fingerprint()?);
    assert_eq!(meaning(&read).await?, meaning(&request()).await?);
    Ok(())
}

#[tokio::test]
async fn a_short_one_is_short_text() -> TestResult {
    let request = ContainerRequest::new("redis:7.0").publish("6379");
    assert_eq!(
        serde_json::to_value(&request)?,
        json!({ "image": "redis:7.0", "publish": ["6379"] })
    );
    let read: ContainerRequest =
        serde_json::from_value(json!({ "image": "redis:7.0", "publish": ["6379"] }))?;
    assert_eq!(read, request);
    Ok(())
}

#[tokio::test]
async fn one_request_can_be_started_any_number_of_times() -> TestResult {
    let mark = Mark::new();
    let request = mark.on(web([80]).publish("80"));
    let before = request.clone();
    let (first, second, third) =
        (request.start().await?, request.start().await?, request.clone().start().await?);
    assert_eq!(request, before);
    assert_eq!(mark.count(), 3);
    for container in [&first, &second, &third] {
        assert_eq!(page(container.address(80)?)?, "I am 80\n");
    }
    assert!(first.id() != second.id() && first.name() != second.name());
    longshore::remove_all([first, second, third]).await?;
    assert_eq!(mark.count(), 0);
    Ok(())
}

#[tokio::test]
async fn a_start_that_was_not_awaited_makes_nothing() {
    let mark = Mark::new();
    drop(mark.on(shell("exec sleep 600")).start());
    assert_eq!(mark.count(), 0);
}

#[tokio::test]
async fn an_entry_point_drops_the_images_command() -> TestResult {
    // The image's command is `sh`, which would be an argument of `echo`.
    let container = ContainerRequest::new(BUSYBOX)
        .entrypoint(["echo", "said:"])
        .wait(Wait::exit())
        .start()
        .await?;
    assert_eq!(container.logs().await?, "said:\n");
    container.remove().await?;
    let request = ContainerRequest::new(BUSYBOX).entrypoint(["echo", "said:"]).cmd(["hello"]);
    let container = request.wait(Wait::exit()).start().await?;
    assert_eq!(container.logs().await?, "said: hello\n");
    container.remove().await?;
    Ok(())
}
