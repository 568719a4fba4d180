//! Under which host addresses a container's ports are reached, read from what the engine said. No I/O.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};

use longshore_syntax::{ContainerPort, PortMapping, SyntaxError};
use serde_json::Value;

use super::host::Host;
use crate::error::{Error, Kind, Result};

/// A host and a port that a client can connect to; displays as `127.0.0.1:8123` or `[::1]:8123`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    host: String,
    port: u16,
    text: String,
}

impl Address {
    pub(crate) fn new(host: impl Into<String>, port: u16) -> Self {
        let host = host.into();
        let text =
            if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        Address { host, port, text }
    }

    /// The host: an IP address without brackets, or a remote engine's host name.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port on the host.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// `host:port`, as any `connect` takes it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The address with its host name resolved.
    ///
    /// # Errors
    ///
    /// When a remote engine's host name does not resolve.
    pub fn socket_addr(&self) -> io::Result<SocketAddr> {
        self.to_socket_addrs()?.next().ok_or_else(|| {
            io::Error::new(io::ErrorKind::NotFound, format!("`{}` has no address", self.host))
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl AsRef<str> for Address {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl From<Address> for String {
    fn from(address: Address) -> String {
        address.text
    }
}

impl ToSocketAddrs for Address {
    type Iter = std::vec::IntoIter<SocketAddr>;

    fn to_socket_addrs(&self) -> io::Result<Self::Iter> {
        (self.host.as_str(), self.port).to_socket_addrs()
    }
}

/// How a container's port is named: `5432`, `"5432"`, `"53/udp"` or a [`ContainerPort`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not name a container's port",
    note = "write a number such as `5432`, or text such as \"53/udp\""
)]
pub trait ContainerPortSpec: sealed::Sealed {
    #[doc(hidden)]
    fn container_port(&self) -> Result<ContainerPort, SyntaxError>;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for u16 {}
    impl Sealed for &str {}
    impl Sealed for String {}
    impl Sealed for longshore_syntax::ContainerPort {}
}

impl ContainerPortSpec for u16 {
    fn container_port(&self) -> Result<ContainerPort, SyntaxError> {
        ContainerPort::parse(&self.to_string())
    }
}

impl ContainerPortSpec for &str {
    fn container_port(&self) -> Result<ContainerPort, SyntaxError> {
        ContainerPort::parse(self)
    }
}

impl ContainerPortSpec for String {
    fn container_port(&self) -> Result<ContainerPort, SyntaxError> {
        ContainerPort::parse(self)
    }
}

impl ContainerPortSpec for ContainerPort {
    fn container_port(&self) -> Result<ContainerPort, SyntaxError> {
        Ok(*self)
    }
}

/// A container's port and where it is reached, as a line of `docker port`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PublishedPort {
    container: ContainerPort,
    addresses: Vec<Address>,
}

impl PublishedPort {
    pub(crate) fn new(container: ContainerPort, addresses: Vec<Address>) -> Self {
        PublishedPort { container, addresses }
    }

    /// The port in the container.
    pub fn container_port(&self) -> ContainerPort {
        self.container
    }

    /// Where it is reached, IPv4 before IPv6; empty for one that is exposed and not published.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }
}

impl fmt::Display for PublishedPort {
    /// As `docker port`: `80/tcp -> 127.0.0.1:8080`, several addresses with commas between them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.container)?;
        let addresses: Vec<_> = self.addresses.iter().map(Address::as_str).collect();
        match addresses.is_empty() {
            true => Ok(()),
            false => write!(f, " -> {}", addresses.join(", ")),
        }
    }
}

/// The published ports of one container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ports {
    host_network: bool,
    published: Vec<Published>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Published {
    container: ContainerPort,
    /// IPv4 and "any" before IPv6: that is the order in which addresses are given.
    is_v6: bool,
    host_ip: String,
    host_port: u16,
}

impl Ports {
    /// Of a container that was not started yet.
    pub(crate) fn none() -> Self {
        Ports { host_network: false, published: Vec::new() }
    }

    /// From the answer of `GET /containers/{id}/json`.
    pub(crate) fn from_inspect(inspect: &Value) -> Self {
        let mut published = Vec::new();
        for (container, bindings) in
            inspect["NetworkSettings"]["Ports"].as_object().into_iter().flatten()
        {
            let Ok(container) = ContainerPort::parse(container) else { continue };
            for binding in bindings.as_array().into_iter().flatten() {
                let host_ip = binding["HostIp"].as_str().unwrap_or_default().to_owned();
                let Some(host_port) =
                    binding["HostPort"].as_str().and_then(|port| port.parse().ok())
                else {
                    continue;
                };
                let is_v6 = host_ip.contains(':');
                published.push(Published { container, is_v6, host_ip, host_port });
            }
        }
        published.sort();
        Ports { host_network: inspect["HostConfig"]["NetworkMode"] == "host", published }
    }

    /// From the `Ports` of one line of `GET /containers/json`, which also has those that are only exposed.
    pub(crate) fn of_list(ports: &Value, host: &Host) -> Vec<PublishedPort> {
        let mut exposed = Vec::new();
        let mut published = Vec::new();
        for port in ports.as_array().into_iter().flatten() {
            let number = |key: &str| port[key].as_u64().and_then(|port| u16::try_from(port).ok());
            let protocol = port["Type"].as_str().unwrap_or("tcp");
            let container = number("PrivatePort").map(|port| format!("{port}/{protocol}"));
            let Some(Ok(container)) = container.map(|port| ContainerPort::parse(&port)) else {
                continue;
            };
            match number("PublicPort") {
                None => exposed.push(container),
                Some(host_port) => {
                    let host_ip = port["IP"].as_str().unwrap_or_default().to_owned();
                    let is_v6 = host_ip.contains(':');
                    published.push(Published { container, is_v6, host_ip, host_port });
                }
            }
        }
        published.sort();
        let mut all = Ports { host_network: false, published }.all(host);
        exposed.retain(|port| all.iter().all(|published| published.container != *port));
        all.extend(exposed.into_iter().map(|port| PublishedPort::new(port, Vec::new())));
        all.sort_by_key(|port| port.container);
        all.dedup();
        all
    }

    /// Every published port with its addresses, in the order of the container's ports.
    pub(crate) fn all(&self, host: &Host) -> Vec<PublishedPort> {
        let addresses = |port| PublishedPort::new(port, self.reached(port, host));
        self.container_ports().into_iter().map(addresses).collect()
    }

    fn reached(&self, port: ContainerPort, host: &Host) -> Vec<Address> {
        let mut addresses: Vec<Address> = Vec::new();
        for published in self.published.iter().filter(|published| published.container == port) {
            let address = Address::new(published.reached_by(host), published.host_port);
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        addresses
    }

    /// Every address of `port`, IPv4 first, in the order of the host's port numbers.
    pub(crate) fn addresses(&self, port: ContainerPort, host: &Host) -> Result<Vec<Address>> {
        if self.host_network {
            return Ok(vec![Address::new(host.address(), port.port())]);
        }
        let addresses = self.reached(port, host);
        if addresses.is_empty() {
            let have =
                self.container_ports().iter().map(|port| format!("`{port}`")).collect::<Vec<_>>();
            let have = if have.is_empty() { "none".into() } else { have.join(", ") };
            return Err(Error::new(
                Kind::NotPublished,
                format!("port `{port}` of the container is not published"),
            )
            .fact("published", have)
            .hint(format!(
                "publish it when the container is declared: `.publish(\"{}\")`",
                PortMapping::from(port)
            )));
        }
        Ok(addresses)
    }

    /// The container ports that are published, each once.
    pub(crate) fn container_ports(&self) -> Vec<ContainerPort> {
        let mut ports: Vec<_> =
            self.published.iter().map(|published| published.container).collect();
        ports.dedup();
        ports
    }
}

impl Published {
    /// "Any address" becomes the one under which the engine's machine is reached.
    fn reached_by(&self, host: &Host) -> String {
        let unspecified = self.host_ip.is_empty()
            || self.host_ip.parse::<IpAddr>().is_ok_and(|address| address.is_unspecified());
        match () {
            () if !unspecified => self.host_ip.clone(),
            () if self.is_v6 && host.address() == "127.0.0.1" => "::1".into(),
            () => host.address().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ports(bindings: Value) -> Ports {
        Ports::from_inspect(&json!({ "NetworkSettings": { "Ports": bindings }, "HostConfig": {} }))
    }

    fn check(bindings: Value, host: &Host, port: &str, expected: &[&str]) {
        let port = ContainerPort::parse(port).unwrap();
        let found = ports(bindings).addresses(port, host).unwrap();
        assert_eq!(found.iter().map(Address::as_str).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn every_binding_of_a_port_counts_ipv4_first() {
        let local = Host::local();
        let two = json!({ "80/tcp": [
            { "HostIp": "::1", "HostPort": "9001" }, { "HostIp": "127.0.0.1", "HostPort": "9002" },
            { "HostIp": "127.0.0.1", "HostPort": "9000" } ], "80/udp": null });
        check(two, &local, "80", &["127.0.0.1:9000", "127.0.0.1:9002", "[::1]:9001"]);
    }

    #[test]
    fn any_address_becomes_the_one_that_is_reached() {
        let remote = Host::remote("10.0.0.7");
        for ip in ["0.0.0.0", "", "::"] {
            check(
                json!({ "53/udp": [{ "HostIp": ip, "HostPort": "53" }] }),
                &remote,
                "53/udp",
                &["10.0.0.7:53"],
            );
        }
        check(
            json!({ "80/tcp": [{ "HostIp": "", "HostPort": "8080" }] }),
            &Host::local(),
            "80",
            &["127.0.0.1:8080"],
        );
        let both = json!({ "80/tcp": [{ "HostIp": "0.0.0.0", "HostPort": "1" }, { "HostIp": "::", "HostPort": "2" }] });
        check(both, &Host::local(), "80", &["127.0.0.1:1", "[::1]:2"]);
    }

    #[test]
    fn all_ports_are_told_as_docker_port_does() {
        let some = json!({ "80/tcp": [{ "HostIp": "0.0.0.0", "HostPort": "1" }, { "HostIp": "::", "HostPort": "1" }],
            "53/udp": [{ "HostIp": "127.0.0.1", "HostPort": "2" }], "90/tcp": null });
        let told: Vec<_> =
            ports(some).all(&Host::local()).iter().map(ToString::to_string).collect();
        assert_eq!(told, ["53/udp -> 127.0.0.1:2", "80/tcp -> 127.0.0.1:1, [::1]:1"]);
    }

    #[test]
    fn a_line_of_a_list_also_has_what_is_only_exposed() {
        let line = json!([
            { "PrivatePort": 90, "Type": "tcp" },
            { "IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp" },
            { "IP": "::", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp" },
        ]);
        let told: Vec<_> =
            Ports::of_list(&line, &Host::local()).iter().map(ToString::to_string).collect();
        assert_eq!(told, ["80/tcp -> 127.0.0.1:8080, [::1]:8080", "90/tcp"]);
    }

    #[test]
    fn a_port_that_is_not_published_is_an_error_that_says_which_are() {
        let some = ports(json!({ "80/tcp": [{ "HostIp": "", "HostPort": "1" }], "90/tcp": null }));
        let error =
            some.addresses(ContainerPort::parse("90/udp").unwrap(), &Host::local()).unwrap_err();
        assert!(error.is_not_published());
        assert_eq!(
            error.to_string(),
            "port `90/udp` of the container is not published\n  published: `80/tcp`\n  hint: publish it when the \
             container is declared: `.publish(\"90/udp\")`"
        );
    }

    #[test]
    fn on_the_hosts_network_a_port_is_itself() {
        let host = Ports::from_inspect(&json!({ "HostConfig": { "NetworkMode": "host" } }));
        let found = host.addresses(ContainerPort::from(80), &Host::local()).unwrap();
        assert_eq!(found[0].as_str(), "127.0.0.1:80");
    }
}
