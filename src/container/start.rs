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
use std::sync::{Arc, Mutex, OnceLock, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::Mutex as AsyncMutex;

use super::bring_up::{Reading, Running, Step};
use super::clock::{Clock, Phase};
use super::consumer::Consumers;
use super::feed::Feed;
use super::handle::Container;
use super::host_ports::is_port_conflict;
use super::make::Made;
use super::on_podman;
use crate::engine::{io, phase, Engine, ExitWatch, Host, LogFrame, Ports, Remote};
use crate::error::{Error, Kind, Result};
use crate::report::{self, look_closely};
use crate::request::{Checked, ContainerRequest, Hooks, Purpose};
use crate::session::{self, check_variables, Guard, Outcome, StartOutcome, Turn};
use crate::wait::{Keep, Target, Transcript, WaitStrategy};

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
        Box::pin(start(request, Some(engine), Hooks::new()))
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
        Box::pin(start(request, None, hooks))
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
        Box::pin(start(request, Some(engine), hooks))
    }
}

async fn start(
    request: ContainerRequest,
    engine: Option<Engine>,
    hooks: Hooks,
) -> Result<Container> {
    let span = tracing::info_span!("container", image = request.image());
    phase(span, async {
        let mut launch = Launch::prepare(request, engine, hooks).await?;
        let outcome = launch.run().await;
        launch.clock.ended(outcome.as_ref().map(|_| StartOutcome::Ready));
        outcome.map_err(|error| launch.named(error))
    })
    .await
}

/// As `start`, but the container is only made.
pub(super) async fn create(
    request: ContainerRequest,
    engine: Option<Engine>,
    hooks: Hooks,
) -> Result<Container> {
    let span = tracing::info_span!("container", image = request.image());
    phase(span, async {
        let mut launch = Launch::prepare(request, engine, hooks).await?;
        let outcome = launch.create_only().await;
        launch.clock.ended(outcome.as_ref().map(|_| StartOutcome::Created));
        match outcome {
            Ok(made) => Ok(made.into_container(launch).await),
            Err(error) => Err(launch.named(error)),
        }
    })
    .await
}

/// When a start that begins now has taken too long.
fn deadline(request: &ContainerRequest) -> Instant {
    const FAR: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);
    Instant::now() + request.time_to_start().min(FAR)
}

/// One start, over all of its attempts.
pub(super) struct Launch {
    pub(super) request: ContainerRequest,
    pub(super) checked: Checked,
    pub(super) engine: Engine,
    pub(super) waits: Vec<Arc<dyn WaitStrategy>>,
    /// Into which output for the consumers is put. Dropped before them: that is what ends them.
    pub(super) feeds: Vec<UnboundedSender<LogFrame>>,
    pub(super) consumers: Consumers,
    /// When the time for the start is over; set when the image is there.
    deadline: Instant,
    pub(super) pulled: bool,
    /// Whether the container that was made has been started before, in vain.
    pub(super) was_tried: bool,
    /// What reads the output of that start.
    pub(super) earlier: Option<Feed>,
    /// The turn to make it, if all of the test run are to share it.
    pub(super) turn: Option<Arc<Turn>>,
    pub(super) purpose: Purpose,
    /// The request as it was made, if it is started warm.
    pub(super) warm: Option<Box<ContainerRequest>>,
    /// The image that it is made of then, if there is one.
    pub(super) snapshot: Option<String>,
    pub(super) clock: Clock,
}

/// What became of a container that was started.
pub(super) struct Ready {
    pub(super) ports: Arc<RwLock<Ports>>,
    pub(super) exit: ExitWatch,
    pub(super) feed: Option<Feed>,
}

/// Why a container that was made did not start.
pub(super) enum NotStarted {
    /// Another try with other ports may do.
    PortTaken(String),
    /// With what reads its output, if that is read.
    Failed(Error, Option<Feed>),
}

impl Launch {
    pub(super) async fn prepare(
        request: ContainerRequest,
        engine: Option<Engine>,
        hooks: Hooks,
    ) -> Result<Self> {
        let begun = Instant::now();
        let checked = request.check()?;
        check_variables()?;
        io::check_process()?;
        session::begin();
        let engine = match engine {
            Some(engine) => engine,
            None => Engine::connect().await?,
        };
        let (consumers, feeds) = Consumers::start(hooks.consumers);
        let deadline = deadline(&request);
        let clock = Clock::new(begun, request.image(), &engine);
        let launch = Launch {
            warm: request.is_warm().then(|| Box::new(request.clone())),
            snapshot: None,
            request,
            checked,
            engine,
            waits: hooks.waits,
            consumers,
            feeds,
            deadline,
            pulled: false,
            was_tried: false,
            earlier: None,
            turn: None,
            purpose: hooks.purpose,
            clock,
        };
        match launch.check_warm().and_then(|()| launch.check_engine()) {
            Ok(()) => Ok(launch),
            Err(error) => {
                launch.clock.ended(Err(&error));
                Err(launch.named(error))
            }
        }
    }

    pub(super) fn named(&self, error: Error) -> Error {
        let error = error.fact("image", format!("`{}`", self.request.image()));
        let error = match &self.snapshot {
            Some(name) => {
                let is_timeout = error.is_timeout();
                let error = error.fact("made of", format!("its snapshot `{name}`"));
                match is_timeout {
                    true => error.better_hint(
                        "a second start may not say what the first one did: name what it does with `.warm_wait(..)`, \
                         or give it longer",
                    ),
                    false => error,
                }
            }
            None => error,
        };
        error.fact("engine", self.engine.to_string())
    }

    /// Whether the engine is new enough for all that is asked for; an old one would pass over it without a word.
    fn check_engine(&self) -> Result<()> {
        if self.engine.is_podman() {
            return on_podman::check(self.engine.version().engine(), &self.checked.needs);
        }
        let (major, minor) = self.engine.api();
        let missing = self.checked.needs.iter().find(|(_, version)| *version > (major, minor));
        let Some((what, (needs_major, needs_minor))) = missing else { return Ok(()) };
        Err(Error::new(
            Kind::InvalidRequest,
            format!("{what} needs version {needs_major}.{needs_minor} of the engine's API"),
        )
        .fact("because", format!("the engine speaks version {major}.{minor}"))
        .hint("use a newer engine, or leave it away"))
    }

    pub(super) async fn run(&mut self) -> Result<Container> {
        self.clock.begin();
        self.warm_up().await?;
        let mut host_ports = self.host_ports().await?;
        loop {
            let made = Box::pin(self.make(&host_ports)).await?;
            if let Purpose::Test(subject) = &self.purpose {
                // Before the start: a container that never becomes ready is what tests are killed for.
                made.guard.begin_test(subject.clone().of(&made.remote)).await;
            }
            match Box::pin(self.furnish_and_go(&made)).await {
                Ok(ready) => return Ok(self.finish(made, ready)),
                Err(NotStarted::PortTaken(told)) => {
                    self.clear_away(&made.guard, None).await?;
                    tracing::debug!(told, "a host port is taken, trying another");
                    host_ports.were_taken(&made.reservation, &told)?;
                }
                Err(NotStarted::Failed(error, feed)) => {
                    if let Some(feed) = feed {
                        feed.drain(&made.remote).await;
                    }
                    return Err(self.failed(&made.guard, &made.remote, error).await);
                }
            }
        }
    }

    async fn create_only(&mut self) -> Result<Made> {
        self.clock.begin();
        self.warm_up().await?;
        let host_ports = self.host_ports().await?;
        let made = Box::pin(self.make(&host_ports)).await?;
        match self.in_time(io::run(self.furnish(&made))).await {
            Ok(Ok(())) => Ok(made),
            Ok(Err(step)) => {
                let report = step.report(&self.request);
                Err(self.failed(&made.guard, &made.remote, report).await)
            }
            Err(late) => Err(self.failed(&made.guard, &made.remote, late).await),
        }
    }

    /// From now on the start has all of its time.
    pub(super) fn restart_clock(&mut self) {
        self.deadline = deadline(&self.request);
    }

    /// Copies, networks, start, waits.
    async fn furnish_and_go(&mut self, made: &Made) -> Result<Ready, NotStarted> {
        let (furnish, transcript) = (self.furnish(made), self.transcript());
        let start = self.bring_up(&made.guard, &made.remote, Reading::Afresh(transcript, 0));
        let work = io::run(async move {
            furnish.await?;
            start.await
        });
        let span = tracing::info_span!("start");
        let launched = self.clock.phase(Phase::Start, span, self.in_time(work)).await;
        self.see_through(&made.remote, &made.host, launched).await
    }

    /// Starts a container that was made before, and waits until it is ready.
    pub(super) async fn go(
        &mut self,
        guard: &Guard,
        remote: &Remote,
        host: &Host,
        reading: Reading,
    ) -> Result<Ready, NotStarted> {
        let work = io::run(self.bring_up(guard, remote, reading));
        let span = tracing::info_span!("start");
        let launched = self.clock.phase(Phase::Start, span, self.in_time(work)).await;
        self.see_through(remote, host, launched).await
    }

    pub(super) fn transcript(&self) -> Arc<Transcript> {
        Arc::new(Transcript::new(self.feeds.clone()))
    }

    /// From the start's outcome to a container that is ready.
    async fn see_through(
        &mut self,
        remote: &Remote,
        host: &Host,
        launched: Result<Result<Running, Step>>,
    ) -> Result<Ready, NotStarted> {
        let running = match launched {
            Ok(Ok(running)) => running,
            Ok(Err(Step::Start(error))) if is_port_conflict(&error.to_string()) => {
                return Err(NotStarted::PortTaken(error.to_string()));
            }
            Ok(Err(step)) => return Err(NotStarted::Failed(step.report(&self.request), None)),
            Err(late) => return Err(NotStarted::Failed(late, None)),
        };
        let ports = Arc::new(RwLock::new(Ports::from_inspect(running.inspect.raw())));
        let target = Target::new(
            remote.clone(),
            host.clone(),
            ports.clone(),
            running.inspect,
            running.exit.clone(),
            running.transcript.clone(),
        );
        let span = tracing::info_span!("wait");
        let waited = self.clock.phase(Phase::Ready, span, self.wait(&target)).await;
        if let Err(error) = waited {
            let report = self.died(remote, &running.exit, &running.transcript, error).await;
            return Err(NotStarted::Failed(report, running.feed));
        }
        // Without consumers, nobody reads on.
        let feed = running.feed.filter(|_| self.request.removes_itself() || !self.feeds.is_empty());
        self.feeds.clear();
        running.transcript.keep(if self.request.removes_itself() {
            Keep::Tail
        } else {
            Keep::Nothing
        });
        Ok(Ready { ports, exit: running.exit, feed })
    }

    fn finish(&mut self, made: Made, ready: Ready) -> Container {
        Container {
            guard: made.guard,
            feed: ready.feed.map(OnceLock::from).unwrap_or_default(),
            consumers: Mutex::new(std::mem::take(&mut self.consumers)),
            _reservation: made.reservation,
            remote: made.remote,
            host: made.host,
            ports: ready.ports,
            exit: Mutex::new(ready.exit),
            removes_itself: self.request.removes_itself(),
            is_shared: false,
            unstarted: AsyncMutex::new(None),
        }
    }

    pub(super) fn time_left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    pub(super) async fn in_time<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        io::timeout(self.time_left(), work).await.ok_or_else(|| {
            let limit = self.request.time_to_start();
            Error::new(Kind::Timeout, format!("the container was not started in {limit:?}"))
                .fact("because", "the engine did not answer in that time")
                .hint("look at the engine's load, or give it longer with `.start_timeout(..)`")
        })
    }

    /// Removes what was made and completes the report, also with a failure of that.
    async fn failed(&self, guard: &Guard, remote: &Remote, report: Error) -> Error {
        let report = match self.purpose {
            Purpose::Any => report,
            Purpose::Test(_) => self.looked_at(guard, remote, report).await,
        };
        if guard.stays() {
            return report;
        }
        let report = remote.name_in(report);
        match self.clear_away(guard, Some(remote)).await {
            Ok(()) => report,
            Err(left) => report.and_also(left),
        }
    }

    /// For a test's report, before it is removed; or stays, since its test has failed.
    async fn looked_at(&self, guard: &Guard, remote: &Remote, report: Error) -> Error {
        let remote = remote.clone();
        let looking = io::run(async move { look_closely(&remote).await });
        let look = io::timeout(report::LIMIT, looking).await.unwrap_or_default();
        guard.judge(Outcome::Failed);
        report.with_files(look.files)
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
