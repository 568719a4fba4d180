//! A PostgreSQL for a test, by longshore and by testcontainers 0.28, in turns in the same run, one by one and sixteen at once; then two
//! hundred tests run by nextest, which each have a container of their own, or each a database of their own on one server:
//!
//! ```text
//! cargo build --release --manifest-path benches/services/Cargo.toml
//! tests/run benches/services/target/release/services-benchmark
//! ```
//!
//! The program alone does where an engine answers at the Unix socket that `DOCKER_HOST` names. All ways have the same image. Each is
//! measured from the question for a server until a client has its first answer. The machines this runs on are noisy: the ratios to
//! the cold start of the same round count, not the milliseconds. `LONGSHORE_BENCH_ROUNDS` sets the number of rounds (30 one by one; a
//! tenth of that with sixteen at once). The tests of nextest take minutes; where there is no nextest, they are left out.

#[path = "../../../tests/support/rounds.rs"]
mod rounds;

mod places;
mod relay;

use std::env;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use longshore::Engine;
use places::{Places, Result, Way, ALL};
use relay::Relay;
use rounds::{median, rounds};
use tokio::task::JoinSet;

const AT_ONCE: usize = 16;

fn main() -> Result<()> {
    let address =
        env::var("DOCKER_HOST").map_err(|_| "DOCKER_HOST names no engine; tests/run sets it")?;
    let socket = address.strip_prefix("unix://").ok_or("DOCKER_HOST is no Unix socket")?;
    let relay = Relay::before(Path::new(socket))?;
    // What testcontainers goes by. longshore is told the engine itself. Nobody reads the environment yet.
    env::set_var("DOCKER_HOST", format!("unix://{}", relay.path().display()));
    tokio::runtime::Runtime::new()?.block_on(async {
        let places = Arc::new(Places::make(Engine::connect_to(&address).await?).await?);
        // The image and what either library does once in a process.
        for way in ALL {
            way.go(&places).await?.remove().await?;
        }
        measure("one by one", 1, rounds(), &places).await?;
        measure(&format!("{AT_ONCE} at once"), AT_ONCE, (rounds() / 10).max(3), &places).await
    })?;
    env::set_var("DOCKER_HOST", &address);
    compare_test_runs()
}

/// What one way took in one round.
struct Round {
    /// Until the last of those at once had its first answer, in milliseconds.
    all: f64,
    /// Until each was said to be ready.
    ready: Vec<f64>,
}

async fn measure(what: &str, at_once: usize, rounds: usize, places: &Arc<Places>) -> Result<()> {
    let mut taken: Vec<Vec<Round>> = ALL.iter().map(|_| Vec::new()).collect();
    for round in 0..rounds {
        // Each goes first in its turn.
        for turn in 0..ALL.len() {
            let at = (round + turn) % ALL.len();
            taken[at].push(side_by_side(ALL[at], at_once, places).await?);
        }
    }
    println!("{what}, {rounds} rounds, milliseconds");
    for (way, of_way) in ALL.iter().zip(&taken) {
        let ratios = of_way.iter().zip(&taken[0]).map(|(way, cold)| way.all / cold.all);
        let ready = of_way.iter().flat_map(|round| round.ready.iter().copied());
        println!(
            "  {:50} answered {:8.1}   ready, each {:8.1}   median of ratios {:.4}",
            way.name(),
            median(of_way.iter().map(|round| round.all)),
            median(ready),
            median(ratios),
        );
    }
    Ok(())
}

/// Two hundred tests, whose program is built before.
fn compare_test_runs() -> Result<()> {
    if Command::new("cargo-nextest").args(["nextest", "--version"]).output().is_err() {
        println!("200 tests: there is no nextest; `cargo install cargo-nextest`");
        return Ok(());
    }
    nextest(&["--no-run"])?;
    let (container, database) = (two_hundred("container_each::")?, two_hundred("database_each::")?);
    println!("200 tests run by nextest, seconds");
    println!(
        "  a container each {container:.1}   a database each on one server {database:.1}   ratio {:.4}",
        database / container
    );
    Ok(())
}

/// How many seconds the tests of a module take.
fn two_hundred(tests: &str) -> Result<f64> {
    let begun = Instant::now();
    let said = nextest(&[tests])?;
    assert!(said.contains("200 tests run: 200 passed"), "{said}");
    Ok(begun.elapsed().as_secs_f64())
}

/// What it says of the tests in this package.
fn nextest(arguments: &[&str]) -> Result<String> {
    let run = ["nextest", "run", "--offline", "--cargo-profile", "release", "--test", "databases"];
    let mut command = Command::new("cargo-nextest");
    command.args(run).args(arguments).args(["--color", "never"]);
    command.current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = command.output().map_err(|error| format!("cargo-nextest: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() {
        Ok(said)
    } else {
        Err(said.into())
    }
}

async fn side_by_side(way: Way, count: usize, places: &Arc<Places>) -> Result<Round> {
    let begun = Instant::now();
    let mut going = JoinSet::new();
    for _ in 0..count {
        let places = places.clone();
        going.spawn(async move { way.go(&places).await });
    }
    let got = going.join_all().await;
    let all = milliseconds(begun.elapsed());
    let got = got.into_iter().collect::<Result<Vec<_>>>()?;
    let ready = got.iter().map(|one| milliseconds(one.ready)).collect();
    let mut removing = JoinSet::new();
    got.into_iter().for_each(|one| {
        removing.spawn(one.remove());
    });
    removing.join_all().await.into_iter().collect::<Result<()>>()?;
    Ok(Round { all, ready })
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
