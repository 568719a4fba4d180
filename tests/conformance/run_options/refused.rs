//! What cannot be, told before anything is made: exact texts.

use longshore::ContainerRequest;

use crate::client::{failed_start, Mark};
use crate::support::{get, is_podman, BUSYBOX};

fn request() -> ContainerRequest {
    ContainerRequest::new(BUSYBOX)
}

/// The headline and the hint; nothing was made.
async fn check(request: ContainerRequest, headline: &str, hint: &str) {
    let mark = Mark::new();
    let error = failed_start(mark.on(request)).await;
    assert!(error.is_invalid_request(), "{error}");
    assert_eq!(error.summary(), headline);
    assert!(error.to_string().ends_with(&format!("\n  hint: {hint}")), "{error}");
    assert_eq!(mark.count(), 0);
}

#[tokio::test]
async fn options_that_exclude_each_other() {
    check(
        request().rm(true).restart("always"),
        "`--restart always` and `--rm` cannot both be",
        "a container that is removed at its end is not started again: leave one of them away",
    )
    .await;
    check(
        request().health_cmd("true").no_healthcheck(),
        "`--no-healthcheck` and the `--health-*` options cannot both be",
        "leave one of them away",
    )
    .await;
    check(
        request().cpus(1.5).cpu_quota(50_000),
        "`--cpus` and `--cpu-quota` cannot both be",
        "`--cpus` is a period and a quota: leave one of them away",
    )
    .await;
    check(
        request().uts("host").hostname("box"),
        "`--hostname` and `--uts host` cannot both be",
        "the container has the host's name then: leave one of them away",
    )
    .await;
    check(
        request().network("host").network("bridge"),
        "a container cannot be on the network `host` and on others",
        "leave the others away",
    )
    .await;
    check(
        request().network("name=back,alias=db").network_alias("database"),
        "`--network-alias` and the long form of `--network` cannot both be",
        "say all of it in the long form: `name=backend,alias=db,ip=10.5.0.7`",
    )
    .await;
}

#[tokio::test]
async fn options_that_need_others() {
    check(
        request().network_alias("db"),
        "a network alias needs a network of your own",
        "name one with `.network(..)`",
    )
    .await;
    check(
        request().ip("10.5.0.7"),
        "`--ip` needs a network of your own",
        "make one with a subnet, and name it with `.network(..)`",
    )
    .await;
    check(
        request().memory_swap("1g"),
        "`--memory-swap 1g` needs a limit of memory",
        "it is memory and swap together: write `--memory` too",
    )
    .await;
}

#[tokio::test]
async fn values_out_of_bounds() {
    check(
        request().memory("5m"),
        "5m of memory is not enough for a container",
        "Docker gives 6m or more",
    )
    .await;
    check(
        request().memory("64m").memory_swap("32m"),
        "`--memory-swap 32m` is less than `--memory 64m`",
        "it is memory and swap together",
    )
    .await;
    check(
        request().oom_score_adj(2000),
        "`2000` is not a number for `--oom-score-adj`",
        "write a whole number; it is between -1000 and 1000",
    )
    .await;
    check(
        request().ipc("nobody"),
        "`nobody` is not a mode for `--ipc`",
        "it is one of `none`, `private`, `shareable`, `host`, `container:NAME`",
    )
    .await;
    check(
        request().env_file("no/such/file"),
        "the file `no/such/file` of `--env-file` cannot be read: No such file or directory (os error 2)",
        "a relative path starts at the current folder, which is the package's under `cargo test`",
    )
    .await;
}

#[tokio::test]
async fn what_an_older_engine_would_pass_over() {
    let speaks = get("/version")["ApiVersion"].as_str().unwrap_or_default().to_owned();
    let request = request().cmd(["sleep", "600"]).annotation("one", "1");
    if speaks == "1.41" && !is_podman() {
        check(
            request,
            "`--annotation` needs version 1.43 of the engine's API",
            "use a newer engine, or leave it away",
        )
        .await;
    } else {
        let container = request.start().await.expect("newer engines take it");
        let given = container.inspect().await.expect("it runs").raw()["HostConfig"]["Annotations"]
            ["one"]
            .clone();
        assert!(given == "1" || is_podman(), "{given}");
        container.remove().await.expect("it goes");
    }
}

#[test]
fn lines_that_are_none() {
    let told = |line: &str| ContainerRequest::from_run(line).unwrap_err().to_string();
    assert_eq!(
        told("docker run --memroy 5m busybox"),
        "`--memroy` is not an option of `docker run`\n  hint: did you mean `--memory`?"
    );
    assert_eq!(
        told("docker run --cidfile x busybox"),
        "`--cidfile` is not supported\n  hint: the id is `container.id()`"
    );
}
