//! A real PostgreSQL for as long as a test needs it: started, queried, removed.
//!
//! `cargo run --example quickstart`, where Docker or Podman runs.
#![allow(clippy::print_stdout, reason = "an example talks to its reader")]

use std::error::Error;
use std::time::Instant;

use longshore::{ContainerRequest, Engine, Wait};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    println!("engine: {}", Engine::connect().await?);

    let clock = Instant::now();
    let postgres = ContainerRequest::new("postgres:15")
        .env("POSTGRES_PASSWORD", "secret")
        .publish("5432")
        // Its first server is for setting up the database, and restarts.
        .wait(Wait::log("database system is ready to accept connections").times(2))
        .start()
        .await?;
    let address = postgres.address(5432)?;
    println!("started: {} at {address} in {:.1?}", postgres.image(), clock.elapsed());

    let clock = Instant::now();
    let url = format!("postgres://postgres:secret@{address}/postgres");
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await?;
    let connection = tokio::spawn(connection);
    let people = count_people(&client).await?;
    drop(client);
    connection.await??;
    println!("queried: {people} people in a new table in {:.1?}", clock.elapsed());

    let clock = Instant::now();
    // Asks the engine when it is awaited: after the container is gone.
    let inspect = postgres.inspect();
    postgres.remove().await?;
    println!("removed: in {:.1?}", clock.elapsed());

    match inspect.await {
        Err(error) if error.is_not_found() => println!("left: nothing"),
        Err(error) => return Err(error.into()),
        Ok(left) => return Err(format!("{} is still there", left.name()).into()),
    }
    Ok(())
}

async fn count_people(client: &tokio_postgres::Client) -> Result<i64, tokio_postgres::Error> {
    client.batch_execute("CREATE TABLE people (id serial PRIMARY KEY, name text NOT NULL)").await?;
    for name in ["Ada", "Grace"] {
        client.execute("INSERT INTO people (name) VALUES ($1)", &[&name]).await?;
    }
    Ok(client.query_one("SELECT count(*) FROM people", &[]).await?.get(0))
}
