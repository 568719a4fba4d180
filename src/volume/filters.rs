//! Which volumes are meant, in Docker's filters. Only writes them down.

use std::collections::BTreeMap;

use serde_json::json;

use super::inspect::VolumeInspect;
use crate::engine::query;

/// Which volumes are listed, as `docker volume ls --filter`: those that have one of the given drivers, one of the given
/// names, and all of the given labels. Without any, all are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "filters do nothing until something is listed by them"]
pub struct VolumeFilters(BTreeMap<&'static str, Vec<String>>);

impl VolumeFilters {
    /// No filter: every volume.
    pub fn new() -> Self {
        VolumeFilters::default()
    }

    fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.0.entry(key).or_default().push(value.into());
        self
    }

    /// With this driver (`driver=local`).
    pub fn driver(self, driver: impl Into<String>) -> Self {
        self.with("driver", driver)
    }

    /// With this label: `"name"` or `"name=value"` (`label=name=value`).
    pub fn label(self, label: impl Into<String>) -> Self {
        self.with("label", label)
    }

    /// Whose name has this in it (`name=data`); Docker reads it as a regular expression, so that `^data$` is the one called
    /// `data`.
    pub fn name(self, name: impl Into<String>) -> Self {
        self.with("name", name)
    }

    /// That no container uses (`dangling=true`).
    pub fn dangling(self) -> Self {
        self.with("dangling", "true")
    }

    /// That a container uses, running or not (`dangling=false`).
    pub fn in_use(self) -> Self {
        self.with("dangling", "false")
    }

    /// These in two parts, for Podman: it takes what fits one of several filters, where Docker takes what fits all. It is
    /// asked for what only an engine knows, and the rest is looked for in what it answers.
    pub(super) fn for_podman(mut self) -> (VolumeFilters, VolumeFilters) {
        let dangling = self.0.remove_entry("dangling");
        (VolumeFilters(dangling.into_iter().collect()), self)
    }

    /// Whether a volume is one of these, as far as its own data says.
    pub(super) fn fits(&self, volume: &VolumeInspect) -> bool {
        let labels = volume.labels();
        self.0.iter().all(|(key, values)| match *key {
            "label" => values.iter().all(|label| match label.split_once('=') {
                Some((name, value)) => labels.get(name) == Some(&value),
                None => labels.contains_key(label.as_str()),
            }),
            "driver" => values.iter().any(|driver| volume.driver() == driver),
            "name" => values.iter().any(|name| {
                let pattern = regex_lite::Regex::new(name);
                pattern.map_or(volume.name().contains(name), |name| name.is_match(volume.name()))
            }),
            _ => true,
        })
    }

    /// `?filters=..`, or nothing.
    pub(super) fn to_query(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        query(&[("filters", &json!(self.0).to_string())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_podman_does_not_do_is_done_here() {
        let volume = VolumeInspect::new(json!({
            "Name": "shop-data", "Driver": "local", "Labels": { "project": "shop", "stage": "" },
        }));
        let fits = |filters: VolumeFilters| filters.fits(&volume);
        let new = VolumeFilters::new;
        assert!(fits(new()) && fits(new().label("project").label("stage=").label("project=shop")));
        assert!(!fits(new().label("project=sh")) && !fits(new().label("project").label("owner")));
        assert!(fits(new().name("op-d").driver("local")) && fits(new().name("^shop").name("x")));
        assert!(!fits(new().name("^data")) && !fits(new().driver("nfs")) && !fits(new().name("(")));
        let (asked, rest) = new().dangling().name("a").for_podman();
        assert_eq!((asked, rest), (new().dangling(), new().name("a")));
    }
}
