//! `docker update`: other limits for a container, running or not.

use std::future::Future;

use longshore_syntax::{parse_bytes, parse_cpus, parse_restart, SyntaxError};
use serde_json::{json, Map, Value};

use super::handle::Container;
use crate::engine::io;
use crate::error::{Error, Kind, Result};
use crate::request::{Cpus, Size};

impl Container {
    /// Gives it other limits, and another restart policy (`docker update`). What is not said stays as it is. Gives the
    /// engine's warnings, such as that the kernel has no such limit and it was left away; usually there are none.
    ///
    /// # Errors
    ///
    /// When the update is wrong in itself (everything that is wrong with it; nothing is asked then), or when the engine
    /// refuses.
    pub fn update(
        &self,
        update: Update,
    ) -> impl Future<Output = Result<Vec<String>>> + Send + 'static {
        let remote = self.remote.clone();
        async move {
            let body = update.body().map_err(|error| remote.name_in(error))?;
            io::check_process()?;
            let asked = remote.clone();
            let answer = io::run(async move { asked.update(&body).await });
            let answer = answer.await.map_err(|error| {
                let told = error.to_string();
                let report = error.while_trying("the container's limits could not be changed");
                remote.name_in(match hint(&told) {
                    Some(hint) => report.hint(hint),
                    None => report,
                })
            })?;
            let warnings = answer["Warnings"].as_array().into_iter().flatten();
            let warnings = warnings.filter_map(|warning| warning.as_str().map(str::to_owned));
            Ok(warnings.collect())
        }
    }
}

/// What an engine's refusal asks for.
fn hint(told: &str) -> Option<&'static str> {
    const HINTS: [(&str, &str); 3] = [
        ("already set memoryswap limit", "say the limit with swap too: `.memory_swap(..)`"),
        ("AutoRemove", "a container that is removed at its end (`.rm(true)`) cannot be restarted"),
        (
            "CPU Period has already been set",
            "it was made with a quota, which `.cpus(..)` cannot replace",
        ),
    ];
    HINTS.iter().find(|(saying, _)| told.contains(saying)).map(|(_, hint)| *hint)
}

/// Other limits for a container, in the words of `docker update`.
///
/// # Examples
///
/// ```no_run
/// use longshore::{Container, Update};
///
/// # async fn example(container: Container) -> longshore::Result<()> {
/// let update = Update::new().memory("512m").memory_swap("1g").cpus("1.5");
/// let warnings = container.update(update).await?;
/// assert!(warnings.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
#[must_use = "an update does nothing until it is given to a container"]
pub struct Update {
    memory: Option<Size>,
    memory_swap: Option<Size>,
    memory_reservation: Option<Size>,
    cpus: Option<Cpus>,
    cpu_shares: Option<u32>,
    cpuset_cpus: Option<String>,
    cpuset_mems: Option<String>,
    pids_limit: Option<i64>,
    blkio_weight: Option<u16>,
    restart: Option<String>,
}

impl Update {
    /// An update that changes nothing yet.
    pub fn new() -> Self {
        Update::default()
    }

    /// The most memory it may take: `"512m"`, or bytes as a number (`--memory`). Docker wants
    /// [`memory_swap`](Update::memory_swap) with it if the new limit is above the old one of both.
    pub fn memory(mut self, limit: impl Into<Size>) -> Self {
        self.memory = Some(limit.into());
        self
    }

    /// The most memory and swap together, or [`Size::unlimited`] (`--memory-swap`).
    pub fn memory_swap(mut self, limit: impl Into<Size>) -> Self {
        self.memory_swap = Some(limit.into());
        self
    }

    /// What it is pressed down to when the machine is short of memory (`--memory-reservation`).
    pub fn memory_reservation(mut self, limit: impl Into<Size>) -> Self {
        self.memory_reservation = Some(limit.into());
        self
    }

    /// How many processors it may use: `2`, `1.5`, `"0.25"` (`--cpus`).
    pub fn cpus(mut self, count: impl Into<Cpus>) -> Self {
        self.cpus = Some(count.into());
        self
    }

    /// Its weight against other containers where processors are short; 1024 if nobody says (`--cpu-shares`).
    pub fn cpu_shares(mut self, weight: u32) -> Self {
        self.cpu_shares = Some(weight);
        self
    }

    /// The processors that it may use: `"0-2"`, `"0,3"` (`--cpuset-cpus`).
    pub fn cpuset_cpus(mut self, list: impl Into<String>) -> Self {
        self.cpuset_cpus = Some(list.into());
        self
    }

    /// The memory nodes that it may use: `"0"`, `"0-1"` (`--cpuset-mems`).
    pub fn cpuset_mems(mut self, list: impl Into<String>) -> Self {
        self.cpuset_mems = Some(list.into());
        self
    }

    /// The most processes and threads; -1 for no limit (`--pids-limit`).
    pub fn pids_limit(mut self, limit: i64) -> Self {
        self.pids_limit = Some(limit);
        self
    }

    /// Its weight at block devices, 10 to 1000 (`--blkio-weight`).
    pub fn blkio_weight(mut self, weight: u16) -> Self {
        self.blkio_weight = Some(weight);
        self
    }

    /// What happens when it ends: `"no"`, `"always"`, `"unless-stopped"`, `"on-failure"` or `"on-failure:3"` (`--restart`).
    pub fn restart(mut self, policy: impl Into<String>) -> Self {
        self.restart = Some(policy.into());
        self
    }

    /// The body of `POST /containers/{id}/update`, or everything that is wrong.
    fn body(&self) -> Result<Value> {
        let mut body = Map::new();
        let mut problems = Vec::new();
        let mut put = |key: &str, value: Option<Result<Value, String>>| match value {
            Some(Ok(value)) => drop(body.insert(key.to_owned(), value)),
            Some(Err(problem)) => problems.push(problem),
            None => {}
        };
        let bytes = |size: &Size| read(parse_bytes(&size.to_string()));
        let swap = |size: &Size| match *size == Size::unlimited() {
            true => Ok(json!(-1)),
            false => bytes(size),
        };
        let cpus = |count: &Cpus| read(parse_cpus(&count.to_string()));
        put("Memory", self.memory.as_ref().map(bytes));
        put("MemorySwap", self.memory_swap.as_ref().map(swap));
        put("MemoryReservation", self.memory_reservation.as_ref().map(bytes));
        put("NanoCpus", self.cpus.as_ref().map(cpus));
        put("CpuShares", self.cpu_shares.map(|shares| Ok(shares.into())));
        put("CpusetCpus", self.cpuset_cpus.as_deref().map(cpuset));
        put("CpusetMems", self.cpuset_mems.as_deref().map(cpuset));
        put("PidsLimit", self.pids_limit.map(pids_limit));
        put("BlkioWeight", self.blkio_weight.map(blkio_weight));
        put("RestartPolicy", self.restart.as_deref().map(restart_policy));
        if let (Some(memory), Some(swap)) = (body.get("Memory"), body.get("MemorySwap")) {
            if swap.as_u64().is_some_and(|swap| Some(swap) < memory.as_u64()) {
                problems.push(format!(
                    "the limit with swap ({swap} bytes) is below the one without ({memory} bytes)"
                ));
            }
        }
        match problems.as_slice() {
            [] if body.is_empty() => {
                Err(Error::new(Kind::InvalidRequest, "the update says nothing")
                    .hint("say what changes: `Update::new().memory(\"512m\")`"))
            }
            [] => Ok(body.into()),
            [problem] => Err(Error::new(Kind::InvalidRequest, problem)),
            many => {
                let what = format!("{} things are wrong with the update", many.len());
                Err(Error::new(Kind::InvalidRequest, what).fact("wrong", many.join("\n")))
            }
        }
    }
}

fn read<T: Into<Value>>(parsed: Result<T, SyntaxError>) -> Result<Value, String> {
    parsed.map(Into::into).map_err(|error| match error.hint() {
        Some(hint) => format!("{} ({hint})", error.message()),
        None => error.message().to_owned(),
    })
}

/// A list of numbers and ranges, as `cpuset(7)` has it.
fn cpuset(text: &str) -> Result<Value, String> {
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u32>().ok().filter(|_| is_number)
    };
    let is_range = |part: &str| match part.split_once('-') {
        None => number(part).is_some(),
        Some((first, last)) => number(first).zip(number(last)).is_some_and(|(a, b)| a <= b),
    };
    match text.split(',').all(is_range) {
        true => Ok(text.into()),
        false => Err(format!("`{text}` is not a list of numbers (write `0-2` or `0,3`)")),
    }
}

fn pids_limit(limit: i64) -> Result<Value, String> {
    match limit {
        -1 | 1.. => Ok(limit.into()),
        _ => Err(format!(
            "{limit} is not a number of processes (write 1 or more, or -1 for no limit)"
        )),
    }
}

fn blkio_weight(weight: u16) -> Result<Value, String> {
    match weight {
        10..=1000 => Ok(weight.into()),
        _ => Err(format!("the weight {weight} at block devices is not between 10 and 1000")),
    }
}

fn restart_policy(text: &str) -> Result<Value, String> {
    let policy = |policy: longshore_syntax::RestartPolicy| json!({ "Name": policy.name(), "MaximumRetryCount": policy.max_retries() });
    read(parse_restart(text).map(policy))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_in_the_api_what_docker_update_says() {
        let update = Update::new()
            .memory("512m")
            .memory_swap("1g")
            .memory_reservation(1_000_u64)
            .cpus("1.5")
            .cpu_shares(512)
            .cpuset_cpus("0-1,3")
            .cpuset_mems("0")
            .pids_limit(50)
            .blkio_weight(300)
            .restart("on-failure:3");
        assert_eq!(
            update.body().unwrap(),
            json!({
                "Memory": 536_870_912, "MemorySwap": 1_073_741_824, "MemoryReservation": 1000, "NanoCpus": 1_500_000_000_i64,
                "CpuShares": 512, "CpusetCpus": "0-1,3", "CpusetMems": "0", "PidsLimit": 50, "BlkioWeight": 300,
                "RestartPolicy": { "Name": "on-failure", "MaximumRetryCount": 3 },
            })
        );
        let unlimited = Update::new().memory_swap("-1").pids_limit(-1).restart("no").cpus(2);
        assert_eq!(
            unlimited.body().unwrap(),
            json!({
                "MemorySwap": -1, "PidsLimit": -1, "NanoCpus": 2_000_000_000_i64,
                "RestartPolicy": { "Name": "no", "MaximumRetryCount": 0 },
            })
        );
    }

    #[test]
    fn what_is_wrong_is_told_at_once() {
        let problem = |update: Update| update.body().unwrap_err().to_string();
        assert_eq!(
            problem(Update::new()),
            "the update says nothing\n  hint: say what changes: `Update::new().memory(\"512m\")`"
        );
        assert_eq!(
            problem(Update::new().restart("alway")),
            "`alway` is not a restart policy: there is no policy `alway` (did you mean `always`?)"
        );
        assert_eq!(
            problem(Update::new().memory("1g").memory_swap("512m")),
            "the limit with swap (536870912 bytes) is below the one without (1073741824 bytes)"
        );
        let many = Update::new()
            .memory("12q")
            .cpus("many")
            .cpuset_cpus("3-1")
            .cpuset_mems("")
            .pids_limit(0)
            .blkio_weight(5)
            .restart("sometimes");
        let text = problem(many);
        assert!(text.starts_with("7 things are wrong with the update\n  wrong: `12q`"), "{text}");
        for part in ["`many`", "`3-1`", "``", "0 is not", "weight 5", "`sometimes`"] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
    }
}
