//! How a container is called and marked.

use std::path::Path;

use crate::request::ContainerRequest;

impl ContainerRequest {
    /// A fixed name (`--name`). Without one it gets a random name, and any number can run side by side.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.words.set("name", name);
        self
    }

    /// A label (`--label`). Names that begin with `org.longshore.` are the crate's own.
    pub fn label(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.words.push_named("label", name.as_ref(), value.as_ref());
        self
    }

    /// Several labels.
    pub fn labels<I, K, V>(self, labels: I) -> Self
    where
        I: IntoIterator<Item = (K, V)>,
        K: AsRef<str>,
        V: AsRef<str>,
    {
        labels.into_iter().fold(self, |request, (name, value)| request.label(name, value))
    }

    /// Labels from a file, a line each: `name=value` (`--label-file`). The file is read at the start; what `label` says
    /// counts for more.
    pub fn label_file(mut self, path: impl AsRef<Path>) -> Self {
        self.words.push("label-file", path.as_ref().to_string_lossy());
        self
    }

    /// An annotation for the runtime (`--annotation`; version 1.43 of the engine's API).
    pub fn annotation(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.words.push_named("annotation", name.as_ref(), value.as_ref());
        self
    }
}
