//! What is told of a test's containers when it has failed: the text, and the folder with all that may help. It is made by the test's
//! process, or by the reaper when that was killed, so it knows nothing but the engine.
//!
//! - `place` is the folder of one test.
//! - `subject` is what has to be known of a container: a few words, which can be passed to another process.
//! - `look` asks the engine about it; `folder` writes.
//!
//! Must never make a test fail or hang: everything has a limit, and what goes wrong becomes a line.

mod folder;
mod look;
mod make;
mod place;
mod subject;

pub(crate) use look::{look_closely, Look};
pub(crate) use make::{make, Failure, Report, Seen, LIMIT};
pub(crate) use place::{reports_folder, safe, this_binary, Place};
pub(crate) use subject::Subject;
