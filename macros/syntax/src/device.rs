//! `--device` and `--device-cgroup-rule`: devices of the host, and who may do what with them.
//!
//! How fast a device is, is in `device_rate.rs`.

use std::fmt;

use crate::error::{refuse_white_space, Problem, SyntaxError};

const EXAMPLE: &str = "write a device such as `/dev/fuse`, `/dev/sda:/dev/xvda` or `/dev/sda:r`";
const RULE: &str = "write a kind, two numbers and permissions, such as `c 1:3 rwm` or `b 8:* r`";

/// A device, as `docker run --device` takes it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Device {
    /// A device node of the engine's machine.
    Node(DeviceNode),
    /// What a vendor has described for the engine under this name, such as
    /// `nvidia.com/gpu=all` (Container Device Interface).
    Cdi(String),
}

/// A device node, and where it is to be in the container.
///
/// Displayed as the shortest word that gives it: `/dev/sda`, `/dev/sda:r`, `/dev/sda:/dev/xvda`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DeviceNode {
    host: String,
    container: String,
    permissions: DevicePermissions,
}

/// What a container may do with a device. Displayed as letters: `rwm`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DevicePermissions {
    read: bool,
    write: bool,
    make: bool,
}

/// Devices, and what a container may do with them, as `docker run --device-cgroup-rule` takes it.
///
/// Displayed the same way: `c 1:3 rwm`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DeviceCgroupRule {
    kind: DeviceKind,
    major: Option<u32>,
    minor: Option<u32>,
    permissions: DevicePermissions,
}

/// The kind of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DeviceKind {
    /// Both kinds, `a`.
    All,
    /// A character device, `c`.
    Character,
    /// A block device, `b`.
    Block,
}

impl DeviceNode {
    /// The path on the engine's machine.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The path in the container.
    pub fn container(&self) -> &str {
        &self.container
    }

    /// What the container may do with it; everything where nothing is written.
    pub const fn permissions(&self) -> DevicePermissions {
        self.permissions
    }
}

impl DevicePermissions {
    const ALL: Self = Self { read: true, write: true, make: true };

    /// `r`.
    pub const fn read(self) -> bool {
        self.read
    }

    /// `w`.
    pub const fn write(self) -> bool {
        self.write
    }

    /// `m`: make the node with `mknod`.
    pub const fn make(self) -> bool {
        self.make
    }

    /// Letters out of `rwm`, each once and in any order.
    fn read_letters(text: &str) -> Option<Self> {
        let mut permissions = Self { read: false, write: false, make: false };
        for letter in text.chars() {
            let permission = match letter {
                'r' => &mut permissions.read,
                'w' => &mut permissions.write,
                'm' => &mut permissions.make,
                _ => return None,
            };
            if std::mem::replace(permission, true) {
                return None;
            }
        }
        (!text.is_empty()).then_some(permissions)
    }
}

impl DeviceCgroupRule {
    /// The kind.
    pub const fn kind(&self) -> DeviceKind {
        self.kind
    }

    /// The major number, `None` for all.
    pub const fn major(&self) -> Option<u32> {
        self.major
    }

    /// The minor number, `None` for all.
    pub const fn minor(&self) -> Option<u32> {
        self.minor
    }

    /// What the container may do.
    pub const fn permissions(&self) -> DevicePermissions {
        self.permissions
    }
}

impl DeviceKind {
    /// Its letter: `a`, `c` or `b`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "a",
            Self::Character => "c",
            Self::Block => "b",
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node(node) => node.fmt(f),
            Self::Cdi(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for DeviceNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host)?;
        if self.container != self.host {
            write!(f, ":{}", self.container)?;
        }
        if self.permissions != DevicePermissions::ALL {
            write!(f, ":{}", self.permissions)?;
        }
        Ok(())
    }
}

impl fmt::Display for DevicePermissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters = [(self.read, 'r'), (self.write, 'w'), (self.make, 'm')];
        let text: String = letters.iter().filter(|(has, _)| *has).map(|(_, c)| *c).collect();
        f.pad(&text)
    }
}

impl fmt::Display for DeviceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for DeviceCgroupRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |number: Option<u32>| number.map_or("*".to_owned(), |it| it.to_string());
        let (major, minor) = (number(self.major), number(self.minor));
        write!(f, "{} {major}:{minor} {}", self.kind, self.permissions)
    }
}

/// Reads a word of `docker run --device`: `host[:container][:permissions]`, or a CDI name
/// (`vendor/class=name`).
///
/// The permissions are letters out of `rwm`: read, write, and make with `mknod`. Without them it is
/// all three. Devices of Windows containers (`class/..`) are not read.
///
/// Stricter than Docker: the path on the host has to be absolute too.
///
/// # Errors
///
/// When the text is not so written, and when a path is not absolute.
///
/// # Examples
///
/// ```
/// use longshore_syntax::{parse_device, Device};
///
/// let Device::Node(node) = parse_device("/dev/sda:/dev/xvda:r")? else { panic!() };
/// assert_eq!((node.host(), node.container()), ("/dev/sda", "/dev/xvda"));
/// assert_eq!(node.permissions().to_string(), "r");
///
/// assert!(matches!(parse_device("nvidia.com/gpu=0")?, Device::Cdi(_)));
/// # Ok::<(), longshore_syntax::SyntaxError>(())
/// ```
pub fn parse_device(text: &str) -> Result<Device, SyntaxError> {
    device(text).map_err(|problem| problem.within(text, "a device"))
}

/// Reads a word of `docker run --device-cgroup-rule`, `kind major:minor permissions`.
///
/// The kind is `a`, `b` or `c`; a number may be `*`; the permissions are letters out of `rwm`.
///
/// Stricter than Docker: a letter may be there once, and a number has 32 bits.
///
/// # Errors
///
/// When the text is not so written.
///
/// # Examples
///
/// ```
/// use longshore_syntax::parse_device_cgroup_rule;
///
/// let rule = parse_device_cgroup_rule("c 10:* rw")?;
/// assert_eq!((rule.major(), rule.minor()), (Some(10), None));
/// # Ok::<(), longshore_syntax::SyntaxError>(())
/// ```
pub fn parse_device_cgroup_rule(text: &str) -> Result<DeviceCgroupRule, SyntaxError> {
    rule(text).map_err(|problem| problem.within(text, "a device rule"))
}

fn device(text: &str) -> Result<Device, Problem> {
    if text.is_empty() {
        return Err(Problem::new("it is empty").hint(EXAMPLE));
    }
    refuse_white_space(text)?;
    if is_cdi_name(text) {
        return Ok(Device::Cdi(text.to_owned()));
    }
    let parts: Vec<&str> = text.splitn(4, ':').collect();
    let (host, container, permissions) = match *parts {
        [host] => (host, host, None),
        [host, second] => match DevicePermissions::read_letters(second) {
            Some(permissions) => (host, host, Some(permissions)),
            None => (host, second, None),
        },
        [host, container, letters] => {
            let permissions = DevicePermissions::read_letters(letters).ok_or_else(|| {
                Problem::new(format!("`{letters}` are not permissions"))
                    .hint("write letters out of `rwm`, each once")
            })?;
            (host, container, Some(permissions))
        }
        _ => return Err(Problem::new("it has too many `:`").hint(EXAMPLE)),
    };
    for path in [host, container] {
        if !path.starts_with('/') {
            return Err(match path {
                "" => Problem::new("it has a `:` with nothing before or after it").hint(EXAMPLE),
                _ if path.contains('/') || !is_letters(path) => {
                    Problem::new(format!("the path `{path}` is not absolute")).hint(EXAMPLE)
                }
                _ => Problem::new(format!("`{path}` is neither a path nor permissions"))
                    .hint(format!("write a path, such as `/dev/{path}`, or letters out of `rwm`")),
            });
        }
    }
    Ok(Device::Node(DeviceNode {
        host: host.to_owned(),
        container: container.to_owned(),
        permissions: permissions.unwrap_or(DevicePermissions::ALL),
    }))
}

fn is_letters(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// Whether this is a qualified name of the Container Device Interface, `vendor/class=name` (CDI
/// spec, "Kind" and "Device names").
fn is_cdi_name(text: &str) -> bool {
    let part = |text: &str, marks: &str, begins: fn(&char) -> bool| {
        text.chars().next().is_some_and(|c| begins(&c))
            && text.ends_with(|c: char| c.is_ascii_alphanumeric())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || marks.contains(c))
    };
    let Some((kind, name)) = text.split_once('=') else {
        return false;
    };
    kind.split_once('/').is_some_and(|(vendor, class)| {
        part(vendor, "_-.", char::is_ascii_alphabetic)
            && part(class, "_-", char::is_ascii_alphabetic)
            && part(name, "_-.:", char::is_ascii_alphanumeric)
    })
}

fn rule(text: &str) -> Result<DeviceCgroupRule, Problem> {
    let parts: Vec<&str> = text.splitn(4, ' ').collect();
    let [kind, numbers, letters] = *parts else {
        return Err(Problem::new("it has not three parts").hint(RULE));
    };
    let kind = [DeviceKind::All, DeviceKind::Character, DeviceKind::Block]
        .into_iter()
        .find(|known| known.as_str() == kind)
        .ok_or_else(|| {
            Problem::new(format!("`{kind}` is not a kind of device"))
                .hint("the kinds are `c` (character), `b` (block) and `a` (all)")
        })?;
    let (major, minor) = numbers.split_once(':').ok_or_else(|| {
        Problem::new(format!("`{numbers}` is not a major and a minor number")).hint(RULE)
    })?;
    let permissions = DevicePermissions::read_letters(letters).ok_or_else(|| {
        Problem::new(format!("`{letters}` are not permissions"))
            .hint("write letters out of `rwm`, each once")
    })?;
    Ok(DeviceCgroupRule { kind, major: number(major)?, minor: number(minor)?, permissions })
}

fn number(text: &str) -> Result<Option<u32>, Problem> {
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.parse() {
        _ if text == "*" => Ok(None),
        Ok(number) if is_digits => Ok(Some(number)),
        _ => Err(Problem::new(format!("`{text}` is not the number of a device"))
            .hint("write a number as `ls -l /dev` shows it, or `*` for all")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, host: &str, container: &str, permissions: &str, displayed: &str) {
        let device = parse_device(text).unwrap_or_else(|error| panic!("{error}"));
        let Device::Node(node) = &device else { panic!("{device:?}") };
        assert_eq!((node.host(), node.container()), (host, container), "{text}");
        assert_eq!(node.permissions().to_string(), permissions, "{text}");
        assert_eq!(device.to_string(), displayed);
    }

    fn check_error(text: &str, problem: &str, hint: &str) {
        let error = parse_device(text).unwrap_err();
        assert_eq!(error.to_string(), format!("`{text}` is not a device: {problem}\nhint: {hint}"));
    }

    fn check_rule_error(text: &str, problem: &str, hint: &str) {
        let error = parse_device_cgroup_rule(text).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("`{text}` is not a device rule: {problem}\nhint: {hint}")
        );
    }

    #[test]
    fn a_device_has_up_to_three_parts() {
        check("/dev/a", "/dev/a", "/dev/a", "rwm", "/dev/a");
        check("/dev/a:/dev/b", "/dev/a", "/dev/b", "rwm", "/dev/a:/dev/b");
        check("/dev/a:r", "/dev/a", "/dev/a", "r", "/dev/a:r");
        check("/dev/a:/dev/b:wr", "/dev/a", "/dev/b", "rw", "/dev/a:/dev/b:rw");
        check("/dev/a:/dev/a:rwm", "/dev/a", "/dev/a", "rwm", "/dev/a");
        check("/dev/a:mwr", "/dev/a", "/dev/a", "rwm", "/dev/a");
    }

    #[test]
    fn a_cdi_name_is_told_apart() {
        for name in ["nvidia.com/gpu=all", "vendor.com/class=name", "v1/c=0", "a.b/c_d=e:0.1"] {
            assert_eq!(parse_device(name), Ok(Device::Cdi(name.to_owned())));
        }
        for text in ["vendor.com/class=", "/class=name", "vendor/=x", "1v/c=x", "/dev/a=b"] {
            assert!(!matches!(parse_device(text), Ok(Device::Cdi(_))), "{text}");
        }
    }

    #[test]
    fn what_is_no_device_is_refused() {
        check_error("", "it is empty", EXAMPLE);
        check_error(
            "fuse",
            "`fuse` is neither a path nor permissions",
            "write a path, such as `/dev/fuse`, or letters out of `rwm`",
        );
        check_error("dev/fuse", "the path `dev/fuse` is not absolute", EXAMPLE);
        check_error(
            "/dev/a:/dev/b:rx",
            "`rx` are not permissions",
            "write letters out of `rwm`, each once",
        );
        check_error("/dev/a:", "it has a `:` with nothing before or after it", EXAMPLE);
        check_error("/dev/a:/b:r:w", "it has too many `:`", EXAMPLE);
    }

    #[test]
    fn a_rule_is_displayed_as_it_is_written() {
        for text in ["c 1:3 rwm", "b 8:* r", "a *:* rwm", "c 4294967295:0 w"] {
            assert_eq!(parse_device_cgroup_rule(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        check_rule_error("", "it has not three parts", RULE);
        check_rule_error("c 1:3", "it has not three parts", RULE);
        check_rule_error(
            "x 1:3 r",
            "`x` is not a kind of device",
            "the kinds are `c` (character), `b` (block) and `a` (all)",
        );
        check_rule_error("c 1 r", "`1` is not a major and a minor number", RULE);
        check_rule_error(
            "c +1:3 r",
            "`+1` is not the number of a device",
            "write a number as `ls -l /dev` shows it, or `*` for all",
        );
        check_rule_error(
            "c 1:3 rr",
            "`rr` are not permissions",
            "write letters out of `rwm`, each once",
        );
    }
}
