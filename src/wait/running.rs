//! Waiting for a container that declares nothing to wait for, and waiting for time to pass.

use std::fmt;
use std::pin::pin;
use std::time::{Duration, Instant};

use futures::future::{self, Either};
use serde::{Deserialize, Serialize};

use super::process::{self, Sight};
use super::run::Unready;
use super::target::Target;

/// How long a container has to live to count as running, where its process cannot be watched.
const SETTLE: Duration = Duration::from_millis(250);

/// Where it can: it has settled when it was found asleep this often in a row, this far apart, ...
const CALM: u32 = 3;
const STEP: Duration = Duration::from_millis(20);

/// ... and a process that never sleeps counts as running after this.
const BUSY: Duration = Duration::from_secs(1);

/// Waits until the container runs and has not ended in its first moments; see [`Wait::running`](crate::Wait::running).
///
/// An engine still calls a container running that has just died, so it is watched for a moment: until its process has
/// nothing to do, which takes 60 ms, or for 250 ms where the process cannot be seen from here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct RunningWait {}

impl RunningWait {
    pub(super) async fn ready(&self, target: &Target) -> Result<(), Unready> {
        let ended = |code| Unready::failed(format!("the container exited with code {code}"));
        let settled = async {
            match process::look(target) {
                Sight::Alive(pid) => settled(pid).await,
                Sight::Gone => future::pending().await,
                Sight::Unknown => {
                    tokio::time::sleep(SETTLE).await;
                    if !target.inspect().await.is_ok_and(|inspect| inspect.is_running()) {
                        // The engine is about to tell its end.
                        future::pending::<()>().await;
                    }
                }
            }
        };
        // The exit is looked at first: a container that has settled and one that has died look alike for a moment.
        match future::select(pin!(target.exit().exited()), pin!(settled)).await {
            Either::Left((code, _)) => Err(ended(code)),
            Either::Right(((), _)) => Ok(()),
        }
    }
}

/// Resolves when the process has nothing to do, or is still busy after a second; never when it is gone: then the engine
/// is about to say so.
async fn settled(pid: u32) {
    let started = Instant::now();
    let mut calm = 0;
    loop {
        match process::state(pid) {
            None | Some('Z' | 'X') => future::pending().await,
            Some('S') => calm += 1,
            Some(_) => calm = 0,
        }
        if calm > CALM || started.elapsed() > BUSY {
            return;
        }
        tokio::time::sleep(STEP).await;
    }
}

impl fmt::Display for RunningWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the container to run")
    }
}

/// Waits for time to pass; see [`Wait::duration`](crate::Wait::duration).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct DurationWait {
    time: Duration,
}

impl DurationWait {
    pub(super) fn new(time: Duration) -> Self {
        DurationWait { time }
    }

    pub(super) async fn ready(&self) -> Result<(), Unready> {
        tokio::time::sleep(self.time).await;
        Ok(())
    }
}

impl fmt::Display for DurationWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} to pass", self.time)
    }
}
