//! `docker diff`: what differs in a container's file system from its image's.

use std::fmt;
use std::future::Future;

use serde_json::Value;

use super::handle::Container;
use crate::engine::Remote;
use crate::error::Result;

impl Container {
    /// Every file and folder that was added, changed or deleted since the container was made, running or not (`docker diff`).
    /// What lies in volumes and mounts is not told; a folder in which something changed has changed too.
    ///
    /// # Errors
    ///
    /// When the engine fails.
    pub fn changes(&self) -> impl Future<Output = Result<Vec<Change>>> + Send + 'static {
        let remote = self.remote.clone();
        async move {
            let look = |remote: Remote| async move { remote.get("changes", &[]).await };
            let raw = remote.call("asked for its changes", look).await?;
            Ok(raw.as_array().into_iter().flatten().filter_map(Change::new).collect())
        }
    }
}

/// One difference. Displays as a line of `docker diff`: `A /etc/new`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Change {
    path: String,
    kind: ChangeKind,
}

/// What became of a file or folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ChangeKind {
    /// Its content, its mode or what is in it changed: `C` in `docker diff`.
    Modified,
    /// It is new: `A`.
    Added,
    /// It is gone: `D`.
    Deleted,
}

impl Change {
    fn new(raw: &Value) -> Option<Self> {
        let kind = match raw["Kind"].as_u64()? {
            0 => ChangeKind::Modified,
            1 => ChangeKind::Added,
            2 => ChangeKind::Deleted,
            _ => return None,
        };
        Some(Change { path: raw["Path"].as_str()?.to_owned(), kind })
    }

    /// The absolute path in the container.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What became of it.
    pub fn kind(&self) -> ChangeKind {
        self.kind
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = match self.kind {
            ChangeKind::Modified => 'C',
            ChangeKind::Added => 'A',
            ChangeKind::Deleted => 'D',
        };
        write!(f, "{letter} {}", self.path)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_as_docker_diff_does() {
        let change = |kind: u64| Change::new(&json!({ "Path": "/a b", "Kind": kind }));
        let lines: Vec<_> = (0..4).filter_map(change).map(|change| change.to_string()).collect();
        assert_eq!(lines, ["C /a b", "A /a b", "D /a b"]);
    }
}
