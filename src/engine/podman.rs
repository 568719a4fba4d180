//! Where Podman's imitation of Docker's API differs so much that another way is taken. Each difference was seen on 4.3 and
//! 5.8 unless it says otherwise.

use std::collections::VecDeque;
use std::time::Duration;

use futures::future::FutureExt;
use futures::stream::{self, StreamExt, TryStreamExt};
use hyper::Method;

use super::engine::Engine;
use super::failure::ApiError;
use super::output::{LogFrame, LogOptions};
use super::query;
use super::remote::{LogFrames, Remote};

/// The least time between two reads of all output.
const READ_PAUSE: Duration = Duration::from_millis(20);

/// Removes a container at once. On Docker's path Podman 5 stops a running one politely first, which takes ten seconds for
/// one that does not listen, and there is no saying otherwise.
pub(super) async fn remove(engine: &Engine, id: &str) -> Result<(), ApiError> {
    let path = format!("/containers/{id}?force=1&volumes=1&timeout=0");
    engine.client().libpod(Method::DELETE, &path).await.map(drop)
}

/// Sends a signal. On Docker's path Podman 4.3 answers only when the container has ended, or after twenty seconds.
pub(super) async fn kill(remote: &Remote, signal: &str) -> Result<(), ApiError> {
    let path = format!("/containers/{}/kill{}", remote.id(), query(&[("signal", signal)]));
    remote.engine().client().libpod(Method::POST, &path).await.map(drop)
}

/// Output until now and from now on.
///
/// A followed answer loses lines of a container that writes fast, in its middle and at its end, and its head comes only with
/// the first output. So it is followed, but only as a bell: when it rings, all output is read, which is complete, and what
/// is new is passed on. The last lines alone (`tail`) cannot be read that way and come as Podman gives them.
pub(super) fn logs(remote: &Remote, options: &LogOptions) -> LogFrames {
    let (opening, following) = (remote.clone(), options.query(true));
    let bell = stream::once(async move { opening.open_logs(&following).await })
        .try_flatten()
        .fuse()
        .boxed();
    if options.is_tail() {
        return bell;
    }
    let reader = Reader {
        remote: remote.clone(),
        options: options.clone(),
        bell,
        new: VecDeque::new(),
        seen: 0,
        ended: false,
    };
    stream::try_unfold(reader, |mut reader| async move {
        Ok(reader.next().await?.map(|frame| (frame, reader)))
    })
    .boxed()
}

struct Reader {
    remote: Remote,
    options: LogOptions,
    bell: LogFrames,
    new: VecDeque<LogFrame>,
    /// Bytes that were passed on or are in `new`.
    seen: usize,
    ended: bool,
}

impl Reader {
    async fn next(&mut self) -> Result<Option<LogFrame>, ApiError> {
        loop {
            if let Some(frame) = self.new.pop_front() {
                return Ok(Some(frame));
            }
            if self.ended {
                return Ok(None);
            }
            self.ended = self.bell.next().await.transpose()?.is_none();
            tokio::time::sleep(READ_PAUSE).await;
            // What has rung meanwhile is read now.
            while let Some(Some(_)) = self.bell.next().now_or_never() {}
            let mut skip = self.seen;
            let frames = match self.remote.read_logs(&self.options).await {
                Ok(frames) => frames,
                // Of a container that has been removed there is no more.
                Err(error) if error.is_not_found() => Vec::new(),
                Err(error) => return Err(error),
            };
            self.new.extend(frames.into_iter().filter_map(|frame| frame.without_first(&mut skip)));
            self.seen += self.new.iter().map(|frame| frame.bytes().len()).sum::<usize>();
        }
    }
}
