//! What is still alive when the process ends normally: containers in statics, whose destructors never run.
//!
//! `main` returning and `process::exit` come by here (on Windows, as documented, only the former); a signal or an abort does
//! not.

use std::sync::{Arc, Mutex, Weak};

use futures::future::BoxFuture;

/// Something that is removed at the end of the process if nobody did so before.
pub(super) trait Exit: Send + Sync {
    /// Whether containers may use it, so that they have to go first.
    fn is_used_by_others(&self) -> bool;

    /// Leaves it if it is that instance, since it is kept.
    fn keep_if(self: Arc<Self>, instance: &str);

    /// Removes it; runs on the I/O thread.
    fn remove_at_exit(self: Arc<Self>) -> BoxFuture<'static, ()>;
}

static ALIVE: Mutex<Alive> = Mutex::new(Alive { things: Vec::new(), is_ending: false });

struct Alive {
    things: Vec<Weak<dyn Exit>>,
    /// The hook has taken the list: what comes now would be forgotten.
    is_ending: bool,
}

/// Remembers `thing` until it is dropped. `false` says that the process is ending: nothing may be made any more, since
/// other threads go on until the last moment.
#[must_use]
pub(super) fn at_exit(thing: Weak<dyn Exit>) -> bool {
    #[cfg(any(unix, windows))]
    hook::install();
    let mut alive = ALIVE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    alive.things.retain(|thing| thing.strong_count() > 0);
    alive.things.push(thing);
    !alive.is_ending
}

/// Leaves what is that instance, if it is this process's own.
pub(super) fn keep(instance: &str) {
    let alive: Vec<_> = {
        let alive = ALIVE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        alive.things.iter().filter_map(Weak::upgrade).collect()
    };
    for thing in alive {
        thing.keep_if(instance);
    }
}

#[cfg(any(unix, windows))]
mod hook {
    use std::sync::{Arc, Condvar, Mutex, Once};
    use std::time::Duration;

    use futures::future;

    use super::ALIVE;
    use crate::engine::io;

    /// A process that cannot end is worse than a container that is left.
    const LIMIT: Duration = Duration::from_secs(20);

    #[expect(unsafe_code, reason = "the standard library has no hook for the end of a process")]
    pub(super) fn install() {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| {
            // SAFETY: `remove_all` is a function without captures that does not unwind: it locks, spawns and waits,
            // and treats every failure. It uses no thread-local value, which may be gone by then.
            unsafe { libc::atexit(remove_all) };
        });
    }

    extern "C" fn remove_all() {
        // In a forked child that calls `exit` the I/O thread does not exist, and nothing is its own.
        if io::check_process().is_err() {
            return;
        }
        let alive = match ALIVE.lock() {
            Ok(mut alive) => {
                alive.is_ending = true;
                std::mem::take(&mut alive.things)
            }
            Err(_) => return,
        };
        let alive: Vec<_> = alive.iter().filter_map(std::sync::Weak::upgrade).collect();
        if alive.is_empty() {
            return;
        }
        let done = Arc::new((Mutex::new(false), Condvar::new()));
        let signal = done.clone();
        drop(io::spawn(async move {
            let (used, users): (Vec<_>, Vec<_>) =
                alive.into_iter().partition(|thing| thing.is_used_by_others());
            for things in [users, used] {
                future::join_all(things.into_iter().map(|thing| thing.remove_at_exit())).await;
            }
            if let Ok(mut done) = signal.0.lock() {
                *done = true;
            }
            signal.1.notify_all();
        }));
        let Ok(waiting) = done.0.lock() else { return };
        drop(done.1.wait_timeout_while(waiting, LIMIT, |done| !*done));
    }
}
