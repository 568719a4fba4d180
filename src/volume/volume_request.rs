//! The data of a volume that is to be made, its builder methods (each with the long name of its flag of `docker volume
//! create`), and the body of the call. Asks no engine.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{json, Value};

use crate::error::{Problems, Result};
use crate::request::is_name;
use crate::session::LABEL_PREFIX;

/// A volume of one's own, in the words of `docker volume create`.
///
/// A request is data: it can be cloned, compared, serialized and made any number of times. Building one never fails;
/// [`create`](VolumeRequest::create) reports everything that is wrong with it at once, before anything is made.
///
/// # Examples
///
/// ```no_run
/// use longshore::{ContainerRequest, VolumeRequest};
///
/// # async fn example() -> longshore::Result<()> {
/// let memory = VolumeRequest::new()
///     .opt("type", "tmpfs")
///     .opt("device", "tmpfs")
///     .opt("o", "size=100m")
///     .create()
///     .await?;
/// let redis = ContainerRequest::new("redis:7.0").volume(memory.at("/data")).start().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[must_use = "a request does nothing until it is made by `create`"]
pub struct VolumeRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    driver: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    opts: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
}

impl VolumeRequest {
    /// A volume as `docker volume create` makes it when no flag is given: a folder of the engine's.
    pub fn new() -> Self {
        VolumeRequest::default()
    }

    /// A fixed name; what stands behind the flags of `docker volume create`. Without one it gets a random name, and any
    /// number can exist side by side.
    ///
    /// Unlike Docker, which gives everybody the volume that is there, one whose name is taken is not made: a test's volume
    /// is empty at first, and removed at its end.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Its driver; `"local"` if nothing is said (`--driver`).
    pub fn driver(mut self, driver: impl Into<String>) -> Self {
        self.driver = Some(driver.into());
        self
    }

    /// An option of the driver: `local` has `type`, `device` and `o`, as `mount` takes them (`--opt`).
    pub fn opt(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.opts.insert(name.into(), value.into());
        self
    }

    /// A label (`--label`). Names that begin with `org.longshore.` are the crate's own.
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.insert(name.into(), value.into());
        self
    }

    /// Looks for what cannot work.
    pub(super) fn check(&self) -> Result<()> {
        let mut problems = Problems::default();
        if let Some(name) = self.name.as_ref().filter(|name| !is_name(name)) {
            problems.add(
                format!("`{name}` is not a volume's name"),
                "a name has two or more letters, digits, `_`, `.` or `-`, and begins with a letter or a digit",
            );
        }
        problems.check_labels(self.labels.keys(), LABEL_PREFIX);
        problems.into_result().map_err(|error| match &self.name {
            Some(name) => error.fact("volume", format!("`{name}`")),
            None => error,
        })
    }

    /// What the engine is sent.
    pub(super) fn body(&self, name: &str, session_labels: BTreeMap<String, String>) -> Value {
        let mut labels = self.labels.clone();
        labels.extend(session_labels);
        let driver = self.driver.as_deref().unwrap_or("local");
        json!({ "Name": name, "Driver": driver, "DriverOpts": self.opts, "Labels": labels })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_is_said_in_the_api() {
        let request =
            VolumeRequest::new().name("data").driver("nfs").opt("type", "tmpfs").label("a", "b");
        request.check().unwrap();
        assert_eq!(
            request.body("data", BTreeMap::new()),
            json!({
                "Name": "data", "Driver": "nfs", "DriverOpts": { "type": "tmpfs" }, "Labels": { "a": "b" },
            })
        );
    }

    #[test]
    fn what_is_wrong_is_told_at_once() {
        let request = VolumeRequest::new().name("/data").label("org.longshore.x", "y");
        assert_eq!(
            request.check().unwrap_err().to_string(),
            "2 things are wrong with the request\n  volume: `/data`\n  wrong: `/data` is not a volume's name (a name has two \
             or more letters, digits, `_`, `.` or `-`, and begins with a letter or a digit)\n    the label \
             `org.longshore.x` is longshore's own (choose a name outside `org.longshore.`)"
        );
        assert!(VolumeRequest::new().name("x").check().is_err());
    }

    #[test]
    fn a_request_is_data() {
        let request = VolumeRequest::new().name("data").opt("a", "b");
        let text = serde_json::to_string(&request).unwrap();
        assert_eq!(text, r#"{"name":"data","opts":{"a":"b"}}"#);
        assert_eq!(serde_json::from_str::<VolumeRequest>(&text).unwrap(), request);
    }
}
