//! `docker container prune` and its kin, and `docker system prune`: what nobody uses goes.
//!
//! Only what is labelled ours goes, unless `everything()` was said. Never more than an engine's own command would take.
//!
//! - `options` is what was asked for, `report` what went.
//! - `run` has the verbs and asks the engine; `by_hand` lists and removes where an engine's own prune takes more than was
//!   asked for.

mod by_hand;
mod options;
mod report;
mod run;

pub use options::Prune;
pub use report::PruneReport;
