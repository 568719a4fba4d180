//! When a container is ready: strategies as data, one a file, and how they are awaited.
//!
//! A strategy sees its container only as a [`Target`]. It knows nothing of sessions, guards or handles.
//!
//! - `strategies` is the data type [`Wait`] with its constructors; `limits` and `pattern` are what they share.
//! - `run` awaits one: time-outs, `all` and `any`, and notes on what was seen last, for the error.
//! - `log`, `port`, `tcp`, `http`, `exec`, `health`, `exit`, `file`, `running` are the strategies; `search` looks for a pattern
//!   in output.
//! - `process` and `listening` look at the container from the engine's machine.
//! - `target` is the container as a strategy sees it, `transcript` its output since it started.
//! - `custom` is the trait for waits of the user's own.

mod custom;
mod exec;
mod exit;
mod file;
mod health;
mod http;
mod limits;
mod listening;
mod log;
mod pattern;
mod port;
mod process;
mod run;
mod running;
mod search;
mod strategies;
mod target;
mod tcp;
#[cfg(feature = "tls")]
mod tls;
mod transcript;

pub use custom::{WaitResult, WaitStrategy};
pub use exec::ExecWait;
pub use exit::ExitWait;
pub use file::FileWait;
pub use health::HealthWait;
pub use http::HttpWait;
pub use log::LogWait;
pub use port::PortWait;
pub use running::{DurationWait, RunningWait};
pub use strategies::{AllWait, AnyWait, Wait};
pub use target::Target;
pub use tcp::TcpWait;

pub(crate) use run::{run, Notes, Unready};
pub(crate) use transcript::{Keep, Transcript};
