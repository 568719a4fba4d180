//! Where a process that was started as a reaper becomes one: before `main`. In every other process this is one look at the
//! environment.

use std::env;
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
#[cfg(target_os = "linux")]
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicBool, Ordering};

use super::protocol::{Order, ORDER};
use super::{serve, system};

/// With this a program ends that was told to be a reaper, and not how (`EX_SOFTWARE`).
const NO_ORDER: i32 = 70;

/// Whether this program runs the hook: if it did not, it could not be started as a reaper, but would run all over again.
static IS_HOOKED: AtomicBool = AtomicBool::new(false);

ctor::declarative::ctor! {
    /// A reaper never returns from here.
    #[ctor(unsafe)]
    fn become_reaper() {
        IS_HOOKED.store(true, Ordering::Relaxed);
        if let Some(order) = env::var_os(ORDER) {
            match order.to_str().and_then(|order| serde_json::from_str(order).ok()) {
                Some(order) => run(order),
                None => {
                    let text = format!("longshore: `{ORDER}` is set, and is no order to a reaper; unset it\n");
                    let _ = std::io::stderr().write_all(text.as_bytes());
                    system::exit_now(NO_ORDER)
                }
            }
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
    let Ok(program) = std::fs::read_link("/proc/self/exe") else { return false };
    // A path may hold any bytes.
    let Ok(maps) = std::fs::read("/proc/self/maps") else { return false };
    let is_here = |line: &&[u8]| {
        let range = line.split(|byte| *byte == b' ').next().unwrap_or_default();
        let range = std::str::from_utf8(range).ok().and_then(|range| range.split_once('-'));
        let Some((from, to)) = range else { return false };
        let number = |text| usize::from_str_radix(text, 16);
        number(from).is_ok_and(|from| from <= here) && number(to).is_ok_and(|to| here < to)
    };
    let line = maps.split(|byte| *byte == b'\n').find(is_here).unwrap_or_default();
    let path = line.iter().position(|byte| *byte == b'/').map(|at| &line[at..]);
    path == Some(program.as_os_str().as_bytes())
}

#[cfg(not(target_os = "linux"))]
fn is_in_the_program() -> bool {
    true
}

fn run(order: Order) -> ! {
    env::remove_var(ORDER);
    system::detach();
    let Ok(listener) = listener() else { system::exit_now(0) };
    // Not past here: what unwinds out of a constructor takes the program with it in a way nobody expects.
    let served = std::panic::catch_unwind(move || serve::serve(order, listener));
    if served.is_err() {
        log("ended by a panic");
    }
    system::exit_now(0)
}

/// The socket that this process was given as its input, which nobody then reads as such.
fn listener() -> std::io::Result<UnixListener> {
    let listener: OwnedFd = std::io::stdin().as_fd().try_clone_to_owned()?;
    Ok(UnixListener::from(listener))
}

/// A line for the session's log, which is the reaper's standard error. A full disk must not keep it from its work.
pub(super) fn log(text: &str) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let line = format!("{:.3} {text}\n", now.unwrap_or_default().as_secs_f64());
    let _ = std::io::stderr().write_all(line.as_bytes());
}
