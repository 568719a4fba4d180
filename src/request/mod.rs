//! What a test declares. Pure data: nothing in here talks to an engine, and building a request never fails.
//!
//! - `container_request` is the data and `options` its builder methods, named after the flags of `docker run`; `words` keeps what
//!   they were given, in Docker's spelling, and `run_line` reads and writes whole lines.
//! - `port_word`, `units` and `mount` are values as users write them; `copy` and `exec` are the data of `docker cp` and
//!   `docker exec`.
//! - `check` finds everything that is wrong with a request. `draft` reads its options for that, and writes them down as the engine
//!   takes them. `create_body` completes what the engine is sent; `fingerprint` tells equal
//!   requests.
//! - `on_top` lays one request over another.
//! - `warm` is what a request says of its snapshot.
//! - `hooks` holds what is not data: closures, which travel beside a request.

mod check;
mod container_request;
mod copy;
mod create_body;
mod draft;
#[cfg(test)]
mod every_option;
mod exec;
mod fingerprint;
mod hooks;
mod mount;
mod on_top;
mod options;
mod port_word;
mod run_line;
mod units;
mod warm;
mod words;

pub use container_request::{ContainerRequest, PullPolicy};
pub use copy::{CopyIn, CopySource};
pub use exec::Exec;
pub use fingerprint::Fingerprint;
pub use hooks::Hooks;
pub use mount::Mount;
pub use port_word::PortWord;
pub use units::{Cpus, Size, Time};

pub(crate) use check::{publish_too, Checked};
pub(crate) use create_body::{create_body, whole_seconds, Binding};
pub(crate) use draft::{has_letters_of_names, is_name, Endpoint, Need, OPTIONS_OF_A_NEW_VOLUME};
pub(crate) use hooks::{Consumer, Purpose};
