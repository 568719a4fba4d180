//! `docker create`: a container that is made and not started, and its first start.

use std::future::Future;
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use tokio::sync::Mutex as AsyncMutex;

use super::bring_up::Reading;
use super::consumer::Consumers;
use super::feed::Feed;
use super::handle::Container;
use super::make::Made;
use super::start::{self, Launch, NotStarted, Ready};
use crate::engine::{io, ContainerState, Engine, LogOptions, Ports};
use crate::error::{Error, Kind, Result};
use crate::request::{ContainerRequest, Hooks};
use crate::session::StartOutcome;

impl ContainerRequest {
    /// Makes a container on the process's default engine, and does not start it (`docker create`). Files can be copied in and
    /// out. [`Container::start`] starts it, and returns when it is ready.
    ///
    /// # Errors
    ///
    /// When the request is wrong, no engine answers, the image cannot be had, or a file cannot be copied. Nothing is left then.
    pub fn create(&self) -> impl Future<Output = Result<Container>> + Send + 'static {
        self.create_with(Hooks::new())
    }

    /// As [`create`](Self::create), on another engine than the default one.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    pub fn create_on(
        &self,
        engine: &Engine,
    ) -> impl Future<Output = Result<Container>> + Send + 'static {
        let (request, engine) = (self.clone(), engine.clone());
        Box::pin(start::create(request, Some(engine), Hooks::new()))
    }

    /// As [`create`](Self::create), with closures and waits of one's own, for when it is started.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    pub fn create_with(
        &self,
        hooks: Hooks,
    ) -> impl Future<Output = Result<Container>> + Send + 'static {
        let request = self.clone();
        Box::pin(start::create(request, None, hooks))
    }

    /// As [`create_with`](Self::create_with), on another engine than the default one.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    pub fn create_on_with(
        &self,
        engine: &Engine,
        hooks: Hooks,
    ) -> impl Future<Output = Result<Container>> + Send + 'static {
        let (request, engine) = (self.clone(), engine.clone());
        Box::pin(start::create(request, Some(engine), hooks))
    }
}

impl Made {
    /// The handle of a container that is yet to be started by `launch`.
    pub(super) async fn into_container(self, launch: Launch) -> Container {
        let remote = self.remote.clone();
        let exit = io::run(async move { remote.watch_exit("next-exit").await }).await;
        Container {
            guard: self.guard,
            feed: OnceLock::new(),
            consumers: Mutex::new(Consumers::default()),
            _reservation: self.reservation,
            remote: self.remote,
            host: self.host,
            ports: Arc::new(RwLock::new(Ports::none())),
            exit: Mutex::new(exit),
            removes_itself: launch.request.removes_itself(),
            is_shared: false,
            unstarted: AsyncMutex::new(Some(Box::new(launch))),
        }
    }
}

impl Container {
    /// The first start of a container that was only made; `false` when there is nothing to do, since it was started before. A
    /// failed one can be tried again.
    pub(super) async fn start_first(&self) -> Result<bool> {
        let mut unstarted = self.unstarted.lock().await;
        let Some(launch) = unstarted.as_mut() else { return Ok(false) };
        io::check_process()?;
        launch.restart_clock();
        launch.clock.go_on();
        let started = self.go_first(launch).await;
        launch.clock.ended(started.as_ref().map(|_| StartOutcome::Ready));
        let ready = started?;
        *self.ports.write().expect("ports are only ever set whole") =
            ready.ports.read().expect("ports are only ever set whole").clone();
        self.now_watched_by(ready.exit);
        let goes_on = |feed: &Feed| self.removes_itself || feed.transcript().has_consumers();
        if let Some(feed) = ready.feed.or(launch.earlier.take()).filter(goes_on) {
            // There is none before the first start.
            let _ = self.feed.set(feed);
        }
        *self.consumers.lock().expect("nothing in the lock can panic") =
            std::mem::take(&mut launch.consumers);
        *unstarted = None;
        Ok(true)
    }

    async fn go_first(&self, launch: &mut Launch) -> Result<Ready> {
        let reading = self.reading(launch).await?;
        launch.was_tried = true;
        let started = Box::pin(launch.go(&self.guard, &self.remote, &self.host, reading)).await;
        match started {
            Ok(ready) => Ok(ready),
            Err(NotStarted::Failed(error, feed)) => {
                launch.earlier = feed.or(launch.earlier.take());
                Err(self.remote.name_in(error))
            }
            Err(NotStarted::PortTaken(told)) => {
                let report = Error::new(
                    Kind::PortUnavailable,
                    "a host port of the container was taken since it was made",
                );
                let report = report.fact("because", told).hint(
                    "stop who has it; or make and start the container in one, which finds another port",
                );
                Err(self.remote.name_in(report))
            }
        }
    }

    /// How the output of a first start is read. What an earlier try has written is not taken for that of this one, unless it
    /// still runs.
    async fn reading(&self, launch: &mut Launch) -> Result<Reading> {
        if !launch.was_tried {
            return Ok(Reading::Afresh(launch.transcript(), 0));
        }
        let is_running = self.inspect().await?.is_running();
        let behind = match (&launch.earlier, is_running) {
            (Some(feed), true) => return Ok(Reading::On(feed.transcript().clone())),
            (None, true) => 0,
            (Some(feed), false) => feed.ended().await,
            (None, false) => {
                let written = self.logs_with(LogOptions::new()).await?;
                written.iter().map(|frame| frame.bytes().len()).sum()
            }
        };
        launch.earlier = None;
        Ok(Reading::Afresh(launch.transcript(), behind))
    }

    /// What reads the output now, be it of a first start that failed.
    pub(super) fn reader(&mut self) -> Option<&Feed> {
        let earlier = self.unstarted.get_mut().as_ref().and_then(|launch| launch.earlier.as_ref());
        self.feed.get().or(earlier)
    }

    /// The exit code of a container whose first start failed when it ended; `None` if it was started and ready.
    ///
    /// A start that is under way is awaited.
    pub(super) async fn ended_unready(&self) -> Result<Option<i64>> {
        let unstarted = self.unstarted.lock().await;
        if unstarted.is_none() {
            return Ok(None);
        }
        let inspect = match self.inspect().await {
            // Its end was seen, and the engine has removed it then.
            Err(error) if self.removes_itself && error.is_not_found() => return Ok(None),
            outcome => outcome?,
        };
        if inspect.state() == ContainerState::Created {
            let report = Error::new(Kind::NotReady, "the container was not started yet");
            return Err(self.remote.name_in(report.hint("start it: `container.start()`")));
        }
        Ok(inspect.exit_code())
    }

    /// Whether it was made and has not been ready yet.
    pub(super) fn is_unready(&self) -> bool {
        // A start that is under way holds it.
        self.unstarted.try_lock().map_or(true, |launch| launch.is_some())
    }

    /// Whether its first start awaits waits of the user's own.
    pub(crate) fn awaits_users_waits(&self) -> bool {
        let unstarted = self.unstarted.try_lock();
        unstarted.is_ok_and(|launch| launch.as_ref().is_some_and(|one| !one.waits.is_empty()))
    }
}
