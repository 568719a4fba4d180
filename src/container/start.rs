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
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

use hyper::Method;
use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;

use super::bring_up::Step;
use super::consumer::Consumers;
use super::handle::Container;
use super::host_ports::{is_port_conflict, HostPorts, Reservation};
use crate::engine::{io, phase, query, Engine, LogFrame, Ports, Remote, Thing};
use crate::error::{Error, Kind, Result};
use crate::image::{pull, PullOrder};
use crate::request::{create_body, Checked, ContainerRequest, Hooks, PullPolicy};
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
    })
    .await
}

/// When a start that begins now has taken too long.
fn deadline(request: &ContainerRequest) -> Instant {
    const FAR: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);
    Instant::now() + request.time_to_start().min(FAR)
}

/// One start, over all of its attempts.
pub(super) struct Launch<'a> {
    pub(super) request: &'a ContainerRequest,
    pub(super) checked: Checked,
    engine: Engine,
    pub(super) waits: Vec<Arc<dyn WaitStrategy>>,
    /// Into which output for the consumers is put. Dropped before them: that is what ends them.
    pub(super) feeds: Vec<UnboundedSender<LogFrame>>,
    consumers: Consumers,
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

impl<'a> Launch<'a> {
    fn new(request: &'a ContainerRequest, checked: Checked, engine: Engine, hooks: Hooks) -> Self {
        let (consumers, feeds) = Consumers::start(hooks.consumers);
        let deadline = deadline(request);
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
            self.pull(Instant::now()).await?;
        }
        let mut host_ports = HostPorts::new(self.checked.mappings.clone(), host, &self.engine);
        loop {
            match Box::pin(self.attempt(&host_ports)).await? {
                Attempt::Ready(container) => return Ok(*container),
                Attempt::PortTaken { told, reservation } => {
                    tracing::debug!(told, "a host port is taken, trying another");
                    host_ports.were_taken(&reservation, &told)?;
                }
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
        self.deadline = deadline(self.request);
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
        let mut body = create_body(self.request, &self.checked, &reservation.bindings, &labels);
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

        let transcript = Arc::new(Transcript::new(self.feeds.clone()));
        let launched = self.bring_up(&guard, &remote, transcript).await;
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
        let waited = phase(tracing::info_span!("wait"), self.wait(&target)).await;
        if let Err(error) = waited {
            let report = self.died(&remote, &running.exit, &running.transcript, error).await;
            if let Some(feed) = &running.feed {
                feed.drain(&remote).await;
            }
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
