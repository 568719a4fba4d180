//! Where a process that was started as a reaper becomes one: before `main`. In every other process this is one look at the
//! environment.

use std::env;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicBool, Ordering};

use super::protocol::{Order, ORDER};
use super::{serve, system};

/// Whether this program runs the hook: if it did not, it could not be started as a reaper, but would run all over again.
static IS_HOOKED: AtomicBool = AtomicBool::new(false);

ctor::declarative::ctor! {
    /// A reaper never returns from here.
    #[ctor(unsafe)]
    fn become_reaper() {
        IS_HOOKED.store(true, Ordering::Relaxed);
        if let Some(order) = env::var_os(ORDER) {
            let order = order.to_str().and_then(|order| serde_json::from_str(order).ok());
            run(order);
        }
    }
}

/// Whether this program can be started again as a reaper.
pub(super) fn check_hook() -> Result<(), String> {
    if !IS_HOOKED.load(Ordering::Relaxed) {
        return Err("this program was linked without longshore's constructor".into());
    }
    match is_in_the_program() {
        true => Ok(()),
        false => Err("longshore is in a library that this program has loaded".into()),
    }
}

/// Whether this code is part of the executable file. From a library that a program (an interpreter, say) has loaded, starting
/// that program again would run it.
#[cfg(target_os = "linux")]
fn is_in_the_program() -> bool {
    let here = is_in_the_program as fn() -> bool as usize;
    let Ok(program) = std::fs::read_link("/proc/self/exe") else { return true };
    let Ok(maps) = std::fs::read_to_string("/proc/self/maps") else { return true };
    let is_here = |line: &&str| {
        let range = line.split(' ').next().and_then(|range| range.split_once('-'));
        let Some((from, to)) = range else { return false };
        let number = |text| usize::from_str_radix(text, 16);
        number(from).is_ok_and(|from| from <= here) && number(to).is_ok_and(|to| here < to)
    };
    let line = maps.lines().find(is_here).unwrap_or_default();
    line.find('/').is_some_and(|at| line[at..] == *program.to_string_lossy())
}

#[cfg(not(target_os = "linux"))]
fn is_in_the_program() -> bool {
    true
}

fn run(order: Option<Order>) -> ! {
    env::remove_var(ORDER);
    let Some(order) = order else { system::exit_now() };
    system::detach();
    let Ok(listener) = listener() else { system::exit_now() };
    // Not past here: what unwinds out of a constructor takes the program with it in a way nobody expects.
    let served = std::panic::catch_unwind(move || serve::serve(order, listener));
    if served.is_err() {
        log("ended by a panic");
    }
    system::exit_now()
}

/// The socket that this process was given as its input, which nobody then reads as such.
fn listener() -> std::io::Result<UnixListener> {
    let listener: OwnedFd = std::io::stdin().as_fd().try_clone_to_owned()?;
    Ok(UnixListener::from(listener))
}

/// A line for the session's log.
#[expect(clippy::print_stderr, reason = "the reaper's standard error is its log file")]
pub(super) fn log(text: &str) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    eprintln!("{:.3} {text}", now.unwrap_or_default().as_secs_f64());
}
