//! Without async: Redis for a plain `main` or a plain `#[test]`.
//!
//! `cargo run --example blocking`, where Docker or Podman runs.
#![allow(clippy::print_stdout, reason = "an example talks to its reader")]

use std::error::Error;

use longshore::ContainerRequest;

fn main() -> Result<(), Box<dyn Error>> {
    // No wait is declared, so the published port has to be listened on.
    let redis = ContainerRequest::new("redis:7.0").publish("6379").start_blocking()?;
    let url = format!("redis://{}", redis.address(6379)?);
    println!("{} listens at {url}", redis.image());

    let mut connection = redis::Client::open(url)?.get_connection()?;
    let count: i64 = redis::cmd("INCR").arg("visits").query(&mut connection)?;
    println!("visits: {count}");

    let logs = redis.logs()?;
    println!("the last line of its output: {}", logs.lines().last().unwrap_or_default());

    // Removed here; and just as well when an error or a panic leaves this function earlier.
    drop(redis);
    println!("removed");
    Ok(())
}
