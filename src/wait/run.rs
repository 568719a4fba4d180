//! Awaiting a strategy: its time-out, `all` and `any`, and notes on what each saw last. On the I/O thread.

use std::fmt;
use std::sync::{Arc, Mutex};
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

/// What each strategy that is being awaited saw last: the error's "because".
#[derive(Debug, Clone, Default)]
pub(crate) struct Notes(Arc<Mutex<Vec<(String, String)>>>);

/// One strategy's line in the notes. It stays when the strategy is given up: that is what the error tells.
#[derive(Debug)]
pub(super) struct Note {
    notes: Notes,
    of: String,
}

impl Notes {
    fn begin(&self, wait: &Wait) -> Note {
        let of = wait.to_string();
        self.lock().push((of.clone(), String::new()));
        Note { notes: self.clone(), of }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(String, String)>> {
        self.0.lock().expect("nothing in the lock can panic")
    }
}

impl fmt::Display for Notes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let notes = self.lock();
        let told: Vec<_> = notes.iter().filter(|(_, seen)| !seen.is_empty()).collect();
        match told.as_slice() {
            [] => Ok(()),
            [(_, seen)] => f.write_str(seen),
            several => {
                let lines: Vec<String> =
                    several.iter().map(|(of, seen)| format!("{of}: {seen}")).collect();
                f.write_str(&lines.join("\n"))
            }
        }
    }
}

impl Note {
    /// Writes down what was seen, instead of what was there.
    pub(super) fn saw(&self, what: impl Into<String>) {
        if let Some(line) = self.notes.lock().iter_mut().find(|(of, _)| *of == self.of) {
            line.1 = what.into();
        }
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
        notes.lock().retain(|(of, _)| *of != note.of);
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
