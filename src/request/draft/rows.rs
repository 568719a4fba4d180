//! The options that are one value in one place of the body.

use longshore_syntax::parse_bytes;
use serde_json::{json, Map, Value};

use super::{Draft, Place};
use crate::request::words::{has_no_name, name_of};

use Kind::{List, Pairs, Size, Switch, Text, Whole};
use Place::{Config, Host};

/// How the words of an option become JSON.
enum Kind {
    /// As it is.
    Text,
    /// All of them, as they are.
    List,
    /// `true`.
    Switch,
    /// A number of bytes.
    Size,
    /// A whole number within these.
    Whole(i64, i64),
    /// `name=value`, as an object.
    Pairs,
}

const ROWS: &[(&str, Place, &str, Kind)] = &[
    ("annotation", Host, "Annotations", Pairs),
    ("blkio-weight", Host, "BlkioWeight", Whole(0, 1000)),
    ("cgroup-parent", Host, "CgroupParent", Text),
    ("cgroupns", Host, "CgroupnsMode", Text),
    ("cpu-count", Host, "CpuCount", Whole(0, i64::MAX)),
    ("cpu-percent", Host, "CpuPercent", Whole(0, 100)),
    ("cpu-period", Host, "CpuPeriod", Whole(0, i64::MAX)),
    ("cpu-quota", Host, "CpuQuota", Whole(-1, i64::MAX)),
    ("cpu-rt-period", Host, "CpuRealtimePeriod", Whole(0, i64::MAX)),
    ("cpu-rt-runtime", Host, "CpuRealtimeRuntime", Whole(0, i64::MAX)),
    ("cpu-shares", Host, "CpuShares", Whole(0, i64::MAX)),
    ("cpuset-cpus", Host, "CpusetCpus", Text),
    ("cpuset-mems", Host, "CpusetMems", Text),
    ("dns", Host, "Dns", List),
    ("dns-option", Host, "DnsOptions", List),
    ("dns-search", Host, "DnsSearch", List),
    ("domainname", Config, "Domainname", Text),
    ("group-add", Host, "GroupAdd", List),
    ("hostname", Config, "Hostname", Text),
    ("init", Host, "Init", Switch),
    ("interactive", Config, "OpenStdin", Switch),
    ("io-maxbandwidth", Host, "IOMaximumBandwidth", Size),
    ("io-maxiops", Host, "IOMaximumIOps", Whole(0, i64::MAX)),
    ("ipc", Host, "IpcMode", Text),
    ("isolation", Host, "Isolation", Text),
    ("kernel-memory", Host, "KernelMemory", Size),
    ("memory", Host, "Memory", Size),
    ("memory-reservation", Host, "MemoryReservation", Size),
    ("memory-swappiness", Host, "MemorySwappiness", Whole(-1, 100)),
    ("oom-kill-disable", Host, "OomKillDisable", Switch),
    ("oom-score-adj", Host, "OomScoreAdj", Whole(-1000, 1000)),
    ("pid", Host, "PidMode", Text),
    ("pids-limit", Host, "PidsLimit", Whole(-1, i64::MAX)),
    ("privileged", Host, "Privileged", Switch),
    ("publish-all", Host, "PublishAllPorts", Switch),
    ("read-only", Host, "ReadonlyRootfs", Switch),
    ("rm", Host, "AutoRemove", Switch),
    ("runtime", Host, "Runtime", Text),
    ("shm-size", Host, "ShmSize", Size),
    ("stop-signal", Config, "StopSignal", Text),
    ("storage-opt", Host, "StorageOpt", Pairs),
    ("sysctl", Host, "Sysctls", Pairs),
    ("tty", Config, "Tty", Switch),
    ("user", Config, "User", Text),
    ("userns", Host, "UsernsMode", Text),
    ("uts", Host, "UTSMode", Text),
    ("volume-driver", Host, "VolumeDriver", Text),
    ("volumes-from", Host, "VolumesFrom", List),
    ("workdir", Config, "WorkingDir", Text),
];

impl Draft<'_> {
    pub(super) fn rows(&mut self) {
        for (flag, place, key, kind) in ROWS {
            let value = match kind {
                Text => self.words.one(flag).map(Value::from),
                List => {
                    self.list(*place, flag, key);
                    continue;
                }
                Switch => self.words.one(flag).map(|word| (word == "true").into()),
                Size => self
                    .words
                    .one(flag)
                    .and_then(|word| self.problems.take_for(flag, parse_bytes(word)))
                    .map(Value::from),
                Whole(least, most) => self.whole(flag, *least, *most).map(Value::from),
                Pairs => self.pairs(flag),
            };
            if let Some(value) = value {
                self.put(*place, key, value);
            }
        }
    }

    /// The whole number of an option.
    pub(super) fn whole(&mut self, flag: &str, least: i64, most: i64) -> Option<i64> {
        let word = self.words.one(flag)?;
        let number = word.parse().ok().filter(|number| (least..=most).contains(number));
        if number.is_none() {
            let hint = match (flag, least, most) {
                ("stop-timeout", ..) => {
                    "write a number of seconds, or `-1` to kill it never".to_owned()
                }
                (_, _, i64::MAX) => format!("write a whole number; it is {least} or more"),
                _ => format!("write a whole number; it is between {least} and {most}"),
            };
            self.problems.add(format!("`{word}` is not a number for `--{flag}`"), hint);
        }
        number
    }

    /// The `name=value` words of an option, as an object.
    pub(super) fn pairs(&mut self, flag: &str) -> Option<Value> {
        let mut object = Map::new();
        for word in self.words.all(flag) {
            match word.split_once('=') {
                Some((name, value)) if !has_no_name(word) => {
                    object.insert(name.to_owned(), json!(value))
                }
                // Docker takes a name alone for an empty value, for what it has to pass on.
                None if !has_no_name(word) && matches!(flag, "log-opt" | "annotation") => {
                    object.insert(word.clone(), json!(""))
                }
                _ => {
                    self.problems.add(
                        format!("`{}` is not a name and a value for `--{flag}`", name_of(word)),
                        "write `name=value`",
                    );
                    continue;
                }
            };
        }
        (!object.is_empty()).then_some(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_flags() {
        assert!(ROWS.windows(2).all(|two| two[0].0 < two[1].0));
    }
}
