//! Where the engine's machine is, seen from this process: on which address ports are published and under which
//! one they are reached.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::client::Client;
use super::endpoint::Endpoint;
use hyper::Method;

/// On which addresses a port is published that names none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bind {
    /// 127.0.0.1: this process is on the engine's machine, and nobody else shall reach a test's database.
    Loopback,
    /// All: the engine is elsewhere, or this process is in a container.
    All,
}

/// The engine's machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host {
    bind: Bind,
    address: String,
}

impl Host {
    /// This machine.
    pub(crate) fn local() -> Self {
        Host { bind: Bind::Loopback, address: "127.0.0.1".into() }
    }

    /// A machine that is reached by this address.
    pub(crate) fn remote(address: impl Into<String>) -> Self {
        Host { bind: Bind::All, address: address.into() }
    }

    pub(crate) fn bind(&self) -> Bind {
        self.bind
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Whether this process and the engine share a network: only then can it ask which ports are free here.
    pub(crate) fn is_local(&self) -> bool {
        self.bind == Bind::Loopback
    }

    /// Finds out. Costs a call to the engine only where this process looks like it is in a container.
    ///
    /// `LONGSHORE_HOST` overrides the answer; it is the address under which published ports are reached.
    pub(super) async fn find(endpoint: &Endpoint, client: &Client) -> Self {
        if let Some(address) =
            std::env::var("LONGSHORE_HOST").ok().filter(|address| !address.is_empty())
        {
            return Host::remote(address);
        }
        if let Endpoint::Tcp { host, .. } = endpoint {
            let is_loopback = host == "localhost"
                || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
            return if is_loopback { Host::local() } else { Host::remote(host) };
        }
        for id in own_container_ids() {
            if let Ok(container) =
                client.json(Method::GET, &format!("/containers/{id}/json"), None).await
            {
                return gateway(&container).map_or_else(Host::local, Host::remote);
            }
        }
        // The engine does not know us: we are beside it, whatever else we may be in.
        Host::local()
    }
}

/// Under which ids the engine may know the container this process runs in; empty when nothing hints at one.
///
/// A hint proves nothing (the file `/.dockerenv` also stays behind in images of virtual machines), so the engine
/// is asked.
fn own_container_ids() -> Vec<String> {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let hinted = ["/.dockerenv", "/run/.containerenv"].iter().any(|path| Path::new(path).exists());
    // Docker mounts files of the container's folder, whose name is its id; so does Podman.
    let mut ids = hex_ids(&read("/proc/self/mountinfo"));
    ids.extend(hex_ids(&read("/proc/self/cgroup")));
    if hinted || !ids.is_empty() {
        ids.push(read("/etc/hostname").trim().to_owned());
    }
    ids.retain(|id| {
        !id.is_empty()
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    });
    ids.dedup();
    ids
}

/// Runs of exactly 64 hexadecimal digits, each once.
fn hex_ids(text: &str) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for word in text.split(|c: char| !c.is_ascii_alphanumeric()) {
        let is_id = word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_id && !ids.iter().any(|id| id == word) {
            ids.push(word.to_owned());
        }
    }
    ids
}

/// The address of the engine's machine on one of the container's networks; none on the host's own network.
fn gateway(container: &Value) -> Option<String> {
    let networks = container["NetworkSettings"]["Networks"].as_object()?;
    networks
        .values()
        .filter_map(|network| network["Gateway"].as_str())
        .find(|gateway| !gateway.is_empty())
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn container_ids_are_found_in_mounts_and_control_groups() {
        let id = "0123456789abcdef".repeat(4);
        let mounts = format!(
            "831 824 254:0 /var/lib/docker/containers/{id}/resolv.conf /etc/resolv.conf rw - ext4 /dev/vda rw\n\
             832 824 254:0 /var/lib/docker/containers/{id}/hostname /etc/hostname rw - ext4 /dev/vda rw\n"
        );
        assert_eq!(hex_ids(&mounts).concat(), id);
        assert_eq!(hex_ids(&format!("0::/system.slice/docker-{id}.scope\n")), [id.as_str()]);
        assert_eq!(hex_ids(&format!("{id}0 {}", &id[1..])), [""; 0]);
    }

    #[test]
    fn a_container_on_the_hosts_network_has_no_gateway() {
        let on = |gateway: &str| json!({ "NetworkSettings": { "Networks": { "n": { "Gateway": gateway } } } });
        assert_eq!(gateway(&on("172.17.0.1")).as_deref(), Some("172.17.0.1"));
        assert_eq!(gateway(&on("")), None);
        assert_eq!(gateway(&json!({})), None);
    }
}
