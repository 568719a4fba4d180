//! Nothing is left: dropped, removed, panicked over, cancelled, in any state a container can be in.

use std::fs;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use longshore::{remove_all, Container, ContainerRequest, Wait};

use super::support::{api, exists, labelled, unique, TestResult, BUSYBOX};

fn idle() -> ContainerRequest {
    ContainerRequest::new(BUSYBOX).cmd(["sleep", "1000"])
}

/// Drops the handle: the container is gone when that returns.
fn drop_and_look(container: Container) {
    let id = container.id().to_owned();
    assert!(exists(&id));
    drop(container);
    assert!(!exists(&id), "the container is still there when the drop has returned");
}

/// 100 MB in the temporary folder, gone when it is dropped.
struct LargeFile(PathBuf);

impl LargeFile {
    fn new() -> std::io::Result<Self> {
        let file = LargeFile(std::env::temp_dir().join(unique("longshore-large")));
        fs::write(&file.0, vec![b'x'; 100_000_000])?;
        Ok(file)
    }
}

impl Drop for LargeFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// The names of a container's volumes.
async fn volumes(container: &Container) -> longshore::Result<Vec<String>> {
    let inspect = container.inspect().await?;
    let mounts = inspect.raw()["Mounts"].as_array().cloned().unwrap_or_default();
    Ok(mounts.iter().filter_map(|mount| mount["Name"].as_str().map(str::to_owned)).collect())
}

fn volume_status(name: &str) -> u16 {
    api("GET", &format!("/volumes/{name}")).0
}

#[tokio::test]
async fn a_dropped_handle_means_gone() -> TestResult {
    drop_and_look(idle().start().await?);
    Ok(())
}

#[tokio::test]
async fn remove_says_that_it_is_gone() -> TestResult {
    let container = idle().start().await?;
    let id = container.id().to_owned();
    container.remove().await?;
    assert!(!exists(&id));
    Ok(())
}

#[tokio::test]
async fn one_that_does_not_listen_to_signals_goes_at_once() -> TestResult {
    let deaf = ["sh", "-c", "trap '' TERM INT HUP; echo ready; while :; do sleep 1000; done"];
    let container =
        ContainerRequest::new(BUSYBOX).cmd(deaf).wait(Wait::log("ready")).start().await?;
    let begun = Instant::now();
    drop_and_look(container);
    // A polite stop would take ten.
    assert!(begun.elapsed() < Duration::from_secs(10), "it took {:?}", begun.elapsed());
    Ok(())
}

#[tokio::test]
async fn stopped_killed_and_paused_ones_go_too() -> TestResult {
    let ended = ContainerRequest::new(BUSYBOX).cmd(["true"]).wait(Wait::exit()).start().await?;
    drop_and_look(ended);
    let stopped = idle().stop_signal("KILL").start().await?;
    stopped.stop().await?;
    drop_and_look(stopped);
    let killed = idle().start().await?;
    killed.kill("KILL").await?;
    drop_and_look(killed);
    let paused = idle().start().await?;
    paused.pause().await?;
    drop_and_look(paused);
    Ok(())
}

#[tokio::test]
async fn one_that_was_created_but_cannot_start_goes() -> TestResult {
    let label = unique("cannot-start");
    let request = ContainerRequest::new(BUSYBOX).cmd(["/no/such/command"]).label("test", &label);
    let error = request.start().await.unwrap_err();
    assert_eq!(error.summary(), "the command of the container cannot be run");
    assert!(error.to_string().contains("/no/such/command"), "{error}");
    assert_eq!(labelled(&format!("test={label}")), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn anonymous_volumes_go_and_named_ones_stay() -> TestResult {
    let name = unique("longshore-volume");
    let container = idle().volume("/anonymous").volume(format!("{name}:/named")).start().await?;
    let mut all = volumes(&container).await?;
    all.retain(|volume| *volume != name);
    assert_eq!(all.len(), 1, "one volume beside the named one: {all:?}");
    assert_eq!(volume_status(&all[0]), 200);
    drop_and_look(container);
    let after = (volume_status(&all[0]), volume_status(&name));
    api("DELETE", &format!("/volumes/{name}"));
    assert_eq!(after, (404, 200));
    Ok(())
}

#[tokio::test]
async fn the_volumes_of_an_image_go() -> TestResult {
    let postgres =
        ContainerRequest::new("postgres:15").env("POSTGRES_PASSWORD", "secret").start().await?;
    let volumes = volumes(&postgres).await?;
    assert!(!volumes.is_empty());
    postgres.remove().await?;
    for volume in volumes {
        assert_eq!(volume_status(&volume), 404);
    }
    Ok(())
}

#[tokio::test]
async fn many_are_removed_side_by_side() -> TestResult {
    let containers = futures::future::try_join_all((0..10).map(|_| idle().start())).await?;
    let ids: Vec<_> = containers.iter().map(|container| container.id().to_owned()).collect();
    remove_all(containers).await?;
    assert!(ids.iter().all(|id| !exists(id)));
    remove_all([]).await?;
    Ok(())
}

#[tokio::test]
async fn one_that_somebody_else_has_removed_is_fine() -> TestResult {
    let (first, second) = (idle().start().await?, idle().start().await?);
    for container in [&first, &second] {
        let (status, told) = api("DELETE", &format!("/containers/{}?force=1&v=1", container.id()));
        assert!(matches!(status, 200 | 204), "{told}");
    }
    let error = first.inspect().await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    first.remove().await?;
    drop(second);
    Ok(())
}

#[tokio::test]
async fn a_panic_over_it_removes_it() -> TestResult {
    let container = idle().start().await?;
    let id = container.id().to_owned();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let _container = container;
        panic!("this panic belongs to the test");
    }));
    assert!(outcome.is_err());
    assert!(!exists(&id));
    Ok(())
}

#[tokio::test]
async fn a_start_dropped_at_any_moment_leaves_nothing() -> TestResult {
    let label = unique("dropped-start");
    let request = ContainerRequest::new(BUSYBOX)
        .cmd(["sh", "-c", "sleep 0.1; echo ready; exec sleep 1000"])
        .label("test", &label)
        .copy_to(b"x", "/file")
        .wait(Wait::log("ready"));
    let mut cut_off = 0;
    for round in 0..30 {
        // Spread over all phases of a start, and into the time after it.
        let limit = Duration::from_millis(1 + (round * 137) % 400);
        match tokio::time::timeout(limit, request.start()).await {
            Err(_) => cut_off += 1,
            Ok(started) => drop(started?),
        }
        assert_eq!(labelled(&format!("test={label}")), [""; 0], "after {limit:?}");
    }
    assert!(cut_off > 0, "no start took longer than it was given");
    Ok(())
}

#[tokio::test]
async fn a_start_dropped_while_it_copies_leaves_nothing() -> TestResult {
    let label = unique("dropped-copy");
    let file = LargeFile::new()?;
    let request = idle().label("test", &label).copy_to(&file.0, "/large");
    let mut cut_off = 0;
    for limit in [30, 60, 90, 120, 150] {
        let limit = Duration::from_millis(limit);
        cut_off += usize::from(tokio::time::timeout(limit, request.start()).await.is_err());
        assert_eq!(labelled(&format!("test={label}")), [""; 0], "after {limit:?}");
    }
    assert!(cut_off > 0, "every copy of 100 MB was done in time");
    Ok(())
}

#[tokio::test]
async fn a_start_dropped_while_it_waits_leaves_nothing() -> TestResult {
    let label = unique("dropped-wait");
    let label = format!("test={label}");
    let (key, value) = label.split_once('=').expect("as made above");
    let waits: [Wait; 4] = [
        Wait::log("never").into(),
        Wait::http("/").port(80).into(),
        Wait::exec(["sleep", "1000"]).into(),
        Wait::exit().into(),
    ];
    for wait in waits {
        let start = idle().publish("80").label(key, value).wait(wait.clone()).start();
        let running = async {
            while labelled(&label).is_empty() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            // It is created; now let it come to its wait.
            let id = labelled(&label).remove(0);
            while !api("GET", &format!("/containers/{id}/json")).1.contains("\"running\"") {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let (start, running) = (Box::pin(start), Box::pin(running));
        match futures::future::select(start, running).await {
            futures::future::Either::Left((outcome, _)) => {
                return Err(format!("the start did not wait for {wait}: {outcome:?}").into())
            }
            futures::future::Either::Right(((), start)) => drop(start),
        }
        assert_eq!(labelled(&label), [""; 0], "after a wait for {wait}");
    }
    Ok(())
}

#[tokio::test]
async fn a_removal_that_is_cancelled_still_happens() -> TestResult {
    let container = idle().start().await?;
    let id = container.id().to_owned();
    let _ = tokio::time::timeout(Duration::from_millis(1), container.remove()).await;
    assert!(!exists(&id), "dropping the future drops the handle, which waits");
    Ok(())
}
