//! A user's own crate, one of those below `tests/programs`: copied to where cargo may write, built once, and run there by cargo or
//! nextest as a test run of its own. Nothing of the test run that does so reaches it but the engine.

#![allow(dead_code, missing_docs, unreachable_pub, reason = "each suite uses a part of it")]

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fs};

use super::events::Created;
use super::session::Session;
use super::sys;

/// The most time for a run.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long after the runner's end its output may still be open.
const OPEN_LIMIT: Duration = Duration::from_secs(3);

/// A crate that is built.
#[derive(Debug)]
pub struct Program {
    folder: PathBuf,
    target: PathBuf,
}

/// A run that has ended.
#[derive(Debug)]
pub struct Ran {
    /// As its tests found it out themselves.
    pub session: Session,
    pub status: ExitStatus,
    /// All that it wrote.
    pub said: String,
    /// The containers that it created, by the engine's events.
    pub created: usize,
}

impl Program {
    /// The crate `tests/programs/NAME` with its tests compiled. All of them share a target folder, which stays for the next time.
    pub fn build(name: &str) -> Self {
        let at = Path::new(env!("CARGO_TARGET_TMPDIR")).join("programs");
        let program = Program { folder: at.join(name), target: at.join("target") };
        program.copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs").join(name));
        let mut command = program.command(Path::new(env!("CARGO")), &["test", "--no-run"]);
        let output = command.arg("--offline").output().expect("cargo can be started");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        program
    }

    /// A command in the crate's folder, in an environment as a user's shell has it.
    fn command(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            let is_of_this_run = ["CARGO", "NEXTEST", "RUSTFLAGS", "RUSTDOCFLAGS", "LONGSHORE_"]
                .iter()
                .any(|begin| text.starts_with(begin));
            if is_of_this_run && text != "CARGO_HOME" {
                command.env_remove(&name);
            }
        }
        // What takes long to write and to link, and is of no use here.
        command.env("CARGO_PROFILE_DEV_DEBUG", "0").env("CARGO_INCREMENTAL", "0");
        command.env("CARGO_TARGET_DIR", &self.target).env("CARGO_NET_OFFLINE", "true");
        command.env("CARGO", env!("CARGO")).current_dir(&self.folder).args(arguments);
        sys::begin_with_default_signals(&mut command);
        command
    }

    /// `cargo test ARGUMENTS`.
    pub fn cargo(&self, session: Session, arguments: &[&str]) -> Ran {
        let arguments = [&["test", "--no-fail-fast"], arguments].concat();
        self.run(session, Path::new(env!("CARGO")), &arguments, "cargo-PID-")
    }

    /// `cargo nextest run ARGUMENTS`.
    pub fn nextest(&self, session: Session, arguments: &[&str]) -> Ran {
        let arguments = [&["nextest", "run", "--color", "never"], arguments].concat();
        self.run(session, Path::new("cargo-nextest"), &arguments, "nextest-")
    }

    /// Runs it to its end. `prefix` is how the name of its session begins.
    fn run(&self, mut session: Session, runner: &Path, arguments: &[&str], prefix: &str) -> Ran {
        let mut command = self.command(runner, arguments);
        session.join(&mut command);
        command.env_remove("LONGSHORE_SESSION");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let created = Created::from_now();
        let mut child = command.spawn().expect("the runner can be started");
        let prefix = prefix.replace("PID", &child.id().to_string());
        let texts = [text(child.stdout.take()), text(child.stderr.take())];
        let status = wait(&mut child);
        let said = texts.map(|text| text.recv_timeout(OPEN_LIMIT).expect("its output is closed"));
        let said = said.concat();
        let run = said.split_once("run ID ").and_then(|(_, rest)| rest.split([' ', '\n']).next());
        let prefix = prefix + run.unwrap_or_default();
        assert!(prefix != "nextest-", "nextest told no run: {said}");
        let mut created = created.sessions();
        created.retain(|session| session.starts_with(&prefix));
        if let Some(name) = created.first() {
            assert!(created.iter().all(|other| other == name), "two test runs: {created:?}");
            session.rename(name);
        }
        Ran { session, status, said, created: created.len() }
    }

    /// Copies what is new, so that cargo builds only that, and removes what is no longer there.
    fn copy(&self, from: &Path) {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let files = |folder: &Path| sys::below(folder).into_iter().filter(|path| path.is_file());
        for path in files(from) {
            let text = fs::read_to_string(&path).expect("a text");
            let text = text.replace("path = \"../../..\"", &format!("path = {root:?}"));
            let name = path.strip_prefix(from).expect("it is below");
            replace(&self.folder.join(name), &text);
        }
        for path in files(&self.folder) {
            let name = path.strip_prefix(&self.folder).expect("it is below");
            if !from.join(name).exists() && name != Path::new("Cargo.lock") {
                let _ = fs::remove_file(path);
            }
        }
        // All that it depends on is what longshore's own tests do, of the same versions, so nothing is asked for over a network.
        let (ours, its) = (root.join("Cargo.lock"), self.folder.join("Cargo.lock"));
        let changed = |path: &Path| fs::metadata(path).and_then(|about| about.modified()).ok();
        if changed(&its).is_none_or(|its| Some(its) < changed(&ours)) {
            replace(&its, &fs::read_to_string(ours).expect("a text"));
        }
    }
}

/// Writes a file if it is to be another one, at once: another process may be building what is there.
fn replace(path: &Path, text: &str) {
    if fs::read_to_string(path).is_ok_and(|there| there == text) {
        return;
    }
    let folder = path.parent().expect("it is in a folder");
    fs::create_dir_all(folder).expect("a folder");
    let other = folder.join(super::unique(".new"));
    fs::write(&other, text).and_then(|()| fs::rename(&other, path)).expect("a file");
}

fn text(from: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (told, text) = mpsc::channel();
    let mut from = from.expect("it is piped");
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        let _ = told.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    text
}

fn wait(child: &mut Child) -> ExitStatus {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("it can be waited for") {
            return status;
        }
        if begun.elapsed() > PATIENCE {
            let _ = child.kill();
            panic!("the run does not end in {PATIENCE:?}");
        }
        thread::sleep(Duration::from_millis(10));
    }
}
