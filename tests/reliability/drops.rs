//! Handles dropped wherever a handle can be.

use std::sync::{Arc, Barrier};
use std::thread;

use longshore::{Container, ContainerRequest, Engine};

use super::support::proxy::Proxy;
use super::support::{exists, TestResult, BUSYBOX};

fn request() -> ContainerRequest {
    ContainerRequest::new(BUSYBOX).cmd(["sleep", "600"])
}

fn current_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn multi_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
}

/// Drops the handle and sees that the container is gone by then.
fn drop_and_look(container: Container) {
    let id = container.id().to_owned();
    assert!(exists(&id));
    drop(container);
    assert!(!exists(&id), "the container is still there when drop has returned");
}

#[test]
fn outside_any_runtime_while_the_runtime_lives_and_after_it() -> TestResult {
    let runtime = multi_thread();
    let (first, second) =
        (runtime.block_on(request().start())?, runtime.block_on(request().start())?);
    drop_and_look(first);
    drop(runtime);
    drop_and_look(second);
    Ok(())
}

#[test]
fn on_a_plain_thread() -> TestResult {
    let container = current_thread().block_on(request().start())?;
    thread::spawn(move || drop_and_look(container)).join().expect("no panic");
    Ok(())
}

#[test]
fn inside_a_local_set_on_both_kinds_of_runtime() -> TestResult {
    for runtime in [current_thread(), multi_thread()] {
        let local = tokio::task::LocalSet::new();
        local.block_on(&runtime, async {
            let container = request().start().await?;
            tokio::task::spawn_local(async move { drop_and_look(container) })
                .await
                .expect("no panic");
            Ok::<_, longshore::Error>(())
        })?;
    }
    Ok(())
}

#[test]
fn in_a_task_that_a_runtime_drops_at_shut_down() -> TestResult {
    for runtime in [current_thread(), multi_thread()] {
        let container = runtime.block_on(request().start())?;
        let id = container.id().to_owned();
        let task = runtime.spawn(async move {
            let _held = container;
            std::future::pending::<()>().await;
        });
        runtime.block_on(tokio::task::yield_now());
        drop(runtime);
        assert!(!exists(&id), "the task's container is still there when the runtime has gone");
        assert!(task.is_finished());
    }
    Ok(())
}

#[test]
fn under_another_executor_than_tokio() -> TestResult {
    futures::executor::block_on(async {
        let container = request().start().await?;
        assert!(container.exec(["true"]).await?.success());
        drop_and_look(container);
        Ok(())
    })
}

#[test]
fn while_a_test_panics() {
    let (told, id) = std::sync::mpsc::channel();
    let body = thread::spawn(move || {
        current_thread().block_on(async {
            let container = request().start().await.expect("a container");
            told.send(container.id().to_owned()).expect("somebody listens");
            panic!("as a failing test does");
        })
    });
    assert!(body.join().is_err());
    assert!(!exists(&id.recv().expect("an id")));
}

#[test]
fn side_by_side_when_many_current_thread_tests_end_together() -> TestResult {
    const TESTS: usize = 6;
    let proxy = Proxy::start();
    let engine = Engine::connect_to_blocking(&proxy.address())?;
    let together = Arc::new(Barrier::new(TESTS));
    let tests: Vec<_> = (0..TESTS)
        .map(|_| {
            let (engine, together) = (engine.clone(), together.clone());
            thread::spawn(move || {
                current_thread().block_on(async {
                    let container = request().start_on(&engine).await.expect("a container");
                    together.wait();
                    drop_and_look(container);
                });
            })
        })
        .collect();
    for test in tests {
        test.join().expect("no panic");
    }
    assert!(
        proxy.most_deletes_at_once() > TESTS / 2,
        "only {} drops at once",
        proxy.most_deletes_at_once()
    );
    Ok(())
}

#[test]
fn blocking_handles_are_made_used_and_dropped_inside_async_code() -> TestResult {
    for runtime in [current_thread(), multi_thread()] {
        runtime.block_on(async {
            let container = request().start_blocking()?;
            assert!(container.exec(["true"])?.success());
            container.pause()?;
            container.unpause()?;
            let id = container.id().to_owned();
            drop(container);
            assert!(!exists(&id));
            Ok::<_, longshore::Error>(())
        })?;
    }
    Ok(())
}

#[test]
fn a_container_that_somebody_else_removed_is_no_trouble() -> TestResult {
    let containers = [request().start_blocking()?, request().start_blocking()?];
    for container in &containers {
        super::support::api("DELETE", &format!("/containers/{}?force=1", container.id()));
    }
    let [dropped, removed] = containers;
    drop(dropped);
    removed.remove()?;
    Ok(())
}
