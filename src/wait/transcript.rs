//! What a container has written since it started, for everybody who waits for some of it: one stream from the
//! engine, read once, however many log waits and consumers there are.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

use tokio::sync::{mpsc, watch};

use crate::engine::LogFrame;

/// The most bytes that are kept while somebody waits: a container that floods its output must not take all memory.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// The most bytes that are kept when only the end is wanted.
const TAIL_BYTES: usize = 1024 * 1024;

#[derive(Debug)]
pub(crate) struct Transcript {
    state: Mutex<State>,
    changes: watch::Sender<u64>,
}

#[derive(Debug)]
struct State {
    frames: VecDeque<LogFrame>,
    /// How many frames have been dropped from the front.
    dropped: usize,
    /// How many bytes there ever were.
    total: usize,
    bytes: usize,
    keep: Keep,
    ended: bool,
    consumers: Vec<mpsc::UnboundedSender<LogFrame>>,
}

/// How much is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    All,
    Tail,
    Nothing,
}

impl Transcript {
    pub(crate) fn new(consumers: Vec<mpsc::UnboundedSender<LogFrame>>) -> Self {
        let state = State {
            frames: VecDeque::new(),
            dropped: 0,
            total: 0,
            bytes: 0,
            keep: Keep::All,
            ended: false,
            consumers,
        };
        Transcript { state: Mutex::new(state), changes: watch::Sender::new(0) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing in the lock can panic")
    }

    pub(crate) fn push(&self, frame: LogFrame) {
        let mut state = self.lock();
        // A consumer that has gone is not an error.
        state.consumers.retain(|consumer| consumer.send(frame.clone()).is_ok());
        state.bytes += frame.bytes().len();
        state.total += frame.bytes().len();
        state.frames.push_back(frame);
        state.trim();
        drop(state);
        self.changes.send_modify(|count| *count += 1);
    }

    /// No more will come, unless the container is started again.
    pub(crate) fn end(&self) {
        self.lock().ended = true;
        self.changes.send_modify(|count| *count += 1);
    }

    /// More will come: the container was started again. Gives the number of bytes that have come before.
    pub(crate) fn resume(&self) -> usize {
        let mut state = self.lock();
        state.ended = false;
        state.total
    }

    /// How many bytes have come.
    pub(crate) fn total(&self) -> usize {
        self.lock().total
    }

    /// No more will ever come: consumers finish.
    pub(crate) fn close(&self) {
        self.lock().consumers.clear();
        self.end();
    }

    pub(crate) fn has_consumers(&self) -> bool {
        !self.lock().consumers.is_empty()
    }

    /// From now on only so much is kept.
    pub(crate) fn keep(&self, keep: Keep) {
        let mut state = self.lock();
        state.keep = keep;
        state.trim();
    }

    /// What is kept, in order.
    pub(crate) fn frames(&self) -> Vec<LogFrame> {
        self.lock().frames.iter().cloned().collect()
    }

    /// The last bytes of what is kept.
    pub(crate) fn last_bytes(&self, most: usize) -> Vec<u8> {
        let state = self.lock();
        let mut pieces: Vec<&[u8]> = Vec::new();
        let mut have = 0;
        for frame in state.frames.iter().rev().take_while(|frame| {
            let goes_on = have < most;
            have += frame.bytes().len();
            goes_on
        }) {
            pieces.push(frame.bytes());
        }
        pieces.into_iter().rev().flatten().copied().collect()
    }

    /// Resolves when no more will come.
    pub(crate) async fn ended(&self) {
        let mut changes = self.changes.subscribe();
        while !self.lock().ended {
            if changes.changed().await.is_err() {
                return;
            }
        }
    }

    /// The frames from number `from` on, at least one; none at the end.
    pub(crate) async fn next_frames(&self, from: &mut usize) -> Vec<LogFrame> {
        let mut changes = self.changes.subscribe();
        loop {
            {
                let state = self.lock();
                let have = from.saturating_sub(state.dropped).min(state.frames.len());
                let frames: Vec<_> = state.frames.iter().skip(have).cloned().collect();
                *from = state.dropped + state.frames.len();
                if !frames.is_empty() || state.ended {
                    return frames;
                }
            }
            if changes.changed().await.is_err() {
                return Vec::new();
            }
        }
    }
}

impl State {
    fn trim(&mut self) {
        let limit = match self.keep {
            Keep::All => MOST_BYTES,
            Keep::Tail => TAIL_BYTES,
            Keep::Nothing => 0,
        };
        while self.bytes > limit {
            let Some(frame) = self.frames.pop_front() else { return };
            self.bytes -= frame.bytes().len();
            self.dropped += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{io, LogSource};

    #[test]
    fn late_readers_see_everything_and_the_end() {
        let transcript = Transcript::new(Vec::new());
        transcript.push(LogFrame::new(LogSource::Stdout, &b"one"[..]));
        transcript.push(LogFrame::new(LogSource::Stderr, &b"two"[..]));
        transcript.end();
        let mut from = 0;
        assert_eq!(io::block_on(transcript.next_frames(&mut from)).len(), 2);
        assert_eq!(io::block_on(transcript.next_frames(&mut from)).len(), 0);
    }

    #[test]
    fn only_the_tail_is_kept_when_no_more_is_wanted() {
        let transcript = Transcript::new(Vec::new());
        for _ in 0..3 {
            transcript.push(LogFrame::new(LogSource::Stdout, vec![b'x'; TAIL_BYTES / 2]));
        }
        transcript.keep(Keep::Tail);
        assert_eq!(transcript.frames().len(), 2);
        transcript.keep(Keep::Nothing);
        assert_eq!(transcript.frames().len(), 0);
    }
}
