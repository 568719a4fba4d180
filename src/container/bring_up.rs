//! The middle of a start: copies, networks, the watch for its end, start, and the first look at what runs.

use std::future::Future;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt};
use serde_json::{json, Value};

use super::archive;
use super::copy::{cannot_copy_in, copy_error};
use super::feed::Feed;
use super::make::Made;
use super::start::Launch;
use crate::engine::{io, ApiError, ExitWatch, Inspect, Remote, Thing};
use crate::error::{Error, Kind, Result};
use crate::request::{ContainerRequest, CopyIn, Endpoint};
use crate::session::Guard;
use crate::wait::{Transcript, Wait};

/// A container that runs, before it is waited for.
pub(super) struct Running {
    pub(super) inspect: Inspect,
    pub(super) exit: ExitWatch,
    pub(super) transcript: Arc<Transcript>,
    pub(super) feed: Option<Feed>,
}

/// How the output of the run that begins is read, if it is.
pub(super) enum Reading {
    /// From its first line on, which stands behind this many bytes of earlier runs.
    Afresh(Arc<Transcript>, usize),
    /// By what has read the earlier ones.
    On(Arc<Transcript>),
}

/// Which step of an attempt failed.
pub(super) enum Step {
    Copy(String, ApiError),
    Connect(String, ApiError),
    Start(ApiError),
    Look(ApiError),
}

impl Launch {
    /// What comes between create and start: copies, and the networks that the create request had no place for.
    pub(super) fn furnish(
        &self,
        made: &Made,
    ) -> impl Future<Output = Result<(), Step>> + Send + 'static {
        let copies: Vec<_> = self.request.copies().iter().map(|copy| put(made, copy)).collect();
        let (remote, connected) = (made.remote.clone(), made.connected.clone());
        async move {
            for copy in copies {
                copy.await?;
            }
            for endpoint in connected {
                connect(&remote, &endpoint)
                    .await
                    .map_err(|error| Step::Connect(endpoint.network, error))?;
            }
            Ok(())
        }
    }

    /// The start, and the first look at what runs.
    pub(super) fn bring_up(
        &self,
        guard: &Guard,
        remote: &Remote,
        reading: Reading,
    ) -> impl Future<Output = Result<Running, Step>> + Send + 'static {
        let removes_itself = self.request.removes_itself();
        let is_podman = remote.engine().is_podman();
        let is_wanted = removes_itself
            || !self.feeds.is_empty()
            || self.request.waits().iter().any(Wait::reads_output);
        let (transcript, behind) = match reading {
            Reading::Afresh(transcript, behind) => (transcript, Some(behind).filter(|_| is_wanted)),
            Reading::On(transcript) => (transcript, None),
        };
        let starting = remote.clone();
        let start = guard.undisturbed(async move { starting.start().await });
        let remote = remote.clone();
        async move {
            let mut feed = None;
            if behind.is_some() && removes_itself && !is_podman {
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
            if let Some(behind) = behind.filter(|_| feed.is_none()) {
                feed = Some(Feed::following(&remote, transcript.clone(), behind));
                if removes_itself {
                    remove_at_its_end(&remote, &exit, &transcript);
                }
            }
            Ok(Running { inspect: Inspect::new(inspect), exit, transcript, feed })
        }
    }
}

/// One copy.
fn put(made: &Made, copy: &CopyIn) -> BoxFuture<'static, Result<(), Step>> {
    let (remote, copy) = (made.remote.clone(), copy.clone());
    let what = cannot_copy_in(&copy);
    let put = async move {
        let put = remote.put_archive(archive::pack(copy)).await;
        put.map_err(|error| Step::Copy(what, error))
    };
    match made.remote.engine().is_podman() {
        // Podman goes on unpacking when nobody listens any more, and fails to remove what is just being written to.
        true => made.guard.undisturbed(put).boxed(),
        false => put.boxed(),
    }
}

/// `POST /networks/{id}/connect`.
async fn connect(remote: &Remote, endpoint: &Endpoint) -> Result<(), ApiError> {
    let mut settings = endpoint.settings.clone();
    if let Some(address) = &endpoint.mac_address {
        settings["MacAddress"] = address.as_str().into();
    }
    let body = json!({ "Container": remote.id(), "EndpointConfig": settings });
    let path = format!("/networks/{}/connect", endpoint.network);
    remote.engine().client().post(&path, Some(&body)).await
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
    pub(super) fn report(self, request: &ContainerRequest) -> Error {
        match self {
            Step::Copy(what, error) => copy_error(error, what),
            Step::Connect(network, error) => {
                let told = error.to_string();
                let what =
                    format!("the container could not be connected to the network `{network}`");
                hint_for(&told, error.while_trying(what))
            }
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
                // Not those that are about a mount, a device or a limit.
                let is_of_command = ["exec", "chdir"].iter().any(|word| told.contains(word));
                if error.status().is_some()
                    && is_of_command
                    && NOT_RUNNABLE.iter().any(|saying| told.contains(saying))
                {
                    let report =
                        Error::new(Kind::Command, "the command of the container cannot be run")
                            .fact("because", told);
                    return match request.command().first().filter(|word| word.starts_with('-')) {
                        Some(word) => report.hint(format!(
                            "`{word}` stands behind the image, where the command is; options of `docker run` come before it"
                        )),
                        None => report.hint(
                            "look at `.cmd(..)`, `.entrypoint(..)`, `.workdir(..)` and what the image holds",
                        ),
                    };
                }
                hint_for(&told, error.while_trying("the engine did not start the container"))
            }
        }
    }
}

/// What to do about a refusal of the engine's, where that can be told.
pub(super) fn hint_for(told: &str, report: Error) -> Error {
    let lacks_network = told.contains("unable to find network")
        || (told.contains("network") && told.contains("not found"));
    match lacks_network {
        true => report.hint("make the network first: `NetworkRequest`, or `docker network create`"),
        false => report,
    }
}
