//! Getting images: when they are pulled, with whose credentials, and what a pull that fails means.

mod credentials;
mod exposed;
mod images;
mod progress;
mod pull;

pub use images::Images;

pub(crate) use exposed::exposed_ports;
pub(crate) use pull::{pull, PullOrder};
