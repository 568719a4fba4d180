//! Mounts of any type, made by hand or in Docker's words.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::units::Size;

/// A mount, as `docker run --mount` has it.
///
/// Wherever one is taken, Docker's words are too: `"type=bind,source=/a,target=/b,readonly"`.
///
/// # Examples
///
/// ```
/// use longshore::Mount;
///
/// assert_eq!(Mount::volume("data", "/data").readonly().to_string(), "type=volume,source=data,target=/data,readonly");
/// assert_eq!(Mount::tmpfs("/run").tmpfs_size("64m").to_string(), "type=tmpfs,target=/run,tmpfs-size=64m");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[must_use]
pub struct Mount(String);

impl Mount {
    /// A file or folder of the engine's machine; both paths are absolute.
    pub fn bind(source: impl AsRef<str>, target: impl AsRef<str>) -> Self {
        Mount("type=bind".into()).pair("source", source.as_ref()).pair("target", target.as_ref())
    }

    /// A volume by its name; an engine makes one that does not exist.
    pub fn volume(name: impl AsRef<str>, target: impl AsRef<str>) -> Self {
        Mount("type=volume".into()).pair("source", name.as_ref()).pair("target", target.as_ref())
    }

    /// A new volume without a name, which goes with its container.
    pub fn anonymous_volume(target: impl AsRef<str>) -> Self {
        Mount("type=volume".into()).pair("target", target.as_ref())
    }

    /// A file system in memory.
    pub fn tmpfs(target: impl AsRef<str>) -> Self {
        Mount("type=tmpfs".into()).pair("target", target.as_ref())
    }

    /// The files of an image (version 1.48 of the engine's API).
    pub fn image(image: impl AsRef<str>, target: impl AsRef<str>) -> Self {
        Mount("type=image".into()).pair("source", image.as_ref()).pair("target", target.as_ref())
    }

    /// Cannot be written.
    pub fn readonly(self) -> Self {
        self.field("readonly")
    }

    /// How mounts beneath a bind mount are passed on: `"rprivate"`, `"rshared"`, `"rslave"`, ..
    pub fn bind_propagation(self, propagation: impl AsRef<str>) -> Self {
        self.pair("bind-propagation", propagation.as_ref())
    }

    /// What happens to mounts beneath a bind mount: `"enabled"`, `"disabled"`, `"writable"`, `"readonly"`.
    pub fn bind_recursive(self, mode: impl AsRef<str>) -> Self {
        self.pair("bind-recursive", mode.as_ref())
    }

    /// A new volume begins empty, whatever the image has there.
    pub fn volume_nocopy(self) -> Self {
        self.field("volume-nocopy")
    }

    /// The driver of a new volume.
    pub fn volume_driver(self, driver: impl AsRef<str>) -> Self {
        self.pair("volume-driver", driver.as_ref())
    }

    /// An option for the driver of a new volume.
    pub fn volume_opt(self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.pair("volume-opt", &format!("{}={}", name.as_ref(), value.as_ref()))
    }

    /// A label for a new volume.
    pub fn volume_label(self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.pair("volume-label", &format!("{}={}", name.as_ref(), value.as_ref()))
    }

    /// The folder within the volume that is mounted (version 1.45 of the engine's API).
    pub fn volume_subpath(self, path: impl AsRef<str>) -> Self {
        self.pair("volume-subpath", path.as_ref())
    }

    /// The most that a file system in memory holds: `"64m"`, or bytes as a number.
    pub fn tmpfs_size(self, size: impl Into<Size>) -> Self {
        self.pair("tmpfs-size", &size.into().to_string())
    }

    /// The permissions of a file system in memory, such as `0o1777`.
    pub fn tmpfs_mode(self, mode: u32) -> Self {
        self.pair("tmpfs-mode", &format!("{mode:o}"))
    }

    fn pair(self, key: &str, value: &str) -> Self {
        self.field(&format!("{key}={value}"))
    }

    /// One more field, in the quotes of CSV if need be.
    fn field(mut self, field: &str) -> Self {
        self.0.push(',');
        match field.contains([',', '"', '\n', '\r']) {
            true => self.0.push_str(&format!("\"{}\"", field.replace('"', "\"\""))),
            false => self.0.push_str(field),
        }
        self
    }
}

impl fmt::Display for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for Mount {
    fn from(words: &str) -> Self {
        Mount(words.to_owned())
    }
}

impl From<String> for Mount {
    fn from(words: String) -> Self {
        Mount(words)
    }
}

impl From<Mount> for String {
    fn from(mount: Mount) -> String {
        mount.0
    }
}
