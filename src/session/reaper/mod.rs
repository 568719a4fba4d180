//! The reaper: a process that outlives the tests of a session and removes what they leave, whatever ended them.
//!
//! It is this very program, started again: no helper image, no installed tool. One for each session and version of the
//! protocol, started by the first process that makes something. How it comes about:
//!
//! ```text
//! test process                                    reaper
//!   lock the session's folder
//!   connect to `v1.sock` ── there is one ───────────> a lease, and that was all
//!   └─ nobody: bind it, start this program ── exec ─> `entry`, before `main`: closes what it inherited, forks,
//!      with the listening socket as its input         leaves the process group
//!      connect (waits in the queue, is not refused)
//!   unlock
//!   ── hello, engine, making .. ────────────────────> accepts, when it has come so far
//!                                                     ── welcome ─>
//! ```
//!
//! So a test that is killed before its reaper runs has a lease all the same: what it said waits in the socket, and behind it
//! its end.
//!
//! - `folder` is the session's folder: where the socket, the lock and the log are, and who may have them.
//! - `protocol` is what is said, `lease` the side of the test process, `serve` the side of the reaper.
//! - `spawn` and `entry` are the two ends of the start; `system` is where the kernel is called.
//! - `shelf` is what the session shares: records in its folder; `cellar` is what all sessions know of snapshots.
//! - `chores` is the work: removing what a lease left, sweeping; `unfinished` is what it tells of tests that did not come to their
//!   end; `startup` are its books of all starts; `watch` tells when a process has ended.
//!
//! Installs no signal handler and no hook in the test process. Removes nothing but by `cleanup`.

mod cellar;
mod chores;
mod entry;
mod folder;
mod lease;
mod protocol;
mod serve;
mod shelf;
mod spawn;
mod startup;
mod system;
mod unfinished;
mod watch;

pub(super) use cellar::Cellar;
pub(super) use folder::Lock;
pub(super) use lease::{announce, fixture, gone, judged, settled, shelf};
pub(crate) use lease::{begin, started, used_shared};
pub(super) use shelf::Shelf;

/// Whether a test run goes on, as far as it is this user's and has its folder where this process would have it: then a reaper
/// listens. (One that was killed is replaced at once.)
pub(super) fn is_served(session: &str) -> bool {
    !folder::Folder::of(session).is_deserted()
}
