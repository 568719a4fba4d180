//! What must hold when things go wrong: each failed in a peer, and each is shown on a real engine.
//!
//! - `drops`: handles dropped wherever a handle can be.
//! - `failed_starts`: starts that fail, are cancelled or time out, with nothing left.
//! - `lost_answers`: an engine whose answers are lost or late.
//! - `processes`: what a process leaves when it ends; each test runs a child process.
//! - `networks_volumes` and `networks_volumes_processes`: the same of networks and volumes.
//! - `shared`: one container for all processes of a test run.
//! - `databases`, `databases_mariadb`, with `askers`: one template for all processes of a test run, whoever dies over it.
//! - `sweeps`: all containers of a test run are stopped or removed, and nobody else's.
//! - `left_behind`: what killed processes left goes in a sweep, and what is kept on purpose stays.
//! - `committed`: images made of containers, when answers are lost and processes end.
//! - `killed`: what a process leaves that is killed, and what becomes of its reaper.
//! - `api`: promises that the compiler checks.
//!
//! `LONGSHORE_TORTURE=200` sets how often the tests with random moments try; 20 if not said.

#[path = "../support/mod.rs"]
mod support;

mod api;
#[cfg(any(feature = "postgres", feature = "mariadb"))]
mod askers;
mod committed;
#[cfg(feature = "postgres")]
mod databases;
#[cfg(feature = "mariadb")]
mod databases_mariadb;
mod drops;
mod failed_starts;
mod killed;
mod left_behind;
mod lost_answers;
mod networks_volumes;
mod networks_volumes_processes;
mod processes;
mod shared;
mod sweeps;

/// How often a test with random moments tries.
fn torture_count() -> usize {
    std::env::var("LONGSHORE_TORTURE").ok().and_then(|count| count.parse().ok()).unwrap_or(20)
}
