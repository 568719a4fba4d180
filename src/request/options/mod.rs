//! The builder methods, each with the long name of its `docker run` flag. They only write words down; what is wrong with one
//! is told when the request is started.
//!
//! One file for each subject: the `process`, its `names`, the `network`, `storage`, `limits`, `isolation`, its `life`, and `warm` starts.

mod isolation;
mod life;
mod limits;
mod names;
mod network;
mod process;
mod storage;
mod warm;
