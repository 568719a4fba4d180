//! Images are listed by Docker's filters.

use std::time::{Duration, SystemTime};

use longshore::{ImageFilters, ImageSummary};

use crate::client::text_and_cause_of;
use crate::images::{images, Made};
use crate::support::{unique, TestResult};

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
