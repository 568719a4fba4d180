//! What the benchmarks share: how many rounds, and the middle of what was measured.

#![allow(dead_code, missing_docs, unreachable_pub, reason = "only the benchmarks use it")]

use std::env;

/// Whether something is to be measured: `cargo test --benches` builds and runs benchmarks too.
pub fn is_wanted() -> bool {
    env::args().any(|argument| argument == "--bench")
}

/// `LONGSHORE_BENCH_ROUNDS`, or 30.
pub fn rounds() -> usize {
    let rounds = env::var("LONGSHORE_BENCH_ROUNDS").ok().and_then(|rounds| rounds.parse().ok());
    rounds.unwrap_or(30)
}

pub fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut numbers: Vec<_> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
