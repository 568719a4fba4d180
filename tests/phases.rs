//! The phases of a start as `tracing` shows them. A program of its own, since a subscriber is for a whole process.

#![allow(missing_docs, reason = "tests")]

#[path = "support/mod.rs"]
mod support;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use longshore::{ContainerRequest, PullPolicy};
use support::{TestResult, BUSYBOX};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Notes each event that tells a duration with the span in which it was told.
#[derive(Clone, Default)]
struct Phases {
    next: Arc<AtomicU64>,
    names: Arc<Mutex<HashMap<u64, &'static str>>>,
    entered: Arc<Mutex<HashMap<std::thread::ThreadId, Vec<u64>>>>,
    timed: Arc<Mutex<Vec<&'static str>>>,
}

struct FindElapsed(bool);

impl Visit for FindElapsed {
    fn record_debug(&mut self, field: &Field, _: &dyn fmt::Debug) {
        self.0 |= field.name() == "elapsed";
    }
}

impl Subscriber for Phases {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("longshore")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.next.fetch_add(1, Ordering::Relaxed) + 1;
        self.names.lock().unwrap().insert(id, span.metadata().name());
        Id::from_u64(id)
    }

    fn event(&self, event: &Event<'_>) {
        let mut elapsed = FindElapsed(false);
        event.record(&mut elapsed);
        let entered = self.entered.lock().unwrap();
        let span =
            entered.get(&std::thread::current().id()).and_then(|spans| spans.last().copied());
        if let (true, Some(span)) = (elapsed.0, span) {
            self.timed.lock().unwrap().push(self.names.lock().unwrap()[&span]);
        }
    }

    fn enter(&self, span: &Id) {
        let mut entered = self.entered.lock().unwrap();
        entered.entry(std::thread::current().id()).or_default().push(span.into_u64());
    }

    fn exit(&self, _: &Id) {
        self.entered.lock().unwrap().entry(std::thread::current().id()).or_default().pop();
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}
}

#[test]
fn every_phase_is_a_span_that_tells_how_long_it_took() -> TestResult {
    let phases = Phases::default();
    tracing::subscriber::set_global_default(phases.clone())?;
    let request = ContainerRequest::new(BUSYBOX).cmd(["sleep", "600"]).pull(PullPolicy::Always);
    drop(request.start_blocking()?);
    let mut timed = phases.timed.lock().unwrap().clone();
    // The pull also tells its own time, in a line for people.
    timed.dedup();
    assert_eq!(timed, ["pull", "create", "start", "wait", "container", "remove"]);
    Ok(())
}
