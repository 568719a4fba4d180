//! The one error of this crate, and the half-made form of it that the parsers pass about.
//!
//! A message is a lowercase fragment that quotes what the user wrote; it must never be more than
//! one line, whatever the user wrote, because it ends up in compile errors.

use std::{
    error::Error,
    fmt::{self, Write as _},
};

/// A word that is not written as its grammar asks.
///
/// Displayed, it is the [message](SyntaxError::message) and, where there is something to suggest,
/// a second line with the [hint](SyntaxError::hint).
///
/// # Examples
///
/// ```
/// let error = longshore_syntax::parse_duration("30").unwrap_err();
///
/// assert_eq!(error.input(), "30");
/// assert_eq!(error.message(), "`30` is not a duration: its unit is missing");
/// assert_eq!(error.hint(), Some("add a unit, such as `30s`"));
/// assert_eq!(
///     error.to_string(),
///     "`30` is not a duration: its unit is missing\nhint: add a unit, such as `30s`",
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SyntaxError {
    input: Box<str>,
    message: Box<str>,
    hint: Option<Box<str>>,
}

impl SyntaxError {
    /// The word or line as it was given. Of a file it is only the beginning of the line.
    pub fn input(&self) -> &str {
        &self.input
    }

    /// What was tried and what is wrong, on one line: ``"`30` is not a duration: ..."``.
    ///
    /// Control characters of the input are escaped in it.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to write instead, on one line and without the leading `hint: `.
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The same error for the longer text `input` of which the word is a part.
    pub(crate) fn part_of(self, input: &str) -> Self {
        Self { input: input.into(), ..self }
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(hint) = &self.hint {
            write!(f, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

impl Error for SyntaxError {}

/// What is wrong with a part of the input. The parsers of the parts know neither the whole input
/// nor what it was meant to be; [`Problem::within`] adds both.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    what: String,
    hint: Option<String>,
}

impl Problem {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), hint: None }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The problem with a part of a part: `before` says which.
    pub(crate) fn before(self, before: &str) -> Self {
        Self { what: format!("{before}: {}", self.what), ..self }
    }

    /// The error for `input`, which was to be `noun` ("a duration").
    pub(crate) fn within(self, input: &str, noun: &str) -> SyntaxError {
        SyntaxError {
            input: input.into(),
            message: one_line(&format!("`{input}` is not {noun}: {}", self.what)),
            hint: self.hint.as_deref().map(one_line),
        }
    }

    /// The error for `input`, a text too long to be quoted: the problem is the whole message.
    pub(crate) fn alone(self, input: &str) -> SyntaxError {
        SyntaxError {
            input: input.into(),
            message: one_line(&self.what),
            hint: self.hint.as_deref().map(one_line),
        }
    }
}

/// White space is the same mistake in every grammar, and so gets the same words. The tests for it
/// come first in each parser: an invisible character must not be reported as some other thing.
pub(crate) fn refuse_white_space(text: &str) -> Result<(), Problem> {
    if !text.contains(char::is_whitespace) {
        return Ok(());
    }
    let trimmed = text.trim();
    let joined: String = text.split_whitespace().collect();
    if joined.is_empty() {
        Err(Problem::new("it is only white space"))
    } else if trimmed == joined {
        Err(Problem::new("it has white space around it")
            .hint(format!("write it without: `{trimmed}`")))
    } else {
        Err(Problem::new("it has white space in it").hint(format!("write it without: `{joined}`")))
    }
}

fn one_line(text: &str) -> Box<str> {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            // Writing to a `String` does not fail.
            let _ = write!(line, "{}", c.escape_default());
        } else {
            line.push(c);
        }
    }
    line.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(problem: Problem, displayed: &str) {
        assert_eq!(problem.within("a\nb", "a thing").to_string(), displayed);
    }

    #[test]
    fn an_error_without_a_hint_is_one_line() {
        check(Problem::new("it is odd"), r"`a\nb` is not a thing: it is odd");
    }

    #[test]
    fn a_problem_alone_is_the_whole_message() {
        let error = Problem::new("it is\nodd").hint("write `c`").alone("a b");
        assert_eq!(error.to_string(), "it is\\nodd\nhint: write `c`");
        assert_eq!(error.part_of("a b c").input(), "a b c");
    }

    #[test]
    fn the_hint_has_a_line_of_its_own() {
        check(
            Problem::new("it is odd").hint("write `c`"),
            "`a\\nb` is not a thing: it is odd\nhint: write `c`",
        );
    }

    #[test]
    fn control_characters_are_escaped_in_the_hint_too() {
        check(
            Problem::new("\u{1b}[0m").hint("\r"),
            "`a\\nb` is not a thing: \\u{1b}[0m\nhint: \\r",
        );
    }

    #[test]
    fn the_input_is_kept_as_it_was_given() {
        let error = Problem::new("it is odd").within("a\nb", "a thing");
        assert_eq!(error.input(), "a\nb");
        assert_eq!(error.hint(), None);
    }

    #[test]
    fn white_space_is_refused_with_the_word_that_was_meant() {
        let refused = |text| refuse_white_space(text).unwrap_err();
        assert_eq!(refuse_white_space("80"), Ok(()));
        assert_eq!(refused(" \t"), Problem::new("it is only white space"));
        assert_eq!(
            refused(" 80 "),
            Problem::new("it has white space around it").hint("write it without: `80`")
        );
        assert_eq!(
            refused("80 : 80"),
            Problem::new("it has white space in it").hint("write it without: `80:80`")
        );
    }

    #[test]
    fn every_public_type_can_cross_threads() {
        fn check<T: Send + Sync + 'static>() {}
        check::<SyntaxError>();
        check::<crate::ImageReference>();
        check::<crate::Protocol>();
        check::<crate::ContainerPort>();
        check::<crate::HostPort>();
        check::<crate::PortMapping>();
        check::<crate::RunLine>();
        check::<crate::RunOption>();
        check::<crate::RunFlag>();
        check::<crate::Mount>();
        check::<crate::VolumeSpec>();
        check::<crate::VolumeSource>();
        check::<crate::NetworkAttachment>();
        check::<crate::EnvEntry>();
        check::<crate::Ulimit>();
        check::<crate::Device>();
        check::<crate::DeviceCgroupRule>();
        check::<crate::Throttle>();
        check::<crate::WeightDevice>();
        check::<crate::GpuRequest>();
        check::<crate::RestartPolicy>();
        check::<crate::HostLine>();
    }
}
