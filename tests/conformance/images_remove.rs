//! Images get names and lose them, and go by Docker's rules.

use longshore::{RemoveImage, RemovedImage};
use serde_json::Value;

use crate::client::text_and_cause_of;
use crate::images::{images, is_here, Created, Made};
use crate::support::{api, get, is_podman, unique, TestResult};

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
    let container = Created::new(&name);
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
    assert_eq!(
        api("GET", &format!("/containers/{}/json", &*container)).0,
        200,
        "the container stays"
    );
    Ok(())
}

#[tokio::test]
async fn an_image_of_a_running_container_stays_whatever_is_said() -> TestResult {
    let name = format!("{}:1", unique("running"));
    let made = Made::new(&[]).await.named(&name);
    let container = Created::new(&name).start();
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
    let state = &get(&format!("/containers/{}/json", &*container))["State"]["Running"];
    assert_eq!(state, &Value::Bool(true));
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
