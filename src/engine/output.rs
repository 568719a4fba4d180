//! What a container or an exec writes: frames of bytes, told apart by stream, and the engine's framing of them.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::{Buf, Bytes, BytesMut};
use futures::Stream;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::Response;
use tokio::sync::mpsc;

use super::failure::ApiError;
use super::io;
use crate::error::{Error, Result};

/// Which stream a frame came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LogSource {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// A terminal (`tty`), where both are one.
    Console,
}

/// A piece of output as the engine delivered it: not a line, and not always valid UTF-8 at its edges.
#[derive(Clone, PartialEq, Eq)]
pub struct LogFrame {
    source: LogSource,
    bytes: Bytes,
}

impl LogFrame {
    pub(crate) fn new(source: LogSource, bytes: impl Into<Bytes>) -> Self {
        LogFrame { source, bytes: bytes.into() }
    }

    /// What is left of it when the first `count` bytes of some output are skipped; `count` is lowered by its length.
    pub(crate) fn without_first(mut self, count: &mut usize) -> Option<Self> {
        let skipped = self.bytes.len().min(*count);
        *count -= skipped;
        self.bytes.advance(skipped);
        (!self.bytes.is_empty()).then_some(self)
    }

    /// The stream it was written to.
    pub fn source(&self) -> LogSource {
        self.source
    }

    /// The bytes as they were written.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The bytes as text; what is not UTF-8 becomes `U+FFFD`.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }
}

impl fmt::Debug for LogFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {:?}", self.source, self.text())
    }
}

/// Which part of the output is wanted, as `docker logs` has it. By default all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct LogOptions {
    stdout: bool,
    stderr: bool,
    tail: Option<usize>,
    since: Option<SystemTime>,
    until: Option<SystemTime>,
    timestamps: bool,
}

impl Default for LogOptions {
    fn default() -> Self {
        LogOptions {
            stdout: true,
            stderr: true,
            tail: None,
            since: None,
            until: None,
            timestamps: false,
        }
    }
}

impl LogOptions {
    /// All output.
    pub fn new() -> Self {
        LogOptions::default()
    }

    /// Standard output alone.
    pub fn stdout_only(mut self) -> Self {
        (self.stdout, self.stderr) = (true, false);
        self
    }

    /// Standard error alone.
    pub fn stderr_only(mut self) -> Self {
        (self.stdout, self.stderr) = (false, true);
        self
    }

    /// The last `lines` lines only, as `docker logs --tail`.
    pub fn tail(mut self, lines: usize) -> Self {
        self.tail = Some(lines);
        self
    }

    /// Only what was written at `time` or later, by the engine's clock, as `docker logs --since`.
    pub fn since(mut self, time: SystemTime) -> Self {
        self.since = Some(time);
        self
    }

    /// Only what was written before `time`, by the engine's clock, as `docker logs --until`.
    pub fn until(mut self, time: SystemTime) -> Self {
        self.until = Some(time);
        self
    }

    /// An RFC 3339 time stamp and a space before each line, as `docker logs --timestamps`.
    pub fn timestamps(mut self) -> Self {
        self.timestamps = true;
        self
    }

    /// Whether only the last lines are wanted.
    pub(super) fn is_tail(&self) -> bool {
        self.tail.is_some()
    }

    /// The query of `GET /containers/{id}/logs`.
    pub(super) fn query(&self, follow: bool) -> String {
        let seconds = |time: SystemTime| {
            let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
            format!("{}.{:09}", since_epoch.as_secs(), since_epoch.subsec_nanos())
        };
        let flag = |on: bool| if on { "1" } else { "0" };
        let tail = self.tail.map_or("all".to_owned(), |lines| lines.to_string());
        let (since, until) = (self.since.map(seconds), self.until.map(seconds));
        let mut pairs = vec![
            ("stdout", flag(self.stdout)),
            ("stderr", flag(self.stderr)),
            ("follow", flag(follow)),
            ("timestamps", flag(self.timestamps)),
            ("tail", tail.as_str()),
        ];
        pairs.extend(since.as_deref().map(|since| ("since", since)));
        pairs.extend(until.as_deref().map(|until| ("until", until)));
        super::query(&pairs)
    }
}

/// Takes the engine's framing off a stream of bytes.
///
/// Without a terminal each frame has a header of eight bytes: the stream's number, three zeros, and the length
/// as a big-endian number (Docker Engine API, "Attach to a container"). With one the bytes are the output.
#[derive(Debug)]
pub(super) struct FrameDecoder {
    tty: bool,
    pending: BytesMut,
    /// Where the last frame came from.
    source: LogSource,
}

impl FrameDecoder {
    pub(super) fn new(tty: bool) -> Self {
        FrameDecoder { tty, pending: BytesMut::new(), source: LogSource::Stdout }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    pub(super) fn next_frame(&mut self) -> Option<LogFrame> {
        if self.tty {
            return (!self.pending.is_empty())
                .then(|| LogFrame::new(LogSource::Console, self.pending.split()));
        }
        if self.pending.first() == Some(&b'\n') {
            // No header begins so. Podman 4.3 does not count the last byte of what was written before it was attached to.
            return Some(LogFrame::new(self.source, self.pending.split_to(1)));
        }
        let header = self.pending.get(..8)?;
        let length = u32::from_be_bytes([header[4], header[5], header[6], header[7]]) as usize;
        let source = if header[0] == 2 { LogSource::Stderr } else { LogSource::Stdout };
        if self.pending.len() < 8 + length {
            return None;
        }
        self.pending.advance(8);
        self.source = source;
        Some(LogFrame::new(source, self.pending.split_to(length)))
    }
}

/// The frames of an answer's body, to its end.
pub(super) fn frames_of_answer(
    answer: Response<Incoming>,
    tty: bool,
) -> impl Stream<Item = Result<LogFrame, ApiError>> + Send + Unpin {
    let state = (answer.into_body(), FrameDecoder::new(tty));
    Box::pin(futures::stream::try_unfold(state, |(mut body, mut decoder)| async move {
        loop {
            if let Some(frame) = decoder.next_frame() {
                return Ok(Some((frame, (body, decoder))));
            }
            match body.frame().await {
                None => return Ok(None),
                Some(Err(error)) => return Err(ApiError::broken(&error, true)),
                Some(Ok(frame)) => decoder.push(frame.data_ref().map_or(&[], |bytes| bytes)),
            }
        }
    }))
}

/// Output as it is written: a `Stream` of [`LogFrame`]s that ends when the container does.
///
/// Dropping it closes the connection to the engine.
#[derive(Debug)]
pub struct LogStream {
    frames: mpsc::Receiver<Result<LogFrame>>,
    _reader: io::Aborting,
}

impl LogStream {
    /// A stream fed by `reader`, which is ended with the stream.
    pub(super) fn new(frames: mpsc::Receiver<Result<LogFrame>>, reader: io::Task<()>) -> Self {
        LogStream { frames, _reader: reader.abort_on_drop() }
    }

    /// The next frame, or `None` at the end; for code that does not want `StreamExt`.
    pub async fn next_frame(&mut self) -> Option<Result<LogFrame>> {
        self.frames.recv().await
    }
}

impl Stream for LogStream {
    type Item = Result<LogFrame, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.frames.poll_recv(context)
    }
}

/// The bytes of some frames, one behind the other.
pub(crate) fn joined(frames: &[LogFrame]) -> Vec<u8> {
    frames.iter().flat_map(|frame| frame.bytes().iter().copied()).collect()
}

/// The last `count` lines of some output, oldest first, long lines cut.
pub(crate) fn last_lines(output: &[u8], count: usize) -> Vec<String> {
    const WIDTH: usize = 500;
    let text = String::from_utf8_lossy(output);
    let mut lines = VecDeque::with_capacity(count);
    for line in text.lines().rev().skip_while(|line| line.trim().is_empty()).take(count) {
        let mut line = line.trim_end().to_owned();
        if let Some((cut, _)) = line.char_indices().nth(WIDTH) {
            line.truncate(cut);
            line.push('…');
        }
        lines.push_front(line);
    }
    lines.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(tty: bool, pieces: &[&[u8]]) -> Vec<LogFrame> {
        let mut decoder = FrameDecoder::new(tty);
        let mut frames = Vec::new();
        for piece in pieces {
            decoder.push(piece);
            frames.extend(std::iter::from_fn(|| decoder.next_frame()));
        }
        frames
    }

    #[test]
    fn frames_are_put_together_from_any_pieces() {
        let bytes = b"\x01\0\0\0\0\0\0\x03one\x02\0\0\0\0\0\0\x02er\x01\0\0\0\0\0\0\0";
        let whole = vec![
            LogFrame::new(LogSource::Stdout, &b"one"[..]),
            LogFrame::new(LogSource::Stderr, &b"er"[..]),
            LogFrame::new(LogSource::Stdout, &b""[..]),
        ];
        assert_eq!(decode(false, &[bytes]), whole);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(decode(false, &single), whole);
    }

    #[test]
    fn a_frame_that_is_told_too_short_by_the_end_of_its_line_is_put_right() {
        let bytes = b"\x02\0\0\0\0\0\0\x05ready\n\x01\0\0\0\0\0\0\x03one";
        let told: Vec<_> =
            decode(false, &[bytes]).iter().map(|frame| format!("{frame:?}")).collect();
        assert_eq!(told, ["Stderr: \"ready\"", "Stderr: \"\\n\"", "Stdout: \"one\""]);
    }

    #[test]
    fn a_terminals_output_is_passed_on_at_once_whatever_it_holds() {
        let frames = decode(true, &[b"\x01$ ", b"no newline"]);
        assert_eq!(frames[0], LogFrame::new(LogSource::Console, &b"\x01$ "[..]));
        assert_eq!(frames[1].text(), "no newline");
    }

    #[test]
    fn the_last_lines_come_without_blank_ends() {
        assert_eq!(last_lines(b"a\nb\r\nc\n\n \n", 2), ["b", "c"]);
        assert_eq!(last_lines(b"", 2), [""; 0]);
        assert_eq!(last_lines("é".repeat(600).as_bytes(), 1)[0].chars().count(), 501);
    }
}
