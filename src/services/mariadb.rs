//! MariaDB, by the documented interface of its official image.

use super::common::{common_methods, login, url_part, InitScripts};
use super::mysql_methods::mysql_methods;
use super::running::Running;
use super::service::Service;
use crate::request::ContainerRequest;

const PORT: u16 = 3306;

/// MariaDB: `mariadb:10.11`, user `test`, password `test`, database `test`; the password of `root` is `test` too.
///
/// Tuned for tests: nothing is flushed to the disk at a commit; see [`durable`](Mariadb::durable). The URL begins with `mysql://`,
/// which is what clients of both read.
///
/// # Examples
///
/// ```no_run
/// use longshore::services;
///
/// # async fn example() -> longshore::Result<()> {
/// let db = services::mariadb().database("app").init_sql("CREATE TABLE people (name text)").start().await?;
/// println!("{}", db.url()); // mysql://test:test@127.0.0.1:32768/app
/// # Ok(())
/// # }
/// ```
pub fn mariadb() -> Mariadb {
    Mariadb {
        user: "test".into(),
        password: "test".into(),
        database: "test".into(),
        scripts: InitScripts::default(),
        settings: Vec::new(),
        is_durable: false,
        #[cfg(feature = "mariadb")]
        template: None,
        more: ContainerRequest::new("mariadb:10.11"),
    }
}

/// A MariaDB server that is to be started; see [`mariadb`].
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a service does nothing until it is started"]
pub struct Mariadb {
    pub(super) user: String,
    pub(super) password: String,
    pub(super) database: String,
    scripts: InitScripts,
    settings: Vec<(String, String)>,
    is_durable: bool,
    #[cfg(feature = "mariadb")]
    pub(super) template: Option<super::databases::Template>,
    more: ContainerRequest,
}

/// A MariaDB server that runs.
pub type MariadbContainer = Running<Mariadb>;

/// A database of one test's own, on a MariaDB server that runs: [`fresh_database`](Running::fresh_database).
#[cfg(feature = "mariadb")]
pub type MariadbDatabase = super::databases::FreshDatabase<Mariadb>;

mysql_methods!(Mariadb);
common_methods!(Mariadb);

impl Service for Mariadb {
    fn request(&self) -> ContainerRequest {
        self.request_with(&["--innodb-flush-log-at-trx-commit=0"])
    }

    fn port(&self) -> u16 {
        PORT
    }

    fn url(&self, address: &str) -> String {
        format!(
            "mysql://{}{address}/{}",
            login(&self.user, &self.password),
            url_part(&self.database)
        )
    }

    #[cfg(feature = "mariadb")]
    fn check(&self) -> crate::Result<()> {
        self.template.as_ref().map_or(Ok(()), super::databases::Template::check)
    }
}
