//! What cannot be, told before anything is made: exact texts.

use longshore::{ContainerRequest, Mount, Wait};

use super::{idle, speaks};
use crate::client::{failed_start, text_of, Mark};
use crate::support::{is_podman, TestResult};

/// The headline and the hint of a request that is refused, by `start` as by `create`, and made by neither.
async fn check(request: ContainerRequest, headline: &str, hint: &str) {
    let mark = Mark::new();
    let marked = mark.on(request);
    let expected = format!("{headline}\n  image: `busybox:1.35`\n  hint: {hint}");
    for error in [marked.start().await.err(), marked.create().await.err()] {
        let error = error.unwrap_or_else(|| panic!("it was made: {}", marked.to_run()));
        assert!(error.is_invalid_request(), "{error}");
        assert_eq!(error.to_string(), expected);
    }
    assert_eq!(mark.count(), 0, "{headline}");
}

#[tokio::test]
async fn what_cannot_be_together() {
    check(
        idle().restart("always").rm(true),
        "`--restart always` and `--rm` cannot both be",
        "a container that is removed at its end is not started again: leave one of them away",
    )
    .await;
    check(
        idle().health_cmd("true").no_healthcheck(),
        "`--no-healthcheck` and the `--health-*` options cannot both be",
        "leave one of them away",
    )
    .await;
    check(
        idle().cpus(0.5).cpu_quota(5000),
        "`--cpus` and `--cpu-quota` cannot both be",
        "`--cpus` is a period and a quota: leave one of them away",
    )
    .await;
    check(
        idle().memory("1g").memory_swap("512m"),
        "`--memory-swap 512m` is less than `--memory 1g`",
        "it is memory and swap together",
    )
    .await;
    check(
        idle().memory_swap("1g"),
        "`--memory-swap 1g` needs a limit of memory",
        "it is memory and swap together: write `--memory` too",
    )
    .await;
    check(
        idle().memory("64m").memory_reservation("128m"),
        "the memory reservation 128m is more than the limit 64m",
        "a reservation is below the limit",
    )
    .await;
    check(
        idle().uts("host").hostname("box"),
        "`--hostname` and `--uts host` cannot both be",
        "the container has the host's name then: leave one of them away",
    )
    .await;
    check(
        idle().log_driver("none").wait(Wait::log("x")),
        "the wait for `x` in the output needs the output, and `--log-driver none` keeps none",
        "leave `.log_driver(\"none\")` away, or wait for something else",
    )
    .await;
    for request in [
        idle().volume("/a:/there").tmpfs("/there"),
        idle().volume("/there").mount(Mount::tmpfs("/there/")),
    ] {
        check(request, "two things are mounted at `/there`", "give each mount a place of its own")
            .await;
    }
}

#[tokio::test]
async fn what_a_network_does_not_have() {
    check(
        idle().network("host").publish("80"),
        "ports cannot be published on the network `host`",
        "leave `.publish(..)` away: on the host's network a container's ports are the host's own",
    )
    .await;
    check(
        idle().network("none").publish("80"),
        "ports cannot be published on the network `none`",
        "leave `.publish(..)` away, or give it a network",
    )
    .await;
    check(
        idle().network("container:web").publish("80"),
        "ports cannot be published on the network `container:web`",
        "publish the port where the other container is declared: it is the same network",
    )
    .await;
    for (flag, request) in [
        ("hostname", idle().hostname("box")),
        ("dns", idle().dns("1.1.1.1")),
        ("add-host", idle().add_host("db:10.0.0.1")),
        ("mac-address", idle().mac_address("02:00:00:00:00:01")),
        ("link", idle().link("db")),
        ("expose", idle().expose("80")),
    ] {
        check(
            request.network("container:web"),
            &format!("`--{flag}` cannot be on the network `container:web`"),
            "the container has what the other one has: leave it away, or give it a network of its own",
        )
        .await;
    }
    check(
        idle().network("host").link("db"),
        "`--link` cannot be on the network `host`",
        "the container has what the host has: leave it away, or give it a network of its own",
    )
    .await;
    check(
        idle().network("host").network("other"),
        "a container cannot be on the network `host` and on others",
        "leave the others away",
    )
    .await;
    check(
        idle().network("one").network("one"),
        "the network `one` is given twice",
        "name each network once; for several aliases write `.network_alias(..)` several times",
    )
    .await;
    check(
        idle().network_alias("db"),
        "a network alias needs a network of your own",
        "name one with `.network(..)`",
    )
    .await;
    check(
        idle().ip("10.0.0.1"),
        "`--ip` needs a network of your own",
        "make one with a subnet, and name it with `.network(..)`",
    )
    .await;
    check(
        idle().network("name=one,alias=x").network_alias("y"),
        "`--network-alias` and the long form of `--network` cannot both be",
        "say all of it in the long form: `name=backend,alias=db,ip=10.5.0.7`",
    )
    .await;
}

#[tokio::test]
async fn values_that_mean_nothing() {
    for (request, headline, hint) in [
        (
            idle().memory("12q"),
            "`--memory`: `12q` is not a size: `q` is not a unit",
            "the units are `b`, `k`, `m`, `g`, `t` and `p`, each 1024 times the one before",
        ),
        (
            idle().memory("1m"),
            "1m of memory is not enough for a container",
            "Docker gives 6m or more",
        ),
        (
            idle().health_interval("30"),
            "`--health-interval`: `30` is not a duration: its unit is missing",
            "add a unit, such as `30s`",
        ),
        (
            idle().stop_timeout("soon"),
            "`soon` is not a number for `--stop-timeout`",
            "write a number of seconds, or `-1` to kill it never",
        ),
        (
            idle().pids_limit(-2),
            "`-2` is not a number for `--pids-limit`",
            "write a whole number; it is -1 or more",
        ),
        (
            idle().cpus("many"),
            "`many` is not a number of CPUs: it does not begin with a number",
            "write a number, such as `2` or `0.5`",
        ),
        (
            idle().ulimit("nofiles=1"),
            "`--ulimit`: `nofiles=1` is not a ulimit: the kernel has no limit `nofiles`",
            "did you mean `nofile=1`?",
        ),
        (
            idle().restart("sometimes"),
            "`sometimes` is not a restart policy: there is no policy `sometimes`",
            "write `no`, `always`, `unless-stopped`, `on-failure` or `on-failure:3`",
        ),
        (
            idle().ipc("public"),
            "`public` is not a mode for `--ipc`",
            "it is one of `none`, `private`, `shareable`, `host`, `container:NAME`",
        ),
        (
            idle().security_opt("nonsense"),
            "`nonsense` is not a security option",
            "write `name=value`, such as `seccomp=unconfined`, or `no-new-privileges`",
        ),
        (
            idle().device("fuse"),
            "`fuse` is not a device: `fuse` is neither a path nor permissions",
            "write a path, such as `/dev/fuse`, or letters out of `rwm`",
        ),
        (
            idle().volume("tests/data:/data"),
            "`tests/data:/data` is not a volume: the source `tests/data` is neither a path nor the name of a volume",
            "for a path in the working directory write `./tests/data`",
        ),
        (
            idle().mount(Mount::bind("/a", "b")),
            "`type=bind,source=/a,target=b` is not a mount: the target `b` is not absolute",
            "write a path from the root of the container, such as `/data`",
        ),
        (
            idle().volumes_from("other:rx"),
            "`other:rx` names no container for `--volumes-from`",
            "write a container's name or id, with `:ro` behind it if need be",
        ),
        (
            idle().add_host("db"),
            "`db` is not a host and its address: it has no address",
            "write `name:10.0.0.1`, or `name:host-gateway` for the engine's machine",
        ),
        (
            idle().dns("one.one.one.one"),
            "`one.one.one.one` is not an address for `--dns`",
            "write the address of a server, such as `1.1.1.1`",
        ),
        (
            idle().link("a:b:c"),
            "`a:b:c` is not a link to a container",
            "write a container's name, and perhaps another name for it: `db:database`",
        ),
        (
            idle().mac_address("02:00"),
            "`02:00` is not a MAC address",
            "write six pairs of hexadecimal digits: `92:d0:c6:0a:29:33`",
        ),
        (
            idle().workdir("www"),
            "the working folder `www` is not absolute",
            "paths in a container begin with `/`",
        ),
        (
            idle().env_file("no/such/file"),
            "the file `no/such/file` of `--env-file` cannot be read: No such file or directory (os error 2)",
            "a relative path starts at the current folder, which is the package's under `cargo test`",
        ),
        (
            idle().label("org.longshore.x", "y"),
            "the label `org.longshore.x` is longshore's own",
            "choose a name outside `org.longshore.`",
        ),
        (
            idle().hostname("a\0b"),
            "a value of `--hostname` holds a NUL",
            "write it without that character",
        ),
    ] {
        check(request, headline, hint).await;
    }
}

#[tokio::test]
async fn everything_is_told_at_once() {
    let error = failed_start(idle().memory("12q").name("-x").volume("a/b:/c")).await;
    assert_eq!(
        error.to_string(),
        "3 things are wrong with the request
  image: `busybox:1.35`
  wrong: `-x` is not a container's name (a name has two or more letters, digits, `_`, `.` or `-`, and begins with a letter or a digit)
    `a/b:/c` is not a volume: the source `a/b` is neither a path nor the name of a volume (for a path in the working directory write `./a/b`)
    `--memory`: `12q` is not a size: `q` is not a unit (the units are `b`, `k`, `m`, `g`, `t` and `p`, each 1024 times the one before)"
    );
}

#[tokio::test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
async fn what_an_older_engine_would_pass_over_is_refused() -> TestResult {
    if is_podman() || speaks(1, 42) {
        eprintln!("SKIPPED: the engine is not old enough, run it on Docker 20.10");
        return Ok(());
    }
    for (request, what, version) in [
        (idle().annotation("a", "b"), "`--annotation`", "1.43"),
        (
            idle().health_cmd("true").health_start_interval("1s"),
            "`--health-start-interval`",
            "1.44",
        ),
        (
            idle().mount("type=bind,src=/tmp,dst=/t,ro,bind-recursive=writable"),
            "`bind-recursive`",
            "1.44",
        ),
        (idle().mount("type=bind,src=/tmp,dst=/t,bind-create-src"), "`bind-create-src`", "1.42"),
        (idle().mount(Mount::volume("v1", "/t").volume_subpath("a")), "`subpath`", "1.45"),
        (idle().mount(Mount::image("busybox:1.35", "/t")), "`--mount type=image`", "1.48"),
        (idle().network("name=one,gw-priority=1"), "`gw-priority`", "1.48"),
        (idle().device("vendor.com/class=name"), "a CDI device", "1.43"),
    ] {
        let error = failed_start(request).await;
        assert_eq!(
            text_of(&error).await,
            format!(
                "{what} needs version {version} of the engine's API
  because: the engine speaks version 1.41
  image: `busybox:1.35`
  engine: ENGINE
  hint: use a newer engine, or leave it away"
            )
        );
        assert!(error.is_invalid_request());
    }
    Ok(())
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
