//! The options of a request as `docker run` spells them: words, under the long names of their flags.
//!
//! What a word means is said in `draft`, which reads it when the request is checked; here every word is as good as another.

use std::collections::BTreeMap;
use std::fmt;

use longshore_syntax::{run_flag, RunFlag, Standing, Takes};
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

/// Stands behind a name that cannot be one, since it holds a `=` itself. No word that means something has a NUL in it.
pub(super) const NO_NAME: &str = "\0=";

/// Options whose words are told apart by a name, the last one of each counting.
const NAMED: [&str; 6] = ["annotation", "env", "label", "log-opt", "storage-opt", "sysctl"];

/// Words by the long names of flags, in the order of the names.
#[derive(Clone, Default, PartialEq)]
pub(super) struct RunWords(BTreeMap<&'static str, Vec<String>>);

impl RunWords {
    /// The one word of an option, in place of an earlier one.
    pub(super) fn set(&mut self, flag: &str, word: impl Into<String>) {
        self.0.insert(known(flag).name(), vec![word.into()]);
    }

    /// One more word of an option that may be repeated.
    pub(super) fn push(&mut self, flag: &str, word: impl Into<String>) {
        self.0.entry(known(flag).name()).or_default().push(word.into());
    }

    /// One more `name=value`, in place of an earlier one of that name.
    pub(super) fn push_named(&mut self, flag: &str, name: &str, value: &str) {
        let is_name = !name.is_empty() && !name.contains(['=', '\0']);
        self.push_entry(
            flag,
            name,
            format!("{name}{}{value}", if is_name { "=" } else { NO_NAME }),
        );
    }

    /// One more `name` that stands alone, in place of an earlier one.
    pub(super) fn push_name(&mut self, flag: &str, name: &str) {
        let is_name = !name.is_empty() && !name.contains(['=', '\0']);
        self.push_entry(flag, name, format!("{name}{}", if is_name { "" } else { NO_NAME }));
    }

    /// One more word of an option that may be repeated, as it stands in a line.
    pub(super) fn push_as_written(&mut self, flag: &str, word: &str) {
        match word.split_once('=') {
            _ if !NAMED.contains(&known(flag).name()) => self.push(flag, word),
            _ if word.contains(NO_NAME) => self.push_entry(flag, name_of(word), word.to_owned()),
            Some((name, value)) => self.push_named(flag, name, value),
            None => self.push_name(flag, word),
        }
    }

    fn push_entry(&mut self, flag: &str, name: &str, word: String) {
        let words = self.0.entry(known(flag).name()).or_default();
        words.retain(|word| name_of(word) != name);
        words.push(word);
    }

    pub(super) fn switch(&mut self, flag: &str, is_on: bool) {
        let flag = known(flag);
        // Said to be off is only told apart from not said where the engine may be set to another default.
        if is_on || flag.name() == "init" {
            self.set(flag.name(), is_on.to_string());
        } else {
            self.0.remove(flag.name());
        }
    }

    /// Several words where `docker run` has place for one: only the entry point's.
    pub(super) fn set_all(&mut self, flag: &str, words: Vec<String>) {
        self.0.insert(known(flag).name(), words);
    }

    /// All words of an option that may be repeated, in place of what there was; none is as if it were not said.
    pub(super) fn replace_all(&mut self, flag: &str, words: Vec<String>) {
        match words.is_empty() {
            true => drop(self.0.remove(known(flag).name())),
            false => self.set_all(flag, words),
        }
    }

    pub(super) fn all(&self, flag: &str) -> &[String] {
        self.0.get(known(flag).name()).map_or(&[], Vec::as_slice)
    }

    /// The word of an option; an empty one is none, as for `docker run`.
    pub(super) fn one(&self, flag: &str) -> Option<&str> {
        self.all(flag).last().map(String::as_str).filter(|word| !word.is_empty())
    }

    pub(super) fn is_on(&self, flag: &str) -> bool {
        self.one(flag) == Some("true")
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static RunFlag, &[String])> {
        self.0.iter().map(|(flag, words)| (known(flag), words.as_slice()))
    }
}

/// The name in `name=value`, or all of it.
pub(super) fn name_of(word: &str) -> &str {
    match word.split_once(NO_NAME) {
        Some((name, _)) => name,
        None => word.split_once('=').map_or(word, |(name, _)| name),
    }
}

/// Whether a name was given that cannot be one.
pub(super) fn has_no_name(word: &str) -> bool {
    word.contains(NO_NAME) || word.is_empty() || word.starts_with('=')
}

fn known(flag: &str) -> &'static RunFlag {
    run_flag(flag).expect("the flags that are named in here are in the table")
}

impl fmt::Debug for RunWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(&self.0).finish()
    }
}

/// A word alone or a list of them, as the option takes it; switches are `true` or `false`.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Shape {
    Switch(bool),
    Number(serde_json::Number),
    One(String),
    Many(Vec<String>),
}

impl Serialize for RunWords {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (flag, words) in self.iter() {
            let shape = match (flag.takes(), words) {
                (Takes::Nothing, _) => Shape::Switch(self.is_on(flag.name())),
                (Takes::Value, [word]) => Shape::One(word.clone()),
                _ => Shape::Many(words.to_vec()),
            };
            map.serialize_entry(flag.name(), &shape)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for RunWords {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Words;
        impl<'de> Visitor<'de> for Words {
            type Value = RunWords;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("options of `docker run` by their long names")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RunWords, A::Error> {
                let mut words = RunWords::default();
                while let Some(name) = map.next_key::<String>()? {
                    let is_for_requests = |flag: &&RunFlag| {
                        flag.name() == name && flag.standing() == Standing::Request
                    };
                    let Some(flag) = run_flag(&name).filter(is_for_requests) else {
                        return Err(A::Error::custom(format!(
                            "`{name}` is not an option of a request"
                        )));
                    };
                    match (flag.takes(), map.next_value()?) {
                        (Takes::Nothing, Shape::Switch(is_on)) => words.switch(flag.name(), is_on),
                        (Takes::Value, Shape::One(word)) => words.set(flag.name(), word),
                        (Takes::Value, Shape::Number(number)) => {
                            words.set(flag.name(), number.to_string());
                        }
                        (Takes::Value, Shape::Many(list)) if name == "entrypoint" => {
                            words.set_all(flag.name(), list);
                        }
                        (Takes::Values, Shape::One(word)) => {
                            words.push_as_written(flag.name(), &word);
                        }
                        (Takes::Values, Shape::Many(list)) => {
                            list.iter().for_each(|word| words.push_as_written(flag.name(), word));
                        }
                        (takes, _) => {
                            let asked = match takes {
                                Takes::Nothing => "`true` or `false`",
                                Takes::Value => "a string",
                                _ => "a list of strings",
                            };
                            return Err(A::Error::custom(format!("`{name}` takes {asked}")));
                        }
                    }
                }
                Ok(words)
            }
        }
        deserializer.deserialize_map(Words)
    }
}

#[cfg(test)]
mod tests {
    use crate::request::ContainerRequest;

    fn read(json: &str) -> Result<ContainerRequest, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn a_request_is_read_from_json_that_somebody_wrote() {
        let request = ContainerRequest::new("redis:7")
            .cmd(["redis-server"])
            .env("A", "2")
            .pids_limit(5)
            .publish("6379")
            .tty();
        let json = r#"{ "image": "redis:7", "cmd": ["redis-server"], "env": ["A=1", "A=2"], "pids-limit": 5, "publish": "6379",
            "tty": true, "read-only": false }"#;
        assert_eq!(read(json), Ok(request));
    }

    #[test]
    fn what_is_wrong_with_a_request_survives_serialization() {
        for name in ["", "A=B", "A\0"] {
            let request = ContainerRequest::new("a").env(name, "b").env_from_here(name);
            assert_eq!(read(&serde_json::to_string(&request).unwrap()), Ok(request));
        }
    }

    #[test]
    fn what_an_option_does_not_take_is_refused() {
        for (option, what) in [
            (r#""tty": "yes""#, "`tty` takes `true` or `false`"),
            (r#""memory": true"#, "`memory` takes a string"),
            (r#""name": ["a", "b"]"#, "`name` takes a string"),
            (r#""env": true"#, "`env` takes a list of strings"),
            (r#""net": ["a"]"#, "`net` is not an option of a request"),
            (r#""detach": true"#, "`detach` is not an option of a request"),
            (r#""cidfile": "a""#, "`cidfile` is not an option of a request"),
        ] {
            let error = read(&format!(r#"{{ "image": "a", {option} }}"#)).unwrap_err();
            assert!(error.starts_with(what), "{error}");
        }
    }
}
