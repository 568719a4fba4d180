//! How a container is called and marked: its name and its labels, and the words that are one of a few.

use serde_json::{Map, Value};

use super::{Draft, Place};
use crate::request::container_request::PullPolicy;
use crate::request::words::{has_no_name, name_of};

impl Draft<'_> {
    pub(super) fn names(&mut self) {
        if let Some(name) = self.words.one("name").filter(|name| !is_name(name)) {
            self.problems.add(
                format!("`{name}` is not a container's name"),
                "a name has two or more letters, digits, `_`, `.` or `-`, and begins with a letter or a digit",
            );
        }
        self.labels();
        if let Some(word) =
            self.words.one("pull").filter(|word| PullPolicy::from_word(word).is_none())
        {
            self.problems.add(
                format!("`{word}` says not when an image is pulled"),
                "write `missing`, `always` or `never`",
            );
        }
        if !self.words.all("annotation").is_empty() {
            self.needs("`--annotation`", (1, 43));
        }
    }

    fn labels(&mut self) {
        let mut labels = Map::new();
        let of_files = self.entries_of_files("label-file");
        for (name, value) in of_files {
            // The command passes over a name alone, unlike that of `--label`.
            if let Some(value) = value {
                self.label(&name, value, &mut labels);
            }
        }
        for word in self.words.all("label") {
            let name = name_of(word);
            if has_no_name(word) {
                self.problems.add(
                    format!("`{name}` is not the name of a label"),
                    "write `.label(\"name\", \"value\")`",
                );
                continue;
            }
            let value = word.split_once('=').map(|(_, value)| value).unwrap_or_default();
            self.label(name, value.to_owned(), &mut labels);
        }
        if !labels.is_empty() {
            self.put(Place::Config, "Labels", Value::Object(labels));
        }
    }

    fn label(&mut self, name: &str, value: String, labels: &mut Map<String, Value>) {
        if name.starts_with(crate::session::LABEL_PREFIX) {
            self.problems.add(
                format!("the label `{name}` is longshore's own"),
                "choose a name outside `org.longshore.`",
            );
        }
        labels.insert(name.to_owned(), value.into());
    }
}

/// Docker's rule for the names of containers and volumes.
pub(crate) fn is_name(name: &str) -> bool {
    has_letters_of_names(name) && name.len() >= 2
}

/// What every name is made of: letters, digits, `_`, `.` and `-`, with a letter or a digit at the beginning.
pub(crate) fn has_letters_of_names(name: &str) -> bool {
    let mut characters = name.chars();
    let starts_well = characters.next().is_some_and(|first| first.is_ascii_alphanumeric());
    starts_well && characters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
}
