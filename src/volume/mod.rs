//! Volumes of one's own, and those that an engine has.

mod volumes;

pub use volumes::Volumes;
