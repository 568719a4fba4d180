//! One container as the engine knows it: the verbs of the API that need no more than its id.
//!
//! Handles, waits and guards all speak to a container through this; it owns nothing and removes nothing by itself.

use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt, TryStreamExt};
use http_body_util::BodyExt;
use hyper::{Method, Response};
use serde_json::{json, Value};
use tokio::sync::{mpsc, oneshot, watch};

use super::client::collect_json;
use super::engine::Engine;
use super::failure::ApiError;
use super::output::{frames_of_answer, joined, last_lines, LogFrame, LogOptions, LogStream};
use super::{io, podman, query};
use crate::error::{Error, Result};

/// How many lines of output an error tells.
pub(crate) const TOLD_LINES: usize = 20;

/// Longest wait for the head of the answer to `POST /containers/{id}/wait`; engines send it at once.
const WAIT_HEAD_LIMIT: Duration = Duration::from_secs(2);

/// Output as the engine gives it.
pub(crate) type LogFrames = BoxStream<'static, Result<LogFrame, ApiError>>;

#[derive(Debug, Clone)]
pub(crate) struct Remote(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    engine: Engine,
    id: String,
    name: String,
    image: String,
    tty: bool,
}

impl Remote {
    pub(crate) fn new(engine: Engine, id: String, name: String, image: String, tty: bool) -> Self {
        Remote(Arc::new(Inner { engine, id, name, image, tty }))
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    pub(crate) fn id(&self) -> &str {
        &self.0.id
    }

    pub(crate) fn name(&self) -> &str {
        &self.0.name
    }

    pub(crate) fn image(&self) -> &str {
        &self.0.image
    }

    /// Puts the container and the engine into a report.
    pub(crate) fn name_in(&self, error: Error) -> Error {
        error
            .fact("image", format!("`{}`", self.image()))
            .fact(
                "container",
                format!("`{}` ({})", self.name(), &self.id()[..self.id().len().min(12)]),
            )
            .fact("engine", self.engine().to_string())
    }

    /// Runs one call on the I/O thread, and names the container in its failure.
    pub(crate) async fn call<T, F>(&self, trying: &str, work: impl FnOnce(Remote) -> F) -> Result<T>
    where
        T: Send + 'static,
        F: std::future::Future<Output = Result<T, ApiError>> + Send + 'static,
    {
        io::check_process()?;
        io::run(work(self.clone())).await.map_err(|error| {
            self.name_in(error.while_trying(format!("the container could not be {trying}")))
        })
    }

    /// `GET /containers/{id}/json`, as it came. On the I/O thread.
    pub(crate) async fn inspect_raw(&self) -> Result<Value, ApiError> {
        self.0
            .engine
            .client()
            .json(Method::GET, &format!("/containers/{}/json", self.id()), None)
            .await
    }

    pub(crate) async fn inspect(&self) -> Result<Inspect> {
        let raw =
            self.call("inspected", |remote| async move { remote.inspect_raw().await }).await?;
        Ok(Inspect { raw })
    }

    /// `POST /containers/{id}/start`. On the I/O thread.
    pub(crate) async fn start(&self) -> Result<(), ApiError> {
        Ok(self.0.engine.client().docker().start_container(self.id(), None).await?)
    }

    /// One `POST /containers/{id}/{verb}` that has no body. On the I/O thread.
    pub(crate) async fn post(&self, verb: &str, pairs: &[(&str, &str)]) -> Result<(), ApiError> {
        let path = format!("/containers/{}/{verb}{}", self.id(), query(pairs));
        self.0.engine.client().send(Method::POST, &path, None).await.map(drop)
    }

    /// `POST /containers/{id}/kill`. On the I/O thread.
    pub(crate) async fn kill(&self, signal: &str) -> Result<(), ApiError> {
        if self.0.engine.is_podman() {
            return podman::kill(self, signal).await;
        }
        self.post("kill", &[("signal", signal)]).await
    }

    /// Starts the container by `start`, with an eye on its end. On the I/O thread.
    ///
    /// The wait for the next exit is opened before the start, since right after one an engine still calls a container
    /// running that has died. Podman misses an exit that comes at once that way; it looks again and again by itself when it
    /// is asked afterwards.
    pub(crate) async fn watched(
        &self,
        start: impl std::future::Future<Output = Result<(), ApiError>>,
    ) -> Result<ExitWatch, ApiError> {
        if self.0.engine.is_podman() {
            start.await?;
            return Ok(self.watch_exit("not-running").await);
        }
        let watch = self.watch_exit("next-exit").await;
        start.await?;
        Ok(watch)
    }

    /// Opens `POST /containers/{id}/wait` and returns once the engine has taken the request, so that an exit which
    /// happens after this returns is not missed. On the I/O thread.
    pub(crate) async fn watch_exit(&self, condition: &'static str) -> ExitWatch {
        let (sender, receiver) = watch::channel(ExitState::Running);
        let (opened, is_open) = oneshot::channel();
        let remote = self.clone();
        let task = io::spawn(async move {
            let state = match remote.exit(condition, opened).await {
                Ok(code) => ExitState::Exited(code),
                Err(error) => ExitState::Lost(error.to_string()),
            };
            sender.send_replace(state);
        });
        let _ = tokio::time::timeout(WAIT_HEAD_LIMIT, is_open).await;
        ExitWatch { state: receiver, _task: Arc::new(task.abort_on_drop()) }
    }

    async fn exit(&self, condition: &str, opened: oneshot::Sender<()>) -> Result<i64, ApiError> {
        let path = format!("/containers/{}/wait{}", self.id(), query(&[("condition", condition)]));
        let answer: Response<_> = self.0.engine.client().send(Method::POST, &path, None).await?;
        let _ = opened.send(());
        let answer = collect_json(answer).await?;
        answer["StatusCode"].as_i64().ok_or_else(|| ApiError::Broken {
            message: format!("the engine told no exit code: {answer}"),
            connected: true,
        })
    }

    /// `GET /events` for this container, one object after the other, from when this returns on. On the I/O thread.
    pub(crate) async fn events(
        &self,
        event: &str,
    ) -> Result<impl Stream<Item = Value> + Send + Unpin, ApiError> {
        let filters = json!({ "container": [self.id()], "event": [event] }).to_string();
        let path = format!("/events{}", query(&[("filters", &filters)]));
        let answer = self.0.engine.client().send(Method::GET, &path, None).await?;
        Ok(Box::pin(stream::unfold(
            (answer.into_body(), Vec::new()),
            |(mut body, mut pending)| async move {
                loop {
                    if let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
                        let line: Vec<u8> = pending.drain(..=end).collect();
                        if let Ok(event) = serde_json::from_slice(&line) {
                            return Some((event, (body, pending)));
                        }
                        continue;
                    }
                    let frame = body.frame().await?.ok()?;
                    pending.extend_from_slice(frame.data_ref().map_or(&[], |bytes| bytes));
                }
            },
        )))
    }

    /// Output until now. On the I/O thread.
    pub(crate) async fn read_logs(&self, options: &LogOptions) -> Result<Vec<LogFrame>, ApiError> {
        self.open_logs(&options.query(false)).await?.try_collect().await
    }

    /// Output until now and from now on. On the I/O thread.
    pub(crate) async fn stream_logs(&self, options: &LogOptions) -> Result<LogFrames, ApiError> {
        if self.0.engine.is_podman() {
            return Ok(podman::logs(self, options));
        }
        Ok(self.open_logs(&options.query(true)).await?.boxed())
    }

    pub(super) async fn open_logs(
        &self,
        query: &str,
    ) -> Result<impl Stream<Item = Result<LogFrame, ApiError>> + Send + Unpin, ApiError> {
        let path = format!("/containers/{}/logs{query}", self.id());
        let answer = self.0.engine.client().send(Method::GET, &path, None).await?;
        Ok(frames_of_answer(answer, self.0.tty))
    }

    /// The last lines of output, for an error; empty if even that fails. On the I/O thread.
    pub(crate) async fn last_output(&self) -> Vec<String> {
        let frames = self.read_logs(&LogOptions::new().tail(TOLD_LINES)).await.unwrap_or_default();
        let bytes = joined(&frames);
        last_lines(&bytes, TOLD_LINES)
    }

    /// Output until now and from now on, until the container ends, as the user gets it.
    pub(crate) async fn follow_logs(&self, options: LogOptions) -> Result<LogStream> {
        let open = |remote: Remote| async move { remote.stream_logs(&options).await };
        let mut frames = self.call("asked for its output", open).await?;
        let (sender, receiver) = mpsc::channel(64);
        let remote = self.clone();
        let reader = io::spawn(async move {
            while let Some(frame) = frames.next().await {
                let frame = frame.map_err(|error| {
                    remote.name_in(error.while_trying("the output of the container broke off"))
                });
                if sender.send(frame).await.is_err() {
                    return;
                }
            }
        });
        Ok(LogStream::new(receiver, reader))
    }

    /// Attaches to the output of a container that has not started yet: unlike its logs, that is seen even when
    /// the engine removes the container at its end. On the I/O thread.
    pub(crate) async fn attach_output(
        &self,
    ) -> Result<impl Stream<Item = LogFrame> + Send + Unpin, ApiError> {
        let path = format!("/containers/{}/attach?stream=1&stdout=1&stderr=1", self.id());
        let connection = self.0.engine.client().hijack(Method::POST, &path, None).await?;
        Ok(super::exec::frames_of(connection, self.0.tty).boxed())
    }
}

/// Whether a container has ended, kept up to date by the engine.
#[derive(Debug, Clone)]
pub(crate) struct ExitWatch {
    state: watch::Receiver<ExitState>,
    _task: Arc<io::Aborting>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ExitState {
    Running,
    Exited(i64),
    /// The connection broke; nothing more will be told.
    Lost(String),
}

impl ExitWatch {
    pub(crate) fn now(&self) -> ExitState {
        self.state.borrow().clone()
    }

    /// Resolves when the container has ended or the connection is lost.
    pub(crate) async fn ended(&self) -> ExitState {
        let mut state = self.state.clone();
        let ended = state.wait_for(|state| *state != ExitState::Running).await;
        ended.map_or_else(
            |_| ExitState::Lost("the watch was given up".into()),
            |state| state.clone(),
        )
    }

    /// Resolves when the container has ended; never when the connection is lost.
    pub(crate) async fn exited(&self) -> i64 {
        match self.ended().await {
            ExitState::Exited(code) => code,
            _ => std::future::pending().await,
        }
    }
}

/// What the engine says of a container (`docker inspect`), at the moment it was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspect {
    raw: Value,
}

/// The state of a container, as `docker inspect` calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ContainerState {
    /// Made, never started.
    Created,
    /// Running.
    Running,
    /// Frozen by `pause`.
    Paused,
    /// Between two runs.
    Restarting,
    /// Being removed.
    Removing,
    /// Ended.
    Exited,
    /// Could not be removed or stopped whole.
    Dead,
    /// Something this version does not know; see [`Inspect::raw`].
    Unknown,
}

impl Inspect {
    pub(crate) fn new(raw: Value) -> Self {
        Inspect { raw }
    }

    /// Everything, as the engine gave it.
    pub fn raw(&self) -> &Value {
        &self.raw
    }

    fn text(&self, pointer: &str) -> &str {
        self.raw.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    /// The full id.
    pub fn id(&self) -> &str {
        self.text("/Id")
    }

    /// The name, without Docker's leading `/`.
    pub fn name(&self) -> &str {
        self.text("/Name").trim_start_matches('/')
    }

    /// The image's id.
    pub fn image_id(&self) -> &str {
        self.text("/Image")
    }

    /// The state.
    pub fn state(&self) -> ContainerState {
        match self.text("/State/Status") {
            "created" | "configured" | "initialized" => ContainerState::Created,
            "running" => ContainerState::Running,
            "paused" => ContainerState::Paused,
            "restarting" => ContainerState::Restarting,
            "removing" => ContainerState::Removing,
            "exited" | "stopped" => ContainerState::Exited,
            "dead" => ContainerState::Dead,
            _ => ContainerState::Unknown,
        }
    }

    /// Whether its process exists, running or paused.
    pub fn is_running(&self) -> bool {
        matches!(self.state(), ContainerState::Running | ContainerState::Paused)
    }

    /// The exit code of the last run; `None` while it runs or before it ran.
    pub fn exit_code(&self) -> Option<i64> {
        let ended = matches!(
            self.state(),
            ContainerState::Exited | ContainerState::Dead | ContainerState::Removing
        );
        self.raw.pointer("/State/ExitCode").and_then(Value::as_i64).filter(|_| ended)
    }

    /// Whether the kernel killed it for want of memory.
    pub fn oom_killed(&self) -> bool {
        self.raw.pointer("/State/OOMKilled") == Some(&Value::Bool(true))
    }

    /// The process id of its first process, in the engine's view; `None` while it does not run.
    pub fn pid(&self) -> Option<u32> {
        let pid = self.raw.pointer("/State/Pid").and_then(Value::as_u64)?;
        u32::try_from(pid).ok().filter(|pid| *pid != 0)
    }

    /// Docker's word on the container's health: `starting`, `healthy` or `unhealthy`; `None` without a health check.
    pub fn health(&self) -> Option<&str> {
        let status = self.text("/State/Health/Status");
        let status =
            if status.is_empty() { self.text("/State/Healthcheck/Status") } else { status };
        Some(status).filter(|status| !status.is_empty() && *status != "none")
    }

    /// The command of its health check, as `["CMD", ..]` or `["CMD-SHELL", ..]`; empty without one.
    pub fn health_check(&self) -> Vec<&str> {
        let test = self.raw.pointer("/Config/Healthcheck/Test").and_then(Value::as_array);
        let test: Vec<_> = test.into_iter().flatten().filter_map(Value::as_str).collect();
        if test.first() == Some(&"NONE") {
            return Vec::new();
        }
        test
    }

    /// Its own addresses, by the name of the network they are on. They are reached from the engine's machine (not
    /// on Docker Desktop) and from other containers.
    pub fn ip_addresses(&self) -> Vec<(&str, std::net::IpAddr)> {
        let networks = self.raw.pointer("/NetworkSettings/Networks").and_then(Value::as_object);
        let mut addresses = Vec::new();
        for (name, network) in networks.into_iter().flatten() {
            for key in ["IPAddress", "GlobalIPv6Address"] {
                let address = network[key].as_str().and_then(|address| address.parse().ok());
                addresses.extend(address.map(|address| (name.as_str(), address)));
            }
        }
        addresses
    }
}
