//! How a container is reached, and what it reaches.

use crate::request::{ContainerRequest, PortWord};

impl ContainerRequest {
    /// Publishes a port, as `docker run --publish`: `5432` or `"5432"` (a random host port), `"8080:80"`,
    /// `"8000-9000:80"` (a free one of these), `"8000-8009:5000-5009"`, `"127.0.0.1:8080:80"`, `"[::1]:8080:80"`,
    /// each with `/udp` or `/sctp` behind it if need be.
    ///
    /// A mapping that names no address is published on 127.0.0.1 only, unlike Docker's: a test's database is not
    /// for the office network. (On all addresses where the engine is remote or the test runs in a container.)
    pub fn publish(mut self, ports: impl Into<PortWord>) -> Self {
        self.words.push("publish", ports.into());
        self
    }

    /// Publishes every port that the image or the request exposes, each on a random host port (`--publish-all`).
    pub fn publish_all(mut self) -> Self {
        self.words.switch("publish-all", true);
        self
    }

    /// Exposes a port: `"80"`, `"53/udp"`, `"5000-5005"` (`--expose`). That says that something listens there; to reach it
    /// from the test, [`publish`](Self::publish) it, or [`publish_all`](Self::publish_all).
    pub fn expose(mut self, ports: impl Into<PortWord>) -> Self {
        self.words.push("expose", ports.into());
        self
    }

    /// A network that it is on (`--network`): a network's name, `"bridge"`, `"host"`, `"none"` or `"container:ID"`, or in
    /// Docker's long form `"name=backend,alias=db,ip=10.5.0.7"`. Said several times, it is on all of them.
    pub fn network(mut self, network: impl Into<String>) -> Self {
        self.words.push("network", network);
        self
    }

    /// A name under which the containers on its network find it (`--network-alias`); needs a network of your own, and is
    /// for the first one.
    pub fn network_alias(mut self, alias: impl Into<String>) -> Self {
        self.words.push("network-alias", alias);
        self
    }

    /// Its IPv4 address on its first network, such as `"172.30.100.104"` (`--ip`); needs a network of your own with a subnet.
    pub fn ip(mut self, address: impl Into<String>) -> Self {
        self.words.set("ip", address);
        self
    }

    /// Its IPv6 address on its first network (`--ip6`).
    pub fn ip6(mut self, address: impl Into<String>) -> Self {
        self.words.set("ip6", address);
        self
    }

    /// A link-local address of it on its first network (`--link-local-ip`).
    pub fn link_local_ip(mut self, address: impl Into<String>) -> Self {
        self.words.push("link-local-ip", address);
        self
    }

    /// Its MAC address, such as `"92:d0:c6:0a:29:33"` (`--mac-address`).
    pub fn mac_address(mut self, address: impl Into<String>) -> Self {
        self.words.set("mac-address", address);
        self
    }

    /// Another container that it finds by name: `"db"`, `"db:database"` (`--link`).
    pub fn link(mut self, container: impl Into<String>) -> Self {
        self.words.push("link", container);
        self
    }

    /// Its host name (`--hostname`).
    pub fn hostname(mut self, name: impl Into<String>) -> Self {
        self.words.set("hostname", name);
        self
    }

    /// Its NIS domain name (`--domainname`).
    pub fn domainname(mut self, name: impl Into<String>) -> Self {
        self.words.set("domainname", name);
        self
    }

    /// A line for `/etc/hosts`: `"name:10.0.0.1"` or `"name:host-gateway"` (`--add-host`).
    pub fn add_host(mut self, line: impl Into<String>) -> Self {
        self.words.push("add-host", line);
        self
    }

    /// A DNS server that it asks (`--dns`).
    pub fn dns(mut self, server: impl Into<String>) -> Self {
        self.words.push("dns", server);
        self
    }

    /// An option for `/etc/resolv.conf`, such as `"ndots:2"` (`--dns-option`).
    pub fn dns_option(mut self, option: impl Into<String>) -> Self {
        self.words.push("dns-option", option);
        self
    }

    /// A domain in which it looks up short names (`--dns-search`).
    pub fn dns_search(mut self, domain: impl Into<String>) -> Self {
        self.words.push("dns-search", domain);
        self
    }
}
