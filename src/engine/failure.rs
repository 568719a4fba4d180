//! What went wrong with one call to the engine, before anybody knows what it was for.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use crate::error::{Error, Kind};

/// One failed call. Becomes an [`Error`] where the caller knows what was tried.
#[derive(Debug, Clone)]
pub(crate) enum ApiError {
    /// The engine answered, with this HTTP status and message.
    Refused { status: u16, message: String },
    /// No answer, or half of one.
    Broken { message: String, connected: bool },
    /// No answer in this time.
    Late(Duration),
}

impl ApiError {
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            ApiError::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }

    pub(crate) fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// Whether the engine may have done what it was asked although we did not see it say so.
    pub(crate) fn is_uncertain(&self) -> bool {
        !matches!(self, ApiError::Refused { .. } | ApiError::Broken { connected: false, .. })
    }

    /// A broken exchange; `error` and its causes are told in full, since the last one is the useful one.
    pub(super) fn broken(error: &(dyn StdError + 'static), connected: bool) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !message.contains(&text) {
                message = format!("{message}: {text}");
            }
            cause = error.source();
        }
        ApiError::Broken { message, connected }
    }

    /// The report: `what` was tried, and this came of it.
    pub(crate) fn while_trying(self, what: impl Into<String>) -> Error {
        let kind = match &self {
            ApiError::Refused { status: 404, .. } => Kind::NotFound,
            ApiError::Refused { status, .. } => Kind::Engine(*status),
            ApiError::Broken { .. } => Kind::EngineUnavailable,
            ApiError::Late(_) => Kind::Timeout,
        };
        Error::new(kind, what).fact("because", self.to_string())
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ApiError::Refused { status, message } => {
                write!(f, "the engine answered {status}: {}", message.trim())
            }
            ApiError::Broken { message, .. } => f.write_str(message),
            ApiError::Late(limit) => write!(f, "the engine did not answer in {limit:?}"),
        }
    }
}

impl From<bollard::errors::Error> for ApiError {
    fn from(error: bollard::errors::Error) -> Self {
        use bollard::errors::Error as E;
        match error {
            E::DockerResponseServerError { status_code, message } => {
                ApiError::Refused { status: status_code, message }
            }
            // A failure told in the stream of an answer that began with 200.
            E::DockerStreamError { error } => ApiError::Refused { status: 200, message: error },
            E::HyperLegacyError { err } => {
                let connected = !err.is_connect();
                ApiError::broken(&err, connected)
            }
            other => ApiError::broken(&other, true),
        }
    }
}
