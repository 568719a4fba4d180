//! One container as the engine knows it: the verbs of the API that need no more than its id.
//!
//! Handles, waits and guards all speak to a container through this; it owns nothing and removes nothing by itself.

use std::future::ready;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, BoxStream};
use futures::{Stream, StreamExt, TryStreamExt};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{Method, Response};
use serde_json::{json, Value};
use tokio::sync::{mpsc, oneshot, watch};

use super::client::collect_json;
use super::duplex::frames_of;
use super::engine::Engine;
use super::failure::ApiError;
use super::inspect::{ContainerState, Inspect};
use super::output::{frames_of_answer, joined, last_lines, LogFrame, LogOptions, LogStream};
use super::{io, podman, query};
use crate::error::{Error, Kind, Result};

/// How many lines of output an error tells.
pub(crate) const TOLD_LINES: usize = 20;

/// Longest wait for the head of the answer to `POST /containers/{id}/wait`; engines send it at once.
const WAIT_HEAD_LIMIT: Duration = Duration::from_secs(2);

/// Since this version of the API (Docker 23) a followed answer has all that was written before the container's end.
const FOLLOWS_TO_THE_END: (usize, usize) = (1, 42);

/// How late the news may be that a container which has ended was out of memory.
const OUT_OF_MEMORY_LIMIT: Duration = Duration::from_secs(2);

/// Output as the engine gives it.
pub(crate) type LogFrames = BoxStream<'static, Result<LogFrame, ApiError>>;

#[derive(Debug, Clone)]
pub(crate) struct Remote(Arc<Inner>);

#[derive(Debug, Clone)]
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

    pub(crate) fn has_tty(&self) -> bool {
        self.0.tty
    }

    /// The same container under another name.
    pub(crate) fn renamed(&self, name: String) -> Self {
        Remote(Arc::new(Inner { name, ..Inner::clone(&self.0) }))
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

    /// As [`Remote::call`], for what can be done with a running container only: that it does not run is told as such.
    pub(crate) async fn call_running<T, F>(
        &self,
        what: &str,
        work: impl FnOnce(Remote) -> F,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: std::future::Future<Output = Result<T, ApiError>> + Send + 'static,
    {
        io::check_process()?;
        let (remote, work) = (self.clone(), work(self.clone()));
        let outcome = io::run(async move {
            match work.await {
                Ok(value) => Ok(value),
                // Each engine has its own words for it, and some have none, so it is looked at.
                Err(error) => Err((error, remote.has_ended().await)),
            }
        });
        outcome.await.map_err(|(error, has_ended)| match (has_ended, error) {
            (true, error @ ApiError::Refused { .. }) => self.not_running(what, error.to_string()),
            (true, _) => self.not_running(what, "it does not run"),
            (false, error) => self.name_in(error.while_trying(what)),
        })
    }

    /// Whether it has certainly no process. On the I/O thread.
    async fn has_ended(&self) -> bool {
        let inspect = self.inspect_raw().await.map(Inspect::new);
        inspect.is_ok_and(|inspect| {
            !inspect.is_running() && inspect.state() != ContainerState::Unknown
        })
    }

    /// The report of what cannot be done since the container does not run.
    pub(crate) fn not_running(&self, what: &str, because: impl Into<String>) -> Error {
        let report = Error::new(Kind::Exited, what).fact("because", because);
        self.name_in(report.hint("the container has to be running: `start` it first"))
    }

    /// `GET /containers/{id}/{what}`, as it came. On the I/O thread.
    pub(crate) async fn get(&self, what: &str, pairs: &[(&str, &str)]) -> Result<Value, ApiError> {
        let path = format!("/containers/{}/{what}{}", self.id(), query(pairs));
        self.0.engine.client().json(Method::GET, &path, None).await
    }

    /// `GET /containers/{id}/{what}` for an answer without end, one object after the other. On the I/O thread.
    pub(crate) async fn get_stream(
        &self,
        what: &str,
        pairs: &[(&str, &str)],
    ) -> Result<impl Stream<Item = Result<Value, ApiError>> + Send + Unpin, ApiError> {
        let path = format!("/containers/{}/{what}{}", self.id(), query(pairs));
        Ok(json_lines(self.0.engine.client().send(Method::GET, &path, None).await?))
    }

    /// `POST /containers/{id}/{verb}` with a body, and its answer. On the I/O thread.
    pub(crate) async fn post_json(&self, verb: &str, body: &Value) -> Result<Value, ApiError> {
        let path = format!("/containers/{}/{verb}", self.id());
        self.0.engine.client().json(Method::POST, &path, Some(body)).await
    }

    /// `POST /containers/{id}/update`: the answer, which may hold warnings. On the I/O thread.
    pub(crate) async fn update(&self, body: &Value) -> Result<Value, ApiError> {
        match self.post_json("update", body).await {
            Err(error) if error.is_not_found() && self.0.engine.is_podman() => {
                podman::update(self, body).await
            }
            outcome => outcome,
        }
    }

    /// `GET /containers/{id}/json`, as it came. On the I/O thread.
    pub(crate) async fn inspect_raw(&self) -> Result<Value, ApiError> {
        self.get("json", &[]).await
    }

    pub(crate) async fn inspect(&self) -> Result<Inspect> {
        let raw =
            self.call("inspected", |remote| async move { remote.inspect_raw().await }).await?;
        Ok(Inspect::new(raw))
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

    /// `POST /containers/{id}/wait` to its end: the exit code. On the I/O thread.
    pub(crate) async fn exit_after(&self, condition: &str) -> Result<i64, ApiError> {
        self.exit(condition, oneshot::channel().0).await
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
        let answer = self.0.engine.client().send(Method::POST, &path, None).await?;
        let _ = opened.send(());
        let answer = collect_json(answer).await?;
        answer["StatusCode"].as_i64().ok_or_else(|| ApiError::Broken {
            message: format!("the engine told no exit code: {answer}"),
            connected: true,
        })
    }

    /// Whether one that was killed was so for want of memory. On the I/O thread.
    ///
    /// Docker has two sources for the two, and the news of the memory may come after that of the end. `inspect` tells it late
    /// then, and with Docker 20.10 never; there always is an event.
    pub(crate) async fn was_out_of_memory(&self, inspect: &Inspect) -> bool {
        if inspect.oom_killed() || !inspect.has_memory_limit() || self.0.engine.is_podman() {
            return inspect.oom_killed();
        }
        let told = async { self.events_since("oom", &[("since", "1")]).await.ok()?.next().await };
        matches!(tokio::time::timeout(OUT_OF_MEMORY_LIMIT, told).await, Ok(Some(_)))
    }

    /// `GET /events` for this container, one object after the other, from when this returns on. On the I/O thread.
    pub(crate) async fn events(
        &self,
        event: &str,
    ) -> Result<impl Stream<Item = Value> + Send + Unpin, ApiError> {
        self.events_since(event, &[]).await
    }

    async fn events_since(
        &self,
        event: &str,
        since: &[(&str, &str)],
    ) -> Result<impl Stream<Item = Value> + Send + Unpin, ApiError> {
        let filters = json!({ "container": [self.id()], "event": [event] }).to_string();
        let path = format!("/events{}", query(&[&[("filters", filters.as_str())], since].concat()));
        let answer = self.0.engine.client().send(Method::GET, &path, None).await?;
        // A broken connection is an end here: who waits for events looks at the container as well.
        Ok(Box::pin(
            json_lines(answer)
                .take_while(|event| std::future::ready(event.is_ok()))
                .filter_map(|event| std::future::ready(event.ok())),
        ))
    }

    /// `GET /events` for this container, those that were. An engine keeps the last few hundred of all, so the first ones may be
    /// missing. `until` is in seconds since 1970. On the I/O thread.
    pub(crate) async fn past_events(
        &self,
        created: &str,
        until: f64,
    ) -> Result<impl Stream<Item = Result<Value, ApiError>> + Send + Unpin, ApiError> {
        let filters = json!({ "container": [self.id()] }).to_string();
        let until = format!("{until:.9}");
        let mut pairs = match self.0.engine.is_podman() {
            // It keeps all in a file, and passes over what came in the same second as `until`.
            true => vec![("since", created), ("stream", "false")],
            // It takes no other times, and has only the last ones anyway.
            false => vec![("since", "1"), ("until", until.as_str())],
        };
        pairs.push(("filters", &filters));
        let path = format!("/events{}", query(&pairs));
        Ok(json_lines(self.0.engine.client().send(Method::GET, &path, None).await?))
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
        let followed = self.open_logs(&options.query(true)).await?;
        if self.0.engine.version().api_numbers() >= Some(FOLLOWS_TO_THE_END) {
            return Ok(followed.boxed());
        }
        Ok(self.to_the_end(followed, options))
    }

    /// A followed answer of Docker 20.10 ends with the container, whatever is still unread (seen: 40 kB of 289 kB had come, and
    /// all of it was in the logs). So the rest is asked for then. The last lines alone (`tail`) are others by then, and are left
    /// as they came.
    fn to_the_end(
        &self,
        followed: impl Stream<Item = Result<LogFrame, ApiError>> + Send + 'static,
        options: &LogOptions,
    ) -> LogFrames {
        if options.is_tail() {
            return followed.boxed();
        }
        let seen = Arc::new(AtomicUsize::new(0));
        let count = seen.clone();
        let followed = followed.inspect_ok(move |frame| {
            count.fetch_add(frame.bytes().len(), Ordering::Relaxed);
        });
        let (remote, query) = (self.clone(), options.query(false));
        let rest = stream::once(async move {
            // Of a container that has been removed there is no rest.
            let Ok(all) = remote.open_logs(&query).await else { return stream::empty().boxed() };
            let mut skip = seen.load(Ordering::Relaxed);
            all.try_filter_map(move |frame| ready(Ok(frame.without_first(&mut skip)))).boxed()
        });
        followed.chain(rest.flatten()).boxed()
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
        self.try_last_output().await.unwrap_or_default()
    }

    /// The last lines of output. On the I/O thread.
    pub(crate) async fn try_last_output(&self) -> Result<Vec<String>, ApiError> {
        let frames = self.read_logs(&LogOptions::new().tail(TOLD_LINES)).await?;
        Ok(last_lines(&joined(&frames), TOLD_LINES))
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
        Ok(frames_of(connection, self.0.tty).boxed())
    }
}

/// The objects of an answer that has one a line, to its end.
fn json_lines(
    answer: Response<Incoming>,
) -> impl Stream<Item = Result<Value, ApiError>> + Send + Unpin {
    let state = (answer.into_body(), Vec::new());
    Box::pin(stream::try_unfold(state, |(mut body, mut pending)| async move {
        loop {
            if let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = pending.drain(..=end).collect();
                if let Ok(object) = serde_json::from_slice(&line) {
                    return Ok(Some((object, (body, pending))));
                }
                continue;
            }
            match body.frame().await {
                None => return Ok(None),
                Some(Err(error)) => return Err(ApiError::broken(&error, true)),
                Some(Ok(frame)) => {
                    pending.extend_from_slice(frame.data_ref().map_or(&[], |bytes| bytes));
                }
            }
        }
    }))
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
