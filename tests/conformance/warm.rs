//! Warm starts: what the first start has made is there in the next one, all else is as without a snapshot, and there is one for each
//! request and image.

use std::collections::BTreeSet;

use futures::future;
use longshore::wait::Target;
use longshore::{Container, ContainerRequest, Engine, Hooks, Network, VolumeRequest, Wait};
use serde_json::{json, Value};

use super::support::{api, get, is_podman, unique, TestResult, BUSYBOX};

/// A first start that is told from a later one: it writes a number that nobody else has.
const INIT: &str =
    "test -e /data/id || { cat /proc/sys/kernel/random/uuid >/data/id; echo initialised; }";

const DEBIAN: &str = "debian:bookworm-slim";

/// Ends in order when it is stopped.
const IDLE: &str = "trap 'exit 0' TERM; echo up; sleep 600 & wait";

/// Snapshots of one test, which go with it: they have the labels of its requests.
struct Own(String);

impl Own {
    fn new() -> Self {
        Own(unique("warm"))
    }

    fn request(&self, script: &str) -> ContainerRequest {
        let script = format!("{script}; {IDLE}");
        ContainerRequest::new(BUSYBOX)
            .cmd(["sh", "-c", &script])
            .label("warm-test", &self.0)
            .wait(Wait::log("up"))
    }

    /// One that makes something of its own at its first start, in its file system.
    fn initialised(&self) -> ContainerRequest {
        self.request(&format!("mkdir -p /data; {INIT}")).warm()
    }

    fn snapshots(&self) -> Vec<Value> {
        let filters = json!({ "label": [format!("warm-test={}", self.0)] }).to_string();
        let filters: String = filters.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let images = get(&format!("/images/json?filters={filters}"));
        images.as_array().into_iter().flatten().cloned().collect()
    }

    fn names(&self) -> BTreeSet<String> {
        let images = self.snapshots();
        let names = images.iter().filter_map(|image| image["RepoTags"][0].as_str());
        names.filter(|name| name.starts_with("localhost/")).map(str::to_owned).collect()
    }

    fn name(&self) -> String {
        let names = self.names();
        assert_eq!(names.len(), 1, "{names:?}");
        names.into_iter().next().expect("one")
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        for image in self.snapshots() {
            let id = image["Id"].as_str().expect("an id");
            let name = image["RepoTags"][0].as_str().filter(|name| !name.contains("<none>"));
            let (status, told) = api("DELETE", &format!("/images/{}", name.unwrap_or(id)));
            if !std::thread::panicking() {
                assert_eq!(status, 200, "{told}");
            }
        }
    }
}

async fn output(container: &Container, script: &str) -> longshore::Result<String> {
    let done = container.exec(["sh", "-c", script]).await?;
    Ok(done.ok()?.stdout_str()?.trim().to_owned())
}

async fn id(container: &Container) -> longshore::Result<String> {
    output(container, "cat /data/id").await
}

#[tokio::test]
async fn what_the_first_start_has_made_is_there_in_all_later_ones() -> TestResult {
    let own = Own::new();
    let request = own.initialised().copy_to(b"copied", "/copied");
    let first = request.start().await?;
    let second = request.start().await?;
    assert_eq!(id(&first).await?, id(&second).await?);
    for one in [&first, &second] {
        assert_eq!(output(one, "cat /copied").await?, "copied");
        assert_eq!(one.image(), BUSYBOX);
        let log = one.logs().await?;
        assert!(log.contains("up") && !log.contains("initialised"), "{log}");
    }
    // Each has a file system of its own.
    output(&first, "echo mine >/data/id").await?;
    assert_ne!(id(&first).await?, id(&second).await?);
    let cold = own.initialised().copy_to(b"copied", "/copied");
    let third = cold.start().await?;
    assert_eq!(id(&second).await?, id(&third).await?);
    own.name();
    Ok(())
}

#[tokio::test]
async fn what_lies_in_volumes_is_there_too_with_owners_and_modes() -> TestResult {
    let own = Own::new();
    let script = format!(
        "{INIT}; test -d /data/d || {{ chown 7:8 /data/id; chmod 640 /data/id; mkdir -m 2750 /data/d /data/d/empty; \
         chown 9:10 /data/d; ln -s id /data/link; ln /data/id /data/hard; chmod 1711 /data; chown 11 /data; \
         echo deep >/other/x/deep; echo hidden >/data/.hidden; }}"
    );
    let request = own.request(&script).volume("/data").volume("/other/x").warm();
    let look = "cd /data; stat -c '%n %u:%g %a %h %F' . * .hidden; readlink link; cat id hard .hidden /other/x/deep";
    let first = request.start().await?;
    if is_podman() {
        // Its copies lose the owners, so there is none, and that was told.
        assert!(own.names().is_empty());
        return Ok(());
    }
    let (seen, made) = (output(&first, look).await?, id(&first).await?);
    for expected in [". 11:0 1711", "id 7:8 640 2", "d 9:10 2750", "link 0:0 777", "deep", "hidden"]
    {
        assert!(seen.contains(expected), "{expected} is missing in {seen}");
    }
    let second = request.start().await?;
    assert_eq!(output(&second, look).await?, seen);
    assert_eq!(id(&second).await?, made);
    // In a volume, as ever, and in one of its own.
    let volume = |container: &Container| {
        let mounts = get(&format!("/containers/{}/json", container.id()))["Mounts"].clone();
        let mounts = mounts.as_array().cloned().unwrap_or_default();
        let data = mounts.iter().find(|mount| mount["Destination"] == "/data").expect("a volume");
        data["Name"].as_str().expect("a name").to_owned()
    };
    assert_ne!(volume(&first), volume(&second));
    let volumes = [volume(&first), volume(&second)];
    drop((first, second));
    for volume in volumes {
        assert_eq!(api("GET", &format!("/volumes/{volume}")).0, 404, "it went with its container");
    }
    own.name();
    Ok(())
}

#[tokio::test]
async fn another_request_or_image_has_another_snapshot() -> TestResult {
    let own = Own::new();
    let request = own.initialised();
    let first = id(&request.start().await?).await?;
    for other in [
        request.clone().env("A", "1"),
        request.clone().copy_to(b"1", "/x"),
        request.clone().copy_to(b"2", "/x"),
        request.clone().warm_key("other"),
    ] {
        assert_ne!(id(&other.start().await?).await?, first, "{other:?}");
    }
    assert_eq!(own.names().len(), 5);
    assert_eq!(id(&request.start().await?).await?, first);

    // The tag becomes another image.
    let tag = format!("{}:1", unique("moving"));
    let engine = Engine::connect().await?;
    engine.images().tag(BUSYBOX, &tag).await?;
    let of_tag = ContainerRequest::new(&tag)
        .cmd(["sh", "-c", &format!("mkdir -p /data; {INIT}; {IDLE}")])
        .label("warm-test", &own.0)
        .wait(Wait::log("up"))
        .warm();
    let before = id(&of_tag.start().await?).await?;
    engine.images().pull(DEBIAN).await?;
    engine.images().tag(DEBIAN, &tag).await?;
    let after = of_tag.start().await?;
    assert_ne!(id(&after).await?, before);
    assert!(after.exec(["test", "-e", "/etc/debian_version"]).await?.success());
    engine.images().tag(BUSYBOX, &tag).await?;
    assert_eq!(id(&of_tag.start().await?).await?, before, "the old one is what it was");
    drop(after);
    engine.images().remove(&tag).await?;
    Ok(())
}

#[tokio::test]
async fn a_snapshot_that_is_gone_or_no_snapshot_is_made_again() -> TestResult {
    let own = Own::new();
    let request = own.initialised();
    let first = id(&request.start().await?).await?;
    let name = own.name();
    assert_eq!(api("DELETE", &format!("/images/{name}")).0, 200);
    let second = id(&request.start().await?).await?;
    assert_ne!(first, second);
    // Somebody gives its name to an image of his own.
    let (repository, tag) = name.rsplit_once(':').expect("a tag");
    let (status, told) = api("POST", &format!("/images/{BUSYBOX}/tag?repo={repository}&tag={tag}"));
    assert_eq!(status, 201, "{told}");
    let third = id(&request.start().await?).await?;
    assert!(third != first && third != second);
    assert_eq!(id(&request.start().await?).await?, third);
    assert_eq!(api("GET", &format!("/images/{BUSYBOX}/json")).0, 200, "that is still there");
    Ok(())
}

/// What the two have to have in common.
fn of_interest(container: &Container) -> Value {
    let inspect = get(&format!("/containers/{}/json", container.id()));
    let mut config = inspect["Config"].clone();
    for own in ["Hostname", "Image", "Labels"] {
        config.as_object_mut().expect("an object").remove(own);
    }
    let mut env: Vec<_> = config["Env"].as_array().cloned().unwrap_or_default();
    // Podman says it in the environment too.
    env.retain(|variable| !variable.as_str().is_some_and(|word| word.starts_with("HOSTNAME=")));
    env.sort_by_key(Value::to_string);
    config["Env"] = env.into();
    let labels: serde_json::Map<_, _> = inspect["Config"]["Labels"]
        .as_object()
        .expect("labels")
        .iter()
        .filter(|(name, _)| !name.starts_with("org.longshore."))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let mut host = inspect["HostConfig"].clone();
    host.as_object_mut().expect("an object").remove("PortBindings");
    let mounts: BTreeSet<String> = inspect["Mounts"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|mount| format!("{} {}", mount["Type"], mount["Destination"]))
        .collect();
    let ports: Vec<_> = inspect["NetworkSettings"]["Ports"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(port, at)| (port.clone(), at.is_null()))
        .collect();
    json!({ "config": config, "labels": labels, "host": host, "mounts": mounts, "ports": ports,
        "path": inspect["Path"], "args": inspect["Args"] })
}

#[tokio::test]
async fn all_else_is_as_in_a_cold_start() -> TestResult {
    let own = Own::new();
    let plain = || ContainerRequest::new(BUSYBOX).label("warm-test", &own.0).stop_timeout("20s");
    let idle = format!("echo $0 $A; {IDLE}");
    let requests = [
        plain().cmd(["sh", "-c", &idle]),
        plain()
            .entrypoint(["sh", "-c"])
            .cmd([idle.as_str(), "zero"])
            .env("A", "x y=\"z\" $HOME")
            .env("EMPTY", "")
            .publish("80")
            .expose("81/udp")
            .user("7:8")
            .workdir("/tmp")
            .hostname("ship")
            .label("shape", "a \"round\" $one\\")
            .volume("/data")
            .tmpfs("/scratch")
            .memory("64m")
            .stop_signal("TERM")
            .wait(Wait::running()),
        plain().entrypoint(["sh", "-c", &idle]).health_cmd("true").health_interval("1s").tty(),
        plain().cmd(["sh", "-c", &idle]).no_healthcheck().interactive().read_only(),
    ];
    for request in requests {
        let (cold, warm) = (request.start().await?, request.clone().warm());
        // The second one is not the one that has made it.
        drop(warm.start().await?);
        let warm = warm.start().await?;
        assert_eq!(of_interest(&warm), of_interest(&cold), "{request:?}");
        assert_eq!(cold.logs().await?, warm.logs().await?);
    }
    Ok(())
}

#[tokio::test]
async fn a_warm_start_waits_for_what_it_says() -> TestResult {
    let own = Own::new();
    let request = own
        .request(&format!("mkdir -p /data; {INIT}"))
        .wait(Wait::log("initialised"))
        .start_timeout(std::time::Duration::from_secs(3));
    let error = request.clone().warm().start().await.expect_err("no second start says so");
    assert!(error.is_timeout(), "{error}");
    assert!(
        error.to_string().contains(&format!("made of: its snapshot `{}`", own.name()))
            && error.to_string().contains("`.warm_wait(..)`"),
        "{error}"
    );
    let container = request.clone().warm_wait(Wait::log("up")).start().await?;
    assert!(!container.logs().await?.contains("initialised"));
    own.name();
    Ok(())
}

#[tokio::test]
async fn waits_of_ones_own_need_a_key() -> TestResult {
    let own = Own::new();
    let request = own.request("mkdir -p /data");
    let fill = || {
        Hooks::new().wait(|target: Target| async move {
            let script = "test -e /data/id || cat /proc/sys/kernel/random/uuid >/data/id";
            target.exec(["sh", "-c", script]).await?.ok()?;
            Ok(())
        })
    };
    let error = request.clone().warm().start_with(fill()).await.expect_err("it has no key");
    assert!(error.is_invalid_request());
    let told = error.to_string();
    let expected = "a warm request that is started with waits of one's own needs a key\n  because: what they do to the container \
                    is not in the request";
    assert!(told.starts_with(expected), "{told}");
    assert!(own.names().is_empty());

    let request = request.warm_key("filled");
    let first = request.start_with(fill()).await?;
    let second = request.start_with(fill()).await?;
    assert_eq!(id(&first).await?, id(&second).await?);
    own.name();
    Ok(())
}

#[tokio::test]
async fn many_at_once_make_one_and_share_one() -> TestResult {
    let own = Own::new();
    let request = own.initialised();
    let all = future::try_join_all((0..6).map(|_| request.start())).await?;
    let ids = future::try_join_all(all.iter().map(id)).await?;
    assert!(ids.iter().all(|one| *one == ids[0]), "{ids:?}");
    own.name();
    drop(all);

    let shared = request.clone().start_shared().await?;
    assert_eq!(id(&shared).await?, ids[0]);
    let again = request.start_shared().await?;
    assert_eq!(shared.id(), again.id());
    let (status, told) = api("DELETE", &format!("/containers/{}?force=1&v=1", shared.id()));
    assert_eq!(status, 204, "{told}");
    Ok(())
}

#[test]
fn blocking_and_created_containers_are_warm_too() -> TestResult {
    let own = Own::new();
    let request = own.initialised();
    let first = request.start_blocking()?;
    let look = |container: &longshore::blocking::Container| {
        let done = container.exec(["cat", "/data/id"])?;
        Ok::<_, longshore::Error>(done.ok()?.stdout_str()?.to_owned())
    };
    let created = longshore::blocking::block_on(request.create())?;
    longshore::blocking::block_on(created.start())?;
    let id = longshore::blocking::block_on(id(&created))?;
    assert_eq!(look(&first)?.trim(), id);
    drop((first, created));
    Ok(())
}

#[tokio::test]
async fn what_is_mounted_is_left_as_it_is_and_copied_into_again() -> TestResult {
    let own = Own::new();
    let network = Network::create().await?;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let volume = VolumeRequest::new().create().await?;
        let request = own
            .initialised()
            .volume(volume.at("/mounted"))
            .network(&network)
            .copy_to(b"mine", "/mounted/mine");
        let container = request.start().await?;
        assert_eq!(output(&container, "cat /mounted/mine; ls /mounted").await?, "minemine");
        output(&container, "echo x >/mounted/more").await?;
        ids.push(id(&container).await?);
    }
    assert_eq!(ids[0], ids[1], "a volume or network of the test's own is no other request");
    own.name();
    Ok(())
}

#[tokio::test]
async fn one_that_has_to_be_killed_gets_no_snapshot_and_is_started_all_the_same() -> TestResult {
    let own = Own::new();
    // A process that is number one hears no signal that it does not handle.
    let request = ContainerRequest::new(BUSYBOX)
        .cmd(["sh", "-c", "kill -0 1; echo up; exec sleep 600"])
        .stop_signal("KILL")
        .label("warm-test", &own.0)
        .wait(Wait::log("up"))
        .warm();
    for _ in 0..2 {
        let container = request.start().await?;
        assert!(container.inspect().await?.is_running());
    }
    assert!(own.names().is_empty());
    // Also one that the engine removes when it ends.
    let request = own.initialised().rm(true);
    assert_eq!(id(&request.start().await?).await?, id(&request.start().await?).await?);
    Ok(())
}

#[tokio::test]
async fn a_snapshot_is_nobodys_and_no_prune_of_ours_takes_it() -> TestResult {
    let own = Own::new();
    let request = match is_podman() {
        true => own.initialised(),
        // What the snapshot is built on is nobody's either.
        false => own.request(INIT).volume("/data").warm(),
    };
    let first = id(&request.start().await?).await?;
    let (name, engine) = (own.name(), Engine::connect().await?);
    let snapshots = engine.snapshots().list().await?;
    let found = snapshots.iter().find(|one| one.name() == name).expect("it is listed");
    assert_eq!(found.image(), BUSYBOX);
    assert!(found.size() > 0 && found.last_use() >= found.created());
    assert_eq!(found.id(), get(&format!("/images/{name}/json"))["Id"].as_str().map(full).unwrap());
    let sweep = longshore::sweep().unknown_owners_older_than("0s").kept().dry_run().run().await?;
    let seen = format!("{sweep:?}");
    let short = &found.id()[7..19];
    assert!(!seen.contains(short) && !seen.contains(&name), "{sweep}");
    let pruned = engine.images().prune(longshore::Prune::new().all()).await?;
    assert!(!pruned.to_string().contains(&name), "{pruned}");
    assert_eq!(id(&request.start().await?).await?, first);
    // What is made of its container is the test's own again.
    let container = request.start().await?;
    let image = container.commit(longshore::Commit::new()).await?;
    assert!(engine.snapshots().list().await?.iter().all(|one| one.id() != image.id()));
    let used = api("DELETE", &format!("/images/{name}"));
    assert_eq!(used.0, 409, "a container uses it: {}", used.1);
    drop(container);
    image.remove().await?;
    Ok(())
}

#[tokio::test]
async fn an_image_of_a_tests_own_has_none() -> TestResult {
    let own = Own::new();
    let container = own.request("true").start().await?;
    let image = container.commit(longshore::Commit::new()).await?;
    let request =
        ContainerRequest::new(&image).cmd(["sleep", "60"]).label("warm-test", &own.0).warm();
    let container = request.start().await?;
    assert!(own.names().is_empty());
    container.remove().await?;
    Ok(image.remove().await?)
}

/// Podman leaves the algorithm away.
fn full(id: &str) -> String {
    format!("sha256:{}", id.trim_start_matches("sha256:"))
}

#[tokio::test]
async fn a_job_is_not_warm() {
    let request = ContainerRequest::new(BUSYBOX).wait(Wait::exit()).warm();
    let error = request.start().await.expect_err("nothing is ready");
    assert!(error.is_invalid_request(), "{error}");
}

#[cfg(feature = "macros")]
mod by_attribute {
    use longshore::{blocking, with_container};

    use super::{Own, TestResult};

    /// Run by the test below, since a container goes after its test.
    #[with_container("busybox:1.35", warm, warm_wait = log("up"), label("warm-test" = "attribute"), wait = log("first"),
        cmd = ["sh", "-c", "trap 'exit 0' TERM; test -e /made || echo first; touch /made; echo up; sleep 600 & wait"])]
    #[ignore = "run by another one"]
    fn given(container: blocking::Container) {
        let log = container.logs().expect("its output");
        assert!(log.contains("up") && !log.contains("first"), "{log}");
    }

    #[test]
    fn tests_are_given_warm_containers() -> TestResult {
        let own = Own("attribute".into());
        given();
        given();
        own.name();
        Ok(())
    }
}
