//! `--mount`: everything that can be mounted, in fields.
//!
//! What a mount is made of is checked here, and that its parts fit together; whether the source is
//! there is not.

use std::fmt;

use crate::{
    error::{Problem, SyntaxError},
    fields::{add_pair, fields, quote_field, refuse_repeated, spell_pair, Field},
    mount_words::{BindRecursive, Consistency, MountType, Propagation},
    nearest::nearest,
    paths::{check_host_path, check_target, check_volume_name, is_host_path},
    size::{bytes, spell_bytes},
};

/// Every key with the name that stands for all its spellings.
const KEYS: &[(&str, &str)] = &[
    ("type", "type"),
    ("source", "source"),
    ("src", "source"),
    ("target", "target"),
    ("destination", "target"),
    ("dst", "target"),
    ("readonly", "readonly"),
    ("ro", "readonly"),
    ("consistency", "consistency"),
    ("bind-propagation", "bind-propagation"),
    ("bind-recursive", "bind-recursive"),
    ("bind-nonrecursive", "bind-recursive"),
    ("bind-create-src", "bind-create-src"),
    ("volume-nocopy", "volume-nocopy"),
    ("volume-label", "volume-label"),
    ("volume-driver", "volume-driver"),
    ("volume-opt", "volume-opt"),
    ("volume-subpath", "volume-subpath"),
    ("image-subpath", "image-subpath"),
    ("tmpfs-size", "tmpfs-size"),
    ("tmpfs-mode", "tmpfs-mode"),
];

/// A mount, as `docker run --mount` takes it.
///
/// Displayed as the shortest `--mount` that gives it: `type=bind,src=/a,dst=/b,ro`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mount {
    mount_type: MountType,
    source: Option<String>,
    target: String,
    is_read_only: bool,
    consistency: Option<Consistency>,
    bind_propagation: Option<Propagation>,
    bind_recursive: BindRecursive,
    bind_creates_source: Option<bool>,
    volume_is_copied: bool,
    volume_labels: Vec<(String, String)>,
    volume_driver: Option<String>,
    volume_options: Vec<(String, String)>,
    subpath: Option<String>,
    tmpfs_size: Option<u64>,
    tmpfs_mode: Option<u32>,
}

impl Mount {
    /// What is mounted.
    pub const fn mount_type(&self) -> MountType {
        self.mount_type
    }

    /// The path, volume, image or pipe. A path may be relative to the working directory, and then
    /// begins with a `.`. `None` for a tmpfs and for a volume without a name.
    pub fn source(&self) -> Option<&str> {
        self.source.as_deref()
    }

    /// The path in the container.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Whether the container can only read it.
    pub const fn is_read_only(&self) -> bool {
        self.is_read_only
    }

    /// `consistency`.
    pub const fn consistency(&self) -> Option<Consistency> {
        self.consistency
    }

    /// `bind-propagation`.
    pub const fn bind_propagation(&self) -> Option<Propagation> {
        self.bind_propagation
    }

    /// `bind-recursive`, or what the older `bind-nonrecursive` says of it.
    pub const fn bind_recursive(&self) -> BindRecursive {
        self.bind_recursive
    }

    /// `bind-create-src`: whether a source that is not there is made, as a directory. `None` where
    /// nothing is said, which is no.
    pub const fn bind_creates_source(&self) -> Option<bool> {
        self.bind_creates_source
    }

    /// Whether a new volume gets what the image has at the target. No with `volume-nocopy`.
    pub const fn volume_is_copied(&self) -> bool {
        self.volume_is_copied
    }

    /// Each `volume-label`, name and value, for a volume that has to be made.
    pub fn volume_labels(&self) -> &[(String, String)] {
        &self.volume_labels
    }

    /// `volume-driver`, for a volume that has to be made.
    pub fn volume_driver(&self) -> Option<&str> {
        self.volume_driver.as_deref()
    }

    /// Each `volume-opt`, name and value, for the driver.
    pub fn volume_options(&self) -> &[(String, String)] {
        &self.volume_options
    }

    /// `volume-subpath` or `image-subpath`: the directory in the volume or image that is mounted.
    pub fn subpath(&self) -> Option<&str> {
        self.subpath.as_deref()
    }

    /// `tmpfs-size` in bytes. Without it there is no limit.
    pub const fn tmpfs_size(&self) -> Option<u64> {
        self.tmpfs_size
    }

    /// `tmpfs-mode`, the permission bits of the mounted directory. Without it they are 1777.
    pub const fn tmpfs_mode(&self) -> Option<u32> {
        self.tmpfs_mode
    }
}

impl fmt::Display for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = Vec::new();
        if self.mount_type != MountType::Volume {
            fields.push(format!("type={}", self.mount_type));
        }
        let mut add = |key: &str, value: Option<&str>| {
            fields.extend(value.map(|value| format!("{key}={value}")));
        };
        add("src", self.source());
        add("dst", Some(self.target()));
        add("consistency", self.consistency.map(Consistency::as_str));
        add("bind-propagation", self.bind_propagation.map(Propagation::as_str));
        let recursive = Some(self.bind_recursive).filter(|word| *word != BindRecursive::Enabled);
        add("bind-recursive", recursive.map(BindRecursive::as_str));
        add("volume-driver", self.volume_driver());
        let of = if self.mount_type == MountType::Image { "image" } else { "volume" };
        add(&format!("{of}-subpath"), self.subpath());
        add("tmpfs-size", self.tmpfs_size.map(spell_bytes).as_deref());
        add("tmpfs-mode", self.tmpfs_mode.map(|mode| format!("{mode:o}")).as_deref());
        let pairs = |key, pairs: &[(String, String)]| -> Vec<String> {
            pairs.iter().map(|pair| spell_pair(key, pair)).collect()
        };
        fields.extend(pairs("volume-label", &self.volume_labels));
        fields.extend(pairs("volume-opt", &self.volume_options));
        fields.extend(self.is_read_only.then(|| "ro".to_owned()));
        fields.extend((!self.volume_is_copied).then(|| "volume-nocopy".to_owned()));
        fields.extend(self.bind_creates_source.map(|creates| match creates {
            true => "bind-create-src".to_owned(),
            false => "bind-create-src=0".to_owned(),
        }));
        let quoted: Vec<_> = fields.iter().map(|field| quote_field(field)).collect();
        f.write_str(&quoted.join(","))
    }
}

/// Reads a word of `docker run --mount`: fields with commas between them, in any order.
///
/// | key | of | value |
/// |---|---|---|
/// | `type` | | `volume` (where none is written), `bind`, `tmpfs`, `npipe`, `cluster`, `image` |
/// | `source`, `src` | | a path, or the name of a volume or image |
/// | `target`, `destination`, `dst` | | an absolute path in the container |
/// | `readonly`, `ro` | | none, or a truth value |
/// | `consistency` | | `default`, `consistent`, `cached`, `delegated` |
/// | `bind-propagation` | `bind` | `private`, `shared`, `slave`, or one of them with `r` in front |
/// | `bind-recursive` | `bind` | `enabled`, `disabled`, `writable`, `readonly` |
/// | `bind-nonrecursive`, `bind-create-src` | `bind` | none, or a truth value |
/// | `volume-nocopy` | `volume` | none, or a truth value |
/// | `volume-label`, `volume-opt` | `volume` | `name=value`, may be repeated |
/// | `volume-driver`, `volume-subpath` | `volume` | text |
/// | `image-subpath` | `image` | text |
/// | `tmpfs-size` | `tmpfs` | a size, as [`parse_bytes`](crate::parse_bytes) reads it |
/// | `tmpfs-mode` | `tmpfs` | permission bits, octal |
///
/// A field that holds a comma is put in double quotes as a whole, as in CSV (`"src=/a,b"`). The
/// case of keys does not matter.
///
/// Stricter than Docker's command, which leaves some of this to the engine and some unsaid: a key
/// may be there once, propagation and consistency have to be known words, and sources and targets
/// are checked. Looser in one thing: a source may begin with `..`.
///
/// # Errors
///
/// When the fields are not so written, when a key is unknown, is there twice or belongs to another
/// type, when the target is missing or not absolute, when the source is missing, or is there for a
/// tmpfs, and when `bind-recursive` asks for what the other fields do not give.
///
/// # Examples
///
/// ```
/// use longshore_syntax::{parse_mount, MountType};
///
/// let mount = parse_mount("type=bind,source=./data,target=/data,readonly")?;
/// assert_eq!(mount.mount_type(), MountType::Bind);
/// assert_eq!(mount.source(), Some("./data"));
/// assert!(mount.is_read_only());
/// assert_eq!(mount.to_string(), "type=bind,src=./data,dst=/data,ro");
/// # Ok::<(), longshore_syntax::SyntaxError>(())
/// ```
pub fn parse_mount(text: &str) -> Result<Mount, SyntaxError> {
    mount(text).map_err(|problem| problem.within(text, "a mount"))
}

fn mount(text: &str) -> Result<Mount, Problem> {
    if text.is_empty() {
        return Err(Problem::new("it is empty").hint(EXAMPLE));
    }
    let mut mount = Mount {
        mount_type: MountType::Volume,
        source: None,
        target: String::new(),
        is_read_only: false,
        consistency: None,
        bind_propagation: None,
        bind_recursive: BindRecursive::Enabled,
        bind_creates_source: None,
        volume_is_copied: true,
        volume_labels: Vec::new(),
        volume_driver: None,
        volume_options: Vec::new(),
        subpath: None,
        tmpfs_size: None,
        tmpfs_mode: None,
    };
    let mut seen = Vec::new();
    let mut written = Vec::new();
    for field in fields(text)? {
        let Some((_, canonical)) = KEYS.iter().find(|(key, _)| *key == field.key) else {
            return Err(unknown_key(&field, text));
        };
        if !matches!(*canonical, "volume-label" | "volume-opt") {
            refuse_repeated(&mut seen, canonical, &field.key)?;
        }
        written.push(field.key.clone());
        set(&mut mount, field)?;
    }
    refuse_mixed(&mount, &written)?;
    check_source(&mount)?;
    if mount.target.is_empty() {
        return Err(Problem::new("its target is missing")
            .hint("add the path in the container, such as `dst=/data`"));
    }
    check_target(&mount.target)?;
    check_recursive(&mount)?;
    Ok(mount)
}

const EXAMPLE: &str = "write fields, such as `type=bind,src=./data,dst=/data`";

fn set(mount: &mut Mount, field: Field) -> Result<(), Problem> {
    match &*field.key {
        "type" => mount.mount_type = word(field, MountType::ALL, MountType::as_str)?,
        "source" | "src" => {
            // Docker takes an empty source for none.
            mount.source = field.value.filter(|source| !source.is_empty());
        }
        "target" | "destination" | "dst" => mount.target = field.value()?,
        "readonly" | "ro" => mount.is_read_only = field.switch()?,
        "consistency" => {
            mount.consistency = Some(word(field, Consistency::ALL, Consistency::as_str)?);
        }
        "bind-propagation" => {
            mount.bind_propagation = Some(word(field, Propagation::ALL, Propagation::as_str)?);
        }
        "bind-recursive" => {
            mount.bind_recursive = word(field, BindRecursive::ALL, BindRecursive::as_str)?;
        }
        "bind-nonrecursive" => {
            mount.bind_recursive = match field.switch()? {
                true => BindRecursive::Disabled,
                false => BindRecursive::Enabled,
            }
        }
        "bind-create-src" => mount.bind_creates_source = Some(field.switch()?),
        "volume-nocopy" => mount.volume_is_copied = !field.switch()?,
        "volume-label" => add_pair(&mut mount.volume_labels, field.pair()?),
        "volume-opt" => add_pair(&mut mount.volume_options, field.pair()?),
        "volume-driver" => mount.volume_driver = Some(field.value()?),
        "volume-subpath" | "image-subpath" => mount.subpath = Some(field.value()?),
        "tmpfs-size" => {
            let size = field.value()?;
            mount.tmpfs_size = Some(bytes(&size).map_err(|problem| {
                problem.before(&format!("`tmpfs-size` is `{size}`, which is no size"))
            })?);
        }
        _ => {
            let mode = field.value()?;
            // Go's `ParseUint` takes no sign.
            let bits = u32::from_str_radix(&mode, 8).ok().filter(|_| !mode.starts_with('+'));
            mount.tmpfs_mode = Some(bits.filter(|bits| *bits <= 0o7777).ok_or_else(|| {
                Problem::new(format!("`tmpfs-mode` is `{mode}`, which are no permission bits"))
                    .hint("write them in octal, such as `tmpfs-mode=1777`")
            })?);
        }
    }
    Ok(())
}

/// The one of `words` that is the value of `field`.
fn word<T: Copy>(field: Field, words: &[T], as_str: fn(T) -> &'static str) -> Result<T, Problem> {
    let key = field.key.clone();
    let value = field.value()?;
    if let Some(word) = words.iter().find(|word| value.eq_ignore_ascii_case(as_str(**word))) {
        return Ok(*word);
    }
    let problem = Problem::new(format!("its `{key}` cannot be `{value}`"));
    Err(match nearest(&value, words.iter().map(|word| as_str(*word))) {
        Some(meant) => problem.hint(format!("did you mean `{key}={meant}`?")),
        None => {
            let names: Vec<String> =
                words.iter().map(|word| format!("`{}`", as_str(*word))).collect();
            problem.hint(format!("write one of {}", names.join(", ")))
        }
    })
}

fn unknown_key(field: &Field, text: &str) -> Problem {
    let key = &field.key;
    if field.value.is_none() && !text.contains('=') && text.contains([':', '/']) {
        return Problem::new("it has no fields").hint(
            "that is the form of `-v`; as a mount write fields, such as \
             `type=bind,src=./data,dst=/data`",
        );
    }
    let problem = Problem::new(format!("`{key}` is not a key of a mount"));
    match nearest(key, KEYS.iter().map(|(key, _)| *key)) {
        Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
        None => problem.hint(EXAMPLE),
    }
}

fn refuse_mixed(mount: &Mount, keys: &[String]) -> Result<(), Problem> {
    for key in keys {
        let of = match key.split_once('-') {
            Some((of, _)) if of != mount.mount_type.as_str() => of,
            _ => continue,
        };
        let problem = Problem::new(format!(
            "`{key}` cannot be mixed with the mount type `{}`",
            mount.mount_type
        ));
        return Err(match keys.iter().any(|key| key == "type") {
            true => problem.hint(format!("it is for `type={of}`; leave it away")),
            false => problem.hint(format!("write `type={of}`, or leave it away")),
        });
    }
    Ok(())
}

fn check_source(mount: &Mount) -> Result<(), Problem> {
    let missing = |example: &str| {
        Problem::new("its source is missing").hint(format!("add it, such as `src={example}`"))
    };
    match (mount.mount_type, mount.source()) {
        (MountType::Bind, None) => Err(missing("./data")),
        (MountType::Bind, Some(source)) => check_host_path(source),
        (MountType::Npipe, None) => Err(missing(r"\\.\pipe\docker_engine")),
        (MountType::Image, None) => Err(missing("busybox:1.37")),
        (MountType::Cluster, None) => Err(missing("my-volume")),
        (MountType::Tmpfs, Some(source)) => {
            Err(Problem::new(format!("a tmpfs has no source, and this is from `{source}`"))
                .hint("leave the source away"))
        }
        (MountType::Volume, Some(source)) if is_host_path(source) => {
            Err(Problem::new(format!("`{source}` is a path, not the name of a volume"))
                .hint("for a path of the host write `type=bind`"))
        }
        (MountType::Volume, Some(source)) => check_volume_name(source),
        (MountType::Volume, None) if mount.subpath.is_some() => {
            Err(Problem::new("a volume without a name has nothing at a subpath")
                .hint("name the volume, such as `src=my-volume`"))
        }
        _ => Ok(()),
    }
}

fn check_recursive(mount: &Mount) -> Result<(), Problem> {
    let recursive = mount.bind_recursive;
    if matches!(recursive, BindRecursive::Enabled | BindRecursive::Disabled) {
        return Ok(());
    }
    let needs = |field: &str| {
        Problem::new(format!("`bind-recursive={recursive}` needs `{field}`"))
            .hint(format!("add `{field}`"))
    };
    if !mount.is_read_only {
        return Err(needs("readonly"));
    }
    let is_private = mount.bind_propagation == Some(Propagation::RPrivate);
    if recursive == BindRecursive::Readonly && !is_private {
        return Err(needs("bind-propagation=rprivate"));
    }
    Ok(())
}
