//! MySQL, by the documented interface of its official image. Not run by our tests; MariaDB, which is nearest, is.

use super::common::{common_methods, login, url_part, InitScripts};
use super::mysql_methods::mysql_methods;
use super::running::Running;
use super::service::Service;
use crate::request::ContainerRequest;

const PORT: u16 = 3306;

/// MySQL: `mysql:8.4`, user `test`, password `test`, database `test`; the password of `root` is `test` too.
///
/// Tuned for tests: nothing is flushed to the disk at a commit, and there is no binary log; see [`durable`](Mysql::durable).
///
/// # Examples
///
/// ```no_run
/// use longshore::services;
///
/// # async fn example() -> longshore::Result<()> {
/// let db = services::mysql().database("app").init_sql("CREATE TABLE people (name text)").start().await?;
/// println!("{}", db.url()); // mysql://test:test@127.0.0.1:32768/app
/// # Ok(())
/// # }
/// ```
pub fn mysql() -> Mysql {
    Mysql {
        user: "test".into(),
        password: "test".into(),
        database: "test".into(),
        scripts: InitScripts::default(),
        settings: Vec::new(),
        is_durable: false,
        #[cfg(feature = "mariadb")]
        template: None,
        more: ContainerRequest::new("mysql:8.4"),
    }
}

/// A MySQL server that is to be started; see [`mysql()`].
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a service does nothing until it is started"]
pub struct Mysql {
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

/// A MySQL server that runs.
pub type MysqlContainer = Running<Mysql>;

/// A database of one test's own, on a MySQL server that runs: [`fresh_database`](Running::fresh_database).
#[cfg(feature = "mariadb")]
pub type MysqlDatabase = super::databases::FreshDatabase<Mysql>;

mysql_methods!(Mysql);
common_methods!(Mysql);

impl Service for Mysql {
    fn request(&self) -> ContainerRequest {
        let tuned = ["--innodb-flush-log-at-trx-commit=0", "--sync-binlog=0", "--skip-log-bin"];
        self.request_with(&tuned)
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
