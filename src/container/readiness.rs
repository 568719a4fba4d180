//! The end of a start: waiting until the container is ready, and the report when it does not get there.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{self, Either};

use super::start::Launch;
use crate::engine::{io, last_lines, ExitState, ExitWatch, Inspect, Remote, TOLD_LINES};
use crate::error::{Error, Kind};
use crate::wait::{self, Notes, Target, Transcript, Unready, Wait};

/// The most time that a failure may take to look at the container it is about.
const REPORT_LIMIT: Duration = Duration::from_secs(5);

/// The exit code of a process that was killed by SIGKILL, as shells and engines have it.
const KILLED: i64 = 137;

/// How much of the output is looked at for its last lines.
const TOLD_BYTES: usize = 64 * 1024;

/// How long after a container's end its last output may take to come.
const LAST_OUTPUT_LIMIT: Duration = Duration::from_secs(1);

impl Launch {
    /// Awaits the request's waits in their order, then the hooks'.
    pub(super) async fn wait(&self, target: &Target) -> Result<(), NotReady> {
        let waits = match self.request.waits() {
            [] if self.waits.is_empty() => vec![self.default_wait(target)],
            declared => declared.to_vec(),
        };
        let expects_exit = waits.iter().any(Wait::expects_exit);
        for wait in waits {
            let awaited = match wait.to_string() {
                _ if wait.is_only_to_run() => Awaited::Nothing,
                what if wait.expects_exit() => Awaited::Exit(what),
                what => Awaited::Something(what),
            };
            // A log wait ends with the output by itself, and what a job printed before its end counts.
            let may_end = wait.expects_exit() || (expects_exit && wait.reads_output());
            let death = match (may_end, wait.reads_output()) {
                (true, _) => Death::IsAwaited,
                (false, true) => Death::EndsItAfter(LAST_OUTPUT_LIMIT),
                (false, false) => Death::EndsItAfter(Duration::ZERO),
            };
            let notes = Notes::default();
            let (waiting, seen) = (target.clone(), notes.clone());
            let work = io::run(async move { wait::run(&wait, &waiting, &seen).await });
            let outcome = self.alive_and_in_time(target, death, work).await;
            outcome.map_err(|why| NotReady {
                awaited,
                seen: notes.to_string(),
                hint: notes.hint(),
                why,
            })?;
        }
        for wait in &self.waits {
            let own = async {
                let ready = wait.ready(target);
                let outcome = match wait.timeout() {
                    None => ready.await,
                    Some(limit) => match io::timeout(limit, ready).await {
                        Some(outcome) => outcome,
                        None => return Err(Unready::late(limit, &Notes::default())),
                    },
                };
                outcome.map_err(|error| Unready::failed(error.to_string()))
            };
            let outcome =
                self.alive_and_in_time(target, Death::EndsItAfter(Duration::ZERO), own).await;
            let awaited = || Awaited::Something(wait.describe());
            outcome.map_err(|why| NotReady {
                awaited: awaited(),
                seen: String::new(),
                hint: None,
                why,
            })?;
        }
        match target.exit_code() {
            Some(code) if !expects_exit => Err(NotReady {
                awaited: Awaited::Nothing,
                seen: String::new(),
                hint: None,
                why: Why::Exited(code),
            }),
            _ => Ok(()),
        }
    }

    /// The image's or the request's health check, else the published ports, else that it runs.
    fn default_wait(&self, target: &Target) -> Wait {
        if !target.started().health_check().is_empty() {
            return Wait::healthy().into();
        }
        if !self.checked.mappings.is_empty() {
            return Wait::ports().into();
        }
        Wait::running().into()
    }

    /// Awaits one wait, as long as the container lives and the start has time.
    async fn alive_and_in_time(
        &self,
        target: &Target,
        death: Death,
        work: impl Future<Output = Result<(), Unready>>,
    ) -> Result<(), Why> {
        let watch = target.exit().clone();
        let died = async move {
            match death {
                Death::IsAwaited => std::future::pending().await,
                Death::EndsItAfter(grace) => (watch.exited().await, grace),
            }
        };
        let (work, died) = (pin!(work), pin!(died));
        match io::timeout(self.time_left(), future::select(work, died)).await {
            None => Err(Why::Late),
            Some(Either::Left((outcome, _))) => outcome.map_err(Why::Unready),
            Some(Either::Right(((code, grace), work))) => {
                // It may still learn something for the report; satisfied it cannot be any more.
                io::timeout(grace, work).await;
                Err(Why::Exited(code))
            }
        }
    }

    /// Makes an error of a wait that did not come, with what the container left behind.
    pub(super) async fn died(
        &self,
        remote: &Remote,
        exit: &ExitWatch,
        transcript: &Arc<Transcript>,
        failed: NotReady,
    ) -> Error {
        let remote = remote.clone();
        let removes_itself = self.request.removes_itself();
        let transcript = transcript.clone();
        let exit_code = || match (&failed.why, exit.now()) {
            (Why::Exited(code), _) => Some(*code),
            (_, ExitState::Exited(code)) => Some(code),
            _ => None,
        };
        let was_killed = exit_code() == Some(KILLED);
        let look = async move {
            if removes_itself {
                // One that did not end still writes.
                io::timeout(LAST_OUTPUT_LIMIT, transcript.ended()).await;
                return (false, last_lines(&transcript.last_bytes(TOLD_BYTES), TOLD_LINES));
            }
            let output = remote.last_output().await;
            let out_of_memory = match remote.inspect_raw().await.map(Inspect::new) {
                Ok(inspect) if was_killed => remote.was_out_of_memory(&inspect).await,
                Ok(inspect) => inspect.oom_killed(),
                Err(_) => false,
            };
            (out_of_memory, output)
        };
        let report = io::timeout(REPORT_LIMIT, io::run(look)).await;
        let (out_of_memory, output) = report.unwrap_or_default();
        let exit_code = exit_code();
        failed
            .report(&Findings { exit_code, out_of_memory }, self.request.time_to_start())
            .with_output(output)
    }
}

/// What the container's end means for a wait.
enum Death {
    /// It is waited for.
    IsAwaited,
    /// The wait has failed, and has this long to see the last of what it looks at.
    EndsItAfter(Duration),
}

/// A wait that did not come.
pub(super) struct NotReady {
    awaited: Awaited,
    /// What was seen last.
    seen: String,
    /// What to do about that.
    hint: Option<String>,
    why: Why,
}

/// What was awaited.
enum Awaited {
    /// That the container stays alive.
    Nothing,
    /// That it ends.
    Exit(String),
    Something(String),
}

enum Why {
    /// The time for the whole start is over.
    Late,
    Exited(i64),
    Unready(Unready),
}

/// What was found out about a container that is not ready.
struct Findings {
    exit_code: Option<i64>,
    out_of_memory: bool,
}

impl NotReady {
    fn report(mut self, found: &Findings, limit: Duration) -> Error {
        let advice = self.hint.take();
        let late = |what: String, longer: &str| {
            let hint =
                advice.clone().unwrap_or_else(|| format!("{longer}, or wait for something else"));
            Error::new(Kind::Timeout, what).hint(hint)
        };
        let report = match (found.exit_code, &self.why) {
            (Some(code), _) => self.exited(code, found.out_of_memory),
            (None, Why::Late) => late(
                format!("the container was not ready in {limit:?}"),
                "give it longer with `.start_timeout(..)`",
            ),
            (None, Why::Unready(unready)) if unready.timed_out => late(
                "the container was not ready in time".into(),
                "give the wait longer with `.timeout(..)`",
            ),
            (None, _) => Error::new(Kind::NotReady, "the container did not become ready"),
        };
        let report = match self.awaited {
            Awaited::Nothing => return report,
            Awaited::Exit(what) | Awaited::Something(what) => report.fact("waiting for", what),
        };
        match self.why {
            // The headline may have said it already.
            Why::Unready(unready) if unready.because == report.summary() => report,
            Why::Unready(unready) => report.fact("because", unready.because),
            // What was seen before the end is not why it ended.
            Why::Exited(_) if !self.seen.is_empty() => report.fact("last seen", self.seen),
            _ if !self.seen.is_empty() => report.fact("because", self.seen),
            _ => report,
        }
    }

    fn exited(&self, code: i64, out_of_memory: bool) -> Error {
        let before = match &self.awaited {
            Awaited::Exit(_) => "",
            _ => " before it was ready",
        };
        let report = match out_of_memory {
            true => Error::new(
                Kind::Exited,
                format!("the container was killed for want of memory (exit code {code}){before}"),
            )
            .hint("raise its limit: `.memory(..)`"),
            false => {
                Error::new(Kind::Exited, format!("the container exited with code {code}{before}"))
            }
        };
        let report = report.with_exit_code(code);
        match (code, &self.awaited) {
            (0, Awaited::Nothing) => report.hint(
                "a container that does its job and ends is waited for with `.wait(Wait::exit())`",
            ),
            _ => report,
        }
    }
}
