//! The trait for waits of the user's own. They run where the caller is, never on the I/O thread.

use std::future::Future;
use std::time::Duration;

use futures::future::BoxFuture;

use super::target::Target;

/// The outcome of a wait of one's own: `?` takes any error.
pub type WaitResult = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// A wait of one's own, handed to [`start_with`](crate::ContainerRequest::start_with) in
/// [`Hooks`](crate::Hooks).
///
/// It resolves with `Ok` when the container is ready and with an error when it never will be; it asks as often as
/// it likes in between. The start's time-out and the container's death end it from outside.
///
/// Async closures over an owned [`Target`] are waits: `|target: Target| async move { … }`.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
///
/// use longshore::wait::Target;
/// use longshore::{ContainerRequest, Hooks};
///
/// # async fn example() -> longshore::Result<()> {
/// let primary = |target: Target| async move {
///     loop {
///         let answer = target.exec(["redis-cli", "role"]).await?;
///         if answer.stdout_str()?.starts_with("master") {
///             return Ok(());
///         }
///         target.sleep(Duration::from_millis(50)).await;
///     }
/// };
/// let redis = ContainerRequest::new("redis:7.0").start_with(Hooks::new().wait(primary)).await?;
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a wait strategy",
    note = "implement `longshore::wait::WaitStrategy`, or write `|target: Target| async move {{ .. Ok(()) }}`"
)]
pub trait WaitStrategy: Send + Sync {
    /// Resolves when the container is ready.
    fn ready<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, WaitResult>;

    /// The most time for it alone; the start's own time-out counts too.
    fn timeout(&self) -> Option<Duration> {
        None
    }

    /// What is awaited, for the error when it does not come: a noun, such as "a primary".
    fn describe(&self) -> String {
        "a wait of the test's own".into()
    }
}

impl<F, Fut> WaitStrategy for F
where
    F: Fn(Target) -> Fut + Send + Sync,
    Fut: Future<Output = WaitResult> + Send + 'static,
{
    fn ready<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, WaitResult> {
        Box::pin(self(target.clone()))
    }
}
