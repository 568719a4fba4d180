//! `docker stats`: what a container uses, once and as a stream. The numbers are computed as Docker's command does.

use std::future::Future;
use std::pin::{pin, Pin};
use std::task::{Context, Poll};

use futures::future::{self, Either};
use futures::{Stream, StreamExt};
use serde_json::Value;
use tokio::sync::mpsc;

use super::handle::Container;
use crate::engine::{io, ApiError, ExitWatch, Remote, Sample};
use crate::error::{Error, Result};

const WHAT: &str = "what the container uses could not be measured";

const NOTHING: &str = "it uses nothing, since it does not run";

/// Samples that wait to be read.
const DEPTH: usize = 4;

impl Container {
    /// What it uses now (`docker stats --no-stream`). Takes one to two seconds: the share of the processors is the difference
    /// of two readings.
    ///
    /// # Errors
    ///
    /// When it does not run ([`is_exited`](Error::is_exited)).
    pub fn stats(&self) -> impl Future<Output = Result<Stats>> + Send + 'static {
        let remote = self.remote.clone();
        async move {
            let read = |remote: Remote| async move { remote.sample().await };
            let sample = remote.call_running(WHAT, read).await?;
            match sample.is_empty() {
                true => Err(remote.not_running(WHAT, NOTHING)),
                false => Ok(Stats::new(sample)),
            }
        }
    }

    /// What it uses, about once a second, until it ends (`docker stats`).
    ///
    /// # Errors
    ///
    /// When it does not run ([`is_exited`](Error::is_exited)).
    pub fn follow_stats(&self) -> impl Future<Output = Result<StatsStream>> + Send + 'static {
        let (remote, watch) = (self.remote.clone(), self.watch());
        async move {
            let open = |remote: Remote| async move {
                // Of one that does not run the engine would say nothing until it is started.
                let inspect = remote.inspect_raw().await?;
                if !matches!(inspect["State"]["Status"].as_str(), Some("running" | "paused")) {
                    return Ok(None);
                }
                Ok(Some(remote.samples().await?))
            };
            let Some(samples) = remote.call_running(WHAT, open).await? else {
                return Err(remote.not_running(WHAT, NOTHING));
            };
            let (sender, receiver) = mpsc::channel(DEPTH);
            let reader = io::spawn(follow(samples, watch, remote, sender)).abort_on_drop();
            Ok(StatsStream { samples: receiver, _reader: reader })
        }
    }
}

async fn follow(
    mut samples: impl Stream<Item = Result<Sample, ApiError>> + Send + Unpin,
    watch: ExitWatch,
    remote: Remote,
    into: mpsc::Sender<Result<Stats>>,
) {
    let mut ended = pin!(watch.exited());
    loop {
        // The engine's answer goes on beyond the container's end.
        let sample = match future::select(ended.as_mut(), samples.next()).await {
            Either::Left(_) | Either::Right((None, _)) => return,
            Either::Right((Some(sample), _)) => sample,
        };
        if sample.as_ref().is_ok_and(Sample::is_empty) {
            return;
        }
        let is_last = sample.is_err();
        let stats = sample.map(Stats::new).map_err(|error| {
            remote.name_in(error.while_trying("the stream of what the container uses broke off"))
        });
        if into.send(stats).await.is_err() || is_last {
            return;
        }
    }
}

/// What a container uses, as it is measured: a `Stream` of [`Stats`] that ends when the container does.
///
/// Dropping it closes the connection to the engine.
#[derive(Debug)]
pub struct StatsStream {
    samples: mpsc::Receiver<Result<Stats>>,
    _reader: io::Aborting,
}

impl StatsStream {
    /// The next sample, or `None` at the end; for code that does not want `StreamExt`.
    pub async fn next_sample(&mut self) -> Option<Result<Stats>> {
        self.samples.recv().await
    }
}

impl Stream for StatsStream {
    type Item = Result<Stats, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.samples.poll_recv(context)
    }
}

/// What a container uses at one moment, as a line of `docker stats`.
///
/// What the engine does not tell counts as 0. The numbers are those of Linux containers.
#[derive(Debug, Clone, PartialEq)]
pub struct Stats {
    raw: Value,
    /// The share of the processors, where it does not follow from the others.
    measured: Option<f64>,
}

impl Stats {
    fn new(sample: Sample) -> Self {
        Stats { raw: sample.raw, measured: sample.cpu_percent }
    }

    fn number(&self, pointer: &str) -> Option<u64> {
        self.raw.pointer(pointer).and_then(Value::as_u64)
    }

    /// The share of the processors since the sample before, in percent of one processor: 150.0 is one and a half. 0.0
    /// where there is no earlier sample, as for the first one of a stream.
    pub fn cpu_percent(&self) -> f64 {
        self.measured.unwrap_or_else(|| self.cpu_percent_of_readings())
    }

    fn cpu_percent_of_readings(&self) -> f64 {
        let used = |when: &str| self.number(&format!("/{when}/cpu_usage/total_usage"));
        let system = |when: &str| self.number(&format!("/{when}/system_cpu_usage"));
        let (Some(used_before), Some(system_before)) =
            (used("precpu_stats"), system("precpu_stats"))
        else {
            return 0.0;
        };
        let used = used("cpu_stats").unwrap_or_default().saturating_sub(used_before);
        let all = system("cpu_stats").unwrap_or_default().saturating_sub(system_before);
        if all == 0 || system_before == 0 {
            return 0.0;
        }
        let per_cpu = self.raw.pointer("/cpu_stats/cpu_usage/percpu_usage");
        let count = match self.number("/cpu_stats/online_cpus") {
            None | Some(0) => per_cpu.and_then(Value::as_array).map_or(1, Vec::len) as u64,
            Some(count) => count,
        };
        used as f64 / all as f64 * count as f64 * 100.0
    }

    /// Memory in use, in bytes, without the page cache that the kernel could take back at once.
    pub fn memory_usage(&self) -> u64 {
        let usage = self.number("/memory_stats/usage").unwrap_or_default();
        // Version 1 of control groups has both, version 2 the second.
        let cache = self
            .number("/memory_stats/stats/total_inactive_file")
            .filter(|cache| *cache < usage)
            .or_else(|| self.number("/memory_stats/stats/inactive_file"))
            .filter(|cache| *cache < usage);
        usage - cache.unwrap_or_default()
    }

    /// The most memory it may use, in bytes; the engine's machine's memory where there is no limit.
    pub fn memory_limit(&self) -> u64 {
        self.number("/memory_stats/limit").unwrap_or_default()
    }

    /// Memory in use, in percent of the limit.
    pub fn memory_percent(&self) -> f64 {
        match self.memory_limit() {
            0 => 0.0,
            limit => self.memory_usage() as f64 / limit as f64 * 100.0,
        }
    }

    /// Bytes received on all networks since the start.
    pub fn network_received(&self) -> u64 {
        self.network("rx_bytes")
    }

    /// Bytes sent on all networks since the start.
    pub fn network_sent(&self) -> u64 {
        self.network("tx_bytes")
    }

    fn network(&self, key: &str) -> u64 {
        let networks = self.raw["networks"].as_object().into_iter().flatten();
        networks.filter_map(|(_, network)| network[key].as_u64()).sum()
    }

    /// Bytes read from block devices since the start.
    pub fn block_read(&self) -> u64 {
        self.block('r')
    }

    /// Bytes written to block devices since the start.
    pub fn block_written(&self) -> u64 {
        self.block('w')
    }

    fn block(&self, letter: char) -> u64 {
        let entries = self.raw["blkio_stats"]["io_service_bytes_recursive"].as_array();
        let is_it = |entry: &&Value| {
            let first = entry["op"].as_str().and_then(|op| op.chars().next());
            first.is_some_and(|first| first.eq_ignore_ascii_case(&letter))
        };
        let entries = entries.into_iter().flatten().filter(is_it);
        entries.filter_map(|entry| entry["value"].as_u64()).sum()
    }

    /// How many processes and threads there are.
    pub fn pids(&self) -> u64 {
        self.number("/pids_stats/current").unwrap_or_default()
    }

    /// Everything, as the engine gave it.
    pub fn raw(&self) -> &Value {
        &self.raw
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn stats(raw: Value) -> Stats {
        Stats { raw, measured: None }
    }

    #[test]
    fn the_share_of_the_processors_is_that_of_docker_stats() {
        let reading = |used: u64, system: u64, more: Value| {
            let mut reading =
                json!({ "cpu_usage": { "total_usage": used }, "system_cpu_usage": system });
            reading.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            reading
        };
        let before = reading(1_000, 10_000, json!({}));
        let check = |now: Value, percent: f64| {
            let sample = stats(json!({ "cpu_stats": now, "precpu_stats": before }));
            assert_eq!(sample.cpu_percent(), percent);
        };
        check(reading(1_500, 11_000, json!({ "online_cpus": 2 })), 100.0);
        check(reading(1_500, 12_000, json!({ "online_cpus": 4 })), 100.0);
        check(reading(1_000, 12_000, json!({ "online_cpus": 4 })), 0.0);
        check(reading(1_500, 10_000, json!({ "online_cpus": 4 })), 0.0);
        // An older engine lists the processors instead.
        let mut old = reading(1_500, 11_000, json!({}));
        old["cpu_usage"]["percpu_usage"] = json!([1, 2, 3]);
        check(old, 150.0);
    }

    #[test]
    fn without_an_earlier_reading_there_is_no_share() {
        let first = json!({
            "cpu_stats": { "cpu_usage": { "total_usage": 5 }, "system_cpu_usage": 9, "online_cpus": 2 },
            "precpu_stats": { "cpu_usage": { "total_usage": 0 } },
        });
        assert_eq!(stats(first).cpu_percent(), 0.0);
    }

    #[test]
    fn memory_is_told_without_the_cache_in_both_versions_of_control_groups() {
        let memory = |details: Value| {
            stats(json!({ "memory_stats": { "usage": 1000, "limit": 4000, "stats": details } }))
        };
        let first = memory(json!({ "total_inactive_file": 200, "inactive_file": 100 }));
        assert_eq!((first.memory_usage(), first.memory_percent()), (800, 20.0));
        assert_eq!(memory(json!({ "inactive_file": 300 })).memory_usage(), 700);
        assert_eq!(memory(json!({ "inactive_file": 3000 })).memory_usage(), 1000);
        assert_eq!(memory(Value::Null).memory_usage(), 1000);
        assert_eq!(stats(json!({})).memory_percent(), 0.0);
    }

    #[test]
    fn networks_and_devices_are_summed() {
        let sample = stats(json!({
            "networks": { "eth0": { "rx_bytes": 1, "tx_bytes": 2 }, "eth1": { "rx_bytes": 10, "tx_bytes": 20 } },
            "blkio_stats": { "io_service_bytes_recursive": [
                { "op": "Read", "value": 3 }, { "op": "Write", "value": 5 }, { "op": "Total", "value": 8 },
                { "op": "read", "value": 30 }, { "op": "", "value": 1 },
            ] },
            "pids_stats": { "current": 7 },
        }));
        assert_eq!((sample.network_received(), sample.network_sent()), (11, 22));
        assert_eq!((sample.block_read(), sample.block_written()), (33, 5));
        assert_eq!(sample.pids(), 7);
    }
}
