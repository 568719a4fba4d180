//! `docker run --publish`: which port of the host leads to which port of the container.
//!
//! Only the words are read here. Whether a host port is free, and what an engine makes of no
//! address, is the library's business.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    ops::RangeInclusive,
};

use crate::{
    error::{refuse_white_space, Problem, SyntaxError},
    port::{container_range, port_range, ContainerPort, Protocol},
};

const GRAMMAR: &str =
    "write `[[address:][host-port]:]container-port[/protocol]`, such as `8080:80`";

/// The port of the host that a container port is published on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HostPort {
    /// A free port of the engine's choice.
    Random,
    /// This port, from 1 to 65535.
    Fixed(u16),
    /// One free port out of these, of the engine's choice.
    Range {
        /// The lowest port, at least 1.
        first: u16,
        /// The highest port, greater than `first`.
        last: u16,
    },
}

/// One published port: a container port, and where on the host it is to be found.
///
/// Displayed as the shortest `docker run --publish` word that gives it: `8080:80`,
/// `[::1]::53/udp`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PortMapping {
    host_address: Option<IpAddr>,
    host_port: HostPort,
    container_port: ContainerPort,
}

impl PortMapping {
    /// The host's address, or `None` where the word has none and the engine decides.
    pub const fn host_address(&self) -> Option<IpAddr> {
        self.host_address
    }

    /// The host's port.
    pub const fn host_port(&self) -> HostPort {
        self.host_port
    }

    /// The container's port.
    pub const fn container_port(&self) -> ContainerPort {
        self.container_port
    }
}

impl From<ContainerPort> for PortMapping {
    /// The port published on a random port of the host, as `--publish 80` does.
    fn from(container_port: ContainerPort) -> Self {
        Self { host_address: None, host_port: HostPort::Random, container_port }
    }
}

impl fmt::Display for PortMapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host_address {
            Some(IpAddr::V4(address)) => write!(f, "{address}:")?,
            Some(IpAddr::V6(address)) => write!(f, "[{address}]:")?,
            None => {}
        }
        match (self.host_port, self.host_address) {
            (HostPort::Fixed(port), _) => write!(f, "{port}:")?,
            (HostPort::Range { first, last }, _) => write!(f, "{first}-{last}:")?,
            (HostPort::Random, Some(_)) => f.write_str(":")?,
            (HostPort::Random, None) => {}
        }
        write!(f, "{}", self.container_port.port())?;
        match self.container_port.protocol() {
            Protocol::Tcp => Ok(()),
            protocol => write!(f, "/{protocol}"),
        }
    }
}

/// Reads a word of `docker run --publish`,
/// `[[address:][host-port]:]container-port[/protocol]`.
///
/// | word                        | published                                               |
/// |-----------------------------|---------------------------------------------------------|
/// | `5000`, `:5000`, `0:5000`   | on a random port                                        |
/// | `8080:80/udp`               | on that port, with UDP                                  |
/// | `127.0.0.1:8080:80`         | on that port of that address                            |
/// | `[::1]::80`                 | on a random port of that address                        |
/// | `8000-9000:5000`            | on a free port out of the range, as one mapping         |
/// | `8000-8009:5000-5009`       | ten mappings, each on its own port                      |
/// | `5000-5009`                 | ten mappings, each on a random port                     |
/// | `published=8080,target=80`  | on that port; `protocol=udp` may follow                 |
///
/// Stricter than Docker: an IPv6 address has to be in brackets, a `/` has to be followed by a
/// protocol, and neither the container port nor the start of a range can be 0.
///
/// # Errors
///
/// When the text is not so written, when a range runs backwards, and when two ranges differ in
/// length. Host names are an error, as they are for Docker.
///
/// # Examples
///
/// ```
/// use longshore_syntax::{parse_publish, HostPort};
///
/// let mappings = parse_publish("127.0.0.1:8000-8001:80-81")?;
/// assert_eq!(mappings.len(), 2);
/// assert_eq!(mappings[1].host_port(), HostPort::Fixed(8001));
/// assert_eq!(mappings[1].container_port().port(), 81);
/// assert_eq!(mappings[1].to_string(), "127.0.0.1:8001:81");
/// # Ok::<(), longshore_syntax::SyntaxError>(())
/// ```
pub fn parse_publish(text: &str) -> Result<Vec<PortMapping>, SyntaxError> {
    publish(text).map_err(|problem| problem.within(text, "a port mapping"))
}

fn publish(text: &str) -> Result<Vec<PortMapping>, Problem> {
    if text.is_empty() {
        return Err(Problem::new("it is empty").hint(GRAMMAR));
    }
    refuse_white_space(text)?;
    if text.contains('=') {
        return publish(&short_form(text)?);
    }
    let parts = split(text)?;
    let host_address = parts.address.map(address).transpose()?;
    if parts.host.parse::<Ipv4Addr>().is_ok() {
        let (address, container) = (parts.host, parts.container);
        return Err(Problem::new(format!("the address `{address}` has no host port"))
            .hint(format!("for a random host port write `{address}::{container}`")));
    }
    if let Some((ports, protocol)) = parts.host.split_once('/') {
        return Err(Problem::new("the protocol stands at the host port")
            .hint(format!("a protocol goes last: `{ports}:{}/{protocol}`", parts.container)));
    }
    let (container, protocol) = container_range(parts.container)?;
    let host_ports = host_ports(parts.host, &container)?;
    Ok(host_ports
        .zip(container)
        .map(|(host_port, port)| PortMapping {
            host_address,
            host_port,
            container_port: ContainerPort::new(port, protocol),
        })
        .collect())
}

/// `published=8080,target=80,protocol=udp` in the usual form.
fn short_form(text: &str) -> Result<String, Problem> {
    let (mut published, mut target, mut protocol) = ("", "", "");
    for field in text.split(',') {
        let (key, value) = field.split_once('=').unwrap_or((field, ""));
        match key.to_ascii_lowercase().as_str() {
            "published" => published = value,
            "target" => target = value,
            "protocol" => protocol = value,
            _ => {
                return Err(Problem::new(format!("`{key}` is not a field of it"))
                    .hint("the fields are `published`, `target` and `protocol`"))
            }
        }
    }
    if target.is_empty() || [published, target, protocol].iter().any(|value| value.contains('=')) {
        return Err(
            Problem::new("it has no target").hint("write `published=8080,target=80`, or `8080:80`")
        );
    }
    let colon = if published.is_empty() { "" } else { ":" };
    let slash = if protocol.is_empty() { "" } else { "/" };
    Ok(format!("{published}{colon}{target}{slash}{protocol}"))
}

/// The word taken apart at its colons. An empty `host` is a random port.
struct Parts<'a> {
    address: Option<&'a str>,
    host: &'a str,
    container: &'a str,
}

fn split(text: &str) -> Result<Parts<'_>, Problem> {
    let (address, ports) = match text.strip_prefix('[') {
        None => (None, text),
        Some(rest) => {
            let Some((address, rest)) = rest.split_once(']') else {
                return Err(Problem::new("its `[` is not closed")
                    .hint("write an IPv6 address as `[::1]:8080:80`"));
            };
            let Some(ports) = rest.strip_prefix(':') else {
                return Err(Problem::new(format!("there is no `:` after `[{address}]`"))
                    .hint(format!("write a `:`, as in `[{address}]:8080:80`")));
            };
            if !ports.contains(':') {
                return Err(Problem::new(format!("`[{address}]` has no host port"))
                    .hint(format!("for a random host port write `[{address}]::{ports}`")));
            }
            (Some(address), ports)
        }
    };
    let fields: Vec<&str> = ports.splitn(4, ':').collect();
    match (address, &*fields) {
        (_, &[host, container]) => Ok(Parts { address, host, container }),
        (None, &[container]) => Ok(Parts { address, host: "", container }),
        (None, &[address, host, container]) => Ok(Parts {
            address: Some(address).filter(|address| !address.is_empty()),
            host,
            container,
        }),
        _ => Err(too_many_colons(text)),
    }
}

fn too_many_colons(text: &str) -> Problem {
    // Docker splits off two ports and takes the rest for an address; so would the user.
    let mut fields = text.rsplitn(3, ':');
    let (container, host, address) = (fields.next(), fields.next(), fields.next());
    if let (Some(container), Some(host), Some(address)) = (container, host, address) {
        if address.parse::<Ipv6Addr>().is_ok() {
            return Problem::new("its IPv6 address is not in brackets")
                .hint(format!("write `[{address}]:{host}:{container}`"));
        }
    }
    Problem::new("too many `:`").hint(GRAMMAR)
}

fn address(text: &str) -> Result<IpAddr, Problem> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    Err(if text.eq_ignore_ascii_case("localhost") {
        Problem::new("`localhost` is a name, not an IP address").hint("write `127.0.0.1`")
    } else {
        Problem::new(format!("`{text}` is not an IP address"))
            .hint("write the address of an interface, such as `127.0.0.1` or `[::1]`")
    })
}

/// The host ports for the container ports, as many as there are of those.
fn host_ports(
    text: &str,
    container: &RangeInclusive<u16>,
) -> Result<Box<dyn Iterator<Item = HostPort>>, Problem> {
    if text.is_empty() {
        return Ok(Box::new(std::iter::repeat(HostPort::Random)));
    }
    let host = port_range(text, "host port")?;
    let (first, last) = (*host.start(), *host.end());
    match (host.len(), container.len()) {
        (1, 1) if first == 0 => Ok(Box::new(std::iter::once(HostPort::Random))),
        _ if first == 0 => Err(Problem::new("host ports cannot be counted up from 0")
            .hint("for random host ports write the container ports alone")),
        (1, 1) => Ok(Box::new(std::iter::once(HostPort::Fixed(first)))),
        (_, 1) => Ok(Box::new(std::iter::once(HostPort::Range { first, last }))),
        (hosts, containers) if hosts == containers => Ok(Box::new(host.map(HostPort::Fixed))),
        (hosts, containers) => Err(Problem::new(format!(
            "{hosts} host port{} cannot be paired with {containers} container ports",
            if hosts == 1 { "" } else { "s" }
        ))
        .hint("give both ranges the same length, or leave the host ports away")),
    }
}
