//! Which volumes are meant, in Docker's filters. Only writes them down.

use std::collections::BTreeMap;

use serde_json::json;

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

    /// `?filters=..`, or nothing.
    pub(super) fn to_query(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        query(&[("filters", &json!(self.0).to_string())])
    }
}
