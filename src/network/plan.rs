//! From a request for a network to the body of `POST /networks/create`: what is wrong with it, and which gateway, range and
//! reserved address belongs to which subnet. Asks no engine.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::{json, Map, Value};

use super::network_request::NetworkRequest;
use super::subnet::Subnet;
use crate::error::{Problem, Problems, Result};
use crate::request::has_letters_of_names;
use crate::session::LABEL_PREFIX;

/// A request in which everything has been parsed.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pools: Vec<Pool>,
}

/// One subnet and what is said of it.
#[derive(Debug, Clone)]
struct Pool {
    subnet: Subnet,
    range: Option<Subnet>,
    gateway: Option<IpAddr>,
    reserved: BTreeMap<String, IpAddr>,
}

impl Pool {
    fn new(subnet: Subnet) -> Self {
        Pool { subnet, range: None, gateway: None, reserved: BTreeMap::new() }
    }
}

impl NetworkRequest {
    /// Parses what is text and looks for what cannot work.
    pub(super) fn plan(&self) -> Result<Plan> {
        let mut problems = Problems::default();
        if let Some(name) = &self.name {
            problems.take(check_name(name));
        }
        problems.check_labels(self.labels.keys(), LABEL_PREFIX);
        let pools = self.pools(&mut problems);
        for pool in pools.iter().filter(|pool| pool.subnet.is_ipv6() && !self.ipv6) {
            problems.add(
                format!("`{}` is a subnet of IPv6, which the network does not have", pool.subnet),
                "say `.ipv6()`",
            );
        }
        for pool in pools.iter().filter(|pool| !pool.subnet.is_ipv6() && self.no_ipv4) {
            problems.add(
                format!("`{}` is a subnet of IPv4, which the network does not have", pool.subnet),
                "leave `.no_ipv4()` away",
            );
        }
        if self.no_ipv4 && !self.ipv6 {
            problems.add("the network would have no addresses at all", "say `.ipv6()` too");
        }
        let named = |error: crate::error::Error| match &self.name {
            Some(name) => error.fact("network", format!("`{name}`")),
            None => error,
        };
        problems.into_result().map_err(named)?;
        Ok(Plan { pools })
    }

    /// The subnets with what belongs to them, paired as by `docker network create`.
    fn pools(&self, problems: &mut Problems) -> Vec<Pool> {
        let mut pools: Vec<Pool> = Vec::new();
        for text in &self.subnets {
            let Some(subnet) = problems.take(Subnet::parse(text, "a subnet")) else { continue };
            match pools.iter().find(|other| other.subnet.overlaps(&subnet)) {
                Some(other) => problems.add(
                    format!("the subnets `{}` and `{subnet}` overlap", other.subnet),
                    "each address can be in one of them only",
                ),
                None => pools.push(Pool::new(subnet)),
            }
        }
        // A subnet that could not be read is complained of already, not also what belongs to it.
        let all_read = pools.len() == self.subnets.len();
        let stray = |problems: &mut Problems, what: String| {
            if all_read {
                problems.add(
                    format!("{what} is in no subnet of the network"),
                    "name the subnet too: `.subnet(..)`",
                );
            }
        };
        for text in &self.ip_ranges {
            let Some(range) = problems.take(Subnet::parse(text, "a range of addresses")) else {
                continue;
            };
            match pools.iter_mut().find(|pool| pool.subnet.holds(&range)) {
                None => stray(problems, format!("the range `{range}`")),
                Some(pool) => {
                    if let Some(first) = pool.range.replace(range) {
                        problems.add(
                            format!("`{}` has two ranges, `{first}` and `{range}`", pool.subnet),
                            "an engine gives out addresses from one range of a subnet",
                        );
                    }
                }
            }
        }
        for text in &self.gateways {
            let Some(gateway) = problems.take(address(text, "a gateway")) else { continue };
            match pools.iter_mut().find(|pool| pool.subnet.contains(gateway)) {
                None => stray(problems, format!("the gateway `{gateway}`")),
                Some(pool) => {
                    if let Some(first) = pool.gateway.replace(gateway) {
                        problems.add(
                            format!(
                                "`{}` has two gateways, `{first}` and `{gateway}`",
                                pool.subnet
                            ),
                            "a subnet has one gateway",
                        );
                    }
                }
            }
        }
        for (name, text) in &self.aux_addresses {
            let Some(reserved) = problems.take(address(text, "an auxiliary address")) else {
                continue;
            };
            match pools.iter_mut().find(|pool| pool.subnet.contains(reserved)) {
                None => stray(problems, format!("the auxiliary address `{name}={reserved}`")),
                Some(pool) => drop(pool.reserved.insert(name.clone(), reserved)),
            }
        }
        pools
    }

    /// What the engine is sent.
    pub(super) fn body(
        &self,
        plan: &Plan,
        name: &str,
        session_labels: BTreeMap<String, String>,
    ) -> Value {
        let mut labels = self.labels.clone();
        labels.extend(session_labels);
        let mut body = json!({
            "Name": name,
            "CheckDuplicate": true,
            "Driver": self.driver.as_deref().unwrap_or("bridge"),
            "Labels": labels,
        });
        for (key, is_set) in [
            ("Internal", self.internal),
            ("Attachable", self.attachable),
            ("Ingress", self.ingress),
            ("EnableIPv6", self.ipv6),
        ] {
            if is_set {
                body[key] = true.into();
            }
        }
        if self.no_ipv4 {
            body["EnableIPv4"] = false.into();
        }
        if let Some(scope) = &self.scope {
            body["Scope"] = scope.as_str().into();
        }
        if !self.opts.is_empty() {
            body["Options"] = json!(self.opts);
        }
        let ipam = self.ipam(plan);
        if !ipam.is_empty() {
            body["IPAM"] = ipam.into();
        }
        body
    }

    fn ipam(&self, plan: &Plan) -> Map<String, Value> {
        let mut ipam = Map::new();
        if let Some(driver) = &self.ipam_driver {
            ipam.insert("Driver".into(), driver.as_str().into());
        }
        if !self.ipam_opts.is_empty() {
            ipam.insert("Options".into(), json!(self.ipam_opts));
        }
        if !plan.pools.is_empty() {
            let pools = plan.pools.iter().map(|pool| {
                let mut config = json!({ "Subnet": pool.subnet.to_string() });
                if let Some(range) = &pool.range {
                    config["IPRange"] = range.to_string().into();
                }
                if let Some(gateway) = &pool.gateway {
                    config["Gateway"] = gateway.to_string().into();
                }
                if !pool.reserved.is_empty() {
                    config["AuxiliaryAddresses"] = json!(pool.reserved);
                }
                config
            });
            ipam.insert("Config".into(), pools.collect());
        }
        ipam
    }

    /// Whether the engine has to find a subnet of IPv6 itself.
    pub(super) fn lacks_ipv6_subnet(&self, plan: &Plan) -> bool {
        let default_ipam = self.ipam_driver.as_deref().is_none_or(|driver| driver == "default");
        self.ipv6 && default_ipam && !plan.pools.iter().any(|pool| pool.subnet.is_ipv6())
    }
}

impl Plan {
    /// Adds a random subnet of IPv6.
    pub(super) fn choose_ipv6_subnet(&mut self) {
        let subnet = Subnet::random_ipv6();
        // Said, because Docker 20.10 does not tell one that it chose itself.
        let gateway = Some(subnet.first_host());
        self.pools.push(Pool { gateway, ..Pool::new(subnet) });
    }
}

/// Whether this can be a network's name: Docker takes more, but has no way to name such a network in `docker run`.
pub(super) fn check_name(name: &str) -> Result<(), Problem> {
    if !has_letters_of_names(name) {
        return Err(Problem::new(
            format!("`{name}` is not a network's name"),
            "a name has letters, digits, `_`, `.` or `-`, and begins with a letter or a digit",
        ));
    }
    if matches!(name, "bridge" | "host" | "none" | "default") {
        return Err(Problem::new(
            format!("`{name}` is the name of a network that every engine has"),
            "choose another name, or leave `.name(..)` away to have a free one",
        ));
    }
    Ok(())
}

fn address(text: &str, noun: &str) -> Result<IpAddr, Problem> {
    text.parse().map_err(|_| {
        Problem::new(
            format!("`{text}` is not {noun}"),
            "write an IP address: `10.5.0.1`, `fd00:5::1`",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(request: NetworkRequest) -> String {
        request.plan().unwrap_err().to_string()
    }

    fn body(request: NetworkRequest) -> Value {
        request.body(&request.plan().unwrap(), "net", BTreeMap::new())
    }

    #[test]
    fn a_plain_network_says_no_more_than_it_has_to() {
        assert_eq!(
            body(NetworkRequest::new()),
            json!({ "Name": "net", "CheckDuplicate": true, "Driver": "bridge", "Labels": {} })
        );
    }

    #[test]
    fn every_flag_is_said_in_the_api_and_pairs_find_each_other() {
        let request = NetworkRequest::new()
            .driver("macvlan")
            .internal()
            .attachable()
            .ingress()
            .ipv6()
            .scope("local")
            .subnet("fd00:5::/64")
            .subnet("10.5.0.0/16")
            .gateway("10.5.0.9".parse::<IpAddr>().unwrap())
            .gateway("fd00:5::9")
            .ip_range("10.5.1.0/24")
            .aux_address("router", "10.5.0.1")
            .aux_address("printer", "fd00:5::2")
            .ipam_driver("default")
            .ipam_opt("a", "b")
            .opt("parent", "eth0")
            .label("c", "d");
        assert_eq!(
            body(request),
            json!({
                "Name": "net", "CheckDuplicate": true, "Driver": "macvlan", "Labels": { "c": "d" },
                "Internal": true, "Attachable": true, "Ingress": true, "EnableIPv6": true, "Scope": "local",
                "Options": { "parent": "eth0" },
                "IPAM": {
                    "Driver": "default", "Options": { "a": "b" },
                    "Config": [
                        { "Subnet": "fd00:5::/64", "Gateway": "fd00:5::9",
                          "AuxiliaryAddresses": { "printer": "fd00:5::2" } },
                        { "Subnet": "10.5.0.0/16", "IPRange": "10.5.1.0/24", "Gateway": "10.5.0.9",
                          "AuxiliaryAddresses": { "router": "10.5.0.1" } },
                    ],
                },
            })
        );
        assert_eq!(body(NetworkRequest::new().ipv6().no_ipv4())["EnableIPv4"], false);
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let request = NetworkRequest::new()
            .name("my net")
            .label("org.longshore.owner", "me")
            .subnet("10.5.0.1/16")
            .subnet("10.6.0.0/16")
            .subnet("10.6.1.0/24")
            .gateway("here")
            .gateway("10.7.0.1");
        assert_eq!(
            problem(request),
            "5 things are wrong with the request\n  network: `my net`\n  wrong: `my net` is not a network's name (a name \
             has letters, digits, `_`, `.` or `-`, and begins with a letter or a digit)\n    the label \
             `org.longshore.owner` is longshore's own (choose a name outside `org.longshore.`)\n    `10.5.0.1/16` is not a \
             subnet: its address has bits behind the prefix (did you mean `10.5.0.0/16`?)\n    the subnets `10.6.0.0/16` \
             and `10.6.1.0/24` overlap (each address can be in one of them only)\n    `here` is not a gateway (write an IP \
             address: `10.5.0.1`, `fd00:5::1`)"
        );
    }

    #[test]
    fn what_belongs_to_no_subnet_or_twice_to_one_is_refused() {
        let net = || NetworkRequest::new().subnet("10.5.0.0/16");
        let hint = "\n  hint: name the subnet too: `.subnet(..)`";
        let check = |request: NetworkRequest, text: &str| assert_eq!(problem(request), text);
        let stray = |request, what: &str| {
            check(request, &format!("{what} is in no subnet of the network{hint}"));
        };
        stray(net().gateway("10.6.0.1"), "the gateway `10.6.0.1`");
        stray(NetworkRequest::new().gateway("10.6.0.1"), "the gateway `10.6.0.1`");
        stray(net().ip_range("10.0.0.0/8"), "the range `10.0.0.0/8`");
        stray(net().aux_address("a", "fd00::1"), "the auxiliary address `a=fd00::1`");
        check(
            net().gateway("10.5.0.1").gateway("10.5.0.2"),
            "`10.5.0.0/16` has two gateways, `10.5.0.1` and `10.5.0.2`\n  hint: a subnet has one gateway",
        );
        check(
            net().ip_range("10.5.1.0/24").ip_range("10.5.2.0/24"),
            "`10.5.0.0/16` has two ranges, `10.5.1.0/24` and `10.5.2.0/24`\n  hint: an engine gives out addresses from one \
             range of a subnet",
        );
    }

    #[test]
    fn families_have_to_be_there() {
        assert_eq!(
            problem(NetworkRequest::new().name("six").subnet("fd00:5::/64")),
            "`fd00:5::/64` is a subnet of IPv6, which the network does not have\n  network: `six`\n  hint: say `.ipv6()`"
        );
        assert_eq!(
            problem(NetworkRequest::new().no_ipv4()),
            "the network would have no addresses at all\n  hint: say `.ipv6()` too"
        );
        let no_ipv4 = NetworkRequest::new().ipv6().no_ipv4().subnet("10.5.0.0/16");
        assert!(problem(no_ipv4).starts_with("`10.5.0.0/16` is a subnet of IPv4, which"));
    }

    #[test]
    fn names_that_every_engine_has_cannot_be_taken() {
        assert_eq!(
            problem(NetworkRequest::new().name("bridge")),
            "`bridge` is the name of a network that every engine has\n  network: `bridge`\n  hint: choose another name, or \
             leave `.name(..)` away to have a free one"
        );
        assert!(problem(NetworkRequest::new().name("")).starts_with("`` is not a network's name"));
        assert!(NetworkRequest::new().name("a_b.c-d").plan().is_ok());
    }

    #[test]
    fn a_request_is_data() {
        let request =
            NetworkRequest::new().name("net").ipv6().subnet("10.5.0.0/16").label("a", "b");
        let text = serde_json::to_string(&request).unwrap();
        assert_eq!(
            text,
            r#"{"name":"net","ipv6":true,"subnets":["10.5.0.0/16"],"labels":{"a":"b"}}"#
        );
        assert_eq!(serde_json::from_str::<NetworkRequest>(&text).unwrap(), request);
        assert!(serde_json::from_str::<NetworkRequest>(r#"{"subnet":"10.5.0.0/16"}"#).is_err());
    }
}
