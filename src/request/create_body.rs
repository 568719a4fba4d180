//! The body of `POST /containers/create` for a checked request. No I/O.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use longshore_syntax::ContainerPort;
use serde_json::{json, Map, Value};

use super::check::Checked;
use super::container_request::ContainerRequest;
use super::draft::Endpoint;

/// Since this version of the API a container can be made on several networks, and has its MAC address there.
const MANY_NETWORKS: (usize, usize) = (1, 44);

/// One published port, with the host's side decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binding {
    pub(crate) container: ContainerPort,
    /// `None` is all addresses.
    pub(crate) address: Option<IpAddr>,
    /// `None` leaves the choice to the engine.
    pub(crate) port: Option<u16>,
}

/// What the engine is sent: the request's options, the ports as they were chosen, and the labels of the session. Beside it the
/// networks that this version of the API has no place for: the container is connected to them before it starts.
pub(crate) fn create_body(
    request: &ContainerRequest,
    checked: &Checked,
    bindings: &[Binding],
    session_labels: &BTreeMap<String, String>,
    api: (usize, usize),
) -> (Value, Vec<Endpoint>) {
    let mut body = checked.body.clone();
    if body["HostConfig"]["RestartPolicy"].is_null() {
        // The command says so too.
        body["HostConfig"]["RestartPolicy"] = json!({ "Name": "no" });
    }
    body["Image"] = checked.image.familiar().into();
    for (name, value) in session_labels {
        body["Labels"][name] = value.as_str().into();
    }
    let exposed =
        bindings.iter().map(|binding| binding.container).chain(checked.exposed.iter().copied());
    let exposed: Map<_, _> = exposed.map(|port| (port.to_string(), json!({}))).collect();
    if !exposed.is_empty() {
        body["ExposedPorts"] = Value::Object(exposed);
    }
    if !bindings.is_empty() {
        body["HostConfig"]["PortBindings"] = port_bindings(bindings);
    }
    let made_on = if api >= MANY_NETWORKS { checked.networks.len() } else { 1 };
    let (made_on, connected) = checked.networks.split_at(made_on.min(checked.networks.len()));
    for endpoint in made_on {
        let mut settings = endpoint.settings.clone();
        if let Some(address) = &endpoint.mac_address {
            match api >= MANY_NETWORKS {
                true => settings["MacAddress"] = address.as_str().into(),
                false => body["MacAddress"] = address.as_str().into(),
            }
        }
        // One alone about which nothing is said is there by the network mode.
        if made_on.len() > 1 || settings != json!({}) {
            body["NetworkingConfig"]["EndpointsConfig"][endpoint.network.as_str()] = settings;
        }
    }
    for raw in &request.own.raw {
        merge(&mut body, raw);
    }
    (body, connected.to_vec())
}

/// Every mapping of a container port counts, so each port has a list.
fn port_bindings(bindings: &[Binding]) -> Value {
    let mut ports: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for binding in bindings {
        ports.entry(binding.container.to_string()).or_default().push(json!({
            "HostIp": binding.address.map_or_else(String::new, |address| address.to_string()),
            "HostPort": binding.port.map_or_else(String::new, |port| port.to_string()),
        }));
    }
    json!(ports)
}

/// Rounded up: a limit that was asked for is given.
pub(crate) fn whole_seconds(time: Duration) -> i64 {
    let seconds = time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0));
    // The engine counts in nanoseconds, in as many bits.
    i64::try_from(seconds).unwrap_or(i64::MAX).min(i64::MAX / 1_000_000_000)
}

/// Merges `from` into `into`: objects key by key, anything else replaces.
fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(
        request: ContainerRequest,
        bindings: &[Binding],
        api: (usize, usize),
    ) -> (Value, Vec<Endpoint>) {
        create_body(&request, &request.check().unwrap(), bindings, &BTreeMap::new(), api)
    }

    #[test]
    fn says_in_the_api_what_the_request_says_in_docker_runs_words() {
        let request = ContainerRequest::new("busybox:1.35")
            .cmd(["sh"])
            .env("A", "b")
            .memory("512m")
            .volume("/on/host:/a:ro")
            .volume("/data")
            .tmpfs("/run:size=64m")
            .health_cmd("true")
            .health_interval(Duration::from_millis(1500))
            .stop_timeout(Duration::from_millis(1500))
            .cap_add("net_admin")
            .raw(json!({ "HostConfig": { "PidsLimit": 9 } }));
        assert_eq!(
            body(request, &[], (1, 41)).0,
            json!({
                "Image": "busybox:1.35", "Cmd": ["sh"], "Env": ["A=b"], "StopTimeout": 2, "Volumes": { "/data": {} },
                "Healthcheck": { "Test": ["CMD-SHELL", "true"], "Interval": 1_500_000_000 },
                "HostConfig": {
                    "Memory": 536_870_912, "Binds": ["/on/host:/a:ro"], "Tmpfs": { "/run": "size=64m" },
                    "CapAdd": ["CAP_NET_ADMIN"], "PidsLimit": 9, "RestartPolicy": { "Name": "no" },
                },
            })
        );
    }

    #[test]
    fn two_mappings_of_one_port_both_stand() {
        let binding = |address: &str, port| Binding {
            container: 80.into(),
            address: address.parse().ok(),
            port,
        };
        let (body, _) = body(
            ContainerRequest::new("busybox"),
            &[binding("127.0.0.1", None), binding("", Some(8080))],
            (1, 41),
        );
        assert_eq!(body["ExposedPorts"], json!({ "80/tcp": {} }));
        assert_eq!(
            body["HostConfig"]["PortBindings"],
            json!({ "80/tcp": [{ "HostIp": "127.0.0.1", "HostPort": "" }, { "HostIp": "", "HostPort": "8080" }] })
        );
    }

    #[test]
    fn older_engines_get_one_network_and_the_others_later() {
        let request = || {
            let mac = "02:00:00:00:00:01";
            ContainerRequest::new("busybox")
                .network("one")
                .network_alias("a")
                .mac_address(mac)
                .network("two")
        };
        let (new, later) = body(request(), &[], (1, 44));
        assert_eq!(later, []);
        assert_eq!(
            new["NetworkingConfig"]["EndpointsConfig"],
            json!({ "one": { "Aliases": ["a"], "MacAddress": "02:00:00:00:00:01" }, "two": {} })
        );
        let (old, later) = body(request(), &[], (1, 43));
        assert_eq!(
            old["NetworkingConfig"]["EndpointsConfig"],
            json!({ "one": { "Aliases": ["a"] } })
        );
        assert_eq!(old["MacAddress"], "02:00:00:00:00:01");
        assert_eq!(
            later.iter().map(|endpoint| endpoint.network.as_str()).collect::<Vec<_>>(),
            ["two"]
        );
        assert_eq!(old["HostConfig"]["NetworkMode"], "one");
    }

    #[test]
    fn raw_json_is_merged_key_by_key() {
        let mut body = json!({ "Image": "a", "HostConfig": { "Init": true, "Binds": ["/a:/a"] } });
        merge(&mut body, &json!({ "HostConfig": { "Binds": [], "PidsLimit": 5 } }));
        assert_eq!(
            body,
            json!({ "Image": "a", "HostConfig": { "Init": true, "Binds": [], "PidsLimit": 5 } })
        );
    }
}
