//! The start-up report as it is read: what a test run has started, how long that took, and how much was shared. The reaper writes it
//! (`session/reaper/startup`); nothing is written here.
//!
//! - `report` finds and reads a file; `container` is one line of it; `table` is how people see it.

mod container;
mod report;
mod table;

pub use report::StartupReport;
