//! From a request to a running, ready container.
//!
//! ```text
//! check ── engine ── [pull] ── choose ports ── create ── copies ── watch exit ── start ── inspect ── waits ── Container
//!                                  ▲    (404: pull, once)                 │
//!                                  └────── a port is taken: remove ───────┘
//! ```
//!
//! The flow is driven where the caller is and its calls run on the I/O thread; whoever drops it half-way drops the guard,
//! which removes what was made.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

use futures::future::{self, Either};
use futures::StreamExt;
use hyper::Method;
use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;
use tracing::Instrument;

use super::archive;
use super::consumer::Consumers;
use super::copy::{cannot_copy_in, copy_error};
use super::guard::Guard;
use super::handle::{Container, Feed};
use super::host_ports::{is_port_conflict, HostPorts, Reservation};
use crate::engine::{
    io, query, remove_by_id, ApiError, Engine, ExitState, ExitWatch, Inspect, LogFrame, LogOptions,
    Ports, Remote,
};
use crate::error::{Error, Kind, Result};
use crate::image::{pull, PullOrder};
use crate::request::{create_body, Checked, ContainerRequest, Hooks, PullPolicy};
use crate::session;
use crate::wait::{self, Keep, Notes, Target, Transcript, Unready, Wait, WaitStrategy};

/// The most time that a failure may take to look at the container it is about.
const REPORT_LIMIT: Duration = Duration::from_secs(5);

impl ContainerRequest {
    /// Starts a container on the process's default engine and returns when it is ready.
    ///
    /// A missing image is pulled first. Dropping the future before it is done removes what was made.
    ///
    /// # Errors
    ///
    /// When the request is wrong (everything that is wrong with it, before anything is made), no engine answers, the
    /// image cannot be had, a host port is taken, or the container ends or is not ready in time. Nothing is left then.
    pub fn start(&self) -> impl Future<Output = Result<Container>> + Send + 'static {
        self.start_with(Hooks::new())
    }

    /// As [`start`](Self::start), on another engine than the default one.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_on(
        &self,
        engine: &Engine,
    ) -> impl Future<Output = Result<Container>> + Send + 'static {
        let (request, engine) = (self.clone(), engine.clone());
        async move { start(request, Some(engine), Hooks::new()).await }
    }

    /// As [`start`](Self::start), with closures and waits of one's own.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_with(
        &self,
        hooks: Hooks,
    ) -> impl Future<Output = Result<Container>> + Send + 'static {
        let request = self.clone();
        async move { start(request, None, hooks).await }
    }

    /// As [`start_with`](Self::start_with), on another engine than the default one.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_on_with(
        &self,
        engine: &Engine,
        hooks: Hooks,
    ) -> impl Future<Output = Result<Container>> + Send + 'static {
        let (request, engine) = (self.clone(), engine.clone());
        async move { start(request, Some(engine), hooks).await }
    }
}

async fn start(
    request: ContainerRequest,
    engine: Option<Engine>,
    hooks: Hooks,
) -> Result<Container> {
    let span = tracing::info_span!("start", image = request.image());
    async {
        let checked = request.check()?;
        io::check_process()?;
        let engine = match engine {
            Some(engine) => engine,
            None => Engine::connect().await?,
        };
        let named = |error: Error| {
            error.fact("image", format!("`{}`", request.image())).fact("engine", engine.to_string())
        };
        let mut launch = Launch::new(&request, checked, engine.clone(), hooks);
        launch.run().await.map_err(named)
    }
    .instrument(span)
    .await
}

/// One start, over all of its attempts.
struct Launch<'a> {
    request: &'a ContainerRequest,
    checked: Checked,
    engine: Engine,
    waits: Vec<Arc<dyn WaitStrategy>>,
    consumers: Consumers,
    /// Into which output for the consumers is put.
    feeds: Vec<UnboundedSender<LogFrame>>,
    /// When the time for the start is over; set when the image is there.
    deadline: Instant,
    pulled: bool,
}

/// What one attempt came to.
enum Attempt {
    Ready(Box<Container>),
    /// Another try with these noted.
    PortTaken {
        told: String,
        reservation: Reservation,
    },
}

/// A container that runs, before it is waited for.
struct Running {
    inspect: Inspect,
    exit: ExitWatch,
    transcript: Arc<Transcript>,
    feed: Option<Feed>,
}

/// Which step of an attempt failed.
enum Step {
    Copy(String, ApiError),
    Start(ApiError),
    Look(ApiError),
}

impl<'a> Launch<'a> {
    fn new(request: &'a ContainerRequest, checked: Checked, engine: Engine, hooks: Hooks) -> Self {
        let (consumers, feeds) = Consumers::start(hooks.consumers);
        let deadline = Instant::now() + request.time_to_start();
        Launch {
            request,
            checked,
            engine,
            waits: hooks.waits,
            consumers,
            feeds,
            deadline,
            pulled: false,
        }
    }

    async fn run(&mut self) -> Result<Container> {
        let engine = self.engine.clone();
        let host = io::run(async move { engine.host().await.clone() }).await;
        if self.request.pull_policy() == PullPolicy::Always {
            self.pull().await?;
        }
        let mut host_ports = HostPorts::new(self.checked.mappings.clone(), host);
        loop {
            match self.attempt(&host_ports).await? {
                Attempt::Ready(container) => return Ok(*container),
                Attempt::PortTaken { told, reservation } => {
                    tracing::debug!(told, "a host port is taken, trying another");
                    host_ports.were_taken(&reservation, &told)?;
                }
            }
        }
    }

    /// Pulls the image; the time for the start begins anew.
    async fn pull(&mut self) -> Result<()> {
        let order = PullOrder {
            image: self.checked.image.clone(),
            platform: self.request.platform_name().map(str::to_owned),
            stall: self.request.stall_timeout(),
        };
        let engine = self.engine.clone();
        let span = tracing::info_span!("pull", image = self.request.image());
        io::run(async move { pull(&engine, &order).await }).instrument(span).await?;
        self.pulled = true;
        self.deadline = Instant::now() + self.request.time_to_start();
        Ok(())
    }

    async fn attempt(&mut self, host_ports: &HostPorts) -> Result<Attempt> {
        let reservation = host_ports.choose()?;
        let instance = session::instance();
        let name = self
            .request
            .fixed_name()
            .map_or_else(|| format!("longshore-{instance}"), str::to_owned);
        let labels = session::labels(&instance);
        let body = create_body(self.request, &self.checked, &reservation.bindings, &labels);
        let guard = Guard::new(self.engine.clone(), instance);
        let id = self.create(&guard, &name, body).await?;
        let image = self.request.image().to_owned();
        let remote = Remote::new(self.engine.clone(), id, name, image, self.request.has_tty());

        let transcript = Arc::new(Transcript::new(self.feeds.clone()));
        let launched = self
            .bring_up(&guard, &remote, transcript)
            .instrument(tracing::debug_span!("bring up"))
            .await;
        let running = match launched {
            Ok(Ok(running)) => running,
            Ok(Err(Step::Start(error))) if is_port_conflict(&error.to_string()) => {
                let told = error.to_string();
                self.clear_away(&guard, None).await?;
                return Ok(Attempt::PortTaken { told, reservation });
            }
            Ok(Err(step)) => return Err(self.failed(&guard, &remote, step.report()).await),
            Err(late) => return Err(self.failed(&guard, &remote, late).await),
        };
        let ports = Arc::new(RwLock::new(Ports::from_inspect(running.inspect.raw())));
        let host = host_ports.host().clone();
        let target = Target::new(
            remote.clone(),
            host.clone(),
            ports.clone(),
            running.inspect,
            running.exit.clone(),
            running.transcript.clone(),
        );
        let waited = self.wait(&target).instrument(tracing::info_span!("wait")).await;
        if let Err(error) = waited {
            let report = self.died(&remote, &running.exit, &running.transcript, error).await;
            return Err(self.failed(&guard, &remote, report).await);
        }
        // Without consumers, nobody reads on.
        let feed = running.feed.filter(|_| self.request.removes_itself() || !self.feeds.is_empty());
        self.feeds.clear();
        running.transcript.keep(if self.request.removes_itself() {
            Keep::Tail
        } else {
            Keep::Nothing
        });
        Ok(Attempt::Ready(Box::new(Container {
            guard,
            _consumers: std::mem::take(&mut self.consumers),
            feed,
            _reservation: reservation,
            remote,
            host,
            ports,
            exit: Mutex::new(running.exit),
            removes_itself: self.request.removes_itself(),
        })))
    }

    /// Creates the container, pulling a missing image and sweeping away a dead owner's container of the same name.
    async fn create(&mut self, guard: &Guard, name: &str, body: Value) -> Result<String> {
        let mut pairs = vec![("name", name)];
        pairs.extend(self.request.platform_name().map(|platform| ("platform", platform)));
        let path = format!("/containers/create{}", query(&pairs));
        let mut swept = false;
        loop {
            let create =
                guard.create(path.clone(), body.clone()).instrument(tracing::debug_span!("create"));
            let error = match self.in_time(create).await? {
                Ok(id) => return Ok(id),
                Err(error) => error,
            };
            let told = error.to_string();
            match error.status() {
                Some(404) if told.contains("image") || told.contains("manifest") => {
                    self.image_is_missing(&told).await?
                }
                // Podman says 500 for a name that is taken, Docker 409.
                Some(409 | 500) if told.contains("already in use") => {
                    if swept || !self.sweep_away(name).await {
                        return Err(Error::new(Kind::NameTaken, format!("the name `{name}` is taken by another container"))
                            .fact("because", told)
                            .hint(format!("remove it (`docker rm -f {name}`), or leave `.name(..)` away to have a free one")));
                    }
                    swept = true;
                }
                _ => return Err(error.while_trying("the engine did not create the container")),
            }
        }
    }

    async fn image_is_missing(&mut self, told: &str) -> Result<()> {
        let image = self.checked.image.familiar();
        if self.request.pull_policy() == PullPolicy::Never {
            return Err(Error::new(
                Kind::ImageNotFound,
                format!("the image `{image}` is not here and may not be pulled"),
            )
            .fact("because", told)
            .hint(format!(
                "pull it before (`docker pull {image}`), or leave `.pull(PullPolicy::Never)` away"
            )));
        }
        if self.pulled {
            // Another platform than the engine's, or somebody removes images.
            return Err(Error::new(
                Kind::ImageNotFound,
                format!("the image `{image}` was pulled, but is not there"),
            )
            .fact("because", told)
            .hint("it may exist for another platform only: `.platform(..)`"));
        }
        self.pull().await
    }

    /// Removes the container of this name if it is ours and its owner is dead.
    async fn sweep_away(&self, name: &str) -> bool {
        let (engine, path) = (self.engine.clone(), format!("/containers/{name}/json"));
        io::run(async move {
            let Ok(holder) = engine.client().json(Method::GET, &path, None).await else {
                // Gone meanwhile: another try is worth it.
                return true;
            };
            let id = holder["Id"].as_str().unwrap_or_default();
            session::has_dead_owner(&holder) && remove_by_id(&engine, id).await.is_ok()
        })
        .await
    }

    /// Copies, start, and the first look at what runs.
    async fn bring_up(
        &self,
        guard: &Guard,
        remote: &Remote,
        transcript: Arc<Transcript>,
    ) -> Result<Result<Running, Step>> {
        let copies = self.request.copies().to_vec();
        let removes_itself = self.request.removes_itself();
        let needs_output = removes_itself
            || !self.feeds.is_empty()
            || self.request.waits().iter().any(Wait::reads_output);
        let starting = remote.clone();
        let start = guard.undisturbed(async move { starting.start().await });
        let remote = remote.clone();
        let work = async move {
            for copy in copies {
                let what = cannot_copy_in(&copy);
                remote
                    .put_archive(archive::pack(copy))
                    .await
                    .map_err(|error| Step::Copy(what, error))?;
            }
            let mut feed = None;
            if removes_itself {
                // Its logs go with it, so they are read as they are written, from before the first line.
                let mut output = remote.attach_output().await.map_err(Step::Start)?;
                let into = transcript.clone();
                let task = io::spawn(async move {
                    while let Some(frame) = output.next().await {
                        into.push(frame);
                    }
                    into.end();
                });
                feed = Some(Feed { transcript: transcript.clone(), _task: task.abort_on_drop() });
            }
            let exit = remote.watch_exit("next-exit").await;
            start.await.map_err(Step::Start)?;
            let inspect = match remote.inspect_raw().await {
                Ok(inspect) => inspect,
                // It has ended and is gone; what there was to know is in the transcript and the exit code.
                Err(error) if removes_itself && error.is_not_found() => Value::Null,
                Err(error) => return Err(Step::Look(error)),
            };
            if needs_output && feed.is_none() {
                let mut output =
                    remote.stream_logs(&LogOptions::new()).await.map_err(Step::Look)?;
                let into = transcript.clone();
                let task = io::spawn(async move {
                    while let Some(Ok(frame)) = output.next().await {
                        into.push(frame);
                    }
                    into.end();
                });
                feed = Some(Feed { transcript: transcript.clone(), _task: task.abort_on_drop() });
            }
            Ok(Running { inspect: Inspect::new(inspect), exit, transcript, feed })
        };
        self.in_time(io::run(work)).await
    }

    /// Awaits the request's waits in their order, then the hooks'.
    async fn wait(&self, target: &Target) -> Result<(), NotReady> {
        let declared = self.request.waits();
        let default = self.default_wait(target);
        let waits: Vec<Wait> =
            if declared.is_empty() { default.into_iter().collect() } else { declared.to_vec() };
        let expects_exit = waits.iter().any(Wait::expects_exit);
        for wait in waits {
            let what = wait.to_string();
            // A log wait ends with the output by itself, and what a job printed before its end counts.
            let may_end = wait.expects_exit() || (expects_exit && wait.reads_output());
            let notes = Notes::default();
            let (waiting, seen) = (target.clone(), notes.clone());
            let work = io::run(async move { wait::run(&wait, &waiting, &seen).await });
            let outcome = self.alive_and_in_time(target, may_end, work).await;
            outcome
                .map_err(|why| NotReady { what: what.clone(), seen: notes.to_string(), why })?
                .map_err(|unready| NotReady {
                what,
                seen: String::new(),
                why: Why::Unready(unready),
            })?;
        }
        for wait in &self.waits {
            let what = wait.describe();
            let outcome = self.alive_and_in_time(target, false, wait.ready(target)).await;
            let unready = |error: Box<dyn std::error::Error + Send + Sync>| {
                Why::Unready(Unready::failed(error.to_string()))
            };
            outcome.and_then(|outcome| outcome.map_err(unready)).map_err(|why| NotReady {
                what,
                seen: String::new(),
                why,
            })?;
        }
        match target.exit_code() {
            Some(code) if !expects_exit => {
                Err(NotReady { what: String::new(), seen: String::new(), why: Why::Exited(code) })
            }
            _ => Ok(()),
        }
    }

    /// The image's or the request's health check, else the published ports, else that it runs.
    fn default_wait(&self, target: &Target) -> Option<Wait> {
        if !self.waits.is_empty() {
            return None;
        }
        if !target.started().health_check().is_empty() {
            return Some(Wait::healthy().into());
        }
        if !self.checked.mappings.is_empty() {
            return Some(Wait::ports().into());
        }
        Some(Wait::running().into())
    }

    async fn alive_and_in_time<T>(
        &self,
        target: &Target,
        may_end: bool,
        work: impl Future<Output = T>,
    ) -> Result<T, Why> {
        let watch = target.exit().clone();
        let died = async move {
            if may_end {
                return std::future::pending().await;
            }
            watch.exited().await
        };
        let (work, died) = (pin!(work), pin!(died));
        match io::timeout(self.time_left(), future::select(work, died)).await {
            None => Err(Why::Late),
            Some(Either::Left((value, _))) => Ok(value),
            Some(Either::Right((code, _))) => Err(Why::Exited(code)),
        }
    }

    fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    async fn in_time<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        io::timeout(self.time_left(), work).await.ok_or_else(|| {
            let limit = self.request.time_to_start();
            Error::new(Kind::Timeout, format!("the container was not started in {limit:?}"))
                .fact("because", "the engine did not answer in that time")
                .hint("look at the engine's load, or give it longer with `.start_timeout(..)`")
        })
    }

    /// Makes an error of a wait that did not come, with what the container left behind.
    async fn died(
        &self,
        remote: &Remote,
        exit: &ExitWatch,
        transcript: &Arc<Transcript>,
        failed: NotReady,
    ) -> Error {
        let remote = remote.clone();
        let removes_itself = self.request.removes_itself();
        let transcript = transcript.clone();
        let look = async move {
            if removes_itself {
                transcript.ended().await;
                let bytes: Vec<u8> =
                    transcript.frames().iter().flat_map(|frame| frame.bytes().to_vec()).collect();
                return (None, crate::engine::last_lines(&bytes, 20));
            }
            let inspect = remote.inspect_raw().await.ok().map(Inspect::new);
            (inspect, remote.last_output().await)
        };
        let (inspect, output) = io::timeout(REPORT_LIMIT, io::run(look)).await.unwrap_or_default();
        let out_of_memory = inspect.as_ref().is_some_and(Inspect::oom_killed);
        let waits_declared = !self.request.waits().is_empty() || !self.waits.is_empty();
        let exited = match (&failed.why, exit.now()) {
            (Why::Exited(code), _) => Some(*code),
            (_, ExitState::Exited(code)) => Some(code),
            _ => None,
        };
        failed
            .report(exited, out_of_memory, waits_declared, self.request.time_to_start())
            .with_output(output)
    }

    /// Removes what was made and completes the report, also with a failure of that.
    async fn failed(&self, guard: &Guard, remote: &Remote, report: Error) -> Error {
        let report = remote.name_in(report);
        match self.clear_away(guard, Some(remote)).await {
            Ok(()) => report,
            Err(left) => report.and_also(left),
        }
    }

    async fn clear_away(&self, guard: &Guard, remote: Option<&Remote>) -> Result<()> {
        guard.remove().await.map_err(|error| {
            let report =
                error.while_trying("the container that did not start could not be removed");
            match remote {
                Some(remote) => remote.name_in(report),
                None => report,
            }
        })
    }
}

impl Step {
    fn report(self) -> Error {
        match self {
            Step::Copy(what, error) => copy_error(error, what),
            Step::Look(error) => {
                error.while_trying("the container started, but could not be looked at")
            }
            Step::Start(error) => {
                const NOT_RUNNABLE: [&str; 4] = [
                    "executable file not found",
                    "no such file or directory",
                    "permission denied",
                    "exec format error",
                ];
                let told = error.to_string();
                if error.status().is_some()
                    && NOT_RUNNABLE.iter().any(|saying| told.contains(saying))
                {
                    return Error::new(Kind::Command, "the command of the container cannot be run")
                        .fact("because", told)
                        .hint("look at `.cmd(..)`, `.entrypoint(..)`, `.workdir(..)` and what the image holds");
                }
                error.while_trying("the engine did not start the container")
            }
        }
    }
}

/// A wait that did not come.
struct NotReady {
    /// What was awaited; empty when it was nothing in particular.
    what: String,
    seen: String,
    why: Why,
}

enum Why {
    /// The time for the whole start is over.
    Late,
    Exited(i64),
    Unready(Unready),
}

impl NotReady {
    fn report(
        self,
        exited: Option<i64>,
        out_of_memory: bool,
        waits_declared: bool,
        limit: Duration,
    ) -> Error {
        let mut report = match (&self.why, exited) {
            // A wait for the exit says itself what was wrong with it.
            (Why::Unready(unready), Some(_)) if self.what.starts_with("the container to exit") => {
                Error::new(Kind::Exited, unready.because.clone())
            }
            (_, Some(code)) if out_of_memory => Error::new(
                Kind::Exited,
                format!("the container was killed for want of memory (exit code {code}) before it was ready"),
            )
            .hint("raise its limit: `.memory(..)`"),
            (_, Some(code)) => Error::new(Kind::Exited, format!("the container exited with code {code} before it was ready")),
            (Why::Late, None) => Error::new(Kind::Timeout, format!("the container was not ready in {limit:?}"))
                .hint("give it longer with `.start_timeout(..)`, or wait for something else"),
            (Why::Unready(Unready { timed_out: true, .. }), None) => Error::new(Kind::Timeout, "the container was not ready in time")
                .hint("give the wait longer with `.timeout(..)`, or wait for something else"),
            (Why::Unready(_) | Why::Exited(_), None) => Error::new(Kind::NotReady, "the container did not become ready"),
        };
        if !self.what.is_empty() {
            report = report.fact("waiting for", self.what);
        }
        match self.why {
            Why::Unready(unready) if report.summary() != unready.because => {
                report = report.fact("because", unready.because)
            }
            _ if !self.seen.is_empty() => report = report.fact("because", self.seen),
            _ => {}
        }
        match exited {
            Some(0) if !waits_declared => report.with_exit_code(0).hint(
                "a container that does its job and ends is waited for with `.wait(Wait::exit())`",
            ),
            Some(code) => report.with_exit_code(code),
            None => report,
        }
    }
}
