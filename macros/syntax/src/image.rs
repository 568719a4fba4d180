//! Image references: `postgres:16`, `localhost:5000/team/app@sha256:...`.
//!
//! The grammar is the distribution spec's, read as Docker's `distribution/reference` reads it,
//! short names included. Image ids are no references, though one may stand where an image is
//! asked for. Nothing here looks anything up.

use std::{fmt, str::FromStr};

use crate::{
    error::{refuse_white_space, Problem, SyntaxError},
    image_parts::{check_digest, check_path, check_registry, check_tag, is_lower_hex},
};

const DEFAULT_REGISTRY: &str = "docker.io";
const LEGACY_DEFAULT_REGISTRY: &str = "index.docker.io";
const OFFICIAL_PREFIX: &str = "library/";
const DEFAULT_TAG: &str = "latest";
const MAX_REPOSITORY_LENGTH: usize = 255;

/// The name of an image, complete: registry, repository, and tag or digest or both.
///
/// Displayed as its [familiar](ImageReference::familiar) form. Two references that mean the same
/// image by rule (`postgres` and `index.docker.io/library/postgres:latest`) are equal.
///
/// # Examples
///
/// ```
/// use longshore_syntax::ImageReference;
///
/// let image = ImageReference::parse("localhost:5000/team/app")?;
/// assert_eq!(image.registry(), "localhost:5000");
/// assert_eq!(image.repository(), "team/app");
/// assert_eq!(image.tag(), Some("latest"));
/// # Ok::<(), longshore_syntax::SyntaxError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ImageReference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<String>,
}

impl ImageReference {
    /// Reads an image reference the way `docker run` does.
    ///
    /// What stands before the first `/` is a registry where it holds a `.`, a `:` or an upper-case
    /// letter, or is `localhost`; otherwise the registry is `docker.io`, and a repository without
    /// a `/` is one of the official ones under `library/`.
    ///
    /// Stricter than Docker: a first part such as `my_team.x`, which looks like a registry but cannot
    /// be one, is an error here; Docker goes on without a registry.
    ///
    /// # Errors
    ///
    /// When the text does not follow the grammar, when the repository is longer than 255
    /// characters or the tag than 128, and when the text is an image id: 64 hexadecimal digits,
    /// or a digest without a repository.
    ///
    /// # Examples
    ///
    /// ```
    /// use longshore_syntax::ImageReference;
    ///
    /// let error = ImageReference::parse("Postgres:16").unwrap_err();
    /// assert_eq!(error.hint(), Some("write `postgres:16`"));
    /// ```
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        Self::read(text).map_err(|problem| problem.within(text, "an image reference"))
    }

    /// Reads what `docker run` takes where it takes an image: a reference, or a whole image id, which is local to one
    /// engine: 64 hexadecimal digits, perhaps with `sha256:` before them. Docker's
    /// `reference.ParseAnyReference`.
    ///
    /// An id displays as `sha256:` and its digits, and has neither registry nor repository.
    ///
    /// # Errors
    ///
    /// As [`parse`](ImageReference::parse), ids apart.
    ///
    /// # Examples
    ///
    /// ```
    /// use longshore_syntax::ImageReference;
    ///
    /// let digits = "0123456789abcdef".repeat(4);
    /// let image = ImageReference::parse_or_id(&digits)?;
    /// assert!(image.is_id());
    /// assert_eq!(image.to_string(), format!("sha256:{digits}"));
    /// assert!(!ImageReference::parse_or_id("postgres:16")?.is_id());
    /// # Ok::<(), longshore_syntax::SyntaxError>(())
    /// ```
    pub fn parse_or_id(text: &str) -> Result<Self, SyntaxError> {
        if !is_image_id(text) {
            return Self::parse(text);
        }
        let digest = match text.contains(':') {
            true => text.to_owned(),
            false => format!("sha256:{text}"),
        };
        Ok(Self {
            registry: String::new(),
            repository: String::new(),
            tag: None,
            digest: Some(digest),
        })
    }

    /// Whether this is an image id, which no registry knows.
    pub fn is_id(&self) -> bool {
        self.repository.is_empty()
    }

    /// The registry's host and perhaps port, `docker.io` where none is written.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The path of the repository in its registry, such as `library/postgres`.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag, `latest` where neither a tag nor a digest is written. `None` where only a digest
    /// is. Where both are, engines go by the digest.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest with its algorithm, such as `sha256:` and 64 hexadecimal digits.
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// The reference as `docker` prints it, without what goes without saying: `postgres:15`,
    /// `localhost:5000/app:1`.
    ///
    /// Unlike Docker's, it always reads back as the same reference: `docker.io/localhost/app` keeps
    /// its registry, which `localhost/app` would not.
    pub fn familiar(&self) -> String {
        let canonical = self.canonical();
        if let Some(path) = canonical.strip_prefix("docker.io/") {
            let short = path.strip_prefix(OFFICIAL_PREFIX).unwrap_or(path);
            for form in [short, path] {
                if Self::read(form).as_ref() == Ok(self) {
                    return form.to_owned();
                }
            }
        }
        canonical
    }

    /// The reference with nothing left away: `docker.io/library/postgres:15`.
    pub fn canonical(&self) -> String {
        if let (true, Some(digest)) = (self.is_id(), &self.digest) {
            return digest.clone();
        }
        let mut text = format!("{}/{}", self.registry, self.repository);
        for (mark, part) in [(':', &self.tag), ('@', &self.digest)] {
            if let Some(part) = part {
                text.push(mark);
                text.push_str(part);
            }
        }
        text
    }

    fn read(text: &str) -> Result<Self, Problem> {
        if text.is_empty() {
            return Err(Problem::new("it is empty").hint("name an image, such as `postgres:16`"));
        }
        refuse_white_space(text)?;
        refuse_scheme(text)?;
        refuse_id(text)?;

        let (registry, rest) = split_registry(text);
        let (name, digest) = split_mark(rest, '@');
        let (path, tag) = split_mark(name, ':');
        let before = &text[..text.len() - rest.len()];
        check_registry(registry, rest)?;
        if path.contains(|c: char| c.is_ascii_uppercase()) {
            return Err(upper_case(before, path, &rest[path.len()..]));
        }
        check_path(path)?;
        if let Some(tag) = tag {
            if check_digest(tag).is_ok() {
                return Err(Problem::new("its digest stands after a `:`")
                    .hint(format!("a digest follows an `@`: `{before}{path}@{tag}`")));
            }
            check_tag(tag)?;
        }
        if let Some(digest) = digest {
            check_digest(digest)?;
        }

        let official = registry == DEFAULT_REGISTRY && !path.contains('/');
        let repository = format!("{}{path}", if official { OFFICIAL_PREFIX } else { "" });
        if repository.len() > MAX_REPOSITORY_LENGTH {
            return Err(Problem::new(format!(
                "the repository is {} characters long",
                repository.len()
            ))
            .hint(format!("a repository has at most {MAX_REPOSITORY_LENGTH} characters")));
        }
        let tag = tag.or(digest.is_none().then_some(DEFAULT_TAG));
        Ok(Self {
            registry: registry.to_owned(),
            repository,
            tag: tag.map(str::to_owned),
            digest: digest.map(str::to_owned),
        })
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.familiar())
    }
}

impl FromStr for ImageReference {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        Self::parse(text)
    }
}

fn split_registry(text: &str) -> (&str, &str) {
    match text.split_once('/') {
        Some((LEGACY_DEFAULT_REGISTRY, rest)) => (DEFAULT_REGISTRY, rest),
        Some((first, rest)) if is_registry(first) => (first, rest),
        _ => (DEFAULT_REGISTRY, text),
    }
}

fn is_registry(first: &str) -> bool {
    first == "localhost" || first.contains(|c: char| c == '.' || c == ':' || c.is_uppercase())
}

fn split_mark(text: &str, mark: char) -> (&str, Option<&str>) {
    match text.split_once(mark) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

fn refuse_scheme(text: &str) -> Result<(), Problem> {
    let Some((scheme, _)) = text.split_once("://") else {
        return Ok(());
    };
    let problem = Problem::new(format!("it begins with `{scheme}://`"));
    // The last part, so that this does not come here again for every `://` in the text.
    Err(match text.rsplit_once("://") {
        Some((_, rest)) if ImageReference::read(rest).is_ok() => {
            problem.hint(format!("leave the scheme away: `{rest}`"))
        }
        _ => problem.hint("a reference has no scheme, such as `postgres:16`"),
    })
}

/// Ids are local to one engine, so that a test which names one works on one machine.
fn refuse_id(text: &str) -> Result<(), Problem> {
    if is_image_id(text) {
        return Err(Problem::new("it is an image id")
            .hint("name the repository, such as `postgres:16` or `postgres@sha256:...`"));
    }
    Ok(())
}

/// Whether the text is the id of an image, and so is no reference.
pub(crate) fn is_image_id(text: &str) -> bool {
    match text.split_once(':') {
        Some(_) => check_digest(text).is_ok(),
        None => text.len() == 64 && text.bytes().all(is_lower_hex),
    }
}

/// The problem with `path`, which stands between the other two in the text.
fn upper_case(before: &str, path: &str, after: &str) -> Problem {
    // Only its upper-case letters made `Team/` in `Team/App` a registry; it was hardly meant.
    let before = match before.contains(['.', ':']) {
        true => before.to_owned(),
        false => before.to_ascii_lowercase(),
    };
    let lower = path.to_ascii_lowercase();
    Problem::new("its repository holds upper-case letters")
        .hint(format!("write `{before}{lower}{after}`"))
}
