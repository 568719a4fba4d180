//! What every engine has to do with longshore. Runs against the engine that `DOCKER_HOST` names, a real one:
//! `tests/run --engine NAME -- --test conformance`.

#[path = "../support/mod.rs"]
mod support;

mod blocking;
mod calls;
mod client;
mod contract;
mod copy;
mod create;
mod engine;
mod errors;
mod exec;
mod image;
mod inside_container;
mod life;
mod logs;
mod ports;
mod ports_taken;
mod removal;
mod requests;
mod run_lines;
mod services;
mod waits;
mod waits_end;
mod waits_http;
#[cfg(feature = "tls")]
mod waits_https;
mod waits_log;
mod waits_own;
mod waits_port;
