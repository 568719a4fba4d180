//! [`Databases`]: a service that has a database for each test, and what its handle can do then.

use std::fmt;

use futures::future::BoxFuture;

use crate::blocking::{block_on, with_runtime_if};
use crate::error::Result;
use crate::services::{Running, Service};

/// A service whose server gives each test a database of its own.
///
/// [`Postgres`](crate::services::Postgres) is one with the feature `postgres`, [`Mariadb`](crate::services::Mariadb) and
/// [`Mysql`](crate::services::Mysql) are with `mariadb`. What is started has [`fresh_database`](Running::fresh_database) then.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no fresh databases",
    note = "`Postgres` has them with longshore's feature `postgres`, `Mariadb` and `Mysql` with `mariadb`: `longshore = {{ version = \"..\", \
            features = [\"postgres\"] }}` in Cargo.toml"
)]
pub trait Databases: Service {
    /// The handle of one. Dropping it drops the database.
    type Database: fmt::Debug + Send + Sync + 'static;

    /// Has a new database made on that server.
    ///
    /// # Errors
    ///
    /// As [`Running::fresh_database`].
    fn fresh_database(server: &Running<Self>) -> BoxFuture<'static, Result<Self::Database>>;
}

/// Databases for tests.
impl<S: Databases> Running<S> {
    /// A database of this test's own, which the server clones from the template: see [`Template`](super::Template). The template is made by
    /// the first who asks, once for the server, however many threads and processes ask at once.
    ///
    /// It is dropped with its handle, which borrows nothing: other connections to it are closed then.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use longshore::services;
    ///
    /// # #[cfg(feature = "postgres")]
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = services::postgres().template("tests/schema.sql").start_shared().await?;
    /// let db = server.fresh_database().await?;
    /// let (client, connection) = tokio_postgres::connect(&db.url(), tokio_postgres::NoTls).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When the template cannot be made, with what the server says of it: who waited meanwhile has the same error, who asks later
    /// tries again. And when the server cannot be reached or fails.
    pub fn fresh_database(&self) -> BoxFuture<'static, Result<S::Database>> {
        S::fresh_database(self)
    }

    /// As [`fresh_database`](Self::fresh_database), blocking this thread. A template's closure runs on this thread, with a tokio
    /// runtime to use.
    ///
    /// # Errors
    ///
    /// As [`fresh_database`](Self::fresh_database).
    pub fn fresh_database_blocking(&self) -> Result<S::Database> {
        with_runtime_if(true, || block_on(S::fresh_database(self)))
    }
}
