//! Images: listed by Docker's filters, inspected, named, and removed by Docker's rules.
//!
//! Each test makes images of its own from the small one, with a label or a name that no other has.

use std::time::{Duration, SystemTime};

use longshore::{Engine, ImageFilters, ImageSummary, Images, RemoveImage, RemovedImage};
use serde_json::Value;

use crate::client::{text_and_cause_of, text_of};
use crate::support::proxy::Proxy;
use crate::support::{api, api_with, get, is_podman, unique, TestResult, BUSYBOX};

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
        let container = create(base);
        let instructions: String =
            instructions.iter().map(|one| format!("&changes={}", encoded(one))).collect();
        // Otherwise two of a test were one image where nothing else tells them apart.
        let own = encoded(&format!("LABEL image={}", unique("image")));
        let path = format!("/commit?container={container}&changes={own}{instructions}");
        let (status, told) = api_with("POST", &path, "{}");
        assert_eq!(status, 201, "{told}");
        remove_container(&container);
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

    fn digits(&self) -> &str {
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

/// The id of a container that has never started.
pub(crate) fn create(image: &str) -> String {
    let body = format!(r#"{{ "Image": "{image}", "Cmd": ["sleep", "600"] }}"#);
    let (status, told) = api_with("POST", "/containers/create", &body);
    assert_eq!(status, 201, "{told}");
    let told: Value = serde_json::from_str(&told).expect("JSON");
    told["Id"].as_str().expect("an id").to_owned()
}

pub(crate) fn remove_container(id: &str) {
    let (status, told) = api("DELETE", &format!("/containers/{id}?force=1"));
    assert!(status == 204 || status == 200, "{told}");
}

pub(crate) fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

pub(crate) async fn images() -> Images {
    Engine::connect().await.expect("an engine").images()
}

fn ids(listed: &[ImageSummary]) -> Vec<&str> {
    listed.iter().map(ImageSummary::id).collect()
}

#[tokio::test]
async fn images_are_listed_by_patterns_of_their_names() -> TestResult {
    let name = unique("pattern");
    let (libc, glibc) = (format!("{name}:1-uclibc"), format!("{name}:1-glibc"));
    let (other, app) = (format!("{name}:1"), format!("127.0.0.1:1/team/{name}:1"));
    let image = Made::new(&[]).await.named(&libc).named(&other).named(&app);
    let second = Made::new(&[]).await.named(&glibc);
    let images = images().await;
    let listed = |patterns: &[&str]| {
        let patterns = patterns.iter().map(|pattern| pattern.replace("NAME", &name));
        let list = images.list(patterns.fold(ImageFilters::new(), ImageFilters::reference));
        async {
            let mut names: Vec<String> = list
                .await
                .expect("a list")
                .iter()
                .flat_map(|image| image.tags().to_vec())
                .collect();
            names.sort();
            names
        }
    };

    assert_eq!(listed(&["NAME*:*libc"]).await, [glibc.as_str(), &libc]);
    // Without a tag it is about the repository; a `*` does not go over a `/`.
    assert_eq!(listed(&["NAME"]).await, [other.as_str(), &glibc, &libc]);
    assert_eq!(listed(&["*/NAME"]).await, Vec::<String>::new());
    assert_eq!(listed(&["127.0.0.1:1/*/NAME:?"]).await, [&app[..]]);
    assert_eq!(listed(&["NAME:1", "NAME:1-g*"]).await, [other.as_str(), &glibc]);

    let found = images.list(ImageFilters::new().reference(&libc)).await?;
    assert_eq!(ids(&found), [image.id()]);
    assert!(!found[0].is_dangling() && found[0].size() > 1_000_000);
    assert!(found[0].created().elapsed()? < Duration::from_secs(600));
    assert_eq!(found[0].raw()["Id"], image.id());
    assert!(second.is_here());
    Ok(())
}

#[tokio::test]
async fn images_are_listed_by_labels_of_which_all_count() -> TestResult {
    let label = unique("label");
    let one = format!("LABEL {label}=1");
    let both = Made::new(&[&one, "LABEL second=x"]).await;
    let first = Made::new(&[&one]).await;
    let images = images().await;
    let list = |filters: ImageFilters| images.list(filters);

    let found = list(ImageFilters::new().label(&label)).await?;
    assert_eq!(found.len(), 2);
    assert!(ids(&found).contains(&first.id()) && ids(&found).contains(&both.id()));
    assert!(found.iter().all(|image| image.labels()[label.as_str()] == "1"));
    let found = list(ImageFilters::new().label(format!("{label}=1")).label("second=x")).await?;
    assert_eq!(ids(&found), [both.id()]);
    assert!(list(ImageFilters::new().label(format!("{label}=2"))).await?.is_empty());
    assert!(list(ImageFilters::new().label(&label).reference("no-such-name")).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn an_image_whose_name_was_taken_is_dangling() -> TestResult {
    let (label, name) = (unique("dangling"), format!("{}:1", unique("taken")));
    let old = Made::new(&[&format!("LABEL {label}=1")]).await.named(&name);
    let new = Made::new(&[&format!("LABEL {label}=1")]).await.named(&name);
    let images = images().await;

    let dangling = images.list(ImageFilters::new().label(&label).dangling()).await?;
    assert_eq!(ids(&dangling), [old.id()]);
    assert!(dangling[0].is_dangling() && dangling[0].tags().is_empty());
    let named = images.list(ImageFilters::new().label(&label).not_dangling()).await?;
    assert_eq!(ids(&named), [new.id()]);
    assert_eq!(named[0].tags(), [name.as_str()]);
    assert_eq!(images.list(ImageFilters::new().label(&label)).await?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn an_intermediate_image_is_listed_with_all() -> TestResult {
    let (label, name) = (unique("intermediate"), format!("{}:1", unique("top")));
    let below = Made::new(&[&format!("LABEL {label}=1")]).await;
    let top = Made::from(below.id(), &[]).named(&name);
    let images = images().await;
    let shown = images.list(ImageFilters::new().label(&label)).await?;
    assert_eq!(ids(&shown), [top.id()]);
    let mut all = ids(&images.list(ImageFilters::new().label(&label).all()).await?)
        .iter()
        .map(|id| (*id).to_owned())
        .collect::<Vec<_>>();
    let mut expected = vec![top.id().to_owned(), below.id().to_owned()];
    all.sort();
    expected.sort();
    assert_eq!(all, expected);
    Ok(())
}

#[tokio::test]
async fn images_are_listed_by_when_they_were_made() -> TestResult {
    let (label, name) = (unique("age"), format!("{}:1", unique("middle")));
    let instruction = format!("LABEL {label}=1");
    let old = Made::new(&[&instruction]).await;
    let middle = Made::new(&[&instruction]).await.named(&name);
    let new = Made::new(&[&instruction]).await;
    let images = images().await;
    let list = |filters: ImageFilters| images.list(filters.label(&label));

    assert_eq!(ids(&list(ImageFilters::new().before(&name)).await?), [old.id()]);
    assert_eq!(ids(&list(ImageFilters::new().since(middle.id())).await?), [new.id()]);
    let between = ImageFilters::new().before(new.id()).since(&old.id()["sha256:".len()..][..12]);
    assert_eq!(ids(&list(between).await?), [middle.id()]);

    let hour = Duration::from_secs(3600);
    assert!(list(ImageFilters::new().until("1h")).await?.is_empty());
    assert!(list(ImageFilters::new().until(SystemTime::now() - hour)).await?.is_empty());
    assert_eq!(list(ImageFilters::new().until(SystemTime::now() + hour)).await?.len(), 3);

    let error = list(ImageFilters::new().before("no-such-image")).await.expect_err("nothing");
    assert!(error.is_image_not_found(), "{error}");
    let (text, cause) = text_and_cause_of(&error).await;
    assert_eq!(
        text,
        "the images could not be listed\n  engine: ENGINE\n  hint: `docker images` lists those that are here"
    );
    assert!(cause.contains("no-such-image"), "{cause}");
    Ok(())
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
async fn an_image_gets_more_names_and_a_name_moves() -> TestResult {
    let (one, two) = (format!("{}:1", unique("one")), format!("{}:2", unique("two")));
    let (first, second) = (Made::new(&[]).await, Made::new(&[]).await);
    let images = images().await;
    images.tag(first.id(), &one).await?;
    images.tag(&one, &two).await?;
    let mut tags = images.inspect(first.id()).await?.tags();
    tags.sort();
    assert_eq!(tags, [one.as_str(), &two]);
    images.tag(&second.id()["sha256:".len()..][..12], &two).await?;
    assert_eq!(get(&format!("/images/{two}/json"))["Id"], second.id());
    // Without a tag it is `latest`.
    let bare = unique("bare");
    images.tag(first.id(), &bare).await?;
    assert_eq!(get(&format!("/images/{bare}:latest/json"))["Id"], first.id());
    Ok(())
}

#[tokio::test]
async fn removing_one_of_two_names_leaves_the_image() -> TestResult {
    let (one, two) = (format!("{}:1", unique("one")), format!("{}:1", unique("two")));
    let made = Made::new(&[]).await.named(&one).named(&two);
    let images = images().await;
    assert_eq!(images.remove(&one).await?, [RemovedImage::Untagged(one.clone())]);
    assert!(made.is_here() && !is_here(&one));
    let removed = images.remove(&two).await?;
    let id = made.id().to_owned();
    assert_eq!(removed, [RemovedImage::Untagged(two), RemovedImage::Deleted(id)]);
    assert!(!made.is_here());
    Ok(())
}

#[tokio::test]
async fn a_dangling_image_goes_by_its_id() -> TestResult {
    let made = Made::new(&[]).await;
    let images = images().await;
    let removed = images.remove(&made.digits()[..12]).await?;
    assert_eq!(removed, [RemovedImage::Deleted(made.id().to_owned())]);
    assert!(!made.is_here());
    let error = images.remove(made.id()).await.expect_err("gone already");
    assert!(error.is_image_not_found(), "{error}");
    Ok(())
}

#[tokio::test]
async fn an_image_of_several_names_goes_by_its_id_by_force_only() -> TestResult {
    let (one, two) = (format!("{}:1", unique("one")), format!("{}:1", unique("two")));
    let made = Made::new(&[]).await.named(&one).named(&two);
    let images = images().await;
    let error = images.remove(made.id()).await.expect_err("two names");
    assert!(error.is_in_use() && !error.is_image_not_found(), "{error}");
    let (text, cause) = text_and_cause_of(&error).await;
    let id = made.id();
    assert_eq!(
        text,
        format!(
            "the image `{id}` could not be removed\n  image: `{id}`\n  engine: ENGINE\n  hint: remove its names one by \
             one, or all of them with `RemoveImage::new().force()`"
        )
    );
    assert!(cause.starts_with("  because: the engine answered 409: "), "{cause}");
    assert!(is_here(&one) && is_here(&two));

    let mut removed = images.remove_with(id, RemoveImage::new().force()).await?;
    removed.sort();
    let mut expected = vec![RemovedImage::Untagged(one), RemovedImage::Untagged(two)];
    expected.push(RemovedImage::Deleted(id.to_owned()));
    assert_eq!(removed, expected);
    Ok(())
}

#[tokio::test]
async fn an_image_of_a_stopped_container_goes_by_force_only() -> TestResult {
    let name = format!("{}:1", unique("stopped"));
    let made = Made::new(&[]).await.named(&name);
    let container = create(&name);
    let images = images().await;
    for by in [name.as_str(), made.id()] {
        let error = images.remove(by).await.expect_err("a container uses it");
        assert!(error.is_in_use(), "{error}");
        let (text, cause) = text_and_cause_of(&error).await;
        assert_eq!(
            text,
            format!(
                "the image `{by}` could not be removed\n  image: `{by}`\n  engine: ENGINE\n  hint: remove the container \
                 first; `RemoveImage::new().force()` takes the name away all the same"
            )
        );
        assert!(cause.contains(&container[..12]), "{cause}");
        assert!(is_here(&name));
    }
    let removed = images.remove_with(&name, RemoveImage::new().force()).await?;
    assert_eq!(removed[0], RemovedImage::Untagged(name.clone()));
    assert!(!is_here(&name));
    // Podman's own force would have removed the container; without that it keeps the image.
    let expected =
        if is_podman() { None } else { Some(RemovedImage::Deleted(made.id().to_owned())) };
    assert_eq!(removed.get(1).cloned(), expected);
    assert_eq!(api("GET", &format!("/containers/{container}/json")).0, 200, "the container stays");
    remove_container(&container);
    Ok(())
}

#[tokio::test]
async fn an_image_of_a_running_container_stays_whatever_is_said() -> TestResult {
    let name = format!("{}:1", unique("running"));
    let made = Made::new(&[]).await.named(&name);
    let container = create(&name);
    assert_eq!(api("POST", &format!("/containers/{container}/start")).0, 204);
    let images = images().await;

    let error = images.remove(&name).await.expect_err("a container uses it");
    assert!(error.is_in_use(), "{error}");
    let error = images.remove_with(made.id(), RemoveImage::new().force()).await;
    let error = error.expect_err("a running container uses it");
    assert!(error.is_in_use(), "{error}");
    let (text, cause) = text_and_cause_of(&error).await;
    let id = made.id();
    assert_eq!(
        text,
        format!(
            "the image `{id}` could not be removed\n  image: `{id}`\n  engine: ENGINE\n  hint: stop the container and \
             remove it first"
        )
    );
    assert!(cause.contains(&container[..12]), "{cause}");

    // By its name it loses that, and stays.
    let removed = images.remove_with(&name, RemoveImage::new().force()).await?;
    assert_eq!(removed, [RemovedImage::Untagged(name.clone())]);
    assert!(made.is_here() && !is_here(&name));
    let state = &get(&format!("/containers/{container}/json"))["State"]["Running"];
    assert_eq!(state, &Value::Bool(true));
    remove_container(&container);
    Ok(())
}

#[tokio::test]
async fn an_image_from_which_another_is_made_stays_until_that_goes() -> TestResult {
    if is_podman() {
        // It takes the name away where it is asked by the id, and says that this went well.
        return Ok(());
    }
    let (below, top) = (format!("{}:1", unique("below")), format!("{}:1", unique("top")));
    let parent = Made::new(&[]).await.named(&below);
    let child = Made::from(&below, &[]).named(&top);
    let images = images().await;
    for options in [RemoveImage::new(), RemoveImage::new().force()] {
        let error = images.remove_with(parent.id(), options).await.expect_err("it has a child");
        assert!(error.is_in_use(), "{error}");
        assert!(error.to_string().ends_with("hint: remove the images first that are made from it"));
    }
    assert_eq!(images.remove(&below).await?, [RemovedImage::Untagged(below)]);
    assert!(parent.is_here());

    // With the child goes what it was made from, which has no name any more, unless it is to stay.
    let (child_id, parent_id) = (child.id().to_owned(), parent.id().to_owned());
    let removed = images.remove_with(&top, RemoveImage::new().no_prune()).await?;
    let mut expected = vec![RemovedImage::Untagged(top.clone()), RemovedImage::Deleted(child_id)];
    assert_eq!(removed, expected);
    assert!(parent.is_here());

    let child = Made::from(parent.id(), &[]).named(&top);
    let removed = images.remove(&top).await?;
    expected[1] = RemovedImage::Deleted(child.id().to_owned());
    expected.push(RemovedImage::Deleted(parent_id));
    assert_eq!(removed, expected);
    assert!(!parent.is_here());
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
