//! The containers of one engine: where `docker container ..` begins for those that nobody holds a handle of.

use std::cmp::Reverse;
use std::future::Future;

use hyper::Method;
use serde_json::Value;

use super::batch::{self, BatchReport};
use super::list::ContainerFilters;
use super::summary::ContainerSummary;
use crate::engine::{io, ApiError, Engine, Inspect};
use crate::error::{Error, Kind, Result};

/// The containers of an engine, whoever made them, as `docker container`: see its methods.
///
/// # Examples
///
/// ```no_run
/// use longshore::{ContainerFilters, Engine};
///
/// # async fn example() -> longshore::Result<()> {
/// let containers = Engine::connect().await?.containers();
/// for container in containers.list(ContainerFilters::new().all().ours()).await? {
///     println!("{} {} {}", container.name(), container.image(), container.status());
/// }
/// containers.remove_all().await?.ok()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Containers {
    pub(crate) engine: Engine,
}

impl Engine {
    /// The engine's containers (`docker container ..`).
    pub fn containers(&self) -> Containers {
        Containers { engine: self.clone() }
    }
}

impl Containers {
    /// Lists containers, the youngest first (`docker ps`). Docker's list may be a moment behind: one that has just ended may
    /// still be called running there, and not by `inspect`.
    ///
    /// # Errors
    ///
    /// When a filter is wrong (nothing is asked then) or the engine fails.
    pub fn list(
        &self,
        filters: ContainerFilters,
    ) -> impl Future<Output = Result<Vec<ContainerSummary>>> + Send + 'static {
        let engine = self.engine.clone();
        async move {
            let query = filters.query(&engine)?;
            io::check_process()?;
            let asked = engine.clone();
            let listed = io::run(async move { list(&asked, &query).await });
            listed.await.map_err(|error| {
                let report = error.while_trying("the containers could not be listed");
                report.fact("engine", engine.to_string())
            })
        }
    }

    /// Asks for one container's state, by its name or id (`docker inspect`).
    ///
    /// # Errors
    ///
    /// When there is none ([`is_not_found`](Error::is_not_found)) or the engine fails.
    pub fn inspect(
        &self,
        name_or_id: &str,
    ) -> impl Future<Output = Result<Inspect>> + Send + 'static {
        let (engine, container) = (self.engine.clone(), name_or_id.to_owned());
        async move {
            let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
            if container.is_empty() || !container.chars().all(is_word) {
                let what = format!("`{container}` is neither the name nor the id of a container");
                return Err(Error::new(Kind::InvalidRequest, what)
                    .hint("a name has letters, digits, `_`, `.` and `-` only"));
            }
            io::check_process()?;
            let (asked, path) = (engine.clone(), format!("/containers/{container}/json"));
            let look = io::run(async move { asked.client().json(Method::GET, &path, None).await });
            look.await.map(Inspect::new).map_err(|error| {
                let report = error
                    .while_trying(format!("the container `{container}` could not be inspected"));
                report.fact("engine", engine.to_string())
            })
        }
    }

    /// Stops every running container of this test run politely, side by side (`docker stop`): those that this process and the
    /// others of the run have made, and nobody else's, nor what is kept on purpose. Takes as long as the slowest, which is killed
    /// after its stop time-out.
    ///
    /// # Errors
    ///
    /// When they cannot be listed. What became of each is in the report.
    pub fn stop_all(&self) -> impl Future<Output = Result<BatchReport>> + Send + 'static {
        let (engine, ours) = (self.engine.clone(), self.list(ContainerFilters::new().ours()));
        async move {
            let ours = batch::unkept(&engine, ours.await?).await?;
            Ok(batch::stop(&engine, ours).await)
        }
    }

    /// Removes every container of this test run, running or not, with its anonymous volumes, side by side
    /// (`docker rm --force --volumes`): those that this process and the others of the run have made, and nobody else's, nor what is kept on purpose. Handles
    /// of them that are still there find their containers gone, and dropping them is fine.
    ///
    /// # Errors
    ///
    /// When they cannot be listed. What became of each is in the report.
    pub fn remove_all(&self) -> impl Future<Output = Result<BatchReport>> + Send + 'static {
        let (engine, ours) = (self.engine.clone(), self.list(ContainerFilters::new().all().ours()));
        async move {
            let ours = batch::unkept(&engine, ours.await?).await?;
            Ok(batch::remove(&engine, ours).await)
        }
    }
}

async fn list(engine: &Engine, query: &str) -> Result<Vec<ContainerSummary>, ApiError> {
    let host = engine.host().await;
    let path = format!("/containers/json{query}");
    let listed = engine.client().json(Method::GET, &path, None).await?;
    let mut lines: Vec<Value> = match listed {
        Value::Array(lines) => lines,
        _ => Vec::new(),
    };
    // Podman lists them in any order.
    lines.sort_by_key(|line| Reverse(line["Created"].as_i64()));
    Ok(lines.into_iter().map(|line| ContainerSummary::new(line, host)).collect())
}
