//! The sweep: removes what owners have left that have ended. For code `longshore::sweep()`, for hands `examples/sweep.rs`.
//!
//! Must never touch what has none of our labels, or an owner that lives.
//!
//! - `order` is what is to go, as data, and the verbs; `report` is what went, what was left and why.

mod order;
mod report;

pub use order::{sweep, Sweep};
pub use report::{LeftReason, SweepFailure, SweepReport, SweptThing};
