//! An error as data, so that another process can be told it: everything but its source.

use serde::{Deserialize, Serialize};

use super::report::{Error, Kind, Report};

/// What an [`Error`] says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Told {
    kind: Kind,
    summary: String,
    facts: Vec<(String, String)>,
    exit_code: Option<i64>,
    output: Vec<String>,
    hint: Option<String>,
    also: Vec<Told>,
}

impl From<&Error> for Told {
    fn from(error: &Error) -> Self {
        let report = error.report();
        let fact = |(label, value): &(std::borrow::Cow<'static, str>, String)| {
            (label.to_string(), value.clone())
        };
        Told {
            kind: report.kind,
            summary: report.summary.clone(),
            facts: report.facts.iter().map(fact).collect(),
            exit_code: report.exit_code,
            output: report.output.clone(),
            hint: report.hint.clone(),
            also: report.also.iter().map(Told::from).collect(),
        }
    }
}

impl From<Told> for Error {
    fn from(told: Told) -> Self {
        Error::of(Report {
            kind: told.kind,
            summary: told.summary,
            facts: told.facts.into_iter().map(|(label, value)| (label.into(), value)).collect(),
            exit_code: told.exit_code,
            output: told.output,
            hint: told.hint,
            source: None,
            also: told.also.into_iter().map(Error::from).collect(),
            files: Vec::new(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_process_reads_the_same() {
        let error = Error::new(Kind::Engine(500), "it did not start")
            .fact("because", "busy")
            .with_exit_code(3)
            .with_output(vec!["boom".into()])
            .hint("wait")
            .and_also(Error::new(Kind::Timeout, "not removed"));
        let text = serde_json::to_string(&Told::from(&error)).unwrap();
        let read = Error::from(serde_json::from_str::<Told>(&text).unwrap());
        assert_eq!(read.to_string(), error.to_string());
        assert_eq!((read.engine_status(), read.exit_code()), (Some(500), Some(3)));
    }
}
