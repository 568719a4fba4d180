//! What every strategy can be told: how long it may take and how often it asks.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Time-out and polling interval of one strategy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Limits {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) timeout: Option<Duration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) interval: Option<Duration>,
}

impl Limits {
    /// The pauses between two questions: what was asked for, or short ones that grow to `longest`.
    pub(crate) fn pauses(&self, longest: Duration) -> Pauses {
        match self.interval {
            Some(interval) => Pauses { next: interval, longest: interval },
            None => Pauses { next: FIRST_PAUSE.min(longest), longest },
        }
    }
}

const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// The longest pause of strategies that are told no interval.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause of those that connect, as long as nobody answers: a refused connection costs nearly nothing.
pub(crate) const LONGEST_PAUSE_BEFORE_ANSWER: Duration = Duration::from_millis(25);

#[derive(Debug)]
pub(crate) struct Pauses {
    next: Duration,
    longest: Duration,
}

impl Pauses {
    /// Sleeps for the next pause. On the I/O thread.
    pub(crate) async fn pause(&mut self) {
        tokio::time::sleep(self.next).await;
        self.next = (self.next * 3 / 2).min(self.longest).max(Duration::from_millis(1));
    }
}

/// The builder methods of [`Limits`] on a strategy that has the field `limits`.
macro_rules! limits_methods {
    (timeout) => {
        /// The most time for this wait alone; the start's own time-out counts too.
        pub fn timeout(mut self, limit: std::time::Duration) -> Self {
            self.limits.timeout = Some(limit);
            self
        }
    };
    (timeout, interval) => {
        $crate::wait::limits::limits_methods!(timeout);

        /// The pause between two tries; without one, short pauses that grow to 100 ms (over TCP, and over HTTP as long as nobody
        /// answers, to 25 ms).
        pub fn interval(mut self, pause: std::time::Duration) -> Self {
            self.limits.interval = Some(pause);
            self
        }
    };
}
pub(crate) use limits_methods;
