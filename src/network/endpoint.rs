//! How a container is connected to a network: the flags of `docker network connect`. No I/O.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};
use serde_json::{json, Map, Value};

use crate::error::{Problems, Result};

/// How a container is connected to a network, in the words of `docker network connect`.
///
/// # Examples
///
/// ```no_run
/// use longshore::{Container, Endpoint, NetworkRequest};
///
/// # async fn example(web: Container) -> longshore::Result<()> {
/// let network = NetworkRequest::new().subnet("10.5.0.0/24").create().await?;
/// network.connect_with(&web, Endpoint::new().alias("shop").ip("10.5.0.80")).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[must_use = "an endpoint does nothing until a container is connected with it"]
pub struct Endpoint {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip6: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    link_local_ips: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    links: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    driver_opts: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gw_priority: Option<i64>,
}

impl Endpoint {
    /// As the engine chooses.
    pub fn new() -> Self {
        Endpoint::default()
    }

    /// A name under which the containers on the network find it (`--alias`); any number.
    pub fn alias(mut self, alias: impl Into<String>) -> Self {
        self.aliases.push(alias.into());
        self
    }

    /// A fixed address of IPv4, as text or a [`std::net::IpAddr`] (`--ip`). The network needs a subnet that was chosen.
    pub fn ip(mut self, address: impl ToString) -> Self {
        self.ip = Some(address.to_string());
        self
    }

    /// A fixed address of IPv6 (`--ip6`). The network needs a subnet that was chosen.
    pub fn ip6(mut self, address: impl ToString) -> Self {
        self.ip6 = Some(address.to_string());
        self
    }

    /// A link-local address beside the others: `"169.254.34.68"` (`--link-local-ip`); any number.
    pub fn link_local_ip(mut self, address: impl ToString) -> Self {
        self.link_local_ips.push(address.to_string());
        self
    }

    /// Another container on the network, by a name that only this one knows: `"container:name"` (`--link`).
    pub fn link(mut self, link: impl Into<String>) -> Self {
        self.links.push(link.into());
        self
    }

    /// An option of the network's driver (`--driver-opt`).
    pub fn driver_opt(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.driver_opts.insert(name.into(), value.into());
        self
    }

    /// Of all networks that a container is on, the one with the highest number is its way out (`--gw-priority`); 0 if
    /// nothing is said. Docker takes it since version 28.
    pub fn gw_priority(mut self, priority: i64) -> Self {
        self.gw_priority = Some(priority);
        self
    }

    pub(super) fn has_gw_priority(&self) -> bool {
        self.gw_priority.is_some()
    }

    /// Whether an address is fixed.
    pub(super) fn has_address(&self) -> bool {
        self.ip.is_some() || self.ip6.is_some()
    }

    /// Looks for what cannot work.
    pub(super) fn check(&self) -> Result<()> {
        let mut problems = Problems::default();
        let hint = "write it as `10.5.0.80`, `fd00:5::80`";
        if let Some(ip) = self.ip.as_ref().filter(|ip| ip.parse::<Ipv4Addr>().is_err()) {
            problems.add(format!("`{ip}` is not an address of IPv4"), hint);
        }
        if let Some(ip) = self.ip6.as_ref().filter(|ip| ip.parse::<Ipv6Addr>().is_err()) {
            problems.add(format!("`{ip}` is not an address of IPv6"), hint);
        }
        for ip in self.link_local_ips.iter().filter(|ip| ip.parse::<IpAddr>().is_err()) {
            problems.add(format!("`{ip}` is not an IP address"), hint);
        }
        for alias in self.aliases.iter().filter(|alias| {
            alias.is_empty() || alias.contains(|c: char| c.is_whitespace() || c.is_control())
        }) {
            problems.add(
                format!("`{alias}` is not a name that can be looked up"),
                "an alias is one word: `database`",
            );
        }
        for link in &self.links {
            let (container, alias) = link.split_once(':').unwrap_or((link, link));
            if container.is_empty() || alias.is_empty() {
                problems.add(
                    format!("`{link}` does not link to a container"),
                    "write `container:name`, or the container alone",
                );
            }
        }
        problems.into_result()
    }

    /// `EndpointConfig` of `POST /networks/{id}/connect`.
    pub(super) fn config(&self) -> Value {
        let mut config = Map::new();
        let mut set = |key: &str, is_set: bool, value: Value| {
            if is_set {
                config.insert(key.to_owned(), value);
            }
        };
        set("Aliases", !self.aliases.is_empty(), json!(self.aliases));
        set("Links", !self.links.is_empty(), json!(self.links));
        set("GwPriority", self.gw_priority.is_some(), json!(self.gw_priority));
        set("DriverOpts", !self.driver_opts.is_empty(), json!(self.driver_opts));
        let mut ipam = Map::new();
        if let Some(ip) = &self.ip {
            ipam.insert("IPv4Address".into(), ip.as_str().into());
        }
        if let Some(ip) = &self.ip6 {
            ipam.insert("IPv6Address".into(), ip.as_str().into());
        }
        if !self.link_local_ips.is_empty() {
            ipam.insert("LinkLocalIPs".into(), json!(self.link_local_ips));
        }
        set("IPAMConfig", !ipam.is_empty(), ipam.into());
        config.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_is_said_in_the_api() {
        let endpoint = Endpoint::new()
            .alias("db")
            .ip("10.5.0.2")
            .ip6("fd00:5::2".parse::<IpAddr>().unwrap())
            .link_local_ip("169.254.34.68")
            .link("web:shop")
            .driver_opt("a", "b")
            .gw_priority(-1);
        endpoint.check().unwrap();
        assert_eq!(
            endpoint.config(),
            json!({
                "Aliases": ["db"], "Links": ["web:shop"], "DriverOpts": { "a": "b" }, "GwPriority": -1,
                "IPAMConfig": {
                    "IPv4Address": "10.5.0.2", "IPv6Address": "fd00:5::2", "LinkLocalIPs": ["169.254.34.68"],
                },
            })
        );
        assert_eq!(Endpoint::new().config(), json!({}));
    }

    #[test]
    fn what_is_wrong_is_told_at_once() {
        let endpoint = Endpoint::new()
            .alias("my db")
            .ip("10.5.0")
            .ip6("10.5.0.2")
            .link_local_ip("here")
            .link(":shop");
        assert_eq!(
            endpoint.check().unwrap_err().to_string(),
            "5 things are wrong with the request\n  wrong: `10.5.0` is not an address of IPv4 (write it as `10.5.0.80`, \
             `fd00:5::80`)\n    `10.5.0.2` is not an address of IPv6 (write it as `10.5.0.80`, `fd00:5::80`)\n    `here` is \
             not an IP address (write it as `10.5.0.80`, `fd00:5::80`)\n    `my db` is not a name that can be looked up (an \
             alias is one word: `database`)\n    `:shop` does not link to a container (write `container:name`, or the \
             container alone)"
        );
    }
}
