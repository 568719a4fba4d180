//! An engine whose answers are lost or late: what it made all the same is removed.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

use longshore::{ContainerRequest, Engine, Hooks};

use super::support::proxy::{Action, Proxy};
use super::support::{exists, labelled, unique, TestResult, BUSYBOX};

fn request(label: &str) -> ContainerRequest {
    ContainerRequest::new(BUSYBOX).label(label, "1").cmd(["sleep", "600"])
}

/// Starts through a proxy that spoils the answer to `call`, sees it fail, and sees that nothing is left.
fn fails_when_lost(
    call: &'static str,
    request: impl FnOnce(ContainerRequest) -> ContainerRequest,
) -> TestResult {
    let proxy = Proxy::with(
        move |asked| if asked.contains(call) { Action::LoseAnswer } else { Action::Pass },
    );
    let engine = Engine::connect_to_blocking(&proxy.address())?;
    let label = unique("lost");
    let error =
        request(self::request(&label)).start_on_blocking(&engine).expect_err("the answer is lost");
    assert!(error.is_engine_unavailable(), "{error}");
    assert_eq!(labelled(&label), [""; 0], "left after: {error}");
    Ok(())
}

#[test]
fn a_lost_answer_to_create_leaves_nothing() -> TestResult {
    fails_when_lost("/containers/create", |request| request)
}

#[test]
fn a_lost_answer_to_create_never_removes_another_container_of_that_name() -> TestResult {
    let name = unique("same-name");
    let holder = request("holder").name(&name).start_blocking()?;
    let proxy = Proxy::with(|asked| {
        if asked.contains("/containers/create") {
            Action::LoseAnswer
        } else {
            Action::Pass
        }
    });
    let engine = Engine::connect_to_blocking(&proxy.address())?;
    request("second").name(&name).start_on_blocking(&engine).expect_err("the answer is lost");
    assert!(exists(holder.id()), "the first container is gone");
    Ok(())
}

#[test]
fn a_lost_answer_to_start_leaves_nothing() -> TestResult {
    fails_when_lost("/start", |request| request)
}

#[test]
fn a_lost_answer_to_inspect_leaves_nothing() -> TestResult {
    fails_when_lost("/json", |request| request)
}

#[test]
fn a_create_that_comes_after_its_caller_has_gone_is_removed() -> TestResult {
    let late = Duration::from_millis(700);
    let proxy =
        Proxy::with(
            move |asked| if asked.contains("/create") { Action::Delay(late) } else { Action::Pass },
        );
    let engine = Engine::connect_to_blocking(&proxy.address())?;
    let label = unique("late");
    let error =
        request(&label).start_timeout(late / 2).start_on_blocking(&engine).expect_err("it is late");
    assert!(error.is_timeout(), "{error}");
    // The engine has made it by now, or never will.
    std::thread::sleep(late);
    assert_eq!(labelled(&label), [""; 0]);
    Ok(())
}

#[test]
fn a_removal_whose_answer_is_lost_is_tried_again() -> TestResult {
    let lost = AtomicBool::new(false);
    let proxy = Proxy::with(move |asked| {
        let first = asked.starts_with("DELETE") && !lost.swap(true, Ordering::SeqCst);
        if first {
            Action::LoseAnswer
        } else {
            Action::Pass
        }
    });
    let engine = Engine::connect_to_blocking(&proxy.address())?;
    let container = request("again").start_on_blocking(&engine)?;
    let id = container.id().to_owned();
    container.remove()?;
    assert!(!exists(&id));
    Ok(())
}

#[test]
fn a_drop_returns_though_the_engine_is_silent() -> TestResult {
    let silent = Arc::new(AtomicBool::new(false));
    let rule = silent.clone();
    let proxy = Proxy::with(move |_| match rule.load(Ordering::SeqCst) {
        true => Action::Delay(Duration::from_secs(600)),
        false => Action::Pass,
    });
    let engine = Engine::connect_to_blocking(&proxy.address())?;
    // A consumer, since its last output is waited for too.
    let hooks = Hooks::new().on_log(drop);
    let container = futures::executor::block_on(request("silent").start_on_with(&engine, hooks))?;
    let id = container.id().to_owned();
    silent.store(true, Ordering::SeqCst);
    let (returned, wait) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        drop(container);
        returned.send(())
    });
    // Its own limit is half a minute.
    let outcome = wait.recv_timeout(Duration::from_secs(60));
    super::support::api("DELETE", &format!("/containers/{id}?force=1"));
    outcome.map_err(|_| "the drop has not returned".into())
}
