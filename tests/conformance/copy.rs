//! `docker cp`, both ways: what arrives, under which name, mode and owner, and what is left of a copy that fails.

use std::fs;
use std::path::{Path, PathBuf};

use longshore::{Container, ContainerRequest, CopyIn, CopySource, Wait};

use super::support::{labelled, unique, TestResult, BUSYBOX};

/// A folder for one test, gone when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(unique("longshore-copy"));
        fs::create_dir(&path).expect("a folder in the temporary folder");
        Folder(path)
    }

    fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn names(&self) -> Vec<String> {
        names(&self.0)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> = entries
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// `www` with a file, a folder with a script, an empty folder and a link.
fn site(folder: &Folder) -> PathBuf {
    use std::os::unix::fs::{symlink, PermissionsExt};
    let site = folder.join("www");
    fs::create_dir_all(site.join("sub")).expect("a folder");
    fs::create_dir(site.join("empty")).expect("a folder");
    fs::write(site.join("index.html"), "index").expect("a file");
    fs::write(site.join("sub/run.sh"), "run").expect("a file");
    fs::set_permissions(site.join("sub/run.sh"), fs::Permissions::from_mode(0o755))
        .expect("a mode");
    symlink("sub/run.sh", site.join("link")).expect("a link");
    site
}

fn idle() -> ContainerRequest {
    ContainerRequest::new(BUSYBOX).cmd(["sleep", "1000"])
}

async fn shell(container: &Container, script: &str) -> longshore::Result<String> {
    Ok(container.exec(["sh", "-c", script]).await?.ok()?.stdout_str()?.to_owned())
}

/// 50 MB that no compression or repetition helps with.
fn large() -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        Some(state.to_le_bytes())
    };
    std::iter::from_fn(next).take(50_000_000 / 8).flatten().collect()
}

const LIST: &str =
    "cd /srv/www && find . | sort && cat link && readlink link && stat -c %a sub/run.sh && ls -A empty";
const LISTED: &str = ".\n./empty\n./index.html\n./link\n./sub\n./sub/run.sh\nrunsub/run.sh\n755\n";

#[tokio::test]
async fn copies_are_there_before_the_command_starts() -> TestResult {
    let folder = Folder::new();
    let container = ContainerRequest::new(BUSYBOX)
        .copy_to(site(&folder), "/srv/www")
        .copy_to("tests/data/index.html", "/srv/page")
        .copy_to(CopySource::bytes("some text"), "/srv/deep/er/text")
        .cmd(["sh", "-c", &format!("cat /srv/page /srv/deep/er/text; echo; {LIST}")])
        .wait(Wait::exit())
        .start()
        .await?;
    let page = fs::read_to_string("tests/data/index.html")?;
    assert_eq!(container.logs().await?, format!("{page}some text\n{LISTED}"));
    Ok(())
}

#[tokio::test]
async fn a_folder_goes_into_a_running_container_with_links_and_modes() -> TestResult {
    let folder = Folder::new();
    let container = idle().start().await?;
    container.copy_to(site(&folder), "/srv/www").await?;
    assert_eq!(shell(&container, LIST).await?, LISTED);
    Ok(())
}

#[tokio::test]
async fn bytes_are_written_as_they_are() -> TestResult {
    let container = idle().start().await?;
    let every: Vec<u8> = (0..=255).collect();
    container.copy_to(every.clone(), "/bytes").await?;
    container.copy_to(b"", "/none").await?;
    assert_eq!(container.read_file("/bytes").await?, every);
    assert_eq!(container.read_file("/none").await?, b"");
    assert_eq!(shell(&container, "stat -c '%a %u %g' /bytes").await?, "644 0 0\n");
    Ok(())
}

#[tokio::test]
async fn mode_and_owner_are_those_asked_for_before_and_after_the_start() -> TestResult {
    let folder = Folder::new();
    let site = site(&folder);
    let secret = |target: &str| CopyIn::new(b"secret", target).mode(0o600).uid(1000).gid(1001);
    let tree = CopyIn::new(&site, "/tree").mode(0o640).uid(7).gid(8);
    let container = idle().copy(secret("/before")).copy(tree).start().await?;
    container.copy(secret("/after")).await?;
    let stat = "stat -c '%a %u %g' /before /after /tree/index.html /tree/sub/run.sh";
    assert_eq!(shell(&container, stat).await?, "600 1000 1001\n600 1000 1001\n640 7 8\n640 7 8\n");
    // A mode for files does not lock the folders.
    let stat = "stat -c '%a %u %g' /tree/sub /tree/empty";
    assert_eq!(shell(&container, stat).await?, "755 7 8\n755 7 8\n");
    Ok(())
}

#[tokio::test]
async fn a_target_with_a_slash_is_the_folder_into_which_it_goes() -> TestResult {
    let folder = Folder::new();
    let site = site(&folder);
    let container = idle().copy_to("tests/data/index.html", "/srv/").start().await?;
    container.copy_to(&site, "/srv/").await?;
    assert_eq!(shell(&container, "ls /srv").await?, "index.html\nwww\n");
    container.copy_from("/srv/index.html", folder.join("out/")).await?;
    container.copy_from("/srv/www", format!("{}/", folder.join("out").display())).await?;
    assert_eq!(names(&folder.join("out")), ["index.html", "www"]);
    Ok(())
}

#[tokio::test]
async fn goes_through_links_in_the_container_and_into_volumes() -> TestResult {
    let container = idle().volume("/data").start().await?;
    shell(&container, "ln -s /data /link && mkdir /data/old").await?;
    container.copy_to(b"x", "/link/file").await?;
    container.copy_to(b"y", "/data/sub/file").await?;
    assert_eq!(
        shell(&container, "readlink /link; ls /data; cat /data/file /data/sub/file").await?,
        "/data\nfile\nold\nsub\nxy"
    );
    assert_eq!(container.read_file("/link/sub/file").await?, b"y");
    Ok(())
}

#[tokio::test]
async fn what_is_copied_out_is_what_is_in_there() -> TestResult {
    let folder = Folder::new();
    let container = idle().copy_to(site(&folder), "/srv/www").start().await?;
    container.copy_from("/srv/www/index.html", folder.join("made/on/the/way/page")).await?;
    assert_eq!(fs::read_to_string(folder.join("made/on/the/way/page"))?, "index");
    let out = folder.join("out");
    container.copy_from("/srv/www", &out).await?;
    assert_eq!(names(&out), ["empty", "index.html", "link", "sub"]);
    assert_eq!(names(&out.join("empty")), [""; 0]);
    assert_eq!(fs::read_link(out.join("link"))?, Path::new("sub/run.sh"));
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(out.join("sub/run.sh"))?.permissions(),
    );
    assert_eq!(mode & 0o777, 0o755);
    assert_eq!(folder.names(), ["made", "out", "www"], "nothing else is left");
    Ok(())
}

#[tokio::test]
async fn copying_out_twice_merges() -> TestResult {
    let folder = Folder::new();
    let container = idle().copy_to(site(&folder), "/srv/www").start().await?;
    let out = folder.join("out");
    container.copy_from("/srv/www", &out).await?;
    fs::write(out.join("mine"), "mine")?;
    shell(&container, "echo changed > /srv/www/index.html; rm /srv/www/sub/run.sh").await?;
    container.copy_from("/srv/www", &out).await?;
    assert_eq!(names(&out), ["empty", "index.html", "link", "mine", "sub"]);
    assert_eq!(fs::read_to_string(out.join("index.html"))?, "changed\n");
    assert_eq!(fs::read_to_string(out.join("sub/run.sh"))?, "run", "as `docker cp` leaves it");
    Ok(())
}

#[tokio::test]
async fn a_stopped_container_can_be_read_and_written() -> TestResult {
    let folder = Folder::new();
    let container = ContainerRequest::new(BUSYBOX)
        .cmd(["sh", "-c", "mkdir /result; echo done > /result/report"])
        .wait(Wait::exit())
        .start()
        .await?;
    assert_eq!(container.read_file("/result/report").await?, b"done\n");
    container.copy_from("/result", folder.join("result")).await?;
    assert_eq!(fs::read_to_string(folder.join("result/report"))?, "done\n");
    container.copy_to(b"more", "/result/more").await?;
    assert_eq!(container.read_file("/result/more").await?, b"more");
    Ok(())
}

#[tokio::test]
async fn fifty_megabytes_go_in_and_out_unchanged() -> TestResult {
    let folder = Folder::new();
    let content = large();
    fs::write(folder.join("large"), &content)?;
    let container = idle().copy_to(folder.join("large"), "/before").start().await?;
    container.copy_to(content.clone(), "/after").await?;
    shell(&container, "cmp /before /after").await?;
    container.copy_from("/before", folder.join("out")).await?;
    assert!(fs::read(folder.join("out"))? == content, "the file has changed on the way out");
    assert!(container.read_file("/after").await? == content, "the content has changed");
    Ok(())
}

#[tokio::test]
async fn a_path_that_is_not_there_is_not_found() -> TestResult {
    let folder = Folder::new();
    let container = idle().start().await?;
    let error = container.copy_from("/no/such", folder.join("out")).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert_eq!(error.summary(), "`/no/such` could not be copied out of the container");
    assert!(error.to_string().contains(container.name()), "{error}");
    let error = container.read_file("/no/such").await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    assert_eq!(error.summary(), "the file `/no/such` could not be read from the container");
    assert_eq!(folder.names(), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_folder_is_not_read_as_a_file() -> TestResult {
    let container = idle().start().await?;
    let error = container.read_file("/etc").await.unwrap_err();
    assert_eq!(error.summary(), "the file `/etc` could not be read from the container");
    assert!(error.to_string().contains("it is not a file"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_source_that_is_not_there_is_told_before_anything_is_made() -> TestResult {
    let label = unique("missing-source");
    let request = idle().label("test", &label).copy_to("tests/data/no-such", "/x");
    let told = "the file `tests/data/no-such` that is to be copied cannot be read: No such file or directory";
    let error = request.start().await.unwrap_err();
    assert!(error.is_invalid_request() && error.to_string().contains(told), "{error}");
    assert_eq!(labelled(&format!("test={label}")), [""; 0]);
    let container = idle().start().await?;
    let error = container.copy_to("tests/data/no-such", "/x").await.unwrap_err();
    assert!(error.to_string().contains(told), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_target_that_cannot_be_written_is_told_and_nothing_is_left() -> TestResult {
    let folder = Folder::new();
    fs::write(folder.join("file"), "mine")?;
    fs::create_dir(folder.join("folder"))?;
    let container = idle().copy_to(site(&folder), "/srv/www").start().await?;
    fs::remove_dir_all(folder.join("www"))?;
    for (source, target) in [
        ("/srv/www/index.html", "file/below"),
        ("/srv/www", "file"),
        ("/srv/www/index.html", "folder"),
    ] {
        let error = container.copy_from(source, folder.join(target)).await.unwrap_err();
        assert_eq!(error.summary(), format!("`{source}` could not be copied out of the container"));
        assert!(error.to_string().contains("\n  because: "), "{error}");
        assert_eq!(folder.names(), ["file", "folder"], "after {source} to {target}");
    }
    assert_eq!(fs::read_to_string(folder.join("file"))?, "mine");
    Ok(())
}

#[tokio::test]
async fn what_the_container_cannot_take_is_told() -> TestResult {
    let container = idle().start().await?;
    let error = container.copy_to(b"x", "/etc/passwd/x").await.unwrap_err();
    assert_eq!(error.summary(), "`/etc/passwd/x` could not be written in the container");
    let read_only = idle().read_only().start().await?;
    let error = read_only.copy_to(b"x", "/x").await.unwrap_err();
    assert!(error.to_string().contains("read-only"), "{error}");
    Ok(())
}

#[tokio::test]
async fn a_copy_that_fails_before_the_start_leaves_no_container() -> TestResult {
    let label = unique("failed-copy");
    let request = idle().label("test", &label).copy_to(b"x", "/etc/passwd/x");
    let error = request.start().await.unwrap_err();
    assert_eq!(error.summary(), "`/etc/passwd/x` could not be written in the container");
    assert_eq!(labelled(&format!("test={label}")), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_file_is_read_through_the_links_that_lead_to_it() -> TestResult {
    let container = idle().start().await?;
    shell(&container, "mkdir -p /a/b; echo found > /a/file; ln -s ../file /a/b/one; ln -s /a/b/one /two; ln -s /three /three").await?;
    assert_eq!(container.read_file("/two").await?, b"found\n");
    let error = container.read_file("/three").await.expect_err("it leads to itself");
    // Some engines find that out themselves.
    assert!(error.to_string().contains("links"), "{error}");
    Ok(())
}

#[tokio::test]
async fn files_that_the_kernel_makes_up_are_copied_whole() -> TestResult {
    let container = idle().copy_to("/proc/self/status", "/status").start().await?;
    let status = container.read_file("/status").await?;
    assert!(status.starts_with(b"Name:"), "{} bytes", status.len());
    Ok(())
}
