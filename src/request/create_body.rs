//! The body of `POST /containers/create` for a checked request. No I/O.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use bollard::models;
use longshore_syntax::ContainerPort;
use serde_json::{Map, Value};

use super::check::{merge, Checked};
use super::container_request::{ContainerRequest, Health};

/// One published port, with the host's side decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binding {
    pub(crate) container: ContainerPort,
    /// `None` is all addresses.
    pub(crate) address: Option<IpAddr>,
    /// `None` leaves the choice to the engine.
    pub(crate) port: Option<u16>,
}

/// What the engine is sent: the request's options, the ports as they were chosen, and the labels of the session.
pub(crate) fn create_body(
    request: &ContainerRequest,
    checked: &Checked,
    bindings: &[Binding],
    session_labels: &BTreeMap<String, String>,
) -> Value {
    let options = &request.options;
    let mut labels = options.labels.clone();
    labels.extend(session_labels.clone());
    let body = models::ContainerCreateBody {
        image: Some(checked.image.familiar()),
        cmd: options.cmd.clone(),
        entrypoint: options.entrypoint.clone(),
        env: some(options.env.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        user: options.user.clone(),
        working_dir: options.workdir.clone(),
        hostname: options.hostname.clone(),
        tty: options.tty.then_some(true),
        open_stdin: options.interactive.then_some(true),
        labels: Some(labels.into_iter().collect()),
        stop_signal: options.stop_signal.clone(),
        stop_timeout: options.stop_timeout.map(whole_seconds),
        healthcheck: options.health.as_ref().map(health_config),
        ..Default::default()
    };
    let mut body = serde_json::to_value(body).expect("the model is plain data");
    body["HostConfig"] =
        serde_json::to_value(host_config(request, checked)).expect("the model is plain data");
    if !bindings.is_empty() {
        body["ExposedPorts"] = exposed_ports(bindings);
        body["HostConfig"]["PortBindings"] = port_bindings(bindings);
    }
    if let (Some(network), false) = (&options.network, options.network_alias.is_empty()) {
        body["NetworkingConfig"]["EndpointsConfig"][network.as_str()]["Aliases"] =
            options.network_alias.clone().into();
    }
    for raw in &options.raw {
        merge(&mut body, raw);
    }
    body
}

fn host_config(request: &ContainerRequest, checked: &Checked) -> models::HostConfig {
    let options = &request.options;
    let bytes = |size: Option<u64>| size.and_then(|size| i64::try_from(size).ok());
    models::HostConfig {
        network_mode: options.network.clone(),
        extra_hosts: some(options.add_host.clone()),
        binds: some(options.volume.iter().filter(|volume| volume.contains(':')).cloned().collect()),
        mounts: some(anonymous_volumes(&options.volume)),
        tmpfs: some_map(options.tmpfs.clone().into_iter().collect()),
        memory: bytes(checked.memory),
        shm_size: bytes(checked.shm_size),
        cap_add: some(options.cap_add.clone()),
        cap_drop: some(options.cap_drop.clone()),
        privileged: options.privileged.then_some(true),
        readonly_rootfs: options.read_only.then_some(true),
        init: options.init.then_some(true),
        auto_remove: options.rm.then_some(true),
        ..Default::default()
    }
}

/// `-v /data`: a volume without a name, removed with its container.
fn anonymous_volumes(volumes: &[String]) -> Vec<models::Mount> {
    let mount = |path: &String| models::Mount {
        target: Some(path.clone()),
        typ: Some(models::MountType::VOLUME),
        ..Default::default()
    };
    volumes.iter().filter(|volume| !volume.contains(':')).map(mount).collect()
}

fn exposed_ports(bindings: &[Binding]) -> Value {
    let ports =
        bindings.iter().map(|binding| (binding.container.to_string(), Value::Object(Map::new())));
    Value::Object(ports.collect())
}

/// Every mapping of a container port counts, so each port has a list.
fn port_bindings(bindings: &[Binding]) -> Value {
    let mut ports: BTreeMap<String, Vec<models::PortBinding>> = BTreeMap::new();
    for binding in bindings {
        ports.entry(binding.container.to_string()).or_default().push(models::PortBinding {
            host_ip: Some(binding.address.map_or_else(String::new, |address| address.to_string())),
            host_port: Some(binding.port.map_or_else(String::new, |port| port.to_string())),
        });
    }
    serde_json::to_value(ports).expect("the model is plain data")
}

fn health_config(health: &Health) -> models::HealthConfig {
    let nanoseconds =
        |time: Option<Duration>| time.and_then(|time| i64::try_from(time.as_nanos()).ok());
    models::HealthConfig {
        test: health.test.clone(),
        interval: nanoseconds(health.interval),
        timeout: nanoseconds(health.timeout),
        start_period: nanoseconds(health.start_period),
        retries: health.retries.map(i64::from),
        ..Default::default()
    }
}

/// Rounded up: a limit that was asked for is given.
pub(crate) fn whole_seconds(time: Duration) -> i64 {
    let seconds = time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0));
    // The engine counts in nanoseconds, in as many bits.
    i64::try_from(seconds).unwrap_or(i64::MAX).min(i64::MAX / 1_000_000_000)
}

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    Some(list).filter(|list| !list.is_empty())
}

fn some_map<K, V, S>(
    map: std::collections::HashMap<K, V, S>,
) -> Option<std::collections::HashMap<K, V, S>> {
    Some(map).filter(|map| !map.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn body(request: ContainerRequest, bindings: &[Binding]) -> Value {
        create_body(&request, &request.check().unwrap(), bindings, &BTreeMap::new())
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
            .raw(json!({ "HostConfig": { "PidsLimit": 9 } }));
        assert_eq!(
            body(request, &[]),
            json!({
                "Image": "busybox:1.35", "Cmd": ["sh"], "Env": ["A=b"], "Labels": {}, "StopTimeout": 2,
                "Healthcheck": { "Test": ["CMD-SHELL", "true"], "Interval": 1_500_000_000 },
                "HostConfig": {
                    "Memory": 536_870_912, "Binds": ["/on/host:/a:ro"], "Tmpfs": { "/run": "size=64m" },
                    "Mounts": [{ "Target": "/data", "Type": "volume" }], "PidsLimit": 9,
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
        let body = body(
            ContainerRequest::new("busybox"),
            &[binding("127.0.0.1", None), binding("", Some(8080))],
        );
        assert_eq!(body["ExposedPorts"], json!({ "80/tcp": {} }));
        assert_eq!(
            body["HostConfig"]["PortBindings"],
            json!({ "80/tcp": [{ "HostIp": "127.0.0.1", "HostPort": "" }, { "HostIp": "", "HostPort": "8080" }] })
        );
    }
}
