//! Child processes whose threads ask for databases of one template.

use std::collections::BTreeSet;

use super::support::child::Held;

/// Which template a child asks for.
pub(super) const KEY: &str = "LONGSHORE_TEST_KEY";

/// What its migration does, when it is under way.
pub(super) const MIGRATION: &str = "LONGSHORE_TEST_MIGRATION";

/// How many threads of a child ask.
pub(super) const THREADS: usize = 4;

/// What children have been given: the databases of all their threads. The first word may be that a migration was under way.
pub(super) fn given(askers: &mut [Held]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for asker in askers.iter_mut() {
        let mut told = asker.told();
        if told == "half done" {
            told = asker.told();
        }
        names.extend(told.split(' ').map(str::to_owned));
    }
    assert_eq!(names.len(), THREADS * askers.len(), "{names:?}");
    names
}

pub(super) fn all_end(askers: Vec<Held>) {
    for asker in askers {
        let ended = asker.end();
        assert!(ended.status.success(), "{}", ended.errors);
        assert_eq!(ended.complaints(), [""; 0]);
    }
}
