//! Each option of `docker run` by its method, by its flag, and what becomes of it in the body of the create request: one table,
//! compared with the table of flags, so that none is forgotten. Only tests.

use std::collections::{BTreeMap, BTreeSet};

use longshore_syntax::{Standing, RUN_FLAGS};
use serde_json::Value;

use super::{create_body, Binding, ContainerRequest, PullPolicy};

/// Stands in the body's place for the three options that are not in it: `name` and `platform` are in the path of the create
/// call, and `pull` is for what comes before it.
const NOT_IN_THE_BODY: &str = "-";

/// A new enough version of the API to have a place for everything.
const API: (usize, usize) = (1, 48);

struct Row {
    method: &'static str,
    by_method: ContainerRequest,
    flag: String,
    at: &'static str,
}

/// A request on which any option makes sense.
fn plain() -> ContainerRequest {
    ContainerRequest::new("busybox").memory("1g").network("net")
}

macro_rules! rows {
    ($($method:ident($($argument:expr),*) = $flag:expr => $at:expr;)*) => {
        vec![$(Row {
            method: stringify!($method),
            by_method: plain().$method($($argument),*),
            flag: $flag.to_string(),
            at: $at,
        }),*]
    };
}

#[rustfmt::skip]
fn rows(file: &str) -> Vec<Row> {
    rows! {
        add_host("db:10.0.0.1") = "--add-host db:10.0.0.1" => "/HostConfig/ExtraHosts/0";
        annotation("a", "b") = "--annotation a=b" => "/HostConfig/Annotations/a";
        blkio_weight(300) = "--blkio-weight 300" => "/HostConfig/BlkioWeight";
        blkio_weight_device("/dev/sda:200") = "--blkio-weight-device /dev/sda:200" => "/HostConfig/BlkioWeightDevice/0/Weight";
        cap_add("NET_ADMIN") = "--cap-add NET_ADMIN" => "/HostConfig/CapAdd/0";
        cap_drop("ALL") = "--cap-drop ALL" => "/HostConfig/CapDrop/0";
        cgroup_parent("/a") = "--cgroup-parent /a" => "/HostConfig/CgroupParent";
        cgroupns("host") = "--cgroupns host" => "/HostConfig/CgroupnsMode";
        cpu_count(2) = "--cpu-count 2" => "/HostConfig/CpuCount";
        cpu_percent(50) = "--cpu-percent 50" => "/HostConfig/CpuPercent";
        cpu_period(50_000) = "--cpu-period 50000" => "/HostConfig/CpuPeriod";
        cpu_quota(25_000) = "--cpu-quota 25000" => "/HostConfig/CpuQuota";
        cpu_rt_period(1_000_000) = "--cpu-rt-period 1000000" => "/HostConfig/CpuRealtimePeriod";
        cpu_rt_runtime(950_000) = "--cpu-rt-runtime 950000" => "/HostConfig/CpuRealtimeRuntime";
        cpu_shares(512) = "-c 512" => "/HostConfig/CpuShares";
        cpus(1.5) = "--cpus 1.5" => "/HostConfig/NanoCpus";
        cpuset_cpus("0,1") = "--cpuset-cpus 0,1" => "/HostConfig/CpusetCpus";
        cpuset_mems("0") = "--cpuset-mems 0" => "/HostConfig/CpusetMems";
        device("/dev/fuse") = "--device /dev/fuse" => "/HostConfig/Devices/0/PathOnHost";
        device_cgroup_rule("c 1:3 rwm") = "--device-cgroup-rule 'c 1:3 rwm'" => "/HostConfig/DeviceCgroupRules/0";
        device_read_bps("/dev/sda:1mb") = "--device-read-bps /dev/sda:1mb" => "/HostConfig/BlkioDeviceReadBps/0/Rate";
        device_read_iops("/dev/sda:9") = "--device-read-iops /dev/sda:9" => "/HostConfig/BlkioDeviceReadIOps/0/Rate";
        device_write_bps("/dev/sda:1mb") = "--device-write-bps /dev/sda:1mb" => "/HostConfig/BlkioDeviceWriteBps/0/Rate";
        device_write_iops("/dev/sda:9") = "--device-write-iops /dev/sda:9" => "/HostConfig/BlkioDeviceWriteIOps/0/Rate";
        dns("1.1.1.1") = "--dns 1.1.1.1" => "/HostConfig/Dns/0";
        dns_option("ndots:2") = "--dns-opt ndots:2" => "/HostConfig/DnsOptions/0";
        dns_search("a.b") = "--dns-search a.b" => "/HostConfig/DnsSearch/0";
        domainname("a.b") = "--domainname a.b" => "/Domainname";
        entrypoint(["env"]) = "--entrypoint env" => "/Entrypoint/0";
        env("A", "b c") = "-e 'A=b c'" => "/Env/0";
        env_file(file) = format!("--env-file {file}") => "/Env/0";
        expose("53/udp") = "--expose 53/udp" => "/ExposedPorts/53~1udp";
        gpus("all") = "--gpus all" => "/HostConfig/DeviceRequests/0/Count";
        group_add("27") = "--group-add 27" => "/HostConfig/GroupAdd/0";
        health_cmd("true") = "--health-cmd true" => "/Healthcheck/Test";
        health_interval("1m30s") = "--health-interval 1m30s" => "/Healthcheck/Interval";
        health_retries(5) = "--health-retries 5" => "/Healthcheck/Retries";
        health_start_interval("1s") = "--health-start-interval 1s" => "/Healthcheck/StartInterval";
        health_start_period("1s") = "--health-start-period 1s" => "/Healthcheck/StartPeriod";
        health_timeout("1s") = "--health-timeout 1s" => "/Healthcheck/Timeout";
        hostname("box") = "-h box" => "/Hostname";
        init() = "--init" => "/HostConfig/Init";
        interactive() = "-i" => "/OpenStdin";
        io_maxbandwidth("1m") = "--io-maxbandwidth 1m" => "/HostConfig/IOMaximumBandwidth";
        io_maxiops(9) = "--io-maxiops 9" => "/HostConfig/IOMaximumIOps";
        ip("10.0.0.7") = "--ip 10.0.0.7" => "/NetworkingConfig/EndpointsConfig/net/IPAMConfig/IPv4Address";
        ip6("fd00::7") = "--ip6 fd00::7" => "/NetworkingConfig/EndpointsConfig/net/IPAMConfig/IPv6Address";
        ipc("shareable") = "--ipc shareable" => "/HostConfig/IpcMode";
        isolation("default") = "--isolation default" => "/HostConfig/Isolation";
        kernel_memory("64m") = "--kernel-memory 64m" => "/HostConfig/KernelMemory";
        label("a", "b") = "-l a=b" => "/Labels/a";
        label_file(file) = format!("--label-file {file}") => "/Labels/A";
        link("db:x") = "--link db:x" => "/NetworkingConfig/EndpointsConfig/net/Links/0";
        link_local_ip("169.254.0.7") = "--link-local-ip 169.254.0.7" => "/NetworkingConfig/EndpointsConfig/net/IPAMConfig/LinkLocalIPs/0";
        log_driver("local") = "--log-driver local" => "/HostConfig/LogConfig/Type";
        log_opt("max-size", "1m") = "--log-opt max-size=1m" => "/HostConfig/LogConfig/Config/max-size";
        mac_address("92:d0:c6:0a:29:33") = "--mac-address 92:d0:c6:0a:29:33" => "/NetworkingConfig/EndpointsConfig/net/MacAddress";
        memory("2g") = "-m 2g" => "/HostConfig/Memory";
        memory_reservation("64m") = "--memory-reservation 64m" => "/HostConfig/MemoryReservation";
        memory_swap("2g") = "--memory-swap 2g" => "/HostConfig/MemorySwap";
        memory_swappiness(10) = "--memory-swappiness 10" => "/HostConfig/MemorySwappiness";
        mount("type=tmpfs,dst=/t") = "--mount type=tmpfs,dst=/t" => "/HostConfig/Mounts/0/Target";
        name("web") = "--name web" => NOT_IN_THE_BODY;
        network("other") = "--net other" => "/NetworkingConfig/EndpointsConfig/other";
        network_alias("db") = "--network-alias db" => "/NetworkingConfig/EndpointsConfig/net/Aliases/0";
        no_healthcheck() = "--no-healthcheck" => "/Healthcheck/Test/0";
        oom_kill_disable() = "--oom-kill-disable" => "/HostConfig/OomKillDisable";
        oom_score_adj(-500) = "--oom-score-adj -500" => "/HostConfig/OomScoreAdj";
        pid("host") = "--pid host" => "/HostConfig/PidMode";
        pids_limit(-1) = "--pids-limit -1" => "/HostConfig/PidsLimit";
        platform("linux/amd64") = "--platform linux/amd64" => NOT_IN_THE_BODY;
        privileged() = "--privileged" => "/HostConfig/Privileged";
        publish("8080:80") = "-p 8080:80" => "/HostConfig/PortBindings/80~1tcp/0";
        publish_all() = "-P" => "/HostConfig/PublishAllPorts";
        pull(PullPolicy::Always) = "--pull always" => NOT_IN_THE_BODY;
        read_only() = "--read-only" => "/HostConfig/ReadonlyRootfs";
        restart("on-failure:3") = "--restart on-failure:3" => "/HostConfig/RestartPolicy/MaximumRetryCount";
        rm(true) = "--rm" => "/HostConfig/AutoRemove";
        runtime("runc") = "--runtime runc" => "/HostConfig/Runtime";
        security_opt("no-new-privileges") = "--security-opt no-new-privileges" => "/HostConfig/SecurityOpt/0";
        shm_size("1g") = "--shm-size 1g" => "/HostConfig/ShmSize";
        stop_signal("SIGINT") = "--stop-signal SIGINT" => "/StopSignal";
        stop_timeout("3") = "--stop-timeout 3" => "/StopTimeout";
        storage_opt("size", "1g") = "--storage-opt size=1g" => "/HostConfig/StorageOpt/size";
        sysctl("a.b", "1") = "--sysctl a.b=1" => "/HostConfig/Sysctls/a.b";
        tmpfs("/run:size=1m") = "--tmpfs /run:size=1m" => "/HostConfig/Tmpfs/~1run";
        tty() = "-t" => "/Tty";
        ulimit("nofile=1:2") = "--ulimit nofile=1:2" => "/HostConfig/Ulimits/0/Soft";
        user("1:1") = "-u 1:1" => "/User";
        userns("host") = "--userns host" => "/HostConfig/UsernsMode";
        uts("host") = "--uts host" => "/HostConfig/UTSMode";
        volume("data:/data") = "-v data:/data" => "/HostConfig/Binds/0";
        volume_driver("local") = "--volume-driver local" => "/HostConfig/VolumeDriver";
        volumes_from("other:ro") = "--volumes-from other:ro" => "/HostConfig/VolumesFrom/0";
        workdir("/w") = "-w /w" => "/WorkingDir";
    }
}

fn body(request: &ContainerRequest) -> Value {
    let checked = request.check().unwrap_or_else(|error| panic!("{error}"));
    let bindings: Vec<_> = checked
        .mappings
        .iter()
        .map(|mapping| Binding { container: mapping.container_port(), address: None, port: None })
        .collect();
    create_body(request, &checked, &bindings, &BTreeMap::new(), API).0
}

/// What is different in two bodies, as JSON pointers.
fn differences(path: &str, one: &Value, other: &Value, found: &mut Vec<String>) {
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<_> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let path = format!("{path}/{}", key.replace('/', "~1"));
                differences(&path, &one[key], &other[key], found);
            }
        }
        (one, other) if one == other => {}
        _ => found.push(path.to_owned()),
    }
}

#[test]
fn each_option_is_said_by_its_method_and_by_its_flag_and_reaches_the_engine() {
    let file = std::env::temp_dir().join(format!("longshore-every-option-{}", std::process::id()));
    std::fs::write(&file, "A=b\n").unwrap();
    let rows = rows(&file.to_string_lossy());
    let plain = body(&plain());
    for Row { method, by_method, flag, at } in &rows {
        let line = format!("docker run -m 1g --network net {flag} busybox");
        assert_eq!(&ContainerRequest::from_run(&line).unwrap(), by_method, "{line}");
        let body = body(by_method);
        if *at == NOT_IN_THE_BODY {
            assert_eq!(body, plain, "{method}");
            continue;
        }
        assert!(body.pointer(at).is_some_and(|value| !value.is_null()), "{method}: {body}");
        assert_ne!(body.pointer(at), plain.pointer(at), "{method}");
        // And nothing else is said, but what goes with it.
        let mut found = Vec::new();
        differences("", &plain, &body, &mut found);
        let beside = |path: &String| !at.starts_with(path.as_str()) && !goes_with(method, path);
        assert!(!found.iter().any(beside), "{method} also sets {found:?}");
    }
    let methods: BTreeSet<_> = rows.iter().map(|row| row.method.replace('_', "-")).collect();
    let flags: BTreeSet<_> = RUN_FLAGS
        .iter()
        .filter(|flag| flag.standing() == Standing::Request)
        .map(|flag| flag.name().to_owned())
        .collect();
    assert_eq!(methods, flags);
    std::fs::remove_file(&file).unwrap();
}

/// Whether an option sets something more than its own.
fn goes_with(method: &str, path: &str) -> bool {
    match method {
        "network" => path == "/NetworkingConfig",
        "publish" => path == "/ExposedPorts",
        "restart" => path == "/HostConfig/RestartPolicy/Name",
        // As the command does.
        "link" => path == "/HostConfig/Links",
        _ => false,
    }
}
