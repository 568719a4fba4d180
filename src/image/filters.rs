//! Which images are listed: Docker's filters as data. Asks nobody.

use serde_json::{json, Map, Value};

use super::glob;
use super::moment::Until;
use super::name::ImageName;
use crate::error::{Error, Kind, Result};

/// Which images are listed, as `docker images --filter`. By default all but intermediate ones.
///
/// Filters of different kinds all have to hold. Of several references one has to match, of several labels all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct ImageFilters {
    pub(super) references: Vec<String>,
    pub(super) labels: Vec<String>,
    pub(super) dangling: Option<bool>,
    pub(super) before: Option<String>,
    pub(super) since: Option<String>,
    pub(super) until: Option<Until>,
    pub(super) all: bool,
}

impl ImageFilters {
    /// All images but intermediate ones.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those with a name that matches a pattern, such as `busy*:*libc` (`--filter reference=`). `*` and `?` match
    /// anything but `/`; without a `:` the pattern is about the repository alone. Only the names that match are told.
    pub fn reference(mut self, pattern: impl Into<String>) -> Self {
        self.references.push(pattern.into());
        self
    }

    /// Those without a name that are not part of another image (`--filter dangling=true`).
    pub fn dangling(mut self) -> Self {
        self.dangling = Some(true);
        self
    }

    /// Those with a name (`--filter dangling=false`).
    pub fn not_dangling(mut self) -> Self {
        self.dangling = Some(false);
        self
    }

    /// Those created before this image, a reference or an id (`--filter before=`). The last one said counts.
    pub fn before(mut self, image: impl Into<String>) -> Self {
        self.before = Some(image.into());
        self
    }

    /// Those created after this image, a reference or an id (`--filter since=`). The last one said counts.
    pub fn since(mut self, image: impl Into<String>) -> Self {
        self.since = Some(image.into());
        self
    }

    /// Those with a label, `name` or `name=value` (`--filter label=`).
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.labels.push(label.into());
        self
    }

    /// Those created before a moment: `"24h"` ago, a `Duration` ago, or a point in time (`--filter until=`). The last one
    /// said counts.
    pub fn until(mut self, until: impl Into<Until>) -> Self {
        self.until = Some(until.into());
        self
    }

    /// Intermediate ones too, from which others are made (`--all`).
    pub fn all(mut self) -> Self {
        self.all = true;
        self
    }

    pub(super) fn check(&self) -> Result<()> {
        if let Some(pattern) = self.references.iter().find(|pattern| !glob::is_valid(pattern)) {
            let what = format!("`{pattern}` is not a pattern for references");
            return Err(Error::new(Kind::InvalidRequest, what)
                .hint(r"write `\[` and `\\` for a `[` or a `\` that is meant as it is"));
        }
        self.labels.iter().try_for_each(|label| check_label(label))?;
        for image in self.before.iter().chain(&self.since) {
            ImageName::parse(image)?;
        }
        self.until.as_ref().map_or(Ok(()), |until| until.moment().map(drop))
    }

    /// As the API takes them; `until` is not among them, which engines know since API 1.43 only.
    pub(super) fn to_json(&self) -> Value {
        let mut filters = Map::new();
        if let Some(dangling) = self.dangling {
            filters.insert("dangling".into(), json!([dangling.to_string()]));
        }
        for (key, image) in [("before", &self.before), ("since", &self.since)] {
            if let Some(image) = image {
                filters.insert(key.into(), json!([image]));
            }
        }
        for (key, values) in [("reference", &self.references), ("label", &self.labels)] {
            if !values.is_empty() {
                filters.insert(key.into(), json!(values));
            }
        }
        filters.into()
    }
}

/// A label's filter has a name.
pub(crate) fn check_label(label: &str) -> Result<()> {
    let name = label.split('=').next().unwrap_or_default();
    if name.is_empty() {
        let what = format!("`{label}` is not a filter for a label");
        return Err(Error::new(Kind::InvalidRequest, what).hint("write `name` or `name=value`"));
    }
    Ok(())
}

/// Whether labels (a JSON object) have the one of a filter, `name` or `name=value`.
pub(crate) fn has_label(labels: &Value, filter: &str) -> bool {
    match filter.split_once('=') {
        Some((name, value)) => labels[name] == value,
        None => labels.get(filter).is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_the_ones_of_the_api() {
        assert_eq!(ImageFilters::new().to_json(), json!({}));
        let filters = ImageFilters::new()
            .reference("a")
            .reference("b*")
            .label("k")
            .label("k=v")
            .dangling()
            .not_dangling()
            .before("x")
            .before("busybox:1.35")
            .since("y")
            .until("24h");
        assert!(filters.check().is_ok());
        assert_eq!(
            filters.to_json(),
            json!({ "reference": ["a", "b*"], "label": ["k", "k=v"], "dangling": ["false"],
                "before": ["busybox:1.35"], "since": ["y"] })
        );
    }

    #[test]
    fn wrong_filters_are_told() {
        let told = |filters: ImageFilters| filters.check().unwrap_err().to_string();
        assert_eq!(
            told(ImageFilters::new().reference("busy[box")),
            "`busy[box` is not a pattern for references\n  hint: write `\\[` and `\\\\` for a `[` or a `\\` that is meant \
             as it is"
        );
        assert_eq!(
            told(ImageFilters::new().label("=v")),
            "`=v` is not a filter for a label\n  hint: write `name` or `name=value`"
        );
        assert!(ImageFilters::new().before("Busybox").check().is_err());
        assert!(ImageFilters::new().until("soon").check().is_err());
    }

    #[test]
    fn labels_match_by_name_or_by_value_too() {
        let labels = json!({ "a": "1", "b": "" });
        for (filter, expected) in [
            ("a", true),
            ("a=1", true),
            ("a=2", false),
            ("a=", false),
            ("b=", true),
            ("c", false),
            ("c=", false),
        ] {
            assert_eq!(has_label(&labels, filter), expected, "{filter}");
            assert!(!has_label(&Value::Null, filter));
        }
    }
}
