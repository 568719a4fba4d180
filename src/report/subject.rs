//! What has to be known of a test's container to tell of it later: words, which can be passed to another process.

use serde::{Deserialize, Serialize};

use super::place::Place;
use crate::engine::Remote;

/// A container of a test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Subject {
    /// The test's path, such as `tests::stores_a_row`.
    pub(crate) test: String,
    pub(crate) place: Place,
    /// The test's word for it: a parameter, or a number.
    pub(crate) part: String,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) image: String,
    /// The line of `docker run` that does the same by hand.
    pub(crate) run: String,
}

impl Subject {
    /// Of this container, which has been made.
    pub(crate) fn of(mut self, container: &Remote) -> Self {
        container.id().clone_into(&mut self.id);
        container.name().clone_into(&mut self.name);
        self
    }

    /// Without its run line if that is longer than `limit` bytes.
    pub(crate) fn shortened(mut self, limit: usize) -> Self {
        // As JSON a byte may become six.
        if self.run.len() > limit / 6 {
            let length = self.run.len();
            self.run = format!("# a line of {length} bytes, which is too long to be passed on");
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_line_is_not_passed_on() {
        let subject = Subject {
            test: "a".into(),
            place: Place::of("a"),
            part: "db".into(),
            id: "1".into(),
            name: "b".into(),
            image: "c".into(),
            run: "\u{1}".repeat(10_000),
        };
        assert_eq!(subject.clone().shortened(60_000), subject);
        assert!(subject.shortened(59_000).run.starts_with("# a line of 10000 bytes"));
    }
}
