//! The test run that this process is part of, and what keeps that open.

use std::env;
use std::ffi::OsStr;
use std::path::Path;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::keep::check_keeping;
use super::process::{ancestors, program, Process};
use super::snapshots::check_limit;
use super::startup::Runner;
use crate::engine::io;
use crate::error::{Error, Kind, Result};

/// Names the test run.
const VARIABLE: &str = "LONGSHORE_SESSION";

/// How many bytes that name may have.
const NAME_LIMIT: usize = 200;

/// A test run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Session {
    /// What things of it are labelled with.
    pub(super) id: String,
    /// The runner: as long as it lives, another process of the session may come. Without one, the session is over when its
    /// last process has ended. Of a session that the variable names, each process may have another one.
    pub(super) anchor: Option<Process>,
}

impl Session {
    /// This process's: `LONGSHORE_SESSION`, else nextest's run, else the `cargo` above us, else this process alone.
    pub(super) fn this() -> &'static Session {
        static SESSION: OnceLock<Session> = OnceLock::new();
        SESSION.get_or_init(Session::find)
    }

    /// Whether no other process can be of this session.
    pub(super) fn is_this_process(&self) -> bool {
        self.anchor.is_none() && self.id == alone()
    }

    fn find() -> Session {
        let variable = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
        if let Some(id) = variable(VARIABLE) {
            return Session { id, anchor: runner_process() };
        }
        let anchor = runner_process();
        let id = match (variable("NEXTEST_RUN_ID"), &anchor) {
            (Some(run), _) => format!("nextest-{run}"),
            (None, Some(cargo)) => numbered("cargo", cargo),
            (None, None) => alone(),
        };
        Session { id, anchor }
    }
}

/// The program that runs this one as a test, if that is known: also where the test run has a name of its own.
#[cfg_attr(not(unix), allow(dead_code, reason = "only a reaper asks"))]
pub(super) fn runner() -> Option<Runner> {
    let name = if is_under_nextest() { "nextest" } else { "cargo" };
    Some(Runner { name: name.into(), process: runner_process()?.to_label() })
}

fn runner_process() -> Option<Process> {
    if is_under_nextest() {
        return nextest();
    }
    above(&env::var("CARGO").ok().filter(|cargo| !cargo.is_empty())?)
}

fn is_under_nextest() -> bool {
    env::var_os("NEXTEST_RUN_ID").is_some_and(|run| !run.is_empty())
}

/// The nextest above this process.
fn nextest() -> Option<Process> {
    // A wrapper may stand between us and the runner.
    let runner = nearest(|program| named(program).starts_with("cargo-nextest"));
    runner.or_else(|| ancestors().next()).map(Process::here)
}

/// The cargo above this process. `cargo run` replaces itself by the program; the parent is then a shell that lives for days.
fn above(cargo: &str) -> Option<Process> {
    let is_cargo = |program: &Path| program == Path::new(cargo) || named(program) == "cargo";
    nearest(is_cargo).map(Process::here)
}

/// Refuses variables that say nothing, before anything is made.
pub(crate) fn check_variables() -> Result<()> {
    check_keeping()?;
    check_limit()?;
    check_name(&env::var_os(VARIABLE).unwrap_or_default())
}

fn check_name(name: &OsStr) -> Result<()> {
    let why = match name.to_str() {
        None => "is no UTF-8".to_owned(),
        Some(name) if name.len() > NAME_LIMIT => {
            format!("has {} bytes, and {NAME_LIMIT} are the most", name.len())
        }
        Some(_) => return Ok(()),
    };
    Err(Error::new(Kind::InvalidRequest, format!("the name of the test run {why}"))
        .fact("from", format!("the variable `{VARIABLE}`"))
        .hint("give it a short name, or unset it"))
}

/// The session that a process is by itself.
fn alone() -> String {
    numbered("process", &Process::this())
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
pub(crate) fn test_name() -> Option<String> {
    let thread = std::thread::current();
    let name = thread.name()?;
    (name != "main" && !io::is_io_thread()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_cannot_be_one_is_told() {
        check_name(OsStr::new("")).unwrap();
        check_name(OsStr::new("build 7 of main")).unwrap();
        assert_eq!(
            check_name(OsStr::new(&"n".repeat(201))).unwrap_err().to_string(),
            "the name of the test run has 201 bytes, and 200 are the most\n  from: the variable `LONGSHORE_SESSION`\n  \
             hint: give it a short name, or unset it"
        );
    }
}
