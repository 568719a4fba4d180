//! What the engine says of a network. No I/O.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::Value;

/// What the engine says of a network (`docker network inspect`), at the moment it was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkInspect {
    raw: Value,
}

impl NetworkInspect {
    pub(super) fn new(raw: Value) -> Self {
        NetworkInspect { raw }
    }

    /// Everything, as the engine gave it.
    pub fn raw(&self) -> &Value {
        &self.raw
    }

    fn text(&self, key: &str) -> &str {
        self.raw[key].as_str().unwrap_or_default()
    }

    /// The full id.
    pub fn id(&self) -> &str {
        self.text("Id")
    }

    /// The name.
    pub fn name(&self) -> &str {
        self.text("Name")
    }

    /// The driver, such as `bridge`.
    pub fn driver(&self) -> &str {
        self.text("Driver")
    }

    /// The scope: `local`, `global` or `swarm`.
    pub fn scope(&self) -> &str {
        self.text("Scope")
    }

    /// When it was made, as RFC 3339 writes it.
    pub fn created(&self) -> &str {
        self.text("Created")
    }

    /// Whether there is no way out of it.
    pub fn is_internal(&self) -> bool {
        self.raw["Internal"] == true
    }

    /// Whether containers outside of a swarm's services may join it.
    pub fn is_attachable(&self) -> bool {
        self.raw["Attachable"] == true
    }

    /// Whether its containers have addresses of IPv6.
    pub fn is_ipv6(&self) -> bool {
        self.raw["EnableIPv6"] == true
    }

    /// Its subnets, such as `172.18.0.0/16`.
    pub fn subnets(&self) -> Vec<&str> {
        self.pools("Subnet")
    }

    /// The engine's own addresses on it, as far as the engine tells them.
    pub fn gateways(&self) -> Vec<IpAddr> {
        // Some engines write the length of the prefix behind it.
        self.pools("Gateway").into_iter().filter_map(address).collect()
    }

    fn pools(&self, key: &str) -> Vec<&str> {
        let pools = self.raw["IPAM"]["Config"].as_array();
        pools.into_iter().flatten().filter_map(|pool| pool[key].as_str()).collect()
    }

    /// Its labels, with those that longshore has put there.
    pub fn labels(&self) -> BTreeMap<&str, &str> {
        words(&self.raw["Labels"])
    }

    /// The options of its driver.
    pub fn options(&self) -> BTreeMap<&str, &str> {
        words(&self.raw["Options"])
    }

    /// The containers that are on it and run, in the order of their names. Engines tell this of one network, not in a list.
    pub fn containers(&self) -> Vec<NetworkContainer> {
        let mut containers: Vec<_> = self.raw["Containers"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(id, raw)| NetworkContainer { id: id.clone(), raw: raw.clone() })
            .collect();
        containers.sort_by(|one, other| one.name().cmp(other.name()));
        containers
    }
}

/// A container on a network.
#[derive(Debug, Clone, PartialEq)]
pub struct NetworkContainer {
    id: String,
    raw: Value,
}

impl NetworkContainer {
    /// The container's full id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The container's name.
    pub fn name(&self) -> &str {
        self.raw["Name"].as_str().unwrap_or_default()
    }

    /// Its address of IPv4 on this network.
    pub fn ipv4(&self) -> Option<Ipv4Addr> {
        match address(self.raw["IPv4Address"].as_str()?)? {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        }
    }

    /// Its address of IPv6 on this network.
    pub fn ipv6(&self) -> Option<Ipv6Addr> {
        match address(self.raw["IPv6Address"].as_str()?)? {
            IpAddr::V6(address) => Some(address),
            IpAddr::V4(_) => None,
        }
    }

    /// Its hardware address on this network.
    pub fn mac_address(&self) -> &str {
        self.raw["MacAddress"].as_str().unwrap_or_default()
    }

    /// Everything, as the engine gave it.
    pub fn raw(&self) -> &Value {
        &self.raw
    }
}

/// The address of `10.5.0.2/16`.
fn address(text: &str) -> Option<IpAddr> {
    text.split('/').next()?.parse().ok()
}

fn words(object: &Value) -> BTreeMap<&str, &str> {
    let pairs = object.as_object().into_iter().flatten();
    pairs.filter_map(|(key, value)| Some((key.as_str(), value.as_str()?))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_null_or_absent_is_empty() {
        for raw in
            [json!({}), json!({ "Labels": null, "IPAM": { "Config": null }, "Containers": null })]
        {
            let inspect = NetworkInspect::new(raw);
            assert!(inspect.labels().is_empty() && inspect.containers().is_empty());
            assert!(inspect.subnets().is_empty() && inspect.gateways().is_empty());
            assert_eq!((inspect.name(), inspect.is_internal()), ("", false));
        }
    }

    #[test]
    fn addresses_are_read_with_and_without_a_prefix() {
        let inspect = NetworkInspect::new(json!({
            "IPAM": { "Config": [{ "Subnet": "10.5.0.0/16", "Gateway": "10.5.0.1" }, { "Subnet": "fd00::/64", "Gateway": "fd00::1/64" }] },
            "Containers": {
                "b": { "Name": "web", "IPv4Address": "10.5.0.3/16", "IPv6Address": "" },
                "a": { "Name": "db", "IPv4Address": "10.5.0.2/16", "IPv6Address": "fd00::2/64" },
            },
        }));
        assert_eq!(inspect.subnets(), ["10.5.0.0/16", "fd00::/64"]);
        let gateways: Vec<_> = inspect.gateways().iter().map(ToString::to_string).collect();
        assert_eq!(gateways, ["10.5.0.1", "fd00::1"]);
        let containers = inspect.containers();
        assert_eq!(
            containers.iter().map(NetworkContainer::name).collect::<Vec<_>>(),
            ["db", "web"]
        );
        assert_eq!(containers[0].ipv6(), "fd00::2".parse().ok());
        assert_eq!((containers[1].ipv4(), containers[1].ipv6()), ("10.5.0.3".parse().ok(), None));
    }
}
