//! ClickHouse, by the documented interface of its official image. Not run by our tests.

use super::common::{common_methods, InitScripts};
use super::running::Running;
use super::service::Service;
use crate::engine::Address;
use crate::error::Result;
use crate::request::{ContainerRequest, CopyIn, CopySource};
use crate::wait::Wait;

/// HTTP, which the clients for Rust speak.
const PORT: u16 = 8123;
/// ClickHouse's own protocol.
const NATIVE_PORT: u16 = 9000;

/// ClickHouse: `clickhouse/clickhouse-server:24.8`, user `test`, password `test`, database `test`.
///
/// # Examples
///
/// ```no_run
/// use longshore::services;
///
/// # async fn example() -> longshore::Result<()> {
/// let db = services::clickhouse().database("app").start().await?;
/// println!("{} {} {} {}", db.url(), db.user(), db.password(), db.database()); // http://127.0.0.1:32768 ..
/// # Ok(())
/// # }
/// ```
pub fn clickhouse() -> Clickhouse {
    Clickhouse {
        user: "test".into(),
        password: "test".into(),
        database: "test".into(),
        scripts: InitScripts::default(),
        config: None,
        more: ContainerRequest::new("clickhouse/clickhouse-server:24.8"),
    }
}

/// A ClickHouse server that is to be started; see [`clickhouse`].
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a service does nothing until it is started"]
pub struct Clickhouse {
    user: String,
    password: String,
    database: String,
    scripts: InitScripts,
    config: Option<CopyIn>,
    more: ContainerRequest,
}

/// A ClickHouse server that runs.
pub type ClickhouseContainer = Running<Clickhouse>;

impl Clickhouse {
    /// The user's name.
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.user = name.into();
        self
    }

    /// The user's password.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = password.into();
        self
    }

    /// The database that is made.
    pub fn database(mut self, name: impl Into<String>) -> Self {
        self.database = name.into();
        self
    }

    /// SQL that is run at the first start, after what was added before it. Its tables name their database: `app.people`.
    pub fn init_sql(mut self, sql: impl Into<String>) -> Self {
        self.scripts.add_text(sql, "sql");
        self
    }

    /// A file that is run at the first start, after what was added before it: `.sql`, `.sql.gz` or `.sh`.
    pub fn init_file(mut self, path: impl AsRef<std::path::Path>) -> Self {
        self.scripts.add_file(path);
        self
    }

    /// Configuration beside the image's own, as XML: a path on this machine, or [`CopySource::bytes`].
    pub fn config(mut self, source: impl Into<CopySource>) -> Self {
        let target = "/etc/clickhouse-server/config.d/test.xml";
        self.config = Some(CopyIn::new(source, target).mode(0o644));
        self
    }
}

common_methods!(Clickhouse);

impl Service for Clickhouse {
    fn request(&self) -> ContainerRequest {
        let request = ContainerRequest::new(self.more.image())
            .publish(PORT)
            .publish(NATIVE_PORT)
            .env("CLICKHOUSE_USER", &self.user)
            .env("CLICKHOUSE_PASSWORD", &self.password)
            .env("CLICKHOUSE_DB", &self.database)
            .env("CLICKHOUSE_DEFAULT_ACCESS_MANAGEMENT", "1")
            .ulimit("nofile=262144:262144")
            // The server of the initialisation listens on loopback only, where no published port leads.
            .wait(Wait::http("/ping").port(PORT));
        let request = self.config.iter().cloned().fold(request, ContainerRequest::copy);
        self.more.clone().on_top_of(self.scripts.copied_into(request))
    }

    fn port(&self) -> u16 {
        PORT
    }

    fn url(&self, address: &str) -> String {
        format!("http://{address}")
    }
}

impl Running<Clickhouse> {
    /// The user's name.
    pub fn user(&self) -> &str {
        &self.service().user
    }

    /// The user's password.
    pub fn password(&self) -> &str {
        &self.service().password
    }

    /// The name of the database.
    pub fn database(&self) -> &str {
        &self.service().database
    }

    /// Where clients of ClickHouse's own protocol reach it.
    ///
    /// # Errors
    ///
    /// When that port is not published any more, by a change of the request.
    pub fn native_address(&self) -> Result<Address> {
        self.address(NATIVE_PORT)
    }
}
