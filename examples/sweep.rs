//! Removes what test runs have left whose processes are dead: containers, networks, volumes and images that longshore made.
//!
//! `cargo run --example sweep -- --dry-run` shows what would go.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command talks to its user")]

use std::env;
use std::process::ExitCode;

use longshore::{Sweep, Time};

const HELP: &str = "\
Removes what test runs have left whose processes are dead: containers, networks, volumes and images.

usage: cargo run --example sweep -- [OPTIONS]

  --dry-run         remove nothing, show what would go
  --older-than AGE  also what is older than this (24h, 90m) and of whose owner nothing is known:
                    another machine's, or from before the last boot
  --session NAME    only what this test run has made
  --kept            also what was kept on purpose
  --help            this text

The engine is that of DOCKER_HOST, else the first that answers at the usual places.";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match read(env::args().skip(1)) {
        Ok(Some(sweep)) => run(sweep).await,
        Ok(None) => {
            println!("{HELP}");
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("{problem}\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}

/// What is asked for; `None` is a question for help.
fn read(mut arguments: impl Iterator<Item = String>) -> Result<Option<Sweep>, String> {
    let mut sweep = longshore::sweep();
    while let Some(argument) = arguments.next() {
        sweep = match argument.as_str() {
            "--dry-run" => sweep.dry_run(),
            "--kept" => sweep.kept(),
            "--older-than" => {
                let age = arguments.next().ok_or("`--older-than` needs an age, such as `24h`")?;
                sweep.unknown_owners_older_than(Time::from(age))
            }
            "--session" => {
                sweep.session(arguments.next().ok_or("`--session` needs the name of a test run")?)
            }
            "--help" | "-h" => return Ok(None),
            other => return Err(format!("there is no option `{other}`")),
        };
    }
    Ok(Some(sweep))
}

async fn run(sweep: Sweep) -> ExitCode {
    match sweep.run().await {
        Ok(report) => {
            println!("{report}");
            if report.failures().is_empty() {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
