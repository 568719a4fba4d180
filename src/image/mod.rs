//! Getting images: when they are pulled, with whose credentials, and what a pull that fails means. `committed` is an image that
//! is a handle's own.

mod committed;
mod credentials;
mod exposed;
mod images;
mod progress;
mod pull;

pub use committed::Image;
pub use images::Images;

pub(crate) use committed::short;
pub(crate) use exposed::exposed_ports;
pub(crate) use pull::{pull, PullOrder};
