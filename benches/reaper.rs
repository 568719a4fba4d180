//! What the reaper costs: the first start in a process with it and without (`LONGSHORE_REAPER=off`), in turns in the same run,
//! and the memory that it holds while it waits: `tests/run cargo bench --bench reaper`, or `cargo bench --bench reaper` where
//! an engine answers.
//!
//! Each round is two processes, since a process has its first start once; each is a session of its own, so that the reaper is
//! started and not only connected to. The machines this runs on are noisy: the ratio counts, not the milliseconds.
//! `LONGSHORE_BENCH_ROUNDS` sets the number of rounds (30).

#![allow(missing_docs, clippy::print_stdout, reason = "a benchmark talks to its reader")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::env;
use std::fs;
use std::process::Command;
use std::time::Instant;

use longshore::{ContainerRequest, Wait};
use support::rounds::{is_wanted, median, rounds};
use support::{unique, BUSYBOX};

/// Set for the processes whose first start is measured.
const CHILD: &str = "LONGSHORE_BENCH_CHILD";

/// What one process measured.
#[derive(Debug, Clone, Copy)]
struct First {
    start_ms: f64,
    /// The reaper's proportional set, and what of it is nobody else's, in KiB.
    memory: [u64; 2],
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if env::var_os(CHILD).is_some() {
        return measure();
    }
    if !is_wanted() {
        return Ok(());
    }
    let rounds = rounds();
    // The image is there before anything is measured.
    first("off")?;
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        if round % 2 == 0 {
            with.push(first("on")?);
            without.push(first("off")?);
        } else {
            without.push(first("off")?);
            with.push(first("on")?);
        }
    }
    let ratios = with.iter().zip(&without).map(|(with, without)| with.start_ms / without.start_ms);
    println!("the first start in a process, {rounds} rounds");
    println!(
        "  without a reaper {:.1} ms   with it {:.1} ms   median of ratios {:.3}",
        median(without.iter().map(|first| first.start_ms)),
        median(with.iter().map(|first| first.start_ms)),
        median(ratios),
    );
    let [all, private] =
        [0, 1].map(|at| median(with.iter().map(move |first| first.memory[at] as f64)) / 1024.0);
    println!("  a reaper that waits holds {all:.1} MiB (PSS), of which {private:.1} MiB are private and dirty");
    Ok(())
}

fn first(reaper: &str) -> Result<First, Box<dyn std::error::Error>> {
    let output = Command::new(env::current_exe()?)
        .env(CHILD, "1")
        .env("LONGSHORE_REAPER", reaper)
        .env("LONGSHORE_SESSION", unique("bench"))
        // Its test run ends with it, and not with what runs this.
        .env_remove("CARGO")
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let numbers: Vec<f64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let [start_ms, all, private] = numbers[..] else {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    };
    Ok(First { start_ms, memory: [all as u64, private as u64] })
}

/// In the child.
fn measure() -> Result<(), Box<dyn std::error::Error>> {
    let begun = Instant::now();
    let container = ContainerRequest::new(BUSYBOX)
        .cmd(["httpd", "-f", "-h", "/etc"])
        .publish("80")
        .wait(Wait::http("/passwd").port(80))
        .start_blocking()?;
    let took = begun.elapsed();
    let [all, private] = memory().unwrap_or_default();
    println!("{} {all} {private}", took.as_secs_f64() * 1000.0);
    container.remove()?;
    Ok(())
}

/// Of the reaper of this session, in KiB.
fn memory() -> Option<[u64; 2]> {
    let session = env::var("LONGSHORE_SESSION").ok()?;
    let wanted = format!("longshore-reaper\0{session}\0");
    let mut processes = fs::read_dir("/proc").ok()?.flatten().map(|entry| entry.path());
    let reaper = processes.find(|path| {
        fs::read(path.join("cmdline")).is_ok_and(|command| command == wanted.as_bytes())
    })?;
    let told = fs::read_to_string(reaper.join("smaps_rollup")).ok()?;
    let number = |name: &str| {
        let line = told.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    Some([number("Pss:")?, number("Private_Dirty:")?])
}
