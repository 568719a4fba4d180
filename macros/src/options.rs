//! The options of the attribute: one table, a row for each builder method of `ContainerRequest`, by the same name. A test compares
//! it with the methods.

use longshore_syntax::{
    parse_add_host, parse_bytes, parse_cpus, parse_device, parse_device_cgroup_rule,
    parse_duration, parse_expose, parse_gpus, parse_memory_swap, parse_mount, parse_network,
    parse_publish, parse_restart, parse_throttle_bytes, parse_throttle_operations, parse_ulimit,
    parse_volume, parse_weight_device, SyntaxError,
};

/// What is wrong with a value that is written as a string literal.
pub(crate) type Check = fn(&str) -> Result<(), SyntaxError>;

/// An option of the attribute.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) takes: Takes,
    /// Whether the method is called again for each time that it is written; else it may be written once.
    pub(crate) is_repeated: bool,
}

/// What an option takes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Takes {
    /// Nothing: `init`.
    Nothing,
    /// Nothing, or a truth value: `rm`, `rm = false`.
    Truth,
    /// One value: `user = "postgres"`.
    One(Check),
    /// A time as a `Duration`: `start_timeout = "90s"`.
    Time,
    /// A name and a value, as often as one likes: `env("A" = "b", "C" = "d")`.
    Named,
    /// Words: `cmd = ["sh", "-c", "true"]`.
    Words,
    /// Two values: `copy_to("here", "/there")`.
    FromTo,
    /// When the image is pulled: `pull = "always"`.
    Policy,
    /// When it is ready: `wait = log("ready")`.
    Wait,
}

const fn row(name: &'static str, takes: Takes) -> Row {
    Row { name, takes, is_repeated: false }
}

const fn once(name: &'static str) -> Row {
    row(name, Takes::One(|_| Ok(())))
}

const fn checked(name: &'static str, check: Check) -> Row {
    row(name, Takes::One(check))
}

const fn switch(name: &'static str) -> Row {
    row(name, Takes::Nothing)
}

const fn often(row: Row) -> Row {
    Row { is_repeated: true, ..row }
}

const fn named(name: &'static str) -> Row {
    often(row(name, Takes::Named))
}

macro_rules! reads {
    ($parse:ident) => {
        |text| $parse(text).map(drop)
    };
}

/// A number of seconds, as on the command line, or a time.
fn stop_time(text: &str) -> Result<(), SyntaxError> {
    match text.parse::<i64>() {
        Ok(_) => Ok(()),
        Err(_) => parse_duration(text).map(drop),
    }
}

/// Sorted by name. `container_name` is the method `name`: in the attribute, `name` is the parameter's.
#[rustfmt::skip]
pub(crate) const OPTIONS: &[Row] = &[
    often(checked("add_host", reads!(parse_add_host))),
    named("annotation"),
    once("blkio_weight"),
    often(checked("blkio_weight_device", reads!(parse_weight_device))),
    often(once("cap_add")),
    often(once("cap_drop")),
    once("cgroup_parent"),
    once("cgroupns"),
    row("cmd", Takes::Words),
    once("container_name"),
    often(once("copy")),
    often(row("copy_to", Takes::FromTo)),
    once("cpu_count"),
    once("cpu_percent"),
    once("cpu_period"),
    once("cpu_quota"),
    once("cpu_rt_period"),
    once("cpu_rt_runtime"),
    once("cpu_shares"),
    checked("cpus", reads!(parse_cpus)),
    once("cpuset_cpus"),
    once("cpuset_mems"),
    often(checked("device", reads!(parse_device))),
    often(checked("device_cgroup_rule", reads!(parse_device_cgroup_rule))),
    often(checked("device_read_bps", reads!(parse_throttle_bytes))),
    often(checked("device_read_iops", reads!(parse_throttle_operations))),
    often(checked("device_write_bps", reads!(parse_throttle_bytes))),
    often(checked("device_write_iops", reads!(parse_throttle_operations))),
    often(once("dns")),
    often(once("dns_option")),
    often(once("dns_search")),
    once("domainname"),
    row("entrypoint", Takes::Words),
    named("env"),
    often(once("env_file")),
    often(once("env_from_here")),
    often(once("envs")),
    often(checked("expose", reads!(parse_expose))),
    often(checked("gpus", reads!(parse_gpus))),
    often(once("group_add")),
    once("health_cmd"),
    checked("health_interval", reads!(parse_duration)),
    once("health_retries"),
    checked("health_start_interval", reads!(parse_duration)),
    checked("health_start_period", reads!(parse_duration)),
    checked("health_timeout", reads!(parse_duration)),
    once("hostname"),
    switch("init"),
    switch("interactive"),
    checked("io_maxbandwidth", reads!(parse_bytes)),
    once("io_maxiops"),
    once("ip"),
    once("ip6"),
    once("ipc"),
    once("isolation"),
    checked("kernel_memory", reads!(parse_bytes)),
    named("label"),
    often(once("label_file")),
    often(once("labels")),
    often(once("link")),
    often(once("link_local_ip")),
    once("log_driver"),
    named("log_opt"),
    once("mac_address"),
    checked("memory", reads!(parse_bytes)),
    checked("memory_reservation", reads!(parse_bytes)),
    checked("memory_swap", reads!(parse_memory_swap)),
    once("memory_swappiness"),
    often(checked("mount", reads!(parse_mount))),
    often(checked("network", reads!(parse_network))),
    often(once("network_alias")),
    switch("no_healthcheck"),
    switch("oom_kill_disable"),
    once("oom_score_adj"),
    once("pid"),
    once("pids_limit"),
    once("platform"),
    switch("privileged"),
    often(checked("publish", reads!(parse_publish))),
    switch("publish_all"),
    row("pull", Takes::Policy),
    row("pull_stall_timeout", Takes::Time),
    often(once("raw")),
    switch("read_only"),
    checked("restart", reads!(parse_restart)),
    row("rm", Takes::Truth),
    once("runtime"),
    often(once("security_opt")),
    checked("shm_size", reads!(parse_bytes)),
    row("start_timeout", Takes::Time),
    once("stop_signal"),
    checked("stop_timeout", stop_time),
    named("storage_opt"),
    named("sysctl"),
    often(once("tmpfs")),
    switch("tty"),
    often(checked("ulimit", reads!(parse_ulimit))),
    once("user"),
    once("userns"),
    once("uts"),
    often(checked("volume", reads!(parse_volume))),
    once("volume_driver"),
    often(once("volumes_from")),
    often(row("wait", Takes::Wait)),
    switch("warm"),
    once("warm_key"),
    often(row("warm_wait", Takes::Wait)),
    once("workdir"),
];

/// The option of that name.
pub(crate) fn option(name: &str) -> Option<&'static Row> {
    OPTIONS.iter().find(|row| row.name == name)
}

/// What reads the value of an option of `docker run`, by its long name.
pub(crate) fn check_of_flag(flag: &str) -> Option<Check> {
    match option(&flag.replace('-', "_"))?.takes {
        Takes::One(check) => Some(check),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    fn builder_methods() -> BTreeSet<String> {
        let options = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src/request/options");
        let mut methods = BTreeSet::new();
        for file in fs::read_dir(options).expect("the library's sources are beside this crate") {
            let text = fs::read_to_string(file.expect("a file").path()).expect("text");
            for line in text.split("pub fn ").skip(1) {
                let (head, _) = line.split_once('{').expect("a body");
                let name = head.split(['(', '<']).next().expect("a name");
                if head.contains("(self") || head.contains("(mut self") {
                    methods.insert(name.to_owned());
                }
            }
        }
        methods
    }

    #[test]
    fn each_builder_method_is_an_option_and_each_option_a_method() {
        let mut methods = builder_methods();
        assert!(methods.len() > 90, "{methods:?}");
        assert!(methods.remove("name"));
        methods.insert("container_name".into());
        let options: BTreeSet<_> = OPTIONS.iter().map(|row| row.name.to_owned()).collect();
        assert_eq!(options, methods);
    }

    #[test]
    fn the_table_is_sorted() {
        assert!(OPTIONS.is_sorted_by_key(|row| row.name));
    }
}
