//! How much a container may use.

use crate::request::{ContainerRequest, Cpus, Size};

/// Memory.
impl ContainerRequest {
    /// The most memory it may take: `"512m"`, or bytes as a number; at least 6 MiB (`--memory`).
    pub fn memory(mut self, limit: impl Into<Size>) -> Self {
        self.words.set("memory", limit.into());
        self
    }

    /// The memory that it is held to when the machine is short of it; below the limit (`--memory-reservation`).
    pub fn memory_reservation(mut self, size: impl Into<Size>) -> Self {
        self.words.set("memory-reservation", size.into());
        self
    }

    /// The most memory and swap together; [`Size::unlimited`] or `"-1"` for any amount of swap (`--memory-swap`).
    pub fn memory_swap(mut self, limit: impl Into<Size>) -> Self {
        self.words.set("memory-swap", limit.into());
        self
    }

    /// How readily its pages are swapped out, 0 to 100 (`--memory-swappiness`; control groups of version 1).
    pub fn memory_swappiness(mut self, percent: u8) -> Self {
        self.words.set("memory-swappiness", percent.to_string());
        self
    }

    /// The most kernel memory (`--kernel-memory`; engines of today ignore or refuse it).
    pub fn kernel_memory(mut self, limit: impl Into<Size>) -> Self {
        self.words.set("kernel-memory", limit.into());
        self
    }

    /// The size of `/dev/shm`: `"1g"`, or bytes as a number; Docker's default is 64 MiB (`--shm-size`).
    pub fn shm_size(mut self, size: impl Into<Size>) -> Self {
        self.words.set("shm-size", size.into());
        self
    }

    /// Is not killed when it is out of memory (`--oom-kill-disable`).
    pub fn oom_kill_disable(mut self) -> Self {
        self.words.switch("oom-kill-disable", true);
        self
    }

    /// How readily it is killed when the machine is out of memory, -1000 to 1000 (`--oom-score-adj`).
    pub fn oom_score_adj(mut self, score: i32) -> Self {
        self.words.set("oom-score-adj", score.to_string());
        self
    }
}

/// Processors and processes.
impl ContainerRequest {
    /// How many processors it may use: `2`, `1.5`, `"0.25"` (`--cpus`).
    pub fn cpus(mut self, count: impl Into<Cpus>) -> Self {
        self.words.set("cpus", count.into());
        self
    }

    /// Its weight against other containers, 1024 being usual (`--cpu-shares`).
    pub fn cpu_shares(mut self, weight: u32) -> Self {
        self.words.set("cpu-shares", weight.to_string());
        self
    }

    /// The period of the scheduler in microseconds, 1000 to 1000000 (`--cpu-period`).
    pub fn cpu_period(mut self, microseconds: u32) -> Self {
        self.words.set("cpu-period", microseconds.to_string());
        self
    }

    /// The processor time in each period in microseconds, at least 1000; -1 for no limit (`--cpu-quota`).
    pub fn cpu_quota(mut self, microseconds: i64) -> Self {
        self.words.set("cpu-quota", microseconds.to_string());
        self
    }

    /// The period of the real-time scheduler in microseconds (`--cpu-rt-period`).
    pub fn cpu_rt_period(mut self, microseconds: u32) -> Self {
        self.words.set("cpu-rt-period", microseconds.to_string());
        self
    }

    /// The real-time processor time in each period in microseconds (`--cpu-rt-runtime`).
    pub fn cpu_rt_runtime(mut self, microseconds: u32) -> Self {
        self.words.set("cpu-rt-runtime", microseconds.to_string());
        self
    }

    /// The processors that it may use: `"0-3"`, `"0,1"` (`--cpuset-cpus`).
    pub fn cpuset_cpus(mut self, processors: impl Into<String>) -> Self {
        self.words.set("cpuset-cpus", processors);
        self
    }

    /// The memory nodes that it may use: `"0-3"`, `"0,1"` (`--cpuset-mems`).
    pub fn cpuset_mems(mut self, nodes: impl Into<String>) -> Self {
        self.words.set("cpuset-mems", nodes);
        self
    }

    /// The most processes; -1 for no limit (`--pids-limit`).
    pub fn pids_limit(mut self, count: i64) -> Self {
        self.words.set("pids-limit", count.to_string());
        self
    }

    /// A limit as `ulimit` has it: `"nofile=1024:2048"` (soft and hard), `"nproc=64"` (`--ulimit`).
    pub fn ulimit(mut self, limit: impl Into<String>) -> Self {
        self.words.push("ulimit", limit);
        self
    }

    /// The number of processors, on Windows (`--cpu-count`).
    pub fn cpu_count(mut self, count: u32) -> Self {
        self.words.set("cpu-count", count.to_string());
        self
    }

    /// The share of the processors in percent, on Windows (`--cpu-percent`).
    pub fn cpu_percent(mut self, percent: u32) -> Self {
        self.words.set("cpu-percent", percent.to_string());
        self
    }
}

/// Disks.
impl ContainerRequest {
    /// Its weight against others at the disks, 10 to 1000 (`--blkio-weight`).
    pub fn blkio_weight(mut self, weight: u16) -> Self {
        self.words.set("blkio-weight", weight.to_string());
        self
    }

    /// Its weight at one disk: `"/dev/sda:500"` (`--blkio-weight-device`).
    pub fn blkio_weight_device(mut self, weight: impl Into<String>) -> Self {
        self.words.push("blkio-weight-device", weight);
        self
    }

    /// The most bytes that it reads from a disk in a second: `"/dev/sda:1mb"` (`--device-read-bps`).
    pub fn device_read_bps(mut self, limit: impl Into<String>) -> Self {
        self.words.push("device-read-bps", limit);
        self
    }

    /// The most reads from a disk in a second: `"/dev/sda:1000"` (`--device-read-iops`).
    pub fn device_read_iops(mut self, limit: impl Into<String>) -> Self {
        self.words.push("device-read-iops", limit);
        self
    }

    /// The most bytes that it writes to a disk in a second: `"/dev/sda:1mb"` (`--device-write-bps`).
    pub fn device_write_bps(mut self, limit: impl Into<String>) -> Self {
        self.words.push("device-write-bps", limit);
        self
    }

    /// The most writes to a disk in a second: `"/dev/sda:1000"` (`--device-write-iops`).
    pub fn device_write_iops(mut self, limit: impl Into<String>) -> Self {
        self.words.push("device-write-iops", limit);
        self
    }

    /// The most bytes in a second on the system's drive, on Windows (`--io-maxbandwidth`).
    pub fn io_maxbandwidth(mut self, limit: impl Into<Size>) -> Self {
        self.words.set("io-maxbandwidth", limit.into());
        self
    }

    /// The most operations in a second on the system's drive, on Windows (`--io-maxiops`).
    pub fn io_maxiops(mut self, limit: u32) -> Self {
        self.words.set("io-maxiops", limit.to_string());
        self
    }
}
