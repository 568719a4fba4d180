//! Images: when they are pulled, how often, and what is said when they cannot be had.
//!
//! Tests run side by side, so each that removes a tag has a tag of its own.

use std::time::Duration;

use longshore::{ContainerRequest, Engine, PullPolicy};
use serde_json::Value;

use crate::client::{failed_start, text_and_cause_of, Mark};
use crate::support::proxy::{Action, Proxy};
use crate::support::{api, get, unique, TestResult, BUSYBOX};

/// The other tag of the image that `debian:bookworm-slim` is.
const MISSING: &str = "debian:12-slim";
/// The other tag of the image that `busybox:1.35` is.
const WANTED_BY_MANY: &str = "busybox:latest";

fn is_here(image: &str) -> bool {
    api("GET", &format!("/images/{image}/json")).0 == 200
}

/// Removes a tag. Its image may stay: other tags of it are other tests' business.
fn untag(image: &str) {
    let (status, told) = api("DELETE", &format!("/images/{image}?noprune=true"));
    assert!(status == 200 || status == 404, "{image} cannot be untagged: {told}");
    assert!(!is_here(image));
}

/// A container that lives whatever its image would do.
fn sleeper(image: &str) -> ContainerRequest {
    ContainerRequest::new(image).entrypoint(["sleep", "600"])
}

fn pulls(engine: &Proxy) -> usize {
    engine.calls().iter().filter(|call| *call == "POST /images/create").count()
}

#[tokio::test]
async fn a_missing_image_is_pulled() -> TestResult {
    untag(MISSING);
    let container = sleeper(MISSING).start().await?;
    assert!(is_here(MISSING));
    assert_eq!(container.exec(["cat", "/etc/debian_version"]).await?.code(), 0);
    container.remove().await?;
    Ok(())
}

#[tokio::test]
async fn an_image_that_is_here_is_not_pulled() -> TestResult {
    sleeper(BUSYBOX).start().await?.remove().await?;
    let proxy = Proxy::start();
    let engine = Engine::connect_to(&proxy.address()).await?;
    sleeper(BUSYBOX).start_on(&engine).await?.remove().await?;
    assert_eq!(pulls(&proxy), 0);
    Ok(())
}

#[tokio::test]
async fn many_starts_at_once_pull_a_missing_image_once() -> TestResult {
    untag(WANTED_BY_MANY);
    let proxy = Proxy::start();
    let engine = Engine::connect_to(&proxy.address()).await?;
    let mark = Mark::new();
    let starts = (0..8).map(|_| tokio::spawn(mark.on(sleeper(WANTED_BY_MANY)).start_on(&engine)));
    let mut containers = Vec::new();
    for start in starts.collect::<Vec<_>>() {
        containers.push(start.await??);
    }
    assert_eq!(mark.count(), 8);
    assert_eq!(pulls(&proxy), 1);
    longshore::remove_all(containers).await?;
    assert_eq!(mark.count(), 0);
    Ok(())
}

#[tokio::test]
async fn always_pulls_at_each_start() -> TestResult {
    let proxy = Proxy::start();
    let engine = Engine::connect_to(&proxy.address()).await?;
    let request = sleeper(BUSYBOX).pull(PullPolicy::Always);
    request.start_on(&engine).await?.remove().await?;
    request.start_on(&engine).await?.remove().await?;
    assert_eq!(pulls(&proxy), 2);
    Ok(())
}

#[tokio::test]
async fn an_image_is_started_by_its_digest_too() -> TestResult {
    sleeper(BUSYBOX).start().await?.remove().await?;
    let image = get(&format!("/images/{BUSYBOX}/json"));
    let digests = image["RepoDigests"].as_array().expect("a list");
    let digest =
        digests.iter().filter_map(Value::as_str).find(|digest| digest.contains("busybox@"));
    let container = sleeper(digest.expect("a pulled image has one")).start().await?;
    let own = container.inspect().await?;
    let id = image["Id"].as_str().expect("an id").trim_start_matches("sha256:");
    assert_eq!(own.image_id().trim_start_matches("sha256:"), id);
    container.remove().await?;
    Ok(())
}

#[tokio::test]
async fn an_image_that_may_not_be_pulled_is_an_error_when_it_is_missing() -> TestResult {
    sleeper(BUSYBOX).pull(PullPolicy::Never).start().await?.remove().await?;

    let image = format!("busybox:{}", unique("never"));
    let error = failed_start(sleeper(&image).pull(PullPolicy::Never)).await;
    assert!(error.is_image_not_found(), "{error}");
    let (text, cause) = text_and_cause_of(&error).await;
    assert_eq!(
        text,
        format!(
            "the image `{image}` is not here and may not be pulled\n  image: `{image}`\n  engine: ENGINE\n  hint: pull it \
             before (`docker pull {image}`), or leave `.pull(PullPolicy::Never)` away"
        )
    );
    assert!(cause.to_lowercase().contains("no such image"), "{cause}");
    assert!(!is_here(&image));
    Ok(())
}

#[tokio::test]
async fn an_unknown_tag_is_an_image_that_is_not_found() -> TestResult {
    let error = failed_start(sleeper("busybox:no-such-tag")).await;
    assert!(error.is_image_not_found() && !error.is_pull_failed(), "{error}");
    let (text, cause) = text_and_cause_of(&error).await;
    assert_eq!(
        text,
        "the image `busybox:no-such-tag` could not be pulled\n  image: `busybox:no-such-tag`\n  engine: ENGINE\n  hint: \
         look at the spelling of its name and tag"
    );
    assert!(cause.contains("manifest unknown") || cause.contains("not found"), "{cause}");
    Ok(())
}

#[tokio::test]
async fn an_unknown_repository_is_an_image_that_is_not_found() -> TestResult {
    let error = failed_start(sleeper("no-such-repository:1")).await;
    assert!(error.is_image_not_found(), "{error}");
    assert_eq!(error.summary(), "the image `no-such-repository:1` could not be pulled");
    assert!(error.to_string().contains("\n  hint: look at "), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_registry_that_is_down_is_a_pull_that_failed() -> TestResult {
    for (image, registry) in
        [("127.0.0.1:1/app:1", "127.0.0.1:1"), ("registry.invalid/app:1", "registry.invalid")]
    {
        let error = failed_start(sleeper(image)).await;
        assert!(error.is_pull_failed() && !error.is_image_not_found(), "{error}");
        let (text, cause) = text_and_cause_of(&error).await;
        assert_eq!(
            text,
            format!(
                "the image `{image}` could not be pulled\n  image: `{image}`\n  engine: ENGINE\n  hint: look at whether \
                 `{registry}` is reached from the engine's machine"
            )
        );
        assert!(cause.len() > "  because: ".len(), "{text}");
    }
    Ok(())
}

#[tokio::test]
async fn a_failed_pull_is_told_to_all_who_wait_for_it_and_tried_again_by_the_next() -> TestResult {
    let proxy = Proxy::start();
    let engine = Engine::connect_to(&proxy.address()).await?;
    let request = sleeper("busybox:no-such-tag");
    let starts = (0..4).map(|_| tokio::spawn(request.start_on(&engine))).collect::<Vec<_>>();
    for start in starts {
        let error = start.await?.map(drop).expect_err("there is no such image");
        assert!(error.is_image_not_found(), "{error}");
    }
    let before = pulls(&proxy);
    let error = request.start_on(&engine).await.map(drop).expect_err("there is no such image");
    assert!(error.is_image_not_found(), "{error}");
    assert_eq!(pulls(&proxy), before + 1);
    Ok(())
}

/// An engine whose pulls answer this much later.
async fn slow_to_pull(by: Duration) -> longshore::Result<(Proxy, Engine)> {
    let proxy = Proxy::with(move |asked| match asked.contains("/images/create") {
        true => Action::DelayAnswer(by),
        false => Action::Pass,
    });
    let engine = Engine::connect_to(&proxy.address()).await?;
    Ok((proxy, engine))
}

#[tokio::test]
async fn a_pull_without_progress_is_given_up() -> TestResult {
    let (_proxy, engine) = slow_to_pull(Duration::from_secs(20)).await?;
    let request =
        sleeper(BUSYBOX).pull(PullPolicy::Always).pull_stall_timeout(Duration::from_millis(300));
    let error = request.start_on(&engine).await.map(drop).expect_err("nothing is pulled");
    assert!(error.is_pull_failed(), "{error}");
    assert_eq!(
        error.summary(),
        format!("pulling the image `{BUSYBOX}` made no progress for 300ms")
    );
    Ok(())
}

#[tokio::test]
async fn a_pull_does_not_count_against_the_time_for_the_start() -> TestResult {
    let limit = Duration::from_secs(6);
    let (_proxy, engine) = slow_to_pull(limit + Duration::from_secs(1)).await?;
    let request = sleeper(BUSYBOX).pull(PullPolicy::Always).start_timeout(limit);
    request.start_on(&engine).await?.remove().await?;
    Ok(())
}
