//! What a request says of its snapshot, and the requests that become of it: one for the start of which the snapshot is made, and one
//! for those that come after it. Pure data; a snapshot's key is made here, and nobody here knows whether there is one.

use longshore_syntax::{parse_mount, parse_volume, MountType};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::container_request::ContainerRequest;
use super::copy::CopyIn;
use crate::error::{Problems, Result};
use crate::wait::Wait;

/// Of the snapshots that this version makes: those of another one are not used.
const FORMAT: u32 = 1;

/// What the names of networks and volumes of a test's own begin with, and how many characters come then.
const OWN_NAME: (&str, usize) = ("longshore-", 12);

/// How it is started warm.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Warm {
    /// What tells those apart whose difference is not in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<String>,
    /// In place of the request's own waits when it is started from the snapshot.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) waits: Vec<Wait>,
}

impl Warm {
    /// As requests are laid over each other.
    pub(super) fn on_top_of(self, below: Warm) -> Warm {
        let mut waits = below.waits;
        waits.extend(self.waits);
        Warm { key: self.key.or(below.key), waits }
    }
}

impl ContainerRequest {
    pub(crate) fn is_warm(&self) -> bool {
        self.own.warm.is_some()
    }

    pub(crate) fn has_warm_key(&self) -> bool {
        self.own.warm.as_ref().is_some_and(|warm| warm.key.is_some())
    }

    /// The same, as if nobody had said that it is warm.
    pub(crate) fn cold(&self) -> ContainerRequest {
        let mut cold = self.clone();
        cold.own.warm = None;
        cold
    }

    /// The start of which the snapshot is made: it has to be there when it has ended.
    pub(crate) fn to_be_snapshot(&self) -> ContainerRequest {
        self.cold().rm(false)
    }

    /// The start from the snapshot: what was copied is in there, except what lies in what is mounted.
    pub(crate) fn thawed(&self) -> ContainerRequest {
        let mut warm = self.cold();
        if let Some(said) = self.own.warm.as_ref().filter(|said| !said.waits.is_empty()) {
            warm.own.waits.clone_from(&said.waits);
        }
        let mounts = self.mounted();
        let is_mounted =
            |copy: &CopyIn| mounts.iter().any(|mount| is_beneath(copy.target(), mount));
        warm.own.copies.retain(is_mounted);
        warm
    }

    /// What the snapshot is known by, which is made of the image with this id: all that the request says of its container.
    pub(crate) fn snapshot_key(&self, image: &str) -> Result<String> {
        let mut resolved = self.cold().resolved()?;
        // A network or volume of a test's own is called otherwise in each.
        for place in ["/networks", "/body/HostConfig"] {
            if let Some(place) = resolved.pointer_mut(place) {
                forget_own_names(place);
            }
        }
        let key = self.own.warm.as_ref().and_then(|warm| warm.key.as_deref()).unwrap_or_default();
        let all = format!("{FORMAT}\n{image}\n{key}\n{resolved}");
        Ok(format!("{:032x}", xxhash_rust::xxh3::xxh3_128(all.as_bytes())))
    }

    /// Where it mounts what is not of the container alone.
    fn mounted(&self) -> Vec<String> {
        let volumes = self.words.all("volume").iter().filter_map(|word| parse_volume(word).ok());
        let volumes = volumes.filter(|volume| volume.source().is_some());
        let mounts = self.words.all("mount").iter().filter_map(|word| parse_mount(word).ok());
        let mounts = mounts
            .filter(|mount| mount.source().is_some() || mount.mount_type() != MountType::Volume);
        let targets = volumes.map(|volume| volume.target().to_owned());
        targets.chain(mounts.map(|mount| mount.target().to_owned())).collect()
    }

    pub(super) fn check_warm(&self, problems: &mut Problems) {
        let Some(warm) = &self.own.warm else { return };
        if self.own.waits.iter().chain(&warm.waits).any(Wait::expects_exit) {
            problems.add(
                "a container that is awaited to its end cannot be started warm",
                "leave `.warm()` away: a snapshot is of what runs and is ready",
            );
        }
        if warm.key.as_deref() == Some("") {
            problems.add(
                "the key of a snapshot is empty",
                "name what the hooks do: `.warm_key(\"with users\")`",
            );
        }
    }
}

/// Whether a path is a folder or lies in it.
pub(super) fn is_beneath(path: &str, folder: &str) -> bool {
    let rest = path.strip_prefix(folder.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn forget_own_names(value: &mut Value) {
    match value {
        Value::String(text) => {
            let (prefix, letters) = OWN_NAME;
            let Some(rest) = text.strip_prefix(prefix) else { return };
            let is_letter = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            let count = rest.as_bytes().iter().take_while(|byte| is_letter(byte)).count();
            if count == letters {
                *text = format!("{prefix}{}", &rest[count..]);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(forget_own_names),
        Value::Object(fields) => fields.values_mut().for_each(forget_own_names),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(request: ContainerRequest) -> String {
        request.warm().snapshot_key("sha256:1").unwrap()
    }

    #[test]
    fn what_changes_the_container_changes_the_key() {
        let request = || ContainerRequest::new("postgres:15").env("A", "1").copy_to(b"x", "/x");
        assert_eq!(key(request()), key(request()));
        assert_eq!(key(request()), key(request().warm_wait(Wait::log("ready"))), "waits later");
        for other in [
            request().env("A", "2"),
            request().copy_to(b"y", "/x"),
            request().wait(Wait::log("ready")),
            request().warm_key("other"),
            ContainerRequest::new("postgres:16").env("A", "1").copy_to(b"x", "/x"),
        ] {
            assert_ne!(key(request()), key(other.clone()), "{other:?}");
        }
        assert_ne!(key(request()), request().warm().snapshot_key("sha256:2").unwrap());
    }

    #[test]
    fn networks_and_volumes_of_a_tests_own_do_not() {
        let on = |network: &str| {
            let alias = network.to_owned();
            ContainerRequest::new("a").network(alias).volume(format!("{network}:/data"))
        };
        assert_eq!(key(on("longshore-abcdefghijk1")), key(on("longshore-2bcdefghijkl")));
        assert_ne!(key(on("longshore-abcdefghijk1")), key(on("longshore-abcdefghijk")));
        assert_ne!(key(on("one")), key(on("two")));
    }

    #[test]
    fn what_was_copied_into_mounts_is_copied_again() {
        let request = ContainerRequest::new("a")
            .volume("data:/data")
            .volume("/own")
            .copy_to(b"1", "/data/1")
            .copy_to(b"2", "/database")
            .copy_to(b"3", "/own/3")
            .wait(Wait::log("twice"))
            .warm_wait(Wait::log("once"));
        let warm = request.thawed();
        assert_eq!(warm.copies().iter().map(CopyIn::target).collect::<Vec<_>>(), ["/data/1"]);
        assert_eq!(warm.waits(), [Wait::from(Wait::log("once"))]);
        assert!(!warm.is_warm() && request.is_warm());
    }

    #[test]
    fn what_ends_is_not_warm() {
        let error = ContainerRequest::new("a").wait(Wait::exit()).warm().check().unwrap_err();
        assert_eq!(
            error.to_string(),
            "a container that is awaited to its end cannot be started warm\n  image: `a`\n  hint: leave `.warm()` away: a \
             snapshot is of what runs and is ready"
        );
    }
}
