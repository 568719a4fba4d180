//! `docker exec` over the API: create, start (which takes over the connection), inspect for the exit code.

use std::fmt;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures::future::{self, Either};
use futures::StreamExt;
use hyper::upgrade::Upgraded;
use hyper::Method;
use hyper_util::rt::TokioIo;
use serde_json::{json, Value};
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;

use super::duplex::{both_ways, frames_from, send, AtInputsEnd};
use super::failure::ApiError;
use super::output::{joined, last_lines, LogFrame, LogSource, LogStream};
use super::{io, Remote, TOLD_LINES};
use crate::error::{Error, Kind, Result};
use crate::request::Exec;

/// What a command in a container gave: its exit code and all of its output.
#[derive(Clone)]
pub struct ExecOutput {
    /// What was run, and where, for an error.
    command: String,
    remote: Remote,
    code: i64,
    frames: Vec<LogFrame>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl ExecOutput {
    fn new(remote: &Remote, command: &Exec, code: i64, frames: Vec<LogFrame>) -> Self {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        for frame in &frames {
            let into = if frame.source() == LogSource::Stderr { &mut stderr } else { &mut stdout };
            into.extend_from_slice(frame.bytes());
        }
        let (command, remote) = (command.command().join(" "), remote.clone());
        ExecOutput { command, remote, code, frames, stdout, stderr }
    }

    /// The exit code.
    pub fn code(&self) -> i64 {
        self.code
    }

    /// Whether the exit code is 0.
    pub fn success(&self) -> bool {
        self.code == 0
    }

    /// Standard output; with a terminal, all output.
    pub fn stdout(&self) -> &[u8] {
        &self.stdout
    }

    /// Standard error; empty with a terminal.
    pub fn stderr(&self) -> &[u8] {
        &self.stderr
    }

    /// Standard output as text.
    ///
    /// # Errors
    ///
    /// When it is not UTF-8.
    pub fn stdout_str(&self) -> Result<&str> {
        text(&self.stdout, "standard output")
    }

    /// Standard error as text.
    ///
    /// # Errors
    ///
    /// When it is not UTF-8.
    pub fn stderr_str(&self) -> Result<&str> {
        text(&self.stderr, "standard error")
    }

    /// Both streams in the order in which the engine passed them on.
    pub fn frames(&self) -> &[LogFrame] {
        &self.frames
    }

    /// Passes a successful output through and makes an error of any other.
    ///
    /// # Errors
    ///
    /// When the exit code is not 0, with the code and the last lines of output.
    pub fn ok(self) -> Result<ExecOutput> {
        if self.success() {
            return Ok(self);
        }
        let all = joined(&self.frames);
        let what = format!("`{}` in the container exited with code {}", self.command, self.code);
        let report = Error::new(Kind::Command, what)
            .with_exit_code(self.code)
            .with_output(last_lines(&all, TOLD_LINES));
        Err(self.remote.name_in(report))
    }
}

fn text<'a>(bytes: &'a [u8], what: &str) -> Result<&'a str> {
    std::str::from_utf8(bytes).map_err(|error| {
        Error::new(
            Kind::Encoding,
            format!("{what} of the command is not UTF-8 from byte {} on", error.valid_up_to()),
        )
        .hint("take the bytes: `output.stdout()`")
        .with_source(error)
    })
}

impl fmt::Debug for ExecOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExecOutput")
            .field("code", &self.code)
            .field("frames", &self.frames)
            .finish()
    }
}

/// A command that runs in a container, with its streams both ways.
#[derive(Debug)]
pub struct ExecStream {
    input: ExecInput,
    output: LogStream,
    exec: ExecHandle,
}

impl ExecStream {
    /// The command's standard input; needs [`Exec::interactive`].
    pub fn input(&mut self) -> &mut ExecInput {
        &mut self.input
    }

    /// The command's output, as a `Stream` of frames.
    pub fn output(&mut self) -> &mut LogStream {
        &mut self.output
    }

    /// Both at once, for code that reads in one place and writes in another.
    pub fn split(&mut self) -> (&mut ExecInput, &mut LogStream) {
        (&mut self.input, &mut self.output)
    }

    /// Closes the input, reads the output that is left, and gives the exit code.
    ///
    /// # Errors
    ///
    /// When the engine fails.
    pub async fn wait(mut self) -> Result<i64> {
        self.input.close();
        while let Some(frame) = self.output.next_frame().await {
            frame?;
        }
        self.exec.exit_code().await
    }

    /// Sets the size of the terminal, in characters.
    ///
    /// # Errors
    ///
    /// When the command has ended or has no terminal.
    pub async fn resize(&self, columns: u16, rows: u16) -> Result<()> {
        self.exec.resize(columns, rows).await
    }
}

/// The standard input of a running command.
#[derive(Debug)]
pub struct ExecInput(Option<mpsc::Sender<Bytes>>);

impl ExecInput {
    /// Writes `bytes`; waits while the command does not read.
    ///
    /// # Errors
    ///
    /// When the input is closed, by [`ExecInput::close`] or because the command ended.
    pub async fn write(&mut self, bytes: impl Into<Vec<u8>>) -> Result<()> {
        let closed = || Error::new(Kind::Command, "the input of the command is closed");
        let sender = self.0.as_ref().ok_or_else(closed)?;
        send(sender, bytes.into()).await.map_err(|_| closed())
    }

    /// Ends the input: the command reads end of file.
    pub fn close(&mut self) {
        self.0 = None;
    }
}

/// An exec that the engine has made.
#[derive(Debug, Clone)]
struct ExecHandle {
    remote: Remote,
    id: String,
}

impl ExecHandle {
    async fn create(remote: &Remote, exec: &Exec) -> Result<ExecHandle, ApiError> {
        let mut body = json!({
            "AttachStdin": exec.takes_input(), "AttachStdout": true, "AttachStderr": true,
            "Tty": exec.has_tty(), "Cmd": exec.command(), "Env": exec.env_words(), "Privileged": exec.is_privileged(),
        });
        let options = [("User", exec.user_name()), ("WorkingDir", exec.working_dir())];
        for (key, value) in options {
            if let Some(value) = value {
                body[key] = Value::from(value);
            }
        }
        let path = format!("/containers/{}/exec", remote.id());
        let answer = remote.engine().client().json(Method::POST, &path, Some(&body)).await?;
        let id = answer["Id"].as_str().unwrap_or_default().to_owned();
        Ok(ExecHandle { remote: remote.clone(), id })
    }

    async fn start(&self, tty: bool) -> Result<Upgraded, ApiError> {
        let body = json!({ "Detach": false, "Tty": tty });
        self.remote
            .engine()
            .client()
            .hijack(Method::POST, &format!("/exec/{}/start", self.id), Some(&body))
            .await
    }

    /// The code, once there is one: engines close the stream a moment before they have noted it.
    async fn ended(&self) -> Result<i64, ApiError> {
        let mut pause = Duration::from_millis(1);
        loop {
            let path = format!("/exec/{}/json", self.id);
            let exec = self.remote.engine().client().json(Method::GET, &path, None).await?;
            if exec["Running"] != true {
                if let Some(code) = exec["ExitCode"].as_i64() {
                    return Ok(code);
                }
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(200));
        }
    }

    async fn exit_code(self) -> Result<i64> {
        let remote = self.remote.clone();
        io::run(async move { self.ended().await }).await.map_err(|error| {
            remote.name_in(error.while_trying("the exit code of a command is not known"))
        })
    }

    async fn resize(&self, columns: u16, rows: u16) -> Result<()> {
        let exec = self.clone();
        let (w, h) = (columns.to_string(), rows.to_string());
        let resize = |remote: Remote| async move {
            let path = format!("/exec/{}/resize{}", exec.id, super::query(&[("w", &w), ("h", &h)]));
            remote.engine().client().send(Method::POST, &path, None).await.map(drop)
        };
        self.remote.call("given another terminal size", resize).await
    }
}

impl Remote {
    /// Runs a command to its end: three calls.
    pub(crate) async fn exec(&self, exec: Exec) -> Result<ExecOutput> {
        io::check_process()?;
        exec.check()?;
        let (remote, command) = (self.clone(), exec.clone());
        let work = async move {
            let handle = ExecHandle::create(&remote, &command).await?;
            let connection = handle.start(command.has_tty()).await?;
            let (reader, mut writer) = tokio::io::split(TokioIo::new(connection));
            let read = frames_from(reader, command.has_tty()).collect::<Vec<_>>();
            let write = async {
                if let Some(input) = command.input() {
                    // A command may end without reading its input; its exit code tells more than our write does.
                    let _ = writer.write_all(input).await;
                    let _ = writer.shutdown().await;
                }
            };
            // A command may end without reading; the engine takes no more then, and the write would wait for ever.
            let frames = match future::select(pin!(read), pin!(write)).await {
                Either::Left((frames, _)) => frames,
                Either::Right(((), read)) => read.await,
            };
            Ok(ExecOutput::new(&remote, &command, handle.ended().await?, frames))
        };
        let what = || format!("`{}` could not be run in the container", exec.command().join(" "));
        match io::run(work).await {
            Ok(output) => match not_runnable(&output) {
                Some(why) => Err(self.name_in(
                    Error::new(Kind::Command, what())
                        .fact("because", why)
                        .with_exit_code(output.code),
                )),
                None => Ok(output),
            },
            Err(error) => {
                Err(self.name_in(refine(error).while_trying(what()).hint(
                    "the container has to be running, and the command has to be in its image",
                )))
            }
        }
    }

    /// Starts a command and hands out its streams.
    pub(crate) async fn exec_stream(&self, exec: Exec) -> Result<ExecStream> {
        io::check_process()?;
        exec.check()?;
        let (remote, command) = (self.clone(), exec.clone());
        let opened = io::run(async move {
            let handle = ExecHandle::create(&remote, &command).await?;
            let connection = handle.start(command.has_tty()).await?;
            Ok::<_, ApiError>((handle, connection))
        });
        let (handle, connection) = opened.await.map_err(|error| {
            let what = format!("`{}` could not be run in the container", exec.command().join(" "));
            self.name_in(refine(error).while_trying(what))
        })?;
        let first = exec.input().map(<[u8]>::to_vec);
        let (input, output) = both_ways(connection, exec.has_tty(), first, AtInputsEnd::Close);
        let input = ExecInput(exec.takes_input().then_some(input));
        Ok(ExecStream { input, output, exec: handle })
    }
}

/// Docker tells in the command's output that it could not be run at all, with exit code 126 or 127.
fn not_runnable(output: &ExecOutput) -> Option<String> {
    if !matches!(output.code, 126 | 127) {
        return None;
    }
    let told = [&output.stdout, &output.stderr]
        .map(|bytes| String::from_utf8_lossy(bytes).trim().to_owned());
    const BEGINNINGS: [&str; 7] = [
        "OCI runtime exec failed",
        "runc exec failed",
        "crun: ",
        "unable to find user",
        "unable to find group",
        // Podman's.
        "Error: runc",
        "Error: crun",
    ];
    let is_runtime = |text: &String| BEGINNINGS.iter().any(|begin| text.starts_with(begin));
    told.into_iter().find(is_runtime)
}

/// A refusal of "start" speaks of the command, not of an engine that has no such path.
fn refine(error: ApiError) -> ApiError {
    match error {
        ApiError::Refused { message, .. } if message.contains("executable file not found") => {
            ApiError::Refused { status: 400, message }
        }
        other => other,
    }
}
