//! Choosing the host's side of published ports.
//!
//! Podman's API refuses a range, and Docker's takes the first number that it believes free and collides with whoever
//! has it. So the number is chosen here: a random start, then on through the range, past what is taken.

use std::collections::{BTreeSet, HashSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{LazyLock, Mutex};

use longshore_syntax::{HostPort, PortMapping, Protocol};
use rand::Rng;

use crate::engine::{Bind, Engine, Host};
use crate::error::{Error, Kind, Result};
use crate::request::Binding;

/// Tries with a port that the engine picks itself.
const ENGINE_PICKS: usize = 5;

/// The numbers of ranges that containers of this process have, so that two starts at once do not both take one.
static TAKEN: LazyLock<Mutex<HashSet<(u16, Protocol)>>> = LazyLock::new(Mutex::default);

/// The choice for all mappings of one request, over all of its attempts.
#[derive(Debug)]
pub(super) struct HostPorts {
    mappings: Vec<PortMapping>,
    host: Host,
    is_podman: bool,
    /// Numbers that turned out to be taken.
    tried: BTreeSet<(u16, Protocol)>,
    failures: usize,
}

/// One set of numbers, this process's own until it is dropped.
#[derive(Debug, Default)]
pub(super) struct Reservation {
    pub(super) bindings: Vec<Binding>,
    held: Vec<(u16, Protocol)>,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut taken = TAKEN.lock().expect("nothing in the lock can panic");
        for port in &self.held {
            taken.remove(port);
        }
    }
}

impl HostPorts {
    pub(super) fn new(mappings: Vec<PortMapping>, host: Host, engine: &Engine) -> Self {
        HostPorts { is_podman: engine.is_podman(), ..HostPorts::on(mappings, host) }
    }

    fn on(mappings: Vec<PortMapping>, host: Host) -> Self {
        HostPorts { mappings, host, is_podman: false, tried: BTreeSet::new(), failures: 0 }
    }

    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    /// Numbers for the next attempt.
    pub(super) fn choose(&self) -> Result<Reservation> {
        let mut chosen = Reservation::default();
        for (index, mapping) in self.mappings.iter().enumerate() {
            let container = mapping.container_port();
            let port = match mapping.host_port() {
                // Docker 28 gives two random mappings of one port the same number, and then finds it taken.
                HostPort::Random if self.is_mapped_before(index) => {
                    Some(self.reserve(49152, 65535, mapping, &mut chosen)?)
                }
                HostPort::Random => None,
                HostPort::Fixed(port) => Some(port),
                HostPort::Range { first, last } => {
                    Some(self.reserve(first, last, mapping, &mut chosen)?)
                }
                _ => None,
            };
            chosen.bindings.push(Binding { container, address: self.address(mapping), port });
        }
        Ok(chosen)
    }

    fn is_mapped_before(&self, index: usize) -> bool {
        let mapping = &self.mappings[index];
        let is_same = |other: &PortMapping| {
            other.container_port() == mapping.container_port()
                && self.address(other) == self.address(mapping)
        };
        self.mappings[..index].iter().any(is_same)
    }

    fn address(&self, mapping: &PortMapping) -> Option<IpAddr> {
        match (mapping.host_address(), self.host.bind()) {
            // Podman 4.3 accepts on a literal 0.0.0.0 and passes nothing on; "all addresses" are IPv4's there anyway.
            (Some(address), _) if self.is_podman && address == Ipv4Addr::UNSPECIFIED => None,
            (Some(address), _) => Some(address),
            (None, Bind::Loopback) => Some(Ipv4Addr::LOCALHOST.into()),
            (None, Bind::All) => None,
        }
    }

    fn reserve(
        &self,
        first: u16,
        last: u16,
        mapping: &PortMapping,
        chosen: &mut Reservation,
    ) -> Result<u16> {
        let protocol = mapping.container_port().protocol();
        let count = u32::from(last) - u32::from(first) + 1;
        let start = rand::thread_rng().gen_range(0..count);
        for step in 0..count {
            // Below 65536, since `first + count - 1` is `last`.
            let port = first + ((start + step) % count) as u16;
            if self.tried.contains(&(port, protocol)) || !self.seems_free(port, protocol) {
                continue;
            }
            if TAKEN.lock().expect("nothing in the lock can panic").insert((port, protocol)) {
                chosen.held.push((port, protocol));
                return Ok(port);
            }
        }
        Err(Error::new(
            Kind::PortUnavailable,
            format!("no host port of `{mapping}` is free: all {count} are taken"),
        )
        .hint(format!(
            "give a wider range, or leave it away for a random port: `.publish(\"{}\")`",
            PortMapping::from(mapping.container_port())
        )))
    }

    /// Whether nobody on this machine listens there. Elsewhere only the engine can tell.
    fn seems_free(&self, port: u16, protocol: Protocol) -> bool {
        match protocol {
            _ if !self.host.is_local() => true,
            Protocol::Tcp => portpicker::is_free_tcp(port),
            Protocol::Udp => portpicker::is_free_udp(port),
            _ => true,
        }
    }

    /// Takes note that the engine could not have these numbers, or says that there is no use in trying others.
    pub(super) fn were_taken(&mut self, chosen: &Reservation, told: &str) -> Result<()> {
        self.failures += 1;
        let fixed = |mapping: &&PortMapping| matches!(mapping.host_port(), HostPort::Fixed(_));
        let number = |mapping: &PortMapping| match mapping.host_port() {
            HostPort::Fixed(port) => port,
            _ => 0,
        };
        let named =
            self.mappings.iter().filter(fixed).find(|mapping| names_port(told, number(mapping)));
        let only_fixed = self.mappings.iter().all(|mapping| fixed(&mapping));
        let is_spent = self.failures >= ENGINE_PICKS && chosen.held.is_empty();
        if named.is_some() || only_fixed || is_spent {
            let what = match named.or(self.mappings.iter().find(fixed)) {
                Some(mapping) => {
                    format!("the host port {} of `{mapping}` is taken", number(mapping))
                }
                None => "the engine has no free host port".into(),
            };
            let hint = match named.or(self.mappings.iter().find(fixed)) {
                Some(mapping) => format!(
                    "stop who has it, or have a free one: `.publish(\"{}\")`",
                    PortMapping::from(mapping.container_port())
                ),
                None => {
                    "remove containers that are not needed, or widen `net.ipv4.ip_local_port_range`"
                        .into()
                }
            };
            return Err(Error::new(Kind::PortUnavailable, what)
                .fact("because", told.trim())
                .hint(hint));
        }
        let named: Vec<_> =
            chosen.held.iter().filter(|(port, _)| names_port(told, *port)).copied().collect();
        // An engine that does not say which one it was makes all of them suspect.
        self.tried.extend(if named.is_empty() { chosen.held.clone() } else { named });
        Ok(())
    }
}

/// Whether an engine's refusal is about a host port that somebody has.
pub(super) fn is_port_conflict(told: &str) -> bool {
    const SAYINGS: [&str; 8] = [
        "port is already allocated",
        "address already in use",
        "ports are not available",
        "ports are already allocated",
        "cannot listen on the",
        "cannot bind tcp port",
        "bind: Only one usage of each socket address",
        "forbidden by its access permissions",
    ];
    SAYINGS.iter().any(|saying| told.contains(saying))
}

/// Whether the text holds the number, by itself and behind a colon, as in `0.0.0.0:8080`.
fn names_port(text: &str, port: u16) -> bool {
    let wanted = format!(":{port}");
    text.match_indices(&wanted)
        .any(|(at, _)| !text[at + wanted.len()..].starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use longshore_syntax::parse_publish;

    use super::*;

    fn ports(words: &[&str]) -> HostPorts {
        let mappings = words.iter().flat_map(|word| parse_publish(word).unwrap()).collect();
        // A remote host, so that nothing on this machine decides the outcome.
        HostPorts::on(mappings, Host::remote("engine"))
    }

    #[test]
    fn every_number_of_a_range_is_taken_once_and_then_it_is_spent() {
        let range = ports(&["61001-61005:80"]);
        let held: Vec<_> = (0..5).map(|_| range.choose().unwrap()).collect();
        let numbers: BTreeSet<_> =
            held.iter().map(|chosen| chosen.bindings[0].port.unwrap()).collect();
        assert_eq!(numbers, BTreeSet::from([61001, 61002, 61003, 61004, 61005]));
        let error = range.choose().unwrap_err();
        assert_eq!(
            error.to_string(),
            "no host port of `61001-61005:80` is free: all 5 are taken\n  hint: give a wider range, or leave it away for a \
             random port: `.publish(\"80\")`"
        );
        drop(held);
        assert!(range.choose().is_ok(), "what is given back can be taken again");
    }

    #[test]
    fn a_number_that_was_taken_is_not_tried_again() {
        let mut range = ports(&["61011-61012:80", "61013:81"]);
        let first = range.choose().unwrap();
        let number = first.bindings[0].port.unwrap();
        range
            .were_taken(
                &first,
                &format!("Bind for 0.0.0.0:{number} failed: port is already allocated"),
            )
            .unwrap();
        drop(first);
        let second = range.choose().unwrap();
        assert_ne!(second.bindings[0].port, Some(number));
        let error = range
            .were_taken(&second, "Bind for 0.0.0.0:61013 failed: port is already allocated")
            .unwrap_err();
        assert_eq!(error.summary(), "the host port 61013 of `61013:81` is taken");
    }

    #[test]
    fn loopback_is_published_on_unless_another_address_is_named() {
        let local = |word: &str| {
            HostPorts::on(parse_publish(word).unwrap(), Host::local()).choose().unwrap()
        };
        assert_eq!(local("80").bindings[0].address, Some(Ipv4Addr::LOCALHOST.into()));
        assert_eq!(local("0.0.0.0::80").bindings[0].address, Some(Ipv4Addr::UNSPECIFIED.into()));
        assert_eq!(ports(&["80"]).choose().unwrap().bindings[0].address, None);
    }

    #[test]
    fn a_port_is_named_only_as_a_whole_number() {
        assert!(names_port("listen tcp 0.0.0.0:80: bind", 80));
        assert!(!names_port("listen tcp 0.0.0.0:8080: bind", 80));
        assert!(!names_port("listen tcp 0.0.0.0:8080: bind", 808));
    }
}
