//! Prunes: what nobody uses goes if it is ours, what is not ours stays unless everything was said.
//!
//! Each test has a label of its own on whatever it makes, and no prune goes without that: other tests use the same engine.

use std::time::{Duration, SystemTime};

use longshore::{ContainerRequest, Engine, Prune, RemovedImage};
use serde_json::{json, Value};

use crate::images::{encoded, images, is_here, Created, Made};
use crate::support::{api, api_with, exists, get, labelled, unique, TestResult, BUSYBOX};

const SESSION: &str = "org.longshore.session";

/// The label of this test run, as longshore writes it.
async fn session() -> String {
    let request = ContainerRequest::new(BUSYBOX).cmd(["sleep", "600"]);
    let container = request.start().await.expect("a container");
    let inspect = container.inspect().await.expect("an answer");
    let session = inspect.raw()["Config"]["Labels"][SESSION].as_str().expect("a session");
    session.to_owned()
}

/// Labels of a test's own: things of this run, of another one, and of nobody.
pub(crate) struct Owners {
    mark: String,
    session: String,
}

pub(crate) const OURS: usize = 0;
pub(crate) const OTHERS: usize = 1;
pub(crate) const NOBODYS: usize = 2;

impl Owners {
    pub(crate) async fn new() -> Self {
        Owners { mark: unique("mark"), session: session().await }
    }

    pub(crate) fn prune(&self) -> Prune {
        Prune::new().label(format!("mark={}", self.mark))
    }

    pub(crate) fn labels(&self, owner: usize) -> Value {
        match owner {
            OURS => json!({ "mark": self.mark, SESSION: self.session }),
            OTHERS => json!({ "mark": self.mark, SESSION: "another run" }),
            _ => json!({ "mark": self.mark }),
        }
    }

    pub(crate) fn container(&self, owner: usize) -> String {
        let labels = self.labels(owner);
        made(
            "/containers/create",
            &json!({ "Image": BUSYBOX, "Cmd": ["sleep", "600"], "Labels": labels }),
        )["Id"]
            .as_str()
            .expect("an id")
            .to_owned()
    }

    pub(crate) fn network(&self, owner: usize) -> String {
        let name = unique("prune");
        made("/networks/create", &json!({ "Name": name, "Labels": self.labels(owner) }));
        name
    }

    pub(crate) fn volume(&self, owner: usize) -> String {
        let name = unique("prune");
        made("/volumes/create", &json!({ "Name": name, "Labels": self.labels(owner) }));
        name
    }

    pub(crate) fn anonymous_volume(&self, owner: usize) -> String {
        made("/volumes/create", &json!({ "Labels": self.labels(owner) }))["Name"]
            .as_str()
            .expect("a name")
            .to_owned()
    }

    pub(crate) async fn image(&self, owner: usize) -> Made {
        self.image_with(owner, "plain").await
    }

    async fn image_with(&self, owner: usize, label: &str) -> Made {
        let mut instructions =
            vec![format!("LABEL mark={}", self.mark), format!("LABEL {label}=1")];
        match owner {
            OURS => instructions.push(format!("LABEL {SESSION}=\"{}\"", self.session)),
            OTHERS => instructions.push(format!("LABEL {SESSION}=\"another run\"")),
            _ => {}
        }
        Made::new(&instructions.iter().map(String::as_str).collect::<Vec<_>>()).await
    }
}

impl Drop for Owners {
    /// Of a test that fails nothing is left either.
    fn drop(&mut self) {
        let filters = encoded(&json!({ "label": [format!("mark={}", self.mark)] }).to_string());
        for id in labelled(&format!("mark={}", self.mark)) {
            api("DELETE", &format!("/containers/{id}?force=1&v=1"));
        }
        for path in ["networks", "volumes"] {
            let found = get(&format!("/{path}?filters={filters}"));
            let list = if path == "volumes" { &found["Volumes"] } else { &found };
            for one in list.as_array().into_iter().flatten() {
                api("DELETE", &format!("/{path}/{}", one["Name"].as_str().expect("a name")));
            }
        }
    }
}

pub(crate) fn made(path: &str, body: &Value) -> Value {
    let (status, told) = api_with("POST", path, &body.to_string());
    assert_eq!(status, 201, "{told}");
    serde_json::from_str(&told).expect("JSON")
}

pub(crate) fn network_exists(name: &str) -> bool {
    api("GET", &format!("/networks/{name}")).0 == 200
}

pub(crate) fn volume_exists(name: &str) -> bool {
    api("GET", &format!("/volumes/{name}")).0 == 200
}

pub(crate) async fn engine() -> Engine {
    Engine::connect().await.expect("an engine")
}

#[tokio::test]
async fn stopped_containers_go_if_they_are_ours() -> TestResult {
    let owners = Owners::new().await;
    let containers: Vec<_> = [OURS, OTHERS, NOBODYS].map(|owner| owners.container(owner)).into();
    let running = owners.container(OURS);
    assert_eq!(api("POST", &format!("/containers/{running}/start")).0, 204);
    let all = engine().await.containers();
    let alive = || containers.iter().map(|id| exists(id)).collect::<Vec<_>>();

    let report = all.prune(owners.prune()).await?;
    assert_eq!(report.containers(), [containers[OURS].clone()]);
    assert!(!report.is_empty() && report.networks().is_empty() && report.images().is_empty());
    assert_eq!(alive(), [false, true, true]);
    let report = all.prune(owners.prune().all_sessions()).await?;
    assert_eq!(report.containers(), [containers[OTHERS].clone()]);
    assert_eq!(alive(), [false, false, true]);
    let report = all.prune(owners.prune().everything()).await?;
    assert_eq!(report.containers(), [containers[NOBODYS].clone()]);
    assert_eq!(alive(), [false, false, false]);

    assert!(exists(&running), "one that runs is used");
    assert!(all.prune(owners.prune()).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn networks_go_if_they_are_ours_and_nothing_is_on_them() -> TestResult {
    let owners = Owners::new().await;
    let networks: Vec<_> = [OURS, OTHERS, NOBODYS].map(|owner| owners.network(owner)).into();
    let used = owners.network(OURS);
    let container = Created::new(BUSYBOX);
    let connect = json!({ "Container": &*container }).to_string();
    assert_eq!(api_with("POST", &format!("/networks/{used}/connect"), &connect).0, 200);
    let container = container.start();
    let all = engine().await.networks();
    let alive = || networks.iter().map(|name| network_exists(name)).collect::<Vec<_>>();

    let report = all.prune(owners.prune()).await?;
    assert_eq!(report.networks(), [networks[OURS].clone()]);
    assert_eq!(alive(), [false, true, true]);
    all.prune(owners.prune().all_sessions()).await?;
    assert_eq!(alive(), [false, false, true]);
    all.prune(owners.prune().everything()).await?;
    assert_eq!(alive(), [false, false, false]);

    assert!(network_exists(&used));
    drop(container);
    assert_eq!(all.prune(owners.prune()).await?.networks(), [used]);
    Ok(())
}

#[tokio::test]
async fn anonymous_volumes_go_if_they_are_ours() -> TestResult {
    let owners = Owners::new().await;
    let named = owners.volume(OURS);
    let volumes: Vec<_> =
        [OURS, OTHERS, NOBODYS].map(|owner| owners.anonymous_volume(owner)).into();
    let all = engine().await.volumes();
    let alive = || volumes.iter().map(|name| volume_exists(name)).collect::<Vec<_>>();

    let report = all.prune(owners.prune()).await?;
    assert_eq!(report.volumes(), [volumes[OURS].clone()]);
    assert_eq!(alive(), [false, true, true]);
    all.prune(owners.prune().all_sessions()).await?;
    assert_eq!(alive(), [false, false, true]);
    all.prune(owners.prune().everything()).await?;
    assert_eq!(alive(), [false, false, false]);
    assert!(volume_exists(&named), "one with a name goes only if all are said");
    assert_eq!(api("DELETE", &format!("/volumes/{named}")).0, 204);
    Ok(())
}

#[tokio::test]
async fn volumes_with_names_go_when_all_is_said() -> TestResult {
    let owners = Owners::new().await;
    let volumes: Vec<_> = [OURS, OTHERS, NOBODYS].map(|owner| owners.volume(owner)).into();
    let used = owners.volume(OURS);
    let user = json!({ "Image": BUSYBOX, "HostConfig": { "Binds": [format!("{used}:/data")] } });
    let user = Created::from(&user);
    let all = engine().await.volumes();
    let alive = || volumes.iter().map(|name| volume_exists(name)).collect::<Vec<_>>();

    let report = all.prune(owners.prune().all()).await?;
    assert_eq!(report.volumes(), [volumes[OURS].clone()]);
    assert_eq!(alive(), [false, true, true]);
    all.prune(owners.prune().all_sessions().all()).await?;
    assert_eq!(alive(), [false, false, true]);
    all.prune(owners.prune().everything().all()).await?;
    assert_eq!(alive(), [false, false, false]);

    assert!(volume_exists(&used));
    drop(user);
    assert_eq!(all.prune(owners.prune().all()).await?.volumes(), [used]);
    Ok(())
}

#[tokio::test]
async fn the_bytes_of_what_went_are_told() -> TestResult {
    const BYTES: usize = 3_210_000;
    let owners = Owners::new().await;
    let volume = owners.volume(OURS);
    let container = ContainerRequest::new(BUSYBOX)
        .cmd([
            "sh",
            "-c",
            &format!("head -c {BYTES} /dev/zero | tee /data/file > /file; sleep 600"),
        ])
        .label("mark", &owners.mark)
        .raw(json!({ "HostConfig": { "Binds": [format!("{volume}:/data")] } }))
        .start()
        .await?;
    let filled =
        container.exec(["sh", "-c", "until [ $(wc -c < /file) = 3210000 ]; do sleep 0.02; done"]);
    filled.await?.ok()?;
    container.stop_within(Duration::ZERO).await?;

    let engine = engine().await;
    let report = engine.containers().prune(owners.prune()).await?;
    assert_eq!(report.containers(), [container.id().to_owned()]);
    assert!(!exists(container.id()));
    // Podman counts none.
    if !crate::support::is_podman() {
        assert!(report.space_reclaimed() >= BYTES as u64, "{report}");
    }
    let report = engine.volumes().prune(owners.prune().all()).await?;
    assert_eq!(report.volumes(), std::slice::from_ref(&volume));
    assert!(report.space_reclaimed() >= BYTES as u64, "{report}");
    let text = report.to_string();
    let rest =
        text.strip_prefix(&format!("Deleted Volumes:\n{volume}\n\nTotal reclaimed space: 3.2"));
    assert!(rest.is_some_and(|rest| rest.ends_with("MB")), "{text}");
    // The handle of what was pruned has nothing more to do.
    container.remove().await?;

    let (mark, session) =
        (format!("LABEL mark={}", owners.mark), format!("LABEL {SESSION}=\"{}\"", owners.session));
    let image = Made::with_file(BUSYBOX, &[&mark, &session], &"x".repeat(BYTES));
    let report = engine.images().prune(owners.prune()).await?;
    assert!(report.images().contains(&RemovedImage::Deleted(image.id().to_owned())), "{report}");
    assert!(report.space_reclaimed() >= BYTES as u64, "{report}");
    assert!(is_here(BUSYBOX));
    Ok(())
}

#[tokio::test]
async fn dangling_images_go_if_they_are_ours() -> TestResult {
    let owners = Owners::new().await;
    let dangling =
        [owners.image(OURS).await, owners.image(OTHERS).await, owners.image(NOBODYS).await];
    let name = format!("{}:1", unique("pruned"));
    let named = owners.image(OURS).await.named(&name);
    let all = images().await;
    let alive = || dangling.each_ref().map(Made::is_here);

    let report = all.prune(owners.prune()).await?;
    assert_eq!(report.images(), [RemovedImage::Deleted(dangling[OURS].id().to_owned())]);
    assert_eq!(alive(), [false, true, true]);
    all.prune(owners.prune().all_sessions()).await?;
    assert_eq!(alive(), [false, false, true]);
    all.prune(owners.prune().everything()).await?;
    assert_eq!(alive(), [false, false, false]);

    assert!(named.is_here());
    let user = Created::new(&name);
    assert!(all.prune(owners.prune().all()).await?.is_empty(), "a container uses it");
    assert!(is_here(&name));
    drop(user);
    let report = all.prune(owners.prune().all()).await?;
    let id = named.id().to_owned();
    assert_eq!(report.images(), [RemovedImage::Untagged(name), RemovedImage::Deleted(id)]);
    assert!(is_here(BUSYBOX));
    Ok(())
}

#[tokio::test]
async fn images_with_names_go_when_all_is_said_if_they_are_ours() -> TestResult {
    let owners = Owners::new().await;
    let names = [OURS, OTHERS, NOBODYS].map(|_| format!("{}:1", unique("pruned")));
    let mut named = Vec::new();
    for owner in [OURS, OTHERS, NOBODYS] {
        named.push(owners.image(owner).await.named(&names[owner]));
    }
    let second = format!("{}:2", unique("pruned"));
    let named_twice = owners.image(OURS).await.named(&second).named(&format!("{second}-too"));
    let all = images().await;
    let alive = || names.each_ref().map(|name| is_here(name));

    let report = all.prune(owners.prune().all()).await?;
    assert_eq!(alive(), [false, true, true]);
    assert!(!named_twice.is_here(), "all names of one go");
    assert_eq!(report.images().len(), 2 + 3, "{report}");
    all.prune(owners.prune().all_sessions().all()).await?;
    assert_eq!(alive(), [false, false, true]);
    all.prune(owners.prune().everything().all()).await?;
    assert_eq!(alive(), [false, false, false]);
    Ok(())
}

#[tokio::test]
async fn filters_narrow_what_goes() -> TestResult {
    let owners = Owners::new().await;
    let engine = engine().await;
    let with = |label: &str| {
        let mut labels = owners.labels(OURS);
        labels[label] = "1".into();
        let name = unique("prune");
        made("/networks/create", &json!({ "Name": name, "Labels": labels }));
        made("/volumes/create", &json!({ "Name": name, "Labels": labels }));
        let body = json!({ "Image": BUSYBOX, "Cmd": ["true"], "Labels": labels });
        made(&format!("/containers/create?name={name}"), &body);
        name
    };
    let (plain, kept) = (with("plain"), with("keep"));
    let plain_image = owners.image_with(OURS, "plain").await;
    let kept_image = owners.image_with(OURS, "keep").await;
    let alive = |name: &str, image: &Made| {
        let container = api("GET", &format!("/containers/{name}/json")).0 == 200;
        [container, network_exists(name), volume_exists(name), image.is_here()]
    };

    // Nothing is so old.
    for until in ["1h".into(), Duration::from_secs(3600).into()] {
        let until: longshore::Until = until;
        assert!(engine.prune(owners.prune().until(until)).await?.is_empty());
    }
    let hour = Duration::from_secs(3600);
    let past = SystemTime::now() - hour;
    assert!(engine.prune(owners.prune().all().until(past)).await?.is_empty());
    assert!(engine.prune(owners.prune().label("no-such-label").all().volumes()).await?.is_empty());
    assert!(engine.prune(owners.prune().label("plain=2").all().volumes()).await?.is_empty());
    assert_eq!(alive(&plain, &plain_image), [true; 4]);

    for spared in ["keep", "keep=1"] {
        engine.prune(owners.prune().label_not(spared).all().volumes()).await?;
        assert_eq!(alive(&plain, &plain_image), [false; 4]);
        assert_eq!(alive(&kept, &kept_image), [true; 4]);
    }
    let future = SystemTime::now() + hour;
    engine.prune(owners.prune().label("keep=1").until(future)).await?;
    assert_eq!(alive(&kept, &kept_image), [false, false, true, false]);
    engine.volumes().prune(owners.prune().label("keep=1").all()).await?;
    assert_eq!(alive(&kept, &kept_image), [false; 4]);
    Ok(())
}
