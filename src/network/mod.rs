//! Networks of one's own, and those that an engine has.
//!
//! - `network_request` is the data, `plan` what is wrong with it and what the engine is sent, `subnet` the arithmetic.
//! - `create` is the way to a network and who may have a fixed name, `shared` the networks that a process has in common.
//! - `handle` is [`Network`] itself, `endpoint` how a container is connected to one, `remote` the calls.
//! - `networks`, `filters` and `inspect` are for those that nobody holds.

mod create;
mod endpoint;
mod filters;
mod handle;
mod inspect;
mod network_request;
mod networks;
mod plan;
mod remote;
mod shared;
mod subnet;

pub use endpoint::Endpoint;
pub use filters::NetworkFilters;
pub use handle::Network;
pub use inspect::{NetworkContainer, NetworkInspect};
pub use network_request::NetworkRequest;
pub use networks::Networks;
