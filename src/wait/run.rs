//! Awaiting a strategy: its time-out, `all` and `any`, and notes on what each saw last. On the I/O thread.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures::future::{self, BoxFuture, FutureExt};

use super::strategies::{Strategy, Wait};
use super::target::Target;

/// Why a strategy was not satisfied.
#[derive(Debug)]
pub(crate) struct Unready {
    pub(crate) because: String,
    pub(crate) timed_out: bool,
}

impl Unready {
    /// It can never be satisfied any more.
    pub(crate) fn failed(because: impl Into<String>) -> Self {
        Unready { because: because.into(), timed_out: false }
    }

    pub(crate) fn late(limit: Duration, notes: &Notes) -> Self {
        let seen = notes.to_string();
        let seen = if seen.is_empty() { String::new() } else { format!(": {seen}") };
        Unready { because: format!("it did not happen in {limit:?}{seen}"), timed_out: true }
    }
}

/// What each strategy that is being awaited saw last, and what to do about it: the error's words.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notes(Arc<Mutex<Vec<Line>>>);

#[derive(Debug)]
struct Line {
    /// The strategy.
    of: String,
    seen: String,
    hint: Option<String>,
    satisfied: bool,
}

/// One strategy's line in the notes. It stays when the strategy is given up: that is what the error tells.
#[derive(Debug)]
pub(super) struct Note {
    notes: Notes,
    line: usize,
}

impl Notes {
    fn begin(&self, wait: &Wait) -> Note {
        let mut lines = self.lock();
        lines.push(Line {
            of: wait.to_string(),
            seen: String::new(),
            hint: None,
            satisfied: false,
        });
        Note { notes: self.clone(), line: lines.len() - 1 }
    }

    /// What to do, where a strategy knows.
    pub(crate) fn hint(&self) -> Option<String> {
        self.lock().iter().filter(|line| !line.satisfied).find_map(|line| line.hint.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Line>> {
        self.0.lock().expect("nothing in the lock can panic")
    }
}

impl fmt::Display for Notes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.lock();
        let told: Vec<_> =
            lines.iter().filter(|line| !line.satisfied && !line.seen.is_empty()).collect();
        match told.as_slice() {
            [] => Ok(()),
            [line] => f.write_str(&line.seen),
            several => {
                let lines: Vec<String> =
                    several.iter().map(|line| format!("{}: {}", line.of, line.seen)).collect();
                f.write_str(&lines.join("\n"))
            }
        }
    }
}

impl Note {
    /// Writes down what was seen, instead of what was there.
    pub(super) fn saw(&self, what: impl Into<String>) {
        let line = &mut self.notes.lock()[self.line];
        (line.seen, line.hint) = (what.into(), None);
    }

    /// The same, with what to do about it.
    pub(super) fn saw_and_advises(&self, what: impl Into<String>, hint: impl Into<String>) {
        let line = &mut self.notes.lock()[self.line];
        (line.seen, line.hint) = (what.into(), Some(hint.into()));
    }

    fn satisfied(&self) {
        self.notes.lock()[self.line].satisfied = true;
    }
}

/// Awaits `wait`.
pub(crate) fn run<'a>(
    wait: &'a Wait,
    target: &'a Target,
    notes: &'a Notes,
) -> BoxFuture<'a, Result<(), Unready>> {
    async move {
        let work = satisfied(wait, target, notes);
        match wait.limits().timeout {
            None => work.await,
            Some(limit) => match tokio::time::timeout(limit, work).await {
                Ok(outcome) => outcome,
                Err(_) => Err(Unready::late(limit, notes)),
            },
        }
    }
    .boxed()
}

async fn satisfied(wait: &Wait, target: &Target, notes: &Notes) -> Result<(), Unready> {
    let leaf = match &wait.0 {
        Strategy::All(all) => {
            let waits = all.waits.iter().map(|wait| run(wait, target, notes));
            return future::try_join_all(waits).await.map(drop);
        }
        Strategy::Any(any) => return one_of(&any.waits, target, notes).await,
        leaf => leaf,
    };
    let note = notes.begin(wait);
    let outcome = match leaf {
        Strategy::Log(wait) => wait.ready(target, &note).await,
        Strategy::Port(wait) => wait.ready(target, &note).await,
        Strategy::Tcp(wait) => wait.ready(target, &note).await,
        Strategy::Http(wait) => wait.ready(target, &note).await,
        Strategy::Exec(wait) => wait.ready(target, &note).await,
        Strategy::Health(wait) => wait.ready(target, &note).await,
        Strategy::Exit(wait) => wait.ready(target, &note).await,
        Strategy::File(wait) => wait.ready(target, &note).await,
        Strategy::Duration(wait) => wait.ready().await,
        Strategy::Running(wait) => wait.ready(target).await,
        Strategy::All(_) | Strategy::Any(_) => unreachable!("handled above"),
    };
    if outcome.is_ok() {
        note.satisfied();
    }
    outcome
}

/// The first that is satisfied; when all have failed, why each did.
async fn one_of(waits: &[Wait], target: &Target, notes: &Notes) -> Result<(), Unready> {
    let mut running: Vec<_> = waits.iter().map(|wait| run(wait, target, notes)).collect();
    let mut reasons = Vec::new();
    let mut timed_out = false;
    while !running.is_empty() {
        let (outcome, _, rest) = future::select_all(running).await;
        match outcome {
            Ok(()) => return Ok(()),
            Err(unready) => {
                timed_out |= unready.timed_out;
                reasons.push(unready.because);
            }
        }
        running = rest;
    }
    Err(Unready { because: reasons.join("\n"), timed_out })
}
