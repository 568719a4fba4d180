//! Who owns what: the labels on everything that is made, and what becomes of it when its owner ends.
//!
//! Knows the engine, knows nothing of requests or handles.
//!
//! - `identity` is who we are: this process as an owner, and the test run as a session.
//! - `labels` is what is written on a thing; `owner` reads it back and tells whether that owner still lives.
//! - `keep` is what stays on purpose, and what `LONGSHORE_KEEP` says about that.
//! - `found` is what an engine has of ours, and what of it is kept; `cleanup` removes what owners have left.
//! - `guard` makes sure that a thing goes, whatever happens; it exists before the thing does.
//! - `exit` removes what is still alive when the process ends.
//! - `reaper` is the process that does so when this one is killed; `startup` is what it writes of all starts.
//! - `shared` is what all processes of the test run share: one of each key.
//! - `snapshots` is whose turn it is to make a snapshot, in all processes of this user.
//! - `process` tells processes apart and whether one has ended; `turn` lets them take turns over what has no id.
//! - `tell` is a line for the user.

mod cleanup;
mod exit;
mod found;
mod guard;
mod identity;
mod keep;
mod labels;
mod owner;
mod process;
#[cfg(unix)]
mod reaper;
#[cfg(not(unix))]
#[path = "no_reaper.rs"]
mod reaper;
mod shared;
mod snapshots;
mod startup;
mod tell;
mod turn;

pub use keep::Kept;
pub use startup::{ContainerStart, StartOutcome, Warmth};

pub(crate) use cleanup::{of_instance, sweep, Cleared, Orders, Reason};
pub(crate) use found::{kept, Found, KeptThings};
pub(crate) use guard::Guard;
pub(crate) use identity::{check_variables, test_name};
pub(crate) use keep::{keeps_what_is_dropped, Outcome};
pub(crate) use labels::{
    instance, is_of_a_run, labels, of_any_session, of_snapshots, of_this_session, snapshot_in,
    snapshot_labels, tag_label, unix_ms, LABEL_PREFIX,
};
pub(crate) use owner::{is_image_left_behind, is_left_behind};
pub(crate) use reaper::{begin, started, used_shared};
pub(crate) use shared::{guard_of, Place, Record, State, Turn};
pub(crate) use snapshots::{snapshot_limit, SnapshotPlace};
pub(crate) use startup::{Millis, Phases, Report as Startup, Start, FOLDER as STARTUP_FOLDER};
pub(crate) use tell::tell;
pub(crate) use turn::turn_over_volume;
