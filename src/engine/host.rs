//! Where the engine's machine is, seen from this process: on which address ports are published and under which
//! one they are reached; and in which of the engine's containers this process is.

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
    own_container: Option<String>,
}

impl Host {
    /// This machine.
    pub(crate) fn local() -> Self {
        Host { bind: Bind::Loopback, address: "127.0.0.1".into(), own_container: None }
    }

    /// A machine that is reached by this address.
    pub(crate) fn remote(address: impl Into<String>) -> Self {
        Host { bind: Bind::All, address: address.into(), own_container: None }
    }

    pub(crate) fn bind(&self) -> Bind {
        self.bind
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The full id of the container in which this process runs, where the engine knows it for certain.
    pub(super) fn own_container(&self) -> Option<&str> {
        self.own_container.as_deref()
    }

    /// Whether this process and the engine share a network: only then can it ask which ports are free here.
    pub(crate) fn is_local(&self) -> bool {
        self.bind == Bind::Loopback
    }

    /// Finds out. Costs a call to the engine only where this process looks like it is in a container.
    ///
    /// `LONGSHORE_HOST` overrides the answer; it is the address under which published ports are reached.
    pub(super) async fn find(endpoint: &Endpoint, client: &Client) -> Self {
        let known = known_container(client).await;
        let said = std::env::var("LONGSHORE_HOST").ok().filter(|address| !address.is_empty());
        let mut host = match (said, endpoint, &known) {
            (Some(address), ..) => Host::remote(address),
            (None, Endpoint::Tcp { host, .. }, _) => {
                let is_loopback = host == "localhost"
                    || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
                if is_loopback {
                    Host::local()
                } else {
                    Host::remote(host)
                }
            }
            (None, _, Some(container)) => gateway(container).map_or_else(Host::local, Host::remote),
            // The engine does not know us: we are beside it, whatever else we may be in.
            (None, _, None) => Host::local(),
        };
        if let Some(container) = known {
            host.own_container = own_container(&container, client).await;
        }
        host
    }
}

/// The container that this process runs in, or one whose network it shares, as the engine inspects it.
async fn known_container(client: &Client) -> Option<Value> {
    for id in container_ids() {
        if let Some(container) = inspect(client, &id).await {
            return Some(container);
        }
    }
    None
}

/// The id of the container that this process runs in for certain. `known` is that one, or another one whose network it has.
async fn own_container(known: &Value, client: &Client) -> Option<String> {
    let id = known["Id"].as_str()?;
    if let Some(own) = own_ids().pop() {
        let own_is_known = own == id || inspect(client, &own).await.is_some();
        return own_is_known.then_some(own);
    }
    // Somebody else's container may be called as this machine is.
    let name = read("/etc/hostname");
    let is_named_so = name.len() >= SHORT_ID && id.starts_with(&name);
    if !is_named_so && !ids_of_files(&read(MOUNTS), &NETWORKS_FILES).iter().any(|one| one == id) {
        return None;
    }
    // Files of that container: ours, or those of one whose network we have.
    let running = client.json(Method::GET, "/containers/json", None).await.ok()?;
    let shared = format!("container:{id}");
    let mut running = running.as_array()?.iter();
    let is_shared = running.any(|one| one["HostConfig"]["NetworkMode"] == shared.as_str());
    (!is_shared).then(|| id.to_owned())
}

async fn inspect(client: &Client, id: &str) -> Option<Value> {
    client.json(Method::GET, &format!("/containers/{id}/json"), None).await.ok()
}

/// As many digits of its id a container has for a host name when it was given none.
const SHORT_ID: usize = 12;

const MOUNTS: &str = "/proc/self/mountinfo";

/// What an engine mounts into each container from the folder of the container whose network it has. The folder's name is
/// the id of that one.
const NETWORKS_FILES: [&str; 3] = ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"];

/// What Podman mounts into each container from its own folder.
const OWN_FILES: [&str; 1] = ["/run/.containerenv"];

/// Under which ids the engine may know the container this process runs in; empty when nothing hints at one.
///
/// A hint proves nothing (the file `/.dockerenv` also stays behind in images of virtual machines), so the engine
/// is asked.
fn container_ids() -> Vec<String> {
    let hinted = ["/.dockerenv", "/run/.containerenv"].iter().any(|path| Path::new(path).exists());
    let mut ids = ids_of_files(&read(MOUNTS), &NETWORKS_FILES);
    ids.extend(own_ids());
    if hinted || !ids.is_empty() {
        ids.push(read("/etc/hostname"));
    }
    ids.retain(|id| {
        !id.is_empty()
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    });
    ids.dedup();
    ids
}

/// Ids that no other container can have given this process.
fn own_ids() -> Vec<String> {
    let mut ids = hex_ids(&read("/proc/self/cgroup"));
    ids.extend(ids_of_files(&read(MOUNTS), &OWN_FILES));
    ids
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default().trim().to_owned()
}

/// The ids in the sources of mounted files (proc(5), fields 4 and 5 of `mountinfo`). On the engine's own machine folders of
/// containers are mount points, which says nothing of us.
fn ids_of_files(mountinfo: &str, files: &[&str]) -> Vec<String> {
    let sources = mountinfo.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(3);
        let (source, target) = (fields.next()?, fields.next()?);
        files.contains(&target).then_some(source)
    });
    hex_ids(&sources.collect::<Vec<_>>().join(" "))
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
        let other = "f".repeat(64);
        let mounts = format!(
            "801 824 0:60 / /var/lib/docker/containers/{other}/mounts/shm rw - tmpfs shm rw\n\
             831 824 254:0 /var/lib/docker/containers/{id}/resolv.conf /etc/resolv.conf rw - ext4 /dev/vda rw\n\
             832 824 254:0 /var/lib/docker/containers/{id}/hostname /etc/hostname rw - ext4 /dev/vda rw\n"
        );
        assert_eq!(ids_of_files(&mounts, &NETWORKS_FILES), [id.as_str()]);
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
