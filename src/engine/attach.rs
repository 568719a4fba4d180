//! `docker attach` over the API: the streams of a container's own first process, both ways.
//!
//! Reading and writing is all it does: a container is neither started nor ended by it.

use bytes::Bytes;
use hyper::Method;
use serde_json::Value;
use tokio::sync::mpsc;

use super::duplex::{both_ways, send, AtInputsEnd};
use super::engine::Engine;
use super::output::LogStream;
use super::{io, query, Remote};
use crate::error::{Error, Kind, Result};

/// What is attached to, as `docker attach` has it. By default output from now on, and the input where the container has
/// one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct Attach {
    logs: bool,
    no_stdin: bool,
}

impl Attach {
    /// Input, and output from now on.
    pub fn new() -> Self {
        Attach::default()
    }

    /// First what the container has written before, with nothing lost in between (the API's `logs`).
    pub fn logs(mut self) -> Self {
        self.logs = true;
        self
    }

    /// Output alone, as `docker attach --no-stdin`.
    pub fn no_stdin(mut self) -> Self {
        self.no_stdin = true;
        self
    }

    fn query(&self, takes_input: bool) -> String {
        let flag = |on: bool| if on { "1" } else { "0" };
        query(&[
            ("stream", "1"),
            ("stdin", flag(takes_input)),
            ("stdout", "1"),
            ("stderr", "1"),
            ("logs", flag(self.logs)),
        ])
    }
}

/// The streams of a container's first process, both ways.
///
/// Dropping it detaches: the container goes on.
#[derive(Debug)]
pub struct AttachStream {
    input: AttachInput,
    output: LogStream,
    remote: Remote,
}

impl AttachStream {
    /// Its standard input; needs [`ContainerRequest::interactive`](crate::ContainerRequest::interactive).
    pub fn input(&mut self) -> &mut AttachInput {
        &mut self.input
    }

    /// Its output, as a `Stream` of frames that ends when the container does.
    pub fn output(&mut self) -> &mut LogStream {
        &mut self.output
    }

    /// Both at once, for code that reads in one place and writes in another.
    pub fn split(&mut self) -> (&mut AttachInput, &mut LogStream) {
        (&mut self.input, &mut self.output)
    }

    /// Sets the size of the container's terminal, in characters.
    ///
    /// # Errors
    ///
    /// When the container has ended or has no terminal.
    pub async fn resize(&self, columns: u16, rows: u16) -> Result<()> {
        self.remote.resize(columns, rows).await
    }
}

/// The standard input of a container's first process.
#[derive(Debug)]
pub struct AttachInput {
    sender: Option<mpsc::Sender<Bytes>>,
    kind: InputKind,
    remote: Remote,
}

/// What becomes of an input at its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InputKind {
    /// There is none.
    Missing,
    /// It was not wanted.
    Declined,
    /// It ends with the client's (`StdinOnce`).
    Once,
    /// It stays open whoever comes and goes.
    Kept,
    /// It is a terminal, where the end is a character.
    Terminal,
}

impl AttachInput {
    /// Writes `bytes`; waits while the container does not read.
    ///
    /// With a terminal, Docker takes the bytes of Ctrl-P and Ctrl-Q one behind the other for a wish to detach.
    ///
    /// # Errors
    ///
    /// When the container takes no input, and when its input is closed, by [`AttachInput::close`] or because the container
    /// ended.
    pub async fn write(&mut self, bytes: impl Into<Vec<u8>>) -> Result<()> {
        let Some(sender) = &self.sender else { return Err(self.closed()) };
        let sent = send(sender, bytes.into()).await;
        sent.map_err(|_| self.closed())
    }

    /// Ends the input: the container reads end of file.
    ///
    /// Docker passes the end on only to a container that was made for one client, as `docker run -i` in the foreground makes
    /// it: with `StdinOnce`, which is `.raw(json!({ "StdinOnce": true }))` in a request. There it also reads end of file when
    /// the stream is dropped. Any other container keeps its input open, for the next one that attaches. (To Podman every
    /// container is made for one client.)
    ///
    /// # Errors
    ///
    /// When the container would not read the end. Nothing is closed then.
    pub fn close(&mut self) -> Result<()> {
        let (because, hint) = match self.kind {
            InputKind::Once => {
                self.sender = None;
                return Ok(());
            }
            InputKind::Missing | InputKind::Declined => return Err(self.closed()),
            InputKind::Terminal => (
                "it is a terminal, where the end of the input is a character",
                "write the character of Ctrl-D: `write(\"\\x04\")`",
            ),
            InputKind::Kept => (
                "it was not made for one client only, so the engine keeps its input open",
                "make it with `.raw(json!({ \"StdinOnce\": true }))`, or tell its process by what is written to end",
            ),
        };
        let what = "the input of the container cannot be ended";
        Err(self
            .remote
            .name_in(Error::new(Kind::Command, what).fact("because", because).hint(hint)))
    }

    fn closed(&self) -> Error {
        let report = match self.kind {
            InputKind::Missing => Error::new(Kind::Command, "the container takes no input")
                .hint("declare the container with `.interactive()`"),
            InputKind::Declined => Error::new(Kind::Command, "the input was not attached to")
                .hint("leave `.no_stdin()` away"),
            _ => Error::new(Kind::Command, "the input of the container is closed"),
        };
        self.remote.name_in(report)
    }
}

impl InputKind {
    fn of(attach: &Attach, inspect: &Value, engine: &Engine) -> Self {
        let config = &inspect["Config"];
        match () {
            () if config["OpenStdin"] != true => InputKind::Missing,
            () if attach.no_stdin => InputKind::Declined,
            () if config["Tty"] == true => InputKind::Terminal,
            // Podman's always ends with the first client's.
            () if config["StdinOnce"] == true || engine.is_podman() => InputKind::Once,
            () => InputKind::Kept,
        }
    }

    fn is_there(self) -> bool {
        !matches!(self, InputKind::Missing | InputKind::Declined)
    }
}

impl Remote {
    /// Attaches to a container that runs, or that was created and has not been started yet.
    pub(crate) async fn attach(&self, attach: Attach) -> Result<AttachStream> {
        const WHAT: &str = "the container could not be attached to";
        const PAUSED: &str = "it is paused";
        let open = |remote: Remote| async move {
            let inspect = remote.inspect_raw().await?;
            match inspect["State"]["Status"].as_str() {
                // The engine would wait for its next start.
                Some("exited" | "stopped" | "dead" | "removing") => return Ok(Err("it has ended")),
                Some("paused") => return Ok(Err(PAUSED)),
                _ => {}
            }
            let kind = InputKind::of(&attach, &inspect, remote.engine());
            let query = attach.query(kind.is_there());
            let path = format!("/containers/{}/attach{query}", remote.id());
            let connection = remote.engine().client().hijack(Method::POST, &path, None).await?;
            Ok(Ok((connection, kind)))
        };
        let (connection, kind) = match self.call_running(WHAT, open).await? {
            Ok(opened) => opened,
            Err(PAUSED) => {
                let report = Error::new(Kind::Command, WHAT).fact("because", PAUSED);
                return Err(self.name_in(report.hint("`unpause` it first")));
            }
            Err(because) => return Err(self.not_running(WHAT, because)),
        };
        let at_inputs_end = match kind {
            InputKind::Once => AtInputsEnd::Close,
            // Docker takes our end for a wish to detach.
            _ => AtInputsEnd::KeepOpen,
        };
        let (sender, output) = both_ways(connection, self.has_tty(), None, at_inputs_end);
        let sender = kind.is_there().then_some(sender);
        let input = AttachInput { sender, kind, remote: self.clone() };
        Ok(AttachStream { input, output, remote: self.clone() })
    }

    /// Sets the size of the terminal of the container's first process.
    pub(crate) async fn resize(&self, columns: u16, rows: u16) -> Result<()> {
        const WHAT: &str = "the container could not be given another terminal size";
        io::check_process()?;
        if !self.has_tty() {
            let report =
                Error::new(Kind::InvalidRequest, WHAT).fact("because", "it has no terminal");
            return Err(self.name_in(report.hint("declare the container with `.tty()`")));
        }
        let (w, h) = (columns.to_string(), rows.to_string());
        let resize =
            |remote: Remote| async move { remote.post("resize", &[("w", &w), ("h", &h)]).await };
        self.call_running(WHAT, resize).await
    }
}
