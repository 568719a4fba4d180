//! What drops a database: made before the database is told to anybody, so that whoever gives up has it dropped.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

use crate::engine::{io, Remote};
use crate::error::{Error, Kind, Result};
use crate::session::{keeps_what_is_dropped, tell};

/// How long a dropped handle waits for its database to be gone.
const DROP_LIMIT: Duration = Duration::from_secs(20);

/// A server that drops databases.
pub(super) trait Drops: Send + Sync {
    /// Drops it, with whoever is connected to it. No error if it is gone. On the I/O thread.
    fn drop_database(self: Arc<Self>, name: String) -> BoxFuture<'static, Result<()>>;

    /// Its container.
    fn remote(&self) -> &Remote;
}

/// Drops its database when it is dropped, unless that was done or it was released.
pub(super) struct DatabaseGuard {
    server: Arc<dyn Drops>,
    /// Empty when there is nothing to drop any more.
    name: String,
}

impl DatabaseGuard {
    pub(super) fn new(server: Arc<dyn Drops>, name: String) -> Self {
        DatabaseGuard { server, name }
    }

    pub(super) fn release(&mut self) {
        self.name.clear();
    }

    /// Drops it now.
    pub(super) fn remove(
        mut self,
    ) -> impl std::future::Future<Output = Result<()>> + Send + 'static {
        let (server, name) = (self.server.clone(), std::mem::take(&mut self.name));
        async move {
            io::check_process()?;
            if name.is_empty() {
                return Ok(());
            }
            // To its end, also when nobody waits for it any more.
            io::spawn(drop_in_time(server, name)).await
        }
    }
}

impl Drop for DatabaseGuard {
    /// Returns when it is gone, or after 20 seconds; never panics.
    fn drop(&mut self) {
        let name = std::mem::take(&mut self.name);
        if name.is_empty() || io::check_process().is_err() || keeps_what_is_dropped() {
            return;
        }
        let server = self.server.clone();
        let dropping = async move {
            if let Err(error) = drop_in_time(server, name).await {
                tell(&error.to_string());
            }
        };
        // It ends by itself; the little more is for its last words.
        io::wait_for(DROP_LIMIT + Duration::from_secs(1), dropping);
    }
}

/// Drops a database. That its server is gone is no error: it has gone with that. On the I/O thread.
async fn drop_in_time(server: Arc<dyn Drops>, name: String) -> Result<()> {
    let remote = server.remote().clone();
    let dropping = async {
        match server.drop_database(name.clone()).await {
            Err(_) if !is_there(&remote).await => Ok(()),
            outcome => outcome,
        }
    };
    tokio::time::timeout(DROP_LIMIT, dropping).await.unwrap_or_else(|_| {
        let what = format!("the database `{name}` was not dropped in {DROP_LIMIT:?}");
        Err(remote.name_in(Error::new(Kind::Timeout, what)))
    })
}

/// Whether a server runs, as far as its engine knows.
pub(super) async fn is_there(remote: &Remote) -> bool {
    match remote.inspect().await {
        Ok(inspect) => inspect.is_running(),
        Err(error) => !error.is_not_found(),
    }
}

impl fmt::Debug for DatabaseGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseGuard({})", self.name)
    }
}
