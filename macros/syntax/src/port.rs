//! Ports of the container: the protocol, the port, and `--expose`.
//!
//! Nothing here knows about ports of the host; that is `publish.rs`.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use crate::error::{refuse_white_space, Problem, SyntaxError};

const PROTOCOLS: &str = "the protocols are `tcp`, `udp` and `sctp`";

/// The transport protocol of a port.
///
/// # Examples
///
/// ```
/// use longshore_syntax::Protocol;
///
/// assert_eq!("UDP".parse::<Protocol>()?, Protocol::Udp);
/// assert_eq!(Protocol::default().as_str(), "tcp");
/// # Ok::<(), longshore_syntax::SyntaxError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
#[non_exhaustive]
pub enum Protocol {
    /// The one that is meant where none is written.
    #[default]
    Tcp,
    /// Datagrams.
    Udp,
    /// The Stream Control Transmission Protocol.
    Sctp,
}

impl Protocol {
    /// `tcp`, `udp` or `sctp`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }

    fn read(text: &str) -> Option<Self> {
        [Self::Tcp, Self::Udp, Self::Sctp]
            .into_iter()
            .find(|protocol| text.eq_ignore_ascii_case(protocol.as_str()))
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Protocol {
    type Err = SyntaxError;

    /// Reads `tcp`, `udp` or `sctp`, in either case as Docker does.
    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        Self::read(text).ok_or_else(|| {
            Problem::new("no port has it").hint(PROTOCOLS).within(text, "a protocol")
        })
    }
}

/// A port inside the container, with its protocol. Displayed as `5000/tcp`, the way
/// `docker port` and the image configuration write it.
///
/// # Examples
///
/// ```
/// use longshore_syntax::{ContainerPort, Protocol};
///
/// let dns = ContainerPort::parse("53/udp")?;
/// assert_eq!(dns, ContainerPort::new(53, Protocol::Udp));
/// assert_eq!(ContainerPort::from(5000).to_string(), "5000/tcp");
/// # Ok::<(), longshore_syntax::SyntaxError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ContainerPort {
    port: u16,
    protocol: Protocol,
}

impl ContainerPort {
    /// The given port. 0 is not checked for here, though nothing can listen on it.
    pub const fn new(port: u16, protocol: Protocol) -> Self {
        Self { port, protocol }
    }

    /// Reads `5000` or `5000/udp`.
    ///
    /// # Errors
    ///
    /// When the text is not so written, and when it is a range or port 0.
    ///
    /// # Examples
    ///
    /// ```
    /// use longshore_syntax::ContainerPort;
    ///
    /// assert_eq!(ContainerPort::parse("5000")?, ContainerPort::from(5000));
    /// # Ok::<(), longshore_syntax::SyntaxError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        Self::read(text).map_err(|problem| problem.within(text, "a container port"))
    }

    /// The number, 1 to 65535 where it was parsed.
    pub const fn port(self) -> u16 {
        self.port
    }

    /// The protocol.
    pub const fn protocol(self) -> Protocol {
        self.protocol
    }

    fn read(text: &str) -> Result<Self, Problem> {
        refuse_white_space(text)?;
        refuse_host_part(text)?;
        let (range, protocol) = container_range(text)?;
        if range.start() != range.end() {
            return Err(Problem::new("it is a range of ports").hint("name one port"));
        }
        Ok(Self::new(*range.start(), protocol))
    }
}

impl fmt::Display for ContainerPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.port, self.protocol)
    }
}

impl FromStr for ContainerPort {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        Self::parse(text)
    }
}

impl From<u16> for ContainerPort {
    /// The TCP port of that number.
    fn from(port: u16) -> Self {
        Self::new(port, Protocol::Tcp)
    }
}

/// Reads a port or a range of ports as `docker run --expose` takes them: `5000`,
/// `5000-5005/udp`. The ports come in ascending order.
///
/// Stricter than Docker: port 0 and unknown protocols are refused here and not by the engine.
///
/// # Errors
///
/// When the text is not so written, when the range runs backwards, and for port 0.
///
/// # Examples
///
/// ```
/// use longshore_syntax::{parse_expose, ContainerPort};
///
/// assert_eq!(
///     parse_expose("5000-5001")?,
///     [ContainerPort::from(5000), ContainerPort::from(5001)],
/// );
/// # Ok::<(), longshore_syntax::SyntaxError>(())
/// ```
pub fn parse_expose(text: &str) -> Result<Vec<ContainerPort>, SyntaxError> {
    expose(text).map_err(|problem| problem.within(text, "a port to expose"))
}

fn expose(text: &str) -> Result<Vec<ContainerPort>, Problem> {
    refuse_white_space(text)?;
    refuse_host_part(text)?;
    let (range, protocol) = container_range(text)?;
    Ok(range.map(|port| ContainerPort::new(port, protocol)).collect())
}

fn refuse_host_part(text: &str) -> Result<(), Problem> {
    match text.rsplit_once(':') {
        None => Ok(()),
        Some((_, "")) => Err(Problem::new("it holds a `:`")),
        Some((_, container)) => Err(Problem::new("it holds a `:`").hint(format!(
            "write the container port alone, `{container}`; host ports are for `publish`"
        ))),
    }
}

/// Reads `5000`, `5000/udp` or `5000-5009/udp`: the part of a mapping that is the container's.
pub(crate) fn container_range(text: &str) -> Result<(RangeInclusive<u16>, Protocol), Problem> {
    let (ports, protocol) = match text.split_once('/') {
        Some((_, "")) => return Err(Problem::new("the protocol is empty").hint(PROTOCOLS)),
        Some((ports, protocol)) => match Protocol::read(protocol) {
            Some(protocol) => (ports, protocol),
            None => {
                let problem = Problem::new(format!("the protocol `{protocol}` is unknown"));
                return Err(problem.hint(PROTOCOLS));
            }
        },
        None => (text, Protocol::Tcp),
    };
    if ports.is_empty() {
        return Err(Problem::new("the container port is empty")
            .hint("write the port that the container listens on, such as `80`"));
    }
    let range = port_range(ports, "container port")?;
    if *range.start() == 0 {
        return Err(Problem::new("a container port cannot be 0").hint("ports go from 1 to 65535"));
    }
    Ok((range, protocol))
}

/// Reads `5000` or `5000-5009`. `role` is what the errors call such a port.
pub(crate) fn port_range(text: &str, role: &str) -> Result<RangeInclusive<u16>, Problem> {
    let Some((first, last)) = text.split_once('-') else {
        let port = port_number(text, role)?;
        return Ok(port..=port);
    };
    if first.is_empty() || last.is_empty() {
        return Err(Problem::new(format!("`{text}` is half a range"))
            .hint("write both ends, such as `5000-5009`"));
    }
    let (first, last) = (port_number(first, role)?, port_number(last, role)?);
    if first > last {
        return Err(Problem::new(format!("`{text}` runs backwards"))
            .hint(format!("write `{last}-{first}`")));
    }
    Ok(first..=last)
}

fn port_number(text: &str, role: &str) -> Result<u16, Problem> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Problem::new(format!("the {role} `{text}` is not a number"))
            .hint("a port is a number from 1 to 65535"));
    }
    // All digits, so that the only way to fail is to be too large.
    text.parse().map_err(|_| {
        Problem::new(format!("the {role} `{text}` is too large")).hint("ports go from 1 to 65535")
    })
}
