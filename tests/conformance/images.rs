//! Images: what each tells of itself, and what is said of those that are not here. Also what the other tests of images share.
//!
//! Each test makes images of its own from the small one, with a label or a name that no other has.

use std::future::Future;
use std::time::Duration;

use longshore::{
    Engine, HistoryEntry, ImageArchive, ImageFilters, ImageInspect, ImageSummary, Images, Prune,
    PruneReport, PullOptions, PushOptions, RemoveImage, RemovedImage, Until,
};
use serde_json::{json, Value};

use crate::client::{text_and_cause_of, text_of};
use crate::support::proxy::Proxy;
use crate::support::{api, api_with, is_podman, unique, TestResult, BUSYBOX};

/// An image of a test's own; gone when this is dropped.
pub(crate) struct Made(String);

impl Made {
    /// The small image and these instructions, such as `LABEL a=1`. It has no name.
    pub(crate) async fn new(instructions: &[&str]) -> Self {
        let images = images().await;
        if !images.exists(BUSYBOX).await.expect("an answer") {
            images.pull(BUSYBOX).await.expect("the small image");
        }
        Made::from(BUSYBOX, instructions)
    }

    pub(crate) fn from(base: &str, instructions: &[&str]) -> Self {
        // Podman gets confused when one layer comes and goes with several images at the same time.
        let file = if is_podman() { unique("layer") } else { String::new() };
        Made::with_file(base, instructions, &file)
    }

    /// With a layer of its own, in which is this file, unless it is empty.
    pub(crate) fn with_file(base: &str, instructions: &[&str], content: &str) -> Self {
        let container = Created::new(base);
        if !content.is_empty() {
            let mut tar = tar::Builder::new(Vec::new());
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, "own", content.as_bytes()).expect("a file");
            let tar = String::from_utf8(tar.into_inner().expect("an archive")).expect("text");
            let path = format!("/containers/{}/archive?path=/", &*container);
            assert_eq!(api_with("PUT", &path, &tar).0, 200);
        }
        let instructions: String =
            instructions.iter().map(|one| format!("&changes={}", encoded(one))).collect();
        // Otherwise two of a test were one image where nothing else tells them apart.
        let own = encoded(&format!("LABEL image={}", unique("image")));
        let path = format!("/commit?container={}&changes={own}{instructions}", &*container);
        let (status, told) = api_with("POST", &path, "{}");
        assert_eq!(status, 201, "{told}");
        let told: Value = serde_json::from_str(&told).expect("JSON");
        let id = told["Id"].as_str().expect("an id").trim_start_matches("sha256:");
        Made(format!("sha256:{id}"))
    }

    /// Gives it a name, not through longshore.
    pub(crate) fn named(self, name: &str) -> Self {
        let (repository, tag) = name.rsplit_once(':').expect("a tag");
        let path = format!("/images/{}/tag?repo={repository}&tag={tag}", self.digits());
        assert_eq!(api("POST", &path).0, 201);
        self
    }

    /// The full id.
    pub(crate) fn id(&self) -> &str {
        &self.0
    }

    pub(crate) fn digits(&self) -> &str {
        self.0.trim_start_matches("sha256:")
    }

    pub(crate) fn is_here(&self) -> bool {
        is_here(&self.0)
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        api("DELETE", &format!("/images/{}?force=1&noprune=1", self.digits()));
    }
}

pub(crate) fn is_here(image: &str) -> bool {
    api("GET", &format!("/images/{image}/json")).0 == 200
}

/// A container that has never started, with no label; gone when this is dropped. Derefs to its id.
pub(crate) struct Created(String);

impl Created {
    pub(crate) fn new(image: &str) -> Self {
        Created::from(&json!({ "Image": image, "Cmd": ["sleep", "600"] }))
    }

    pub(crate) fn from(body: &Value) -> Self {
        let (status, told) = api_with("POST", "/containers/create", &body.to_string());
        assert_eq!(status, 201, "{told}");
        let told: Value = serde_json::from_str(&told).expect("JSON");
        Created(told["Id"].as_str().expect("an id").to_owned())
    }

    pub(crate) fn start(self) -> Self {
        assert_eq!(api("POST", &format!("/containers/{}/start", self.0)).0, 204);
        self
    }
}

impl std::ops::Deref for Created {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Drop for Created {
    fn drop(&mut self) {
        api("DELETE", &format!("/containers/{}?force=1", self.0));
    }
}

pub(crate) fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

pub(crate) async fn images() -> Images {
    Engine::connect().await.expect("an engine").images()
}

#[tokio::test]
async fn an_image_tells_what_it_was_made_with() -> TestResult {
    let name = format!("{}:1", unique("told"));
    let instructions = [
        "ENV GREETING=hello=world",
        "EXPOSE 8080",
        "EXPOSE 53/udp",
        "VOLUME /data",
        "LABEL a=1",
        "WORKDIR /srv",
        "USER nobody",
        "ENTRYPOINT [\"sleep\"]",
        "CMD [\"600\"]",
    ];
    let made = Made::new(&instructions).await.named(&name);
    let images = images().await;
    let image = images.inspect(&name).await?;

    assert_eq!(image.id(), made.id());
    assert_eq!(image.tags(), [name.as_str()]);
    assert_eq!(image.os(), "linux");
    assert_eq!(image.architecture(), if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" });
    assert!(image.created().expect("a moment").elapsed()? < Duration::from_secs(600));
    assert!(image.size() > 1_000_000 && image.layers()[0].starts_with("sha256:"));
    assert!(image.env().contains(&("GREETING", "hello=world")), "{:?}", image.env());
    let ports: Vec<_> = image.exposed_ports().iter().map(ToString::to_string).collect();
    assert_eq!(ports, ["53/udp", "8080/tcp"]);
    assert_eq!((image.volumes(), image.labels()["a"]), (vec!["/data"], "1"));
    assert_eq!((image.workdir(), image.user()), ("/srv", "nobody"));
    assert_eq!((image.entrypoint(), image.cmd()), (vec!["sleep"], vec!["600"]));
    assert_eq!(image.stop_signal(), None);
    assert_eq!(image.raw()["Id"], made.id());

    // By id, whole or short.
    for id in [made.id(), made.digits(), &made.digits()[..12], &made.id()[..20]] {
        assert_eq!(images.inspect(id).await?.id(), made.id());
        assert!(images.exists(id).await?);
    }
    Ok(())
}

#[tokio::test]
async fn a_pulled_image_has_a_digest() -> TestResult {
    let images = images().await;
    images.pull("redis:7.0").await?;
    let digests = images.inspect("redis:7.0").await?.digests();
    let digest = digests.iter().find(|digest| digest.starts_with("redis@sha256:"));
    assert_eq!(images.inspect(digest.expect("one of its own")).await?.digests(), digests);
    let listed = images.list(ImageFilters::new().reference("redis")).await?;
    assert!(listed.iter().any(|image| image.digests() == digests), "{listed:?}");
    Ok(())
}

#[tokio::test]
async fn history_tells_the_newest_step_first() -> TestResult {
    let name = format!("{}:1", unique("history"));
    let made = Made::new(&["LABEL a=1"]).await.named(&name);
    let history = images().await.history(&name).await?;
    assert!(history[0].created().elapsed()? < Duration::from_secs(600));
    let base = history.last().expect("the small image's step");
    assert_eq!(base.created_by(), "tests/hub");
    assert!(base.size() > 1_000_000 && base.created() < history[0].created());
    assert_eq!(base.raw()["CreatedBy"], "tests/hub");
    // Podman takes any image with the same layers for the one of a step, and 4.3 tells no names.
    if !is_podman() {
        assert_eq!(history[0].id(), Some(made.id()));
        assert_eq!(history[0].tags(), [name]);
        assert_eq!(history[0].created_by(), "sleep 600");
    }
    Ok(())
}

#[tokio::test]
async fn an_image_without_its_lower_steps_has_a_history_with_gaps() -> TestResult {
    // An image that was pulled is such a one: of its steps only the last is an image here.
    if is_podman() {
        // It finds other images that have the same lower layers.
        return Ok(());
    }
    let images = images().await;
    images.pull("nginx:1.22").await?;
    let history = images.history("nginx:1.22").await?;
    assert_eq!(history[0].id(), Some(images.inspect("nginx:1.22").await?.id()));
    assert!(history[1..].iter().all(|step| step.id().is_none()), "{history:?}");
    Ok(())
}

#[tokio::test]
async fn an_image_that_is_not_here_is_told_by_every_verb() -> TestResult {
    let images = images().await;
    let name = format!("{}:1", unique("nowhere"));
    let digits = "0123456789abcdef".repeat(4);
    for name in [name.as_str(), &digits, &format!("sha256:{digits}"), &digits[..12]] {
        assert!(!images.exists(name).await?);
        let errors = [
            ("inspected", images.inspect(name).await.map(drop)),
            ("asked for its history", images.history(name).await.map(drop)),
            ("tagged", images.tag(name, "nowhere:2").await),
            ("removed", images.remove(name).await.map(drop)),
            ("removed", images.remove_with(name, RemoveImage::new().force()).await.map(drop)),
        ];
        for (done, outcome) in errors {
            let error = outcome.expect_err("no such image");
            assert!(error.is_image_not_found(), "{error}");
            let (text, _) = text_and_cause_of(&error).await;
            assert_eq!(
                text,
                format!(
                    "the image `{name}` could not be {done}\n  image: `{name}`\n  engine: ENGINE\n  hint: `docker \
                     images` lists those that are here"
                )
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_is_malformed_is_told_before_the_engine_is_asked() -> TestResult {
    let proxy = Proxy::start();
    let images = Engine::connect_to(&proxy.address()).await?.images();
    proxy.forget();
    let folder = std::env::temp_dir();
    let digest = format!("app@sha256:{}", "a1".repeat(32));
    let outcomes = [
        images.inspect("Busybox").await.map(drop),
        images.history("busy box").await.map(drop),
        images.exists("").await.map(drop),
        images.tag("busybox", "Team").await,
        images.tag("busybox", &digest).await,
        images.remove("https://x/y").await.map(drop),
        images
            .pull("sha256:b1cc5b2aa9b0d4161e486d93ca02f46f4bbd7d0086a80c13dc532195d471eb5a")
            .await,
        images.push("Busybox").await.map(drop),
        images.push(&digest).await.map(drop),
        images.save(["busybox", "Busybox"], folder.join("x.tar")).await,
        images.save([""; 0], folder.join("x.tar")).await,
        images.save_stream([""; 0]).await.map(drop),
        images.list(ImageFilters::new().reference("busy[")).await.map(drop),
        images.list(ImageFilters::new().label("")).await.map(drop),
        images.list(ImageFilters::new().until("yesterday")).await.map(drop),
    ];
    for outcome in outcomes {
        let error = outcome.expect_err("malformed");
        assert!(error.is_invalid_request(), "{error}");
    }
    assert_eq!(proxy.calls(), [""; 0]);

    let error = images.tag("busybox", &digest).await.expect_err("a digest");
    assert_eq!(
        text_of(&error).await,
        format!("`{digest}` cannot be a new name: it has a digest\n  hint: write a tag, such as `app:1`")
    );
    let error = images.save([""; 0], folder.join("x.tar")).await.expect_err("no name");
    assert_eq!(
        error.to_string(),
        "no image is named\n  hint: name one or more, such as `[\"busybox:1.35\"]`"
    );
    Ok(())
}

#[test]
fn everything_of_images_can_be_shared_and_spawned() {
    fn is_shared<T: Send + Sync + 'static>() {}
    fn is_own<F: Future + Send + 'static>(_: impl FnOnce() -> F) {}
    is_shared::<Images>();
    is_shared::<ImageFilters>();
    is_shared::<ImageSummary>();
    is_shared::<ImageInspect>();
    is_shared::<HistoryEntry>();
    is_shared::<RemoveImage>();
    is_shared::<RemovedImage>();
    is_shared::<PullOptions>();
    is_shared::<PushOptions>();
    is_shared::<ImageArchive>();
    is_shared::<Until>();
    is_shared::<Prune>();
    is_shared::<PruneReport>();
    // Each future is its own: nothing that it was made with has to live.
    let _ = |images: &Images, name: &str, engine: &Engine| {
        is_own(|| images.list(ImageFilters::new()));
        is_own(|| images.inspect(name));
        is_own(|| images.exists(name));
        is_own(|| images.history(name));
        is_own(|| images.tag(name, name));
        is_own(|| images.remove(name));
        is_own(|| images.remove_with(name, RemoveImage::new()));
        is_own(|| images.pull(name));
        is_own(|| images.pull_with(name, PullOptions::new()));
        is_own(|| images.push(name));
        is_own(|| images.push_with(name, PushOptions::new()));
        is_own(|| images.save(["a"], "b"));
        is_own(|| images.save_stream(["a"]));
        is_own(|| images.load("b"));
        is_own(|| images.load_stream(futures::stream::empty()));
        is_own(|| images.prune(Prune::new()));
        is_own(|| engine.prune(Prune::new()));
        is_own(|| engine.containers().prune(Prune::new()));
        is_own(|| engine.networks().prune(Prune::new()));
        is_own(|| engine.volumes().prune(Prune::new()));
    };
}
