//! Images as archives: saved to files and loaded from them, whole or not at all.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::StreamExt;
use longshore::{Engine, RemoveImage};

use crate::client::text_and_cause_of;
use crate::images::{images, is_here, Made};
use crate::support::proxy::{Action, Proxy};
use crate::support::{eventually, unique, TestResult};

/// A folder of a test's own; gone when this is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(unique("longshore-archives"));
        std::fs::create_dir(&path).expect("a folder");
        Folder(path)
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).expect("a folder").flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }
}

impl std::ops::Deref for Folder {
    type Target = Path;

    fn deref(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn what_was_saved_is_loaded_again() -> TestResult {
    let folder = Folder::new();
    let file = folder.join("images.tar");
    let (one, two) =
        (format!("{}:1", unique("saved")), format!("127.0.0.1:1/team/{}:2", unique("saved")));
    let (first, second) = (Made::new(&[]).await.named(&one), Made::new(&[]).await.named(&two));
    let images = images().await;
    std::fs::write(&file, "what was there before")?;
    images.save([&one, &two], &file).await?;
    assert_eq!(folder.names(), ["images.tar"]);

    for name in [&one, &two] {
        images.remove(name).await?;
    }
    assert!(!first.is_here() && !second.is_here());
    let mut loaded = images.load(&file).await?;
    loaded.sort();
    let mut expected = vec![one.clone(), two.clone()];
    expected.sort();
    assert_eq!(loaded, expected);
    assert_eq!(images.inspect(&one).await?.id(), first.id());
    assert_eq!(images.inspect(&two).await?.id(), second.id());
    Ok(())
}

#[tokio::test]
async fn an_image_without_a_name_is_loaded_by_its_id() -> TestResult {
    let folder = Folder::new();
    let made = Made::new(&[]).await;
    let images = images().await;
    images.save([made.id()], folder.join("image.tar")).await?;
    images.remove(made.id()).await?;
    let loaded = images.load(folder.join("image.tar")).await?;
    assert_eq!(loaded.len(), 1, "{loaded:?}");
    assert_eq!(images.inspect(&loaded[0]).await?.id(), made.id());
    assert!(made.is_here());
    Ok(())
}

#[tokio::test]
async fn an_archive_goes_from_a_stream_into_an_engine() -> TestResult {
    let name = format!("{}:1", unique("streamed"));
    let made = Made::new(&[]).await.named(&name);
    let images = images().await;
    let mut archive = images.save_stream([&name]).await?;
    let mut pieces = Vec::new();
    while let Some(piece) = archive.next().await {
        pieces.push(Ok(piece?));
    }
    assert!(pieces.len() > 1);
    images.remove(&name).await?;
    assert!(!made.is_here());
    let loaded = images.load_stream(futures::stream::iter(pieces)).await?;
    assert_eq!(loaded, std::slice::from_ref(&name));
    assert!(made.is_here());

    // Straight from the one to the other.
    let archive = images.save_stream([&name]).await?;
    assert_eq!(tokio::spawn(images.load_stream(archive)).await??, [name]);
    Ok(())
}

#[tokio::test]
async fn a_save_that_fails_leaves_what_was_there() -> TestResult {
    let folder = Folder::new();
    let images = images().await;
    let nowhere = format!("{}:1", unique("nowhere"));
    let file = folder.join("images.tar");
    let error = images.save([&nowhere], &file).await.expect_err("no such image");
    assert!(error.is_image_not_found(), "{error}");
    let (text, _) = text_and_cause_of(&error).await;
    let shown = file.display();
    assert_eq!(
        text,
        format!(
            "the image `{nowhere}` could not be saved to `{shown}`\n  engine: ENGINE\n  hint: `docker images` lists those \
             that are here"
        )
    );
    assert_eq!(folder.names(), [""; 0]);

    std::fs::write(&file, "what was there before")?;
    let made = Made::new(&[]).await;
    assert!(images.save([made.id(), &nowhere], &file).await.is_err());
    assert_eq!(std::fs::read_to_string(&file)?, "what was there before");
    assert_eq!(folder.names(), ["images.tar"]);
    Ok(())
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_told() -> TestResult {
    let folder = Folder::new();
    let made = Made::new(&[]).await;
    let images = images().await;
    let id = made.id();
    for (path, because) in [
        (folder.join("no-such-folder/images.tar"), "No such file or directory (os error 2)"),
        (folder.0.clone(), "is a directory"),
    ] {
        let error = images.save([id], &path).await.expect_err("no file can be there");
        let (text, cause) = text_and_cause_of(&error).await;
        let shown = path.display();
        assert_eq!(
            text,
            format!("the image `{id}` could not be saved to `{shown}`\n  engine: ENGINE")
        );
        assert_eq!(cause, format!("  because: {because}"));
    }
    assert_eq!(folder.names(), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_save_that_breaks_off_or_is_dropped_leaves_nothing() -> TestResult {
    let folder = Folder::new();
    let made = Made::new(&[]).await;
    let proxy = Proxy::with(|asked| match asked.contains("/images/get") {
        true => Action::LoseAnswer,
        false => Action::Pass,
    });
    let engine = Engine::connect_to(&proxy.address()).await?;
    let error =
        engine.images().save([made.id()], folder.join("a.tar")).await.expect_err("no answer");
    assert!(error.is_engine_unavailable(), "{error}");
    assert_eq!(folder.names(), [""; 0]);

    let slow = Proxy::with(|asked| match asked.contains("/images/get") {
        true => Action::DelayAnswer(Duration::from_secs(20)),
        false => Action::Pass,
    });
    let engine = Engine::connect_to(&slow.address()).await?;
    let saving = tokio::spawn(engine.images().save([made.id()], folder.join("b.tar")));
    let under_way = async {
        while folder.names().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), under_way).await?;
    saving.abort();
    assert!(saving.await.expect_err("it was dropped").is_cancelled());
    eventually("its end", || folder.names().is_empty());
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_loaded_is_told() -> TestResult {
    let folder = Folder::new();
    let images = images().await;
    let missing = folder.join("missing.tar");
    let error = images.load(&missing).await.expect_err("no such file");
    let (text, cause) = text_and_cause_of(&error).await;
    let shown = missing.display();
    assert_eq!(text, format!("the images in `{shown}` could not be loaded\n  engine: ENGINE"));
    assert_eq!(cause, "  because: No such file or directory (os error 2)");

    let text_file = folder.join("text.tar");
    std::fs::write(&text_file, "this is no archive")?;
    let error = images.load(&text_file).await.expect_err("no archive");
    let (text, cause) = text_and_cause_of(&error).await;
    let shown = text_file.display();
    assert_eq!(text, format!("the images in `{shown}` could not be loaded\n  engine: ENGINE"));
    assert!(cause.starts_with("  because: ") && !cause.contains("200"), "{cause}");
    Ok(())
}

#[tokio::test]
async fn a_stream_that_breaks_off_is_not_loaded() -> TestResult {
    let name = format!("{}:1", unique("broken"));
    let _made = Made::new(&[]).await.named(&name);
    let images = images().await;
    let archive = images.save_stream([&name]).await?;
    images.remove_with(&name, RemoveImage::new().force()).await?;
    let error = images.inspect("no-such-image").await.expect_err("an error to pass on");
    let broken = archive.take(2).chain(futures::stream::iter([Err(error)]));
    let told = images.load_stream(broken).await.expect_err("it broke off");
    assert_eq!(told.summary(), "the image `no-such-image` could not be inspected");
    assert!(!is_here(&name));
    Ok(())
}
