//! Waiting for a file in the container: the archive API tells, so no tool has to be in the image.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::limits::{limits_methods, Limits, LONGEST_PAUSE};
use super::run::{Note, Unready};
use super::target::Target;

/// Waits for a file or folder to exist; see [`Wait::file`](crate::Wait::file).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct FileWait {
    path: String,
    #[serde(flatten)]
    pub(super) limits: Limits,
}

impl FileWait {
    pub(super) fn new(path: String) -> Self {
        FileWait { path, limits: Limits::default() }
    }

    limits_methods!(timeout, interval);

    pub(super) fn problems(&self) -> Vec<(String, &'static str)> {
        let relative = !self.path.starts_with('/');
        let problem = || {
            (
                format!("the path `{}` of a file wait is not absolute", self.path),
                "paths in a container begin with `/`",
            )
        };
        relative.then(problem).into_iter().collect()
    }

    pub(super) async fn ready(&self, target: &Target, note: &Note) -> Result<(), Unready> {
        let mut pauses = self.limits.pauses(LONGEST_PAUSE);
        loop {
            match target.remote().has_path(&self.path).await {
                Ok(true) => return Ok(()),
                Ok(false) => note.saw("there is no such file"),
                Err(error) => note.saw(error.to_string()),
            }
            pauses.pause().await;
        }
    }
}

impl fmt::Display for FileWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the file `{}` in the container", self.path)
    }
}
