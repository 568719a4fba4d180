//! Waiting for a command in the container to succeed.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::limits::{limits_methods, Limits, LONGEST_PAUSE};
use super::pattern::Pattern;
use super::run::{Note, Unready};
use super::target::Target;
use crate::engine::ExecOutput;
use crate::request::Exec;

/// Runs a command until it exits as wanted; see [`Wait::exec`](crate::Wait::exec).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct ExecWait {
    command: Exec,
    code: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output: Option<Pattern>,
    #[serde(flatten)]
    pub(super) limits: Limits,
}

impl ExecWait {
    pub(super) fn new(command: Exec) -> Self {
        ExecWait { command, code: 0, output: None, limits: Limits::default() }
    }

    /// The exit code that is waited for, instead of 0.
    pub fn code(mut self, code: i64) -> Self {
        self.code = code;
        self
    }

    /// Text that its output has to hold, on either stream.
    pub fn output_contains(mut self, text: impl Into<String>) -> Self {
        self.output = Some(Pattern::Contains(text.into()));
        self
    }

    /// A regular expression that its output has to match somewhere, on either stream.
    pub fn output_matches(mut self, regex: impl Into<String>) -> Self {
        self.output = Some(Pattern::Matches(regex.into()));
        self
    }

    limits_methods!(timeout, interval);

    pub(super) fn problems(&self) -> Vec<(String, &'static str)> {
        let empty = self.command.check().err();
        let empty =
            empty.map(|error| (error.summary().to_owned(), "give the program and its arguments"));
        empty.into_iter().chain(self.output.as_ref().and_then(Pattern::problem)).collect()
    }

    pub(super) async fn ready(&self, target: &Target, note: &Note) -> Result<(), Unready> {
        let matcher = self.output.as_ref().map(Pattern::matcher);
        let mut pauses = self.limits.pauses(LONGEST_PAUSE);
        loop {
            match target.exec(self.command.clone()).await {
                Ok(output) if output.code() != self.code => note.saw(told(&output)),
                Ok(output) => {
                    let all = all_text(&output);
                    if matcher.as_ref().is_none_or(|matcher| matcher.is_match(&all)) {
                        return Ok(());
                    }
                    note.saw(told(&output));
                }
                // The container may not be able to run it yet; if it died, the start is ended from outside.
                Err(error) => note.saw(error.summary().to_owned()),
            }
            pauses.pause().await;
        }
    }
}

fn all_text(output: &ExecOutput) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    text(output.stdout()) + &text(output.stderr())
}

pub(super) fn told(output: &ExecOutput) -> String {
    let lines = crate::engine::last_lines(all_text(output).as_bytes(), 3);
    let said = if lines.is_empty() {
        "and printed nothing".into()
    } else {
        format!("and printed: {}", lines.join("\n"))
    };
    format!("it exited with code {} {said}", output.code())
}

impl fmt::Display for ExecWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` in the container to exit with code {}",
            self.command.command().join(" "),
            self.code
        )?;
        match &self.output {
            Some(pattern) => write!(f, " and to print {pattern}"),
            None => Ok(()),
        }
    }
}
