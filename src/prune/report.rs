//! What a prune took, and how it reads.

use std::fmt;

use serde_json::Value;

use crate::image::RemovedImage;

/// What went in a prune. Displays as `docker system prune` prints it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PruneReport {
    pub(super) containers: Vec<String>,
    pub(super) networks: Vec<String>,
    pub(super) volumes: Vec<String>,
    pub(super) images: Vec<RemovedImage>,
    pub(super) build_cache: Vec<String>,
    pub(super) space_reclaimed: u64,
}

impl PruneReport {
    /// The ids of containers that went.
    pub fn containers(&self) -> &[String] {
        &self.containers
    }

    /// The names of networks that went.
    pub fn networks(&self) -> &[String] {
        &self.networks
    }

    /// The names of volumes that went.
    pub fn volumes(&self) -> &[String] {
        &self.volumes
    }

    /// The names and images that went, each image's names before it.
    pub fn images(&self) -> &[RemovedImage] {
        &self.images
    }

    /// The ids of steps of builds that went.
    pub fn build_cache(&self) -> &[String] {
        &self.build_cache
    }

    /// The bytes that are free now, as the engine counts them. Layers that other images have too are not among them on
    /// Docker; Podman counts them.
    pub fn space_reclaimed(&self) -> u64 {
        self.space_reclaimed
    }

    /// Whether nothing went.
    pub fn is_empty(&self) -> bool {
        self.containers.is_empty()
            && self.networks.is_empty()
            && self.volumes.is_empty()
            && self.images.is_empty()
            && self.build_cache.is_empty()
    }

    /// From an engine's answer to a prune of one kind.
    pub(super) fn from_answer(answer: &Value) -> Self {
        let words = |key: &str| {
            let list = answer[key].as_array().into_iter().flatten();
            list.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        PruneReport {
            containers: words("ContainersDeleted"),
            networks: words("NetworksDeleted"),
            volumes: words("VolumesDeleted"),
            images: RemovedImage::all_of(&answer["ImagesDeleted"]),
            build_cache: words("CachesDeleted"),
            space_reclaimed: answer["SpaceReclaimed"].as_u64().unwrap_or_default(),
        }
    }

    pub(super) fn add(&mut self, other: PruneReport) {
        self.containers.extend(other.containers);
        self.networks.extend(other.networks);
        self.volumes.extend(other.volumes);
        self.images.extend(other.images);
        self.build_cache.extend(other.build_cache);
        self.space_reclaimed += other.space_reclaimed;
    }
}

impl fmt::Display for PruneReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let images: Vec<_> = self.images.iter().map(ToString::to_string).collect();
        for (heading, lines) in [
            ("Deleted Containers:", &self.containers),
            ("Deleted Networks:", &self.networks),
            ("Deleted Volumes:", &self.volumes),
            ("Deleted Images:", &images),
            ("Deleted build cache objects:", &self.build_cache),
        ] {
            if !lines.is_empty() {
                writeln!(f, "{heading}\n{}\n", lines.join("\n"))?;
            }
        }
        write!(f, "Total reclaimed space: {}", human_size(self.space_reclaimed))
    }
}

/// With four digits and a decimal unit, as Docker's `units.HumanSize`: `0B`, `1.2MB`.
fn human_size(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
    let mut size = bytes as f64;
    let mut unit = 0;
    while size >= 1000.0 && unit < UNITS.len() - 1 {
        size /= 1000.0;
        unit += 1;
    }
    let decimals = match size {
        ..10.0 => 3,
        ..100.0 => 2,
        ..1000.0 => 1,
        _ => 0,
    };
    let number = format!("{size:.decimals$}");
    let number = match number.contains('.') {
        true => number.trim_end_matches('0').trim_end_matches('.'),
        false => &number,
    };
    format!("{number}{}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sizes_read_as_docker_writes_them() {
        for (bytes, text) in [
            (0, "0B"),
            (999, "999B"),
            (1000, "1kB"),
            (1024, "1.024kB"),
            (1_200_000, "1.2MB"),
            (12_345_678, "12.35MB"),
            (123_456_789, "123.5MB"),
            (2_146_000_000, "2.146GB"),
            (u64::MAX, "18.45EB"),
        ] {
            assert_eq!(human_size(bytes), text);
        }
    }

    #[test]
    fn reads_as_docker_prints_it() {
        let mut report = PruneReport::default();
        assert_eq!(report.to_string(), "Total reclaimed space: 0B");
        assert!(report.is_empty());
        report.add(PruneReport::from_answer(
            &json!({ "ContainersDeleted": ["c1", "c2"], "SpaceReclaimed": 212 }),
        ));
        report.add(PruneReport::from_answer(&json!({ "NetworksDeleted": null })));
        report.add(PruneReport::from_answer(
            &json!({ "VolumesDeleted": ["v"], "SpaceReclaimed": 1000 }),
        ));
        report.add(PruneReport::from_answer(
            &json!({ "ImagesDeleted": [{ "Untagged": "app:1" }, { "Deleted": "sha256:aa" }], "SpaceReclaimed": 0 }),
        ));
        assert!(!report.is_empty());
        assert_eq!(
            report.to_string(),
            "Deleted Containers:\nc1\nc2\n\nDeleted Volumes:\nv\n\nDeleted Images:\nuntagged: app:1\ndeleted: \
             sha256:aa\n\nTotal reclaimed space: 1.212kB"
        );
    }
}
