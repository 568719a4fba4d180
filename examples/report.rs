//! Prints what the last test run has started, and how long that took: longest first.
//!
//! `cargo run --example report` after `cargo test`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command talks to its user")]

use std::env;
use std::process::ExitCode;

use longshore::StartupReport;

const HELP: &str = "\
Prints what a test run has started, how long pull, create, start and ready took, and how many have used it.

usage: cargo run --example report [FILE]

Without a file, the report that was written last in the target folder, or in the folder that
LONGSHORE_REPORTS names.";

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let report = match &arguments[..] {
        [] => StartupReport::last(),
        [one] if one == "--help" || one == "-h" => {
            println!("{HELP}");
            return ExitCode::SUCCESS;
        }
        [file] => StartupReport::read(file),
        _ => {
            eprintln!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match report {
        Ok(report) => {
            print!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
