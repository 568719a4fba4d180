//! What travels beside a request because it is not data: closures and users' own waits.

use std::fmt;
use std::sync::Arc;

use crate::engine::LogFrame;
use crate::report::Subject;
use crate::wait::WaitStrategy;

/// A consumer of output.
pub(crate) type Consumer = Box<dyn FnMut(LogFrame) + Send>;

/// Closures and waits of the user's own, for [`start_with`](crate::ContainerRequest::start_with).
///
/// # Examples
///
/// ```no_run
/// use longshore::{ContainerRequest, Hooks};
///
/// # async fn example() -> longshore::Result<()> {
/// let request = ContainerRequest::new("redis:7.0").publish("6379");
/// let redis = request.start_with(Hooks::new().on_log(|frame| eprint!("redis: {}", frame.text()))).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
#[must_use]
pub struct Hooks {
    pub(crate) waits: Vec<Arc<dyn WaitStrategy>>,
    pub(crate) consumers: Vec<Consumer>,
    pub(crate) purpose: Purpose,
}

/// What a container is started for.
#[derive(Debug, Default, Clone)]
pub(crate) enum Purpose {
    #[default]
    Any,
    /// A test that reports what becomes of it; this is what is known of the container before it is made.
    Test(Subject),
}

impl Hooks {
    /// No hooks.
    pub fn new() -> Self {
        Hooks::default()
    }

    /// The same for a test that writes a report.
    pub(crate) fn for_test(self, subject: Subject) -> Self {
        Hooks { purpose: Purpose::Test(subject), ..self }
    }

    /// Waits for this too, after the waits of the request.
    pub fn wait(mut self, strategy: impl WaitStrategy + 'static) -> Self {
        self.waits.push(Arc::new(strategy));
        self
    }

    /// Is given all output from the first line on, as it is written. Runs on a thread of its own; removing the
    /// container waits until it has seen everything, for ten seconds at most. What a slow consumer has not seen yet is held
    /// in memory.
    pub fn on_log(mut self, consumer: impl FnMut(LogFrame) + Send + 'static) -> Self {
        self.consumers.push(Box::new(consumer));
        self
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hooks({} waits, {} log consumers)", self.waits.len(), self.consumers.len())
    }
}
