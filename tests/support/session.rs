//! A test run of its own for child processes: a name, a runtime folder, and what the engine has of it, as seen past longshore.
//! Whatever a failed test leaves of it is removed when it is dropped.

#![allow(dead_code, missing_docs, unreachable_pub, reason = "each suite uses a part of it")]

use std::collections::HashMap;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::panic;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::child::{this_program_for, Held};
use super::{api, get, label_filter, sys, unique};

/// What must be gone after a kill is gone within this.
pub const REMOVED_WITHIN: Duration = Duration::from_secs(5);

/// How long a reaper may take to end when its session is over.
const OVER_WITHIN: Duration = Duration::from_secs(10);

/// The same after a process was killed in the middle of a call: half a minute long the engine may still do what it was asked.
const OVER_LATE_WITHIN: Duration = Duration::from_secs(45);

/// Tells a reaper from all other processes.
const REAPER: &str = "LONGSHORE_REAPER_PROCESS=";

/// One thing that the engine has of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    pub kind: &'static str,
    pub id: String,
    pub name: String,
    /// The process that made it.
    pub owner: u32,
}

/// A test run of child processes.
#[derive(Debug)]
pub struct Session {
    name: String,
    runtime: Arc<Folder>,
    variables: HashMap<String, String>,
}

/// A folder of its own, removed when it is dropped.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// Its path is short: a socket's may have 108 bytes.
    pub fn new() -> Self {
        let path = std::env::temp_dir().join(unique("ls"));
        DirBuilder::new().mode(0o700).create(&path).expect("a folder in the temporary folder");
        Folder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Session {
    pub fn new(stem: &str) -> Self {
        Session { name: unique(stem), runtime: Arc::new(Folder::new()), variables: HashMap::new() }
    }

    /// Another one, with the same runtime folder: what this user runs next.
    pub fn next(&self, stem: &str) -> Self {
        let variables = HashMap::new();
        Session { name: unique(stem), runtime: self.runtime.clone(), variables }
    }

    /// The same once more, in another runtime folder.
    pub fn again(&self) -> Self {
        let runtime = Arc::new(Folder::new());
        Session { name: self.name.clone(), runtime, variables: self.variables.clone() }
    }

    /// A variable for its processes.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.variables.insert(name.to_owned(), value.into());
        self
    }

    /// Its reaper alone is to remove what its processes leave.
    #[must_use]
    pub fn without_sweep(self) -> Self {
        self.env("LONGSHORE_SWEEP", "off")
    }

    /// It is another one, as has turned out.
    pub fn rename(&mut self, name: &str) {
        name.clone_into(&mut self.name);
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// `XDG_RUNTIME_DIR` of its processes.
    pub fn runtime(&self) -> &Path {
        self.runtime.path()
    }

    /// This program again for an ignored test, as a process of this session.
    pub fn command(&self, test: &str) -> Command {
        let mut command = this_program_for(test);
        self.join(&mut command);
        command
    }

    /// Makes a program one of this session. It sweeps if this test is alone.
    pub fn join(&self, command: &mut Command) {
        command
            .env("LONGSHORE_SESSION", &self.name)
            .env("XDG_RUNTIME_DIR", self.runtime())
            .env_remove("LONGSHORE_REAPER")
            .env_remove("LONGSHORE_KEEP")
            // What runs this program is not what its test run ends with.
            .env_remove("CARGO")
            .env_remove("NEXTEST_RUN_ID")
            .env("LONGSHORE_SWEEP", if sys::Lock::is_alone() { "on" } else { "off" })
            .envs(&self.variables);
    }

    /// Starts one of its processes.
    pub fn start(&self, test: &str) -> Held {
        Held::start(self.command(test)).expect("this program can be started")
    }

    /// The label of what it makes.
    pub fn label(&self) -> String {
        format!("org.longshore.session={}", self.name)
    }

    /// What the engine has of it.
    pub fn left(&self) -> Vec<Left> {
        left(&self.label())
    }

    /// What the engine has of one of its processes.
    pub fn left_of(&self, process: u32) -> Vec<Left> {
        self.left().into_iter().filter(|left| left.owner == process).collect()
    }

    /// Waits until the engine has nothing of it, and says how long that took. Fails after [`REMOVED_WITHIN`].
    pub fn all_gone(&self) -> Duration {
        self.all_gone_within(REMOVED_WITHIN)
    }

    pub fn all_gone_within(&self, limit: Duration) -> Duration {
        let begun = Instant::now();
        loop {
            let (asked, left) = (begun.elapsed(), self.left());
            if left.is_empty() {
                return asked;
            }
            assert!(asked < limit, "left after {limit:?}: {left:#?}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// The processes that are its reapers.
    pub fn reapers(&self) -> Vec<u32> {
        let is_ours =
            |variable: &String| variable.starts_with(REAPER) && variable.contains(&self.name);
        let all = sys::processes().into_iter();
        all.filter(|pid| sys::environment(*pid).iter().any(is_ours)).collect()
    }

    /// Its only reaper.
    pub fn reaper(&self) -> u32 {
        match self.reapers()[..] {
            [reaper] => reaper,
            ref reapers => panic!("the session {} has the reapers {reapers:?}", self.name),
        }
    }

    /// Waits until the session is over: no reaper, no file in its runtime folder, and still nothing on the engine.
    pub fn over(&self) {
        self.over_within(OVER_WITHIN, true);
    }

    /// The same for one in which something may come late.
    pub fn over_late(&self) {
        self.over_within(OVER_LATE_WITHIN, true);
    }

    /// The same without a look at the files.
    pub fn ended_late(&self) {
        self.over_within(OVER_LATE_WITHIN, false);
    }

    fn over_within(&self, limit: Duration, without_files: bool) {
        let begun = Instant::now();
        loop {
            let files = if without_files { self.files() } else { Vec::new() };
            let reapers = self.reapers();
            if reapers.is_empty() && files.is_empty() {
                break;
            }
            assert!(
                begun.elapsed() < limit,
                "after {limit:?} there are reapers {reapers:?} and {files:?}"
            );
            thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(self.left(), [], "this came late");
    }

    /// What lies in its runtime folder, without what all sessions share: the folder of theirs, and what is known of snapshots.
    pub fn files(&self) -> Vec<PathBuf> {
        let shared = self.runtime().join("longshore");
        let of_snapshots = shared.join("snapshots");
        let is_own = |path: &PathBuf| *path != shared && !path.starts_with(&of_snapshots);
        sys::below(self.runtime()).into_iter().filter(is_own).collect()
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A reaper that is still at it would only be in the way; it is a process that this test has brought about.
        let begun = Instant::now();
        while !self.reapers().is_empty() && begun.elapsed() < Duration::from_secs(2) {
            thread::sleep(Duration::from_millis(20));
        }
        for reaper in self.reapers() {
            let _ = sys::signal(reaper, libc::SIGKILL);
        }
        // The test may be failing for the very reason that the engine does not answer.
        let _ = panic::catch_unwind(|| remove_all(&self.label()));
    }
}

/// What the engine has with a label.
pub fn left(label: &str) -> Vec<Left> {
    let filter = label_filter(label);
    let mut found = Vec::new();
    let lists = [
        ("container", "Id", format!("/containers/json?all=1&filters={filter}")),
        ("network", "Id", format!("/networks?filters={filter}")),
        ("volume", "Name", format!("/volumes?filters={filter}")),
        ("image", "Id", format!("/images/json?filters={filter}")),
    ];
    for (kind, id, path) in lists {
        let list = list(&path);
        let list = if kind == "volume" { &list["Volumes"] } else { &list };
        for one in list.as_array().into_iter().flatten() {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let name = [&one["Names"][0], &one["Name"], &one["RepoTags"][0]];
            let owner = text(&one["Labels"]["org.longshore.owner"]);
            found.push(Left {
                kind,
                id: text(&one[id]),
                name: name.into_iter().map(text).find(|name| !name.is_empty()).unwrap_or_default(),
                owner: owner.split('/').nth(2).and_then(|pid| pid.parse().ok()).unwrap_or_default(),
            });
        }
    }
    found
}

/// An engine may refuse a list while something in it goes.
fn list(path: &str) -> Value {
    for _ in 0..20 {
        let (status, body) = api("GET", path);
        if status == 200 {
            return serde_json::from_str(&body).expect("JSON");
        }
        thread::sleep(Duration::from_millis(20));
    }
    get(path)
}

/// Removes all of it, past longshore.
fn remove_all(label: &str) {
    // A container uses the rest, an image may use another.
    for _ in 0..3 {
        let left = left(label);
        for kind in ["container", "image", "network", "volume"] {
            for one in left.iter().filter(|one| one.kind == kind) {
                let path = match kind {
                    "container" => format!("/containers/{}?force=1&v=1", one.id),
                    _ => format!("/{kind}s/{}?force=1", one.id),
                };
                api("DELETE", &path);
            }
        }
        if left.is_empty() {
            break;
        }
    }
}
