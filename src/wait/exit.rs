//! Waiting for a container that does a job and ends.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::limits::{limits_methods, Limits};
use super::run::{Note, Unready};
use super::target::Target;
use crate::engine::ExitState;

/// Waits for the container to end; see [`Wait::exit`](crate::Wait::exit).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct ExitWait {
    code: i64,
    #[serde(flatten)]
    pub(super) limits: Limits,
}

impl ExitWait {
    /// The exit code that is waited for, instead of 0.
    pub fn code(mut self, code: i64) -> Self {
        self.code = code;
        self
    }

    limits_methods!(timeout);

    pub(super) async fn ready(&self, target: &Target, note: &Note) -> Result<(), Unready> {
        note.saw("the container is still running");
        match target.exit().ended().await {
            ExitState::Exited(code) if code == self.code => Ok(()),
            ExitState::Exited(code) => {
                Err(Unready::failed(format!("the container exited with code {code}")))
            }
            ExitState::Lost(why) => {
                Err(Unready::failed(format!("the engine stopped watching the container: {why}")))
            }
            ExitState::Running => unreachable!("that is not an end"),
        }
    }
}

impl fmt::Display for ExitWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the container to exit with code {}", self.code)
    }
}
