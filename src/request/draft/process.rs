//! What is run: environment, entry point, command, time to stop, restarts, logging.

use std::env;

use longshore_syntax::{parse_env_file, parse_restart};
use serde_json::{json, Value};

use super::{Draft, ImageOptions, Place};
use crate::request::words::{has_no_name, name_of};

impl Draft<'_> {
    pub(super) fn process(&mut self, image: &ImageOptions<'_>) {
        self.environment();
        let entrypoint = self.words.all("entrypoint");
        if self.words.iter().any(|(flag, words)| flag.name() == "entrypoint" && words.is_empty())
            || (entrypoint.len() > 1 && entrypoint[0].is_empty())
        {
            self.problems.add(
                "the entry point is empty",
                "leave `.entrypoint(..)` away to have the image's, or write `.entrypoint([\"\"])` to have none",
            );
        }
        self.list(Place::Config, "entrypoint", "Entrypoint");
        if !image.cmd.is_empty() {
            self.put(Place::Config, "Cmd", image.cmd.into());
        }
        let nul = |word: &String| word.contains('\0');
        if image.cmd.iter().any(nul) {
            self.problems.add("a word of the command holds a NUL", "a command cannot carry one");
        }
        if let Some(path) = self.words.one("workdir").filter(|path| !path.starts_with('/')) {
            self.problems.add(
                format!("the working folder `{path}` is not absolute"),
                "paths in a container begin with `/`",
            );
        }
        if let Some(seconds) = self.whole("stop-timeout", -1, i64::MAX) {
            self.put(Place::Config, "StopTimeout", seconds.into());
        }
        self.restart();
        let (driver, options) = (self.words.one("log-driver"), self.pairs("log-opt"));
        if driver == Some("none") && options.is_some() {
            self.problems.add("`--log-driver none` has no options", "leave `.log_opt(..)` away");
        }
        if driver.is_some() || options.is_some() {
            let config = json!({ "Type": driver.unwrap_or_default(), "Config": options.unwrap_or_else(|| json!({})) });
            self.put(Place::Host, "LogConfig", config);
        }
    }

    fn restart(&mut self) {
        let Some(word) = self.words.one("restart") else { return };
        let Some(restart) = self.problems.take(parse_restart(word)) else { return };
        let policy = restart.name();
        if policy != "no" && self.words.is_on("rm") {
            self.problems.add(
                format!("`--restart {word}` and `--rm` cannot both be"),
                "a container that is removed at its end is not started again: leave one of them away",
            );
        }
        let policy = json!({ "Name": policy, "MaximumRetryCount": restart.max_retries() });
        self.put(Place::Host, "RestartPolicy", policy);
    }

    /// The files' variables come first, so that those of `--env` count.
    fn environment(&mut self) {
        let mut variables = Vec::new();
        for (name, value) in self.entries_of_files("env-file") {
            variables.extend(match value {
                Some(value) => Some(format!("{name}={value}")),
                // Unlike `--env NAME`: a file's name that is not set here is passed over.
                None => env::var(&name).ok().map(|value| format!("{name}={value}")),
            });
        }
        for word in self.words.all("env") {
            let name = name_of(word);
            if has_no_name(word) || name.contains('\0') {
                self.problems.add(
                    format!("`{name}` is not the name of an environment variable"),
                    "write `.env(\"NAME\", \"value\")`",
                );
            } else if word.contains('\0') {
                self.problems.add(
                    format!("the value of the environment variable `{name}` holds a NUL"),
                    "an environment cannot carry one",
                );
            } else if word.contains('=') {
                variables.push(word.clone());
            } else {
                variables
                    .push(env::var(name).map_or(word.clone(), |value| format!("{name}={value}")));
            }
        }
        if !variables.is_empty() {
            self.put(Place::Config, "Env", variables.into());
        }
    }

    /// The entries of the files that an option names.
    pub(super) fn entries_of_files(&mut self, flag: &str) -> Vec<(String, Option<String>)> {
        let mut entries = Vec::new();
        for path in self.words.all(flag) {
            let content = match std::fs::read_to_string(path) {
                Ok(content) => content,
                Err(error) => {
                    self.problems.add(
                        format!("the file `{path}` of `--{flag}` cannot be read: {error}"),
                        "a relative path starts at the current folder, which is the package's under `cargo test`",
                    );
                    continue;
                }
            };
            match parse_env_file(&content) {
                Ok(read) => entries.extend(
                    read.iter()
                        .map(|entry| (entry.name().to_owned(), entry.value().map(str::to_owned))),
                ),
                Err(error) => self.problems.add(
                    format!("the file `{path}` of `--{flag}` is not one: {}", error.message()),
                    error.hint().unwrap_or("write a `NAME=value` in each line"),
                ),
            }
        }
        entries
    }

    /// Whether the engine can tell what a container wrote.
    pub(in crate::request) fn keeps_no_logs(&self) -> bool {
        self.host.get("LogConfig").is_some_and(|config: &Value| config["Type"] == "none")
    }
}
