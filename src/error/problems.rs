//! What is wrong with a request: collected, so that everything is told at once. Asks nobody.

use longshore_syntax::SyntaxError;

use super::report::{Error, Kind, Result};

/// The problems found so far.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<Problem>);

/// What is wrong, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    what: String,
    hint: Option<String>,
}

impl Problem {
    pub(crate) fn new(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Problem { what: what.into(), hint: Some(hint.into()) }
    }
}

impl From<SyntaxError> for Problem {
    fn from(error: SyntaxError) -> Self {
        Problem { what: error.message().to_owned(), hint: error.hint().map(str::to_owned) }
    }
}

impl Problems {
    pub(crate) fn add(&mut self, what: impl Into<String>, hint: impl Into<String>) {
        self.0.push(Problem::new(what, hint));
    }

    /// What was parsed, or a problem more.
    pub(crate) fn take<T>(&mut self, parsed: Result<T, impl Into<Problem>>) -> Option<T> {
        parsed.map_err(|problem| self.0.push(problem.into())).ok()
    }

    /// As [`take`](Problems::take), for an option whose name does not show in its value.
    pub(crate) fn take_for<T>(&mut self, flag: &str, parsed: Result<T, SyntaxError>) -> Option<T> {
        self.take(parsed.map_err(|error| Problem {
            what: format!("`--{flag}`: {}", error.message()),
            hint: error.hint().map(str::to_owned),
        }))
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

    /// Puts others before these.
    pub(crate) fn before(&mut self, mut others: Problems) {
        others.0.append(&mut self.0);
        *self = others;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// An error unless there are none.
    pub(crate) fn into_result(self) -> Result<()> {
        match self.is_empty() {
            true => Ok(()),
            false => Err(self.report(&[])),
        }
    }

    /// The report of them all, with these facts before the list.
    pub(crate) fn report(self, facts: &[(&'static str, String)]) -> Error {
        let about = |report: Error| {
            facts.iter().fold(report, |report, (label, value)| report.fact(label, value))
        };
        if let [problem] = self.0.as_slice() {
            let report = about(Error::new(Kind::InvalidRequest, &problem.what));
            return match &problem.hint {
                Some(hint) => report.hint(hint),
                None => report,
            };
        }
        let line = |problem: &Problem| match &problem.hint {
            Some(hint) => format!("{} ({hint})", problem.what),
            None => problem.what.clone(),
        };
        let lines: Vec<_> = self.0.iter().map(line).collect();
        let headline = format!("{} things are wrong with the request", lines.len());
        about(Error::new(Kind::InvalidRequest, headline)).fact("wrong", lines.join("\n"))
    }
}
