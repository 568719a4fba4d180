//! Getting images: when they are pulled, with whose credentials, and what a pull that fails means.

mod credentials;
mod progress;
mod pull;

pub(crate) use pull::{pull, PullOrder};
