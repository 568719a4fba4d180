//! `-v`: a volume or a path of the host, where it is mounted, and how.
//!
//! Other than in [`mount`](crate::mount) the parts have no names but places. What an engine would
//! take for something else than the user meant is an error here.

use std::fmt;

use crate::{
    error::{Problem, SyntaxError},
    nearest::nearest,
    paths::{check_target, check_volume_name, is_host_path, is_on_drive, refuse_home},
};

/// The options in groups, of each of which one can be written.
const OPTIONS: &[&[&str]] = &[
    &["ro", "rw"],
    &["z", "Z"],
    &["nocopy"],
    &["private", "rprivate", "shared", "rshared", "slave", "rslave"],
    &["consistent", "cached", "delegated"],
];
const PROPAGATION: &[&str] = OPTIONS[3];
const EXAMPLE: &str = "write `./data:/data`, `my-volume:/data` or `/data`";

/// A mount as `docker run --volume` takes it. Displayed as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VolumeSpec {
    source: Option<VolumeSource>,
    target: String,
    options: Vec<String>,
}

/// What `docker run --volume` mounts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum VolumeSource {
    /// A path of the host, absolute or beginning with a `.`, which is relative to the working
    /// directory.
    Path(String),
    /// A volume of that name.
    Name(String),
}

impl VolumeSource {
    /// The path or the name.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Path(text) | Self::Name(text) => text,
        }
    }
}

impl VolumeSpec {
    /// What is mounted; `None` for a new volume without a name.
    pub const fn source(&self) -> Option<&VolumeSource> {
        self.source.as_ref()
    }

    /// The path in the container.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The options as they are written, each of them one that Docker knows.
    pub fn options(&self) -> &[String] {
        &self.options
    }

    /// Whether the container can only read it.
    pub fn is_read_only(&self) -> bool {
        self.options.iter().any(|option| option == "ro")
    }
}

impl fmt::Display for VolumeSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(source) = &self.source {
            write!(f, "{}:", source.as_str())?;
        }
        f.write_str(&self.target)?;
        if !self.options.is_empty() {
            write!(f, ":{}", self.options.join(","))?;
        }
        Ok(())
    }
}

/// Reads a word of `docker run --volume`, `[source:]target[:options]`.
///
/// | word                        | mounted                                                      |
/// |-----------------------------|--------------------------------------------------------------|
/// | `/data`                     | a new volume                                                 |
/// | `my-volume:/data:nocopy`    | the volume of that name                                      |
/// | `/srv/data:/data:ro`        | that path of the host                                        |
/// | `./data:/data`              | a path that is relative to the working directory             |
/// | `C:\data:/data`             | a path on Windows                                            |
///
/// The options have commas between them: `ro` or `rw`; `z` or `Z` (SELinux); `nocopy`; a
/// propagation (`private`, `shared`, `slave`, or one of them with `r` in front), which is for paths
/// only; `consistent`, `cached` or `delegated`.
///
/// Stricter than Docker's command, which leaves the most to the engine: a relative path has to
/// begin with a `.` (Docker takes `tests/data` for a name, and refuses that), a target has to be
/// absolute, and an unknown option is an error.
///
/// # Errors
///
/// When the text is not so written, when the source is neither a path nor the name of a volume, and
/// when two options exclude each other.
///
/// # Examples
///
/// ```
/// use longshore_syntax::{parse_volume, VolumeSource};
///
/// let volume = parse_volume("./data:/data:ro")?;
/// assert_eq!(volume.source(), Some(&VolumeSource::Path("./data".to_owned())));
/// assert_eq!(volume.target(), "/data");
/// assert!(volume.is_read_only());
///
/// let error = parse_volume("tests/data:/data").unwrap_err();
/// assert_eq!(error.hint(), Some("for a path in the working directory write `./tests/data`"));
/// # Ok::<(), longshore_syntax::SyntaxError>(())
/// ```
pub fn parse_volume(text: &str) -> Result<VolumeSpec, SyntaxError> {
    volume(text).map_err(|problem| problem.within(text, "a volume"))
}

fn volume(text: &str) -> Result<VolumeSpec, Problem> {
    if text.is_empty() {
        return Err(Problem::new("it is empty").hint(EXAMPLE));
    }
    let parts = split(text);
    if parts.iter().any(|part| part.is_empty()) {
        return Err(Problem::new("it has a `:` with nothing before or after it").hint(EXAMPLE));
    }
    let (source, target, options) = match *parts {
        [target] => (None, target, None),
        [source, target] => (Some(source), target, None),
        [source, target, options] => (Some(source), target, Some(options)),
        _ => {
            return Err(Problem::new("it has too many `:`")
                .hint("write `source:target:options`, with commas between the options"))
        }
    };
    let source = match source {
        None => {
            refuse_lone_source(target)?;
            None
        }
        Some(source) if target.split(',').all(is_option) => {
            return Err(Problem::new(format!("`{target}` stands in the place of the target")).hint(
                match is_host_path(source) {
                    true => format!("options come third, as in `{source}:{source}:{target}`"),
                    false => format!("options come third, as in `{source}:/data:{target}`"),
                },
            ))
        }
        Some(source) => Some(read_source(source)?),
    };
    check_target(target)?;
    let options = match options {
        Some(options) => read_options(options, source.as_ref())?,
        None => Vec::new(),
    };
    Ok(VolumeSpec { source, target: target.to_owned(), options })
}

/// Splits at every `:` but that of a drive of Windows.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let skipped = if is_on_drive(rest) { 2 } else { 0 };
        match rest[skipped..].split_once(':') {
            Some((before, after)) => {
                parts.push(&rest[..skipped + before.len()]);
                rest = after;
            }
            None => {
                parts.push(rest);
                return parts;
            }
        }
    }
}

/// A single part is the target of a new volume. Other things that were hardly meant so.
fn refuse_lone_source(target: &str) -> Result<(), Problem> {
    refuse_home(target)?;
    if is_on_drive(target) && target[2..].starts_with('/') {
        let (drive, path) = (&target[..1], &target[2..]);
        return Err(Problem::new(format!("`{drive}:` is a drive of Windows, not a volume"))
            .hint(format!("the name of a volume has at least two characters, as `data:{path}`")));
    }
    if target.starts_with('.') {
        return Err(Problem::new("its target is missing")
            .hint(format!("add the path in the container: `{target}:/data`")));
    }
    Ok(())
}

fn read_source(source: &str) -> Result<VolumeSource, Problem> {
    if is_host_path(source) {
        return Ok(VolumeSource::Path(source.to_owned()));
    }
    check_volume_name(source)?;
    Ok(VolumeSource::Name(source.to_owned()))
}

fn is_option(text: &str) -> bool {
    OPTIONS.iter().any(|group| group.contains(&text))
}

fn read_options(text: &str, source: Option<&VolumeSource>) -> Result<Vec<String>, Problem> {
    let options: Vec<&str> = text.split(',').collect();
    for (at, option) in options.iter().enumerate() {
        let Some(group) = OPTIONS.iter().find(|group| group.contains(option)) else {
            return Err(unknown_option(option));
        };
        if let Some(earlier) = options[..at].iter().find(|earlier| group.contains(earlier)) {
            return Err(match earlier == option {
                true => Problem::new(format!("`{option}` is there twice")),
                false => Problem::new(format!("`{earlier}` and `{option}` exclude each other")),
            }
            .hint("leave one of the two away"));
        }
        if let (true, Some(VolumeSource::Name(name))) = (PROPAGATION.contains(option), source) {
            return Err(Problem::new(format!("`{option}` is for paths, and `{name}` is a volume"))
                .hint("leave it away"));
        }
    }
    Ok(options.into_iter().map(str::to_owned).collect())
}

fn unknown_option(option: &str) -> Problem {
    if option.is_empty() {
        return Problem::new("it has an empty option")
            .hint("write one `,` between two options, and none at the end");
    }
    let problem = Problem::new(format!("`{option}` is not an option of a volume"));
    if matches!(option, "readonly" | "read-only") {
        return problem.hint("did you mean `ro`?");
    }
    // A slip in two letters may be any of the two-letter words.
    let known = OPTIONS.iter().flat_map(|group| group.iter().copied());
    match nearest(option, known).filter(|_| option.len() > 2) {
        Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
        None => problem.hint(
            "the options are `ro`, `rw`, `z`, `Z`, `nocopy`, those of propagation and of \
             consistency",
        ),
    }
}
