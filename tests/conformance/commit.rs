//! Images that are made of containers: what is in them, whose they are, and that they go when and only when they should.

use longshore::{Commit, Container, ContainerRequest, Engine, Image, Wait};
use serde_json::Value;

use super::client::{shell, text_and_cause_of};
use super::support::{
    api, api_with, eventually, exists, get, is_podman, is_podman_4, remove_kept, unique,
    TestResult, BUSYBOX,
};

fn idle() -> ContainerRequest {
    ContainerRequest::new(BUSYBOX).cmd(["sleep", "1000"]).stop_signal("KILL")
}

/// A container that has written a file of its own.
async fn marked(text: &str) -> longshore::Result<Container> {
    let container = idle().label("colour", "green").start().await?;
    container.exec(["sh", "-c", &format!("echo {text} > /mark")]).await?.ok()?;
    Ok(container)
}

fn is_there(image: &str) -> bool {
    match api("GET", &format!("/images/{image}/json")).0 {
        200 => true,
        404 => false,
        status => panic!("the engine answered {status} when asked for the image {image}"),
    }
}

/// Podman leaves the algorithm away.
fn id_of(inspect: &Value) -> String {
    let id = inspect["Id"].as_str().expect("an id");
    format!("sha256:{}", id.trim_start_matches("sha256:"))
}

/// As the engine calls them: Podman writes the registry too.
fn tags(image: &str) -> Vec<String> {
    let tags = get(&format!("/images/{image}/json"))["RepoTags"].clone();
    let tags = tags.as_array().into_iter().flatten().filter_map(Value::as_str);
    tags.map(|tag| tag.trim_start_matches("docker.io/library/").to_owned()).collect()
}

/// What a container of the image prints.
async fn printed<const N: usize>(image: &Image, command: [&str; N]) -> longshore::Result<String> {
    ContainerRequest::new(image).cmd(command).wait(Wait::exit()).start().await?.logs().await
}

#[tokio::test]
async fn what_was_written_is_there_in_the_next_container() -> TestResult {
    let container = marked("kept").await?;
    let image = container.commit(Commit::new()).await?;
    assert!(image.id().starts_with("sha256:") && image.id().len() == 71, "{}", image.id());
    assert_eq!((image.tag(), tags(image.id()).len()), (None, 0));
    assert_eq!(image.engine().address(), container.engine().address());
    assert_eq!(printed(&image, ["cat", "/mark"]).await?, "kept\n");
    assert!(container.inspect().await?.is_running(), "the container goes on");
    // Also of one that does not run.
    container.stop().await?;
    let stopped = container.commit(Commit::new()).await?;
    assert_eq!(printed(&stopped, ["cat", "/mark"]).await?, "kept\n");
    Ok(())
}

#[tokio::test]
async fn it_has_the_tag_the_words_and_the_changes_that_it_was_given() -> TestResult {
    let container = marked("x").await?;
    let tag = format!("{}:1", unique("committed"));
    let commit = Commit::new()
        .tag(&tag)
        .author("Ada Lovelace <ada@example.com>")
        .message("a message, with = & and \"quotes\"")
        .change("ENV GREETING=hello")
        .change("LABEL shape=\"a round one\"")
        .change("CMD [\"sh\", \"-c\", \"echo $GREETING\"]")
        .no_pause();
    let image = container.commit(commit).await?;
    assert_eq!(image.tag(), Some(tag.as_str()));
    assert_eq!(tags(image.id()), [tag.as_str()]);
    let inspect = get(&format!("/images/{tag}/json"));
    assert_eq!(id_of(&inspect), image.id());
    assert_eq!(inspect["Author"], "Ada Lovelace <ada@example.com>");
    assert_eq!(inspect["Comment"], "a message, with = & and \"quotes\"");
    assert_eq!(inspect["Config"]["Labels"]["shape"], "a round one");
    assert_eq!(inspect["Config"]["Labels"]["colour"], "green", "the container's own label");
    let run = ContainerRequest::new(&image).wait(Wait::exit()).start().await?;
    assert_eq!((run.logs().await?.as_str(), run.image()), ("hello\n", tag.as_str()));
    Ok(())
}

#[tokio::test]
async fn it_is_configured_as_docker_commit_configures_it() -> TestResult {
    let request =
        idle().env("A", "b").workdir("/tmp").user("nobody").expose("80").stop_signal("INT");
    let container = request.wait(Wait::exec(["true"])).start().await?;
    let image = container.commit(Commit::new()).await?;
    let ours = get(&format!("/images/{}/json", image.id()))["Config"].clone();
    // By the engine's own way: no configuration is sent.
    let body = if is_podman() { "{}" } else { "" };
    let path = format!("/commit?container={}", container.id());
    let (status, told) = api_with("POST", &path, body);
    assert_eq!(status, 201, "{told}");
    let made: Value = serde_json::from_str(&told)?;
    let id = id_of(&made);
    let theirs = get(&format!("/images/{id}/json"))["Config"].clone();
    api("DELETE", &format!("/images/{id}?force=1"));
    for key in [
        "Env",
        "Cmd",
        "Entrypoint",
        "WorkingDir",
        "User",
        "ExposedPorts",
        "StopSignal",
        "Volumes",
        "Hostname",
    ] {
        assert_eq!(ours[key], theirs[key], "{key}");
    }
    Ok(())
}

#[tokio::test]
async fn its_labels_are_its_own_and_not_its_containers() -> TestResult {
    let container = marked("x").await?;
    let image = container.commit(Commit::new()).await?;
    let of = |what: &str, id: &str| get(&format!("/{what}/{id}/json"))["Config"]["Labels"].clone();
    let (own, containers) = (of("images", image.id()), of("containers", container.id()));
    for label in ["session", "owner"] {
        let label = format!("org.longshore.{label}");
        assert!(own[&label].is_string() && own[&label] == containers[&label], "{label}");
    }
    let instance = "org.longshore.instance";
    assert!(own[instance].is_string() && own[instance] != containers[instance]);
    Ok(())
}

#[tokio::test]
async fn a_dropped_handle_means_gone_and_removal_says_so() -> TestResult {
    let container = marked("x").await?;
    let tag = unique("dropped");
    let (first, second) =
        (container.commit(Commit::new().tag(&tag)).await?, container.commit(Commit::new()).await?);
    let ids = [first.id().to_owned(), second.id().to_owned()];
    drop(first);
    assert!(!is_there(&ids[0]) && !is_there(&tag));
    assert!(is_there(&ids[1]));
    second.remove().await?;
    assert!(!is_there(&ids[1]));
    Ok(())
}

#[tokio::test]
async fn keep_leaves_it() -> TestResult {
    let kept = marked("x").await?.commit(Commit::new()).await?.keep().await?;
    let is_kept = is_there(kept.id());
    remove_kept(&format!("/images/{}", kept.id()));
    assert!(is_kept);
    Ok(())
}

#[tokio::test]
async fn one_that_containers_use_goes_after_them() -> TestResult {
    let container = marked("x").await?;
    let image = container.commit(Commit::new().tag(unique("used"))).await?;
    let id = image.id().to_owned();
    let running =
        ContainerRequest::new(&image).cmd(["sleep", "1000"]).stop_signal("KILL").start().await?;
    let stopped = ContainerRequest::new(&image).cmd(["true"]).wait(Wait::exit()).start().await?;
    drop(image);
    assert!(is_there(&id), "it is used");
    drop(running);
    assert!(is_there(&id), "a stopped container uses it");
    drop(stopped);
    eventually("the removal of the image", || !is_there(&id));
    Ok(())
}

#[tokio::test]
async fn removing_one_that_is_used_is_an_error_and_it_goes_all_the_same() -> TestResult {
    let container = marked("x").await?;
    let image = container.commit(Commit::new()).await?;
    let id = image.id().to_owned();
    let user = ContainerRequest::new(&image).cmd(["sleep", "1000"]).start().await?;
    let error = image.remove().await.unwrap_err();
    let (text, cause) = text_and_cause_of(&error).await;
    assert_eq!(
        text,
        format!(
            "the image could not be removed\n  image: `{id}`\n  engine: ENGINE\n  hint: remove what uses it first; it goes \
             after that in any case"
        )
    );
    assert!(cause.contains("used by"), "{cause}");
    assert!(is_there(&id));
    user.remove().await?;
    eventually("the removal of the image", || !is_there(&id));
    Ok(())
}

#[tokio::test]
async fn one_that_another_is_made_of_goes_after_it() -> TestResult {
    let first = marked("first").await?.commit(Commit::new()).await?;
    let between = ContainerRequest::new(&first)
        .cmd(["sh", "-c", "echo second > /more"])
        .wait(Wait::exit())
        .start()
        .await?;
    let second = between.commit(Commit::new()).await?;
    drop(between);
    let ids = [first.id().to_owned(), second.id().to_owned()];
    drop(first);
    assert_eq!(printed(&second, ["cat", "/mark", "/more"]).await?, "first\nsecond\n");
    drop(second);
    assert!(!is_there(&ids[1]));
    // Nothing is made of it any more. Another test's removal may just be trying it in vain.
    eventually("the removal of the first", || !is_there(&ids[0]));
    Ok(())
}

#[tokio::test]
async fn one_that_another_was_made_of_stays_as_long_as_its_handle() -> TestResult {
    if is_podman_4() {
        // It takes such an image away, whatever it is told.
        return Ok(());
    }
    let first = marked("first").await?.commit(Commit::new()).await?;
    let between = ContainerRequest::new(&first).cmd(["true"]).wait(Wait::exit()).start().await?;
    let second = between.commit(Commit::new()).await?;
    drop(between);
    // Docker would take an image without a tag away together with the last one that is made of it.
    second.remove().await?;
    assert_eq!(printed(&first, ["cat", "/mark"]).await?, "first\n");
    Ok(())
}

#[tokio::test]
async fn what_somebody_else_has_tagged_stays_theirs() -> TestResult {
    let container = marked("x").await?;
    let (own, other) = (unique("own"), unique("other"));
    let image = container.commit(Commit::new().tag(&own)).await?;
    let id = image.id().to_owned();
    assert_eq!(
        api("POST", &format!("/images/{id}/tag?repo=docker.io/library/{other}&tag=1")).0,
        201
    );
    drop(image);
    let left = (is_there(&own), is_there(&format!("{other}:1")), tags(&id));
    let untagged = container.commit(Commit::new()).await?;
    let second = untagged.id().to_owned();
    assert_eq!(
        api("POST", &format!("/images/{second}/tag?repo=docker.io/library/{other}&tag=2")).0,
        201
    );
    drop(untagged);
    let is_second_left = is_there(&second);
    for tag in [1, 2] {
        api("DELETE", &format!("/images/docker.io/library/{other}:{tag}"));
    }
    assert_eq!(left, (false, true, vec![format!("{other}:1")]));
    assert!(is_second_left);
    assert!(!is_there(&id) && !is_there(&second));
    Ok(())
}

#[tokio::test]
async fn a_tag_that_is_taken_is_not_moved() -> TestResult {
    let container = marked("x").await?;
    let tag = format!("{}:1", unique("taken"));
    let holder = container.commit(Commit::new().tag(&tag)).await?;
    let error = container.commit(Commit::new().tag(&tag)).await.unwrap_err();
    assert!(error.is_name_taken(), "{error}");
    let (text, _) = text_and_cause_of(&error).await;
    assert_eq!(
        text,
        format!(
            "the tag `{tag}` is taken by another image\n  image: `busybox:1.35`\n  container: `NAME` (ID)\n  engine: ENGINE\n  \
             hint: remove it (`docker rmi {tag}`), or leave `.tag(..)` away to have an image without one"
        )
    );
    assert_eq!(tags(holder.id()), [tag.as_str()]);
    drop(holder);
    let again = container.commit(Commit::new().tag(&tag)).await?;
    assert_eq!(again.tag(), Some(tag.as_str()));
    Ok(())
}

#[tokio::test]
async fn a_refused_commit_says_why_and_leaves_nothing() -> TestResult {
    let container = marked("x").await?;
    let error = container.commit(Commit::new().tag("Upper:1")).await.unwrap_err();
    assert!(error.is_invalid_request(), "{error}");
    assert!(error.summary().starts_with("`Upper:1` is not an image reference"), "{error}");
    let error =
        container.commit(Commit::new().change("LABEL org.longshore.session=x")).await.unwrap_err();
    assert!(error.is_invalid_request(), "{error}");
    let error = container.commit(Commit::new().change("RUN true")).await.unwrap_err();
    assert_eq!(error.summary(), "the container could not be committed");
    assert!(error.to_string().contains("hint: a change is one of CMD, ENTRYPOINT"), "{error}");
    assert!(error.to_string().contains(container.name()), "{error}");
    api("DELETE", &format!("/containers/{}?force=1&v=1", container.id()));
    let error = container.commit(Commit::new()).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_commit_dropped_at_any_moment_leaves_nothing() -> TestResult {
    let label = unique("dropped-commit");
    let container = idle().label("commit", &label).start().await?;
    let filters = format!("%7B%22label%22%3A%5B%22commit%3D{label}%22%5D%7D");
    let images = || get(&format!("/images/json?filters={filters}")).as_array().map_or(0, Vec::len);
    let mut cut_off = 0;
    for limit in [1, 3, 10, 20, 30, 40, 60, 80, 100, 150] {
        let limit = std::time::Duration::from_millis(limit);
        cut_off += usize::from(
            tokio::time::timeout(limit, container.commit(Commit::new())).await.is_err(),
        );
        // One that is made when nobody waits any more goes as soon as it is known.
        eventually("the removal of the image", || images() == 0);
    }
    assert!(cut_off > 0, "every commit was done in time");
    Ok(())
}

#[tokio::test]
async fn an_id_that_is_not_there_is_not_pulled() -> TestResult {
    let id = format!("sha256:{}", "0123456789abcdef".repeat(4));
    let error = ContainerRequest::new(&id).start().await.unwrap_err();
    assert!(error.is_image_not_found(), "{error}");
    let (text, cause) = text_and_cause_of(&error).await;
    assert_eq!(
        text,
        format!(
            "there is no image `{id}`\n  image: `{id}`\n  engine: ENGINE\n  hint: keep the handle of a committed image as long as \
             containers are made of it"
        )
    );
    assert_eq!(cause, "  because: the engine has none with this id, and an id cannot be pulled");
    Ok(())
}

#[tokio::test]
async fn a_database_is_filled_once_and_used_twice() -> TestResult {
    let filling = shell("echo ready; exec sleep 1000").wait(Wait::log("ready")).start().await?;
    filling.exec(["sh", "-c", "mkdir /data; echo Ada > /data/people"]).await?.ok()?;
    let filled = filling.commit(Commit::new()).await?;
    drop(filling);
    let engine = Engine::connect().await?;
    let request = ContainerRequest::new(&filled).cmd(["sleep", "1000"]);
    let (one, two) = futures::try_join!(request.start_on(&engine), request.start_on(&engine))?;
    one.exec(["sh", "-c", "echo Grace >> /data/people"]).await?.ok()?;
    assert_eq!(one.read_file("/data/people").await?, b"Ada\nGrace\n");
    assert_eq!(two.read_file("/data/people").await?, b"Ada\n");
    let id = one.id().to_owned();
    drop((one, two, filled));
    assert!(!exists(&id));
    Ok(())
}
