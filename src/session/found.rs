//! The things of ours that an engine has: what a list says of each, and which of them are kept on purpose.
//!
//! Labels are inherited: a container has those of its image, and an image those of the container that it was committed of.
//! What somebody makes of our things by hand is theirs, and must not be taken for ours.

use std::collections::{HashMap, HashSet};

use hyper::Method;
use longshore_syntax::ImageReference;
use serde_json::{json, Value};

use super::labels::{
    snapshot_in, CREATED, INSTANCE, KEEP, KEPT, KEPT_BY, SESSION, SHARED, TAG, TEST,
};
use super::owner::{of_process, Verdict};
use crate::engine::{get_networks, podman, query, ApiError, Engine, Thing};

/// One thing of ours, as a list of the engine's has it.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) thing: Thing,
    pub(crate) id: String,
    /// The name; of an image the tag that its owner gave it, or its short id.
    pub(crate) name: String,
    pub(super) labels: Value,
    raw: Value,
}

impl Found {
    fn new(thing: Thing, raw: &Value) -> Self {
        let labels = raw["Labels"].clone();
        let id = thing.id_in(raw);
        let tag = labels[TAG].as_str().unwrap_or_default();
        let name = match thing {
            Thing::Container => raw["Names"][0].as_str().unwrap_or(&id).trim_start_matches('/'),
            Thing::Network => raw["Name"].as_str().unwrap_or(&id),
            Thing::Image if !tag.is_empty() => tag,
            Thing::Volume => &id,
            Thing::Image => bare(&id).get(..12).unwrap_or(&id),
        };
        Found { thing, name: name.to_owned(), id, labels, raw: raw.clone() }
    }

    fn label(&self, name: &str) -> &str {
        self.labels[name].as_str().unwrap_or_default()
    }

    /// The test run.
    pub(crate) fn session(&self) -> &str {
        self.label(SESSION)
    }

    /// The test that made it; empty where that has no name.
    pub(crate) fn test(&self) -> &str {
        self.label(TEST)
    }

    /// When it was made, in seconds since 1970; `None` if that cannot be read.
    pub(crate) fn created(&self) -> Option<u64> {
        self.label(CREATED).parse().ok()
    }

    /// Whether it is, or was to become, one that all of a test run share.
    pub(super) fn is_shared(&self) -> bool {
        !self.label(SHARED).is_empty()
    }

    pub(super) fn instance(&self) -> &str {
        self.label(INSTANCE)
    }

    /// What its owner calls an image: `""` when that has no tag.
    pub(super) fn tag(&self) -> &str {
        self.label(TAG)
    }

    /// Of a mark: the instance that it keeps.
    pub(super) fn marked(&self) -> Option<&str> {
        self.labels[KEPT].as_str().filter(|_| self.thing == Thing::Volume)
    }

    /// Of a mark: the instance of the container for whose sake it is there, if it is for one's.
    pub(super) fn marked_by(&self) -> Option<&str> {
        self.labels[KEPT_BY].as_str()
    }
}

/// What an engine has of ours.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    pub(super) things: Vec<Found>,
    /// The marks: small volumes, each of which keeps another thing.
    pub(super) marks: Vec<Found>,
}

impl Inventory {
    /// Lists everything of ours that has the label (`name` or `name=value`), and all marks. On the I/O thread.
    pub(super) async fn of(engine: &Engine, label: &str) -> Result<Self, ApiError> {
        // The marks first: each was made when its thing was there, so one whose thing is not in the later list can go.
        let marks = marks(engine).await?;
        let (containers, networks, volumes, images) = futures::try_join!(
            list(engine, Thing::Container, label),
            list(engine, Thing::Network, label),
            list(engine, Thing::Volume, label),
            list(engine, Thing::Image, SESSION),
        )?;
        let instances: HashMap<_, _> =
            images.iter().map(|image| (bare(&image.id), image.instance())).collect();
        let is_own = |container: &Found| {
            let image = container.raw["ImageID"].as_str().unwrap_or_default();
            instances.get(bare(image)).copied() != Some(container.instance())
        };
        let containers: Vec<_> = containers.into_iter().filter(is_own).collect();
        let snapshots = snapshots_in(&images);
        let (name, value) = label.split_once('=').unwrap_or((label, ""));
        let has_label = |image: &Found| value.is_empty() || image.label(name) == value;
        // One without the label for its tag was not committed here.
        let is_committed_here = |image: &Found| image.labels[TAG].is_string();
        let is_ours =
            |image: &Found| has_label(image) && is_committed_here(image) && is_under_its_tag(image);
        let is_snapshots = |image: &Found| snapshots.contains(bare(&image.id));
        let images = images.iter().filter(|image| is_ours(image) && !is_snapshots(image)).cloned();
        let volumes = volumes.into_iter().filter(|volume| volume.marked().is_none());
        let things = containers.into_iter().chain(networks).chain(volumes).chain(images).collect();
        Ok(Inventory { things, marks })
    }
}

/// The snapshots among these, and what each is built on: that stays as long as they do, whoever has made it.
fn snapshots_in(images: &[Found]) -> HashSet<String> {
    let parents: HashMap<_, _> = images
        .iter()
        .map(|image| (bare(&image.id), bare(image.raw["ParentId"].as_str().unwrap_or_default())))
        .collect();
    let mut found = HashSet::new();
    for image in images.iter().filter(|image| snapshot_in(&image.labels).is_some()) {
        let mut next = bare(&image.id);
        while !next.is_empty() && found.insert(next.to_owned()) {
            next = parents.get(next).copied().unwrap_or_default();
        }
    }
    found
}

/// What is kept on purpose.
#[derive(Debug, Default)]
pub(crate) struct KeptThings {
    instances: HashSet<String>,
}

impl KeptThings {
    pub(super) fn of(marks: &[Found]) -> Self {
        let instances = marks.iter().filter_map(Found::marked).map(str::to_owned).collect();
        KeptThings { instances }
    }

    /// Whether a thing with these labels is kept from those who clean up after its owner.
    pub(super) fn has(&self, labels: &Value) -> bool {
        self.is_marked(labels) || labels[KEEP].as_str().is_some_and(|keep| !keep.is_empty())
    }

    /// Whether a thing with these labels is kept from whoever removes what is there, dead owner's or not. A mark keeps itself.
    pub(crate) fn spares(&self, labels: &Value) -> bool {
        let is_kept = match labels[KEEP].as_str() {
            Some("always") => true,
            // What lives has not failed.
            Some("failed") => of_process(labels) == Verdict::Dead,
            _ => false,
        };
        let is_snapshot = snapshot_in(labels).is_some();
        is_kept || is_snapshot || labels[KEPT].is_string() || self.is_marked(labels)
    }

    /// Whether a mark keeps it.
    fn is_marked(&self, labels: &Value) -> bool {
        labels[INSTANCE].as_str().is_some_and(|instance| self.instances.contains(instance))
    }
}

/// Asks the engine what is kept. On the I/O thread.
pub(crate) async fn kept(engine: &Engine) -> Result<KeptThings, ApiError> {
    Ok(KeptThings::of(&marks(engine).await?))
}

async fn marks(engine: &Engine) -> Result<Vec<Found>, ApiError> {
    list(engine, Thing::Volume, KEPT).await
}

/// Those of a kind that have the label (`name` or `name=value`). On the I/O thread.
async fn list(engine: &Engine, thing: Thing, label: &str) -> Result<Vec<Found>, ApiError> {
    let path = thing.listing(&json!({ "label": [label] }));
    let listed = match thing {
        Thing::Network => get_networks(engine, &path).await?,
        _ => podman::list(engine, &path).await?,
    };
    let lines = if thing == Thing::Volume { &listed["Volumes"] } else { &listed };
    let found = lines.as_array().into_iter().flatten().map(|line| Found::new(thing, line));
    // Engines have had ideas of their own of what fits a filter.
    let (name, value) = label.split_once('=').unwrap_or((label, ""));
    let fits = |one: &Found| match one.labels[name].as_str() {
        Some(have) => value.is_empty() || have == value,
        None => false,
    };
    Ok(found.filter(fits).collect())
}

/// The containers that use a network or a volume, running or not: of each its id. On the I/O thread.
pub(super) async fn users(engine: &Engine, used: &Found) -> Result<Vec<String>, ApiError> {
    let filter = match used.thing {
        Thing::Network => "network",
        Thing::Volume => "volume",
        Thing::Container | Thing::Image => return Ok(Vec::new()),
    };
    let filters = json!({ filter: [used.id] }).to_string();
    let path = format!("/containers/json{}", query(&[("all", "1"), ("filters", &filters)]));
    let listed = podman::list(engine, &path).await?;
    let lines = listed.as_array().into_iter().flatten();
    Ok(lines.map(|line| Thing::Container.id_in(line)).collect())
}

/// Whether a container with these labels, inspected or a line of a list, has them from its image: then it is not ours. On the
/// I/O thread.
pub(super) async fn has_inherited_labels(engine: &Engine, labels: &Value, inspect: &Value) -> bool {
    let image = inspect["ImageID"].as_str().or(inspect["Image"].as_str());
    let Some(image) = image else { return false };
    let path = format!("/images/{image}/json");
    let Ok(image) = engine.client().json(Method::GET, &path, None).await else { return false };
    let instance = &labels[INSTANCE];
    instance.is_string() && image["Config"]["Labels"][INSTANCE] == *instance
}

/// Whether an image has the tag that its owner gave it, or none: what somebody made of it and tagged is theirs.
fn is_under_its_tag(image: &Found) -> bool {
    let tags = image.raw["RepoTags"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let mut tags = tags.filter(|tag| !tag.starts_with("<none>")).peekable();
    let own = ImageReference::parse(image.tag()).ok();
    tags.peek().is_none() || own.is_some() && tags.any(|tag| ImageReference::parse(tag).ok() == own)
}

/// An image's id without its algorithm, which Podman leaves away here and there.
fn bare(id: &str) -> &str {
    id.strip_prefix("sha256:").unwrap_or(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::labels::OWNER;
    use crate::session::process::Process;

    fn mark(instance: &str) -> Found {
        Found::new(Thing::Volume, &json!({ "Name": "m", "Labels": { KEPT: instance } }))
    }

    #[test]
    fn things_are_called_as_a_user_calls_them() {
        let found = |thing, raw: Value| Found::new(thing, &raw).name;
        assert_eq!(found(Thing::Container, json!({ "Id": "1", "Names": ["/web"] })), "web");
        assert_eq!(found(Thing::Network, json!({ "Id": "1", "Name": "back" })), "back");
        assert_eq!(found(Thing::Volume, json!({ "Name": "data" })), "data");
        let tagged = json!({ "Id": "sha256:0123", "Labels": { TAG: "app:1" } });
        assert_eq!(found(Thing::Image, tagged), "app:1");
        let id = "0123456789abcdef".repeat(4);
        let untagged = json!({ "Id": id, "Labels": { TAG: "" } });
        assert_eq!(found(Thing::Image, untagged), "0123456789ab");
    }

    #[test]
    fn a_mark_keeps_one_instance_and_itself() {
        let kept = KeptThings::of(&[mark("x")]);
        for (labels, is_kept) in [
            (json!({ INSTANCE: "x" }), true),
            (json!({ INSTANCE: "y" }), false),
            (json!({ INSTANCE: "y", KEEP: "" }), false),
            (json!({ INSTANCE: "y", KEEP: "always" }), true),
            (json!(null), false),
        ] {
            assert_eq!(kept.has(&labels), is_kept, "{labels}");
            assert_eq!(kept.spares(&labels), is_kept, "{labels}");
        }
        assert!(kept.spares(&mark("anything").labels));
    }

    #[test]
    fn a_snapshot_is_spared_and_what_is_made_of_it_is_not() {
        let kept = KeptThings::default();
        let snapshot: Value = json!(crate::session::snapshot_labels("key", "postgres:15"));
        assert!(kept.spares(&snapshot));
        let mut container = snapshot.clone();
        container[SESSION] = "run".into();
        assert!(!kept.spares(&container));
    }

    #[test]
    fn a_snapshot_and_what_it_is_built_on_are_no_things_of_ours() {
        let image = |id: &str, parent: &str, labels: Value| {
            let id = format!("sha256:{id}");
            Found::new(Thing::Image, &json!({ "Id": id, "ParentId": parent, "Labels": labels }))
        };
        let ours = json!({ SESSION: "run", INSTANCE: "x", TAG: "" });
        let images = [
            image("4", "sha256:3", json!(crate::session::snapshot_labels("key", "a"))),
            image("3", "sha256:2", ours.clone()),
            image("2", "sha256:1", ours.clone()),
            image("5", "sha256:1", ours),
        ];
        let mut found: Vec<_> = snapshots_in(&images).into_iter().collect();
        found.sort();
        assert_eq!(found, ["1", "2", "3", "4"]);
    }

    #[test]
    fn what_failed_keeps_is_spared_when_its_owner_is_dead() {
        let kept = KeptThings::default();
        let this = Process::this().to_label();
        let of = |owner: &str| json!({ OWNER: owner, KEEP: "failed" });
        assert!(!kept.spares(&of(&this)), "what lives has not failed");
        assert!(kept.has(&of(&this)), "who cleans up after an owner knows that it is dead");
        let (place, _) = this.rsplit_once('/').unwrap();
        assert_eq!(kept.spares(&of(&format!("{place}/1"))), cfg!(target_os = "linux"));
    }
}
