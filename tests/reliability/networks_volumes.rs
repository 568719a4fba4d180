//! Networks and volumes when things go wrong: dropped anywhere, cancelled, answers lost. What ends of processes leave of them
//! is in `networks_volumes_processes`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use longshore::{ContainerRequest, Engine, Network, NetworkRequest, Volume, VolumeRequest};
use rand::Rng;

use super::support::proxy::{Action, Proxy};
use super::support::{
    api, eventually, exists, network_exists, networks_labelled, unique, volume_exists,
    volumes_labelled, TestResult, BUSYBOX,
};
use super::torture_count;

fn current_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn multi_thread() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().expect("a runtime")
}

async fn both() -> longshore::Result<(Network, Volume)> {
    Ok((Network::create().await?, Volume::create().await?))
}

/// Drops the handles and sees that what they held is gone by then.
fn drop_and_look((network, volume): (Network, Volume)) {
    let (id, name) = (network.id().to_owned(), volume.name().to_owned());
    assert!(network_exists(&id) && volume_exists(&name));
    drop((network, volume));
    assert!(!network_exists(&id), "the network is still there when drop has returned");
    assert!(!volume_exists(&name), "the volume is still there when drop has returned");
}

/// What is left with a label.
fn left(label: &str) -> (Vec<String>, Vec<String>) {
    (networks_labelled(label), volumes_labelled(label))
}

const NOTHING: (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());

#[test]
fn dropped_wherever_a_handle_can_be() -> TestResult {
    let runtime = multi_thread();
    let (first, second) = (runtime.block_on(both())?, runtime.block_on(both())?);
    drop_and_look(first);
    drop(runtime);
    drop_and_look(second);

    let held = current_thread().block_on(both())?;
    thread::spawn(move || drop_and_look(held)).join().expect("no panic");

    futures::executor::block_on(async {
        drop_and_look(both().await?);
        Ok::<_, longshore::Error>(())
    })?;
    drop_and_look(longshore::blocking::block_on(both())?);

    for runtime in [current_thread(), multi_thread()] {
        let local = tokio::task::LocalSet::new();
        local.block_on(&runtime, async {
            let held = both().await?;
            tokio::task::spawn_local(async move { drop_and_look(held) }).await.expect("no panic");
            Ok::<_, longshore::Error>(())
        })?;
    }
    Ok(())
}

#[test]
fn in_a_task_that_a_runtime_drops_at_shut_down() -> TestResult {
    for runtime in [current_thread(), multi_thread()] {
        let held = runtime.block_on(both())?;
        let (id, name) = (held.0.id().to_owned(), held.1.name().to_owned());
        runtime.spawn(async move {
            let _held = held;
            std::future::pending::<()>().await;
        });
        runtime.block_on(tokio::task::yield_now());
        drop(runtime);
        assert!(!network_exists(&id) && !volume_exists(&name));
    }
    Ok(())
}

#[test]
fn in_any_order_with_the_containers_that_use_them() -> TestResult {
    let runtime = current_thread();
    for round in 0..6 {
        let (network, volume) = runtime.block_on(both())?;
        let container = ContainerRequest::new(BUSYBOX)
            .network(&network)
            .volume(volume.at("/data"))
            .cmd(["sleep", "600"])
            .start_blocking()?;
        let (net, vol, id) =
            (network.id().to_owned(), volume.name().to_owned(), container.id().to_owned());
        let (mut network, mut volume, mut container) =
            (Some(network), Some(volume), Some(container));
        // All six orders of three things.
        let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        for which in orders[round] {
            match which {
                0 => drop(network.take()),
                1 => drop(volume.take()),
                _ => drop(container.take()),
            }
        }
        assert!(!network_exists(&net) && !volume_exists(&vol) && !exists(&id), "order {round}");
    }
    Ok(())
}

#[tokio::test]
async fn a_creation_dropped_at_any_moment_leaves_nothing() -> TestResult {
    let label = unique("dropped-create");
    let (name, other_name) = (unique("dropped-net"), unique("dropped-vol"));
    let network = NetworkRequest::new().label("test", &label);
    let volume = VolumeRequest::new().label("test", &label);
    let label = format!("test={label}");
    // Docker takes about a hundred milliseconds for a network, Podman two.
    let begun = Instant::now();
    drop(network.create().await?);
    let network_time = begun.elapsed() / 2;
    let begun = Instant::now();
    drop(volume.create().await?);
    let volume_time = begun.elapsed() / 2;
    let mut cut_off = 0;
    for round in 0..torture_count() {
        let random = |most: Duration| most.mul_f64(rand::thread_rng().gen_range(0.0..1.5));
        let (network_limit, volume_limit) = (random(network_time), random(volume_time));
        let (network, volume) = match round % 2 {
            0 => (network.clone(), volume.clone()),
            _ => (network.clone().name(&name), volume.clone().name(&other_name)),
        };
        match tokio::time::timeout(network_limit, network.create()).await {
            Err(_) => cut_off += 1,
            Ok(made) => drop(made?),
        }
        assert_eq!(left(&label), NOTHING, "a network after {network_limit:?}");
        match tokio::time::timeout(volume_limit, volume.create()).await {
            Err(_) => cut_off += 1,
            Ok(made) => drop(made?),
        }
        assert_eq!(left(&label), NOTHING, "a volume after {volume_limit:?}");
    }
    assert!(cut_off > 0, "each was made in time");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn shared_ones_that_are_dropped_at_any_moment_by_many_leave_nothing() -> TestResult {
    let name = unique("shared-cut");
    for _ in 0..torture_count() {
        let tasks: Vec<_> = (0..4)
            .map(|_| {
                let shared = Network::shared(&name);
                let limit = Duration::from_micros(rand::thread_rng().gen_range(0..200_000));
                tokio::spawn(async move { tokio::time::timeout(limit, shared).await })
            })
            .collect();
        let mut held = Vec::new();
        for task in tasks {
            if let Ok(network) = task.await? {
                held.push(network?);
            }
        }
        assert!(held.iter().all(|network| network.id() == held[0].id()), "{held:?}");
        drop(held);
        // A handle may just have been on its way to somebody who went away: that one is dropped on another thread.
        eventually("the end of all networks of that name", || {
            let (status, all) = api("GET", "/networks");
            status == 200 && !all.contains(&name)
        });
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_want_one_name_at_once_one_gets_it() -> TestResult {
    for _ in 0..(torture_count() / 4).max(3) {
        let name = unique("one-name");
        let network = NetworkRequest::new().name(&name);
        let volume = VolumeRequest::new().name(&name);
        let networks =
            futures::future::join_all((0..6).map(|_| tokio::spawn(network.create()))).await;
        let volumes =
            futures::future::join_all((0..6).map(|_| tokio::spawn(volume.create()))).await;
        let networks: Vec<_> = networks.into_iter().collect::<Result<_, _>>()?;
        let volumes: Vec<_> = volumes.into_iter().collect::<Result<_, _>>()?;
        let errors = networks.iter().filter_map(|made| made.as_ref().err());
        let errors = errors.chain(volumes.iter().filter_map(|made| made.as_ref().err()));
        for error in errors {
            assert!(error.is_name_taken(), "{error}");
        }
        let made: Vec<_> = networks.into_iter().flatten().collect();
        assert_eq!(made.len(), 1, "networks called {name}");
        assert!(network_exists(made[0].id()));
        let made: Vec<_> = volumes.into_iter().flatten().collect();
        assert_eq!(made.len(), 1, "volumes called {name}");
        assert!(volume_exists(&name));
    }
    Ok(())
}

/// An engine that does what it is told and does not say so when `call` is in it.
fn silent_about(call: &'static str) -> longshore::Result<(Proxy, Engine)> {
    let proxy = Proxy::with(move |asked| match asked.contains(call) {
        true => Action::LoseAnswer,
        false => Action::Pass,
    });
    let engine = Engine::connect_to_blocking(&proxy.address())?;
    Ok((proxy, engine))
}

#[tokio::test]
async fn a_lost_answer_to_create_leaves_nothing() -> TestResult {
    let label = unique("lost");
    let (_proxy, engine) = silent_about("/create")?;
    let error = NetworkRequest::new().label("test", &label).create_on(&engine).await.unwrap_err();
    assert!(error.is_engine_unavailable(), "{error}");
    assert_eq!(left(&format!("test={label}")), NOTHING, "{error}");
    let error = VolumeRequest::new().label("test", &label).create_on(&engine).await.unwrap_err();
    assert!(error.is_engine_unavailable(), "{error}");
    assert_eq!(left(&format!("test={label}")), NOTHING, "{error}");
    Ok(())
}

#[tokio::test]
async fn a_lost_answer_to_create_never_removes_another_one_of_that_name() -> TestResult {
    let name = unique("same-name");
    let network = NetworkRequest::new().name(&name);
    let volume = VolumeRequest::new().name(&name);
    let (first, second) = (network.create().await?, volume.create().await?);
    let (_proxy, engine) = silent_about("/create")?;
    network.create_on(&engine).await.expect_err("the answer is lost");
    volume.create_on(&engine).await.expect_err("the answer is lost");
    assert!(network_exists(first.id()), "the first network is gone");
    assert!(volume_exists(second.name()), "the first volume is gone");
    Ok(())
}

#[tokio::test]
async fn a_lost_answer_to_the_look_around_after_a_creation_leaves_nothing() -> TestResult {
    let label = unique("lost-look");
    let request = NetworkRequest::new().name(unique("lost-look")).label("test", &label);
    let (_proxy, engine) = silent_about("GET /networks?")?;
    // Where names are unique nobody has to look around.
    if let Err(error) = request.create_on(&engine).await.map(drop) {
        assert!(error.is_engine_unavailable(), "{error}");
    }
    assert_eq!(left(&format!("test={label}")), NOTHING);
    Ok(())
}

#[tokio::test]
async fn a_creation_that_comes_after_its_caller_has_gone_is_removed() -> TestResult {
    let late = Duration::from_millis(500);
    let proxy = Proxy::with(move |asked| match asked.contains("/create") {
        true => Action::Delay(late),
        false => Action::Pass,
    });
    let engine = Engine::connect_to(&proxy.address()).await?;
    let label = unique("late");
    let network = NetworkRequest::new().label("test", &label);
    let volume = VolumeRequest::new().label("test", &label);
    tokio::time::timeout(late / 2, network.create_on(&engine)).await.expect_err("it is late");
    tokio::time::timeout(late / 2, volume.create_on(&engine)).await.expect_err("it is late");
    // The engine has made it by now, or never will.
    tokio::time::sleep(late).await;
    assert_eq!(left(&format!("test={label}")), NOTHING);
    Ok(())
}

#[tokio::test]
async fn a_removal_whose_answer_is_lost_is_tried_again() -> TestResult {
    let lost = AtomicBool::new(false);
    let proxy = Proxy::with(move |asked| {
        // Every second one.
        match asked.starts_with("DELETE") && !lost.fetch_xor(true, Ordering::SeqCst) {
            true => Action::LoseAnswer,
            false => Action::Pass,
        }
    });
    let engine = Engine::connect_to(&proxy.address()).await?;
    let network = NetworkRequest::new().create_on(&engine).await?;
    let id = network.id().to_owned();
    network.remove().await?;
    let volume = VolumeRequest::new().create_on(&engine).await?;
    let name = volume.name().to_owned();
    volume.remove().await?;
    assert!(!network_exists(&id) && !volume_exists(&name));
    Ok(())
}

#[tokio::test]
async fn a_removal_that_is_cancelled_still_happens() -> TestResult {
    let (network, volume) = both().await?;
    let (id, name) = (network.id().to_owned(), volume.name().to_owned());
    let soon = Duration::from_micros(200);
    let _ = tokio::time::timeout(soon, network.remove()).await;
    let _ = tokio::time::timeout(soon, volume.remove()).await;
    assert!(!network_exists(&id), "dropping the future drops the handle, which waits");
    assert!(!volume_exists(&name), "dropping the future drops the handle, which waits");
    Ok(())
}

#[tokio::test]
async fn a_connection_that_is_cancelled_is_in_nobodys_way() -> TestResult {
    let network = Network::create().await?;
    let container = ContainerRequest::new(BUSYBOX).cmd(["sleep", "600"]).start().await?;
    for _ in 0..(torture_count() / 2) {
        let limit = Duration::from_micros(rand::thread_rng().gen_range(0..100_000));
        let _ = tokio::time::timeout(limit, network.connect(&container)).await;
        let _ = network.disconnect_by_force(&container).await;
    }
    let _ = tokio::time::timeout(Duration::from_millis(5), network.connect(&container)).await;
    let id = network.id().to_owned();
    drop(network);
    assert!(!network_exists(&id));
    assert!(container.inspect().await?.is_running());
    Ok(())
}
