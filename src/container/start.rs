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

use hyper::Method;
use longshore_syntax::ContainerPort;
use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::Mutex as AsyncMutex;

use super::bring_up::{Reading, Running, Step};
use super::consumer::Consumers;
use super::feed::Feed;
use super::handle::Container;
use super::host_ports::{is_port_conflict, HostPorts, Reservation};
use crate::engine::{io, phase, query, Engine, ExitWatch, Host, LogFrame, Ports, Remote, Thing};
use crate::error::{Error, Kind, Result};
use crate::image::{exposed_ports, pull, PullOrder};
use crate::request::{
    create_body, publish_too, Checked, ContainerRequest, Endpoint, Hooks, PullPolicy,
};
use crate::session::{self, Guard};
use crate::wait::{Keep, Target, Transcript, WaitStrategy};

/// Docker's time between the stop signal and the kill, where nobody says another.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

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
        match launch.create_only().await {
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
    pulled: bool,
    /// Whether the container that was made has been started before, in vain.
    pub(super) was_tried: bool,
    /// What reads the output of that start.
    pub(super) earlier: Option<Feed>,
}

/// A container that was made and not started.
pub(super) struct Made {
    pub(super) guard: Guard,
    pub(super) remote: Remote,
    pub(super) reservation: Reservation,
    pub(super) host: Host,
    /// The networks that it is yet to be connected to.
    pub(super) connected: Vec<Endpoint>,
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
    async fn prepare(
        request: ContainerRequest,
        engine: Option<Engine>,
        hooks: Hooks,
    ) -> Result<Self> {
        let checked = request.check()?;
        io::check_process()?;
        let engine = match engine {
            Some(engine) => engine,
            None => Engine::connect().await?,
        };
        let (consumers, feeds) = Consumers::start(hooks.consumers);
        let deadline = deadline(&request);
        let launch = Launch {
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
        };
        match launch.check_engine() {
            Ok(()) => Ok(launch),
            Err(error) => Err(launch.named(error)),
        }
    }

    pub(super) fn named(&self, error: Error) -> Error {
        error
            .fact("image", format!("`{}`", self.request.image()))
            .fact("engine", self.engine.to_string())
    }

    /// Whether the engine is new enough for all that is asked for; an old one would pass over it without a word.
    fn check_engine(&self) -> Result<()> {
        let (major, minor) = self.engine.api();
        let missing = self.checked.needs.iter().find(|(_, version)| *version > (major, minor));
        let Some((what, (needs_major, needs_minor))) = missing else { return Ok(()) };
        // What Podman knows it does not tell by its version.
        if self.engine.is_podman() {
            return Ok(());
        }
        Err(Error::new(
            Kind::InvalidRequest,
            format!("`{what}` needs version {needs_major}.{needs_minor} of the engine's API"),
        )
        .fact("because", format!("the engine speaks version {major}.{minor}"))
        .hint("use a newer engine, or leave it away"))
    }

    async fn run(&mut self) -> Result<Container> {
        let mut host_ports = self.host_ports().await?;
        loop {
            let made = Box::pin(self.make(&host_ports)).await?;
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

    /// The ports that are to be published, when the image is there if they depend on it.
    async fn host_ports(&mut self) -> Result<HostPorts> {
        let engine = self.engine.clone();
        let host = io::run(async move { engine.host().await.clone() }).await;
        if self.request.pull_policy() == PullPolicy::Always {
            self.pull(Instant::now()).await?;
        }
        if self.checked.publishes_all {
            for port in self.ports_of_image().await? {
                publish_too(port, &mut self.checked.mappings);
            }
        }
        Ok(HostPorts::new(self.checked.mappings.clone(), host, &self.engine))
    }

    /// The ports that the image exposes.
    async fn ports_of_image(&mut self) -> Result<Vec<ContainerPort>> {
        loop {
            let asked = Instant::now();
            let (engine, image) = (self.engine.clone(), self.checked.image.familiar());
            let look = io::run(async move { exposed_ports(&engine, &image).await });
            match self.in_time(look).await? {
                Ok(ports) => return Ok(ports),
                Err(error) if error.is_not_found() => {
                    self.image_is_missing(&error.to_string(), asked).await?;
                }
                Err(error) => return Err(error.while_trying("the image could not be inspected")),
            }
        }
    }

    /// Pulls the image that was missing at that moment; the time for the start begins anew.
    async fn pull(&mut self, missing: Instant) -> Result<()> {
        let order = PullOrder {
            image: self.checked.image.clone(),
            platform: self.request.platform_name().map(str::to_owned),
            stall: self.request.stall_timeout(),
        };
        let engine = self.engine.clone();
        let span = tracing::info_span!("pull", image = self.request.image());
        phase(span, io::run(async move { pull(&engine, &order, missing).await })).await?;
        self.pulled = true;
        self.restart_clock();
        Ok(())
    }

    /// From now on the start has all of its time.
    pub(super) fn restart_clock(&mut self) {
        self.deadline = deadline(&self.request);
    }

    /// Creates a container with host ports of its own choice.
    async fn make(&mut self, host_ports: &HostPorts) -> Result<Made> {
        let reservation = host_ports.choose()?;
        let instance = session::instance();
        let name = self
            .request
            .fixed_name()
            .map_or_else(|| format!("longshore-{instance}"), str::to_owned);
        let labels = session::labels(&instance);
        let bindings = &reservation.bindings;
        let (mut body, connected) =
            create_body(&self.request, &self.checked, bindings, &labels, self.engine.api());
        if self.engine.is_podman() && body["StopTimeout"].is_null() {
            // Podman takes "not said" for zero here, and would stop nothing politely.
            body["StopTimeout"] = STOP_TIMEOUT.as_secs().into();
        }
        if self.engine.is_podman() && self.request.removes_itself() {
            // An attached client may miss the output of a short job there, so the logs are read and it is removed from here.
            body["HostConfig"]["AutoRemove"] = false.into();
        }
        let guard = Guard::new(self.engine.clone(), Thing::Container, instance, name.clone());
        let id = self.create(&guard, &name, body).await?;
        let image = self.request.image().to_owned();
        let remote = Remote::new(self.engine.clone(), id, name, image, self.request.has_tty());
        Ok(Made { guard, remote, reservation, host: host_ports.host().clone(), connected })
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
        let launched = phase(span, self.in_time(work)).await;
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
        let launched = phase(span, self.in_time(work)).await;
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
        let waited = phase(tracing::info_span!("wait"), self.wait(&target)).await;
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
            unstarted: AsyncMutex::new(None),
        }
    }

    /// Creates the container, pulling a missing image and sweeping away a dead owner's container of the same name.
    async fn create(&mut self, guard: &Guard, name: &str, body: Value) -> Result<String> {
        let mut pairs = vec![("name", name)];
        pairs.extend(self.request.platform_name().map(|platform| ("platform", platform)));
        let path = format!("/containers/create{}", query(&pairs));
        let mut swept = false;
        loop {
            let asked = Instant::now();
            let create = phase(
                tracing::info_span!("create", name),
                guard.create(path.clone(), body.clone()),
            );
            let error = match self.in_time(create).await? {
                Ok(id) => return Ok(id),
                Err(error) => error,
            };
            let told = error.to_string();
            match error.status() {
                Some(404) if told.contains("image") || told.contains("manifest") => {
                    self.image_is_missing(&told, asked).await?
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

    async fn image_is_missing(&mut self, told: &str, asked: Instant) -> Result<()> {
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
        self.pull(asked).await
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
            session::has_dead_owner(&holder) && Thing::Container.remove(&engine, id).await.is_ok()
        })
        .await
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
