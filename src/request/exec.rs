//! A command to run in a container, as data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};

/// A command for a running container, in the words of `docker exec`.
///
/// Wherever one is taken, an array of words is too: `container.exec(["ls", "/"])`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Exec {
    command: Vec<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    env: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    workdir: Option<String>,
    #[serde(default)]
    tty: bool,
    #[serde(default)]
    privileged: bool,
    #[serde(default)]
    interactive: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stdin: Option<Vec<u8>>,
}

impl Exec {
    /// The program and its arguments; no shell is involved unless it is the program: `["sh", "-c", "echo $HOME"]`.
    pub fn new<I: IntoIterator<Item = S>, S: Into<String>>(command: I) -> Self {
        Exec {
            command: command.into_iter().map(Into::into).collect(),
            env: BTreeMap::new(),
            user: None,
            workdir: None,
            tty: false,
            privileged: false,
            interactive: false,
            stdin: None,
        }
    }

    /// An environment variable (`--env`).
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// User and group, by name or number (`--user`).
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// The folder it runs in (`--workdir`).
    pub fn workdir(mut self, path: impl Into<String>) -> Self {
        self.workdir = Some(path.into());
        self
    }

    /// A terminal (`--tty`): both outputs are one, lines end with `\r\n`.
    pub fn tty(mut self) -> Self {
        self.tty = true;
        self
    }

    /// Extended privileges (`--privileged`).
    pub fn privileged(mut self) -> Self {
        self.privileged = true;
        self
    }

    /// Keeps standard input open, to be written while the command runs (`--interactive`); for
    /// [`exec_stream`](crate::Container::exec_stream).
    pub fn interactive(mut self) -> Self {
        self.interactive = true;
        self
    }

    /// All of standard input; end of file follows.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    pub(crate) fn command(&self) -> &[String] {
        &self.command
    }

    pub(crate) fn env_words(&self) -> Vec<String> {
        self.env.iter().map(|(name, value)| format!("{name}={value}")).collect()
    }

    pub(crate) fn user_name(&self) -> Option<&str> {
        self.user.as_deref()
    }

    pub(crate) fn working_dir(&self) -> Option<&str> {
        self.workdir.as_deref()
    }

    pub(crate) fn has_tty(&self) -> bool {
        self.tty
    }

    pub(crate) fn is_privileged(&self) -> bool {
        self.privileged
    }

    pub(crate) fn takes_input(&self) -> bool {
        self.interactive || self.stdin.is_some()
    }

    pub(crate) fn input(&self) -> Option<&[u8]> {
        self.stdin.as_deref()
    }

    pub(crate) fn check(&self) -> Result<()> {
        if self.command.first().is_none_or(String::is_empty) {
            return Err(Error::new(
                Kind::InvalidRequest,
                "the command to run in the container is empty",
            )
            .hint("give the program and its arguments: `exec([\"ls\", \"/\"])`"));
        }
        Ok(())
    }
}

impl<S: Into<String>, const N: usize> From<[S; N]> for Exec {
    fn from(command: [S; N]) -> Self {
        Exec::new(command)
    }
}

impl<S: Into<String>> From<Vec<S>> for Exec {
    fn from(command: Vec<S>) -> Self {
        Exec::new(command)
    }
}

impl<S: Into<String> + Clone> From<&[S]> for Exec {
    fn from(command: &[S]) -> Self {
        Exec::new(command.iter().cloned())
    }
}
