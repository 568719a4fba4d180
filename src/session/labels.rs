//! What is written on everything that is made, so that it can be found again.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use rand::distributions::{Alphanumeric, DistString};

use super::identity::{test_name, Session};
use super::process::Process;

pub(crate) const LABEL_PREFIX: &str = "org.longshore.";

/// The test run it belongs to.
const SESSION: &str = "org.longshore.session";
/// The process that made it; see `Process::to_label`.
pub(super) const OWNER: &str = "org.longshore.owner";
/// One of a kind for each create call: finds a thing whose creation we never saw confirmed.
pub(super) const INSTANCE: &str = "org.longshore.instance";
/// The test that made it, where it has a name.
const TEST: &str = "org.longshore.test";
/// When, in seconds since 1970 by this machine's clock.
const CREATED: &str = "org.longshore.created";

/// The label of everything that this test run has made, as a filter: `name=value`.
pub(crate) fn of_this_session() -> String {
    format!("{SESSION}={}", Session::this().id)
}

/// The label of everything that longshore has made, in any test run.
pub(crate) fn of_any_session() -> &'static str {
    SESSION
}

/// Something that no other thing has.
pub(crate) fn instance() -> String {
    Alphanumeric.sample_string(&mut rand::thread_rng(), 12).to_lowercase()
}

/// The labels for one create call. On the thread of the test, whose name is one of them.
pub(crate) fn labels(instance: &str) -> BTreeMap<String, String> {
    let created = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let mut labels = BTreeMap::from([
        (SESSION.to_owned(), Session::this().id.clone()),
        (OWNER.to_owned(), Process::this().to_label()),
        (INSTANCE.to_owned(), instance.to_owned()),
        (CREATED.to_owned(), created.to_string()),
    ]);
    labels.extend(test_name().map(|test| (TEST.to_owned(), test)));
    labels
}
