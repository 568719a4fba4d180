//! What is looked for in text: a piece of it, or a regular expression. Data.

use std::fmt;

use regex_lite::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Pattern {
    Contains(String),
    Matches(String),
}

impl Pattern {
    /// What is wrong with it.
    pub(crate) fn problem(&self) -> Option<(String, &'static str)> {
        let hint = "the syntax is that of the crate `regex`, without Unicode classes";
        match self {
            Pattern::Contains(text) if text.is_empty() => {
                Some(("an empty text would be found in anything".into(), "say what is looked for"))
            }
            Pattern::Contains(_) => None,
            Pattern::Matches(regex) => match compile(regex) {
                Ok(_) => None,
                Err(error) => {
                    Some((format!("`{regex}` is not a regular expression: {error}"), hint))
                }
            },
        }
    }

    /// Ready to search. A regular expression that does not parse has been refused before.
    pub(crate) fn matcher(&self) -> Matcher {
        match self {
            Pattern::Contains(text) => Matcher::Text(text.clone()),
            Pattern::Matches(regex) => compile(regex).map_or(Matcher::Nothing, Matcher::Regex),
        }
    }
}

/// `^` and `$` are the ends of lines, also of those that end with `\r\n` as a terminal's do.
fn compile(regex: &str) -> Result<Regex, regex_lite::Error> {
    RegexBuilder::new(regex).multi_line(true).crlf(true).build()
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pattern::Contains(text) => write!(f, "`{text}`"),
            Pattern::Matches(regex) => write!(f, "/{regex}/"),
        }
    }
}

#[derive(Debug)]
pub(crate) enum Matcher {
    Text(String),
    Regex(Regex),
    Nothing,
}

impl Matcher {
    /// Start and end of the first match at or after the byte `from`.
    pub(crate) fn find_at(&self, text: &str, from: usize) -> Option<(usize, usize)> {
        match self {
            Matcher::Text(part) => {
                text[from..].find(part.as_str()).map(|at| (from + at, from + at + part.len()))
            }
            Matcher::Regex(regex) => {
                regex.find_at(text, from).map(|found| (found.start(), found.end()))
            }
            Matcher::Nothing => None,
        }
    }

    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.find_at(text, 0).is_some()
    }
}
