//! A connection that an engine has handed over: frames out of it, bytes into it. Used by `exec` and `attach`.
//!
//! Knows nothing of what is at the other end. All of it lives on the I/O thread.

use std::pin::pin;

use bytes::Bytes;
use futures::future;
use futures::{Stream, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf};
use tokio::sync::{mpsc, oneshot};

use super::io;
use super::output::{FrameDecoder, LogFrame, LogStream};

/// Pieces that wait to be written.
const INPUT_DEPTH: usize = 16;

/// The size of those pieces in bytes.
const INPUT_PIECE: usize = 64 * 1024;

/// Frames that wait to be read.
const OUTPUT_DEPTH: usize = 64;

/// What happens to the connection when the input's sender is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AtInputsEnd {
    /// Our half is closed, so that the other side reads end of file.
    Close,
    /// Nothing: the connection is for reading alone.
    KeepOpen,
}

/// Sends in small pieces, so that it waits for whoever does not read; a large one would lie in memory at once.
pub(super) async fn send(
    input: &mpsc::Sender<Bytes>,
    bytes: Vec<u8>,
) -> Result<(), mpsc::error::SendError<Bytes>> {
    let mut rest = Bytes::from(bytes);
    while !rest.is_empty() {
        let piece = rest.split_to(rest.len().min(INPUT_PIECE));
        input.send(piece).await?;
    }
    Ok(())
}

/// Both ways of a connection, each served by a task: what is sent is written behind `first`, what comes is read. The
/// connection is closed when the stream is dropped.
pub(super) fn both_ways(
    connection: Upgraded,
    tty: bool,
    first: Option<Vec<u8>>,
    at_inputs_end: AtInputsEnd,
) -> (mpsc::Sender<Bytes>, LogStream) {
    let (reader, mut writer) = tokio::io::split(TokioIo::new(connection));
    let (sender, output) = mpsc::channel(OUTPUT_DEPTH);
    // Dropped when no more is read, however that comes: then nothing is written any more either.
    let (is_read, read_ended) = oneshot::channel::<()>();
    let reading = io::spawn(async move {
        let _is_read = is_read;
        let mut frames = frames_from(reader, tty);
        while let Some(frame) = frames.next().await {
            if sender.send(Ok(frame)).await.is_err() {
                return;
            }
        }
    });
    let (input, mut to_write) = mpsc::channel::<Bytes>(INPUT_DEPTH);
    let writing = async move {
        let mut alive = match first {
            Some(bytes) => writer.write_all(&bytes).await.is_ok(),
            None => true,
        };
        while let Some(bytes) = to_write.recv().await {
            alive = alive && writer.write_all(&bytes).await.is_ok();
            if !alive {
                to_write.close();
            }
        }
        match at_inputs_end {
            AtInputsEnd::Close => drop(writer.shutdown().await),
            // The half that writes has to live as long as the connection is read.
            AtInputsEnd::KeepOpen => future::pending().await,
        }
    };
    drop(io::spawn(async move {
        future::select(pin!(writing), pin!(read_ended)).await;
    }));
    (input, LogStream::new(output, reading))
}

/// The frames of a connection that is only read.
pub(super) fn frames_of(connection: Upgraded, tty: bool) -> impl Stream<Item = LogFrame> + Send {
    let (reader, writer) = tokio::io::split(TokioIo::new(connection));
    // The half that writes has to live as long as the connection is read.
    frames_from(reader, tty).map(move |frame| {
        let _open = &writer;
        frame
    })
}

/// The frames that come from the half that reads.
pub(super) fn frames_from(
    reader: ReadHalf<TokioIo<Upgraded>>,
    tty: bool,
) -> impl Stream<Item = LogFrame> + Send + Unpin {
    let state = (reader, FrameDecoder::new(tty), vec![0; 32 * 1024]);
    Box::pin(futures::stream::unfold(state, |(mut reader, mut decoder, mut buffer)| async move {
        loop {
            if let Some(frame) = decoder.next_frame() {
                return Some((frame, (reader, decoder, buffer)));
            }
            // A reset here is the engine's way of closing when the command left input unread.
            match reader.read(&mut buffer).await {
                Ok(0) | Err(_) => return None,
                Ok(count) => decoder.push(&buffer[..count]),
            }
        }
    }))
}
