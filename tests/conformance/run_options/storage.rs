//! What a container finds in its file system.

use std::fs;
use std::path::{Path, PathBuf};

use longshore::{ContainerRequest, Mount};

use super::{idle, inspected, say, says, speaks};
use crate::client::{failed_start, text_and_cause_of, text_of};
use crate::support::{api, get, is_podman, unique, TestResult, BUSYBOX};

/// A folder with a file in it, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(parent: &Path) -> std::io::Result<Self> {
        let path = parent.join(unique("longshore-folder"));
        fs::create_dir_all(&path)?;
        fs::write(path.join("file"), "from here\n")?;
        Ok(Folder(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// The name of a volume that is removed at the end.
struct Name(String);

impl Name {
    fn new() -> Self {
        Name(unique("opts"))
    }
}

impl Drop for Name {
    fn drop(&mut self) {
        api("DELETE", &format!("/volumes/{}", self.0));
    }
}

/// Whether something can be written there.
const WRITES: &str = "echo x > /there/written 2>/dev/null && echo yes || echo no";

#[tokio::test]
async fn a_folder_of_this_machine() -> TestResult {
    let folder = Folder::new(&std::env::temp_dir())?;
    let path = folder.0.to_string_lossy();
    let volume = |options: &str| idle().volume(format!("{path}:/there{options}"));
    let mount = || Mount::bind(&path, "/there");
    for (request, writes) in [
        (volume(":ro"), "no"),
        (volume(""), "yes"),
        (idle().mount(mount().readonly()), "no"),
        (idle().mount(mount()), "yes"),
        (idle().mount(format!("type=bind,src={path},dst=/there,ro")), "no"),
    ] {
        let container = request.start().await?;
        assert_eq!(say(&container, "cat /there/file").await?, "from here");
        assert_eq!(say(&container, WRITES).await?, writes);
    }
    assert_eq!(fs::read_to_string(folder.0.join("written"))?, "x\n");
    Ok(())
}

#[tokio::test]
async fn a_relative_path_begins_at_the_current_folder() -> TestResult {
    let here = std::env::current_dir()?;
    let folder = Folder::new(&here.join("tests"))?;
    let name = folder.0.file_name().unwrap_or_default().to_string_lossy();
    for request in [
        idle().volume(format!("./tests/{name}:/there")),
        idle().volume(format!("./src/../tests/./{name}/:/there")),
        idle().mount(Mount::bind(format!("./tests/{name}"), "/there")),
        ContainerRequest::from_run(&format!(
            "docker run -v ./tests/{name}:/there {BUSYBOX} sleep 600"
        ))?,
    ] {
        assert_eq!(says(request.stop_signal("KILL"), "cat /there/file").await?, "from here");
    }
    let crate_itself = says(idle().volume(".:/there:ro"), "head -n 1 /there/README.md").await?;
    assert_eq!(crate_itself, "# longshore");
    Ok(())
}

#[tokio::test]
async fn a_named_volume_stays_when_its_container_goes() -> TestResult {
    let name = Name::new();
    let container = idle().volume(format!("{}:/data", name.0)).start().await?;
    say(&container, "echo kept > /data/file").await?;
    container.remove().await?;
    for request in [
        idle().mount(Mount::volume(&name.0, "/data").readonly()),
        idle().mount(format!("src={},dst=/data,ro", name.0)),
        idle().volume(format!("{}:/data:ro", name.0)),
    ] {
        assert_eq!(says(request, "cat /data/file").await?, "kept");
    }
    Ok(())
}

#[tokio::test]
async fn a_volume_without_a_name_goes_with_its_container() -> TestResult {
    for request in [idle().volume("/data"), idle().mount(Mount::anonymous_volume("/data"))] {
        let container = request.start().await?;
        say(&container, "echo x > /data/file").await?;
        let mount = inspected(&container)["Mounts"][0].clone();
        assert_eq!((&mount["Type"], &mount["Destination"]), (&"volume".into(), &"/data".into()));
        let path = format!("/volumes/{}", mount["Name"].as_str().unwrap_or_default());
        get(&path);
        container.remove().await?;
        assert_eq!(api("GET", &path).0, 404);
    }
    Ok(())
}

#[tokio::test]
async fn a_new_volume_has_what_the_image_has_there_or_not() -> TestResult {
    let script = "ls /etc | grep -c passwd || true";
    let (copied, empty) = (Name::new(), Name::new());
    // As its command has it; an image that has nothing there is not asked for.
    let request = ContainerRequest::new(BUSYBOX).cmd(["sleep", "600"]).stop_signal("KILL");
    let with = request.clone().volume(format!("{}:/etc", copied.0));
    assert_eq!(says(with, script).await?, "1");
    let without = request.mount(Mount::volume(&empty.0, "/etc").volume_nocopy());
    assert_eq!(says(without, script).await?, "0");
    Ok(())
}

#[tokio::test]
async fn a_new_volume_gets_its_labels_and_options() -> TestResult {
    let name = Name::new();
    let mount = Mount::volume(&name.0, "/data")
        .volume_driver("local")
        .volume_label("purpose", "a test, this one")
        .volume_opt("type", "tmpfs")
        .volume_opt("device", "tmpfs")
        .volume_opt("o", "size=1m,uid=7");
    if is_podman() {
        let error = failed_start(idle().mount(mount)).await;
        assert_eq!(
            text_of(&error).await,
            "Podman passes over `volume-driver`, `volume-opt` and `volume-label` of `--mount`
  image: `busybox:1.35`
  engine: ENGINE
  hint: make the volume before, with its options, and mount it by its name"
        );
        return Ok(());
    }
    let container = idle().mount(mount).start().await?;
    assert_eq!(say(&container, "stat -c %u /data").await?, "7");
    let volume = get(&format!("/volumes/{}", name.0));
    assert_eq!(volume["Labels"]["purpose"], "a test, this one");
    assert_eq!(volume["Options"]["o"], "size=1m,uid=7");
    Ok(())
}

#[tokio::test]
async fn a_file_system_in_memory() -> TestResult {
    let look = "df -k /mem | tail -1 | awk '{ print $2 }'; stat -c %a /mem; grep -c ' /mem tmpfs' /proc/mounts";
    for request in [
        idle().tmpfs("/mem:size=1m,mode=1770"),
        idle().mount(Mount::tmpfs("/mem").tmpfs_size("1m").tmpfs_mode(0o1770)),
        idle().mount(Mount::tmpfs("/mem").tmpfs_size(1024 * 1024_u64).tmpfs_mode(0o1770)),
        idle().mount("type=tmpfs,dst=/mem,tmpfs-size=1m,tmpfs-mode=1770"),
    ] {
        assert_eq!(says(request, look).await?, "1024\n1770\n1");
    }
    Ok(())
}

#[tokio::test]
async fn the_volumes_of_another_container() -> TestResult {
    let other = idle().volume("/data").start().await?;
    say(&other, "echo shared > /data/file").await?;
    let request = || idle();
    let container = request().volumes_from(other.name()).start().await?;
    assert_eq!(say(&container, "cat /data/file; echo more > /data/more").await?, "shared");
    let container = request().volumes_from(format!("{}:ro", other.id())).start().await?;
    assert_eq!(
        say(&container, "cat /data/more; touch /data/x 2>/dev/null || echo no").await?,
        "more\nno"
    );
    drop(container);
    assert_eq!(say(&other, "cat /data/file").await?, "shared", "it went with its guest");
    Ok(())
}

#[tokio::test]
async fn a_root_that_cannot_be_written() -> TestResult {
    let container = idle().read_only().tmpfs("/run").start().await?;
    let script = "touch /x 2>/dev/null || echo no; touch /run/x && echo yes";
    assert_eq!(say(&container, script).await?, "no\nyes");
    Ok(())
}

#[tokio::test]
async fn a_folder_within_a_volume_and_the_files_of_an_image() -> TestResult {
    if is_podman() || !speaks(1, 48) {
        // Older engines say that they cannot (`refused`).
        return Ok(());
    }
    let name = Name::new();
    let container = idle().volume(format!("{}:/all", name.0)).start().await?;
    say(&container, "mkdir /all/sub; echo deep > /all/sub/file").await?;
    let part = idle().mount(Mount::volume(&name.0, "/part").volume_subpath("sub"));
    assert_eq!(says(part, "cat /part/file").await?, "deep");
    let of_image = idle().mount(Mount::image(BUSYBOX, "/image"));
    assert_eq!(says(of_image, "ls /image/bin | grep -cx busybox").await?, "1");
    Ok(())
}

#[tokio::test]
async fn what_the_storage_driver_does_not_take_is_told() -> TestResult {
    if is_podman() {
        return Ok(());
    }
    let error = failed_start(idle().storage_opt("size", "1G")).await;
    let (text, cause) = text_and_cause_of(&error).await;
    assert_eq!(
        text,
        "the engine did not create the container\n  image: `busybox:1.35`\n  engine: ENGINE"
    );
    assert!(cause.contains("storage-opt"), "{cause}");
    Ok(())
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_told_or_made() -> TestResult {
    let missing = std::env::temp_dir().join(unique("longshore-missing"));
    let path = missing.to_string_lossy();
    // As with the command: `--mount` refuses, `--volume` makes it. Podman's imitation of the API makes it for both.
    if !is_podman() {
        let error = failed_start(idle().mount(Mount::bind(&path, "/there"))).await;
        assert!(error.to_string().contains(&*path), "{error}");
    }
    assert!(!missing.exists());
    idle().volume(format!("{path}:/there")).start().await?.remove().await?;
    assert!(missing.is_dir());
    fs::remove_dir(&missing)?;
    Ok(())
}
