//! A container's life: start, stop, restart, kill, pause, waiting for its end, removing, keeping; and its terminal's size.

use std::future::Future;
use std::time::Duration;

use futures::future;

use super::handle::Container;
use crate::engine::{io, ApiError, ExitState, ExitWatch, Remote};
use crate::error::{Error, Kind, Result};
use crate::request::whole_seconds;
use crate::session::Kept;

/// Since this version of the API, `stop` takes a signal.
const STOP_TAKES_SIGNAL: (usize, usize) = (1, 42);

impl Container {
    /// Starts it after it was [created](crate::ContainerRequest::create), and returns when it is ready; or starts it again after
    /// it has stopped (`docker start`), where the request's waits are not awaited again. Random host ports change: ask for
    /// addresses again.
    ///
    /// # Errors
    ///
    /// When the engine cannot start it; at the first start also when it ends or is not ready in time. The container is left
    /// then as it is, for as long as the handle lives.
    pub async fn start(&self) -> Result<()> {
        if self.start_first().await? {
            return Ok(());
        }
        if !self.inspect().await?.is_running() {
            let start = |remote: Remote| async move { remote.watched(remote.start()).await };
            self.now_watched_by(self.remote.call("started", start).await?);
            // Log consumers get the output of this run too.
            if let Some(feed) = self.feed.get().filter(|feed| feed.transcript().has_consumers()) {
                feed.resume(&self.remote).await;
            }
        }
        self.refresh_ports().await
    }

    /// Stops it politely (`docker stop`): its stop signal, and after its stop time-out (10 s if nothing else was said)
    /// a kill.
    ///
    /// # Errors
    ///
    /// When the engine fails.
    pub async fn stop(&self) -> Result<()> {
        self.check_own("stopped")?;
        let stop = |remote: Remote| async move { remote.post("stop", &[]).await };
        self.remote.call("stopped", stop).await
    }

    /// Stops it with another time-out, in whole seconds, rounded up (`docker stop --time`).
    ///
    /// # Errors
    ///
    /// When the engine fails.
    pub async fn stop_within(&self, limit: Duration) -> Result<()> {
        self.check_own("stopped")?;
        let seconds = whole_seconds(limit).to_string();
        let stop = |remote: Remote| async move { remote.post("stop", &[("t", &seconds)]).await };
        self.remote.call("stopped", stop).await
    }

    /// Stops it with another signal, such as `"SIGINT"`, and a kill after `limit` (`docker stop --signal --time`).
    ///
    /// # Errors
    ///
    /// When the engine fails or does not know the signal.
    pub async fn stop_with(&self, signal: &str, limit: Duration) -> Result<()> {
        self.check_own("stopped")?;
        let (signal, seconds) = (signal.to_owned(), whole_seconds(limit).to_string());
        // Podman states a version that does, and does not.
        let takes_signal = self.engine().version().api_numbers() >= Some(STOP_TAKES_SIGNAL);
        if takes_signal && !self.engine().is_podman() {
            let stop = |remote: Remote| async move {
                remote.post("stop", &[("signal", &signal), ("t", &seconds)]).await
            };
            return self.remote.call("stopped", stop).await;
        }
        self.kill(&signal).await?;
        let watch = self.watch();
        if io::timeout(limit, async { watch.ended().await }).await.is_none() {
            self.kill("SIGKILL").await?;
        }
        Ok(())
    }

    /// Stops it and starts it again (`docker restart`). The request's waits are not awaited again. Random host ports
    /// change: ask for addresses again. One that was only created is started.
    ///
    /// # Errors
    ///
    /// When the engine fails.
    pub async fn restart(&self) -> Result<()> {
        self.check_own("restarted")?;
        if self.start_first().await? {
            return Ok(());
        }
        // The watch would see the first half, and nothing would watch the second.
        self.stop().await?;
        self.watch().ended().await;
        self.start().await
    }

    /// Sends a signal to its first process: `"SIGKILL"`, `"HUP"`, `"9"` (`docker kill --signal`).
    ///
    /// # Errors
    ///
    /// When it does not run or the signal is unknown.
    pub async fn kill(&self, signal: &str) -> Result<()> {
        self.check_own("killed")?;
        let signal = signal.to_owned();
        let kill = |remote: Remote| async move { remote.kill(&signal).await };
        self.remote.call("sent a signal", kill).await
    }

    /// Freezes all of its processes (`docker pause`).
    ///
    /// # Errors
    ///
    /// When it does not run or the engine cannot freeze.
    pub async fn pause(&self) -> Result<()> {
        self.check_own("paused")?;
        self.remote.call("paused", |remote| async move { remote.post("pause", &[]).await }).await
    }

    /// Lets frozen processes go on (`docker unpause`).
    ///
    /// # Errors
    ///
    /// When it is not paused.
    pub async fn unpause(&self) -> Result<()> {
        self.remote
            .call("let go on", |remote| async move { remote.post("unpause", &[]).await })
            .await
    }

    /// Waits until it ends by itself and gives its exit code (`docker wait`); at once if it has ended already.
    ///
    /// # Errors
    ///
    /// When the engine fails; when it was [created](crate::ContainerRequest::create) and nobody has started it yet.
    pub async fn wait(&self) -> Result<i64> {
        if let Some(code) = self.ended_unready().await? {
            return Ok(code);
        }
        match self.watch().ended().await {
            ExitState::Exited(code) => Ok(code),
            // The connection broke: the engine may have been restarted.
            _ => {
                let wait = |remote: Remote| async move {
                    match remote.watch_exit("not-running").await.ended().await {
                        ExitState::Exited(code) => Ok(code),
                        ExitState::Lost(message) => {
                            Err(ApiError::Broken { message, connected: true })
                        }
                        ExitState::Running => unreachable!("that is not an end"),
                    }
                };
                self.remote.call("waited for", wait).await
            }
        }
    }

    /// Waits until something becomes of it and gives its exit code (`docker wait`, and the conditions that only the API has).
    ///
    /// An end that comes before the future is first polled is not seen by [`WaitCondition::NextExit`].
    ///
    /// # Errors
    ///
    /// When the engine fails or the container is gone.
    pub fn wait_for(
        &self,
        condition: WaitCondition,
    ) -> impl Future<Output = Result<i64>> + Send + 'static {
        let (remote, watch) = (self.remote.clone(), self.watch());
        async move {
            let wait = |remote: Remote| async move { remote.exit_after(condition.as_str()).await };
            let outcome = remote.call("waited for", wait).await;
            let is_gone = outcome.as_ref().map_or_else(Error::is_not_found, |_| true);
            match watch.now() {
                // Gone already; or on Podman 4.3, which has forgotten the code by then.
                ExitState::Exited(code) if condition == WaitCondition::Removed && is_gone => {
                    Ok(code)
                }
                _ => outcome,
            }
        }
    }

    /// Sets the size of its terminal, in characters. (Docker's command does so by itself when a window changes.)
    ///
    /// # Errors
    ///
    /// When it has no terminal ([`tty`](crate::ContainerRequest::tty)) or does not run
    /// ([`is_exited`](Error::is_exited)).
    pub fn resize(
        &self,
        columns: u16,
        rows: u16,
    ) -> impl Future<Output = Result<()>> + Send + 'static {
        let remote = self.remote.clone();
        async move { remote.resize(columns, rows).await }
    }

    /// Removes it now, with its anonymous volumes, and says how that went; dropping the handle does the same. One that all of
    /// the test run [share](crate::ContainerRequest::start_shared) is given back.
    ///
    /// # Errors
    ///
    /// When the engine could not remove it. It was tried again for half a minute then.
    pub async fn remove(mut self) -> Result<()> {
        io::check_process()?;
        let remote = self.remote.clone();
        if let Some(drain) = self.reader().map(|feed| feed.drain(&remote)) {
            drain.await;
        }
        let removed = self.guard.remove().await;
        removed.map_err(|error| {
            self.remote.name_in(error.while_trying("the container could not be removed"))
        })
    }

    /// Leaves it as it is, on purpose: nothing of longshore's removes it any more, neither here nor in another process, and no
    /// sweep. The networks, volumes and images of ours that it uses stay with it; handles of them leave them when they are
    /// dropped.
    ///
    /// Says on standard error how to enter it and how to remove it; [`Kept`] has that too. With `LONGSHORE_KEEP=never` it is
    /// left to the end of the process only.
    ///
    /// # Errors
    ///
    /// When the engine fails; the container is removed then, as by a drop.
    pub async fn keep(mut self) -> Result<Kept> {
        io::check_process()?;
        let kept = self.guard.keep().await.map_err(|error| {
            self.remote.name_in(error.while_trying("the container could not be kept"))
        })?;
        if let Some(feed) = self.feed.take() {
            // Consumers see an end, though more may be written.
            feed.transcript().close();
        }
        kept.tell();
        Ok(kept)
    }

    pub(super) fn watch(&self) -> ExitWatch {
        self.exit.lock().expect("nothing in the lock can panic").clone()
    }

    pub(super) fn now_watched_by(&self, watch: ExitWatch) {
        *self.exit.lock().expect("nothing in the lock can panic") = watch;
    }

    async fn refresh_ports(&self) -> Result<()> {
        let inspect = self.reread_ports().await?;
        if inspect.is_running() {
            return Ok(());
        }
        Err(self.remote.name_in(
            Error::new(Kind::Exited, "the container ended as soon as it was started again")
                .with_exit_code(inspect.exit_code().unwrap_or_default()),
        ))
    }
}

/// What [`Container::wait_for`] waits for, as the Engine API's `condition`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WaitCondition {
    /// That it does not run; at once if it has ended already or was never started.
    NotRunning,
    /// The next time that it ends, also if it does not run now.
    NextExit,
    /// That it is gone, as with [`rm`](crate::ContainerRequest::rm).
    Removed,
}

impl WaitCondition {
    /// The API's word for it.
    fn as_str(self) -> &'static str {
        match self {
            WaitCondition::NotRunning => "not-running",
            WaitCondition::NextExit => "next-exit",
            WaitCondition::Removed => "removed",
        }
    }
}

/// Removes many containers side by side, which takes about as long as the slowest one.
///
/// # Errors
///
/// The first failure; the others are told with it, and every container is tried.
///
/// # Examples
///
/// ```no_run
/// # async fn example(containers: Vec<longshore::Container>) -> longshore::Result<()> {
/// longshore::remove_all(containers).await
/// # }
/// ```
pub async fn remove_all(containers: impl IntoIterator<Item = Container>) -> Result<()> {
    let outcomes = future::join_all(containers.into_iter().map(Container::remove)).await;
    let mut failures = outcomes.into_iter().filter_map(Result::err);
    match failures.next() {
        None => Ok(()),
        Some(first) => Err(failures.fold(first, Error::and_also)),
    }
}
