//! `docker export`: a container's whole file system as a tar archive.

use std::future::Future;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::{Stream, StreamExt};
use tokio::sync::mpsc;

use super::archive;
use super::copy::deepest;
use super::handle::Container;
use crate::engine::{io as io_thread, ApiError, Remote};
use crate::error::{Error, Kind, Result};

/// Pieces that wait to be read.
const DEPTH: usize = 8;

impl Container {
    /// Writes its file system to a tar archive on this machine, running or not (`docker export --output`). What lies in
    /// volumes and mounts is not in it. A file that is there is replaced; missing folders are made.
    ///
    /// # Errors
    ///
    /// When the engine fails or the file cannot be written. Nothing is left at the target then, and what was there stays.
    pub fn export(
        &self,
        target: impl AsRef<Path>,
    ) -> futures::future::BoxFuture<'static, Result<()>> {
        let (remote, target) = (self.remote.clone(), target.as_ref().to_owned());
        Box::pin(async move {
            let what = format!("the container could not be exported to `{}`", target.display());
            io_thread::check_process()?;
            if target.is_dir() {
                let report = Error::new(Kind::Copy, what).fact("because", "it is a folder");
                return Err(remote.name_in(report.hint("name the file that is to be written")));
            }
            let exporting = remote.clone();
            let saved = io_thread::run(async move {
                let pieces = exporting.export().await.map_err(Failed::Engine)?;
                archive::save(pieces, target).await.map_err(Failed::Here)
            });
            saved.await.map_err(|failed| {
                remote.name_in(match failed {
                    Failed::Engine(error) => error.while_trying(what),
                    Failed::Here(error) => {
                        Error::new(Kind::Copy, what).fact("because", deepest(&error))
                    }
                })
            })
        })
    }

    /// Its file system as the bytes of a tar archive, piece by piece (`docker export`).
    ///
    /// # Errors
    ///
    /// When the engine fails.
    pub fn export_stream(&self) -> impl Future<Output = Result<ExportStream>> + Send + 'static {
        let remote = self.remote.clone();
        async move {
            let open = |remote: Remote| async move { remote.export().await };
            let mut pieces = remote.call("exported", open).await?;
            let (sender, receiver) = mpsc::channel(DEPTH);
            let reader = io_thread::spawn(async move {
                while let Some(piece) = pieces.next().await {
                    let piece = piece.map(Vec::from).map_err(|error| {
                        let what = "the archive of the container broke off";
                        let report = Error::new(Kind::Copy, what);
                        remote.name_in(report.fact("because", deepest(&error)))
                    });
                    if sender.send(piece).await.is_err() {
                        return;
                    }
                }
            });
            Ok(ExportStream { pieces: receiver, _reader: reader.abort_on_drop() })
        }
    }
}

enum Failed {
    Engine(ApiError),
    Here(io::Error),
}

/// A tar archive as it comes: a `Stream` of pieces of bytes, of any size.
///
/// An archive that is whole ends with 1024 bytes of zeros. Dropping it closes the connection to the engine.
#[derive(Debug)]
pub struct ExportStream {
    pieces: mpsc::Receiver<Result<Vec<u8>>>,
    _reader: io_thread::Aborting,
}

impl ExportStream {
    /// The next piece, or `None` at the end; for code that does not want `StreamExt`.
    pub async fn next_piece(&mut self) -> Option<Result<Vec<u8>>> {
        self.pieces.recv().await
    }
}

impl Stream for ExportStream {
    type Item = Result<Vec<u8>, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.pieces.poll_recv(context)
    }
}
