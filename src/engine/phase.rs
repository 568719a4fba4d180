//! The phases of a container's life as `tracing` spans: pull, create, start, wait, remove.

use std::future::Future;
use std::time::Instant;

use tracing::{Instrument, Span};

/// Runs one phase in its span, and tells there how long it took.
///
/// The work is put on the heap: a start is deeply nested, and moving all of it through a test's stack overflows that.
pub(crate) async fn phase<T>(span: Span, work: impl Future<Output = T>) -> T {
    let work = Box::pin(work);
    let timed = async {
        let begun = Instant::now();
        let outcome = work.await;
        tracing::debug!(elapsed = ?begun.elapsed(), "done");
        outcome
    };
    timed.instrument(span).await
}
