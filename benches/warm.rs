//! What a snapshot saves: a PostgreSQL that starts warm against one that starts cold, in turns in the same run: `tests/run cargo bench
//! --bench warm`, or `cargo bench --bench warm` where an engine answers. The snapshot is made before, and is removed at the end.
//!
//! The machines this runs on are noisy: the ratio counts, not the milliseconds. `LONGSHORE_BENCH_ROUNDS` sets the number of rounds (30).

#![allow(missing_docs, clippy::print_stdout, reason = "a benchmark talks to its reader")]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::Instant;

use longshore::blocking::block_on;
use longshore::services::{self, Postgres, Service};
use support::rounds::{is_wanted, median, rounds};
use support::{api, get, unique};

fn main() -> longshore::Result<()> {
    if !is_wanted() {
        return Ok(());
    }
    let label = unique("bench");
    let service = services::postgres().with(|request| request.label("warm-bench", &label));
    let rounds = rounds();
    compare("services::postgres(), with a data folder of its own when warm", rounds, &service)?;
    // As any image with a `VOLUME`.
    let on_volume = service.with(|request| request.env("PGDATA", "/var/lib/postgresql/data"));
    compare("the same with its data on the image's volume", rounds, &on_volume)?;
    let images = get("/images/json");
    for image in images.as_array().into_iter().flatten() {
        if image["Labels"]["warm-bench"] == label.as_str() {
            api(
                "DELETE",
                &format!("/images/{}", image["RepoTags"][0].as_str().unwrap_or_default()),
            );
        }
    }
    Ok(())
}

fn compare(what: &str, rounds: usize, cold: &Postgres) -> longshore::Result<()> {
    let warm = cold.clone().warm();
    let begun = Instant::now();
    start(&warm)?;
    let first = begun.elapsed().as_secs_f64() * 1000.0;
    let (mut colds, mut warms) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        colds.push(start(cold)?);
        warms.push(start(&warm)?);
    }
    let ratios = warms.iter().zip(&colds).map(|(warm, cold)| warm / cold);
    println!("{what}, {rounds} rounds");
    println!(
        "  cold {:.0} ms   warm {:.0} ms   median of ratios {:.3}   the start that made the snapshot {first:.0} ms",
        median(colds.iter().copied()),
        median(warms.iter().copied()),
        median(ratios),
    );
    Ok(())
}

/// How many milliseconds a start took.
fn start<S: Service>(service: &S) -> longshore::Result<f64> {
    let begun = Instant::now();
    let running = service.start_blocking()?;
    let took = begun.elapsed().as_secs_f64() * 1000.0;
    block_on(running.remove())?;
    Ok(took)
}
