//! What is wrong with a request: collected, so that everything is told at once.

use longshore_syntax::SyntaxError;

use crate::error::{Error, Kind};

/// The problems found so far, each with what to do about it.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<(String, Option<String>)>);

impl Problems {
    pub(super) fn add(&mut self, what: impl Into<String>, hint: impl Into<String>) {
        self.0.push((what.into(), Some(hint.into())));
    }

    /// What was parsed, or a problem more.
    pub(super) fn take<T>(&mut self, parsed: Result<T, SyntaxError>) -> Option<T> {
        parsed
            .map_err(|error| {
                self.0.push((error.message().to_owned(), error.hint().map(str::to_owned)));
            })
            .ok()
    }

    /// Puts others before these.
    pub(super) fn before(&mut self, mut others: Problems) {
        others.0.append(&mut self.0);
        *self = others;
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The report of them all, for the image as it was written.
    pub(super) fn report(self, image: &str) -> Error {
        let image = format!("`{image}`");
        if let [(what, hint)] = self.0.as_slice() {
            let report = Error::new(Kind::InvalidRequest, what).fact("image", image);
            return match hint {
                Some(hint) => report.hint(hint),
                None => report,
            };
        }
        let lines: Vec<String> = self
            .0
            .into_iter()
            .map(|(what, hint)| hint.map_or(what.clone(), |hint| format!("{what} ({hint})")))
            .collect();
        Error::new(
            Kind::InvalidRequest,
            format!("{} things are wrong with the request", lines.len()),
        )
        .fact("image", image)
        .fact("wrong", lines.join("\n"))
    }
}
