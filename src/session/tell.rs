//! Lines for the user that belong to no test's result.

use std::io::Write;

/// A line on the process's own standard error: libtest shows a test's only when that fails.
pub(crate) fn tell(text: &str) {
    tracing::warn!("{text}");
    let _ = std::io::stderr().write_all(format!("longshore: {text}\n").as_bytes());
}
