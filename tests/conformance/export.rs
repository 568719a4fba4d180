//! A container's file system as a tar archive: whole, or nothing at all.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use futures::StreamExt;
use longshore::{ContainerRequest, Engine};

use super::support::{unique, TestResult, BUSYBOX};

/// A folder of a test's own, gone when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> std::io::Result<Self> {
        let path = std::env::temp_dir().join(unique("longshore-export"));
        fs::create_dir(&path)?;
        Ok(Folder(path))
    }

    fn names(&self) -> std::io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        Ok(names)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn idle() -> ContainerRequest {
    ContainerRequest::new(BUSYBOX).cmd(["sleep", "1000"])
}

/// What `tar` finds in an archive.
fn listed(archive: &Path) -> std::io::Result<Vec<String>> {
    let output = Command::new("tar").arg("-tf").arg(archive).output()?;
    assert!(output.status.success(), "{output:?}");
    Ok(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
}

#[tokio::test]
async fn an_archive_has_the_whole_file_system() -> TestResult {
    let folder = Folder::new()?;
    let container = idle().copy_to(b"hello", "/made/here").stop_signal("KILL").start().await?;
    let target = folder.0.join("new/archive.tar");
    container.export(&target).await?;
    let names = listed(&target)?;
    for name in ["made/here", "bin/sh", "etc/passwd"] {
        assert!(names.iter().any(|have| have == name), "{name} is missing");
    }
    assert_eq!(folder.names()?, ["new"], "nothing else is left");
    // What is there is replaced, and a stopped container is exported as well.
    container.stop().await?;
    let before = fs::metadata(&target)?.len();
    fs::write(&target, "old")?;
    container.export(&target).await?;
    assert_eq!(fs::metadata(&target)?.len(), before);
    Ok(())
}

#[tokio::test]
async fn a_failed_export_leaves_nothing() -> TestResult {
    let folder = Folder::new()?;
    let container = idle().start().await?;
    let error = container.export(&folder.0).await.unwrap_err();
    assert_eq!(
        error.summary(),
        format!("the container could not be exported to `{}`", folder.0.display())
    );
    assert!(error.to_string().ends_with("hint: name the file that is to be written"), "{error}");
    fs::write(folder.0.join("file"), "x")?;
    let error = container.export(folder.0.join("file/archive.tar")).await.unwrap_err();
    assert!(error.to_string().contains(container.name()), "{error}");
    // Gone behind the handle's back.
    super::support::api("DELETE", &format!("/containers/{}?force=1&v=1", container.id()));
    let error = container.export(folder.0.join("archive.tar")).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert_eq!(folder.names()?, ["file"]);
    assert_eq!(fs::read(folder.0.join("file"))?, b"x");
    Ok(())
}

#[tokio::test]
async fn an_export_given_up_half_way_leaves_nothing() -> TestResult {
    let folder = Folder::new()?;
    let container = idle().start().await?;
    container.exec(["sh", "-c", "head -c 50000000 /dev/zero > /large"]).await?.ok()?;
    let target = folder.0.join("archive.tar");
    let mut cut_off = 0;
    for limit in [5, 20, 40, 60] {
        let limit = std::time::Duration::from_millis(limit);
        cut_off +=
            usize::from(tokio::time::timeout(limit, container.export(&target)).await.is_err());
        super::support::eventually("the end of the export", || {
            let names = folder.names().expect("the folder is there");
            names.is_empty() || names == ["archive.tar"]
        });
        if fs::exists(&target)? {
            assert!(fs::metadata(&target)?.len() > 50_000_000);
            fs::remove_file(&target)?;
        }
    }
    assert!(cut_off > 0, "every export of 50 MB was done in time");
    Ok(())
}

#[tokio::test]
async fn a_stream_has_the_same_bytes() -> TestResult {
    let folder = Folder::new()?;
    let container = idle().copy_to(b"hello", "/made/here").start().await?;
    let mut bytes = Vec::new();
    let mut stream = container.export_stream().await?;
    while let Some(piece) = stream.next().await {
        bytes.extend(piece?);
    }
    let target = folder.0.join("archive.tar");
    fs::write(&target, &bytes)?;
    assert!(listed(&target)?.contains(&"made/here".to_owned()));
    let mut dropped = container.export_stream().await?;
    dropped.next_piece().await.expect("a piece")?;
    drop(dropped);
    Engine::connect().await?.ping().await?;
    Ok(())
}

#[tokio::test]
async fn what_is_no_file_is_not_replaced_by_one() -> TestResult {
    use std::os::unix::fs::FileTypeExt;

    let folder = Folder::new()?;
    // As a device is, and this one nobody misses.
    let socket = folder.0.join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&socket)?;
    let container = idle().start().await?;
    let engine = Engine::connect().await?;
    for error in [
        container.export(&socket).await.unwrap_err(),
        container.copy_from("/etc/passwd", &socket).await.unwrap_err(),
        engine.images().save([BUSYBOX], &socket).await.unwrap_err(),
    ] {
        assert!(error.to_string().contains("is neither a file nor a folder"), "{error}");
    }
    assert!(fs::symlink_metadata(&socket)?.file_type().is_socket());
    assert_eq!(folder.names()?, ["socket"]);
    container.remove().await?;
    Ok(())
}
