//! A database for each test: what makes a server clone one from a template, in some milliseconds.
//!
//! - `template` is what the databases are copies of, as data and closures; it asks no server.
//! - `once` is the way to one: a clone, or first the template, made once however many ask, in threads and in processes.
//! - `fresh` is the handle, and `guard` what drops a database, whatever happens.
//! - `pool` keeps a few connections to a server for all of the process.
//! - `postgres` and `mariadb` are the servers: what is said to them, in their own words. Nothing else here knows any SQL.
//!
//! Connections are driven on the I/O thread or on threads that may block. A template's closure must never be: it is awaited where
//! its asker is.

mod asked;
#[cfg(feature = "postgres")]
mod fresh;
#[cfg(feature = "postgres")]
mod guard;
#[cfg(feature = "postgres")]
mod once;
#[cfg(feature = "postgres")]
mod pool;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "postgres")]
mod template;

pub use asked::Databases;
#[cfg(feature = "postgres")]
pub use fresh::FreshDatabase;
#[cfg(feature = "postgres")]
pub(super) use postgres::last_script as last_script_of_postgres;
#[cfg(feature = "postgres")]
pub use template::{IntoTemplate, Template};
