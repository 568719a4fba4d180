//! An archive of images as a file: read and written on threads that may block. A file that is not written to its end is gone
//! again.

use std::fs::{self, File};
use std::future::Future;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures::Stream;
use tokio::sync::{mpsc, oneshot};

use crate::here::check_target;
use crate::session;

const PIECE: usize = 64 * 1024;

/// Pieces that wait for the other side.
const DEPTH: usize = 8;

/// What is written.
pub(super) enum Piece {
    Bytes(Bytes),
    /// All of it was sent: without this the file is not kept.
    End,
}

/// Opens a file and gives its content. On the I/O thread.
pub(super) async fn read(
    path: PathBuf,
) -> io::Result<impl Stream<Item = io::Result<Bytes>> + Send + 'static> {
    let (sender, receiver) = mpsc::channel(DEPTH);
    let (opened, is_open) = oneshot::channel();
    tokio::task::spawn_blocking(move || {
        let file = File::open(path).and_then(|file| match file.metadata()?.is_dir() {
            true => Err(io::ErrorKind::IsADirectory.into()),
            false => Ok(file),
        });
        let mut file = match file {
            Ok(file) => file,
            Err(error) => return drop(opened.send(Err(error))),
        };
        let _ = opened.send(Ok(()));
        loop {
            let mut piece = Vec::with_capacity(PIECE);
            let read = (&mut file).take(PIECE as u64).read_to_end(&mut piece);
            let (piece, is_last) = match read {
                Ok(0) => return,
                Ok(_) => (Ok(Bytes::from(piece)), false),
                Err(error) => (Err(error), true),
            };
            if sender.blocking_send(piece).is_err() || is_last {
                return;
            }
        }
    });
    is_open.await.unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))?;
    Ok(futures::stream::unfold(receiver, |mut receiver| async move {
        Some((receiver.recv().await?, receiver))
    }))
}

/// Opens a file beside `path` that takes its place when [`Piece::End`] has come. Gives where pieces are sent, and what becomes
/// of it. On the I/O thread.
pub(super) async fn write(
    path: PathBuf,
) -> io::Result<(mpsc::Sender<Piece>, impl Future<Output = io::Result<()>> + Send)> {
    let (sender, receiver) = mpsc::channel(DEPTH);
    let (opened, is_open) = oneshot::channel();
    let work = tokio::task::spawn_blocking(move || {
        let mut partial = match Partial::open(&path) {
            Ok(partial) => partial,
            Err(error) => {
                let _ = opened.send(Err(error));
                return Ok(());
            }
        };
        let _ = opened.send(Ok(()));
        partial.fill(receiver)?;
        partial.move_to(&path)
    });
    is_open.await.unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))?;
    Ok((sender, async move { work.await.unwrap_or_else(|error| Err(io::Error::other(error))) }))
}

/// A file that is removed when it is dropped, unless it was moved to where it belongs.
struct Partial {
    file: File,
    path: PathBuf,
    is_moved: bool,
}

impl Partial {
    fn open(target: &Path) -> io::Result<Self> {
        check_target(target)?;
        let Some(name) = target.file_name().filter(|_| !target.is_dir()) else {
            return Err(io::ErrorKind::IsADirectory.into());
        };
        let name = format!(".{}.{}", name.to_string_lossy(), session::instance());
        let path = target.with_file_name(name);
        Ok(Partial { file: File::create_new(&path)?, path, is_moved: false })
    }

    fn fill(&mut self, mut pieces: mpsc::Receiver<Piece>) -> io::Result<()> {
        loop {
            match pieces.blocking_recv() {
                Some(Piece::Bytes(bytes)) => self.file.write_all(&bytes)?,
                Some(Piece::End) => return Ok(()),
                None => return Err(io::ErrorKind::Interrupted.into()),
            }
        }
    }

    fn move_to(mut self, target: &Path) -> io::Result<()> {
        fs::rename(&self.path, target)?;
        self.is_moved = true;
        Ok(())
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.is_moved {
            // Nobody is left to tell.
            let _ = fs::remove_file(&self.path);
        }
    }
}
