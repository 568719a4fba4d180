//! Options that there are not, or that are written in another form.

use longshore::{blocking::Container, with_container};

#[with_container("nginx:1.22", publsh = "80", cap-add = "ALL", p = "80", detach, cidfile = "a", zzz, shared("a"))]
#[test]
fn unknown(_: Container) {}

#[with_container("nginx:1.22", user = "a", user = "b", publish = "80", publish = "81", name = "_", name = "a")]
#[test]
fn twice() {}

#[with_container(
    "nginx:1.22",
    init = true,
    hostname,
    workdir("/a", "/b"),
    env = "A=b",
    env(A = "b"),
    env("A" = "b", "c"),
    label,
    cmd = "sh -c 'echo a'",
    entrypoint,
    copy_to = "here",
    copy_to("a", "/b", "/c"),
)]
#[test]
fn form(_: Container) {}

#[with_container("nginx:1.22", name = "a-b", wait)]
#[test]
fn name(_: Container) {}

#[with_container]
#[test]
fn nothing(_: Container) {}

#[with_container(publish("80"), "nginx:1.22")]
#[test]
fn order(_: Container) {}

#[with_container("nginx:1.22", run = "nginx:1.22")]
#[test]
fn image_and_line(_: Container) {}

#[with_container("nginx:1.22" publish = "80", tty)]
#[test]
fn comma(_: Container) {}

fn main() {}
