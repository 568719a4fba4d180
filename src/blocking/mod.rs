//! The same without async: for plain `#[test]` functions, `static`s, and code that has no runtime. Requests are the same
//! [`ContainerRequest`](crate::ContainerRequest)s; start them with `start_blocking`.
//!
//! ```no_run
//! use longshore::blocking::Container;
//! use longshore::ContainerRequest;
//!
//! # fn example() -> longshore::Result<()> {
//! let redis: Container = ContainerRequest::new("redis:7.0").publish("6379").start_blocking()?;
//! println!("redis://{}", redis.address(6379)?);
//! # Ok(())
//! # }
//! ```
//!
//! A call blocks its thread and nothing else. It needs no runtime, and works inside one too: nothing panics, though a
//! runtime's worker that blocks does nothing else meanwhile. Requests, waits and errors are the same types as in the async
//! API; only the handles differ.

mod container;
mod exec;
mod start;
mod streams;
mod verbs;

pub use container::{remove_all, Container};
pub use exec::{ExecStream, Logs};
pub use streams::{AttachStream, Export, StatsSamples};

pub(crate) use start::with_runtime_if;

use std::future::Future;

/// Awaits a future on the calling thread: for what has no blocking twin, such as an engine's images and networks.
///
/// Needs no runtime, and works inside one too; the thread is blocked then, nothing else.
///
/// # Examples
///
/// ```no_run
/// use longshore::{blocking::block_on, Engine};
///
/// # fn example() -> longshore::Result<()> {
/// let engine = block_on(Engine::connect())?;
/// block_on(engine.ping())
/// # }
/// ```
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    crate::engine::io::block_on(future)
}
