//! What is wrong with a request: collected, so that everything is told at once. Asks nobody.

use super::report::{Error, Kind, Result};

/// The problems found so far, each with what to do about it.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<Problem>);

/// What is wrong, and what to do about it.
pub(crate) type Problem = (String, String);

impl Problems {
    pub(crate) fn add(&mut self, what: impl Into<String>, hint: impl Into<String>) {
        self.0.push((what.into(), hint.into()));
    }

    /// What was parsed, or a problem more.
    pub(crate) fn take<T>(&mut self, parsed: Result<T, Problem>) -> Option<T> {
        parsed.map_err(|problem| self.0.push(problem)).ok()
    }

    /// A problem for each label that only longshore may give.
    pub(crate) fn check_labels<'a>(
        &mut self,
        names: impl IntoIterator<Item = &'a String>,
        prefix: &str,
    ) {
        for name in names.into_iter().filter(|name| name.starts_with(prefix)) {
            self.add(
                format!("the label `{name}` is longshore's own"),
                format!("choose a name outside `{prefix}`"),
            );
        }
    }

    /// An error unless there are none.
    pub(crate) fn into_result(self) -> Result<()> {
        match self.0.as_slice() {
            [] => Ok(()),
            [(what, hint)] => Err(Error::new(Kind::InvalidRequest, what).hint(hint)),
            several => {
                let lines: Vec<_> =
                    several.iter().map(|(what, hint)| format!("{what} ({hint})")).collect();
                let headline = format!("{} things are wrong with the request", lines.len());
                Err(Error::new(Kind::InvalidRequest, headline).fact("wrong", lines.join("\n")))
            }
        }
    }
}
