//! Images between an engine and a registry: pulled once, pushed with one's credentials, and what is said when that fails.

use std::env;
use std::process::Command;
use std::time::{Duration, Instant};

use longshore::{
    Container, ContainerRequest, Engine, PullOptions, PushOptions, RemovedImage, Wait,
};
use serde_json::Value;

use crate::client::{http_get, text_and_cause_of};
use crate::images::{images, is_here, Made};
use crate::support::proxy::{Action, Proxy};
use crate::support::{is_podman, unique, TestResult, BUSYBOX};

/// Set for a child process, with the name of the image that it pushes and pulls.
const CHILD: &str = "LONGSHORE_TEST_PUSHED";

/// `somebody:sesame`, by bcrypt.
const PASSWORD_FILE: &[u8] =
    b"somebody:$2y$05$abcdefghijklmnopqrstuuKcS.CYWVYVaLiiCKrrc0A5s3mGesJ9O\n";

fn registry() -> ContainerRequest {
    ContainerRequest::new("registry:2").publish("5000").wait(Wait::http("/v2/").port(5000))
}

/// A name for an image in that registry.
fn in_registry(registry: &Container) -> longshore::Result<String> {
    Ok(format!("{}/team/{}:1", registry.address(5000)?, unique("app")))
}

#[tokio::test]
async fn an_image_goes_to_a_registry_and_comes_back() -> TestResult {
    let registry = registry().start().await?;
    let name = in_registry(&registry)?;
    let images = images().await;
    let made = Made::new(&["LABEL a=1"]).await;
    images.tag(made.id(), &name).await?;

    let digest = images.push(&name).await?;
    assert!(digest.starts_with("sha256:") && digest.len() == 71, "{digest}");
    let repository = name.strip_suffix(":1").expect("its tag").split_once('/').expect("a path").1;
    let tags = http_get(registry.address(5000)?, &format!("/v2/{repository}/tags/list"))?;
    let tags: Value = serde_json::from_str(&tags.1)?;
    assert_eq!(tags["tags"], serde_json::json!(["1"]));

    let before = images.inspect(&name).await?;
    let removed = images.remove(made.id()).await?;
    assert!(removed.contains(&RemovedImage::Deleted(made.id().to_owned())), "{removed:?}");
    assert!(!made.is_here());
    images.pull(&name).await?;
    let after = images.inspect(&name).await?;
    assert_eq!((after.id(), after.layers()), (made.id(), before.layers()));
    let by_digest = format!("{}@{digest}", name.strip_suffix(":1").expect("its tag"));
    assert!(after.digests().contains(&by_digest), "{:?}", after.digests());

    // By the digest that the push gave.
    images.remove(&name).await?;
    images.pull(&by_digest).await?;
    assert_eq!(images.inspect(&by_digest).await?.id(), made.id());
    images.remove(&by_digest).await?;
    registry.remove().await?;
    Ok(())
}

#[tokio::test]
async fn layers_that_a_registry_has_are_not_sent_again() -> TestResult {
    if is_podman() {
        // It packs the layers first, and asks the registry for them under other digests too.
        return Ok(());
    }
    let registry = registry().start().await?;
    let images = images().await;
    // The registry is asked for each layer, and notes which it lacks.
    let missing = || async {
        registry.logs().await.expect("its log").matches("err.code=\"blob unknown\"").count()
    };
    let (name, other) = (in_registry(&registry)?, in_registry(&registry)?);
    let made = Made::new(&[]).await.named(&name).named(&other);
    let digest = images.push(&name).await?;
    let once = missing().await;
    assert!(once > 0, "{}", registry.logs().await?);
    assert_eq!(images.push(&name).await?, digest);
    assert_eq!(missing().await, once);
    // In another repository they are mounted from the first.
    assert_eq!(images.push(&other).await?, digest);
    drop(made);
    registry.remove().await?;
    Ok(())
}

#[tokio::test]
async fn a_push_tells_why_it_failed() -> TestResult {
    let images = images().await;
    let name = format!("127.0.0.1:1/team/{}:1", unique("app"));
    let _made = Made::new(&[]).await.named(&name);
    let error = images.push(&name).await.expect_err("nobody listens there");
    assert!(error.is_push_failed() && !error.is_image_not_found(), "{error}");
    let (text, cause) = text_and_cause_of(&error).await;
    assert_eq!(
        text,
        format!(
            "the image `{name}` could not be pushed\n  image: `{name}`\n  engine: ENGINE\n  hint: look at whether \
             `127.0.0.1:1` is reached from the engine's machine"
        )
    );
    assert!(cause.contains("connection refused"), "{cause}");

    let nowhere = format!("127.0.0.1:1/team/{}:1", unique("nowhere"));
    let error = images.push(&nowhere).await.expect_err("no such image");
    assert!(error.is_image_not_found() && !error.is_push_failed(), "{error}");
    let (text, _) = text_and_cause_of(&error).await;
    assert_eq!(
        text,
        format!(
            "the image `{nowhere}` could not be pushed\n  image: `{nowhere}`\n  engine: ENGINE\n  hint: give an image \
             that is here this name: `docker tag IMAGE {nowhere}`"
        )
    );
    Ok(())
}

#[tokio::test]
async fn a_push_without_progress_is_given_up() -> TestResult {
    let proxy = Proxy::with(|asked| match asked.contains("/push") {
        true => Action::DelayAnswer(Duration::from_secs(20)),
        false => Action::Pass,
    });
    let engine = Engine::connect_to(&proxy.address()).await?;
    let name = format!("127.0.0.1:1/team/{}:1", unique("slow"));
    let _made = Made::new(&[]).await.named(&name);
    let options = PushOptions::new().stall_timeout(Duration::from_millis(300));
    let begun = Instant::now();
    let error = engine.images().push_with(&name, options).await.expect_err("no answer");
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert!(error.is_push_failed(), "{error}");
    assert_eq!(
        error.to_string(),
        format!(
            "pushing the image `{name}` made no progress for 300ms\n  image: `{name}`\n  engine: {engine}\n  hint: look at \
             the network and the registry, or give it longer with `PushOptions::stall_timeout(..)`"
        )
    );
    Ok(())
}

#[tokio::test]
async fn a_registry_with_a_password_takes_who_has_logged_in() -> TestResult {
    let request = ContainerRequest::new("registry:2")
        .publish("5000")
        .env("REGISTRY_AUTH", "htpasswd")
        .env("REGISTRY_AUTH_HTPASSWD_REALM", "tests")
        .env("REGISTRY_AUTH_HTPASSWD_PATH", "/passwords")
        .copy_to(PASSWORD_FILE.to_vec(), "/passwords")
        .wait(Wait::http("/v2/").port(5000).status(401));
    let registry = request.start().await?;
    let name = in_registry(&registry)?;
    let made = Made::new(&[]).await.named(&name);
    let images = images().await;

    let error = images.push(&name).await.expect_err("nobody has logged in");
    assert!(error.is_push_failed(), "{error}");
    let address = registry.address(5000)?;
    let hint =
        format!("\n  hint: log in first, as somebody who may push there: `docker login {address}`");
    assert!(error.to_string().ends_with(&hint), "{error}");

    // Where `docker login` leaves credentials is a matter of the environment, so a process of its own is asked.
    let home = env::temp_dir().join(unique("longshore-login"));
    std::fs::create_dir(&home)?;
    // base64 of `somebody:sesame`.
    let login =
        serde_json::json!({ "auths": { address.as_str(): { "auth": "c29tZWJvZHk6c2VzYW1l" } } });
    std::fs::write(home.join("config.json"), login.to_string())?;
    let child = Command::new(env::current_exe()?)
        .args(["--exact", "images_registry::child_that_has_logged_in", "--nocapture", "--ignored"])
        .env(CHILD, &name)
        .env("DOCKER_CONFIG", &home)
        .output()?;
    std::fs::remove_dir_all(&home)?;
    let told = String::from_utf8_lossy(&child.stdout).into_owned();
    assert!(child.status.success(), "{told}{}", String::from_utf8_lossy(&child.stderr));
    assert!(told.contains("1 passed"), "{told}");
    assert!(made.is_here());

    // It was that process's login: here the image cannot be pulled either.
    let error = images.pull(&name).await.expect_err("nobody has logged in");
    assert!(error.is_pull_failed(), "{error}");
    registry.remove().await?;
    Ok(())
}

#[tokio::test]
#[ignore = "run as a child process by another test"]
async fn child_that_has_logged_in() -> TestResult {
    let Ok(name) = env::var(CHILD) else { return Ok(()) };
    let images = images().await;
    let digest = images.push(&name).await?;
    images.pull(&name).await?;
    let digests = images.inspect(&name).await?.digests();
    assert!(digests.iter().any(|known| known.ends_with(&digest)), "{digests:?}");
    Ok(())
}

#[tokio::test]
async fn many_who_pull_at_once_pull_once() -> TestResult {
    let proxy = Proxy::with(|asked| match asked.contains("/images/create") {
        true => Action::DelayAnswer(Duration::from_millis(500)),
        false => Action::Pass,
    });
    let engine = Engine::connect_to(&proxy.address()).await?;
    let images = engine.images();
    let pulls = (0..8).map(|_| tokio::spawn(images.pull(BUSYBOX))).collect::<Vec<_>>();
    for pull in pulls {
        pull.await??;
    }
    let count = || proxy.calls().iter().filter(|call| *call == "POST /images/create").count();
    assert_eq!(count(), 1);
    // Later is another time: its tag may have moved.
    images.pull(BUSYBOX).await?;
    assert_eq!(count(), 2);
    assert!(is_here(BUSYBOX));
    Ok(())
}

#[tokio::test]
async fn a_pull_tells_why_it_failed() -> TestResult {
    let images = images().await;
    let error = images.pull("busybox:no-such-tag").await.expect_err("no such tag");
    assert!(error.is_image_not_found(), "{error}");
    let (text, _) = text_and_cause_of(&error).await;
    assert_eq!(
        text,
        "the image `busybox:no-such-tag` could not be pulled\n  image: `busybox:no-such-tag`\n  engine: ENGINE\n  hint: \
         look at the spelling of its name and tag"
    );
    let error = images.pull("127.0.0.1:1/app:1").await.expect_err("nobody listens there");
    assert!(error.is_pull_failed(), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_pull_by_name_is_given_up_without_progress() -> TestResult {
    let proxy = Proxy::with(|asked| match asked.contains("/images/create") {
        true => Action::DelayAnswer(Duration::from_secs(20)),
        false => Action::Pass,
    });
    let engine = Engine::connect_to(&proxy.address()).await?;
    let options = PullOptions::new().stall_timeout(Duration::from_millis(300));
    let error = engine.images().pull_with(BUSYBOX, options).await.expect_err("no answer");
    assert_eq!(
        error.to_string(),
        format!(
            "pulling the image `{BUSYBOX}` made no progress for 300ms\n  image: `{BUSYBOX}`\n  engine: {engine}\n  hint: \
             look at the network and the registry, or give it longer with `PullOptions::stall_timeout(..)`"
        )
    );
    Ok(())
}

#[tokio::test]
async fn an_image_is_pulled_for_a_platform() -> TestResult {
    if is_podman() {
        // It takes the image of another platform, with a warning that the API does not give.
        return Ok(());
    }
    let images = images().await;
    let own = images.inspect(BUSYBOX).await?.architecture().to_owned();
    let options = PullOptions::new().platform(format!("linux/{own}"));
    images.pull_with(BUSYBOX, options).await?;
    let error = images.pull_with(BUSYBOX, PullOptions::new().platform("nonsense/of/a/kind")).await;
    let error = error.expect_err("no such platform");
    assert!(error.is_pull_failed() || error.is_image_not_found(), "{error}");
    Ok(())
}
