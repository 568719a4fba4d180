//! Volumes of one's own, and those that an engine has.
//!
//! - `volume_request` is the data, `create` the way to a volume.
//! - `handle` is [`Volume`] itself, `remote` the calls.
//! - `volumes`, `filters` and `inspect` are for those that nobody holds.

mod create;
mod filters;
mod handle;
mod inspect;
mod remote;
mod volume_request;
mod volumes;

pub use filters::VolumeFilters;
pub use handle::Volume;
pub use inspect::VolumeInspect;
pub use volume_request::VolumeRequest;
pub use volumes::Volumes;
