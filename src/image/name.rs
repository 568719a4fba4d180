//! An image as a verb names it, by reference or by id: checked before the engine is asked, and told in what goes wrong.

use longshore_syntax::ImageReference;

use super::podman;
use crate::engine::{encoded, ApiError, Engine};
use crate::error::{Error, Kind, Result};

/// A reference or an id, as it was written. Twelve digits of an id look like a reference, so the engine is asked with the
/// very words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ImageName(String);

impl ImageName {
    pub(super) fn parse(text: &str) -> Result<Self> {
        if !is_certainly_id(text) {
            ImageReference::parse(text)?;
        }
        Ok(ImageName(text.to_owned()))
    }

    /// As it was written.
    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// As the engine reads it.
    pub(super) fn for_engine(&self, engine: &Engine) -> String {
        for_engine(engine, &self.0)
    }

    /// The image as a part of a path.
    pub(super) fn in_path(&self, engine: &Engine) -> String {
        in_path(engine, &self.0)
    }

    /// The report of a call about this image.
    pub(super) fn failed(&self, error: ApiError, what: String, engine: &Engine) -> Error {
        report(error, what, engine).fact("image", format!("`{}`", self.0))
    }
}

/// An image's name or id as a part of a path.
pub(super) fn in_path(engine: &Engine, name: &str) -> String {
    encoded(&for_engine(engine, name))
}

fn for_engine(engine: &Engine, name: &str) -> String {
    match engine.is_podman() {
        true => podman::id_as_it_reads_one(name),
        false => name.to_owned(),
    }
}

/// The report of a call about images: what is not there is an image.
pub(super) fn report(error: ApiError, what: String, engine: &Engine) -> Error {
    let error = if engine.is_podman() { podman::in_dockers_words(error) } else { error };
    let report = match error.is_not_found() {
        true => Error::new(Kind::ImageNotFound, what)
            .fact("because", error.to_string())
            .hint("`docker images` lists those that are here"),
        false => error.while_trying(what),
    };
    report.fact("engine", engine.to_string())
}

/// A reference that is to be a name: with a registry, a repository and a tag.
pub(super) fn tagged(text: &str, verb: &str) -> Result<ImageReference> {
    let reference = ImageReference::parse(text)?;
    if reference.digest().is_some() {
        let what = format!("`{text}` cannot be {verb}: it has a digest");
        return Err(Error::new(Kind::InvalidRequest, what).hint("write a tag, such as `app:1`"));
    }
    Ok(reference)
}

/// A tag or digest as `docker images` shows it; engines differ in what they leave away.
pub(super) fn familiar(reference: &str) -> String {
    ImageReference::parse(reference)
        .map_or_else(|_| reference.to_owned(), |reference| reference.familiar())
}

/// A repository as the API wants it beside a tag: `busybox`, `127.0.0.1:5000/team/app`.
pub(super) fn repository(reference: &ImageReference) -> String {
    match reference.registry() {
        "docker.io" => {
            let repository = reference.repository();
            repository.strip_prefix("library/").unwrap_or(repository).to_owned()
        }
        registry => format!("{registry}/{}", reference.repository()),
    }
}

/// `sha256:` and 64 digits, where an engine leaves the first part away.
pub(super) fn full_id(id: &str) -> String {
    match id.len() == 64 && is_hex(id) {
        true => format!("sha256:{id}"),
        false => id.to_owned(),
    }
}

fn is_certainly_id(text: &str) -> bool {
    match text.strip_prefix("sha256:") {
        Some(digits) => digits.len() <= 64 && is_hex(digits),
        None => text.len() == 64 && is_hex(text),
    }
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_references_are_names() {
        let digits = "b1cc5b2aa9b0d4161e486d93ca02f46f4bbd7d0086a80c13dc532195d471eb5a";
        for name in
            [digits, "b1cc5b2aa9b0", "sha256:b1cc5b2aa9b0", "busybox", "127.0.0.1:5000/team/app:1"]
        {
            assert_eq!(ImageName::parse(name).unwrap().text(), name);
        }
        for name in [format!("sha256:{digits}"), format!("busybox@sha256:{digits}")] {
            assert_eq!(ImageName::parse(&name).unwrap().text(), name);
        }
        for wrong in ["", "Busybox", "busy box", "sha256:", "-x"] {
            assert!(ImageName::parse(wrong).unwrap_err().is_invalid_request(), "{wrong}");
        }
    }

    #[test]
    fn names_are_shown_as_docker_shows_them() {
        assert_eq!(familiar("docker.io/library/busybox:1.35"), "busybox:1.35");
        assert_eq!(familiar("127.0.0.1:5000/team/app:1"), "127.0.0.1:5000/team/app:1");
        let team = ImageReference::parse("127.0.0.1:5000/team/app:1").unwrap();
        assert_eq!(repository(&team), "127.0.0.1:5000/team/app");
        assert_eq!(repository(&ImageReference::parse("busybox").unwrap()), "busybox");
        assert_eq!(full_id(&"a".repeat(64)), format!("sha256:{}", "a".repeat(64)));
        assert_eq!(full_id("sha256:aa"), "sha256:aa");
    }
}
