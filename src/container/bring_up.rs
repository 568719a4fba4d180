//! The middle of a start: copies, the watch for its end, start, and the first look at what runs.

use std::sync::Arc;

use serde_json::Value;

use super::archive;
use super::copy::{cannot_copy_in, copy_error};
use super::feed::Feed;
use super::start::Launch;
use crate::engine::{io, phase, ApiError, ExitWatch, Inspect, Remote, Thing};
use crate::error::{Error, Kind, Result};
use crate::session::Guard;
use crate::wait::{Transcript, Wait};

/// A container that runs, before it is waited for.
pub(super) struct Running {
    pub(super) inspect: Inspect,
    pub(super) exit: ExitWatch,
    pub(super) transcript: Arc<Transcript>,
    pub(super) feed: Option<Feed>,
}

/// Which step of an attempt failed.
pub(super) enum Step {
    Copy(String, ApiError),
    Start(ApiError),
    Look(ApiError),
}

impl Launch<'_> {
    /// Copies, start, and the first look at what runs.
    pub(super) async fn bring_up(
        &self,
        guard: &Guard,
        remote: &Remote,
        transcript: Arc<Transcript>,
    ) -> Result<Result<Running, Step>> {
        let copies = self.request.copies().to_vec();
        let removes_itself = self.request.removes_itself();
        let is_podman = remote.engine().is_podman();
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
            if removes_itself && !is_podman {
                // Its logs go with it, so they are read as they are written, from before the first line.
                let output = remote.attach_output().await.map_err(Step::Start)?;
                feed = Some(Feed::attached(output, transcript.clone()));
            }
            let exit = remote.watched(start).await.map_err(Step::Start)?;
            let inspect = match remote.inspect_raw().await {
                Ok(inspect) => inspect,
                // It has ended and is gone; what there was to know is in the transcript and the exit code.
                Err(error) if removes_itself && error.is_not_found() => Value::Null,
                Err(error) => return Err(Step::Look(error)),
            };
            if needs_output && feed.is_none() {
                feed = Some(Feed::following(&remote, transcript.clone()));
                if removes_itself {
                    remove_at_its_end(&remote, &exit, &transcript);
                }
            }
            Ok(Running { inspect: Inspect::new(inspect), exit, transcript, feed })
        };
        phase(tracing::info_span!("start"), self.in_time(io::run(work))).await
    }
}

/// `--rm` where the engine does not do it for us.
fn remove_at_its_end(remote: &Remote, exit: &ExitWatch, transcript: &Arc<Transcript>) {
    let (remote, exit, transcript) = (remote.clone(), exit.clone(), transcript.clone());
    drop(io::spawn(async move {
        exit.exited().await;
        transcript.ended().await;
        if let Err(error) = Thing::Container.remove(remote.engine(), remote.id()).await {
            tracing::warn!(container = remote.name(), %error, "a container that ended could not be removed");
        }
    }));
}

impl Step {
    pub(super) fn report(self) -> Error {
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
