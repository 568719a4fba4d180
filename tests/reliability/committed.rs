//! Images that are made of containers, when answers are lost and when processes end: nothing is left. Where a process has to
//! end, a test runs this very program again as a child.

use std::env;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use longshore::blocking::Container;
use longshore::{Commit, ContainerRequest, Engine, Image};

use super::support::proxy::{Action, Proxy};
use super::support::sys::Lock;
use super::support::{api, get, labelled, unique, TestResult, BUSYBOX};

/// Set for a child, with its name.
const CHILD: &str = "LONGSHORE_TEST_CHILD";

/// A label, or a tag, for what a child makes.
const LABEL: &str = "LONGSHORE_TEST_LABEL";

fn child_command(name: &str, label: &str) -> std::io::Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["--exact", &format!("committed::{name}"), "--nocapture", "--ignored"]);
    // What a killed one leaves is looked at.
    command.env(CHILD, name).env(LABEL, label).env("LONGSHORE_REAPER", "off");
    Ok(command)
}

fn is_child(name: &str) -> bool {
    env::var(CHILD).is_ok_and(|child| child == name)
}

fn label() -> String {
    env::var(LABEL).expect("the parent sets it")
}

/// Its label is its images' as well.
fn sleeper(label: &str) -> ContainerRequest {
    ContainerRequest::new(BUSYBOX).label("commit", label).cmd(["sleep", "600"])
}

/// How many images are made of containers with the label.
fn images(label: &str) -> usize {
    let filters = format!("%7B%22label%22%3A%5B%22commit%3D{label}%22%5D%7D");
    get(&format!("/images/json?filters={filters}")).as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn an_image_whose_making_was_never_confirmed_is_removed() -> TestResult {
    let label = unique("lost-commit");
    let proxy = Proxy::with(|call| match call.starts_with("POST /commit") {
        true => Action::LoseAnswer,
        false => Action::Pass,
    });
    let engine = Engine::connect_to(&proxy.address()).await?;
    let container = sleeper(&label).start_on(&engine).await?;
    let error = container.commit(Commit::new()).await.unwrap_err();
    assert_eq!(error.summary(), "the container could not be committed");
    assert!(error.to_string().contains(container.name()), "{error}");
    assert_eq!(images(&label), 0);
    Ok(())
}

#[test]
fn a_tag_that_a_killed_process_left_is_taken_over() -> TestResult {
    let _sessions = Lock::shared();
    let tag = unique("left-tag");
    let mut child =
        child_command("child_that_holds_a_tag", &tag)?.stdout(Stdio::piped()).spawn()?;
    let path = format!("/images/{tag}/json");
    super::support::eventually("the child's image", || api("GET", &path).0 == 200);
    let left = get(&path)["Id"].as_str().expect("an id").to_owned();

    let container = sleeper(&tag).start_blocking()?;
    let refused = container.commit(Commit::new().tag(&tag)).expect_err("its owner lives");
    assert!(refused.is_name_taken(), "{refused}");
    // `Child::kill` sends SIGKILL: nobody cleans up behind that.
    child.kill()?;
    child.wait()?;
    for id in labelled(&format!("commit={tag}")) {
        if id != container.id() {
            api("DELETE", &format!("/containers/{id}?force=1&v=1"));
        }
    }
    assert_eq!(api("GET", &path).0, 200);
    let image = container.commit(Commit::new().tag(&tag))?;
    let id = get(&path)["Id"].as_str().expect("an id").to_owned();
    // Podman leaves the algorithm away.
    assert!(image.id().ends_with(&id), "{id}");
    let left = format!("sha256:{}", left.trim_start_matches("sha256:"));
    let status = api("GET", &format!("/images/{left}/json")).0;
    assert_eq!(status, 404, "the dead owner's is still there");
    drop(image);
    assert_eq!(api("GET", &path).0, 404);
    Ok(())
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_holds_a_tag() {
    if !is_child("child_that_holds_a_tag") {
        return;
    }
    let tag = label();
    let container = sleeper(&tag).start_blocking().expect("a container");
    let _image = container.commit(Commit::new().tag(tag)).expect("an image");
    // Until the parent kills it.
    std::thread::sleep(Duration::from_secs(60));
}

#[test]
fn images_in_statics_go_when_the_process_ends() -> TestResult {
    let label = unique("static-images");
    let output = child_command("child_with_images_in_statics", &label)?.output()?;
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && !told.contains("longshore:"), "{output:?}");
    assert_eq!(images(&label), 0);
    assert_eq!(labelled(&format!("commit={label}")), [""; 0]);
    Ok(())
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_with_images_in_statics() {
    if !is_child("child_with_images_in_statics") {
        return;
    }
    static HELD: Mutex<Vec<(Container, Image)>> = Mutex::new(Vec::new());
    let label = label();
    let first = sleeper(&label).start_blocking().expect("a container");
    let below = first.commit(Commit::new()).expect("an image");
    let request = ContainerRequest::new(&below).label("commit", &label).cmd(["sleep", "600"]);
    let second = request.start_blocking().expect("a container");
    let above = second.commit(Commit::new().tag(&label)).expect("an image made of the other");
    let mut held = HELD.lock().expect("no panic");
    held.push((first, below));
    held.push((second, above));
}
