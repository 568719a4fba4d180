//! The options of `docker run`: one table, in which every other file looks an option up.
//!
//! It holds what Docker 20.10 to 29 know, hidden options and those for Windows included. What the
//! value of an option means is not said here.

use crate::nearest::nearest;

/// An option of `docker run`.
///
/// # Examples
///
/// ```
/// use longshore_syntax::{run_flag, Standing, Takes};
///
/// let flag = run_flag("publish").unwrap();
/// assert_eq!(flag.short(), Some('p'));
/// assert_eq!(flag.takes(), Takes::Values);
/// assert_eq!(flag.standing(), Standing::Request);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RunFlag {
    name: &'static str,
    short: Option<char>,
    alias: Option<&'static str>,
    takes: Takes,
    standing: Standing,
}

/// What an option takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Takes {
    /// Nothing: it is a switch, written `--tty`, `--tty=true` or `--tty=false`.
    Nothing,
    /// A value. Where the option is repeated, the last one counts.
    Value,
    /// A value each time that it is written, and all of them count.
    Values,
}

/// Whom an option concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Standing {
    /// The container: the option is a part of the request for it.
    Request,
    /// Only the command `docker`, its terminal and its output. It has no effect here.
    Client,
    /// The command `docker`, in a way that has another form here. The text says which.
    Unsupported(&'static str),
}

impl RunFlag {
    /// The long name, without the dashes: `cap-add`.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The letter of the short form, such as `p` for `-p`.
    pub const fn short(&self) -> Option<char> {
        self.short
    }

    /// Another long name that Docker takes for the same option but does not show: `net` for
    /// `network`.
    pub const fn alias(&self) -> Option<&'static str> {
        self.alias
    }

    /// Whether it takes a value, and how often.
    pub const fn takes(&self) -> Takes {
        self.takes
    }

    /// Whom it concerns.
    pub const fn standing(&self) -> Standing {
        self.standing
    }

    const fn new(name: &'static str, takes: Takes) -> Self {
        Self { name, short: None, alias: None, takes, standing: Standing::Request }
    }

    const fn or(mut self, short: char) -> Self {
        self.short = Some(short);
        self
    }

    const fn hidden(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }

    const fn standing_as(mut self, standing: Standing) -> Self {
        self.standing = standing;
        self
    }
}

const fn switch(name: &'static str) -> RunFlag {
    RunFlag::new(name, Takes::Nothing)
}

const fn value(name: &'static str) -> RunFlag {
    RunFlag::new(name, Takes::Value)
}

const fn values(name: &'static str) -> RunFlag {
    RunFlag::new(name, Takes::Values)
}

/// Every option of `docker run`, sorted by name.
///
/// The source is `docker run --help` of Docker 20.10 to 29 with the options that it hides
/// (docker/cli, `cli/command/container/opts.go`, `run.go` and `create.go`). An option under two
/// names is here once.
pub const RUN_FLAGS: &[RunFlag] = &[
    values("add-host"),
    values("annotation"),
    values("attach")
        .or('a')
        .standing_as(Standing::Unsupported("attach to the container with `container.attach()`")),
    value("blkio-weight"),
    values("blkio-weight-device"),
    values("cap-add"),
    values("cap-drop"),
    value("cgroup-parent"),
    value("cgroupns"),
    value("cidfile").standing_as(Standing::Unsupported("the id is `container.id()`")),
    value("cpu-count"),
    value("cpu-percent"),
    value("cpu-period"),
    value("cpu-quota"),
    value("cpu-rt-period"),
    value("cpu-rt-runtime"),
    value("cpu-shares").or('c'),
    value("cpus"),
    value("cpuset-cpus"),
    value("cpuset-mems"),
    switch("detach").or('d').standing_as(Standing::Client),
    value("detach-keys").standing_as(Standing::Client),
    values("device"),
    values("device-cgroup-rule"),
    values("device-read-bps"),
    values("device-read-iops"),
    values("device-write-bps"),
    values("device-write-iops"),
    switch("disable-content-trust").standing_as(Standing::Client),
    values("dns"),
    values("dns-option").hidden("dns-opt"),
    values("dns-search"),
    value("domainname"),
    value("entrypoint"),
    values("env").or('e'),
    values("env-file"),
    values("expose"),
    values("gpus"),
    values("group-add"),
    value("health-cmd"),
    value("health-interval"),
    value("health-retries"),
    value("health-start-interval"),
    value("health-start-period"),
    value("health-timeout"),
    switch("help").standing_as(Standing::Unsupported(
        "leave it away; `docker run --help` in a terminal lists the options",
    )),
    value("hostname").or('h'),
    switch("init"),
    switch("interactive").or('i'),
    value("io-maxbandwidth"),
    value("io-maxiops"),
    value("ip"),
    value("ip6"),
    value("ipc"),
    value("isolation"),
    value("kernel-memory"),
    values("label").or('l'),
    values("label-file"),
    values("link"),
    values("link-local-ip"),
    value("log-driver"),
    values("log-opt"),
    value("mac-address"),
    value("memory").or('m'),
    value("memory-reservation"),
    value("memory-swap"),
    value("memory-swappiness"),
    values("mount"),
    value("name"),
    values("network").hidden("net"),
    values("network-alias").hidden("net-alias"),
    switch("no-healthcheck"),
    switch("oom-kill-disable"),
    value("oom-score-adj"),
    value("pid"),
    value("pids-limit"),
    value("platform"),
    switch("privileged"),
    values("publish").or('p'),
    switch("publish-all").or('P'),
    value("pull"),
    switch("quiet").or('q').standing_as(Standing::Client),
    switch("read-only"),
    value("restart"),
    switch("rm"),
    value("runtime"),
    values("security-opt"),
    value("shm-size"),
    switch("sig-proxy").standing_as(Standing::Client),
    value("stop-signal"),
    value("stop-timeout"),
    values("storage-opt"),
    values("sysctl"),
    values("tmpfs"),
    switch("tty").or('t'),
    values("ulimit"),
    switch("use-api-socket").standing_as(Standing::Unsupported(
        "mount the socket: `-v /var/run/docker.sock:/var/run/docker.sock`",
    )),
    value("user").or('u'),
    value("userns"),
    value("uts"),
    values("volume").or('v'),
    value("volume-driver"),
    values("volumes-from"),
    value("workdir").or('w'),
];

/// What other tools and habit call an option.
const HABITS: &[(&str, &str)] = &[
    ("cmd", "entrypoint"),
    ("environment", "env"),
    ("environ", "env"),
    ("ports", "publish"),
    ("port", "publish"),
    ("remove", "rm"),
    ("working-dir", "workdir"),
    ("cwd", "workdir"),
    ("mem", "memory"),
    ("memory-limit", "memory"),
    ("extra-hosts", "add-host"),
    ("healthcheck", "health-cmd"),
    ("bind", "volume"),
];

/// The option with this long name (without the dashes), be it one that Docker does not show.
///
/// # Examples
///
/// ```
/// use longshore_syntax::run_flag;
///
/// assert_eq!(run_flag("net").unwrap().name(), "network");
/// assert_eq!(run_flag("memroy"), None);
/// ```
pub fn run_flag(name: &str) -> Option<&'static RunFlag> {
    match RUN_FLAGS.binary_search_by(|flag| flag.name.cmp(name)) {
        Ok(at) => RUN_FLAGS.get(at),
        Err(_) => RUN_FLAGS.iter().find(|flag| flag.alias == Some(name)),
    }
}

/// The option with this letter.
pub(crate) fn short_flag(letter: char) -> Option<&'static RunFlag> {
    RUN_FLAGS.iter().find(|flag| flag.short == Some(letter))
}

/// The name of the option that was meant by one that is not there.
pub(crate) fn meant_flag(name: &str) -> Option<&'static str> {
    let habit = HABITS.iter().find(|(habit, _)| name.replace('_', "-").eq_ignore_ascii_case(habit));
    match habit {
        Some((_, meant)) => Some(meant),
        None => nearest(name, RUN_FLAGS.iter().map(|flag| flag.name)).or_else(|| {
            let habit = nearest(name, HABITS.iter().map(|(habit, _)| *habit))?;
            HABITS.iter().find(|(other, _)| *other == habit).map(|(_, meant)| *meant)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_nothing_is_in_it_twice() {
        for pair in RUN_FLAGS.windows(2) {
            assert!(pair[0].name < pair[1].name, "{} {}", pair[0].name, pair[1].name);
        }
        let mut letters: Vec<char> = RUN_FLAGS.iter().filter_map(RunFlag::short).collect();
        let count = letters.len();
        letters.sort_unstable();
        letters.dedup();
        assert_eq!(letters.len(), count);
        for alias in RUN_FLAGS.iter().filter_map(RunFlag::alias) {
            assert!(RUN_FLAGS.iter().all(|flag| flag.name != alias), "{alias}");
        }
    }

    #[test]
    fn every_flag_is_found_by_each_of_its_names() {
        for flag in RUN_FLAGS {
            assert_eq!(run_flag(flag.name), Some(flag));
            if let Some(alias) = flag.alias() {
                assert_eq!(run_flag(alias), Some(flag));
            }
            if let Some(letter) = flag.short() {
                assert_eq!(short_flag(letter), Some(flag));
            }
        }
        for name in ["", "-", "p", "--publish", "Publish", "publish="] {
            assert_eq!(run_flag(name), None, "{name}");
        }
    }

    #[test]
    fn every_habit_leads_to_a_flag() {
        for (habit, name) in HABITS {
            assert_eq!(run_flag(habit), None, "{habit}");
            assert!(run_flag(name).is_some(), "{name}");
        }
    }

    #[test]
    fn what_was_meant_is_found() {
        for (written, meant) in [
            ("memroy", "memory"),
            ("volumes", "volume"),
            ("cap_add", "cap-add"),
            ("ports", "publish"),
            ("working_dir", "workdir"),
            ("networks", "network"),
            ("readonly", "read-only"),
            ("priv", "privileged"),
            ("healthcmd", "health-cmd"),
        ] {
            assert_eq!(meant_flag(written), Some(meant), "{written}");
        }
        assert_eq!(meant_flag("systemd"), None);
    }

    #[test]
    fn what_is_not_a_request_is_named() {
        let names = |standing: fn(Standing) -> bool| -> Vec<&str> {
            RUN_FLAGS.iter().filter(|flag| standing(flag.standing)).map(RunFlag::name).collect()
        };
        assert_eq!(
            names(|standing| standing == Standing::Client),
            ["detach", "detach-keys", "disable-content-trust", "quiet", "sig-proxy"]
        );
        assert_eq!(
            names(|standing| matches!(standing, Standing::Unsupported(_))),
            ["attach", "cidfile", "help", "use-api-socket"]
        );
    }
}
