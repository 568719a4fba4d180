//! The volumes of one engine: where `docker volume ..` begins for those that nobody holds a handle of.

use std::future::Future;

use hyper::Method;

use super::filters::VolumeFilters;
use super::inspect::VolumeInspect;
use super::remote::{inspect, remove};
use crate::engine::{io, Engine};
use crate::error::Result;

/// The volumes of an engine, whoever made them, as `docker volume`: see its methods.
///
/// # Examples
///
/// ```no_run
/// use longshore::{Engine, VolumeFilters};
///
/// # async fn example() -> longshore::Result<()> {
/// let volumes = Engine::connect().await?.volumes();
/// for volume in volumes.list(VolumeFilters::new().label("project=shop").dangling()).await? {
///     volumes.remove(volume.name()).await?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Volumes {
    pub(crate) engine: Engine,
}

impl Engine {
    /// The engine's volumes (`docker volume ..`).
    pub fn volumes(&self) -> Volumes {
        Volumes { engine: self.clone() }
    }
}

impl Volumes {
    /// The volumes that the filters let through (`docker volume ls`).
    ///
    /// # Errors
    ///
    /// When the engine fails or does not know a filter.
    pub fn list(
        &self,
        filters: VolumeFilters,
    ) -> impl Future<Output = Result<Vec<VolumeInspect>>> + Send + 'static {
        let engine = self.engine.clone();
        async move {
            io::check_process()?;
            let asked = engine.clone();
            let (filters, rest) = match engine.is_podman() {
                true => filters.for_podman(),
                false => (filters, VolumeFilters::new()),
            };
            let path = format!("/volumes{}", filters.to_query());
            let found = io::run(async move { asked.client().json(Method::GET, &path, None).await });
            let found = found.await.map_err(|error| {
                error
                    .while_trying("the volumes could not be listed")
                    .fact("engine", engine.to_string())
            })?;
            let all = found["Volumes"].as_array().into_iter().flatten();
            let all = all.cloned().map(VolumeInspect::new);
            Ok(all.filter(|volume| rest.fits(volume)).collect())
        }
    }

    /// What the engine says of one (`docker volume inspect`).
    ///
    /// # Errors
    ///
    /// When there is none ([`is_not_found`](crate::Error::is_not_found)), or the engine fails.
    pub fn inspect(
        &self,
        volume: impl Into<String>,
    ) -> impl Future<Output = Result<VolumeInspect>> + Send + 'static {
        inspect(self.engine.clone(), volume.into())
    }

    /// Removes one, with all that is in it (`docker volume rm`).
    ///
    /// # Errors
    ///
    /// When there is none ([`is_not_found`](crate::Error::is_not_found)), a container uses it, or the engine fails.
    pub fn remove(
        &self,
        volume: impl Into<String>,
    ) -> impl Future<Output = Result<()>> + Send + 'static {
        remove(self.engine.clone(), volume.into())
    }
}
