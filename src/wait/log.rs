//! Waiting for something in the output. It is searched as one text, whatever frames it came in.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::limits::{limits_methods, Limits};
use super::pattern::{Matcher, Pattern};
use super::run::{Note, Unready};
use super::target::Target;
use crate::engine::LogSource;

/// How much text a regular expression may look back on.
const WINDOW: usize = 64 * 1024;

/// How long after its output a container may end.
const END_LIMIT: Duration = Duration::from_secs(2);

/// Waits for text in the container's output; see [`Wait::log`](crate::Wait::log).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct LogWait {
    pattern: Pattern,
    times: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stream: Option<Stream>,
    #[serde(flatten)]
    pub(super) limits: Limits,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Stream {
    Stdout,
    Stderr,
}

impl LogWait {
    pub(super) fn contains(text: String) -> Self {
        LogWait {
            pattern: Pattern::Contains(text),
            times: 1,
            stream: None,
            limits: Limits::default(),
        }
    }

    pub(super) fn matches(regex: String) -> Self {
        LogWait {
            pattern: Pattern::Matches(regex),
            times: 1,
            stream: None,
            limits: Limits::default(),
        }
    }

    /// How often it has to be seen, not overlapping: PostgreSQL says that it is ready twice.
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// On standard output only. A terminal's output counts as standard output.
    pub fn stdout(mut self) -> Self {
        self.stream = Some(Stream::Stdout);
        self
    }

    /// On standard error only.
    pub fn stderr(mut self) -> Self {
        self.stream = Some(Stream::Stderr);
        self
    }

    limits_methods!(timeout);

    pub(super) fn problems(&self) -> Vec<(String, &'static str)> {
        let never =
            (self.times == 0).then(|| ("a log wait for 0 times".into(), "wait for once or more"));
        self.pattern.problem().into_iter().chain(never).collect()
    }

    pub(super) async fn ready(&self, target: &Target, note: &Note) -> Result<(), Unready> {
        let mut stdout = Search::new(self.pattern.matcher());
        let mut stderr = Search::new(self.pattern.matcher());
        let wanted = self.stream;
        let mut from = 0;
        loop {
            let frames = target.next_output(&mut from).await;
            let ended = frames.is_empty();
            // Not on the I/O thread: a regular expression may take its time, and all containers would wait. What is written
            // meanwhile is searched at once afterwards.
            let search = tokio::task::spawn_blocking(move || {
                for frame in frames {
                    let (stream, search) = match frame.source() {
                        LogSource::Stderr => (Stream::Stderr, &mut stderr),
                        _ => (Stream::Stdout, &mut stdout),
                    };
                    if wanted.is_none_or(|wanted| wanted == stream) {
                        search.push(frame.bytes());
                    }
                }
                let seen = stdout.count() + stderr.count();
                (stdout, stderr, seen)
            });
            let seen;
            (stdout, stderr, seen) =
                search.await.map_err(|error| Unready::failed(error.to_string()))?;
            if seen >= self.times {
                return Ok(());
            }
            let lines = stdout.lines + stderr.lines;
            let told = format!("found {seen} of {} times in {lines} lines of output", self.times);
            match stdout.other_case.as_ref().or(stderr.other_case.as_ref()) {
                Some(other) => {
                    note.saw_and_advises(told.clone(), format!("the output has it as `{other}`"))
                }
                None => note.saw(told.clone()),
            }
            if ended {
                // With the output ends the container, and that is the better reason.
                let _ = tokio::time::timeout(END_LIMIT, target.exit().ended()).await;
                return Err(Unready::failed(format!("the output ended: {told}")));
            }
        }
    }
}

impl fmt::Display for LogWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stream = match self.stream {
            None => "output",
            Some(Stream::Stdout) => "standard output",
            Some(Stream::Stderr) => "standard error",
        };
        write!(f, "{} in the {stream}", self.pattern)?;
        if self.times != 1 {
            write!(f, ", {} times", self.times)?;
        }
        Ok(())
    }
}

/// The search in one stream.
#[derive(Debug)]
struct Search {
    matcher: Matcher,
    text: String,
    /// Bytes at the end that are not yet a whole character.
    partial: Vec<u8>,
    /// Where the search goes on.
    from: usize,
    /// Matches that more output cannot change.
    settled: usize,
    /// The text that is looked for, as it was seen with other capitals.
    other_case: Option<String>,
    lines: usize,
}

impl Search {
    fn new(matcher: Matcher) -> Self {
        Search {
            matcher,
            text: String::new(),
            partial: Vec::new(),
            from: 0,
            settled: 0,
            other_case: None,
            lines: 0,
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.lines += bytes.iter().filter(|byte| **byte == b'\n').count();
        self.partial.extend_from_slice(bytes);
        let whole = self.partial.len() - incomplete_end(&self.partial);
        self.text.push_str(&String::from_utf8_lossy(&self.partial[..whole]));
        self.partial.drain(..whole);
    }

    /// A slip that is hard to see.
    fn look_for_other_case(&mut self) {
        let Matcher::Text(part) = &self.matcher else { return };
        if self.settled > 0 || self.other_case.is_some() {
            return;
        }
        // As long as the text itself, so that places in both are the same.
        let lower = self.text[self.from..].to_ascii_lowercase();
        let found = lower.find(&part.to_ascii_lowercase());
        self.other_case = found.map(|at| self.text[self.from + at..][..part.len()].to_owned());
    }

    /// How often it has been seen until now.
    fn count(&mut self) -> usize {
        let mut open = 0;
        while let Some((start, end)) = self.matcher.find_at(&self.text, self.from) {
            if end == self.text.len() && matches!(self.matcher, Matcher::Regex(_)) {
                // It may grow with the next output, so it counts but is looked at again.
                open = 1;
                break;
            }
            self.settled += 1;
            // An empty match must not be found for ever.
            self.from = if end > start { end } else { self.next_character(end) };
            if self.from > self.text.len() {
                self.from = self.text.len();
                break;
            }
        }
        self.look_for_other_case();
        self.forget();
        self.settled + open
    }

    fn next_character(&self, at: usize) -> usize {
        at + self.text[at..].chars().next().map_or(1, char::len_utf8)
    }

    /// Drops what can no longer be part of a match.
    fn forget(&mut self) {
        let mut keep_from = match &self.matcher {
            Matcher::Text(part) => self.text.len().saturating_sub(part.len() - 1),
            _ => self.text.len().saturating_sub(WINDOW),
        };
        while !self.text.is_char_boundary(keep_from) {
            keep_from -= 1;
        }
        let keep_from = keep_from.max(self.from);
        // Not for every few bytes: moving the rest costs its length.
        if keep_from > WINDOW {
            self.text.drain(..keep_from);
            self.from = 0;
        } else if matches!(self.matcher, Matcher::Text(_)) {
            self.from = keep_from;
        }
    }
}

/// How many bytes at the end begin a character without finishing it.
fn incomplete_end(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let byte = bytes[bytes.len() - back];
        let length = match byte {
            0b1100_0000..=0b1101_1111 => 2,
            0b1110_0000..=0b1110_1111 => 3,
            0b1111_0000..=0b1111_0111 => 4,
            0b1000_0000..=0b1011_1111 => continue,
            _ => return 0,
        };
        return if length > back { back } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(pattern: Pattern, pieces: &[&[u8]]) -> usize {
        let mut search = Search::new(pattern.matcher());
        let mut seen = 0;
        for piece in pieces {
            search.push(piece);
            seen = search.count();
        }
        seen
    }

    fn text(text: &str) -> Pattern {
        Pattern::Contains(text.into())
    }

    fn regex(regex: &str) -> Pattern {
        Pattern::Matches(regex.into())
    }

    #[test]
    fn matches_across_frames_lines_and_characters() {
        assert_eq!(count(text("ready"), &[b"re", b"a", b"dy"]), 1);
        assert_eq!(count(text("a\nb"), &[b"a\n", b"b\n"]), 1);
        assert_eq!(count(text("über"), &[b"\xc3", b"\xbcber"]), 1);
        assert_eq!(count(regex(r"(?s)start.*end"), &[b"start\n", b"middle\n", b"the end"]), 1);
        let long = [b'x'; 16 * 1024];
        assert_eq!(count(text("needle"), &[&long, b"nee", b"dle", &long]), 1);
    }

    #[test]
    fn counts_what_does_not_overlap_once_each() {
        assert_eq!(count(text("aa"), &[b"a", b"a", b"a", b"a", b"a"]), 2);
        assert_eq!(count(regex("a+"), &[b"a", b"a", b" a"]), 2);
        assert_eq!(count(regex("ready [0-9]+"), &[b"ready 1\nready 2\n", b"ready 3"]), 3);
        assert_eq!(count(regex("x*"), &[b"abc"]), 4);
    }

    #[test]
    fn finds_a_needle_in_a_great_deal_of_output() {
        let line = b"nothing to see here, carry on with what you are doing\n".repeat(1000);
        let mut pieces: Vec<&[u8]> = vec![&line; 20];
        pieces.push(b"nee");
        pieces.push(b"dle\n");
        assert_eq!(count(text("needle"), &pieces), 1);
        assert_eq!(count(regex("ne+dle"), &pieces), 1);
    }

    #[test]
    fn text_with_other_capitals_is_noticed() {
        let mut search = Search::new(text("Ready to go").matcher());
        search.push("… rea".as_bytes());
        assert_eq!((search.count(), search.other_case.clone()), (0, None));
        search.push(b"dy to go\n");
        assert_eq!((search.count(), search.other_case.as_deref()), (0, Some("ready to go")));
    }

    #[test]
    fn anchors_are_the_ends_of_lines() {
        assert_eq!(count(regex("^two$"), &[b"one\ntwo\r\nthree\n"]), 1);
    }

    #[test]
    fn bytes_that_are_no_text_do_not_stop_the_search() {
        assert_eq!(count(text("ready"), &[b"\xff\xfe\x80", b"\xe2\x82", b"ready"]), 1);
    }

    #[test]
    fn reads_as_what_is_awaited() {
        let wait = crate::Wait::log("ready").times(2).stderr();
        assert_eq!(wait.to_string(), "`ready` in the standard error, 2 times");
        assert_eq!(crate::Wait::log_matches("^up").to_string(), "/^up/ in the output");
    }
}
