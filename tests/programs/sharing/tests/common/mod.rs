//! The database of all tests, and how they ask it. Each test has a table of its own.
#![allow(dead_code, reason = "each test program uses a part of it")]

use longshore::{blocking, Container, ContainerRequest, Wait};

/// The result of a test.
pub type TestResult = Result<(), Box<dyn std::error::Error>>;

/// Written once; `stock.rs` writes it out once more.
pub fn database() -> ContainerRequest {
    ContainerRequest::new("postgres:15")
        .env("POSTGRES_PASSWORD", "secret")
        .publish("5432")
        .wait(Wait::log("database system is ready to accept connections").times(2))
}

fn psql(statement: &str) -> [&str; 5] {
    ["psql", "-U", "postgres", "-qtAc", statement]
}

/// What the database answers.
pub fn ask(db: &blocking::Container, statement: &str) -> longshore::Result<String> {
    Ok(db.exec(psql(statement))?.ok()?.stdout_str()?.trim().to_owned())
}

/// The same without blocking.
pub async fn ask_async(db: &Container, statement: &str) -> longshore::Result<String> {
    Ok(db.exec(psql(statement)).await?.ok()?.stdout_str()?.trim().to_owned())
}
