//! [`Image`]: an image that is its handle's own, such as `commit` makes. It is removed with the handle.

use std::fmt;

use crate::engine::{io, Engine};
use crate::error::{Error, Result};
use crate::session::{Guard, Kept};

/// An image that is this handle's own, as [`Container::commit`](crate::Container::commit) makes one: dropping the handle
/// removes it.
///
/// It goes into a request as it is: `ContainerRequest::new(&image)`. One that a container still uses when the handle is
/// dropped, running or not, goes after that container; one that another committed image is made of goes after that one. What
/// somebody else has tagged is theirs too: it loses this handle's tag then, and stays under the other.
///
/// # Examples
///
/// ```no_run
/// use longshore::{Commit, Container, ContainerRequest};
///
/// # async fn example(database: Container) -> longshore::Result<()> {
/// let filled = database.commit(Commit::new()).await?;
/// let (first, second) = (ContainerRequest::new(&filled), ContainerRequest::new(&filled));
/// # Ok(())
/// # }
/// ```
#[must_use = "an image is removed as soon as its handle is dropped"]
pub struct Image {
    guard: Guard,
    engine: Engine,
    id: String,
    tag: Option<String>,
}

impl Image {
    /// A handle for the image that `guard` has made.
    pub(crate) fn new(guard: Guard, engine: Engine, id: String, tag: Option<String>) -> Self {
        Image { guard, engine, id, tag }
    }

    /// The full id: `sha256:` and 64 hexadecimal digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The tag that it was given, such as `app:1`; `None` for one without, as `docker images` shows with `<none>`.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The engine that has it.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Removes it now and says how that went; dropping the handle does the same.
    ///
    /// # Errors
    ///
    /// When the engine could not remove it. One that a container still uses goes after that all the same.
    pub async fn remove(self) -> Result<()> {
        io::check_process()?;
        let removed = self.guard.remove().await;
        removed.map_err(|error| {
            let is_used = error.status() == Some(409);
            let report = self.name_in(error.while_trying("the image could not be removed"));
            match is_used {
                true => report.hint("remove what uses it first; it goes after that in any case"),
                false => report,
            }
        })
    }

    /// Leaves it where it is, on purpose: nothing of longshore's removes it any more, neither here nor in another process.
    /// Says on standard error how to remove it. With `LONGSHORE_KEEP=never` it is left to the end of the process only.
    ///
    /// # Errors
    ///
    /// When the engine fails; the image is removed then, as by a drop.
    pub async fn keep(self) -> Result<Kept> {
        io::check_process()?;
        let kept = self
            .guard
            .keep()
            .await
            .map_err(|error| self.name_in(error.while_trying("the image could not be kept")))?;
        kept.tell();
        Ok(kept)
    }

    /// What a request calls it.
    fn word(&self) -> &str {
        self.tag.as_deref().unwrap_or(&self.id)
    }

    fn name_in(&self, error: Error) -> Error {
        error.fact("image", format!("`{}`", self.word())).fact("engine", self.engine.to_string())
    }
}

impl From<&Image> for String {
    /// The tag, or the id of one without a tag.
    fn from(image: &Image) -> String {
        image.word().to_owned()
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Image({})", self.word())
    }
}

/// The short form of an id, as `docker` prints it.
pub(crate) fn short(id: &str) -> &str {
    let hex = id.strip_prefix("sha256:").unwrap_or(id);
    hex.get(..12).unwrap_or(hex)
}
