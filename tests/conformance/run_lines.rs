//! Lines of `docker run`, given to the real command and to longshore: both make the same container.
//!
//! The command is the one of the engine's own release (`LONGSHORE_TEST_DOCKER`, set by `tests/run`). What may differ is taken away
//! before the two are compared: names, ids, labels of ours, addresses that were dealt out, and the host's side of published ports.

use std::collections::BTreeMap;
use std::process::Command;

use longshore::{ContainerRequest, Wait};
use serde_json::{json, Map, Value};

use crate::support::{api, api_with, get, unique, TestResult, BUSYBOX};

/// How far a line is taken.
#[derive(Clone, Copy, PartialEq)]
enum Until {
    /// `docker run -d`
    Started,
    /// `docker create`: what cannot run on every machine, such as a graphics processor.
    Created,
    /// `docker run -d`, which the engine of these tests refuses: both have to hear so.
    Refused,
}
use Until::{Created, Refused, Started};

/// Lines without `docker run -d` before and without `busybox:1.35 sleep 600` behind them. What stands in braces is made for the
/// line.
const LINES: &[(Until, &str)] = &[
    (Started, ""),
    (Started, "-it --rm"),
    (Started, "--rm -p 5432:5432 -e POSTGRES_USER=myuser -e POSTGRES_PASSWORD=mypassword"),
    (Started, "-p 80 -p 127.0.0.1::81/udp"),
    (Started, "-p 38080-38090:80"),
    (Started, "-p 38100-38102:5000-5002 --expose 7000-7001/udp"),
    (Started, "-p 0.0.0.0:38111:80 -p 127.0.0.1:38112:80"),
    (Started, "--expose 80 --expose 53/udp"),
    (Started, "-e A=1 -e 'B=two words' -e EMPTY= --env C=a=b"),
    (Started, "-e HOME -e LONGSHORE_SURELY_NOT_SET"),
    (Started, "--env-file {dir}/env -e FROM_FILE=no"),
    (Started, "-l one=1 --label two --label 'three=a b'"),
    (Started, "--label-file {dir}/labels -l mine=1"),
    (Started, "-u 1000:1000 -w /tmp"),
    (Started, "--user nobody --group-add 4 --group-add 27"),
    (Started, "-h box --domainname example.org"),
    (Started, "--stop-signal SIGINT --stop-timeout 3"),
    (Started, "--init"),
    (Started, "--init=false --tty=false --interactive"),
    (Started, "--entrypoint env"),
    (Started, "--read-only --tmpfs /run --tmpfs /tmp:size=64m,mode=1777"),
    (Started, "-v /anonymous"),
    (Started, "-v {volume}:/data -v {dir}:/there:ro"),
    (Started, "-v {volume}:/data:nocopy -v {dir}:/z:z,rprivate"),
    (Started, "--mount type=bind,source={dir},target=/there,readonly"),
    (Started, "--mount src={volume},dst=/data,volume-nocopy --mount type=volume,dst=/new"),
    (Started, "--mount type=tmpfs,target=/mem,tmpfs-size=1m,tmpfs-mode=1770"),
    (Started, "--mount 'type=volume,dst=/new,volume-driver=local,volume-label=a=b,\"volume-opt=o=size=1m,uid=7\",volume-opt=type=tmpfs,volume-opt=device=tmpfs'"),
    (Started, "--volumes-from {other}:ro"),
    (Started, "--network {net}"),
    (Started, "--net {net} --network-alias db --net-alias database"),
    (Started, "--network {net} --ip {ip} --link {other}:neighbour"),
    (Started, "--network name={net},alias=db,ip={ip}"),
    (Started, "--network host"),
    (Started, "--network none"),
    (Started, "--network container:{other}"),
    (Started, "--link {other}"),
    (Started, "--mac-address 92:d0:c6:0a:29:33"),
    (Started, "--add-host db:10.0.0.1 --add-host host.docker.internal:host-gateway"),
    (Started, "--dns 1.1.1.1 --dns-search example.org --dns-opt ndots:2"),
    (Started, "-m 512m --memory-reservation 256m --memory-swap 1g"),
    (Started, "--memory 1.5g --memory-swap -1"),
    (Started, "--shm-size 128m --ipc shareable"),
    (Started, "--cpus 0.5 --cpu-shares 512"),
    (Started, "--cpu-period 50000 --cpu-quota 25000 --cpuset-cpus 0"),
    (Started, "--pids-limit 100 --ulimit nofile=1024:2048 --ulimit nproc=64"),
    (Started, "--pids-limit -1 --oom-score-adj 500"),
    (Started, "--cap-add NET_ADMIN --cap-drop all --cap-add cap_chown"),
    (Started, "--security-opt no-new-privileges --security-opt seccomp=unconfined"),
    (Started, "--security-opt seccomp={dir}/seccomp.json --security-opt systempaths=unconfined"),
    (Started, "--device /dev/null:/dev/nothing:rw --device-cgroup-rule 'c 1:3 rwm'"),
    (Started, "--sysctl net.ipv4.ip_forward=1 --sysctl net.core.somaxconn=1024"),
    (Started, "--health-cmd 'test -e /tmp' --health-interval 1m30s --health-timeout 3s --health-retries 5 --health-start-period 2s"),
    (Started, "--no-healthcheck"),
    (Started, "--restart on-failure:3 --log-driver json-file --log-opt max-size=10m --log-opt max-file=2"),
    (Started, "--restart unless-stopped --log-driver local"),
    (Started, "--pid host --uts host"),
    (Started, "--pid container:{other} --cgroupns host"),
    (Started, "--userns host --runtime runc --isolation default"),
    (Started, "--pull missing --platform linux/amd64 --sig-proxy=false --detach-keys ctrl-a"),
    (Created, "--privileged --cgroupns private"),
    (Created, "--mount type=bind,src={dir},dst=/there,bind-propagation=rslave,consistency=cached"),
    (Started, "-P --expose 9000 -p 38121:9001"),
    (Created, "--gpus all"),
    (Created, "--gpus '\"device=0,1\",capabilities=utility'"),
    (Created, "--device-read-bps /dev/sda:1mb --device-write-iops /dev/sda:1000"),
    (Created, "--blkio-weight 300 --blkio-weight-device /dev/sda:200 --memory-swappiness 10 -m 64m"),
    (Created, "--cpu-rt-period 1000000 --cpu-rt-runtime 950000 --oom-kill-disable -m 64m"),
    (Created, "--cgroup-parent /a --volume-driver local"),
    (Created, "-it --attach stdin"),
    (Refused, "--storage-opt size=1G"),
    (Refused, "--network {net} --ip 192.0.2.1"),
];

/// Lines that only newer engines and their commands understand.
const NEWER: &[(Until, &str)] = &[
    (Started, "--annotation one=1"),
    (Started, "--health-cmd true --health-start-period 2s --health-start-interval 1s"),
    (Started, "--network {net} --network name={net2},alias=b"),
    (Started, "--network name={net},mac-address=92:d0:c6:0a:29:34,driver-opt=com.docker.network.endpoint.ifname=eth7"),
    (Started, "--mount type=bind,src={dir},dst=/there,readonly,bind-recursive=writable"),
    (Started, "-v ./tests/data:/here:ro"),
    (Started, "-q --pull always"),
    (Created, "--device vendor.com/class=name"),
];

/// What lines name: made beforehand, removed at the end.
struct Scene {
    other: String,
    net: String,
    net2: String,
    volume: String,
    folder: tempfile::Folder,
    subnet: u8,
}

/// A folder of one's own.
mod tempfile {
    use std::path::{Path, PathBuf};

    pub(super) struct Folder(PathBuf);

    impl Folder {
        pub(super) fn new() -> std::io::Result<Self> {
            let path = std::env::temp_dir().join(crate::support::unique("longshore-lines"));
            std::fs::create_dir_all(&path)?;
            Ok(Folder(path))
        }

        pub(super) fn path(&self) -> &Path {
            &self.0
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            drop(std::fs::remove_dir_all(&self.0));
        }
    }
}

impl Scene {
    fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let folder = tempfile::Folder::new()?;
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text);
        write(
            "env",
            "# a comment\nFROM_FILE=yes\n  QUOTED=\"as it is\"\nHOME\nLONGSHORE_SURELY_NOT_SET\n",
        )?;
        write("labels", "file=1\nalone\n")?;
        write("seccomp.json", "{ \"defaultAction\": \"SCMP_ACT_ALLOW\" }\n")?;
        let (net, net2, volume, other) =
            (unique("lines"), unique("lines2"), unique("lines"), unique("lines"));
        let mut subnet = 100;
        loop {
            let body = json!({ "Name": net, "IPAM": { "Config": [{ "Subnet": format!("10.97.{subnet}.0/24") }] } });
            match api_with("POST", "/networks/create", &body.to_string()) {
                (201, _) => break,
                (_, text) if text.contains("overlaps") && subnet < 200 => subnet += 1,
                (status, text) => return Err(format!("{status} {text}").into()),
            }
        }
        let answers = [
            api_with("POST", "/networks/create", &json!({ "Name": net2 }).to_string()),
            api_with("POST", "/volumes/create", &json!({ "Name": volume }).to_string()),
        ];
        let body =
            json!({ "Image": BUSYBOX, "Cmd": ["sleep", "600"], "Volumes": { "/shared": {} } });
        let scene = Scene { other, net, net2, volume, folder, subnet };
        let made = api_with(
            "POST",
            &format!("/containers/create?name={}", scene.other),
            &body.to_string(),
        );
        let started = api("POST", &format!("/containers/{}/start", scene.other));
        for (status, text) in answers.into_iter().chain([made, started]) {
            assert!((200..300).contains(&status), "{status}: {text}");
        }
        Ok(scene)
    }

    fn fill(&self, line: &str) -> String {
        let folder = self.folder.path().to_string_lossy();
        [
            ("{other}", self.other.as_str()),
            ("{net}", &self.net),
            ("{net2}", &self.net2),
            ("{volume}", &self.volume),
            ("{dir}", &folder),
            ("{ip}", &format!("10.97.{}.77", self.subnet)),
        ]
        .into_iter()
        .fold(line.to_owned(), |line, (name, value)| line.replace(name, value))
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        api("DELETE", &format!("/containers/{}?force=1&v=1", self.other));
        api("DELETE", &format!("/networks/{}", self.net));
        api("DELETE", &format!("/networks/{}", self.net2));
        api("DELETE", &format!("/volumes/{}", self.volume));
    }
}

/// What the real command makes of a line.
fn by_docker(docker: &str, until: Until, line: &str) -> Result<Value, String> {
    let verb = if until == Created { "create" } else { "run -d" };
    let output = Command::new("sh")
        .args(["-c", &format!("exec \"$0\" {verb} {line} {BUSYBOX} sleep 600"), docker])
        .output()
        .map_err(|error| error.to_string())?;
    let id = String::from_utf8_lossy(&output.stdout)
        .trim()
        .lines()
        .last()
        .unwrap_or_default()
        .to_owned();
    let inspect = match output.status.success() {
        true => Ok(get(&format!("/containers/{id}/json"))),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    };
    if !id.is_empty() {
        api("DELETE", &format!("/containers/{id}?force=1&v=1"));
    }
    inspect
}

/// What longshore makes of it.
async fn by_longshore(until: Until, line: &str) -> Result<Value, longshore::Error> {
    let line = format!("docker run {line} {BUSYBOX} sleep 600");
    let request = ContainerRequest::from_run(&line)?;
    assert_eq!(ContainerRequest::from_run(&request.to_run())?, request, "{line}");
    let container = match until {
        Started | Refused => request.wait(Wait::running()).start().await?,
        Created => request.create().await?,
    };
    let inspect = get(&format!("/containers/{}/json", container.id()));
    container.remove().await?;
    Ok(inspect)
}

/// What has to be the same.
fn comparable(inspect: &Value, until: Until) -> Value {
    let id = inspect["Id"].as_str().unwrap_or_default();
    let name = inspect["Name"].as_str().unwrap_or_default().trim_start_matches('/');
    let mut config = inspect["Config"].clone();
    if config["Hostname"].as_str().is_some_and(|host| !host.is_empty() && id.starts_with(host)) {
        config["Hostname"] = "the id".into();
    }
    if let Some(labels) = config["Labels"].as_object_mut() {
        labels.retain(|name, _| !name.starts_with("org.longshore."));
    }
    if until == Created {
        // A command that creates has attached itself beforehand; a request is for the background.
        for key in ["AttachStdin", "AttachStdout", "AttachStderr", "StdinOnce"] {
            config[key] = Value::Null;
        }
    }
    if let Some(variables) = config["Env"].as_array_mut() {
        // Newer commands have an order of their own.
        variables.sort_by_key(Value::to_string);
    }
    let mut host = inspect["HostConfig"].clone();
    host["PortBindings"] = match host["PublishAllPorts"] == true {
        // Longshore publishes them one by one, to have them on its own address.
        true => Value::Null,
        false => ports(&inspect["HostConfig"]["PortBindings"]),
    };
    for key in ["CapAdd", "CapDrop"] {
        if let Some(names) = host[key].as_array_mut() {
            // Older commands pass them on as they are written.
            for one in names.iter_mut() {
                let word = one.as_str().unwrap_or_default().to_uppercase();
                *one = word.strip_prefix("CAP_").unwrap_or(&word).into();
            }
            names.sort_by_key(Value::to_string);
        }
    }
    if let Some(links) = host["Links"].as_array_mut() {
        for link in links {
            *link = link.as_str().unwrap_or_default().replace(name, "the name").into();
        }
    }
    if let Some(binds) = host["Binds"].as_array_mut() {
        // The command keeps them in no order.
        binds.sort_by_key(Value::to_string);
    }
    let mut mounts = inspect["Mounts"].as_array().cloned().unwrap_or_default();
    for mount in &mut mounts {
        if mount["Name"].as_str().is_some_and(|name| name.len() == 64) {
            mount["Name"] = "anonymous".into();
            mount["Source"] = "anonymous".into();
        }
    }
    mounts.sort_by_key(|mount| mount["Destination"].to_string());
    let networks = inspect["NetworkSettings"]["Networks"].as_object().into_iter().flatten();
    let networks: BTreeMap<_, _> = networks
        .map(|(network, endpoint)| (network.clone(), endpoint_of(endpoint, id, name)))
        .collect();
    json!({
        "Config": config,
        "HostConfig": host,
        "Mounts": mounts,
        "Networks": networks,
        "Ports": ports(&inspect["NetworkSettings"]["Ports"]).as_object().map(|ports| ports.keys().cloned().collect::<Vec<_>>()),
    })
}

/// An endpoint without what was dealt out to it.
fn endpoint_of(endpoint: &Value, id: &str, name: &str) -> Value {
    let mut endpoint = endpoint.clone();
    endpoint["EndpointID"] = Value::Null;
    if endpoint["IPAMConfig"]["IPv4Address"].is_null() {
        endpoint["IPAddress"] = Value::Null;
    }
    if endpoint["MacAddress"].as_str().is_none_or(|mac| !mac.starts_with("92:d0:c6:0a:29")) {
        endpoint["MacAddress"] = Value::Null;
    }
    for key in ["Aliases", "DNSNames"] {
        if let Some(names) = endpoint[key].as_array_mut() {
            // Docker adds the short id.
            names.retain(|one| one != name && one.as_str() != id.get(..12));
        }
    }
    endpoint
}

/// Published ports by the container's side, with the host's port where one was said, and without its address.
fn ports(bindings: &Value) -> Value {
    let ports = bindings.as_object().into_iter().flatten().map(|(port, bindings)| {
        let mut hosts: Vec<_> =
            bindings.as_array().into_iter().flatten().map(|binding| &binding["HostPort"]).collect();
        hosts.dedup();
        let said = |port: &&Value| {
            port.as_str().is_some_and(|port| port.starts_with("381") || port == "5432")
        };
        (
            port.clone(),
            json!([!hosts.is_empty(), hosts.iter().copied().filter(said).collect::<Vec<_>>()]),
        )
    });
    Value::Object(ports.collect::<Map<_, _>>())
}

/// Each place in which two values differ.
fn differences(path: &str, docker: &Value, ours: &Value, found: &mut Vec<String>) {
    match (docker, ours) {
        (Value::Object(a), Value::Object(b)) => {
            let keys = a.keys().chain(b.keys().filter(|key| !a.contains_key(*key)));
            for key in keys {
                differences(&format!("{path}.{key}"), &docker[key], &ours[key], found);
            }
        }
        (a, b) if a == b => {}
        // Some commands say an empty list where others say nothing.
        (Value::Null, Value::Array(list)) | (Value::Array(list), Value::Null)
            if list.is_empty() => {}
        (a, b) => found.push(format!("{path}: the command gives {a}, longshore {b}")),
    }
}

/// The engine's own command, or a visible reason not to compare.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn docker() -> Option<String> {
    let docker = std::env::var("LONGSHORE_TEST_DOCKER").ok();
    if docker.is_none() {
        let engine = std::env::var("LONGSHORE_TEST_ENGINE").unwrap_or_default();
        let why =
            "no `docker` command to compare with; set LONGSHORE_TEST_DOCKER to the path of one";
        // Podman has a command of its own, which is not the one that the words are from.
        assert!(std::env::var_os("CI").is_none() || engine.starts_with("podman"), "{why}");
        eprintln!("SKIPPED: {why}");
    }
    docker
}

async fn check(lines: &[(Until, &str)]) -> TestResult {
    let Some(docker) = docker() else { return Ok(()) };
    // The command pulls by itself, but tells so on the output that is read here.
    ContainerRequest::new(BUSYBOX).cmd(["true"]).create().await?.remove().await?;
    let scene = Scene::new()?;
    let mut wrong = Vec::new();
    for (until, line) in lines {
        let filled = scene.fill(line);
        let theirs = by_docker(&docker, *until, &filled);
        let ours = by_longshore(*until, &filled.replace("--attach stdin", "")).await;
        match (theirs, ours) {
            (Ok(theirs), Ok(ours)) => {
                let mut found = Vec::new();
                differences(
                    "",
                    &comparable(&theirs, *until),
                    &comparable(&ours, *until),
                    &mut found,
                );
                wrong.extend(
                    found.into_iter().map(|difference| format!("{line}\n    {difference}")),
                );
            }
            (Err(_), Err(_)) if *until == Refused => {}
            (Err(theirs), Ok(_)) => {
                wrong.push(format!("{line}\n    the command refuses: {theirs}"))
            }
            (_, Err(ours)) => wrong.push(format!("{line}\n    longshore refuses: {ours}")),
        }
    }
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

#[tokio::test]
async fn a_line_makes_the_container_that_docker_makes_of_it() -> TestResult {
    check(LINES).await
}

#[tokio::test]
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
async fn a_line_for_newer_engines_does_too() -> TestResult {
    let newer = get("/version")["ApiVersion"].as_str().is_some_and(|version| version != "1.41");
    if !newer {
        eprintln!("SKIPPED: the engine is too old for them");
        return Ok(());
    }
    check(NEWER).await
}
