//! The one error type: an opaque report that a person with a red build can act on.
//!
//! [`Error`] says what was tried, what was found, and on a line of its own what to do. Other modules build it
//! with [`Error::new`] and its chained setters; nothing here talks to an engine.

mod display;
mod problems;
mod report;
mod told;

pub(crate) use problems::{Problem, Problems};
pub(crate) use report::Kind;
pub use report::{Error, Result};
pub(crate) use told::Told;
