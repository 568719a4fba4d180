//! Stopping and removing many containers side by side, and the report of that. Which ones is decided by the caller.

use std::future::Future;

use futures::future;

use super::summary::ContainerSummary;
use crate::engine::{io, ApiError, Engine, Remote, Thing};
use crate::error::{Error, Result};
use crate::session;

/// What became of many containers, as a report: a failure with one does not keep the others.
#[derive(Debug)]
pub struct BatchReport {
    ids: Vec<String>,
    failures: Vec<BatchFailure>,
}

/// One container for which it failed, and why.
#[derive(Debug)]
pub struct BatchFailure {
    id: String,
    error: Error,
}

impl BatchFailure {
    /// The container's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Why it failed.
    pub fn error(&self) -> &Error {
        &self.error
    }
}

impl BatchReport {
    /// The ids of those for which it went well; one that was gone already is among them.
    pub fn ids(&self) -> &[String] {
        &self.ids
    }

    /// Those for which it failed.
    pub fn failures(&self) -> &[BatchFailure] {
        &self.failures
    }

    /// The ids, if nothing failed.
    ///
    /// # Errors
    ///
    /// The first failure, and the others with it.
    pub fn ok(self) -> Result<Vec<String>> {
        let mut failures = self.failures.into_iter().map(|failure| failure.error);
        match failures.next() {
            None => Ok(self.ids),
            Some(first) => Err(failures.fold(first, Error::and_also)),
        }
    }
}

/// Those that are not kept on purpose.
///
/// # Errors
///
/// When the engine fails.
pub(super) async fn unkept(
    engine: &Engine,
    containers: Vec<ContainerSummary>,
) -> Result<Vec<ContainerSummary>> {
    let asked = engine.clone();
    let kept = io::run(async move { session::kept(&asked).await }).await.map_err(|error| {
        let report = error.while_trying("what is kept on purpose could not be listed");
        report.fact("engine", engine.to_string())
    })?;
    let goes = |one: &ContainerSummary| !kept.spares(&one.raw()["Labels"]);
    Ok(containers.into_iter().filter(goes).collect())
}

/// Stops them politely.
pub(super) async fn stop(engine: &Engine, containers: Vec<ContainerSummary>) -> BatchReport {
    side_by_side(engine, containers, "stopped", |remote| async move {
        match remote.post("stop", &[]).await {
            Err(error) if error.is_not_found() => Ok(()),
            outcome => outcome,
        }
    })
    .await
}

/// Removes them by force.
pub(super) async fn remove(engine: &Engine, containers: Vec<ContainerSummary>) -> BatchReport {
    side_by_side(engine, containers, "removed", |remote| async move {
        Thing::Container.remove(remote.engine(), remote.id()).await
    })
    .await
}

async fn side_by_side<F>(
    engine: &Engine,
    containers: Vec<ContainerSummary>,
    what: &str,
    work: impl Fn(Remote) -> F,
) -> BatchReport
where
    F: Future<Output = Result<(), ApiError>> + Send + 'static,
{
    let one = |container: ContainerSummary| {
        let (id, name) = (container.id().to_owned(), container.name().to_owned());
        let image = container.image().to_owned();
        let remote = Remote::new(engine.clone(), id.clone(), name, image, false);
        // Begun is begun, also when the caller does not wait.
        let task = io::spawn(work(remote.clone()));
        async move {
            let outcome = task.await.map_err(|error| {
                remote.name_in(error.while_trying(format!("the container could not be {what}")))
            });
            (id, outcome)
        }
    };
    let outcomes = future::join_all(containers.into_iter().map(one)).await;
    let mut report = BatchReport { ids: Vec::new(), failures: Vec::new() };
    for (id, outcome) in outcomes {
        match outcome {
            Ok(()) => report.ids.push(id),
            Err(error) => report.failures.push(BatchFailure { id, error }),
        }
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn failures_are_told_together() {
        let failure = |id: &str| BatchFailure {
            id: id.into(),
            error: Error::new(Kind::Engine(500), format!("{id} could not be removed")),
        };
        let report =
            BatchReport { ids: vec!["a".into()], failures: vec![failure("b"), failure("c")] };
        assert_eq!(report.ids(), ["a"]);
        assert_eq!(report.failures()[1].id(), "c");
        let error = report.ok().unwrap_err();
        assert_eq!(error.to_string(), "b could not be removed\n  also: c could not be removed");
        let report = BatchReport { ids: vec!["a".into()], failures: Vec::new() };
        assert_eq!(report.ok().unwrap(), ["a"]);
    }
}
