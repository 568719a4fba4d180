//! The verbs, and the engine's own prunes.

use std::future::Future;
use std::time::{Duration, Instant};

use hyper::Method;
use serde_json::Value;

use super::by_hand;
use super::options::{Prune, Subject};
use super::report::PruneReport;
use crate::container::Containers;
use crate::engine::{io, podman, query, ApiError, Engine, Thing};
use crate::error::{Error, Result};
use crate::image::Images;
use crate::network::Networks;
use crate::session::{self, KeptThings};
use crate::volume::Volumes;

/// An engine does one prune of a kind at a time, and one count of what it holds, and refuses others; so long is waited for
/// somebody else's.
const TURN_LIMIT: Duration = Duration::from_secs(60);

/// Since this version of the API a prune of volumes takes anonymous ones unless it is told otherwise.
const SPARES_NAMED_VOLUMES: (usize, usize) = (1, 42);

impl Containers {
    /// Removes containers that do not run (`docker container prune`): of this test run, unless the options say otherwise.
    ///
    /// # Errors
    ///
    /// When a filter is malformed or not for containers, which is told before anything goes; when the engine fails.
    pub fn prune(
        &self,
        prune: Prune,
    ) -> impl Future<Output = Result<PruneReport>> + Send + 'static {
        run(self.engine.clone(), Subject::Containers, prune)
    }
}

impl Networks {
    /// Removes networks on which nothing is (`docker network prune`): of this test run, unless the options say otherwise.
    ///
    /// # Errors
    ///
    /// When a filter is malformed or not for networks, which is told before anything goes; when the engine fails.
    pub fn prune(
        &self,
        prune: Prune,
    ) -> impl Future<Output = Result<PruneReport>> + Send + 'static {
        run(self.engine.clone(), Subject::Networks, prune)
    }
}

impl Volumes {
    /// Removes anonymous volumes that no container uses, with [`Prune::all`] those that have names too (`docker volume
    /// prune`): of this test run, unless the options say otherwise. Volumes that longshore makes have names.
    ///
    /// # Errors
    ///
    /// When a filter is malformed or not for volumes, which is told before anything goes; when the engine fails.
    pub fn prune(
        &self,
        prune: Prune,
    ) -> impl Future<Output = Result<PruneReport>> + Send + 'static {
        run(self.engine.clone(), Subject::Volumes, prune)
    }
}

impl Images {
    /// Removes dangling images, with [`Prune::all`] all that no container uses (`docker image prune`): of this test run,
    /// unless the options say otherwise. Images that were pulled or tagged are nobody's own and stay. With an image go those
    /// without a name that it was made from.
    ///
    /// # Errors
    ///
    /// When a filter is malformed or not for images, which is told before anything goes; when the engine fails.
    pub fn prune(
        &self,
        prune: Prune,
    ) -> impl Future<Output = Result<PruneReport>> + Send + 'static {
        run(self.engine.clone(), Subject::Images, prune)
    }
}

impl Engine {
    /// Removes what nobody uses, in this order: containers that do not run, networks on which nothing is, volumes if
    /// [`Prune::volumes`] says so, images, and with [`Prune::everything`] and without labels the build cache (`docker system
    /// prune`). Of this test run, unless the options say otherwise.
    ///
    /// # Errors
    ///
    /// When a filter is malformed, or is not for volumes and they are to go, which is told before anything goes; when the
    /// engine fails. The error tells what went until then.
    pub fn prune(
        &self,
        prune: Prune,
    ) -> impl Future<Output = Result<PruneReport>> + Send + 'static {
        run(self.clone(), Subject::System, prune)
    }
}

async fn run(engine: Engine, subject: Subject, prune: Prune) -> Result<PruneReport> {
    io::check_process()?;
    prune.check(subject)?;
    io::run(async move {
        let kept = session::kept(&engine).await.map_err(|error| {
            let report = error
                .while_trying("what is kept on purpose could not be listed, so nothing was pruned");
            report.fact("engine", engine.to_string())
        })?;
        if subject != Subject::System {
            let pruned = of_kind(&engine, subject, &prune, &kept).await;
            return pruned.map_err(|error| error.fact("engine", engine.to_string()));
        }
        let mut report = PruneReport::default();
        let system = system(&engine, &prune, &kept, &mut report).await;
        match system {
            Ok(()) => Ok(report),
            Err(error) if report.is_empty() => Err(error.fact("engine", engine.to_string())),
            Err(error) => {
                let error = error.fact("engine", engine.to_string());
                Err(error.fact("removed before that", report.to_string().replace("\n\n", "\n")))
            }
        }
    })
    .await
}

/// In the order of `docker system prune`: what uses goes before what is used.
async fn system(
    engine: &Engine,
    prune: &Prune,
    kept: &KeptThings,
    report: &mut PruneReport,
) -> Result<()> {
    for kind in [Subject::Containers, Subject::Networks] {
        report.add(of_kind(engine, kind, prune, kept).await?);
    }
    if prune.takes_volumes(Subject::System) {
        let volumes = prune.of_volumes_in_system();
        report.add(of_kind(engine, Subject::Volumes, &volumes, kept).await?);
    }
    report.add(of_kind(engine, Subject::Images, prune, kept).await?);
    // Podman has no build cache of that kind.
    if prune.takes_build_cache() && !engine.is_podman() {
        let all = if prune.takes_named() { "1" } else { "0" };
        let filters = prune.filters(&[])?.to_string();
        let path = format!("/build/prune{}", query(&[("all", all), ("filters", &filters)]));
        let answer = ask(engine, Method::POST, &path)
            .await
            .map_err(|error| failed(error, "the build cache"))?;
        report.add(PruneReport::from_answer(&answer));
    }
    Ok(())
}

async fn of_kind(
    engine: &Engine,
    kind: Subject,
    prune: &Prune,
    kept: &KeptThings,
) -> Result<PruneReport> {
    let dangling = if prune.takes_named() { "false" } else { "true" };
    let spares_named = engine.version().api_numbers() >= Some(SPARES_NAMED_VOLUMES);
    let (thing, what, more) = match kind {
        Subject::Containers => (Thing::Container, "the containers", None),
        Subject::Networks => (Thing::Network, "the networks", None),
        Subject::Volumes => {
            let all = spares_named && prune.takes_named();
            (Thing::Volume, "the volumes", all.then_some(("all", "true")))
        }
        Subject::Images => (Thing::Image, "the images", Some(("dangling", dangling))),
        Subject::System => unreachable!("that is several kinds"),
    };
    let takes_too_much = match kind {
        // Podman forgets what it has removed when something else goes meanwhile.
        Subject::Containers => engine.is_podman(),
        // Podman removes what has any of several labels.
        Subject::Volumes => engine.is_podman() || !spares_named && !prune.takes_named(),
        Subject::Images => engine.is_podman(),
        Subject::Networks | Subject::System => false,
    };
    let until = prune.until_when()?;
    let pruned = async {
        if !takes_too_much && !by_hand::takes_what_is_kept(engine, thing, prune, kept).await? {
            return Ok(None);
        }
        match kind {
            Subject::Containers => by_hand::containers(engine, prune, until, kept).await,
            Subject::Networks => by_hand::networks(engine, prune, until, kept).await,
            Subject::Volumes => by_hand::volumes(engine, prune, kept).await,
            Subject::Images | Subject::System => by_hand::images(engine, prune, until, kept).await,
        }
        .map(Some)
    };
    if let Some(report) = pruned.await.map_err(|error| failed(error, what))? {
        return Ok(report);
    }
    let filters = prune.filters(more.as_slice())?.to_string();
    let path = format!("/{}s/prune{}", thing.noun(), query(&[("filters", &filters)]));
    let answer = ask(engine, Method::POST, &path).await.map_err(|error| failed(error, what))?;
    Ok(PruneReport::from_answer(&answer))
}

fn failed(error: ApiError, what: &str) -> Error {
    error.while_trying(format!("{what} could not be pruned"))
}

/// One call, when it is our turn: the engine does not tell when that is.
pub(super) async fn ask(engine: &Engine, method: Method, path: &str) -> Result<Value, ApiError> {
    let begun = Instant::now();
    let mut pause = Duration::from_millis(20);
    loop {
        match engine.client().json(method.clone(), path, None).await {
            Err(error) if is_not_our_turn(engine, &error) && begun.elapsed() < TURN_LIMIT => {}
            outcome => return outcome,
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(500));
    }
}

fn is_not_our_turn(engine: &Engine, error: &ApiError) -> bool {
    match error {
        ApiError::Refused { status: 409, .. } => true,
        // Docker 20.10, of how much it holds.
        ApiError::Refused { message, .. } if message.contains("already running") => true,
        error => engine.is_podman() && podman::is_of_what_is_gone(error),
    }
}
