//! One of the tests asks first for what all of them share, and is killed: while it makes it, or when it has it. The others get one.

use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use longshore::{blocking, with_container, ContainerRequest, Wait};

/// Takes a moment to be ready.
fn server() -> ContainerRequest {
    ContainerRequest::new("busybox:1.35")
        .cmd(["sh", "-c", "sleep 0.6; echo ready; sleep 600"])
        .wait(Wait::log("ready"))
}

/// The same, when the first one has asked for it, and a little later, so that it is first in line.
fn asked_for() -> ContainerRequest {
    let (begun, asked) =
        (Instant::now(), env::var("ASKED").expect("it is said where that is noted"));
    while !Path::new(&asked).exists() && begun.elapsed() < Duration::from_secs(10) {
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(Duration::from_millis(100));
    server()
}

#[test]
#[ignore = "of no use without the program that counts"]
fn the_first() {
    let after = env::var("KILLED_AFTER").expect("it is said after how many milliseconds");
    let after = Duration::from_millis(after.parse().expect("a number"));
    thread::spawn(move || {
        thread::sleep(after);
        // SAFETY: no memory is involved.
        unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
    });
    fs::write(env::var("ASKED").expect("it is said where to note that"), "").expect("a file");
    let server = server().start_shared_blocking().expect("a server");
    thread::sleep(Duration::from_secs(60));
    panic!("process {} still has {}", process::id(), server.name());
}

#[with_container(asked_for(), shared)]
mod others {
    use super::*;

    fn use_it(server: &blocking::Container) {
        let said = server.exec(["hostname"]).expect("it runs").ok().expect("it is its name");
        assert!(server.id().starts_with(said.stdout_str().expect("text").trim()));
    }

    #[test]
    #[ignore = "of no use without the program that counts"]
    fn one(server: &blocking::Container) {
        use_it(server);
    }

    #[test]
    #[ignore = "of no use without the program that counts"]
    fn two(server: &blocking::Container) {
        use_it(server);
    }

    #[test]
    #[ignore = "of no use without the program that counts"]
    fn three(server: &blocking::Container) {
        use_it(server);
    }

    #[test]
    #[ignore = "of no use without the program that counts"]
    fn four(server: &blocking::Container) {
        use_it(server);
    }
}
