//! More of a container's life: another name, its processes, its changes, other limits, waiting for a condition, the size of its
//! terminal, all of its ports.

use std::time::Duration;

use longshore::{
    ChangeKind, Container, ContainerRequest, ContainerState, Error, Update, Wait, WaitCondition,
};

use super::client::{shell, text_and_cause_of};
use super::support::{
    api, eventually, exists, get, is_podman, is_podman_4, unique, TestResult, BUSYBOX,
};

fn idle() -> ContainerRequest {
    ContainerRequest::new(BUSYBOX).cmd(["sleep", "1000"]).stop_signal("KILL")
}

async fn ended() -> longshore::Result<Container> {
    ContainerRequest::new(BUSYBOX).cmd(["true"]).wait(Wait::exit()).start().await
}

/// What is said of a verb that needs a running container.
fn check_not_running(error: &Error, summary: &str, container: &Container) {
    assert!(error.is_exited(), "{error}");
    assert_eq!(error.summary(), summary);
    let told = error.to_string();
    for part in [container.name(), "hint: the container has to be running: `start` it first"] {
        assert!(told.contains(part), "{part} is missing: {told}");
    }
}

#[tokio::test]
async fn a_renamed_container_is_called_so_everywhere_and_is_removed_as_ever() -> TestResult {
    let (old, new) = (unique("before"), unique("after"));
    let mut container = idle().name(&old).start().await?;
    let id = container.id().to_owned();
    container.rename(&new).await?;
    assert_eq!(container.name(), new);
    assert_eq!(container.inspect().await?.name(), new);
    assert_eq!(get(&format!("/containers/{new}/json"))["Id"], id.as_str());
    assert!(!exists(&old));
    assert_eq!(container.exec(["echo", "fine"]).await?.stdout_str()?, "fine\n");
    let error = container.exec(["no-such-command"]).await.unwrap_err().to_string();
    assert!(error.contains(&new) && !error.contains(&old), "{error}");
    // To the same name: nothing to do.
    container.rename(&new).await?;
    drop(container);
    assert!(!exists(&id) && !exists(&new));
    Ok(())
}

#[tokio::test]
async fn a_name_that_is_taken_or_malformed_is_refused_and_the_old_one_stays() -> TestResult {
    let holder = idle().start().await?;
    let mut container = idle().start().await?;
    let old = container.name().to_owned();
    let error = container.rename(holder.name()).await.unwrap_err();
    assert!(error.is_name_taken(), "{error}");
    let (text, cause) = text_and_cause_of(&error).await;
    let name = holder.name();
    assert_eq!(
        text,
        format!(
            "the name `{name}` is taken by another container\n  image: `busybox:1.35`\n  container: `NAME` (ID)\n  \
             engine: ENGINE\n  hint: remove it (`docker rm -f {name}`), or choose another name"
        )
    );
    assert!(is_podman() || cause.contains("already in use"), "{cause}");
    for name in ["", "x", "-x", "a b", "a/b"] {
        let error = container.rename(name).await.unwrap_err();
        assert!(error.is_invalid_request(), "{error}");
        assert_eq!(error.summary(), format!("`{name}` is not a container's name"));
    }
    assert_eq!(container.name(), old);
    assert_eq!(container.inspect().await?.name(), old);
    Ok(())
}

#[tokio::test]
async fn top_lists_the_processes() -> TestResult {
    let container = shell("sleep 1001 & sleep 1002 & echo ready; wait")
        .wait(Wait::log("ready"))
        .start()
        .await?;
    let top = container.top().await?;
    assert_eq!(top.processes().len(), 3, "{top:?}");
    let commands = top.column("CMD").or(top.column("COMMAND")).expect("a column of commands");
    for command in ["sleep 1001", "sleep 1002"] {
        assert!(commands.contains(&command), "{command} is missing: {commands:?}");
    }
    let pids = top.column("pid").expect("a column of process ids");
    assert!(pids.iter().all(|pid| pid.parse::<u32>().is_ok()), "{pids:?}");
    assert!(top.raw()["Processes"].is_array());
    Ok(())
}

#[tokio::test]
async fn top_takes_options_of_ps() -> TestResult {
    let container = idle().start().await?;
    let top = container.top_with("-o pid,comm").await?;
    assert_eq!(top.titles(), ["PID", "COMMAND"]);
    assert_eq!(top.column("COMMAND"), Some(vec!["sleep"]));
    let error = container.top_with("--nonsense").await.unwrap_err();
    assert_eq!(error.summary(), "the container's processes could not be listed");
    assert!(error.to_string().contains(container.name()) && !error.is_exited(), "{error}");
    Ok(())
}

#[tokio::test]
async fn top_of_a_stopped_container_is_a_clear_error() -> TestResult {
    let container = ended().await?;
    let error = container.top().await.unwrap_err();
    check_not_running(&error, "the container's processes could not be listed", &container);
    Ok(())
}

#[tokio::test]
async fn changes_are_those_of_docker_diff() -> TestResult {
    let container = idle().start().await?;
    container
        .exec(["sh", "-c", "echo new > /etc/new; echo more >> /etc/passwd; rm /bin/yes"])
        .await?
        .ok()?;
    let changes = container.changes().await?;
    let lines: Vec<_> = changes.iter().map(ToString::to_string).collect();
    for line in ["A /etc/new", "C /etc/passwd", "D /bin/yes", "C /etc"] {
        assert!(lines.iter().any(|have| have == line), "{line} is missing: {lines:?}");
    }
    let deleted: Vec<_> =
        changes.iter().filter(|change| change.kind() == ChangeKind::Deleted).collect();
    assert_eq!(deleted.iter().map(|change| change.path()).collect::<Vec<_>>(), ["/bin/yes"]);
    container.stop().await?;
    assert_eq!(container.changes().await?.len(), changes.len(), "a stopped one is asked as well");
    Ok(())
}

#[tokio::test]
async fn a_container_that_changed_nothing_has_no_changes() -> TestResult {
    let container = idle().start().await?;
    let changes = container.changes().await?;
    // Podman tells the folders in which it has made mount points.
    let own: Vec<_> =
        changes.iter().filter(|change| change.kind() == ChangeKind::Deleted).collect();
    assert!(if is_podman() { own.is_empty() } else { changes.is_empty() }, "{changes:?}");
    Ok(())
}

#[tokio::test]
async fn limits_are_changed_while_it_runs() -> TestResult {
    let container = idle().memory("256m").start().await?;
    let update = Update::new()
        .memory("64m")
        .memory_swap("128m")
        .memory_reservation(33_554_432_u64)
        .cpus("0.5")
        .cpu_shares(512)
        .cpuset_cpus("0")
        .cpuset_mems("0")
        .pids_limit(50);
    let warnings = container.update(update).await?;
    assert_eq!(warnings, [""; 0]);
    let inspect = get(&format!("/containers/{}/json", container.id()));
    let host = &inspect["HostConfig"];
    let limit = |key: &str| host[key].as_i64();
    if !is_podman() {
        // Podman changes the control groups alone.
        assert_eq!(limit("Memory"), Some(67_108_864));
        assert_eq!(limit("MemorySwap"), Some(134_217_728));
        assert_eq!(limit("MemoryReservation"), Some(33_554_432));
        assert_eq!(limit("NanoCpus"), Some(500_000_000));
        assert_eq!(limit("CpuShares"), Some(512));
        assert_eq!((&host["CpusetCpus"], &host["CpusetMems"]), (&"0".into(), &"0".into()));
        assert_eq!(limit("PidsLimit"), Some(50));
    }
    // What the processes in it meet.
    let seen = container
        .exec([
            "sh",
            "-c",
            "cat /sys/fs/cgroup/memory/memory.limit_in_bytes || cat /sys/fs/cgroup/memory.max",
        ])
        .await?;
    assert_eq!(seen.stdout_str()?.trim(), "67108864", "{seen:?}");
    Ok(())
}

#[tokio::test]
async fn another_restart_policy_is_followed() -> TestResult {
    if is_podman_4() {
        let error = idle().start().await?.update(Update::new().restart("no")).await.unwrap_err();
        assert!(
            error.to_string().contains("this version of Podman changes no restart policy"),
            "{error}"
        );
        return Ok(());
    }
    let script = "mkfifo /go; echo ready; read line </go; exit 3";
    let container = shell(script).wait(Wait::log("ready")).start().await?;
    container.update(Update::new().restart("on-failure:3")).await?;
    let path = format!("/containers/{}/json", container.id());
    let policy = &get(&path)["HostConfig"]["RestartPolicy"];
    assert_eq!((&policy["Name"], &policy["MaximumRetryCount"]), (&"on-failure".into(), &3.into()));
    // A death of its own: after `docker kill` Docker restarts nothing.
    let _ = container.exec(["sh", "-c", "echo > /go"]).await;
    eventually("the restart", || get(&path)["RestartCount"].as_u64() >= Some(1));
    Ok(())
}

#[tokio::test]
async fn a_refused_update_says_what_to_do() -> TestResult {
    let container = idle().start().await?;
    let error = container.update(Update::new()).await.unwrap_err();
    assert!(error.is_invalid_request());
    assert_eq!(error.summary(), "the update says nothing");
    let error = container.update(Update::new().memory("lots").cpus("-1")).await.unwrap_err();
    assert!(error.is_invalid_request());
    assert_eq!(error.summary(), "2 things are wrong with the update");
    let error = container.update(Update::new().cpuset_cpus("999")).await.unwrap_err();
    assert_eq!(error.summary(), "the container's limits could not be changed");
    assert!(error.to_string().contains(container.name()), "{error}");
    if is_podman() {
        // It takes it.
        return Ok(());
    }
    let error = container.update(Update::new().memory("64m")).await.unwrap_err();
    assert_eq!(error.engine_status(), Some(409));
    let told = error.to_string();
    assert!(told.ends_with("hint: say the limit with swap too: `.memory_swap(..)`"), "{told}");
    assert!(container.inspect().await?.is_running());
    Ok(())
}

#[tokio::test]
async fn what_the_kernel_cannot_limit_is_a_warning() -> TestResult {
    if is_podman() {
        // It says nothing of it.
        return Ok(());
    }
    let container = idle().start().await?;
    let warnings = container.update(Update::new().blkio_weight(300)).await?;
    let inspect = get(&format!("/containers/{}/json", container.id()));
    let is_set = inspect["HostConfig"]["BlkioWeight"] == 300;
    let is_told = warnings.iter().any(|warning| warning.contains("weight"));
    assert!(is_set != is_told, "{warnings:?}");
    Ok(())
}

#[tokio::test]
async fn waits_for_a_condition() -> TestResult {
    let container = shell("mkfifo /go; echo ready; read line </go; exit 7")
        .wait(Wait::log("ready"))
        .start()
        .await?;
    let ends = container.wait_for(WaitCondition::NotRunning);
    let go = async {
        // The container may end, and be gone, before the engine has told how this command ended.
        let _ = container.exec(["sh", "-c", "echo > /go"]).await;
    };
    let (code, ()) = futures::join!(ends, go);
    assert_eq!(code?, 7);
    assert_eq!(container.wait_for(WaitCondition::NotRunning).await?, 7, "at once");
    let next = container.wait_for(WaitCondition::NextExit);
    let waited = tokio::time::timeout(Duration::from_millis(300), next).await;
    assert!(waited.is_err(), "the next exit of one that has ended is yet to come");
    Ok(())
}

#[tokio::test]
async fn the_next_exit_is_that_of_the_next_run() -> TestResult {
    let container = shell("exit 5").wait(Wait::exit().code(5)).start().await?;
    let (code, ()) = futures::join!(container.wait_for(WaitCondition::NextExit), async {
        // Not before the engine has been asked.
        tokio::time::sleep(Duration::from_millis(200)).await;
        let _ = container.start().await;
    });
    assert_eq!(code?, 5);
    Ok(())
}

#[tokio::test]
async fn removed_means_gone() -> TestResult {
    let script = "mkfifo /go; echo ready; read line </go; exit 7";
    let container = shell(script).rm(true).wait(Wait::log("ready")).start().await?;
    let id = container.id().to_owned();
    let go = async {
        let _ = container.exec(["sh", "-c", "echo > /go"]).await;
    };
    let (code, ()) = futures::join!(container.wait_for(WaitCondition::Removed), go);
    assert_eq!(code?, 7);
    assert!(!exists(&id));
    assert_eq!(container.wait_for(WaitCondition::Removed).await?, 7, "it is gone already");
    let error = container.wait_for(WaitCondition::NotRunning).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    Ok(())
}

#[tokio::test]
async fn the_terminal_takes_the_size_that_it_is_given() -> TestResult {
    let container = shell("echo ready; while :; do sleep 0.05; stty size; done")
        .tty()
        .wait(Wait::log("ready"))
        .start()
        .await?;
    container.resize(120, 40).await?;
    eventually("the size", || {
        api("GET", &format!("/containers/{}/logs?stdout=1&tail=1", container.id()))
            .1
            .contains("40 120")
    });
    Ok(())
}

#[tokio::test]
async fn a_container_without_a_terminal_or_a_life_has_no_size() -> TestResult {
    let container = idle().start().await?;
    let error = container.resize(80, 25).await.unwrap_err();
    let (text, cause) = text_and_cause_of(&error).await;
    assert_eq!(
        text,
        "the container could not be given another terminal size\n  image: `busybox:1.35`\n  container: `NAME` (ID)\n  engine: \
         ENGINE\n  hint: declare the container with `.tty()`"
    );
    assert_eq!(cause, "  because: it has no terminal");
    let container = shell("true").tty().wait(Wait::exit()).start().await?;
    let error = container.resize(80, 25).await.unwrap_err();
    check_not_running(&error, "the container could not be given another terminal size", &container);
    Ok(())
}

#[tokio::test]
async fn ports_are_those_of_docker_port() -> TestResult {
    let request = idle().publish("80").publish("53/udp").publish("0.0.0.0::81");
    let container = request.wait(Wait::exec(["true"])).start().await?;
    let ports = container.ports();
    let names: Vec<_> = ports.iter().map(|port| port.container_port().to_string()).collect();
    assert_eq!(names, ["53/udp", "80/tcp", "81/tcp"]);
    for port in &ports {
        assert_eq!(port.addresses(), container.addresses(port.container_port())?);
    }
    let address = container.address(80)?;
    assert_eq!(ports[1].to_string(), format!("80/tcp -> {address}"));
    assert!(idle().start().await?.ports().is_empty());
    assert_eq!(container.inspect().await?.state(), ContainerState::Running);
    assert_eq!(ContainerState::Running.to_string(), "running");
    Ok(())
}
