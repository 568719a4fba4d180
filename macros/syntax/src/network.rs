//! `--network`: a network by its name, or with how the container is attached to it.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use crate::{
    error::{refuse_white_space, Problem, SyntaxError},
    fields::{add_pair, fields, quote_field, refuse_repeated, Field},
    nearest::nearest,
};

const KEYS: &[&str] =
    &["name", "alias", "ip", "ip6", "mac-address", "link-local-ip", "driver-opt", "gw-priority"];
const EXAMPLE: &str = "write the name of a network, or fields such as `name=backend,alias=db`";

/// A network, and how a container is attached to it, as `docker run --network` takes it.
///
/// Displayed as the name alone where that is all, and else in fields: `name=backend,alias=db`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NetworkAttachment {
    name: String,
    aliases: Vec<String>,
    ipv4: Option<Ipv4Addr>,
    ipv6: Option<Ipv6Addr>,
    mac_address: Option<String>,
    link_local_ips: Vec<IpAddr>,
    driver_options: Vec<(String, String)>,
    gateway_priority: Option<i64>,
}

impl NetworkAttachment {
    /// The name or id of a network, or a mode: `host`, `none`, `bridge`, `default`,
    /// `container:name`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The container whose network this one joins, of `container:name`.
    pub fn container(&self) -> Option<&str> {
        self.name.strip_prefix("container:")
    }

    /// Each `alias`: further names of the container in this network.
    pub fn aliases(&self) -> &[String] {
        &self.aliases
    }

    /// `ip`.
    pub const fn ipv4(&self) -> Option<Ipv4Addr> {
        self.ipv4
    }

    /// `ip6`.
    pub const fn ipv6(&self) -> Option<Ipv6Addr> {
        self.ipv6
    }

    /// `mac-address` as it is written.
    pub fn mac_address(&self) -> Option<&str> {
        self.mac_address.as_deref()
    }

    /// Each `link-local-ip`.
    pub fn link_local_ips(&self) -> &[IpAddr] {
        &self.link_local_ips
    }

    /// Each `driver-opt`, name and value.
    pub fn driver_options(&self) -> &[(String, String)] {
        &self.driver_options
    }

    /// `gw-priority`: of several networks, that with the highest has the default gateway.
    pub const fn gateway_priority(&self) -> Option<i64> {
        self.gateway_priority
    }

    fn new(name: String) -> Self {
        Self {
            name,
            aliases: Vec::new(),
            ipv4: None,
            ipv6: None,
            mac_address: None,
            link_local_ips: Vec::new(),
            driver_options: Vec::new(),
            gateway_priority: None,
        }
    }
}

impl fmt::Display for NetworkAttachment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::new(self.name.clone()) && !self.name.contains(['=', ',', '"']) {
            return f.write_str(&self.name);
        }
        let mut fields = vec![format!("name={}", self.name)];
        fields.extend(self.aliases.iter().map(|alias| format!("alias={alias}")));
        fields.extend(self.ipv4.map(|address| format!("ip={address}")));
        fields.extend(self.ipv6.map(|address| format!("ip6={address}")));
        fields.extend(self.mac_address().map(|address| format!("mac-address={address}")));
        fields.extend(self.link_local_ips.iter().map(|address| format!("link-local-ip={address}")));
        // Other than in a mount, the second `=` is not left away.
        let options = self.driver_options.iter();
        fields.extend(options.map(|(name, value)| format!("driver-opt={name}={value}")));
        fields.extend(self.gateway_priority.map(|priority| format!("gw-priority={priority}")));
        let quoted: Vec<_> = fields.iter().map(|field| quote_field(field)).collect();
        f.write_str(&quoted.join(","))
    }
}

/// Reads a word of `docker run --network`: a name or mode (`backend`, `host`, `container:db`), or
/// fields with commas between them.
///
/// | key                    | value                                                |
/// |------------------------|------------------------------------------------------|
/// | `name`                 | the name or id of the network                        |
/// | `alias`                | a name of the container in it, may be repeated       |
/// | `ip`, `ip6`            | an address in it                                     |
/// | `link-local-ip`        | an address of the link, may be repeated              |
/// | `mac-address`          | six bytes, such as `02:42:ac:11:00:02`               |
/// | `driver-opt`           | `name=value`, may be repeated                        |
/// | `gw-priority`          | a whole number                                       |
///
/// Modes that only Podman has (`pasta`, `slirp4netns`) pass.
///
/// Stricter than Docker: what is to be there once may be there once, addresses are checked, and a
/// MAC address has six bytes.
///
/// # Errors
///
/// When the text is not so written, when a key is unknown or `name` is missing, and when something
/// is asked for that only networks of one's own have: an alias or an address with `host`, `none`,
/// `bridge`, `default` or `container:`.
///
/// # Examples
///
/// ```
/// use longshore_syntax::parse_network;
///
/// let network = parse_network("name=backend,alias=db,ip=10.0.0.5")?;
/// assert_eq!(network.name(), "backend");
/// assert_eq!(network.aliases(), ["db"]);
///
/// assert_eq!(parse_network("container:web")?.container(), Some("web"));
/// # Ok::<(), longshore_syntax::SyntaxError>(())
/// ```
pub fn parse_network(text: &str) -> Result<NetworkAttachment, SyntaxError> {
    network(text).map_err(|problem| problem.within(text, "a network"))
}

fn network(text: &str) -> Result<NetworkAttachment, Problem> {
    if text.is_empty() {
        return Err(Problem::new("it is empty").hint(EXAMPLE));
    }
    let attachment = match text.contains('=') {
        true => attachment(text)?,
        false => {
            if text.contains([',', '"']) {
                return Err(Problem::new("it is neither a name nor fields").hint(
                    "write `--network` once for each network, or fields such as \
                     `name=backend,alias=db`",
                ));
            }
            NetworkAttachment::new(text.to_owned())
        }
    };
    check_name(&attachment)?;
    Ok(attachment)
}

fn attachment(text: &str) -> Result<NetworkAttachment, Problem> {
    let mut attachment = NetworkAttachment::new(String::new());
    let mut seen = Vec::new();
    for field in fields(text)? {
        let field = trimmed(field);
        let Some(key) = KEYS.iter().find(|key| **key == field.key) else {
            return Err(unknown_key(&field.key));
        };
        if !matches!(*key, "alias" | "link-local-ip" | "driver-opt") {
            refuse_repeated(&mut seen, key, key)?;
        }
        match *key {
            "name" => attachment.name = field.value()?,
            "alias" => attachment.aliases.push(plain(field)?),
            "ip" => attachment.ipv4 = Some(address(field, "an IPv4 address", "10.0.0.5")?),
            "ip6" => attachment.ipv6 = Some(address(field, "an IPv6 address", "2001:db8::5")?),
            "link-local-ip" => {
                let address = address(field, "an IP address", "169.254.34.68")?;
                attachment.link_local_ips.push(address);
            }
            "mac-address" => attachment.mac_address = Some(mac_address(field)?),
            "driver-opt" => add_pair(&mut attachment.driver_options, driver_option(field)?),
            _ => {
                let priority = field.value()?;
                attachment.gateway_priority = Some(priority.parse().map_err(|_| {
                    Problem::new(format!(
                        "its `gw-priority` is `{priority}`, which is no whole number"
                    ))
                    .hint("write a number such as `10`, the highest has the default gateway")
                })?);
            }
        }
    }
    if attachment.name.is_empty() {
        return Err(Problem::new("it does not say which network")
            .hint("add the name of the network, such as `name=backend`"));
    }
    Ok(attachment)
}

/// Docker does not mind white space around the keys and values here, other than in a mount.
fn trimmed(field: Field) -> Field {
    Field {
        key: field.key.trim().to_owned(),
        value: field.value.map(|value| value.trim().to_owned()),
    }
}

fn plain(field: Field) -> Result<String, Problem> {
    let value = field.value()?;
    refuse_white_space(&value)?;
    Ok(value)
}

fn driver_option(field: Field) -> Result<(String, String), Problem> {
    if !field.value.as_ref().is_some_and(|value| value.contains('=')) {
        return Err(Problem::new("its `driver-opt` is not a name and a value")
            .hint("write it as `driver-opt=name=value`"));
    }
    let (name, value) = field.pair()?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn address<T: std::str::FromStr>(field: Field, noun: &str, example: &str) -> Result<T, Problem> {
    let key = field.key.clone();
    let text = field.value()?;
    text.parse().map_err(|_| {
        Problem::new(format!("its `{key}` is `{text}`, which is not {noun}"))
            .hint(format!("write an address, such as `{key}={example}`"))
    })
}

fn mac_address(field: Field) -> Result<String, Problem> {
    let text = field.value()?;
    let is_byte = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_mac = |mark: char| text.split(mark).count() == 6 && text.split(mark).all(is_byte);
    if is_mac(':') || is_mac('-') {
        return Ok(text);
    }
    Err(Problem::new(format!("its `mac-address` is `{text}`, which is not a MAC address"))
        .hint("write six bytes, such as `mac-address=02:42:ac:11:00:02`"))
}

fn unknown_key(key: &str) -> Problem {
    let problem = Problem::new(format!("`{key}` is not a key of a network"));
    let meant = match key {
        "aliases" | "network-alias" => Some("alias"),
        "network" => Some("name"),
        "ipv4" => Some("ip"),
        "ipv6" => Some("ip6"),
        "mac" => Some("mac-address"),
        _ => nearest(key, KEYS.iter().copied()),
    };
    match meant {
        Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
        None => problem.hint(
            "the keys are `name`, `alias`, `ip`, `ip6`, `mac-address`, \
             `link-local-ip`, `driver-opt` and `gw-priority`",
        ),
    }
}

fn check_name(attachment: &NetworkAttachment) -> Result<(), Problem> {
    let name = attachment.name();
    refuse_white_space(name)?;
    if attachment.container() == Some("") {
        return Err(Problem::new("it does not say which container")
            .hint("write the name or id of one: `container:name`"));
    }
    let is_own =
        !matches!(name, "host" | "none" | "bridge" | "default") && attachment.container().is_none();
    if is_own {
        return Ok(());
    }
    let asked = [
        (!attachment.aliases.is_empty(), "alias"),
        (attachment.ipv4.is_some(), "ip"),
        (attachment.ipv6.is_some(), "ip6"),
    ];
    match asked.into_iter().find(|(is_asked, _)| *is_asked) {
        Some((_, key)) => {
            Err(Problem::new(format!("`{name}` cannot give the container an `{key}`"))
                .hint("name a network that was created, or leave it away"))
        }
        None => Ok(()),
    }
}
