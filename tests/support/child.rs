//! A child process that is this very test program again, for one of its ignored tests whose name begins with `child_`. It tells
//! its parent lines, and is killed and waited for when the parent drops it.

#![allow(dead_code, missing_docs, unreachable_pub, reason = "each suite uses a part of it")]

use std::env;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::sys;

/// Set for a child, with its test's full name.
pub const CHILD: &str = "LONGSHORE_TEST_CHILD";

/// The most time for a child to tell something, or to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long after a child's end its output may still be open.
const OPEN_LIMIT: Duration = Duration::from_secs(10);

/// This program again, for its ignored test `test`, such as `drops::child_that_drops`.
pub fn this_program_for(test: &str) -> Command {
    let mut command = Command::new(env::current_exe().expect("this program has a path"));
    command.args(["--exact", test, "--nocapture", "--ignored"]).env(CHILD, test);
    sys::begin_with_default_signals(&mut command);
    command
}

/// Whether this process was started for that test.
pub fn is_child(test: &str) -> bool {
    env::var(CHILD).is_ok_and(|child| child == test)
}

/// In a child: a line for its parent.
#[allow(clippy::print_stdout, reason = "the parent reads it")]
pub fn tell(what: impl std::fmt::Display) {
    println!("\ntold: {what}");
    io::stdout().flush().expect("the parent reads");
}

/// In a child: waits for a line of the parent, or until that closes its end.
pub fn wait_for_parent() {
    let _ = io::stdin().read_line(&mut String::new());
}

/// A child that runs.
#[derive(Debug)]
pub struct Held {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    errors: Receiver<String>,
}

/// How a child has ended.
#[derive(Debug)]
pub struct Ended {
    pub status: ExitStatus,
    /// Its standard error.
    pub errors: String,
    /// How long after its end the last end of its output was closed.
    pub open_for: Duration,
}

impl Ended {
    /// What longshore wrote to standard error.
    pub fn complaints(&self) -> Vec<&str> {
        self.errors.lines().filter(|line| line.contains("longshore: ")).collect()
    }
}

impl Held {
    /// Starts it with pipes for its input and output.
    pub fn start(mut command: Command) -> io::Result<Self> {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let (told, lines) = mpsc::channel();
        let mut output = BufReader::new(child.stdout.take().expect("it is piped"));
        thread::spawn(move || {
            let mut line = Vec::new();
            while output.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                let _ = told.send(String::from_utf8_lossy(&line).trim_end().to_owned());
                line.clear();
            }
        });
        let (told, errors) = mpsc::channel();
        let mut output = child.stderr.take().expect("it is piped");
        thread::spawn(move || {
            let mut text = Vec::new();
            let _ = output.read_to_end(&mut text);
            let _ = told.send(String::from_utf8_lossy(&text).into_owned());
        });
        Ok(Held { input: child.stdin.take(), child, lines, errors })
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next that it tells.
    pub fn told(&mut self) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    if let Some(told) = line.strip_prefix("told: ") {
                        return told.to_owned();
                    }
                }
                Err(_) => {
                    let _ = self.child.kill();
                    let errors = self.errors.recv_timeout(OPEN_LIMIT).unwrap_or_default();
                    panic!("the child told nothing: {errors}")
                }
            }
        }
    }

    /// Lets it go on that waits for its parent.
    pub fn go(&mut self) {
        let input = self.input.as_mut().expect("its input was not closed");
        input.write_all(b"go\n").expect("the child reads");
    }

    pub fn signal(&self, signal: i32) {
        sys::signal(self.id(), signal).expect("it was not waited for");
    }

    /// Nobody cleans up behind this. It is not waited for: see [`Held::wait`].
    pub fn kill(&mut self) {
        self.child.kill().expect("it was not waited for");
    }

    /// Lets it end that waits for its parent.
    pub fn end(mut self) -> Ended {
        drop(self.input.take());
        self.wait()
    }

    /// Waits until it has ended and its output is closed.
    pub fn wait(mut self) -> Ended {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            match self.child.try_wait().expect("it can be waited for") {
                Some(status) => break status,
                None if Instant::now() > deadline => panic!("the child does not end"),
                None => thread::sleep(Duration::from_millis(2)),
            }
        };
        let ended = Instant::now();
        while let Ok(_) | Err(RecvTimeoutError::Timeout) = self.lines.recv_timeout(OPEN_LIMIT) {
            assert!(ended.elapsed() < OPEN_LIMIT, "its standard output is still open");
        }
        let errors = self.errors.recv_timeout(OPEN_LIMIT).expect("its standard error is closed");
        Ended { status, errors, open_for: ended.elapsed() }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
