//! Where Podman's imitation of Docker's API differs so much that another way is taken. Each difference was seen on 4.3 and
//! 5.8 unless it says otherwise.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::stream::{self, Stream, StreamExt, TryStreamExt};
use hyper::Method;
use serde_json::{json, Value};

use super::engine::Engine;
use super::failure::ApiError;
use super::output::{joined, LogFrame, LogOptions};
use super::query;
use super::remote::{LogFrames, Remote};
use super::samples::Sample;

/// How much of what was seen last is remembered, to find the place in all output.
const REMEMBERED: usize = 4096;

/// As often as Docker tells what a container uses.
const SAMPLE_PAUSE: Duration = Duration::from_secs(1);

/// Removes a container at once. On Docker's path Podman 5 stops a running one politely first, which takes ten seconds for
/// one that does not listen, and there is no saying otherwise.
pub(super) async fn remove(engine: &Engine, id: &str) -> Result<(), ApiError> {
    let path = format!("/containers/{id}?force=1&volumes=1&timeout=0");
    engine.client().libpod(Method::DELETE, &path).await.map(drop)
}

/// `GET` of networks, one or all. Podman 4.3 looks at every container for that, and refuses when one has just gone or is
/// just being connected.
pub(crate) async fn get_networks(engine: &Engine, path: &str) -> Result<Value, ApiError> {
    const ATTEMPTS: u32 = 20;
    for attempt in 1.. {
        match engine.client().json(Method::GET, path, None).await {
            Err(error) if is_about_another_container(&error) && attempt < ATTEMPTS => {
                tokio::time::sleep(Duration::from_millis(10 * u64::from(attempt))).await;
            }
            answer => return answer,
        }
    }
    unreachable!("the last attempt returns")
}

fn is_about_another_container(error: &ApiError) -> bool {
    let told = error.to_string();
    error.status() == Some(500)
        && ["no such container", "network inspection mismatch"]
            .iter()
            .any(|part| told.contains(part))
}

/// Sends a signal. On Docker's path Podman 4.3 answers only when the container has ended, or after twenty seconds.
pub(super) async fn kill(remote: &Remote, signal: &str) -> Result<(), ApiError> {
    let path = format!("/containers/{}/kill{}", remote.id(), query(&[("signal", signal)]));
    remote.engine().client().libpod(Method::POST, &path).await.map(drop)
}

/// Asks for a list. Podman fails all of it when something goes that it is just telling of.
pub(crate) async fn list(engine: &Engine, path: &str) -> Result<Value, ApiError> {
    const ATTEMPTS: u32 = 20;
    let mut attempt = 1;
    loop {
        match engine.client().json(Method::GET, path, None).await {
            Err(error) if attempt < ATTEMPTS && is_of_what_is_gone(&error) => {}
            outcome => return outcome,
        }
        attempt += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Whether a call that makes something was refused since it is there. Docker gives what is there; Podman 4.3 refuses where
/// somebody else was just faster.
pub(crate) fn says_exists(error: &ApiError) -> bool {
    matches!(error.status(), Some(409 | 500)) && error.to_string().contains("already exists")
}

/// Whether a call about many things failed because one of them is gone meanwhile.
pub(crate) fn is_of_what_is_gone(error: &ApiError) -> bool {
    let ApiError::Refused { message, .. } = error else { return false };
    ["no such container", "no container with", "no such volume", "not known"]
        .iter()
        .any(|words| message.contains(words))
}

/// Changes a container's limits where Docker's path is not there yet, as in 4.3: on Podman's own, in the words of the OCI runtime
/// spec 1.0 (config-linux.md, "Control groups").
pub(super) async fn update(remote: &Remote, body: &Value) -> Result<Value, ApiError> {
    // So that it is told if that is what is not there.
    remote.inspect_raw().await?;
    if !body["RestartPolicy"].is_null() {
        let message = "this version of Podman changes no restart policy".to_owned();
        return Err(ApiError::Refused { status: 501, message });
    }
    let path = format!("/containers/{}/update", remote.id());
    let resources = resources(body);
    remote.engine().client().libpod_json(Method::POST, &path, &resources).await?;
    Ok(Value::Null)
}

/// Docker's limits as the runtime spec has them.
fn resources(body: &Value) -> Value {
    const PERIOD: u64 = 100_000;
    let mut resources = json!({});
    let mut put = |group: &str, key: &str, value: &Value| {
        if !value.is_null() {
            resources[group][key] = value.clone();
        }
    };
    put("memory", "limit", &body["Memory"]);
    put("memory", "swap", &body["MemorySwap"]);
    put("memory", "reservation", &body["MemoryReservation"]);
    put("cpu", "shares", &body["CpuShares"]);
    put("cpu", "cpus", &body["CpusetCpus"]);
    put("cpu", "mems", &body["CpusetMems"]);
    put("pids", "limit", &body["PidsLimit"]);
    put("blockIO", "weight", &body["BlkioWeight"]);
    if let Some(nano_cpus) = body["NanoCpus"].as_u64() {
        put("cpu", "period", &PERIOD.into());
        put("cpu", "quota", &(nano_cpus / (1_000_000_000 / PERIOD)).into());
    }
    resources
}

/// Readings of what a container uses, once a second. Podman's own are five seconds apart, those of one that has ended are empty
/// or no JSON at all, and what it gives for the whole system is not the time that there was, so that is measured here.
pub(super) fn samples(
    remote: &Remote,
) -> impl Stream<Item = Result<Sample, ApiError>> + Send + Unpin {
    Box::pin(stream::unfold((remote.clone(), None), |(remote, before)| async move {
        if before.is_some() {
            tokio::time::sleep(SAMPLE_PAUSE).await;
        }
        let raw = match remote.get("stats", &[("stream", "0")]).await {
            Ok(raw) => raw,
            Err(ApiError::Broken { .. }) => Value::Null,
            Err(error) => return Some((Err(error), (remote, before))),
        };
        let used = raw["cpu_stats"]["cpu_usage"]["total_usage"].as_u64().unwrap_or_default();
        let now = (Instant::now(), used);
        let share = |(then, used_then): (Instant, u64)| {
            let passed = now.0.duration_since(then).as_nanos().max(1);
            used.saturating_sub(used_then) as f64 / passed as f64 * 100.0
        };
        let sample = Sample { raw, cpu_percent: Some(before.map_or(0.0, share)) };
        Some((Ok(sample), (remote, Some(now))))
    }))
}

/// Output until now and from now on.
///
/// The head of Podman's answer comes only with the first output, so it is not awaited here. The answer ends with the container,
/// whatever is still unread, so the rest is asked for then. What Podman drops in the middle of it when a container writes
/// faster than it reads cannot be had back.
pub(super) fn logs(remote: &Remote, options: &LogOptions) -> LogFrames {
    let (opening, following) = (remote.clone(), options.query(true));
    let followed = stream::once(async move { opening.open_logs(&following).await }).try_flatten();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let watching = seen.clone();
    let followed = followed.inspect_ok(move |frame| {
        let mut seen = watching.lock().expect("nothing in the lock can panic");
        seen.extend_from_slice(frame.bytes());
        let surplus = seen.len().saturating_sub(REMEMBERED);
        seen.drain(..surplus);
    });
    let (remote, options) = (remote.clone(), options.clone());
    let rest = stream::once(async move {
        // Of a container that has been removed there is no rest.
        let frames = remote.read_logs(&options).await.unwrap_or_default();
        let last = std::mem::take(&mut *seen.lock().expect("nothing in the lock can panic"));
        let mut skip = end_of(&last, &frames);
        stream::iter(
            frames.into_iter().filter_map(move |frame| frame.without_first(&mut skip).map(Ok)),
        )
    });
    followed.chain(rest.flatten()).boxed()
}

/// How many bytes of all output there are up to the end of `last`.
fn end_of(last: &[u8], frames: &[LogFrame]) -> usize {
    if last.is_empty() {
        return 0;
    }
    let all = joined(frames);
    let found = (last.len()..=all.len()).rev().find(|end| all[..*end].ends_with(last));
    // What was seen and is not there is of another run, or was cut away: nothing is told twice then.
    found.unwrap_or(all.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::LogSource;

    #[test]
    fn limits_are_told_in_the_words_of_the_runtime_spec() {
        let body = json!({ "Memory": 5, "NanoCpus": 1_500_000_000_u64, "CpusetCpus": "0", "PidsLimit": -1 });
        assert_eq!(
            resources(&body),
            json!({
                "memory": { "limit": 5 }, "cpu": { "cpus": "0", "period": 100_000, "quota": 150_000 },
                "pids": { "limit": -1 },
            })
        );
    }

    #[test]
    fn the_rest_begins_behind_what_was_seen_last() {
        let frames: Vec<_> = ["one\n", "two\n", "three\n"]
            .map(|text| LogFrame::new(LogSource::Stdout, text.as_bytes()))
            .into();
        assert_eq!(end_of(b"", &frames), 0);
        assert_eq!(end_of(b"one\n", &frames), 4);
        assert_eq!(end_of(b"two\n", &frames), 8);
        assert_eq!(end_of(b"four\n", &frames), 14);
    }
}
