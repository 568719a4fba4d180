//! Values that are read at compile time: images, lines, ports, sizes, times.

use longshore::{blocking::Container, with_container};

#[with_container("Postgres:15")]
#[test]
fn image(_: Container) {}

#[with_container("docker run -d postgres:15")]
#[test]
fn image_that_is_a_line(_: Container) {}

#[with_container(run = "docker run --publsh 80 nginx:1.22")]
#[test]
fn line(_: Container) {}

#[with_container(run = "-p 80:99999 -m 5q nginx:1.22")]
#[test]
fn values_in_a_line(_: Container) {}

#[with_container("nginx:1.22", publish = "80:http", publish("9000-8000:80", "80/tpc"), expose = "")]
#[test]
fn ports(_: Container) {}

#[with_container(
    "nginx:1.22",
    memory = "5 apples",
    cpus = "many",
    ulimit = "nofile",
    restart = "sometimes",
    volume = "a:b:c:d",
    mount = "type=bnd,target=/a",
    add_host = "db",
    pull = "often",
    start_timeout = "90",
    pull_stall_timeout = 90,
    health_interval = "soon"
)]
#[test]
fn options(_: Container) {}

fn main() {}
