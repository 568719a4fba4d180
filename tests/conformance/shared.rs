//! One container for all who ask for the same: in this process, and what its handles do and do not.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use futures::future;
use longshore::wait::Target;
use longshore::{blocking, with_container, Container, ContainerRequest, Error, Hooks, Wait};

use super::client::shell;
use super::support::{
    api, eventually, exists, get, labelled, marks_of, remove_kept, unique, TestResult, BUSYBOX,
};

/// A request that nobody else makes, and its label.
fn request(command: &str) -> (ContainerRequest, String) {
    let name = unique("shared");
    (shell(command).label("shared-test", &name), format!("shared-test={name}"))
}

fn is_running(container: &str) -> bool {
    get(&format!("/containers/{container}/json"))["State"]["Running"] == true
}

#[tokio::test]
async fn all_who_ask_for_the_same_get_the_same_one() -> TestResult {
    let (request, label) = request("echo up; sleep 600");
    let request = request.expose("80").wait(Wait::log("up"));
    let all = future::try_join_all((0..16).map(|_| request.start_shared())).await?;
    let id = all[0].id().to_owned();
    assert!(all.iter().all(|one| one.id() == id && one.is_shared()));
    assert_eq!(labelled(&label), [id.as_str()]);
    let other = request.clone().env("A", "b").start_shared().await?;
    assert_ne!(other.id(), id, "another request is another container");

    drop(all);
    assert!(is_running(&id), "a dropped handle gives it back");
    let again = request.start_shared().await?;
    assert_eq!(again.id(), id);
    assert!(again.logs().await?.contains("up"));
    again.remove().await?;
    assert!(is_running(&id), "removing a handle gives it back");
    let own = request.start().await?;
    assert!(own.id() != id && !own.is_shared());
    Ok(())
}

#[test]
fn threads_without_a_runtime_share_too() -> TestResult {
    let (request, label) = request("sleep 600");
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let request = request.clone();
            std::thread::spawn(move || {
                request.start_shared_blocking().map(|one| one.id().to_owned())
            })
        })
        .collect();
    let mut ids = Vec::new();
    for thread in threads {
        ids.push(thread.join().expect("no panic")?);
    }
    ids.dedup();
    assert_eq!(ids, labelled(&label));
    Ok(())
}

#[tokio::test]
async fn it_is_not_ended_by_one_of_those_who_use_it() -> TestResult {
    let (request, _) = request("sleep 600");
    let mut shared = request.start_shared().await?;
    let limit = Duration::from_secs(1);
    let refused: [(&str, Result<(), Error>); 7] = [
        ("stopped", shared.stop().await),
        ("stopped", shared.stop_within(limit).await),
        ("stopped", shared.stop_with("SIGINT", limit).await),
        ("restarted", shared.restart().await),
        ("killed", shared.kill("SIGKILL").await),
        ("paused", shared.pause().await),
        ("renamed", shared.rename("another").await),
    ];
    for (done, outcome) in refused {
        let error = outcome.unwrap_err();
        assert!(error.is_in_use());
        assert_eq!(error.summary(), format!("a shared container cannot be {done}"));
        let text = error.to_string();
        assert!(text.contains("because: other tests use it too"), "{text}");
        assert!(text.contains(shared.name()) && text.contains("hint: give this test"), "{text}");
    }
    assert!(is_running(shared.id()));
    assert!(shared.exec(["true"]).await?.success());
    Ok(())
}

#[tokio::test]
async fn one_that_has_died_or_was_removed_is_replaced() -> TestResult {
    let (request, label) = request("sleep 600");
    let first = request.start_shared().await?;
    api("POST", &format!("/containers/{}/kill", first.id()));
    eventually("its end", || !is_running(first.id()));
    let second = request.start_shared().await?;
    assert_ne!(second.id(), first.id());
    assert_eq!(labelled(&label), [second.id()], "the dead one was removed");
    api("DELETE", &format!("/containers/{}?force=1", second.id()));
    let third = request.start_shared().await?;
    assert_eq!(labelled(&label), [third.id()]);
    assert!(first.exec(["true"]).await.is_err());
    Ok(())
}

#[tokio::test]
async fn a_job_is_done_once() -> TestResult {
    let (request, label) = request("echo migrated");
    let request = request.wait(Wait::exit());
    let first = request.start_shared().await?;
    assert_eq!((first.wait().await?, first.logs().await?.as_str()), (0, "migrated\n"));
    let second = request.start_shared().await?;
    assert_eq!((second.id(), second.wait().await?), (first.id(), 0));
    assert_eq!(labelled(&label), [first.id()]);
    Ok(())
}

#[tokio::test]
async fn those_who_wait_are_told_the_failure_and_who_comes_later_tries_again() -> TestResult {
    let (request, label) = request("echo 'no licence'; sleep 1; exit 3");
    let request = request.wait(Wait::log("ready"));
    let (asks, begun) = (4, std::time::Instant::now());
    let outcomes = future::join_all((0..asks).map(|_| request.start_shared())).await;
    let errors: Vec<_> = outcomes.into_iter().map(Result::unwrap_err).collect();
    for error in &errors {
        assert!(error.is_exited() && error.exit_code() == Some(3), "{error}");
        assert!(error.to_string().contains("no licence"), "{error}");
    }
    let told = "asked for by: another test, for which this one waited";
    let waited = errors.iter().filter(|error| error.to_string().contains(told)).count();
    assert_eq!(waited, asks - 1, "one has tried: {errors:?} in {:?}", begun.elapsed());
    let again = request.start_shared().await.unwrap_err();
    assert!(again.is_exited() && !again.to_string().contains(told), "{again}");
    assert_eq!(labelled(&label), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn when_the_one_who_makes_it_gives_up_the_next_one_does() -> TestResult {
    let (request, label) = request("sleep 1; echo up; sleep 600");
    let request = request.wait(Wait::log("up"));
    let mut first = Box::pin(request.start_shared());
    let (second, label_of) = (request.clone(), label.clone());
    let second = tokio::spawn(async move { second.start_shared().await });
    // It is at it when there is a container.
    loop {
        let _ = tokio::time::timeout(Duration::from_millis(20), &mut first).await;
        if !labelled(&label_of).is_empty() {
            break;
        }
    }
    drop(first);
    let second = second.await??;
    assert_eq!(labelled(&label), [second.id()]);
    Ok(())
}

#[tokio::test]
async fn waits_of_ones_own_are_awaited_once_and_a_key_tells_them_apart() -> TestResult {
    let (request, label) = request("sleep 600");
    let count = Arc::new(AtomicUsize::new(0));
    let ask = |key: &'static str| {
        let count = count.clone();
        let wait = move |_: Target| {
            count.fetch_add(1, Ordering::SeqCst);
            async { Ok(()) }
        };
        request.start_shared_with(key, Hooks::new().wait(wait))
    };
    let (first, second, other) = futures::try_join!(ask("one"), ask("one"), ask("two"))?;
    assert_eq!(first.id(), second.id());
    assert_ne!(first.id(), other.id());
    assert_eq!((count.load(Ordering::SeqCst), labelled(&label).len()), (2, 2));
    let hooks = Hooks::new().on_log(|_| ());
    let error = request.start_shared_with("three", hooks).await.unwrap_err();
    assert!(error.is_invalid_request());
    assert_eq!(error.summary(), "a shared container takes no consumers of its output");
    let error = ContainerRequest::new("Busybox").start_shared().await.unwrap_err();
    assert!(error.is_invalid_request(), "{error}");
    Ok(())
}

#[tokio::test]
async fn one_that_is_kept_is_marked() -> TestResult {
    let (request, label) = request("sleep 600");
    let id = request.start_shared().await?.keep().await?.id().to_owned();
    let instance = &get(&format!("/containers/{id}/json"))["Config"]["Labels"];
    let instance = instance["org.longshore.instance"].as_str().expect("it is ours");
    let marks = marks_of(instance);
    remove_kept(&format!("/containers/{id}"));
    assert_eq!((marks.len(), labelled(&label)), (1, Vec::new()));
    Ok(())
}

#[with_container("busybox:1.35", cmd = ["sleep", "600"], label("shared-by" = "attribute"), shared)]
#[test]
fn a_test_is_given_a_shared_one(one: blocking::Container) {
    assert!(one.is_shared());
    assert_eq!(labelled("shared-by=attribute"), [one.id()]);
}

#[with_container("busybox:1.35", cmd = ["sleep", "600"], label("shared-by" = "attribute"), shared)]
#[with_container("busybox:1.35", cmd = ["sleep", "600"], label("shared-by" = "attribute"), shared = true)]
#[with_container("busybox:1.35", cmd = ["sleep", "600"], shared = false)]
async fn so_is_another_one_beside_one_of_its_own(
    first: &Container,
    second: Container,
    own: &mut Container,
) -> TestResult {
    assert_eq!((first.id(), first.is_shared()), (second.id(), true));
    let error = second.stop().await.unwrap_err();
    assert!(error.is_in_use(), "also one that is given by value");
    assert!(!own.is_shared());
    own.stop_within(Duration::ZERO).await?;
    second.remove().await?;
    assert!(exists(first.id()));
    assert_eq!(labelled("shared-by=attribute"), [first.id()]);
    Ok(())
}

#[test]
fn it_is_ours_and_the_test_run_s() -> TestResult {
    let request = ContainerRequest::new(BUSYBOX).cmd(["sleep", "600"]).label("x", unique("x"));
    let shared = request.start_shared_blocking()?;
    let labels = &get(&format!("/containers/{}/json", shared.id()))["Config"]["Labels"];
    let name = |name: &str| labels[format!("org.longshore.{name}")].as_str().unwrap_or_default();
    assert!(!name("session").is_empty() && !name("instance").is_empty());
    // Of a process alone, the container is its own.
    let is_own = name("owner").split('/').nth(2) == Some(&std::process::id().to_string());
    assert_eq!(is_own, name("shared").is_empty(), "{labels}");
    Ok(())
}
