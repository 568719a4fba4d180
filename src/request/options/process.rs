//! What is run, and as whom.

use std::path::Path;

use longshore_syntax::parse_duration;

use crate::request::{whole_seconds, ContainerRequest, Time};

impl ContainerRequest {
    /// The command and its arguments, instead of the image's; what stands behind the image in `docker run`. Without a word
    /// it is the image's again.
    pub fn cmd<I: IntoIterator<Item = S>, S: Into<String>>(mut self, words: I) -> Self {
        self.cmd = words.into_iter().map(Into::into).collect();
        self
    }

    /// The entry point, instead of the image's (`--entrypoint`; several words are possible here). As with
    /// `docker run`, the image's own command is dropped then, and one empty word means no entry point at all.
    pub fn entrypoint<I: IntoIterator<Item = S>, S: Into<String>>(mut self, words: I) -> Self {
        self.words.set_all("entrypoint", words.into_iter().map(Into::into).collect());
        self
    }

    /// An environment variable (`--env`); the last value of a name counts.
    pub fn env(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.words.push_named("env", name.as_ref(), value.as_ref());
        self
    }

    /// Several environment variables.
    pub fn envs<I, K, V>(self, variables: I) -> Self
    where
        I: IntoIterator<Item = (K, V)>,
        K: AsRef<str>,
        V: AsRef<str>,
    {
        variables.into_iter().fold(self, |request, (name, value)| request.env(name, value))
    }

    /// An environment variable with the value that it has in this process when the container is started (`--env NAME`). One
    /// that is not set here is not set in the container either, whatever the image says.
    pub fn env_from_here(mut self, name: impl AsRef<str>) -> Self {
        self.words.push_name("env", name.as_ref());
        self
    }

    /// Environment variables from a file, a line each: `NAME=value`, or `NAME` for the value that it has in this process
    /// (`--env-file`). The file is read at the start; what `env` says counts for more.
    pub fn env_file(mut self, path: impl AsRef<Path>) -> Self {
        self.words.push("env-file", path.as_ref().to_string_lossy());
        self
    }

    /// User and group, by name or number: `"postgres"`, `"999:999"` (`--user`).
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.words.set("user", user);
        self
    }

    /// A further group for the user, by name or number (`--group-add`).
    pub fn group_add(mut self, group: impl Into<String>) -> Self {
        self.words.push("group-add", group);
        self
    }

    /// The folder in which the command runs; an absolute path (`--workdir`).
    pub fn workdir(mut self, path: impl Into<String>) -> Self {
        self.words.set("workdir", path);
        self
    }

    /// A terminal for the command (`--tty`); standard output and standard error are one then.
    pub fn tty(mut self) -> Self {
        self.words.switch("tty", true);
        self
    }

    /// Keeps standard input open (`--interactive`).
    pub fn interactive(mut self) -> Self {
        self.words.switch("interactive", true);
        self
    }

    /// An init process that reaps zombies and passes signals on (`--init`).
    pub fn init(mut self) -> Self {
        self.words.switch("init", true);
        self
    }

    /// The signal that `stop` sends, such as `"SIGINT"` (`--stop-signal`).
    pub fn stop_signal(mut self, signal: impl Into<String>) -> Self {
        self.words.set("stop-signal", signal);
        self
    }

    /// How long `stop` waits before it kills, in whole seconds, rounded up (`--stop-timeout`). Docker's own spelling is a
    /// number of seconds, `"-1"` for no kill at all.
    pub fn stop_timeout(mut self, limit: impl Into<Time>) -> Self {
        let word = String::from(limit.into());
        let seconds = parse_duration(&word).map(|limit| whole_seconds(limit).to_string());
        self.words.set("stop-timeout", seconds.unwrap_or(word));
        self
    }
}
