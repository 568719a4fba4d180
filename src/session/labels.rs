//! What is written on everything that is made, so that it can be found again.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use rand::distributions::{Alphanumeric, DistString};
use serde_json::Value;

use super::identity::{test_name, Session};
use super::keep::keeping;
use super::process::Process;
use crate::engine::{Engine, Thing};

pub(crate) const LABEL_PREFIX: &str = "org.longshore.";

/// The test run it belongs to.
pub(super) const SESSION: &str = "org.longshore.session";
/// The process that made it; see `Process::to_label`.
pub(super) const OWNER: &str = "org.longshore.owner";
/// The full id of the owner's container, when the engine knows that it is one of its own; else empty.
pub(super) const CONTAINER: &str = "org.longshore.container";
/// One of a kind for each create call: finds a thing whose creation we never saw confirmed.
pub(super) const INSTANCE: &str = "org.longshore.instance";
/// The test that made it, where it has a name.
pub(super) const TEST: &str = "org.longshore.test";
/// When, in seconds since 1970 by this machine's clock.
pub(super) const CREATED: &str = "org.longshore.created";
/// Of an image, the tag that its owner gave it; empty when it has none.
pub(super) const TAG: &str = "org.longshore.tag";
/// Of what `LONGSHORE_KEEP` keeps: `failed` or `always`.
pub(super) const KEEP: &str = "org.longshore.keep";
/// Of what all of a test run share: the key of its record.
pub(super) const SHARED: &str = "org.longshore.shared";
/// Of a mark: the instance of the thing that is kept.
pub(super) const KEPT: &str = "org.longshore.kept";

/// Of a snapshot: its key. Whoever is made of one inherits it.
pub(super) const SNAPSHOT: &str = "org.longshore.snapshot";
/// Of a snapshot: the image that its container was made of.
pub(super) const SNAPSHOT_OF: &str = "org.longshore.snapshot.of";

/// Of a mark: the instance of the container for whose sake its thing is kept.
pub(super) const KEPT_BY: &str = "org.longshore.kept.by";

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

/// Milliseconds since 1970 by this machine's clock.
pub(crate) fn unix_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or_default()
}

/// The labels for one create call. On the thread of the test, whose name is one of them.
pub(crate) fn labels(engine: &Engine, thing: Thing, instance: &str) -> BTreeMap<String, String> {
    let created = unix_ms() / 1000;
    let mut labels = BTreeMap::from([
        (SESSION.to_owned(), Session::this().id.clone()),
        (OWNER.to_owned(), Process::this().to_label()),
        (INSTANCE.to_owned(), instance.to_owned()),
        (CREATED.to_owned(), created.to_string()),
    ]);
    labels.extend(test_name().map(|test| (TEST.to_owned(), test)));
    // A container has its image's labels too, and an image its container's: those of another owner must not count.
    let blanks = match thing {
        Thing::Image => &[CONTAINER, KEEP, SHARED, SNAPSHOT][..],
        Thing::Container => &[CONTAINER, KEEP, SHARED][..],
        Thing::Network | Thing::Volume => &[],
    };
    labels.extend(blanks.iter().map(|name| ((*name).to_owned(), String::new())));
    labels.extend(engine.own_container().map(|id| (CONTAINER.to_owned(), id.to_owned())));
    labels.extend(keeping().label().map(|keep| (KEEP.to_owned(), keep.to_owned())));
    labels
}

/// The labels of a snapshot, in place of those that it would inherit from its container: it outlives its owner on purpose, so it
/// has none, and belongs to no test run.
pub(crate) fn snapshot_labels(key: &str, image: &str) -> BTreeMap<String, String> {
    let blanks = [SESSION, OWNER, CONTAINER, INSTANCE, TEST, CREATED, TAG, KEEP, SHARED];
    let blanks = blanks.into_iter().map(|name| (name.to_owned(), String::new()));
    let own = [(SNAPSHOT, key), (SNAPSHOT_OF, image)];
    blanks.chain(own.map(|(name, value)| (name.to_owned(), value.to_owned()))).collect()
}

/// The label of all snapshots, as a filter.
pub(crate) fn of_snapshots() -> &'static str {
    SNAPSHOT
}

/// Of a snapshot with these labels its key and what it was made of. An image that somebody has made of one is none.
pub(crate) fn snapshot_in(labels: &Value) -> Option<(&str, &str)> {
    let key = labels[SNAPSHOT].as_str().filter(|key| !key.is_empty() && !is_of_a_run(labels))?;
    Some((key, labels[SNAPSHOT_OF].as_str().unwrap_or_default()))
}

/// Whether something with these labels is of a test run.
pub(crate) fn is_of_a_run(labels: &Value) -> bool {
    labels[SESSION].as_str().is_some_and(|session| !session.is_empty())
}

/// The label of an image that says which of its tags its owner has given it.
pub(crate) fn tag_label(tag: &str) -> (String, String) {
    (TAG.to_owned(), tag.to_owned())
}
