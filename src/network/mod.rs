//! Networks of one's own, and those that an engine has.

mod networks;

pub use networks::Networks;
