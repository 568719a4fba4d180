//! A database for each test: what makes a server clone one from a template, in some milliseconds.
//!
//! - `template` is what the databases are copies of, as data and closures; it asks no server.
//! - `once` is the way to one: a clone, or first the template, made once however many ask, in threads and in processes.
//! - `fresh` is the handle, and `guard` what drops a database, whatever happens.
//! - `pool` keeps a few connections to a server for all of the process.
//! - `postgres` and `mariadb` (with `steps`) are the servers: what is said to them, in their own words. Nothing else knows any SQL.
//!
//! Connections are driven on the I/O thread or on threads that may block. A template's closure must never be: it is awaited where
//! its asker is.

#![cfg_attr(
    not(any(feature = "postgres", feature = "mariadb")),
    allow(dead_code, reason = "there is no server then")
)]

mod asked;
mod fresh;
mod guard;
#[cfg(feature = "mariadb")]
mod mariadb;
mod once;
mod pool;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "mariadb")]
mod steps;
mod template;

pub use asked::Databases;
pub use fresh::FreshDatabase;
#[cfg(feature = "postgres")]
pub(super) use postgres::last_script as last_script_of_postgres;
pub use template::{IntoTemplate, Template};
