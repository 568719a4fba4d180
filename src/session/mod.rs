//! Who owns what: the labels on everything that is made, and what becomes of it when its owner ends.
//!
//! Knows the engine, knows nothing of requests or handles.
//!
//! - `identity` is who we are: this process as an owner, and the test run as a session.
//! - `labels` is what is written on a thing; `owner` reads it back and tells whether that owner still lives.
//! - `guard` makes sure that a thing goes, whatever happens; it exists before the thing does.
//! - `exit` removes what is still alive when the process ends.

mod cleanup;
mod exit;
mod guard;
mod identity;
mod labels;
mod owner;
mod process;
#[cfg(unix)]
mod reaper;
#[cfg(not(unix))]
#[path = "no_reaper.rs"]
mod reaper;

pub(crate) use guard::Guard;
pub(crate) use labels::{instance, labels, of_any_session, of_this_session, LABEL_PREFIX};
pub(crate) use owner::has_dead_owner;
pub(crate) use reaper::begin;
