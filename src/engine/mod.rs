//! Finding an engine and talking to it over the Docker Engine API.
//!
//! Nothing in here knows about tests, sessions or handles: it has endpoints, requests and answers.
//!
//! - `io` is the thread on which all of this runs.
//! - `endpoint`, `connect` and `client` are the connection; `failure` is what an engine's refusal becomes.
//! - `discover` finds the process's default engine, `engine` is the public handle, `host` says under which
//!   address published ports are reached.
//! - `sight` says whether its containers' processes are seen from here.
//! - `podman` is what is done otherwise there.
//! - `thing` is a container, network, volume or image as something that is removed; `phase` a span for each phase.
//! - `remote` is one container seen from here: the verbs of the API, `inspect` what the engine says of it. `exec`, `attach`,
//!   `output`, `samples` and `archive` hold the verbs that stream, `duplex` the connections that go both ways.

pub(crate) mod archive;
mod attach;
mod client;
mod connect;
mod discover;
mod duplex;
mod endpoint;
#[expect(clippy::module_inception, reason = "the file is named after the type it holds")]
mod engine;
mod exec;
mod failure;
mod host;
mod inspect;
pub(crate) mod io;
mod output;
mod phase;
pub(crate) mod podman;
mod ports;
mod remote;
mod samples;
mod sight;
mod thing;

pub use attach::{Attach, AttachInput, AttachStream};
pub use engine::{Engine, Version};
pub use exec::{ExecInput, ExecOutput, ExecStream};
pub use inspect::{ContainerState, Inspect};
pub use output::{LogFrame, LogOptions, LogSource, LogStream};
pub use ports::{Address, ContainerPortSpec, PublishedPort};

pub(crate) use client::{encoded, query, segment};
pub(crate) use failure::ApiError;
pub(crate) use host::{Bind, Host};
pub(crate) use output::{joined, last_lines};
pub(crate) use phase::phase;
pub(crate) use podman::get_networks;
pub(crate) use ports::Ports;
pub(crate) use remote::{ExitState, ExitWatch, Remote, TOLD_LINES};
pub(crate) use samples::Sample;
pub(crate) use thing::{remove_image, Thing};
