//! What keeps a container apart: capabilities, security options, devices, namespaces.

use std::collections::{BTreeMap, BTreeSet};

use longshore_syntax::{parse_device, parse_device_cgroup_rule, parse_gpus, Device};
use serde_json::{json, Value};

use super::{Draft, Place};

impl Draft<'_> {
    pub(super) fn security(&mut self) {
        let (added, mut dropped) = (self.capabilities("cap-add"), self.capabilities("cap-drop"));
        dropped.retain(|capability| !added.contains(capability));
        for (key, list) in [("CapAdd", added), ("CapDrop", dropped)] {
            self.put_list(key, list.into_iter().map(Value::from).collect());
        }
        self.security_options();
        self.devices();
        self.namespaces();
    }

    /// As the command sends them: `net_admin` is `CAP_NET_ADMIN`, in the order of the alphabet, and `ALL` is all.
    fn capabilities(&self, flag: &str) -> BTreeSet<String> {
        let one = |word: &String| match word.trim().to_ascii_uppercase() {
            word if word == "ALL" || word.starts_with("CAP_") => word,
            word => format!("CAP_{word}"),
        };
        let mut found: BTreeSet<_> = self.words.all(flag).iter().map(one).collect();
        if found.contains("ALL") {
            found.retain(|capability| capability == "ALL");
        }
        found
    }

    fn security_options(&mut self) {
        let mut options = Vec::new();
        for word in self.words.all("security-opt") {
            let (name, value) =
                word.split_once('=').or_else(|| word.split_once(':')).unwrap_or((word, ""));
            match (name, value) {
                ("no-new-privileges" | "writable-cgroups", _) => {
                    options.push(Value::from(word.clone()))
                }
                // These are not passed on: the command turns them into the lists themselves.
                ("systempaths", "unconfined") => {
                    self.put(Place::Host, "MaskedPaths", json!([]));
                    self.put(Place::Host, "ReadonlyPaths", json!([]));
                }
                ("seccomp", "unconfined" | "builtin") => options.push(word.clone().into()),
                ("seccomp", path) => options.extend(self.profile(path).map(Value::from)),
                (_, "") => self.problems.add(
                    format!("`{word}` is not a security option"),
                    "write `name=value`, such as `seccomp=unconfined`, or `no-new-privileges`",
                ),
                _ => options.push(word.clone().into()),
            }
        }
        self.put_list("SecurityOpt", options);
    }

    /// A seccomp profile is sent, not named.
    fn profile(&mut self, path: &str) -> Option<String> {
        let hint = "name a file of this machine with a seccomp profile in JSON, or write `seccomp=unconfined`";
        let content = match std::fs::read(path) {
            Ok(content) => content,
            Err(error) => {
                self.problems
                    .add(format!("the seccomp profile `{path}` cannot be read: {error}"), hint);
                return None;
            }
        };
        match serde_json::from_slice::<Value>(&content) {
            Ok(profile) => {
                let option = format!("seccomp={profile}");
                let absolute = std::path::absolute(path).unwrap_or_else(|_| path.into());
                self.profiles.push((option.clone(), absolute.to_string_lossy().into_owned()));
                Some(option)
            }
            Err(error) => {
                self.problems
                    .add(format!("the seccomp profile `{path}` is not JSON: {error}"), hint);
                None
            }
        }
    }

    fn devices(&mut self) {
        let (mut devices, mut requests) = (Vec::new(), Vec::new());
        for word in self.words.all("device") {
            match self.problems.take(parse_device(word)) {
                Some(Device::Node(node)) => devices.push(json!({
                    "PathOnHost": node.host(), "PathInContainer": node.container(),
                    "CgroupPermissions": node.permissions().to_string(),
                })),
                Some(Device::Cdi(name)) => {
                    self.needs("a CDI device", (1, 43));
                    requests.push(json!({ "Driver": "cdi", "DeviceIDs": [name] }));
                }
                _ => {}
            }
        }
        self.put_list("Devices", devices);
        let gpus = self.each("gpus", parse_gpus, |gpus| {
            json!({
                "Driver": gpus.driver().unwrap_or_default(), "Count": gpus.count(),
                "DeviceIDs": Some(gpus.device_ids()).filter(|ids| !ids.is_empty()),
                "Capabilities": [gpus.capabilities()],
                "Options": gpus.options().iter().cloned().collect::<BTreeMap<_, _>>(),
            })
        });
        requests.splice(0..0, gpus);
        self.put_list("DeviceRequests", requests);
        let rules = self
            .each("device-cgroup-rule", parse_device_cgroup_rule, |rule| rule.to_string().into());
        self.put_list("DeviceCgroupRules", rules);
    }

    fn namespaces(&mut self) {
        let one_of: [(&str, &[&str], bool); 5] = [
            ("pid", &["host"], true),
            ("ipc", &["none", "private", "shareable", "host"], true),
            ("uts", &["host"], false),
            ("userns", &["host"], false),
            ("cgroupns", &["private", "host"], false),
        ];
        for (flag, modes, takes_container) in one_of {
            let Some(word) = self.words.one(flag) else { continue };
            let of_container = word.strip_prefix("container:").is_some_and(|name| !name.is_empty());
            // Podman knows more of them, such as `keep-id`.
            let is_podmans = flag == "userns" && !word.starts_with("container:");
            if modes.contains(&word) || (takes_container && of_container) || is_podmans {
                continue;
            }
            let mut known: Vec<_> = modes.iter().map(|mode| format!("`{mode}`")).collect();
            if takes_container {
                known.push("`container:NAME`".into());
            }
            let known = known.join(", ");
            self.problems.add(
                format!("`{word}` is not a mode for `--{flag}`"),
                format!("it is one of {known}"),
            );
        }
    }
}
