//! Which networks are meant, in Docker's filters. Only writes them down.

use std::collections::BTreeMap;

use serde_json::json;

use crate::engine::query;

const DANGLING: &str = "dangling";

/// Which networks are listed, as `docker network ls --filter`: those that have one of the given drivers, one of the given
/// names and so on, and all of the given labels. Without any, all are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "filters do nothing until something is listed by them"]
pub struct NetworkFilters(BTreeMap<&'static str, Vec<String>>);

impl NetworkFilters {
    /// No filter: every network.
    pub fn new() -> Self {
        NetworkFilters::default()
    }

    fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.0.entry(key).or_default().push(value.into());
        self
    }

    /// With this driver (`driver=bridge`).
    pub fn driver(self, driver: impl Into<String>) -> Self {
        self.with("driver", driver)
    }

    /// Whose id has this in it (`id=3e61`).
    pub fn id(self, id: impl Into<String>) -> Self {
        self.with("id", id)
    }

    /// With this label: `"name"` or `"name=value"` (`label=name=value`).
    pub fn label(self, label: impl Into<String>) -> Self {
        self.with("label", label)
    }

    /// Whose name has this in it (`name=back`); Docker reads it as a regular expression, so that `^back$` is the one called
    /// `back`.
    pub fn name(self, name: impl Into<String>) -> Self {
        self.with("name", name)
    }

    /// Of this scope: `"local"`, `"global"` or `"swarm"` (`scope=local`).
    pub fn scope(self, scope: impl Into<String>) -> Self {
        self.with("scope", scope)
    }

    /// That somebody has made (`type=custom`).
    pub fn custom(self) -> Self {
        self.with("type", "custom")
    }

    /// That the engine has by itself: `bridge`, `host`, `none` (`type=builtin`).
    pub fn builtin(self) -> Self {
        self.with("type", "builtin")
    }

    /// That no running container is on (`dangling=true`); the engine's own ones never count as that.
    ///
    /// Docker itself answers as if every network were. So each is looked at, which costs a call for each.
    pub fn dangling(self) -> Self {
        self.with(DANGLING, "true")
    }

    /// That a running container is on, and the engine's own ones (`dangling=false`), found out in the same way.
    pub fn in_use(self) -> Self {
        self.with(DANGLING, "false")
    }

    /// Takes the filter `dangling` out of these: whether those are meant, the others, or any.
    pub(super) fn take_dangling(&mut self) -> Option<bool> {
        let values = self.0.remove(DANGLING)?;
        let is_said = |text: &str| values.iter().any(|value| value == text);
        (is_said("true") != is_said("false")).then(|| is_said("true"))
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
    fn filters_are_written_as_docker_reads_them() {
        let filters = NetworkFilters::new().label("a=b").label("c").custom();
        let text = r#"{"label":["a=b","c"],"type":["custom"]}"#;
        assert_eq!(filters.to_query(), query(&[("filters", text)]));
        assert_eq!(NetworkFilters::new().to_query(), "");
    }

    #[test]
    fn whether_one_is_used_is_no_question_for_docker() {
        let take = |mut filters: NetworkFilters| (filters.take_dangling(), filters.to_query());
        assert_eq!(take(NetworkFilters::new()), (None, String::new()));
        assert_eq!(take(NetworkFilters::new().dangling()), (Some(true), String::new()));
        assert_eq!(take(NetworkFilters::new().in_use()), (Some(false), String::new()));
        assert_eq!(take(NetworkFilters::new().in_use().dangling()), (None, String::new()));
    }
}
