//! What sharing saves: a process that finds the PostgreSQL of its test run against one that starts its own, in turns in the same
//! run: `tests/run cargo bench --bench shared`, or `cargo bench --bench shared` where an engine answers.
//!
//! Each round is two new processes, as under nextest. The machines this runs on are noisy: the ratio counts, not the milliseconds.
//! `LONGSHORE_BENCH_ROUNDS` sets the number of rounds (30).

#![allow(missing_docs, clippy::print_stdout, reason = "a benchmark talks to its reader")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::env;
use std::process::Command;
use std::time::Instant;

use longshore::{ContainerRequest, Wait};
use support::rounds::{is_wanted, median, rounds};
use support::unique;

/// Set for the processes that are measured, to what they do.
const CHILD: &str = "LONGSHORE_BENCH_CHILD";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if let Ok(what) = env::var(CHILD) {
        return measure(&what);
    }
    if !is_wanted() {
        return Ok(());
    }
    // All processes are of one test run, which goes on as long as this one has its container.
    env::set_var("LONGSHORE_SESSION", unique("bench"));
    let _shared = postgres().start_shared_blocking()?;
    let rounds = rounds();
    let (mut found, mut own) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        found.push(process("shared")?);
        own.push(process("own")?);
    }
    let ratios = found.iter().zip(&own).map(|(found, own)| found / own);
    println!("a PostgreSQL for a new process, {rounds} rounds");
    println!(
        "  its own {:.0} ms   the shared one {:.1} ms   median of ratios {:.4}",
        median(own.iter().copied()),
        median(found.iter().copied()),
        median(ratios),
    );
    Ok(())
}

fn postgres() -> ContainerRequest {
    ContainerRequest::new("postgres:15")
        .env("POSTGRES_PASSWORD", "secret")
        .publish("5432")
        .wait(Wait::log("database system is ready to accept connections").times(2))
}

/// How many milliseconds it took in a process of its own.
fn process(what: &str) -> Result<f64, Box<dyn std::error::Error>> {
    let output = Command::new(env::current_exe()?).env(CHILD, what).output()?;
    let text = String::from_utf8(output.stdout)?;
    text.trim().parse().map_err(|_| String::from_utf8_lossy(&output.stderr).into())
}

/// In the child.
fn measure(what: &str) -> Result<(), Box<dyn std::error::Error>> {
    let begun = Instant::now();
    let container = match what {
        "shared" => postgres().start_shared_blocking()?,
        _ => postgres().start_blocking()?,
    };
    println!("{}", begun.elapsed().as_secs_f64() * 1000.0);
    container.remove()?;
    Ok(())
}
