//! A run of nextest over this program's ignored tests, without a build: nextest is told which program there is, in a package that is
//! made for it.

#![allow(dead_code, missing_docs, unreachable_pub, reason = "each suite uses a part of it")]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{json, Value};

use super::child::CHILD;
use super::session::{Folder, Session};
use super::sys;

/// The name of the child in all tests under nextest.
pub const UNDER_NEXTEST: &str = "under nextest";

/// In the folder that they run in: the waiting ones end when this is there.
pub const END: &str = "end";

/// The same for the late ones.
pub const END_OF_LATE: &str = "end of the late";

/// How many tests are run at once.
pub const TESTS: usize = 3;

/// A run that goes on. When it is dropped it is killed, and its waiting tests end.
#[derive(Debug)]
pub struct Run {
    /// As its tests find it out themselves.
    pub session: Session,
    nextest: Child,
    lines: Receiver<String>,
    folder: Folder,
}

impl Run {
    /// Runs the ignored tests of a filter, such as `test(/waits/)`.
    pub fn start(filter: &str) -> Result<Self, Box<dyn std::error::Error>> {
        Run::start_within(filter, Duration::from_secs(300))
    }

    /// The same, where nextest ends each test after so many whole seconds.
    pub fn start_within(filter: &str, limit: Duration) -> Result<Self, Box<dyn std::error::Error>> {
        let (folder, mut session) = (Folder::new(), Session::new("nextest").without_sweep());
        let at = folder.path();
        fs::create_dir(at.join("src"))?;
        fs::write(at.join("src/lib.rs"), "")?;
        fs::write(at.join("Cargo.toml"), "[package]\nname = \"a\"\n[workspace]\n")?;
        let output = Command::new(env!("CARGO"))
            .args(["metadata", "--offline", "--format-version", "1"])
            .current_dir(at)
            .output()?;
        let metadata: Value = serde_json::from_slice(&output.stdout)?;
        fs::write(at.join("metadata.json"), &output.stdout)?;
        fs::write(at.join("binaries.json"), binaries(at, &metadata)?.to_string())?;
        fs::write(
            at.join("config.toml"),
            format!(
                "[profile.default]\nretries = 0\nfail-fast = false\n\
                 slow-timeout = {{ period = '{}s', terminate-after = 1, grace-period = '500ms' }}\n",
                limit.as_secs()
            ),
        )?;

        let mut command = Command::new("cargo-nextest");
        sys::begin_with_default_signals(&mut command);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("NEXTEST") {
                command.env_remove(name);
            }
        }
        command
            .args(["nextest", "run", "--cargo-metadata", "metadata.json", "--binaries-metadata"])
            .args(["binaries.json", "--config-file", "config.toml", "--color", "never"])
            .args(["--run-ignored", "only", "-E", filter])
            .arg(format!("--test-threads={TESTS}"))
            .current_dir(at)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        session.join(&mut command);
        command.env_remove("LONGSHORE_SESSION").env("CARGO", env!("CARGO"));
        command.env(CHILD, UNDER_NEXTEST);
        let mut nextest = command.spawn()?;
        let lines = lines(BufReader::new(nextest.stderr.take().expect("it is piped")));
        // It says which run this is before it runs anything.
        let id = lines
            .iter()
            .find_map(|line| Some(line.split_once("run ID ")?.1.split(' ').next()?.to_owned()));
        session.rename(&format!("nextest-{}", id.ok_or("nextest told no run")?));
        Ok(Run { nextest, lines, session, folder })
    }

    /// The processes of the tests that run.
    pub fn tests(&self) -> Vec<u32> {
        let all = sys::processes().into_iter();
        all.filter(|pid| sys::stat(*pid).is_some_and(|stat| stat.parent == self.nextest.id()))
            .collect()
    }

    /// Lets its waiting or late tests end: [`END`] or [`END_OF_LATE`].
    pub fn tell(&self, what: &str) {
        fs::write(self.folder.path().join(what), "").expect("a file");
    }

    pub fn signal(&self, signal: i32) {
        sys::signal(self.nextest.id(), signal).expect("it was not waited for");
    }

    pub fn is_over(&mut self) -> bool {
        self.nextest.try_wait().expect("it can be waited for").is_some()
    }

    /// Nobody tells its tests. They go on.
    pub fn kill(&mut self) {
        self.nextest.kill().expect("it was not waited for");
        self.nextest.wait().expect("it was not waited for");
    }

    /// Waits for its end: what it has said, and how it has ended.
    pub fn end(&mut self) -> (String, ExitStatus) {
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = self.nextest.try_wait().expect("it can be waited for") {
                break status;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "nextest does not end");
            thread::sleep(Duration::from_millis(10));
        };
        (self.lines.iter().collect::<Vec<_>>().join("\n"), status)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        for end in [END, END_OF_LATE] {
            let _ = fs::write(self.folder.path().join(end), "");
        }
        let _ = self.nextest.kill();
        let _ = self.nextest.wait();
    }
}

fn lines(from: impl BufRead + Send + 'static) -> Receiver<String> {
    let (told, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in from.lines().map_while(Result::ok) {
            let _ = told.send(line);
        }
    });
    lines
}

/// What nextest would know if it had built this program: `nextest list --list-type binaries-only`.
fn binaries(target: &Path, metadata: &Value) -> Result<Value, Box<dyn std::error::Error>> {
    Ok(json!({
        "rust-build-meta": {
            "target-directory": target, "base-output-directories": ["debug"],
            "non-test-binaries": {}, "build-script-out-dirs": {}, "linked-paths": [],
            "target-platforms": [], "target-platform": null,
        },
        "rust-binaries": { "a::reliability": {
            "binary-id": "a::reliability", "binary-name": "reliability", "kind": "test",
            "package-id": metadata["packages"][0]["id"], "build-platform": "target",
            "binary-path": std::env::current_exe()?,
        }},
    }))
}
