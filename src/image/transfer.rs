//! `docker save` and `docker load`: images as tar archives, piece by piece, never whole in memory. What stood at the target
//! of a save stays until the new archive is whole.

use std::fmt;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::{pin, Pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::{Stream, StreamExt};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::Method;
use tokio::sync::mpsc;

use super::archive_file::{self, Piece};
use super::images::Images;
use super::name::{familiar, report, ImageName};
use super::told::{words_of, Told};
use crate::engine::{io, query, ApiError, Engine};
use crate::error::{Error, Kind, Result};

/// Pieces that wait for the other side.
const DEPTH: usize = 8;

/// An archive ends with this many zeros (POSIX pax, "ustar interchange format").
const END: usize = 1024;

impl Images {
    /// Writes images, named by reference or by id, into a tar archive with all of their layers (`docker save --output`). The
    /// folder has to be there. A file that is there already is replaced when the archive is whole; when anything fails, or
    /// the future is dropped, nothing is left and nothing was changed.
    ///
    /// # Errors
    ///
    /// When no image is named, a name is malformed, or there is no such image here
    /// ([`is_image_not_found`](Error::is_image_not_found)); when the file cannot be written.
    pub fn save<N: Into<String>>(
        &self,
        names: impl IntoIterator<Item = N>,
        path: impl AsRef<Path>,
    ) -> impl Future<Output = Result<()>> + Send + 'static {
        let (engine, names, path) = (self.engine.clone(), parse(names), path.as_ref().to_owned());
        async move {
            io::check_process()?;
            let names = names?;
            let what = format!("{} to `{}`", cannot_save(&names), path.display());
            let asking = engine.clone();
            let saved = io::run(async move { save_to(&asking, &names, path).await });
            saved.await.map_err(|failed| failed.report(what, &engine))
        }
    }

    /// As [`save`](Images::save), as a stream of pieces of the archive (`docker save` to standard output).
    ///
    /// # Errors
    ///
    /// When no image is named, a name is malformed, or there is no such image here
    /// ([`is_image_not_found`](Error::is_image_not_found)). What breaks off later is an error in the stream, its last item.
    pub fn save_stream<N: Into<String>>(
        &self,
        names: impl IntoIterator<Item = N>,
    ) -> impl Future<Output = Result<ImageArchive>> + Send + 'static {
        let (engine, names) = (self.engine.clone(), parse(names));
        async move {
            io::check_process()?;
            let names = names?;
            let what = cannot_save(&names);
            let asking = engine.clone();
            let saving = io::run(async move { Saving::start(&asking, &names).await }).await;
            let mut saving = saving.map_err(|error| report(error, what.clone(), &engine))?;
            let (sender, pieces) = mpsc::channel(DEPTH);
            let reader = io::spawn(async move {
                while let Some(piece) = saving.next().await {
                    let piece = piece.map_err(|failed| failed.report(what.clone(), &engine));
                    if sender.send(piece.map(Vec::from)).await.is_err() {
                        return;
                    }
                }
            });
            Ok(ImageArchive { pieces, _reader: reader.abort_on_drop() })
        }
    }

    /// Takes in the images of a tar archive that [`save`](Images::save) or `docker save` has written, packed by gzip, bzip2,
    /// xz or not at all (`docker load --input`). Gives their names, or the ids of those that have none.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or the engine finds no images in it.
    pub fn load(
        &self,
        path: impl AsRef<Path>,
    ) -> impl Future<Output = Result<Vec<String>>> + Send + 'static {
        let (engine, path) = (self.engine.clone(), path.as_ref().to_owned());
        async move {
            io::check_process()?;
            let what = format!("the images in `{}` could not be loaded", path.display());
            let asking = engine.clone();
            let loaded = io::run(async move {
                let file = archive_file::read(path).await.map_err(Failed::Here)?;
                load(&asking, file).await.map_err(Failed::Engine)
            });
            loaded.await.map_err(|failed| failed.report(what, &engine))
        }
    }

    /// As [`load`](Images::load), from a stream of pieces of an archive, such as another engine's [`ImageArchive`]
    /// (`docker load` from standard input).
    ///
    /// # Errors
    ///
    /// The stream's own, or when the engine finds no images in it.
    pub fn load_stream(
        &self,
        archive: impl Stream<Item = Result<Vec<u8>>> + Send + 'static,
    ) -> impl Future<Output = Result<Vec<String>>> + Send + 'static {
        let engine = self.engine.clone();
        async move {
            io::check_process()?;
            let (sender, receiver) = mpsc::channel(DEPTH);
            // The stream is the caller's, and is polled where the caller is.
            let feed = async move {
                let mut archive = pin!(archive);
                while let Some(piece) = archive.next().await {
                    let (piece, failed) = match piece {
                        Ok(piece) => (Ok(Bytes::from(piece)), None),
                        Err(error) => (Err(std::io::Error::other("it broke off")), Some(error)),
                    };
                    let sent = sender.send(piece).await;
                    if failed.is_some() || sent.is_err() {
                        return failed;
                    }
                }
                None
            };
            let asking = engine.clone();
            let pieces = futures::stream::unfold(receiver, |mut receiver| async move {
                Some((receiver.recv().await?, receiver))
            });
            let loaded = io::run(async move { load(&asking, pieces).await });
            let (broken, loaded) = futures::join!(feed, loaded);
            if let Some(error) = broken {
                return Err(error);
            }
            let what = "the images of a stream could not be loaded".to_owned();
            loaded.map_err(|error| Failed::Engine(error).report(what, &engine))
        }
    }
}

/// The pieces of an archive as they come: a `Stream`. Dropping it ends the transfer.
pub struct ImageArchive {
    pieces: mpsc::Receiver<Result<Vec<u8>>>,
    _reader: io::Aborting,
}

impl Stream for ImageArchive {
    type Item = Result<Vec<u8>>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.pieces.poll_recv(context)
    }
}

impl fmt::Debug for ImageArchive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ImageArchive")
    }
}

enum Failed {
    Engine(ApiError),
    Here(std::io::Error),
}

impl Failed {
    fn report(self, what: String, engine: &Engine) -> Error {
        match self {
            // The engine has said so in an answer that began well.
            Failed::Engine(error) if error.status() == Some(200) => {
                Error::new(Kind::Copy, what).fact("because", words_of(error))
            }
            Failed::Engine(error) => return report(error, what, engine),
            Failed::Here(error) => Error::new(Kind::Copy, what).fact("because", error.to_string()),
        }
        .fact("engine", engine.to_string())
    }
}

fn parse<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Result<Vec<ImageName>> {
    let names: Result<Vec<_>> =
        names.into_iter().map(|name| ImageName::parse(&name.into())).collect();
    match names? {
        names if names.is_empty() => Err(Error::new(Kind::InvalidRequest, "no image is named")
            .hint("name one or more, such as `[\"busybox:1.35\"]`")),
        names => Ok(names),
    }
}

fn cannot_save(names: &[ImageName]) -> String {
    let told: Vec<_> = names.iter().map(|name| format!("`{}`", name.text())).collect();
    match told.as_slice() {
        [one] => format!("the image {one} could not be saved"),
        more => format!("the images {} could not be saved", more.join(", ")),
    }
}

async fn save_to(engine: &Engine, names: &[ImageName], path: PathBuf) -> Result<(), Failed> {
    // The file first: an engine packs the images before it answers.
    let (sender, file) = archive_file::write(path).await.map_err(Failed::Here)?;
    let sent = send_all(engine, names, &sender).await;
    drop(sender);
    let written = file.await;
    // Without the end the file is removed, and says so.
    sent?;
    written.map_err(Failed::Here)
}

async fn send_all(
    engine: &Engine,
    names: &[ImageName],
    file: &mpsc::Sender<Piece>,
) -> Result<(), Failed> {
    let mut saving = Saving::start(engine, names).await.map_err(Failed::Engine)?;
    while let Some(piece) = saving.next().await {
        if file.send(Piece::Bytes(piece?)).await.is_err() {
            // It has failed, and tells why itself.
            return Ok(());
        }
    }
    let _ = file.send(Piece::End).await;
    Ok(())
}

/// `GET /images/get` under way.
struct Saving {
    body: Incoming,
    tail: Tail,
    is_over: bool,
}

impl Saving {
    async fn start(engine: &Engine, names: &[ImageName]) -> Result<Self, ApiError> {
        let words: Vec<_> = names.iter().map(|name| name.for_engine(engine)).collect();
        let pairs: Vec<_> = words.iter().map(|word| ("names", word.as_str())).collect();
        let path = format!("/images/get{}", query(&pairs));
        let answer = engine.client().send(Method::GET, &path, None).await?;
        Ok(Saving { body: answer.into_body(), tail: Tail::default(), is_over: false })
    }

    /// The next piece; an error if the archive ends before its end.
    async fn next(&mut self) -> Option<Result<Bytes, Failed>> {
        while !self.is_over {
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    let Ok(bytes) = frame.into_data() else { continue };
                    self.tail.saw(&bytes);
                    return Some(Ok(bytes));
                }
                Some(Err(error)) => {
                    self.is_over = true;
                    let message = format!("the archive broke off: {error}");
                    return Some(Err(Failed::Engine(ApiError::Broken {
                        message,
                        connected: true,
                    })));
                }
                None => {
                    self.is_over = true;
                    return self.tail.problem().map(|error| Err(Failed::Engine(error)));
                }
            }
        }
        None
    }
}

/// How an archive ends: one that is whole with zeros. An engine that fails half-way appends its error, and says nothing else.
#[derive(Debug, Default)]
struct Tail {
    /// How many zeros came last.
    zeros: usize,
    /// What came between the last zeros and those before, its first bytes.
    words: Vec<u8>,
}

impl Tail {
    fn saw(&mut self, bytes: &[u8]) {
        const MOST: usize = 4096;
        let Some(last) = bytes.iter().rposition(|byte| *byte != 0) else {
            self.zeros += bytes.len();
            return;
        };
        let zero = bytes[..last].iter().rposition(|byte| *byte == 0);
        if zero.is_some() || self.zeros > 0 {
            self.words.clear();
        }
        let words = &bytes[zero.map_or(0, |zero| zero + 1)..=last];
        let free = MOST - self.words.len();
        self.words.extend_from_slice(&words[..words.len().min(free)]);
        self.zeros = bytes.len() - 1 - last;
    }

    fn problem(&self) -> Option<ApiError> {
        if self.zeros >= END {
            return None;
        }
        let told: serde_json::Value = serde_json::from_slice(&self.words).unwrap_or_default();
        let message = told["errorDetail"]["message"].as_str();
        let message = message.unwrap_or("the archive ended before its end").to_owned();
        Some(ApiError::Refused { status: 200, message })
    }
}

/// `POST /images/load`. On the I/O thread.
async fn load(
    engine: &Engine,
    archive: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
) -> Result<Vec<String>, ApiError> {
    let header = Some(("Content-Type", "application/x-tar"));
    let body = bollard::body_try_stream(archive);
    let answer = engine.client().upload("/images/load?quiet=1", header, body).await?;
    let mut told = Told::new(answer);
    let mut loaded = Vec::new();
    while let Some(step) = told.next().await? {
        loaded.extend(loaded_in(step["stream"].as_str().unwrap_or_default()));
    }
    Ok(loaded)
}

/// `Loaded image: busybox:1.35`, `Loaded image ID: sha256:..`; Podman tells several in one line.
fn loaded_in(line: &str) -> Vec<String> {
    let line = line.trim();
    let names = line.strip_prefix("Loaded image: ").or(line.strip_prefix("Loaded image ID: "));
    let names = names.into_iter().flat_map(|names| names.split(','));
    names.map(|name| familiar(name.trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_whole_when_it_ends_with_zeros() {
        let problem = |pieces: &[&[u8]]| {
            let mut tail = Tail::default();
            pieces.iter().for_each(|piece| tail.saw(piece));
            tail.problem().map(words_of)
        };
        assert_eq!(problem(&[b"content", &[0; 1024]]), None);
        assert_eq!(problem(&[b"content\0\0\0", &[0; 1000], &[0; 21]]), None);
        let cut = Some("the archive ended before its end".to_owned());
        assert_eq!(problem(&[b"content", &[0; 1023]]), cut);
        assert_eq!(problem(&[&[b'x'; 10_000], b"y"]), cut);
        assert_eq!(problem(&[]), cut);
        let told = br#"{"errorDetail":{"message":"no space left"}}"#;
        for pieces in
            [vec![&b"content"[..], &[0; 600], told], vec![b"content\0\0", &told[..9], &told[9..]]]
        {
            assert_eq!(problem(&pieces), Some("no space left".to_owned()));
        }
    }

    #[test]
    fn what_was_loaded_is_told_by_name_or_id() {
        assert_eq!(loaded_in("Loaded image: busybox:1.35\n"), ["busybox:1.35"]);
        assert_eq!(
            loaded_in("Loaded image: docker.io/library/a:1,127.0.0.1:5000/b:2\n"),
            ["a:1", "127.0.0.1:5000/b:2"]
        );
        assert_eq!(loaded_in("Loaded image ID: sha256:b1cc5b2aa9b0\n"), ["sha256:b1cc5b2aa9b0"]);
        assert!(loaded_in("Loading layer").is_empty());
    }
}
