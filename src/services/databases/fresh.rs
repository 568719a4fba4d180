//! [`FreshDatabase`]: the handle of a database that is one test's own. Asking it costs nothing.

use std::fmt;
use std::future::Future;

use super::asked::Databases;
use super::guard::DatabaseGuard;
use crate::blocking::block_on;
use crate::container::Reach;
use crate::error::Result;
use crate::services::{Running, Service};

/// A database of one test's own. Dropping the handle drops the database, also if somebody is connected to it, and returns when it
/// is gone; on failure after 20 seconds, and a line on standard error says so.
///
/// It borrows nothing and is used in async and blocking code alike. If its server goes first, the database has gone with it. What a
/// killed process had, or a `static` has at the end, stays as long as its server. With `LONGSHORE_KEEP` it stays as a container would.
#[must_use = "a database is dropped as soon as its handle is"]
pub struct FreshDatabase<S: Service> {
    // The database goes before its server does.
    guard: DatabaseGuard,
    /// As if this were its own database.
    service: S,
    name: String,
    reach: Reach,
    server: Option<Running<S>>,
}

impl<S: Databases> FreshDatabase<S> {
    pub(super) fn new(guard: DatabaseGuard, service: S, name: String, reach: Reach) -> Self {
        FreshDatabase { guard, service, name, reach, server: None }
    }

    /// Where clients on this machine reach it.
    pub fn url(&self) -> String {
        self.service.url(self.reach.address().as_str())
    }

    /// Where other containers reach it that are on a network with its server, on which that has this name or alias.
    pub fn url_within(&self, alias: &str) -> String {
        self.service.url(&format!("{alias}:{}", self.service.port_within()))
    }

    /// Its name on the server: `longshore_` and ten letters and digits.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The host at which clients on this machine reach its server.
    pub fn host(&self) -> String {
        self.reach.address().host().to_owned()
    }

    /// The port on that host.
    pub fn port(&self) -> u16 {
        self.reach.address().port()
    }

    /// Its service, as if this were the service's own database.
    pub fn service(&self) -> &S {
        &self.service
    }

    /// Keeps that handle of its server as long as this one.
    pub fn with_server(mut self, server: Running<S>) -> Self {
        self.server = Some(server);
        self
    }

    /// The server's handle, if this one has been given it.
    pub fn server(&self) -> Option<&Running<S>> {
        self.server.as_ref()
    }

    /// Drops the database now and says how that went; dropping the handle does the same.
    ///
    /// # Errors
    ///
    /// When the server could not drop it.
    pub fn remove(self) -> impl Future<Output = Result<()>> + Send + 'static {
        let (guard, server) = (self.guard, self.server);
        async move {
            let outcome = guard.remove().await;
            drop(server);
            outcome
        }
    }

    /// As [`remove`](Self::remove), blocking this thread.
    ///
    /// # Errors
    ///
    /// As [`remove`](Self::remove).
    pub fn remove_blocking(self) -> Result<()> {
        block_on(self.remove())
    }

    /// Leaves it on the server, on purpose, as long as that is there; gives its URL.
    pub fn keep(mut self) -> String {
        self.guard.release();
        self.url()
    }
}

impl<S: Databases> fmt::Debug for FreshDatabase<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FreshDatabase({})", self.name)
    }
}
