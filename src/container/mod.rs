//! What a test holds: a started container, its verbs, and its removal.
//!
//! - `start` is the way from a request to a handle, `host_ports` the choice of host ports on that way.
//! - `guard` makes sure that the container goes, whatever happens; it exists before the container does.
//! - `handle` is [`Container`] itself; `life`, `copy` and `output` are its verbs, one subject a file, `archive` the tar
//!   streams of `copy`.
//! - `consumer` feeds a request's log consumers, each on a thread of its own.

mod archive;
mod consumer;
mod copy;
mod guard;
mod handle;
mod host_ports;
mod life;
mod output;
mod start;

pub use guard::remove_all;
pub use handle::Container;
