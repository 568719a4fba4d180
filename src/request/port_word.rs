//! A port as users write it: a number, or Docker's words for ports.

use std::fmt;

use longshore_syntax::{ContainerPort, SyntaxError};
use serde::{Deserialize, Serialize};

/// A port, as a number or in the words of `docker run`: `5432`, `"53/udp"`, and where ports are published `"8000-9000:80"`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PortWord(String);

impl PortWord {
    /// As one container port.
    pub(crate) fn container_port(&self) -> Result<ContainerPort, SyntaxError> {
        ContainerPort::parse(&self.0)
    }

    /// What is wrong with it as one container port.
    pub(crate) fn problem(&self) -> Option<(String, &'static str)> {
        let error = self.container_port().err()?;
        Some((error.message().to_owned(), "name a container's port as `80` or \"53/udp\""))
    }
}

impl fmt::Display for PortWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<PortWord> for String {
    fn from(word: PortWord) -> String {
        word.0
    }
}

impl From<u16> for PortWord {
    fn from(port: u16) -> Self {
        PortWord(port.to_string())
    }
}

impl From<&str> for PortWord {
    fn from(word: &str) -> Self {
        PortWord(word.to_owned())
    }
}

impl From<String> for PortWord {
    fn from(word: String) -> Self {
        PortWord(word)
    }
}

impl From<ContainerPort> for PortWord {
    fn from(port: ContainerPort) -> Self {
        PortWord(port.to_string())
    }
}
