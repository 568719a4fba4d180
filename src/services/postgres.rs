//! PostgreSQL, by the interface of its official image. Must not take the server that the image starts for its own initialisation
//! for the one that is wanted.

#[cfg(feature = "postgres")]
use super::common::INIT_FOLDER;
use super::common::{common_methods, login, url_part, InitScripts};
use super::running::Running;
use super::service::Service;
use crate::request::ContainerRequest;
use crate::wait::{TcpWait, Wait};

const PORT: u16 = 5432;

/// A hundred are few for a server that is shared: each test may have a pool of its own.
const MOST_CONNECTIONS: u32 = 500;

/// Where the data is when it is warm: beside the volume, so that it is in a layer of the snapshot and is not copied for each container.
/// (From version 18 on the volume is the folder above. Then it is copied.) The server's user may write there in any case.
const WARM_DATA: &str = "/var/lib/postgresql/warm";

/// PostgreSQL: `postgres:15`, user `postgres`, password `postgres`, database `postgres`.
///
/// Tuned for tests: nothing is flushed to the disk (`fsync`, `synchronous_commit` and `full_page_writes` are off), which a test
/// does not notice and its time does; and it takes 500 connections (`max_connections`), since many tests may share it.
/// [`durable`](Postgres::durable) has it as in production.
///
/// User, password, database and scripts are for an empty data folder. One that exists already keeps its own, as with Docker.
///
/// # Examples
///
/// ```no_run
/// use longshore::services;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let db = services::postgres().database("app").init_file("tests/schema.sql").start().await?;
/// let (client, connection) = tokio_postgres::connect(&db.url(), tokio_postgres::NoTls).await?;
/// # Ok(())
/// # }
/// ```
pub fn postgres() -> Postgres {
    Postgres {
        user: "postgres".into(),
        password: "postgres".into(),
        database: None,
        initdb: Vec::new(),
        scripts: InitScripts::default(),
        settings: Vec::new(),
        is_durable: false,
        #[cfg(feature = "postgres")]
        template: None,
        more: ContainerRequest::new("postgres:15"),
    }
}

/// A PostgreSQL server that is to be started; see [`postgres`].
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a service does nothing until it is started"]
pub struct Postgres {
    pub(super) user: String,
    pub(super) password: String,
    /// The user's name if not said, as in the image.
    database: Option<String>,
    initdb: Vec<String>,
    scripts: InitScripts,
    settings: Vec<(String, String)>,
    pub(super) is_durable: bool,
    #[cfg(feature = "postgres")]
    pub(super) template: Option<super::databases::Template>,
    more: ContainerRequest,
}

/// A PostgreSQL server that runs.
pub type PostgresContainer = Running<Postgres>;

/// A database of one test's own, on a PostgreSQL server that runs: [`fresh_database`](Running::fresh_database).
#[cfg(feature = "postgres")]
pub type PostgresDatabase = super::databases::FreshDatabase<Postgres>;

impl Postgres {
    /// The superuser's name.
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.user = name.into();
        self
    }

    /// The superuser's password; not empty.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = password.into();
        self
    }

    /// The database that is made; without this, one with the user's name.
    pub fn database(mut self, name: impl Into<String>) -> Self {
        self.database = Some(name.into());
        self
    }

    /// SQL that is run in the database at the first start, after what was added before it.
    pub fn init_sql(mut self, sql: impl Into<String>) -> Self {
        self.scripts.add_text(sql, "sql");
        self
    }

    /// A file that is run at the first start, after what was added before it: `.sql`, `.sql.gz` or `.sh`.
    pub fn init_file(mut self, path: impl AsRef<std::path::Path>) -> Self {
        self.scripts.add_file(path);
        self
    }

    /// A parameter of the server, as in `postgresql.conf`: `("max_connections", "500")`. The last value of a name counts.
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// Options of `initdb`, as in a shell: `"--data-checksums"`.
    pub fn initdb_args(mut self, args: impl Into<String>) -> Self {
        self.initdb.push(args.into());
        self
    }

    /// What is committed is on the disk, as in production: for tests that kill the server and look at what is left.
    pub fn durable(mut self) -> Self {
        self.is_durable = true;
        self
    }

    /// Is asked as clients ask, from outside. The server of the initialisation listens on a socket file only, and before 2018 on
    /// loopback: no published port leads there. Its log line says "ready" as well, and a folder that exists already has but one.
    ///
    /// The question is a start-up message (PostgreSQL's protocol 3.0). A server that takes clients answers with what it wants to
    /// know of them, or sends them away for their name or database; one that recovers says so, which is another error.
    fn is_ready(&self) -> TcpWait {
        let mut message = vec![0, 0, 0, 0, 0, 3, 0, 0];
        for word in ["user", &self.user, "database", self.database_name(), ""] {
            message.extend(word.bytes().chain([0]));
        }
        let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
        message[..4].copy_from_slice(&length.to_be_bytes());
        Wait::tcp(PORT).send(message).answer_matches(r"(?s)\A(R|E.*\x00C(28|3D))")
    }

    pub(super) fn database_name(&self) -> &str {
        self.database.as_deref().unwrap_or(&self.user)
    }
}

common_methods!(Postgres);

impl Service for Postgres {
    fn request(&self) -> ContainerRequest {
        let mut request = ContainerRequest::new(self.more.image())
            .publish(PORT)
            .env("POSTGRES_USER", &self.user)
            .env("POSTGRES_PASSWORD", &self.password)
            .env("POSTGRES_DB", self.database_name());
        let mut initdb = self.initdb.clone();
        let mut words = vec!["postgres".to_owned()];
        if !self.is_durable {
            // The short form is known to all versions.
            initdb.insert(0, "-N".into());
            let off = ["fsync", "synchronous_commit", "full_page_writes"];
            words.extend(off.iter().flat_map(|name| ["-c".into(), format!("{name}=off")]));
            // Each fresh database makes one, and reports of tests show the last lines.
            words.extend(["-c".into(), "log_checkpoints=off".into()]);
            words.extend(["-c".into(), format!("max_connections={MOST_CONNECTIONS}")]);
        }
        if !initdb.is_empty() {
            request = request.env("POSTGRES_INITDB_ARGS", initdb.join(" "));
        }
        words.extend(
            self.settings.iter().flat_map(|(name, value)| ["-c".into(), format!("{name}={value}")]),
        );
        if self.more.is_warm() {
            request = request.env("PGDATA", WARM_DATA);
        }
        request = request.cmd(words).wait(self.is_ready());
        let request = self.more.clone().on_top_of(self.scripts.copied_into(request));
        #[cfg(feature = "postgres")]
        if request.copies().iter().any(|copy| copy.target().starts_with(INIT_FOLDER)) {
            return request.copy(super::databases::last_script_of_postgres(INIT_FOLDER));
        }
        request
    }

    #[cfg(feature = "postgres")]
    fn check(&self) -> crate::Result<()> {
        self.template.as_ref().map_or(Ok(()), super::databases::Template::check)
    }

    fn port(&self) -> u16 {
        PORT
    }

    fn url(&self, address: &str) -> String {
        let login = login(&self.user, &self.password);
        format!("postgres://{login}{address}/{}", url_part(self.database_name()))
    }
}

impl Running<Postgres> {
    /// The superuser's name.
    pub fn user(&self) -> &str {
        &self.service().user
    }

    /// The superuser's password.
    pub fn password(&self) -> &str {
        &self.service().password
    }

    /// The name of the database.
    pub fn database(&self) -> &str {
        self.service().database_name()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_spelled_as_clients_read_them() {
        let plain = postgres();
        assert_eq!(plain.url("db:5432"), "postgres://postgres:postgres@db:5432/postgres");
        let other = postgres().user("me").password("a b").database("x/y");
        assert_eq!(other.url("[::1]:1"), "postgres://me:a%20b@[::1]:1/x%2Fy");
        assert!(postgres().user("me").url("h:1").ends_with("/me"));
    }

    #[test]
    fn what_is_said_by_hand_counts() {
        let request = postgres()
            .tag("17")
            .setting("max_connections", "7")
            .with(|request| request.env("POSTGRES_DB", "other").publish("6000:5432"))
            .request();
        let expected = "docker run -d -e POSTGRES_INITDB_ARGS=-N -e POSTGRES_PASSWORD=postgres -e POSTGRES_USER=postgres -e \
                        POSTGRES_DB=other -p 6000:5432 postgres:17 postgres -c fsync=off -c synchronous_commit=off -c \
                        full_page_writes=off -c log_checkpoints=off -c max_connections=500 -c max_connections=7";
        let words = |text: &str| {
            let line = text.lines().find(|line| !line.starts_with('#')).unwrap();
            let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            words.sort();
            words
        };
        assert_eq!(words(&request.to_run()), words(expected));
        let durable = postgres().durable().request().to_run();
        assert!(!durable.contains("fsync") && !durable.contains("INITDB"), "{durable}");
    }
}
