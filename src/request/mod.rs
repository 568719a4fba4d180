//! What a test declares. Pure data: nothing in here talks to an engine, and building a request never fails.
//!
//! - `container_request` is the data and `options` its builder methods, named after the flags of `docker run`.
//! - `port_word` is a port as users write it; `copy` and `exec` are the data of `docker cp` and `docker exec`.
//! - `check` finds everything that is wrong with a request; `create_body` turns a checked one into what the
//!   engine is sent; `fingerprint` tells equal requests.
//! - `hooks` holds what is not data: closures, which travel beside a request.

mod check;
mod container_request;
mod copy;
mod create_body;
mod exec;
mod fingerprint;
mod hooks;
mod options;
mod port_word;

pub use container_request::{ContainerRequest, PullPolicy, Size};
pub use copy::{CopyIn, CopySource};
pub use exec::Exec;
pub use fingerprint::Fingerprint;
pub use hooks::Hooks;
pub use port_word::PortWord;

pub(crate) use check::Checked;
pub(crate) use create_body::{create_body, whole_seconds, Binding};
pub(crate) use hooks::Consumer;
