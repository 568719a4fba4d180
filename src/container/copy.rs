//! `docker cp`, both ways, and commands in the container.

use std::future::Future;
use std::io;
use std::path::{Path, PathBuf};

use futures::future::BoxFuture;

use super::{archive, handle::Container};
use crate::engine::{io as io_thread, ApiError, ExecOutput, ExecStream};
use crate::error::{Error, Kind, Result};
use crate::request::{CopyIn, CopySource, Exec};

impl Container {
    /// Copies a file, a folder or bytes into the container, running or not. `target` is absolute and names the result;
    /// one that ends with `/` is the folder into which the source goes.
    ///
    /// # Errors
    ///
    /// When the source cannot be read or the engine cannot write.
    pub async fn copy_to(
        &self,
        source: impl Into<CopySource>,
        target: impl Into<String>,
    ) -> Result<()> {
        self.copy(CopyIn::new(source, target)).await
    }

    /// As [`copy_to`](Container::copy_to), with mode and owner.
    ///
    /// # Errors
    ///
    /// When the source cannot be read or the engine cannot write.
    pub async fn copy(&self, copy: CopyIn) -> Result<()> {
        if let Some((what, hint)) = copy.problem() {
            return Err(Error::new(Kind::InvalidRequest, what).hint(hint));
        }
        let what = cannot_copy_in(&copy);
        io_thread::check_process()?;
        let remote = self.remote.clone();
        let work = async move { remote.put_archive(archive::pack(copy)).await };
        io_thread::run(work).await.map_err(|error| self.remote.name_in(copy_error(error, what)))
    }

    /// Copies a file or a folder out of the container, running or stopped. The target names the result: a file becomes
    /// that file, a folder that folder (merged into one that is there). A target that ends with `/` is the folder into
    /// which it goes. Missing folders are made.
    ///
    /// # Errors
    ///
    /// When there is no such path in the container ([`is_not_found`](Error::is_not_found)) or the target cannot be
    /// written; nothing is left at the target then.
    pub async fn copy_from(&self, source: &str, target: impl AsRef<Path>) -> Result<()> {
        let target = result_path(source, target.as_ref());
        let what = format!("`{source}` could not be copied out of the container");
        self.with_archive(source, what, move |stream| archive::unpack(stream, target)).await
    }

    /// The content of a file in the container, running or stopped.
    ///
    /// # Errors
    ///
    /// When there is no such file.
    pub async fn read_file(&self, path: &str) -> Result<Vec<u8>> {
        let what = || format!("the file `{path}` could not be read from the container");
        let mut at = path.to_owned();
        for _ in 0..MOST_LINKS {
            match self.with_archive(&at, what(), archive::read_file).await? {
                archive::Content::File(content) => return Ok(content),
                archive::Content::Link(target) => at = link_target(&at, &target.to_string_lossy()),
            }
        }
        Err(self.remote.name_in(
            Error::new(Kind::Copy, what()).fact("because", "its links lead round in a circle"),
        ))
    }

    async fn with_archive<T, F>(
        &self,
        path: &str,
        what: String,
        work: impl FnOnce(Pieces) -> F + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = io::Result<T>> + Send,
    {
        if !path.starts_with('/') {
            return Err(Error::new(
                Kind::InvalidRequest,
                format!("the path `{path}` is not absolute"),
            )
            .hint("paths in a container begin with `/`"));
        }
        io_thread::check_process()?;
        let (remote, path) = (self.remote.clone(), path.to_owned());
        let read = io_thread::run(async move {
            let stream = remote.get_archive(&path).await.map_err(Failed::Engine)?;
            work(Box::pin(stream)).await.map_err(Failed::Here)
        });
        read.await.map_err(|failed| {
            let report = match failed {
                Failed::Engine(error) => error.while_trying(what),
                Failed::Here(error) => {
                    Error::new(Kind::Copy, what).fact("because", deepest(&error))
                }
            };
            self.remote.name_in(report)
        })
    }

    /// Runs a command in the container to its end (`docker exec`) and gives its exit code and output.
    ///
    /// # Errors
    ///
    /// When it cannot be run. An exit code other than 0 is not an error; [`ExecOutput::ok`] makes it one.
    pub fn exec(&self, command: impl Into<Exec>) -> BoxFuture<'static, Result<ExecOutput>> {
        let (remote, command) = (self.remote.clone(), command.into());
        Box::pin(async move { remote.exec(command).await })
    }

    /// Starts a command in the container and gives its streams, both ways (`docker exec -i`).
    ///
    /// # Errors
    ///
    /// When it cannot be run.
    pub fn exec_stream(&self, command: impl Into<Exec>) -> BoxFuture<'static, Result<ExecStream>> {
        let (remote, command) = (self.remote.clone(), command.into());
        Box::pin(async move { remote.exec_stream(command).await })
    }
}

/// As many as Linux follows.
const MOST_LINKS: usize = 40;

type Pieces = std::pin::Pin<Box<dyn futures::Stream<Item = io::Result<bytes::Bytes>> + Send>>;

enum Failed {
    Engine(ApiError),
    Here(io::Error),
}

/// The tar library wraps the kernel's word in several of its own.
pub(super) fn deepest(error: &(dyn std::error::Error + 'static)) -> String {
    match error.source() {
        Some(cause) => deepest(cause),
        None => error.to_string(),
    }
}

pub(super) fn cannot_copy_in(copy: &CopyIn) -> String {
    match copy.source() {
        CopySource::Path(path) => format!(
            "`{}` could not be copied to `{}` in the container",
            path.display(),
            copy.target()
        ),
        CopySource::Bytes(_) => {
            format!("`{}` could not be written in the container", copy.target())
        }
    }
}

/// A failed copy in: a stream that breaks off is our file's fault, an answer is the engine's.
pub(super) fn copy_error(error: ApiError, what: String) -> Error {
    match error {
        ApiError::Broken { message, .. } => Error::new(Kind::Copy, what).fact("because", message),
        other => other.while_trying(what),
    }
}

/// Where a symbolic link leads, by its own path in the container.
fn link_target(link: &str, target: &str) -> String {
    if target.starts_with('/') {
        return target.to_owned();
    }
    let folder = link.rsplit_once('/').map_or("", |(folder, _)| folder);
    format!("{folder}/{target}")
}

/// Where a copy out ends up.
fn result_path(source: &str, target: &Path) -> PathBuf {
    let is_folder =
        target.as_os_str().to_string_lossy().ends_with(['/', std::path::MAIN_SEPARATOR]);
    match source.trim_end_matches('/').rsplit('/').next() {
        Some(name) if is_folder && !name.is_empty() => target.join(name),
        // Without the separator at its end, so that its parent is the folder around it.
        _ => target.components().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_names_the_result() {
        for (source, target, result) in [
            ("/www", "target/www", "target/www"),
            ("/www/", "target/", "target/www"),
            ("/etc/passwd", "out/", "out/passwd"),
            ("/", "out/", "out"),
        ] {
            assert_eq!(result_path(source, Path::new(target)), Path::new(result));
        }
    }
}
