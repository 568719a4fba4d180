//! `docker create`: a container that is made and not started, and its first start.

use std::future::Future;
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use tokio::sync::Mutex as AsyncMutex;

use super::consumer::Consumers;
use super::handle::Container;
use super::start::{self, Launch, Made, NotStarted};
use crate::engine::{io, Engine, Ports};
use crate::error::{Error, Kind, Result};
use crate::request::{ContainerRequest, Hooks};

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
        let ready = match Box::pin(launch.go(&self.guard, &self.remote, &self.host)).await {
            Ok(ready) => ready,
            Err(NotStarted::Failed(error)) => {
                return Err(launch.named(self.remote.name_in(error)));
            }
            Err(NotStarted::PortTaken(told)) => {
                let report = Error::new(
                    Kind::PortUnavailable,
                    "a host port of the container was taken since it was made",
                );
                let report = report.fact("because", told).hint(
                    "stop who has it; or make and start the container in one, which finds another port",
                );
                return Err(self.remote.name_in(report));
            }
        };
        *self.ports.write().expect("ports are only ever set whole") =
            ready.ports.read().expect("ports are only ever set whole").clone();
        self.now_watched_by(ready.exit);
        if let Some(feed) = ready.feed {
            // There is none before the first start.
            let _ = self.feed.set(feed);
        }
        *self.consumers.lock().expect("nothing in the lock can panic") =
            std::mem::take(&mut launch.consumers);
        *unstarted = None;
        Ok(true)
    }
}
