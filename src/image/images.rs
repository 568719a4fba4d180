//! The images of one engine: where `docker image ..` begins. The verbs are in the files beside this one.

use std::future::Future;

use super::name::ImageName;
use crate::engine::{io, ApiError, Engine};
use crate::error::Result;

/// The images of an engine, whoever made them, as `docker image`.
///
/// Its futures hold nothing of it: they can be spawned, and awaited in any runtime or in none.
///
/// # Examples
///
/// ```no_run
/// # async fn example() -> longshore::Result<()> {
/// use longshore::{Engine, ImageFilters};
///
/// let images = Engine::connect().await?.images();
/// images.pull("busybox:1.35").await?;
/// images.tag("busybox:1.35", "127.0.0.1:5000/team/app:1").await?;
/// let digest = images.push("127.0.0.1:5000/team/app:1").await?;
/// for image in images.list(ImageFilters::new().reference("busy*:*35")).await? {
///     println!("{} {:?} {} bytes", image.id(), image.tags(), image.size());
/// }
/// images.remove("127.0.0.1:5000/team/app:1").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Images {
    pub(crate) engine: Engine,
}

impl Engine {
    /// The engine's images (`docker image ..`).
    pub fn images(&self) -> Images {
        Images { engine: self.clone() }
    }
}

impl Images {
    /// Checks the name, runs one call about the image on the I/O thread, and names the image in its failure:
    /// "the image `x` could not be `done`".
    pub(super) fn ask<T, F>(
        &self,
        name: &str,
        done: &'static str,
        work: impl FnOnce(Engine, ImageName) -> F + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send + 'static
    where
        T: Send + 'static,
        F: Future<Output = Result<T, ApiError>> + Send + 'static,
    {
        let (engine, name) = (self.engine.clone(), ImageName::parse(name));
        async move {
            io::check_process()?;
            let name = name?;
            io::run(work(engine.clone(), name.clone())).await.map_err(|error| {
                let what = format!("the image `{}` could not be {done}", name.text());
                name.failed(error, what, &engine)
            })
        }
    }
}
