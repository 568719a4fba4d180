//! Waiting for the health check, by the engine's events; where an engine runs no checks, longshore runs the command.

use std::fmt;
use std::time::Duration;

use futures::StreamExt;
use serde::{Deserialize, Serialize};

use super::exec::told;
use super::limits::{limits_methods, Limits, LONGEST_PAUSE};
use super::run::{Note, Unready};
use super::target::Target;
use crate::engine::Inspect;
use crate::request::Exec;

/// Where the stream of events breaks off, the engine is asked this often instead.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// Waits for the health check to pass; see [`Wait::healthy`](crate::Wait::healthy).
///
/// Docker checks for the first time one health interval after the start, 30 s by default: set
/// [`health_interval`](crate::ContainerRequest::health_interval) to be told sooner. Podman without systemd runs no checks
/// at all; there the check's command is run from here, again and again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct HealthWait {
    #[serde(flatten)]
    pub(super) limits: Limits,
}

impl HealthWait {
    limits_methods!(timeout, interval);

    pub(super) async fn ready(&self, target: &Target, note: &Note) -> Result<(), Unready> {
        let check: Vec<String> =
            target.started().health_check().iter().map(|word| (*word).to_owned()).collect();
        if check.is_empty() {
            return Err(Unready::failed(
                "neither the request nor the image has a health check; declare one with `.health_cmd(..)`",
            ));
        }
        if target.remote().engine().is_podman() {
            return self.check_ourselves(target, &check, note).await;
        }
        loop {
            // First the events, then the state: what happens in between is seen twice, never missed.
            let events = target.remote().events("health_status").await;
            let inspect = target.remote().inspect_raw().await.map(Inspect::new);
            match inspect.as_ref().map(|inspect| inspect.health().unwrap_or("starting")) {
                Ok("healthy") => return Ok(()),
                Ok(state) => note.saw(format!(
                    "the health check says `{state}`{}",
                    last_check(inspect.as_ref().ok())
                )),
                Err(error) => note.saw(error.to_string()),
            }
            let Ok(mut events) = events else {
                tokio::time::sleep(ASK_AGAIN).await;
                continue;
            };
            while let Some(event) = events.next().await {
                let action =
                    event["Action"].as_str().or(event["status"].as_str()).unwrap_or_default();
                let state =
                    action.trim_start_matches("health_status").trim_start_matches(':').trim();
                match state {
                    "healthy" => return Ok(()),
                    "" => {}
                    state => {
                        let inspect = target.remote().inspect_raw().await.map(Inspect::new).ok();
                        note.saw(format!(
                            "the health check says `{state}`{}",
                            last_check(inspect.as_ref())
                        ));
                    }
                }
            }
            tokio::time::sleep(ASK_AGAIN).await;
        }
    }

    async fn check_ourselves(
        &self,
        target: &Target,
        check: &[String],
        note: &Note,
    ) -> Result<(), Unready> {
        let command = match check {
            [kind, command] if kind == "CMD-SHELL" => Exec::new(["/bin/sh", "-c", command]),
            [kind, words @ ..] if kind == "CMD" => Exec::new(words),
            words => Exec::new(words),
        };
        let mut pauses = self.limits.pauses(LONGEST_PAUSE);
        loop {
            match target.exec(command.clone()).await {
                Ok(output) if output.success() => return Ok(()),
                Ok(output) => note.saw(format!("the health check fails: {}", told(&output))),
                Err(error) => note.saw(error.summary().to_owned()),
            }
            pauses.pause().await;
        }
    }
}

/// What the last check printed.
fn last_check(inspect: Option<&Inspect>) -> String {
    let log = inspect.and_then(|inspect| inspect.raw().pointer("/State/Health/Log")?.as_array());
    let output = log
        .and_then(|log| log.last())
        .and_then(|check| check["Output"].as_str())
        .unwrap_or_default();
    if output.trim().is_empty() {
        return String::new();
    }
    format!("; the last check printed: {}", output.trim())
}

impl fmt::Display for HealthWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the health check to pass")
    }
}
