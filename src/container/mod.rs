//! What a test holds: a started container, its verbs, and its removal.
//!
//! - `create` makes a container and leaves it at that.
//! - `start` is the way from a request to a handle: `host_ports` chooses the host's ports on it, `bring_up` copies and
//!   starts, `readiness` waits.
//! - `handle` is [`Container`] itself; `life`, `copy` and `output` are its verbs, one subject a file, `archive` the tar
//!   streams of `copy`.
//! - `feed` reads a container's output, `consumer` hands it to a request's log consumers, each on a thread of its own.

mod archive;
mod bring_up;
mod consumer;
mod containers;
mod copy;
mod create;
mod feed;
mod handle;
mod host_ports;
mod life;
mod output;
mod readiness;
mod start;

pub use containers::Containers;
pub use handle::Container;
pub use life::remove_all;
