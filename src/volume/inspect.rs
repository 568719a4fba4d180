//! What the engine says of a volume. No I/O.

use std::collections::BTreeMap;

use serde_json::Value;

/// What the engine says of a volume (`docker volume inspect`), at the moment it was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct VolumeInspect {
    raw: Value,
}

impl VolumeInspect {
    pub(super) fn new(raw: Value) -> Self {
        VolumeInspect { raw }
    }

    /// Everything, as the engine gave it.
    pub fn raw(&self) -> &Value {
        &self.raw
    }

    fn text(&self, key: &str) -> &str {
        self.raw[key].as_str().unwrap_or_default()
    }

    /// The name.
    pub fn name(&self) -> &str {
        self.text("Name")
    }

    /// The driver, such as `local`.
    pub fn driver(&self) -> &str {
        self.text("Driver")
    }

    /// Where its content is on the engine's machine.
    pub fn mountpoint(&self) -> &str {
        self.text("Mountpoint")
    }

    /// The scope: `local` or `global`.
    pub fn scope(&self) -> &str {
        self.text("Scope")
    }

    /// When it was made, as RFC 3339 writes it.
    pub fn created(&self) -> &str {
        self.text("CreatedAt")
    }

    /// Its labels, with those that longshore has put there.
    pub fn labels(&self) -> BTreeMap<&str, &str> {
        self.words("Labels")
    }

    /// The options of its driver.
    pub fn options(&self) -> BTreeMap<&str, &str> {
        self.words("Options")
    }

    fn words(&self, key: &str) -> BTreeMap<&str, &str> {
        let pairs = self.raw[key].as_object().into_iter().flatten();
        pairs.filter_map(|(key, value)| Some((key.as_str(), value.as_str()?))).collect()
    }
}
