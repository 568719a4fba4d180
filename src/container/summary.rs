//! One line of `docker ps`, with typed getters. No I/O.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::engine::{ContainerState, Host, Ports, PublishedPort};

/// A container as a list shows it, at the moment the engine was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct ContainerSummary {
    ports: Vec<PublishedPort>,
    raw: Value,
}

impl ContainerSummary {
    pub(super) fn new(raw: Value, host: &Host) -> Self {
        ContainerSummary { ports: Ports::of_list(&raw["Ports"], host), raw }
    }

    fn text(&self, key: &str) -> &str {
        self.raw[key].as_str().unwrap_or_default()
    }

    /// The full id.
    pub fn id(&self) -> &str {
        self.text("Id")
    }

    /// The name, without Docker's leading `/`.
    pub fn name(&self) -> &str {
        self.names().into_iter().find(|name| !name.contains('/')).unwrap_or_default()
    }

    /// All names: its own, and those under which containers that are linked to it know it (`other/alias`).
    pub fn names(&self) -> Vec<&str> {
        let names = self.raw["Names"].as_array().into_iter().flatten().filter_map(Value::as_str);
        names.map(|name| name.strip_prefix('/').unwrap_or(name)).collect()
    }

    /// The image, as the container was made with it.
    pub fn image(&self) -> &str {
        self.text("Image")
    }

    /// The image's id.
    pub fn image_id(&self) -> &str {
        self.text("ImageID")
    }

    /// The command, its words with spaces between them.
    pub fn command(&self) -> &str {
        self.text("Command")
    }

    /// When it was made, to the second, by the engine's clock.
    pub fn created(&self) -> SystemTime {
        let seconds = self.raw["Created"].as_u64().unwrap_or_default();
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    /// The state.
    pub fn state(&self) -> ContainerState {
        ContainerState::from_word(self.text("State"))
    }

    /// The state as `docker ps` writes it: `Up 5 minutes (healthy)`, `Exited (3) 2 hours ago`.
    pub fn status(&self) -> &str {
        self.text("Status")
    }

    /// Its ports, with the addresses under which those that are published are reached.
    pub fn ports(&self) -> &[PublishedPort] {
        &self.ports
    }

    /// Its labels, those of its image among them.
    pub fn labels(&self) -> BTreeMap<&str, &str> {
        let labels = self.raw["Labels"].as_object().into_iter().flatten();
        labels.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))).collect()
    }

    /// What is mounted: the names of volumes, and the paths of the host.
    pub fn mounts(&self) -> Vec<&str> {
        let mounts = self.raw["Mounts"].as_array().into_iter().flatten();
        mounts.filter_map(mount_word).collect()
    }

    /// The networks that it is on.
    pub fn networks(&self) -> Vec<&str> {
        let networks = self.raw["NetworkSettings"]["Networks"].as_object().into_iter().flatten();
        networks.map(|(name, _)| name.as_str()).collect()
    }

    /// The bytes that it has written to its file system; `None` unless
    /// [sizes were asked for](crate::ContainerFilters::size).
    pub fn size_written(&self) -> Option<u64> {
        // Nothing is left away.
        self.raw["SizeRootFs"].as_u64().map(|_| self.raw["SizeRw"].as_u64().unwrap_or_default())
    }

    /// The bytes of its whole file system, the image's with it; `None` unless
    /// [sizes were asked for](crate::ContainerFilters::size).
    pub fn size_total(&self) -> Option<u64> {
        self.raw["SizeRootFs"].as_u64()
    }

    /// Everything, as the engine gave it.
    pub fn raw(&self) -> &Value {
        &self.raw
    }
}

/// A mount as `docker ps` shows it.
fn mount_word(mount: &Value) -> Option<&str> {
    // Podman lists the targets alone.
    let keys = ["Name", "Source", "Destination"].iter();
    let mut words = keys.filter_map(|key| mount[*key].as_str()).chain(mount.as_str());
    words.find(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_is_read_as_docker_ps_shows_it() {
        let line = ContainerSummary::new(
            json!({
                "Id": "abc", "Names": ["/web/db", "/db"], "Image": "postgres:15", "ImageID": "sha256:1", "Command": "sleep 1",
                "Created": 1_700_000_000, "State": "exited", "Status": "Exited (3) 2 hours ago", "Labels": { "a": "b" },
                "Ports": [{ "PrivatePort": 80, "Type": "tcp" }], "SizeRootFs": 5,
                "Mounts": [{ "Type": "volume", "Name": "data", "Source": "/x" }, { "Type": "bind", "Source": "/host" }],
                "NetworkSettings": { "Networks": { "bridge": {} } },
            }),
            &Host::local(),
        );
        assert_eq!((line.id(), line.name()), ("abc", "db"));
        assert_eq!(line.names(), ["web/db", "db"]);
        assert_eq!(
            (line.image(), line.image_id(), line.command()),
            ("postgres:15", "sha256:1", "sleep 1")
        );
        assert_eq!(line.created(), UNIX_EPOCH + Duration::from_secs(1_700_000_000));
        assert_eq!(
            (line.state(), line.status()),
            (ContainerState::Exited, "Exited (3) 2 hours ago")
        );
        assert_eq!(line.labels(), BTreeMap::from([("a", "b")]));
        assert_eq!(line.ports()[0].to_string(), "80/tcp");
        assert_eq!(line.mounts(), ["data", "/host"]);
        assert_eq!(line.networks(), ["bridge"]);
        assert_eq!((line.size_written(), line.size_total()), (Some(0), Some(5)));
        let bare = ContainerSummary::new(json!({ "Labels": null }), &Host::local());
        assert_eq!((bare.name(), bare.size_total()), ("", None));
        assert_eq!(bare.state(), ContainerState::Unknown);
    }
}
