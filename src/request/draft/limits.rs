//! How much a container may use, where that is more than one number in one place, and which limits go together.

use longshore_syntax::{
    parse_cpus, parse_memory_swap, parse_throttle_bytes, parse_throttle_operations, parse_ulimit,
    parse_weight_device, SyntaxError, Throttle,
};
use serde_json::{json, Value};

use super::{Draft, Place};

/// The least that Docker gives a container.
const LEAST_MEMORY: i64 = 6 * 1024 * 1024;

impl Draft<'_> {
    pub(super) fn limits(&mut self) {
        self.memory();
        self.processors();
        self.disks();
        let ulimits = self.each(
            "ulimit",
            parse_ulimit,
            |limit| json!({ "Name": limit.name(), "Soft": limit.soft(), "Hard": limit.hard() }),
        );
        self.put_list("Ulimits", ulimits);
    }

    fn memory(&mut self) {
        let bytes = |draft: &Self, key: &str| draft.host.get(key).and_then(Value::as_i64);
        let (memory, reservation) = (bytes(self, "Memory"), bytes(self, "MemoryReservation"));
        if memory.is_some_and(|memory| memory > 0 && memory < LEAST_MEMORY) {
            self.problems.add(
                format!("{} of memory is not enough for a container", self.word("memory")),
                "Docker gives 6m or more",
            );
        }
        if let (Some(memory), Some(reservation)) = (memory, reservation) {
            if memory > 0 && reservation > memory {
                self.problems.add(
                    format!(
                        "the memory reservation {} is more than the limit {}",
                        self.word("memory-reservation"),
                        self.word("memory")
                    ),
                    "a reservation is below the limit",
                );
            }
        }
        if let Some(swap) = self.words.one("memory-swap") {
            let Some(bytes) = self.problems.take_for("memory-swap", parse_memory_swap(swap)) else {
                return;
            };
            self.put(Place::Host, "MemorySwap", bytes.into());
            match memory.filter(|memory| *memory > 0) {
                None if bytes > 0 => self.problems.add(
                    format!("`--memory-swap {swap}` needs a limit of memory"),
                    "it is memory and swap together: write `--memory` too",
                ),
                Some(memory) if bytes > 0 && bytes < memory => self.problems.add(
                    format!(
                        "`--memory-swap {swap}` is less than `--memory {}`",
                        self.word("memory")
                    ),
                    "it is memory and swap together",
                ),
                _ => {}
            }
        }
    }

    fn processors(&mut self) {
        let Some(word) = self.words.one("cpus") else { return };
        let Some(count) = self.problems.take(parse_cpus(word)) else { return };
        self.put(Place::Host, "NanoCpus", count.into());
        for flag in ["cpu-period", "cpu-quota"] {
            if self.words.one(flag).is_some() {
                self.problems.add(
                    format!("`--cpus` and `--{flag}` cannot both be"),
                    "`--cpus` is a period and a quota: leave one of them away",
                );
            }
        }
    }

    fn disks(&mut self) {
        if self.words.one("blkio-weight").is_some_and(|word| matches!(word.parse(), Ok(1..=9))) {
            self.problems.add(
                format!("`{}` is not a number for `--blkio-weight`", self.word("blkio-weight")),
                "it is between 10 and 1000, or 0",
            );
        }
        let weights = self.each(
            "blkio-weight-device",
            parse_weight_device,
            |device| json!({ "Path": device.device(), "Weight": device.weight() }),
        );
        self.put_list("BlkioWeightDevice", weights);
        let rate = |limit: Throttle| json!({ "Path": limit.device(), "Rate": limit.rate() });
        for (flag, key) in
            [("device-read-bps", "BlkioDeviceReadBps"), ("device-write-bps", "BlkioDeviceWriteBps")]
        {
            let limits = self.each(flag, parse_throttle_bytes, rate);
            self.put_list(key, limits);
        }
        for (flag, key) in [
            ("device-read-iops", "BlkioDeviceReadIOps"),
            ("device-write-iops", "BlkioDeviceWriteIOps"),
        ] {
            let limits = self.each(flag, parse_throttle_operations, rate);
            self.put_list(key, limits);
        }
    }

    fn word(&self, flag: &str) -> &str {
        self.words.one(flag).unwrap_or_default()
    }

    /// Each word of an option, parsed and made JSON.
    pub(super) fn each<T>(
        &mut self,
        flag: &str,
        parse: impl Fn(&str) -> Result<T, SyntaxError>,
        to_json: impl Fn(T) -> Value,
    ) -> Vec<Value> {
        let words = self.words.all(flag).iter();
        words.filter_map(|word| self.problems.take_for(flag, parse(word)).map(&to_json)).collect()
    }

    pub(super) fn put_list(&mut self, key: &str, list: Vec<Value>) {
        if !list.is_empty() {
            self.put(Place::Host, key, list.into());
        }
    }
}
