//! Removes what test runs have left whose processes are dead: containers, networks, volumes and images that longshore made.
//!
//! `cargo run --example sweep -- --dry-run` shows what would go.

use std::env;

use longshore::Time;

const HELP: &str = "Removes what test runs have left whose processes are dead.

usage: cargo run --example sweep -- [OPTIONS]

  --dry-run         remove nothing, show what would go
  --older-than AGE  also what is older than this (`24h`, `90m`) and of whose owner nothing is known:
                    another machine's, or from before the last boot
  --kept            also what was kept on purpose
  --help            this text

The engine is the one of `DOCKER_HOST`, else the first that answers at the usual places.";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut sweep = longshore::sweep();
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        sweep = match argument.as_str() {
            "--dry-run" => sweep.dry_run(),
            "--kept" => sweep.kept(),
            "--older-than" => {
                let age = arguments.next().ok_or("`--older-than` needs an age, such as `24h`")?;
                sweep.unknown_owners_older_than(Time::from(age))
            }
            "--help" | "-h" => {
                println!("{HELP}");
                return Ok(());
            }
            other => return Err(format!("there is no option `{other}`\n\n{HELP}").into()),
        };
    }
    let report = sweep.run().await?;
    println!("{report}");
    report.ok()?;
    Ok(())
}
