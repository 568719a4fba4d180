//! Waiting for something in the output. It is searched as one text, whatever frames it came in.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::limits::{limits_methods, Limits};
use super::pattern::Pattern;
use super::run::{Note, Unready};
use super::search::Search;
use super::target::Target;
use crate::engine::LogSource;

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
                let seen = stdout.count(ended) + stderr.count(ended);
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

#[cfg(test)]
mod tests {
    #[test]
    fn reads_as_what_is_awaited() {
        let wait = crate::Wait::log("ready").times(2).stderr();
        assert_eq!(wait.to_string(), "`ready` in the standard error, 2 times");
        assert_eq!(crate::Wait::log_matches("^up").to_string(), "/^up/ in the output");
    }
}
