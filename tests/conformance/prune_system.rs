//! Prunes of all that an engine has, and what is refused.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use longshore::{Engine, Prune, PruneReport, RemovedImage};
use serde_json::{json, Value};

use crate::client::text_of;
use crate::prune::{engine, made, network_exists, volume_exists, Owners, NOBODYS, OURS};
use crate::support::proxy::Proxy;
use crate::support::{api, exists, TestResult};

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
    assert_eq!(report.containers(), std::slice::from_ref(&user));
    assert_eq!(report.networks(), std::slice::from_ref(&network));
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
    assert_eq!(report.containers(), std::slice::from_ref(container));
    assert_eq!(report.networks(), std::slice::from_ref(network));
    assert!(volume_exists(volume) && !image.is_here());
    assert_eq!(api("DELETE", &format!("/volumes/{volume}")).0, 204);
    Ok(())
}

#[tokio::test]
async fn many_prunes_at_once_wait_for_each_other() -> TestResult {
    let owners = Owners::new().await;
    let ids = (0..4).map(|_| owners.container(OURS)).collect::<Vec<_>>();
    let engine = engine().await;
    let volumes = (0..4).map(|_| owners.anonymous_volume(OURS)).collect::<Vec<_>>();
    let prunes = (0..8).map(|_| tokio::spawn(engine.prune(owners.prune().volumes())));
    let (mut removed, mut removed_volumes) = (Vec::new(), Vec::new());
    for prune in prunes.collect::<Vec<_>>() {
        let report = prune.await??;
        removed.extend(report.containers().to_vec());
        removed_volumes.extend(report.volumes().to_vec());
    }
    assert!(ids.iter().all(|id| removed.contains(id) && !exists(id)), "{removed:?}");
    assert!(volumes.iter().all(|name| removed_volumes.contains(name) && !volume_exists(name)));
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

    /// Those that change something: before each, it is looked what is kept on purpose.
    fn changes(&self) -> Vec<String> {
        self.calls().into_iter().filter(|call| !call.starts_with("GET")).collect()
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
        fake.changes(),
        [
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
        let calls = fake.changes();
        assert_eq!(calls.len(), 3, "{calls:?}");
        assert!(calls.iter().all(|call| call.contains("label")), "{calls:?}");
    }
    Ok(())
}

#[tokio::test]
async fn an_old_engine_is_not_asked_to_prune_volumes_that_have_names() -> TestResult {
    let anonymous = "a1".repeat(32);
    let listed = anonymous.clone();
    let fake = Fake::start(move |path| match path {
        "/volumes" => (200, json!({ "Volumes": [{ "Name": "precious" }, { "Name": listed }] })),
        "/system/df" => {
            let usage = json!({ "Size": 1_000, "RefCount": 0 });
            (200, json!({ "Volumes": [{ "Name": listed, "UsageData": usage }] }))
        }
        other => docker_20(other),
    });
    let engine = Engine::connect_to(&fake.address).await?;
    let report = engine.volumes().prune(Prune::new().everything()).await?;
    assert_eq!(report.volumes(), std::slice::from_ref(&anonymous));
    assert_eq!(report.space_reclaimed(), 1_000);
    assert_eq!(
        fake.calls()[2..],
        [
            "GET /volumes?filters=%7B%22dangling%22:%5B%22true%22%5D%7D".to_owned(),
            "GET /system/df".to_owned(),
            format!("DELETE /volumes/{anonymous}"),
        ]
    );
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
    assert_eq!(fake.changes().len(), 2, "nothing more was tried");
    Ok(())
}
