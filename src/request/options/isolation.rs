//! What keeps a container apart from the machine and from others.

use crate::request::ContainerRequest;

/// Privileges and devices.
impl ContainerRequest {
    /// A capability more than the engine's usual ones, such as `"NET_ADMIN"` (`--cap-add`).
    pub fn cap_add(mut self, capability: impl Into<String>) -> Self {
        self.words.push("cap-add", capability);
        self
    }

    /// A capability less, or `"ALL"` (`--cap-drop`).
    pub fn cap_drop(mut self, capability: impl Into<String>) -> Self {
        self.words.push("cap-drop", capability);
        self
    }

    /// All capabilities and devices of the host (`--privileged`).
    pub fn privileged(mut self) -> Self {
        self.words.switch("privileged", true);
        self
    }

    /// A security option: `"no-new-privileges"`, `"seccomp=unconfined"`, `"seccomp=profile.json"` (a file of this machine),
    /// `"apparmor=..."`, `"label=..."`, `"systempaths=unconfined"` (`--security-opt`).
    pub fn security_opt(mut self, option: impl Into<String>) -> Self {
        self.words.push("security-opt", option);
        self
    }

    /// A device of the host: `"/dev/fuse"`, `"/dev/sda:/dev/xvda:r"`, or a CDI name such as `"vendor.com/class=name"`
    /// (`--device`).
    pub fn device(mut self, device: impl Into<String>) -> Self {
        self.words.push("device", device);
        self
    }

    /// A rule for devices that come later: `"c 1:3 rwm"` (`--device-cgroup-rule`).
    pub fn device_cgroup_rule(mut self, rule: impl Into<String>) -> Self {
        self.words.push("device-cgroup-rule", rule);
        self
    }

    /// Graphics processors: `"all"`, `"2"`, `"device=0"` (`--gpus`).
    pub fn gpus(mut self, gpus: impl Into<String>) -> Self {
        self.words.push("gpus", gpus);
        self
    }
}

/// Namespaces and the like.
impl ContainerRequest {
    /// The namespace of processes: `"host"`, `"container:ID"` (`--pid`).
    pub fn pid(mut self, mode: impl Into<String>) -> Self {
        self.words.set("pid", mode);
        self
    }

    /// The namespace of shared memory and the like: `"private"`, `"shareable"`, `"none"`, `"host"`, `"container:ID"` (`--ipc`).
    pub fn ipc(mut self, mode: impl Into<String>) -> Self {
        self.words.set("ipc", mode);
        self
    }

    /// The namespace of the host name: `"host"` (`--uts`).
    pub fn uts(mut self, mode: impl Into<String>) -> Self {
        self.words.set("uts", mode);
        self
    }

    /// The namespace of users: `"host"` (`--userns`).
    pub fn userns(mut self, mode: impl Into<String>) -> Self {
        self.words.set("userns", mode);
        self
    }

    /// The namespace of control groups: `"private"`, `"host"` (`--cgroupns`).
    pub fn cgroupns(mut self, mode: impl Into<String>) -> Self {
        self.words.set("cgroupns", mode);
        self
    }

    /// The control group beneath which its own is made (`--cgroup-parent`).
    pub fn cgroup_parent(mut self, group: impl Into<String>) -> Self {
        self.words.set("cgroup-parent", group);
        self
    }

    /// A setting of the kernel in its namespaces, such as `("net.core.somaxconn", "1024")` (`--sysctl`).
    pub fn sysctl(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.words.push_named("sysctl", name.as_ref(), value.as_ref());
        self
    }

    /// The runtime, one that the engine was set up with (`--runtime`).
    pub fn runtime(mut self, runtime: impl Into<String>) -> Self {
        self.words.set("runtime", runtime);
        self
    }

    /// The technology of isolation: `"default"`, and on Windows `"process"` or `"hyperv"` (`--isolation`).
    pub fn isolation(mut self, technology: impl Into<String>) -> Self {
        self.words.set("isolation", technology);
        self
    }
}
