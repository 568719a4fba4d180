//! Which networks a container is on, and what it is called there.

use longshore_syntax::{parse_add_host, parse_network};
use serde_json::{json, Map, Value};

use super::{Draft, Place};

/// A network, and what the container is there: the API's `EndpointSettings`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Endpoint {
    pub(crate) network: String,
    pub(crate) settings: Value,
    /// Not in `settings`, since older engines have it elsewhere.
    pub(crate) mac_address: Option<String>,
}

impl Draft<'_> {
    pub(super) fn network(&mut self) {
        self.endpoints();
        if let Some(first) = self.networks.first() {
            let mode = first.network.clone();
            self.put(Place::Host, "NetworkMode", mode.into());
        }
        let mut lines = Vec::new();
        for word in self.words.all("add-host") {
            lines.extend(self.problems.take(parse_add_host(word)).map(|line| line.to_string()));
        }
        if lines.iter().any(|line| line.ends_with(":host-gateway")) {
            self.needs("`host-gateway`", (1, 41));
        }
        if !lines.is_empty() {
            self.put(Place::Host, "ExtraHosts", lines.into());
        }
        self.list(Place::Host, "link", "Links");
        for word in self.words.all("dns").iter().filter(|word| !is_address(word)) {
            self.problems.add(
                format!("`{word}` is not an address for `--dns`"),
                "write the address of a server, such as `1.1.1.1`",
            );
        }
        for word in self.words.all("link").iter().filter(|word| !is_link(word)) {
            self.problems.add(
                format!("`{word}` is not a link to a container"),
                "write a container's name, and perhaps another name for it: `db:database`",
            );
        }
        self.addresses();
        self.conflicts();
    }

    fn endpoints(&mut self) {
        for word in self.words.all("network") {
            let Some(parsed) = self.problems.take(parse_network(word)) else { continue };
            let mut settings = Map::new();
            if !parsed.aliases().is_empty() {
                settings.insert("Aliases".into(), json!(parsed.aliases()));
            }
            let mut ipam = Map::new();
            if let Some(ip) = parsed.ipv4() {
                ipam.insert("IPv4Address".into(), ip.to_string().into());
            }
            if let Some(ip) = parsed.ipv6() {
                ipam.insert("IPv6Address".into(), ip.to_string().into());
            }
            if !parsed.link_local_ips().is_empty() {
                let addresses: Vec<_> =
                    parsed.link_local_ips().iter().map(ToString::to_string).collect();
                ipam.insert("LinkLocalIPs".into(), addresses.into());
            }
            if !ipam.is_empty() {
                settings.insert("IPAMConfig".into(), ipam.into());
            }
            if !parsed.driver_options().is_empty() {
                let options: Map<_, _> = parsed
                    .driver_options()
                    .iter()
                    .map(|(name, value)| (name.clone(), value.clone().into()))
                    .collect();
                settings.insert("DriverOpts".into(), options.into());
            }
            if let Some(priority) = parsed.gateway_priority() {
                settings.insert("GwPriority".into(), priority.into());
                self.needs("`gw-priority`", (1, 48));
            }
            if self.networks.iter().any(|endpoint| endpoint.network == parsed.name()) {
                self.problems.add(
                    format!("the network `{}` is given twice", parsed.name()),
                    "name each network once; for several aliases write `.network_alias(..)` several times",
                );
            }
            if parsed.mac_address().is_some() && !self.networks.is_empty() {
                self.needs("`mac-address` on a second network", (1, 44));
            }
            self.networks.push(Endpoint {
                network: parsed.name().to_owned(),
                settings: settings.into(),
                mac_address: parsed.mac_address().map(str::to_owned),
            });
        }
    }

    /// The options that are for the first network.
    fn addresses(&mut self) {
        let words = self.words;
        let given = ["network-alias", "ip", "ip6", "link-local-ip", "mac-address", "link"];
        let Some(flag) = given.into_iter().find(|flag| !words.all(flag).is_empty()) else { return };
        let network =
            self.networks.first().map_or("default", |endpoint| &endpoint.network).to_owned();
        let needs_own = ["network-alias", "ip", "ip6", "link-local-ip"];
        if let Some(flag) = needs_own.into_iter().find(|flag| !words.all(flag).is_empty()) {
            if !is_own(&network) {
                let (what, hint) = match flag {
                    "network-alias" => {
                        ("a network alias".to_owned(), "name one with `.network(..)`")
                    }
                    flag => (
                        format!("`--{flag}`"),
                        "make one with a subnet, and name it with `.network(..)`",
                    ),
                };
                self.problems.add(format!("{what} needs a network of your own"), hint);
                return;
            }
        }
        for (flag, parse) in
            [("ip", is_v4 as fn(&str) -> bool), ("ip6", is_v6), ("link-local-ip", is_address)]
        {
            for word in words.all(flag).iter().filter(|word| !parse(word)) {
                self.problems.add(
                    format!("`{word}` is not an address for `--{flag}`"),
                    match flag {
                        "ip6" => "write an IPv6 address such as `fd00::7`",
                        _ => "write an IPv4 address such as `10.5.0.7`",
                    },
                );
            }
        }
        if let Some(address) = words.one("mac-address").filter(|word| !is_mac(word)) {
            self.problems.add(
                format!("`{address}` is not a MAC address"),
                "write six pairs of hexadecimal digits: `92:d0:c6:0a:29:33`",
            );
        }
        if self.networks.is_empty() {
            if words.all("mac-address").is_empty() {
                return;
            }
            // As `docker run` does: the engine's default network, by that name.
            self.networks.push(Endpoint { network, settings: json!({}), mac_address: None });
        }
        let first = &mut self.networks[0];
        let is_long = first.settings != json!({}) || first.mac_address.is_some();
        if is_long {
            self.problems.add(
                format!("`--{flag}` and the long form of `--network` cannot both be"),
                "say all of it in the long form: `name=backend,alias=db,ip=10.5.0.7`",
            );
            return;
        }
        if !words.all("network-alias").is_empty() {
            first.settings["Aliases"] = words.all("network-alias").into();
        }
        if is_own(&first.network) && !words.all("link").is_empty() {
            first.settings["Links"] = words.all("link").into();
        }
        for (flag, key) in [("ip", "IPv4Address"), ("ip6", "IPv6Address")] {
            if let Some(address) = words.one(flag) {
                first.settings["IPAMConfig"][key] = address.into();
            }
        }
        if !words.all("link-local-ip").is_empty() {
            first.settings["IPAMConfig"]["LinkLocalIPs"] = words.all("link-local-ip").into();
        }
        first.mac_address = words.one("mac-address").map(str::to_owned);
    }

    /// What an engine would refuse only when everything has been prepared.
    fn conflicts(&mut self) {
        let words = self.words;
        let network = self.networks.first().map_or("", |endpoint| &endpoint.network).to_owned();
        let whose = if network == "host" { "the host" } else { "the other one" };
        let shares = |flag: &str, problems: &mut super::Problems| {
            if !words.all(flag).is_empty() {
                problems.add(
                    format!("`--{flag}` cannot be on the network `{network}`"),
                    format!("the container has what {whose} has: leave it away, or give it a network of its own"),
                );
            }
        };
        if network.starts_with("container:") {
            for flag in ["hostname", "add-host", "dns", "link", "mac-address", "expose"] {
                shares(flag, &mut self.problems);
            }
        }
        if network == "host" {
            shares("link", &mut self.problems);
        }
        if words.one("uts") == Some("host") {
            for flag in ["hostname", "domainname"] {
                if words.one(flag).is_some() {
                    self.problems.add(
                        format!("`--{flag}` and `--uts host` cannot both be"),
                        "the container has the host's name then: leave one of them away",
                    );
                }
            }
        }
        if let (true, Some(other)) = (
            self.networks.len() > 1,
            self.networks.iter().find(|endpoint| !may_be_one_of_many(&endpoint.network)),
        ) {
            self.problems.add(
                format!("a container cannot be on the network `{}` and on others", other.network),
                "leave the others away",
            );
        }
    }
}

/// Whether it is a network that somebody made, on which names and addresses can be chosen.
fn is_own(network: &str) -> bool {
    !matches!(network, "" | "bridge" | "default" | "host" | "none" | "nat")
        && !network.starts_with("container:")
}

fn may_be_one_of_many(network: &str) -> bool {
    !matches!(network, "host" | "none") && !network.starts_with("container:")
}

fn is_v4(word: &str) -> bool {
    word.parse::<std::net::Ipv4Addr>().is_ok()
}

fn is_v6(word: &str) -> bool {
    word.parse::<std::net::Ipv6Addr>().is_ok()
}

/// `name` or `name:alias`.
fn is_link(word: &str) -> bool {
    let parts: Vec<_> = word.split(':').collect();
    parts.len() <= 2 && parts.iter().all(|part| !part.is_empty())
}

fn is_address(word: &str) -> bool {
    word.parse::<std::net::IpAddr>().is_ok()
}

fn is_mac(word: &str) -> bool {
    let pairs: Vec<_> = word.split([':', '-']).collect();
    pairs.len() == 6
        && pairs.iter().all(|pair| pair.len() == 2 && u8::from_str_radix(pair, 16).is_ok())
}
