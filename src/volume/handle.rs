//! [`Volume`]: the handle of a volume that longshore has made, and its removal.

use std::fmt;
use std::future::Future;

use super::inspect::VolumeInspect;
use super::remote::{inspect, name_in};
use super::volume_request::VolumeRequest;
use crate::engine::{io, Engine};
use crate::error::Result;
use crate::session::{Guard, Kept};

/// A volume that is this handle's own: dropping the handle removes it.
///
/// One that a container of this process still uses goes when that container does, so that handles can be dropped in any
/// order. Handles can be made, used and dropped in any async runtime or in none, on any thread.
///
/// # Examples
///
/// What one container writes, the next one reads:
///
/// ```no_run
/// use longshore::{ContainerRequest, Volume, Wait};
///
/// # async fn example() -> longshore::Result<()> {
/// let volume = Volume::create().await?;
/// let busybox = ContainerRequest::new("busybox:1.35").volume(volume.at("/data"));
/// let writer = busybox.clone().cmd(["sh", "-c", "echo hello > /data/greeting"]).wait(Wait::exit());
/// writer.start().await?.remove().await?;
/// let reader = busybox.cmd(["cat", "/data/greeting"]).wait(Wait::exit()).start().await?;
/// assert_eq!(reader.logs().await?, "hello\n");
/// # Ok(())
/// # }
/// ```
#[must_use = "a volume is removed as soon as its handle is dropped"]
pub struct Volume {
    pub(super) guard: Guard,
    pub(super) engine: Engine,
    pub(super) name: String,
}

impl Volume {
    /// A fresh, empty volume with a random name, on the process's default engine; for anything else see
    /// [`VolumeRequest`].
    ///
    /// # Errors
    ///
    /// As [`VolumeRequest::create`].
    pub fn create() -> impl Future<Output = Result<Volume>> + Send + 'static {
        VolumeRequest::new().create()
    }

    /// The name: the request's, or a random one that begins with `longshore-`. It is a volume's id too.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The engine that it is on.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// It at a path in a container, as [`ContainerRequest::volume`](crate::ContainerRequest::volume) takes it:
    /// `.volume(data.at("/data"))`. Options stand behind the path: `"/data:ro"`, `"/data:nocopy"`.
    pub fn at(&self, path: &str) -> String {
        format!("{}:{path}", self.name)
    }

    /// Asks the engine for what it knows of it (`docker volume inspect`).
    ///
    /// # Errors
    ///
    /// When the engine fails or the volume is gone.
    pub fn inspect(&self) -> impl Future<Output = Result<VolumeInspect>> + Send + 'static {
        inspect(self.engine.clone(), self.name.clone())
    }

    /// Removes it now, with all that is in it, and says how that went; dropping the handle does the same.
    ///
    /// # Errors
    ///
    /// When a container uses it, or the engine could not remove it. One that is used goes when that container does, as
    /// after a drop.
    pub async fn remove(self) -> Result<()> {
        io::check_process()?;
        self.guard.remove().await.map_err(|error| {
            let is_used = error.status() == Some(409);
            let report = error.while_trying("the volume could not be removed");
            let report = name_in(report, &self.name, &self.engine);
            if is_used {
                return report
                    .hint("remove the container that uses it first; the volume goes with it now");
            }
            report
        })
    }

    /// Leaves it where it is, on purpose: nothing of longshore's removes it any more, neither here nor in another process.
    /// Says on standard error how to remove it. With `LONGSHORE_KEEP=never` it is left to the end of the process only.
    ///
    /// # Errors
    ///
    /// When the engine fails; the volume is removed then, as by a drop.
    pub async fn keep(self) -> Result<Kept> {
        io::check_process()?;
        let kept = self.guard.keep().await.map_err(|error| {
            let report = error.while_trying("the volume could not be kept");
            name_in(report, &self.name, &self.engine)
        })?;
        kept.tell();
        Ok(kept)
    }
}

impl From<&Volume> for String {
    /// Its name.
    fn from(volume: &Volume) -> String {
        volume.name.clone()
    }
}

impl fmt::Debug for Volume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Volume({})", self.name)
    }
}
