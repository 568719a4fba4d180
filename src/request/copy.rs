//! What is copied into a container, as data.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Where copied content comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CopySource {
    /// A file or a folder on this machine; a relative path starts at the current folder (`cargo test` makes that
    /// the package's).
    Path(PathBuf),
    /// The content itself.
    Bytes(Vec<u8>),
}

impl CopySource {
    /// The content itself, from bytes or text.
    pub fn bytes(content: impl Into<Vec<u8>>) -> Self {
        CopySource::Bytes(content.into())
    }
}

impl From<&str> for CopySource {
    /// A path, not content.
    fn from(path: &str) -> Self {
        CopySource::Path(path.into())
    }
}

impl From<String> for CopySource {
    /// A path, not content.
    fn from(path: String) -> Self {
        CopySource::Path(path.into())
    }
}

impl From<&Path> for CopySource {
    fn from(path: &Path) -> Self {
        CopySource::Path(path.into())
    }
}

impl From<&PathBuf> for CopySource {
    fn from(path: &PathBuf) -> Self {
        CopySource::Path(path.into())
    }
}

impl From<PathBuf> for CopySource {
    fn from(path: PathBuf) -> Self {
        CopySource::Path(path)
    }
}

impl From<Vec<u8>> for CopySource {
    fn from(content: Vec<u8>) -> Self {
        CopySource::Bytes(content)
    }
}

impl From<&[u8]> for CopySource {
    fn from(content: &[u8]) -> Self {
        CopySource::Bytes(content.into())
    }
}

impl<const N: usize> From<&[u8; N]> for CopySource {
    fn from(content: &[u8; N]) -> Self {
        CopySource::Bytes(content.into())
    }
}

/// A file, a folder or bytes on the way into a container.
///
/// Without a mode, files keep the one they have here (bytes get 644); without an owner, everything is root's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct CopyIn {
    source: CopySource,
    target: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    mode: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    uid: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gid: Option<u32>,
}

impl CopyIn {
    /// Copies `source` to the absolute path `target`, which names the result; one that ends with `/` is the folder
    /// into which the source goes.
    pub fn new(source: impl Into<CopySource>, target: impl Into<String>) -> Self {
        CopyIn { source: source.into(), target: target.into(), mode: None, uid: None, gid: None }
    }

    /// The permission bits of the file, or of each file in a folder, such as `0o600`.
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = Some(mode);
        self
    }

    /// The owner, by number.
    pub fn uid(mut self, uid: u32) -> Self {
        self.uid = Some(uid);
        self
    }

    /// The group, by number.
    pub fn gid(mut self, gid: u32) -> Self {
        self.gid = Some(gid);
        self
    }

    pub(crate) fn source(&self) -> &CopySource {
        &self.source
    }

    pub(crate) fn target(&self) -> &str {
        &self.target
    }

    pub(crate) fn mode_bits(&self) -> Option<u32> {
        self.mode
    }

    pub(crate) fn owner(&self) -> (u64, u64) {
        (self.uid.unwrap_or(0).into(), self.gid.unwrap_or(0).into())
    }

    /// What is wrong with it, before anything is copied.
    pub(crate) fn problem(&self) -> Option<(String, &'static str)> {
        let target = &self.target;
        if !target.starts_with('/') {
            return Some((
                format!("the target `{target}` of a copy is not absolute"),
                "paths in a container begin with `/`",
            ));
        }
        if target.split('/').any(|part| part == "..") {
            return Some((
                format!("the target `{target}` of a copy has `..` in it"),
                "write the path without `..`",
            ));
        }
        match &self.source {
            CopySource::Bytes(_) if target.ends_with('/') => {
                Some((format!("the target `{target}` of some bytes is a folder"), "name the file that they become"))
            }
            CopySource::Path(path) => match std::fs::metadata(path) {
                Ok(_) => None,
                Err(error) => Some((
                    format!("the file `{}` that is to be copied cannot be read: {error}", path.display()),
                    "a relative path starts at the current folder, which is the package's under `cargo test`",
                )),
            },
            CopySource::Bytes(_) => None,
        }
    }

    /// The path of the result in the container, without the leading `/`.
    pub(crate) fn result_path(&self) -> String {
        let target = self.target.trim_start_matches('/');
        match &self.source {
            CopySource::Path(path) if target.is_empty() || target.ends_with('/') => {
                let name = std::path::absolute(path).ok().and_then(|path| {
                    path.file_name().map(|name| name.to_string_lossy().into_owned())
                });
                format!("{target}{}", name.unwrap_or_default())
            }
            _ => target.trim_end_matches('/').to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_names_the_result() {
        for (source, target, result) in [
            ("Cargo.toml", "/etc/app.toml", "etc/app.toml"),
            ("Cargo.toml", "/etc/", "etc/Cargo.toml"),
            ("Cargo.toml", "/", "Cargo.toml"),
            ("src", "/opt/app", "opt/app"),
            ("src/", "/opt/", "opt/src"),
        ] {
            assert_eq!(CopyIn::new(source, target).result_path(), result);
        }
    }

    #[test]
    fn says_what_is_wrong_before_anything_is_copied() {
        let problem = |copy: CopyIn| copy.problem().unwrap().0;
        assert_eq!(
            problem(CopyIn::new(b"x", "etc/x")),
            "the target `etc/x` of a copy is not absolute"
        );
        assert_eq!(
            problem(CopyIn::new(b"x", "/etc/")),
            "the target `/etc/` of some bytes is a folder"
        );
        assert_eq!(
            problem(CopyIn::new(b"x", "/a/../x")),
            "the target `/a/../x` of a copy has `..` in it"
        );
        assert!(problem(CopyIn::new("no/such", "/x"))
            .starts_with("the file `no/such` that is to be copied cannot be read: "));
    }
}
