//! The test run that this process is part of, and what keeps that open.

use std::env;
use std::ffi::OsStr;
use std::path::Path;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::process::{ancestors, program, Process};
use crate::engine::io;

/// A test run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Session {
    /// What things of it are labelled with.
    pub(super) id: String,
    /// The runner: as long as it lives, another process of the session may come. Without one, the session is over when its
    /// last process has ended.
    pub(super) anchor: Option<Process>,
}

impl Session {
    /// This process's: `LONGSHORE_SESSION`, else nextest's run, else the `cargo` above us, else this process alone.
    pub(super) fn this() -> &'static Session {
        static SESSION: OnceLock<Session> = OnceLock::new();
        SESSION.get_or_init(Session::find)
    }

    fn find() -> Session {
        let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        if let Some(id) = variable("LONGSHORE_SESSION") {
            return Session { id, anchor: None };
        }
        if let Some(run) = variable("NEXTEST_RUN_ID") {
            // A wrapper may stand between us and the runner.
            let runner = nearest(|program| named(program).starts_with("cargo-nextest"));
            let runner = runner.or_else(|| ancestors().next());
            return Session { id: format!("nextest-{run}"), anchor: runner.map(Process::here) };
        }
        if let Some(cargo) = variable("CARGO") {
            // `cargo run` replaces itself by the program; the parent is then a shell that lives for days.
            let is_cargo =
                |program: &Path| program == Path::new(&cargo) || named(program) == "cargo";
            if let Some(runner) = nearest(is_cargo).map(Process::here) {
                return Session { id: numbered("cargo", &runner), anchor: Some(runner) };
            }
        }
        Session { id: numbered("process", &Process::this()), anchor: None }
    }
}

/// A name for the session that nobody else gives to another one: other containers on the same engine may have processes of
/// this number.
fn numbered(kind: &str, process: &Process) -> String {
    let place = format!("{}/{}/{}", process.boot, process.pid_namespace, host_name());
    let place = xxhash_rust::xxh3::xxh3_64(place.as_bytes()) as u32;
    format!("{kind}-{}-{}-{place:08x}", process.pid, process.started)
}

/// Tells machines apart whose system tells no boot.
fn host_name() -> String {
    let name = env::var("HOSTNAME").or_else(|_| env::var("COMPUTERNAME"));
    name.or_else(|_| std::fs::read_to_string("/etc/hostname")).unwrap_or_default()
}

/// The nearest process above this one whose program is meant.
fn nearest(is_meant: impl Fn(&Path) -> bool) -> Option<u32> {
    ancestors().find(|pid| program(*pid).is_some_and(|program| is_meant(&program)))
}

fn named(program: &Path) -> std::borrow::Cow<'_, str> {
    program.file_name().map(OsStr::to_string_lossy).unwrap_or_default()
}

/// The test that is running, by the name that libtest gives its thread.
pub(super) fn test_name() -> Option<String> {
    let thread = std::thread::current();
    let name = thread.name()?;
    (name != "main" && !io::is_io_thread()).then(|| name.to_owned())
}
