//! Prunes: what nobody uses goes if it is ours, what is not ours stays unless everything was said.
//!
//! Each test has a label of its own on whatever it makes, and no prune goes without that: other tests use the same engine.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use longshore::{ContainerRequest, Engine, Prune, PruneReport, RemovedImage};
use serde_json::{json, Value};

use crate::client::text_of;
use crate::images::{create, images, is_here, remove_container, Made};
use crate::support::proxy::Proxy;
use crate::support::{api, api_with, exists, unique, TestResult, BUSYBOX};

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
struct Owners {
    mark: String,
    session: String,
}

const OURS: usize = 0;
const OTHERS: usize = 1;
const NOBODYS: usize = 2;

impl Owners {
    async fn new() -> Self {
        Owners { mark: unique("mark"), session: session().await }
    }

    fn prune(&self) -> Prune {
        Prune::new().label(format!("mark={}", self.mark))
    }

    fn labels(&self, owner: usize) -> Value {
        match owner {
            OURS => json!({ "mark": self.mark, SESSION: self.session }),
            OTHERS => json!({ "mark": self.mark, SESSION: "another run" }),
            _ => json!({ "mark": self.mark }),
        }
    }

    fn container(&self, owner: usize) -> String {
        let labels = self.labels(owner);
        made(
            "/containers/create",
            &json!({ "Image": BUSYBOX, "Cmd": ["sleep", "600"], "Labels": labels }),
        )["Id"]
            .as_str()
            .expect("an id")
            .to_owned()
    }

    fn network(&self, owner: usize) -> String {
        let name = unique("prune");
        made("/networks/create", &json!({ "Name": name, "Labels": self.labels(owner) }));
        name
    }

    fn volume(&self, owner: usize) -> String {
        let name = unique("prune");
        made("/volumes/create", &json!({ "Name": name, "Labels": self.labels(owner) }));
        name
    }

    fn anonymous_volume(&self, owner: usize) -> String {
        made("/volumes/create", &json!({ "Labels": self.labels(owner) }))["Name"]
            .as_str()
            .expect("a name")
            .to_owned()
    }

    async fn image(&self, owner: usize) -> Made {
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

fn made(path: &str, body: &Value) -> Value {
    let (status, told) = api_with("POST", path, &body.to_string());
    assert_eq!(status, 201, "{told}");
    serde_json::from_str(&told).expect("JSON")
}

fn network_exists(name: &str) -> bool {
    api("GET", &format!("/networks/{name}")).0 == 200
}

fn volume_exists(name: &str) -> bool {
    api("GET", &format!("/volumes/{name}")).0 == 200
}

async fn engine() -> Engine {
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
    remove_container(&running);
    Ok(())
}

#[tokio::test]
async fn networks_go_if_they_are_ours_and_nothing_is_on_them() -> TestResult {
    let owners = Owners::new().await;
    let networks: Vec<_> = [OURS, OTHERS, NOBODYS].map(|owner| owners.network(owner)).into();
    let used = owners.network(OURS);
    let container = create(BUSYBOX);
    let connect = json!({ "Container": container }).to_string();
    assert_eq!(api_with("POST", &format!("/networks/{used}/connect"), &connect).0, 200);
    assert_eq!(api("POST", &format!("/containers/{container}/start")).0, 204);
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
    remove_container(&container);
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
    let user = made("/containers/create", &user)["Id"].as_str().expect("an id").to_owned();
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
    remove_container(&user);
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
    assert_eq!(report.volumes(), [volume.clone()]);
    assert!(report.space_reclaimed() >= BYTES as u64, "{report}");
    let text = report.to_string();
    let rest =
        text.strip_prefix(&format!("Deleted Volumes:\n{volume}\n\nTotal reclaimed space: 3.2"));
    assert!(rest.is_some_and(|rest| rest.ends_with("MB")), "{text}");
    // The handle of what was pruned has nothing more to do.
    container.remove().await?;
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
    let user = create(&name);
    assert!(all.prune(owners.prune().all()).await?.is_empty(), "a container uses it");
    assert!(is_here(&name));
    remove_container(&user);
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

#[tokio::test]
async fn a_system_prune_takes_what_hangs_together() -> TestResult {
    let owners = Owners::new().await;
    let (network, volume, anonymous) =
        (owners.network(OURS), owners.volume(OURS), owners.anonymous_volume(OURS));
    let image = owners.image(OURS).await;
    let user = json!({
        "Image": image.id(), "Labels": owners.labels(OURS),
        "HostConfig": { "Binds": [format!("{volume}:/a"), format!("{anonymous}:/b")], "NetworkMode": network } });
    let user = made("/containers/create", &user)["Id"].as_str().expect("an id").to_owned();
    let innocents = (
        owners.container(NOBODYS),
        owners.network(NOBODYS),
        owners.volume(NOBODYS),
        owners.image(NOBODYS).await,
    );
    let engine = engine().await;

    // Without a word volumes stay.
    let report = engine.prune(owners.prune()).await?;
    assert_eq!(report.containers(), [user.clone()]);
    assert_eq!(report.networks(), [network.clone()]);
    assert_eq!(report.volumes(), [""; 0]);
    assert_eq!(report.images(), [RemovedImage::Deleted(image.id().to_owned())]);
    assert!(report.build_cache().is_empty());
    assert!(volume_exists(&volume) && volume_exists(&anonymous));
    assert!(report.to_string().starts_with(&format!(
        "Deleted Containers:\n{user}\n\nDeleted Networks:\n{network}\n\nDeleted Images:\ndeleted: {}\n\nTotal reclaimed \
         space: ",
        image.id()
    )));

    let report = engine.prune(owners.prune().volumes()).await?;
    assert_eq!(report.volumes(), [anonymous]);
    let report = engine.prune(owners.prune().volumes().all()).await?;
    assert_eq!(report.volumes(), [volume]);

    let (container, network, volume, image) = &innocents;
    assert!(
        exists(container) && network_exists(network) && volume_exists(volume) && image.is_here()
    );
    // Of everything too, volumes with names stay in a system prune.
    let report = engine.prune(owners.prune().everything().all().volumes()).await?;
    assert_eq!(report.containers(), [container.clone()]);
    assert_eq!(report.networks(), [network.clone()]);
    assert!(volume_exists(volume) && !image.is_here());
    assert_eq!(api("DELETE", &format!("/volumes/{volume}")).0, 204);
    Ok(())
}

#[tokio::test]
async fn many_prunes_at_once_wait_for_each_other() -> TestResult {
    let owners = Owners::new().await;
    let ids = (0..4).map(|_| owners.container(OURS)).collect::<Vec<_>>();
    let engine = engine().await;
    let prunes = (0..8).map(|_| tokio::spawn(engine.prune(owners.prune().all().volumes())));
    let mut removed = Vec::new();
    for prune in prunes.collect::<Vec<_>>() {
        removed.extend(prune.await??.containers().to_vec());
    }
    assert!(ids.iter().all(|id| removed.contains(id) && !exists(id)), "{removed:?}");
    Ok(())
}

#[tokio::test]
async fn what_a_kind_does_not_know_is_told_before_anything_goes() -> TestResult {
    let proxy = Proxy::start();
    let engine = Engine::connect_to(&proxy.address()).await?;
    proxy.forget();
    let mark = Prune::new().label("mark=none");
    let outcomes = [
        engine.volumes().prune(mark.clone().until("1h")).await,
        engine.prune(mark.clone().volumes().until("1h")).await,
        engine.containers().prune(mark.clone().all()).await,
        engine.networks().prune(mark.clone().volumes()).await,
        engine.images().prune(mark.clone().until("yesterday")).await,
        engine.prune(mark.clone().label("")).await,
        engine.prune(mark.clone().label_not("a").label_not("b")).await,
    ];
    for outcome in outcomes {
        let error = outcome.expect_err("refused");
        assert!(error.is_invalid_request(), "{error}");
    }
    assert_eq!(proxy.calls(), [""; 0]);
    let error = engine.prune(mark.volumes().until("1h")).await.expect_err("refused");
    assert_eq!(
        text_of(&error).await,
        "volumes cannot be pruned by their age\n  hint: leave `.until(..)` away: engines have no such filter for volumes"
    );
    Ok(())
}

/// An engine that is none: it answers each call as it is told, and notes it. For what no test may do to a real one.
struct Fake {
    address: String,
    calls: Arc<Mutex<Vec<String>>>,
}

impl Fake {
    fn start(answer: impl Fn(&str) -> (u16, Value) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = format!("tcp://{}", listener.local_addr().expect("an address"));
        let (calls, answer) = (Arc::<Mutex<Vec<String>>>::default(), Arc::new(answer));
        let noting = calls.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (noting, answer) = (noting.clone(), answer.clone());
                std::thread::spawn(move || serve(client, &noting, &*answer));
            }
        });
        Fake { address, calls }
    }

    /// `METHOD /path?query`, without the version.
    fn calls(&self) -> Vec<String> {
        self.calls.lock().expect("no panic in the lock").clone()
    }
}

fn serve(client: TcpStream, calls: &Mutex<Vec<String>>, answer: &dyn Fn(&str) -> (u16, Value)) {
    let mut client = BufReader::new(client);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if client.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        let length = head.to_lowercase().lines().find_map(|line| {
            line.strip_prefix("content-length: ").and_then(|length| length.parse().ok())
        });
        let mut body = vec![0; length.unwrap_or(0)];
        client.read_exact(&mut body).expect("a body");
        let line = head.lines().next().expect("a line").trim_end_matches(" HTTP/1.1");
        let (method, path) = line.split_once(' ').expect("a path");
        let path = path.strip_prefix("/v1.41").unwrap_or(path);
        calls.lock().expect("no panic in the lock").push(format!("{method} {path}"));
        let (status, told) = answer(path.split('?').next().unwrap_or(path));
        let told = told.to_string();
        let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n", told.len());
        if client.get_mut().write_all((head + &told).as_bytes()).is_err() {
            return;
        }
    }
}

fn docker_20(path: &str) -> (u16, Value) {
    match path {
        "/version" => (200, json!({ "Version": "20.10", "ApiVersion": "1.41" })),
        "/containers/prune" => {
            (200, json!({ "ContainersDeleted": ["c1"], "SpaceReclaimed": 1_200_000 }))
        }
        "/build/prune" => (200, json!({ "CachesDeleted": ["b1"], "SpaceReclaimed": 34 })),
        _ => (200, json!({})),
    }
}

#[tokio::test]
async fn everything_is_what_docker_would_take() -> TestResult {
    let fake = Fake::start(docker_20);
    let engine = Engine::connect_to(&fake.address).await?;
    let report: PruneReport = engine.prune(Prune::new().everything()).await?;
    assert_eq!(
        (report.build_cache(), report.space_reclaimed()),
        (&["b1".to_owned()][..], 1_200_034)
    );
    assert_eq!(
        report.to_string(),
        "Deleted Containers:\nc1\n\nDeleted build cache objects:\nb1\n\nTotal reclaimed space: 1.2MB"
    );
    assert_eq!(
        fake.calls(),
        [
            "GET /version",
            "POST /containers/prune?filters=%7B%7D",
            "POST /networks/prune?filters=%7B%7D",
            "POST /images/prune?filters=%7B%22dangling%22:%5B%22true%22%5D%7D",
            "POST /build/prune?all=0&filters=%7B%7D",
        ]
    );
    Ok(())
}

#[tokio::test]
async fn without_everything_or_with_labels_the_build_cache_stays() -> TestResult {
    for prune in [Prune::new(), Prune::new().all_sessions(), Prune::new().everything().label("a")] {
        let fake = Fake::start(docker_20);
        let engine = Engine::connect_to(&fake.address).await?;
        engine.prune(prune.all()).await?;
        let calls = fake.calls();
        assert_eq!(calls.len(), 4, "{calls:?}");
        assert!(calls[1..].iter().all(|call| call.contains("label")), "{calls:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_prune_that_fails_half_way_tells_what_went() -> TestResult {
    let fake = Fake::start(|path| match path {
        "/networks/prune" => (500, json!({ "message": "the disk is on fire" })),
        other => docker_20(other),
    });
    let engine = Engine::connect_to(&fake.address).await?;
    let error = engine.prune(Prune::new()).await.expect_err("no networks");
    assert_eq!(
        error.to_string(),
        format!(
            "the networks could not be pruned\n  because: the engine answered 500: the disk is on fire\n  engine: \
             {engine}\n  removed before that: Deleted Containers:\n    c1\n    Total reclaimed space: 1.2MB"
        )
    );
    assert_eq!(fake.calls().len(), 3, "nothing more was tried");
    Ok(())
}
