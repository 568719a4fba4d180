//! What is behind `wait =`.

use longshore::{blocking::Container, with_container};

#[with_container(
    "nginx:1.22",
    wait = "ready",
    wait = logs("ready"),
    wait = mine(),
    wait = log("ready", time = 2),
    wait = log("ready", stderr = true),
    wait = log("ready", timeout = "5"),
    wait = log("a", "b"),
    wait = http("/", port = 80, header = "A: b"),
    wait = port("80/tpc"),
    wait = ports(80),
    wait = healthy("now"),
    wait = all(),
    wait = any(port(80), log("a", tims = 2)),
    wait = exec(),
    wait = duration(5),
)]
#[test]
fn waits(_: Container) {}

fn main() {}
