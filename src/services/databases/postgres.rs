//! Fresh databases of PostgreSQL: `CREATE DATABASE .. TEMPLATE`.
//!
//! Said to the server from a database of our own, `longshore`: nobody may be connected to one that is copied. Advisory locks, which are
//! of that database, keep the turns. A role of our own says it, whose login is cheap. A template takes no connections, so nothing stands in the way of its copies.

use std::fmt::Write;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use futures::future::{join, BoxFuture};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, NoTls};

use super::asked::Databases;
use super::fresh::FreshDatabase;
use super::guard::{is_there, Drops};
use super::once::{fresh, Failure, Key, Server, Servers, Standing};
use super::pool::{Lease, Pool};
use super::template::{told, Script};
use crate::container::Reach;
use crate::engine::Remote;
use crate::error::{Error, Kind, Result};
use crate::request::{CopyIn, CopySource, Exec};
use crate::services::{Postgres, PostgresDatabase, Running, Service};

/// From where everything is said to the server, and who says it.
const MAINTENANCE: &str = "longshore";

/// Settings of our connections: what is tried, and whose failure is an answer, is no line of the server's log, of which a test's report
/// shows the last ones.
const QUIET: &str = "-c log_min_messages=panic -c log_min_error_statement=panic";

/// What the last script of an initialisation has made: a copy of the service's own database.
const INITIAL: &str = "longshore_template_initial";

/// Longest wait for a connection, also while all are taken.
const CONNECT_LIMIT: Duration = Duration::from_secs(30);

/// Longest wait for one answer of the server.
const ANSWER_LIMIT: Duration = Duration::from_secs(120);

/// `CREATE DATABASE` knows strategies, and copying files is the fast one where nothing is flushed.
const HAS_STRATEGIES: u32 = 15;

/// `sha256` is a function.
const HASHES: u32 = 11;

/// `DROP DATABASE` ends connections.
const DROPS_BY_FORCE: u32 = 13;

/// How many lines of the client's errors are told.
const TOLD_LINES: usize = 20;

pub(super) struct PostgresServer {
    remote: Remote,
    reach: Reach,
    service: Postgres,
    pool: Pool<Connection>,
}

struct Connection {
    client: Client,
    /// The server's major version.
    version: u32,
}

/// The right to make a template: the connection has a lock on the server.
pub(super) struct Turn {
    connection: Connection,
    lock: i64,
}

impl Databases for Postgres {
    type Database = PostgresDatabase;

    fn fresh_database(server: &Running<Self>) -> BoxFuture<'static, Result<PostgresDatabase>> {
        static SERVERS: LazyLock<Servers<PostgresServer>> = LazyLock::new(Servers::new);
        let service = server.service().clone();
        let (template, reach) = (service.template.clone(), server.reach());
        let known = SERVERS.of(server.remote(), || PostgresServer {
            remote: server.remote().clone(),
            reach: reach.clone(),
            service: service.clone(),
            pool: Pool::new(),
        });
        Box::pin(async move {
            let (name, guard) = fresh(known, template).await?;
            Ok(FreshDatabase::new(guard, service.database(&name), name, reach))
        })
    }
}

impl FreshDatabase<Postgres> {
    /// The superuser's name.
    pub fn user(&self) -> &str {
        &self.service().user
    }

    /// The superuser's password.
    pub fn password(&self) -> &str {
        &self.service().password
    }
}

/// The last script of an initialisation: copies the service's own database as the others have left it, before anybody else can be
/// connected to it.
pub(in crate::services) fn last_script(folder: &str) -> CopyIn {
    let script = format!(
        "SELECT format('CREATE DATABASE {INITIAL} TEMPLATE %I%s', current_database(), CASE WHEN \
         current_setting('server_version_num')::int >= {HAS_STRATEGIES}0000 THEN ' STRATEGY FILE_COPY' ELSE '' END) \\gexec\n\
         {};\nALTER DATABASE {INITIAL} ALLOW_CONNECTIONS false IS_TEMPLATE true;\n",
        copy_settings("current_database()", INITIAL)
    );
    CopyIn::new(CopySource::bytes(script), format!("{folder}/zzz-longshore.sql")).mode(0o644)
}

impl Drops for PostgresServer {
    fn drop_database(self: Arc<Self>, name: String) -> BoxFuture<'static, Result<()>> {
        Box::pin(async move {
            let outcome = async {
                let lease = self.connection().await?;
                drop_now(lease.get(), &name).await
            };
            outcome.await.map_err(|failed: Failed| {
                self.error(format!("the database `{name}` could not be dropped"), &failed)
            })
        })
    }

    fn remote(&self) -> &Remote {
        &self.remote
    }
}

impl Server for PostgresServer {
    type Turn = Turn;

    const MAKING: &'static str = "making";

    async fn clone_template(self: Arc<Self>, key: Key, name: String) -> Result<bool> {
        let template = key.ready_name();
        let made = async {
            let lease = self.connection().await?;
            self.copy(lease.get(), Some(&template), &name).await
        };
        match made.await {
            Ok(()) => Ok(true),
            Err(failed) if failed.is(&SqlState::INVALID_CATALOG_NAME) => Ok(false),
            Err(failed) => Err(self.error("a database could not be made of the template", &failed)),
        }
    }

    async fn look(self: Arc<Self>, key: Key) -> Result<Standing> {
        let looked = async {
            let lease = self.connection().await?;
            let client = &lease.get().client;
            let name = key.ready_name();
            let ready: [&str; 1] = [&name];
            let failed: [&str; 1] = [key.as_str()];
            let (ready, failed) = join(
                rows(client, "SELECT datname::text FROM pg_database WHERE datname = $1", &ready),
                rows(client, "SELECT attempt, told FROM failures WHERE template = $1", &failed),
            )
            .await;
            let failure = match failed {
                // Nothing has ever failed here.
                Err(failed) if failed.is(&SqlState::UNDEFINED_TABLE) => None,
                failed => failed?.pop(),
            };
            let failure = failure.map(|row| match &row[..] {
                [attempt, told] => Failure { attempt: attempt.clone(), told: told.clone() },
                _ => Failure { attempt: String::new(), told: String::new() },
            });
            Ok(Standing { is_ready: !ready?.is_empty(), failure })
        };
        looked.await.map_err(|failed: Failed| {
            self.error("what has become of the template could not be found out", &failed)
        })
    }

    async fn turn(self: Arc<Self>, key: Key) -> Result<Turn> {
        let lock = key.number();
        let locked = async {
            // One that is idle while this process waits is of no use otherwise.
            let idle = self.connection().await?.0.connection.take();
            let connection = match idle {
                Some(connection) => connection,
                None => self.connect_to_maintenance().await?,
            };
            // It may take as long as a migration does.
            connection.client.batch_execute(&format!("SELECT pg_advisory_lock({lock})")).await?;
            Ok(connection)
        };
        let connection = locked.await.map_err(|failed: Failed| {
            self.error("the server does not say whose turn it is to make the template", &failed)
        })?;
        Ok(Turn { connection, lock })
    }

    async fn begin(self: Arc<Self>, turn: Arc<Turn>, key: Key, name: String) -> Result<()> {
        let connection = &turn.connection;
        let swept = async {
            let like = key.prefix(Self::MAKING).replace('_', "\\_") + "%";
            let query =
                "SELECT datname::text FROM pg_database WHERE datname LIKE $1 OR datname = $2";
            let mut has_initial = false;
            for row in rows(&connection.client, query, &[&like, INITIAL]).await? {
                match row.concat().as_str() {
                    INITIAL => has_initial = true,
                    left => drop_now(connection, left).await?,
                }
            }
            Ok(has_initial)
        };
        let what = "the template could not be made";
        let has_initial = swept.await.map_err(|failed: Failed| self.error(what, &failed))?;
        let source = match has_initial {
            true => Some(INITIAL),
            false => self
                .is_older_than_container(connection)
                .await?
                .then(|| self.service.database_name()),
        };
        let Err(failed) = self.copy(connection, source, &name).await else { return Ok(()) };
        let error = self.error(what, &failed);
        Err(match source {
            Some(own) if failed.is(&SqlState::OBJECT_IN_USE) => error
                .fact("copied from", format!("the database `{own}`, which was there before the server"))
                .hint("ask for the first fresh database before anything is connected to that one, or close the connections"),
            _ => error,
        })
    }

    async fn run_script(self: Arc<Self>, name: String, script: Script) -> Result<(), String> {
        let service = &self.service;
        let psql = [
            "psql",
            "-X",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            "-o",
            "/dev/null",
            "-U",
            &service.user,
            "-d",
            &name,
            "-f",
            "-",
        ];
        let exec = match script.is_packed {
            false => Exec::new(psql),
            true => {
                let unpack = ["bash", "-c", "set -o pipefail; gunzip -c | \"$@\"", "bash"];
                Exec::new(unpack.into_iter().chain(psql))
            }
        };
        let exec = exec.env("PGPASSWORD", &service.password).stdin(script.content);
        let output = self.remote.exec(exec).await.map_err(|error| told(&error))?;
        match output.code() {
            0 => Ok(()),
            code => {
                Err(told_by_psql(&String::from_utf8_lossy(output.stderr()), code, &script.name))
            }
        }
    }

    async fn finish(self: Arc<Self>, turn: Arc<Turn>, key: Key, name: String) -> Result<()> {
        let connection = &turn.connection;
        let (making, ready) = (identifier(&name), identifier(&key.ready_name()));
        let finished = async {
            let closed =
                format!("ALTER DATABASE {making} ALLOW_CONNECTIONS false IS_TEMPLATE true");
            execute(connection, &closed).await?;
            execute(connection, &end_connections(&name)).await?;
            execute(connection, &format!("ALTER DATABASE {making} RENAME TO {ready}")).await
        };
        finished.await.map_err(|failed| self.error("the template could not be completed", &failed))
    }

    async fn give_up(
        self: Arc<Self>,
        turn: Arc<Turn>,
        key: Key,
        name: String,
        failure: Failure,
    ) -> Result<()> {
        let given_up = async {
            drop_now(&turn.connection, &name).await?;
            // Two of different templates make the table one after the other.
            let note = format!(
                "BEGIN; SELECT pg_advisory_xact_lock(0); \
                 CREATE TABLE IF NOT EXISTS failures (template text PRIMARY KEY, attempt text NOT NULL, told text NOT NULL); \
                 DELETE FROM failures WHERE template = {key}; INSERT INTO failures VALUES ({key}, {}, {}); COMMIT",
                literal(&failure.attempt),
                literal(&failure.told),
                key = literal(key.as_str()),
            );
            execute(&turn.connection, &note).await
        };
        given_up
            .await
            .map_err(|failed| self.error("the half-made template could not be dropped", &failed))
    }

    async fn end(self: Arc<Self>, turn: Arc<Turn>) {
        // If it fails the connection is at fault, which goes now.
        let _ =
            execute(&turn.connection, &format!("SELECT pg_advisory_unlock({})", turn.lock)).await;
    }

    fn url(&self, name: &str) -> String {
        self.service.clone().database(name).url(self.reach.address().as_str())
    }
}

impl PostgresServer {
    /// A copy of a database; of the server's own template if none is named.
    async fn copy(
        &self,
        connection: &Connection,
        source: Option<&str>,
        name: &str,
    ) -> Result<(), Failed> {
        let owner = identifier(&self.service.user);
        let mut create = format!("CREATE DATABASE {} OWNER {owner}", identifier(name));
        if let Some(source) = source {
            let _ = write!(create, " TEMPLATE {}", identifier(source));
        }
        if connection.version >= HAS_STRATEGIES && !self.service.is_durable {
            create.push_str(" STRATEGY FILE_COPY");
        }
        let Some(source) = source else { return execute(connection, &create).await };
        // Sent at once; they are answered one after the other.
        let settings = copy_settings(&literal(source), name);
        let (created, set) =
            join(execute(connection, &create), execute(connection, &settings)).await;
        created.and(set)
    }

    /// Whether there was a data folder already when the container was made.
    async fn is_older_than_container(&self, connection: &Connection) -> Result<bool> {
        let inspect = self.remote.inspect().await?;
        let made = inspect.raw()["Created"].as_str().unwrap_or_default().to_owned();
        // The identifier begins with the second of the initialisation.
        let query = "SELECT (system_identifier >> 32 < floor(extract(epoch FROM $1::text::timestamptz)))::text FROM pg_control_system()";
        match rows(&connection.client, query, &[&made]).await {
            Ok(rows) => Ok(rows.concat().concat() == "true"),
            // Before PostgreSQL 9.6.
            Err(failed) if failed.is(&SqlState::UNDEFINED_FUNCTION) => Ok(false),
            Err(failed) => {
                Err(self.error("the age of the data folder could not be found out", &failed))
            }
        }
    }

    async fn connection(&self) -> Result<PooledConnection, Failed> {
        let mut lease = self.pool.take(|connection| !connection.client.is_closed()).await;
        if lease.connection.is_none() {
            lease.connection = Some(self.connect_to_maintenance().await?);
        }
        Ok(PooledConnection(lease))
    }

    /// Connects as our own role to our own database; makes both if they are not there.
    async fn connect_to_maintenance(&self) -> Result<Connection, Failed> {
        let mut outcome = self.connect(MAINTENANCE, MAINTENANCE).await;
        for word in ["CREATE", "ALTER"] {
            let wanting = [
                SqlState::INVALID_CATALOG_NAME,
                SqlState::INVALID_PASSWORD,
                SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
            ];
            match outcome {
                Err(failed) if wanting.iter().any(|state| failed.is(state)) => {}
                outcome => return outcome,
            }
            self.set_up(word).await?;
            outcome = self.connect(MAINTENANCE, MAINTENANCE).await;
        }
        outcome
    }

    /// Makes the database and the role of our own, or gives that another password.
    async fn set_up(&self, word: &str) -> Result<(), Failed> {
        let user = &self.service.user;
        let connection = match self.connect(user, "postgres").await {
            Err(failed) if failed.is(&SqlState::INVALID_CATALOG_NAME) => {
                self.connect(user, "template1").await?
            }
            outcome => outcome?,
        };
        let there =
            [SqlState::DUPLICATE_DATABASE, SqlState::DUPLICATE_OBJECT, SqlState::UNIQUE_VIOLATION];
        let role = own_role(word, &self.service.password, connection.version);
        for made in [
            self.copy(&connection, Some("template0"), MAINTENANCE).await,
            execute(&connection, &role).await,
        ] {
            match made {
                // Another process was faster.
                Err(failed) if there.iter().any(|state| failed.is(state)) => {}
                made => made?,
            }
        }
        Ok(())
    }

    /// Connects, and waits while the server has no connection left or is just being restarted.
    async fn connect(&self, user: &str, database: &str) -> Result<Connection, Failed> {
        let begun = Instant::now();
        let mut pause = Duration::from_millis(10);
        loop {
            let failed = match self.connect_once(user, database).await {
                Ok(connection) => return Ok(connection),
                Err(failed) => failed,
            };
            let may_pass = failed.is(&SqlState::TOO_MANY_CONNECTIONS)
                || failed.is(&SqlState::CANNOT_CONNECT_NOW)
                || failed.is_of_connection() && is_there(&self.remote).await;
            if !may_pass || begun.elapsed() > CONNECT_LIMIT {
                return Err(failed);
            }
            tokio::time::sleep(pause).await;
            pause = (2 * pause).min(Duration::from_millis(200));
        }
    }

    async fn connect_once(&self, user: &str, database: &str) -> Result<Connection, Failed> {
        let address = self.reach.address();
        let mut config = Config::new();
        config
            .user(user)
            .password(&self.service.password)
            .dbname(database)
            .application_name("longshore")
            .options(QUIET);
        let connecting = async move {
            let stream = TcpStream::connect((address.host(), address.port())).await?;
            stream.set_nodelay(true)?;
            let (client, connection) = config.connect_raw(stream, NoTls).await?;
            let version = connection.parameter("server_version").unwrap_or_default();
            let digits: String = version.chars().take_while(char::is_ascii_digit).collect();
            tokio::spawn(connection);
            Ok(Connection { client, version: digits.parse().unwrap_or_default() })
        };
        // A login by SCRAM is thousands of hashes, which take their time without optimisation.
        let runtime = Handle::current();
        let limited = async { tokio::time::timeout(CONNECT_LIMIT, connecting).await };
        let thread = tokio::task::spawn_blocking(move || runtime.block_on(limited));
        match thread.await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(Failed::Late(CONNECT_LIMIT)),
            Err(error) => Err(Failed::Io(std::io::Error::other(error))),
        }
    }

    fn error(&self, what: impl Into<String>, failed: &Failed) -> Error {
        let kind = if matches!(failed, Failed::Late(_)) { Kind::Timeout } else { Kind::Database };
        self.remote.name_in(Error::new(kind, what).fact("because", failed.told()))
    }
}

struct PooledConnection(Lease<Connection>);

impl PooledConnection {
    fn get(&self) -> &Connection {
        self.0.connection.as_ref().expect("it is there until this is dropped")
    }
}

/// Why the server did not do something.
enum Failed {
    Sql(tokio_postgres::Error),
    Io(std::io::Error),
    Late(Duration),
}

impl Failed {
    fn is(&self, state: &SqlState) -> bool {
        matches!(self, Failed::Sql(error) if error.code() == Some(state))
    }

    /// Whether it never came to an answer.
    fn is_of_connection(&self) -> bool {
        match self {
            Failed::Sql(error) => {
                let cause = std::error::Error::source(error);
                error.is_closed() || cause.is_some_and(|cause| cause.is::<std::io::Error>())
            }
            Failed::Io(_) => true,
            Failed::Late(_) => false,
        }
    }

    fn told(&self) -> String {
        match self {
            Failed::Sql(error) => match error.as_db_error() {
                Some(error) => {
                    let mut text =
                        format!("{} (SQLSTATE {})", error.message(), error.code().code());
                    for more in [error.detail(), error.hint()].into_iter().flatten() {
                        let _ = write!(text, "\n{more}");
                    }
                    text
                }
                None => told(error),
            },
            Failed::Io(error) => error.to_string(),
            Failed::Late(limit) => format!("the server has not answered in {limit:?}"),
        }
    }
}

impl From<tokio_postgres::Error> for Failed {
    fn from(error: tokio_postgres::Error) -> Self {
        Failed::Sql(error)
    }
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Failed::Io(error)
    }
}

async fn execute(connection: &Connection, sql: &str) -> Result<(), Failed> {
    match tokio::time::timeout(ANSWER_LIMIT, connection.client.batch_execute(sql)).await {
        Ok(outcome) => Ok(outcome?),
        Err(_) => Err(Failed::Late(ANSWER_LIMIT)),
    }
}

/// The rows of a query whose columns are all text.
async fn rows(client: &Client, query: &str, values: &[&str]) -> Result<Vec<Vec<String>>, Failed> {
    let values: Vec<(&(dyn ToSql + Sync), Type)> =
        values.iter().map(|value| (value as &(dyn ToSql + Sync), Type::TEXT)).collect();
    let asked = tokio::time::timeout(ANSWER_LIMIT, client.query_typed(query, &values));
    let rows = asked.await.map_err(|_| Failed::Late(ANSWER_LIMIT))??;
    let texts = |row: &tokio_postgres::Row| (0..row.len()).map(|at| row.try_get(at)).collect();
    Ok(rows.iter().map(texts).collect::<Result<_, tokio_postgres::Error>>()?)
}

/// Drops a database with all its connections, if there is one.
async fn drop_now(connection: &Connection, name: &str) -> Result<(), Failed> {
    let drop = format!("DROP DATABASE IF EXISTS {}", identifier(name));
    let drop = if connection.version >= DROPS_BY_FORCE { drop + " WITH (FORCE)" } else { drop };
    // By itself it looks ten times a second whether a connection has ended.
    let closed = format!(
        "DO $do$ BEGIN IF EXISTS (SELECT FROM pg_database WHERE datname = {}) THEN ALTER DATABASE {} ALLOW_CONNECTIONS false IS_TEMPLATE \
         false; END IF; END $do$",
        literal(name),
        identifier(name)
    );
    let end = end_connections(name);
    let (closed, (ended, dropped)) = join(
        execute(connection, &closed),
        join(execute(connection, &end), execute(connection, &drop)),
    )
    .await;
    closed.and(ended).and(dropped)
}

/// Ends all connections to a database that takes no new ones, and waits until they are gone.
fn end_connections(name: &str) -> String {
    let others = format!("FROM pg_stat_activity WHERE datname = {}", literal(name));
    format!(
        "DO $do$ BEGIN PERFORM pg_terminate_backend(pid) {others}; FOR i IN 1..2000 LOOP PERFORM pg_stat_clear_snapshot(); \
         EXIT WHEN NOT EXISTS (SELECT {others}); PERFORM pg_sleep(0.002); END LOOP; END $do$"
    )
}

/// What was said by `ALTER DATABASE .. SET` of one database, for another: a copy does not have it. `source` is an expression.
fn copy_settings(source: &str, target: &str) -> String {
    let (name, text) = (identifier(target), literal(target));
    format!(
        "DO $do$ DECLARE one record; target text; BEGIN \
         FOR one IN SELECT s.setrole, split_part(c, '=', 1) AS name, substr(c, strpos(c, '=') + 1) AS value \
         FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase, unnest(s.setconfig) c WHERE d.datname = {source} LOOP \
         target := 'DATABASE {name}'; \
         IF one.setrole <> 0 THEN target := format('ROLE %I IN DATABASE %I', pg_get_userbyid(one.setrole), {text}); END IF; \
         BEGIN PERFORM set_config(one.name, one.value, true); EXECUTE format('ALTER %s SET %s FROM CURRENT', target, one.name); \
         EXCEPTION WHEN OTHERS THEN EXECUTE format('ALTER %s SET %s TO %L', target, one.name, one.value); END; \
         END LOOP; END $do$"
    )
}

/// Our own role, with the password of the service's user. Each process logs in, which is 4096 rounds of hashing by default: 50 ms
/// of a client that was built without optimisation, four times as long as a copy takes. So it is stored with one round (RFC 5802,
/// section 3), which the server computes, since it takes what is stored in this form as it is.
fn own_role(word: &str, password: &str, version: u32) -> String {
    let role = format!("{word} ROLE {MAINTENANCE} SUPERUSER LOGIN PASSWORD");
    let is_simple =
        password.len() <= 64 && password.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if version < HASHES || !is_simple {
        return format!("{role} {}", literal(password));
    }
    format!(
        "DO $do$ DECLARE salt bytea := decode(md5(random()::text || clock_timestamp()::text), 'hex'); \
         secret bytea := convert_to({}, 'UTF8'); message bytea; inside bytea; outside bytea; stored bytea; \
         BEGIN FOR round IN 1..3 LOOP \
         message := CASE round WHEN 1 THEN salt || '\\x00000001'::bytea WHEN 2 THEN 'Client Key'::bytea ELSE 'Server Key'::bytea END; \
         inside := decode(repeat('36', 64), 'hex'); outside := decode(repeat('5c', 64), 'hex'); \
         FOR at IN 0..length(secret) - 1 LOOP \
         inside := set_byte(inside, at, get_byte(inside, at) # get_byte(secret, at)); \
         outside := set_byte(outside, at, get_byte(outside, at) # get_byte(secret, at)); END LOOP; \
         message := sha256(outside || sha256(inside || message)); \
         IF round = 1 THEN secret := message; ELSIF round = 2 THEN stored := sha256(message); END IF; \
         END LOOP; \
         EXECUTE format('{role} %L', 'SCRAM-SHA-256$1:' || encode(salt, 'base64') || '$' || encode(stored, 'base64') || ':' || \
         encode(message, 'base64')); END $do$",
        literal(password)
    )
}

fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn literal(text: &str) -> String {
    // As it is read whatever `standard_conforming_strings` says.
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// What the client has said of the first error, with the file's name instead of its own.
fn told_by_psql(errors: &str, code: i64, name: &str) -> String {
    let is_error =
        |line: &&str| ["ERROR: ", "FATAL: ", "error: "].iter().any(|word| line.contains(word));
    let lines: Vec<&str> = errors.lines().collect();
    let first = lines.iter().position(is_error).unwrap_or_default();
    let lines: Vec<String> = lines[first..]
        .iter()
        .take(TOLD_LINES)
        .map(|line| line.replace("psql:<stdin>", name))
        .collect();
    match lines.is_empty() {
        true => format!("psql has ended with code {code}"),
        false => lines.join("\n"),
    }
}

impl Postgres {
    /// What fresh databases are copies of: a path to SQL, an async closure over a database's URL, or a
    /// [`Template`](crate::services::Template); without this
    /// the service's own database as the server comes up. Feature `postgres`.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use longshore::services;
    ///
    /// # async fn example() -> longshore::Result<()> {
    /// let server = services::postgres().template("tests/schema.sql").start_shared().await?;
    /// let db = server.fresh_database().await?;
    /// println!("{}", db.url()); // postgres://postgres:postgres@127.0.0.1:32768/longshore_k2v9x0q7ba
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn template(mut self, template: impl super::IntoTemplate) -> Self {
        self.template = Some(template.into_template());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::super::once::PREFIX;
    use super::*;

    #[test]
    fn what_psql_says_is_told_as_of_the_file() {
        let errors = "psql:<stdin>:1: NOTICE:  hello\npsql:<stdin>:3: ERROR:  relation \"x\" does not exist\nLINE 1: SELECT * FROM x;\n";
        assert_eq!(
            told_by_psql(errors, 3, "tests/schema.sql"),
            "tests/schema.sql:3: ERROR:  relation \"x\" does not exist\nLINE 1: SELECT * FROM x;"
        );
        assert_eq!(told_by_psql("", 137, "a.sql"), "psql has ended with code 137");
    }

    #[test]
    fn names_and_texts_are_quoted() {
        assert_eq!(identifier("a\"b"), "\"a\"\"b\"");
        assert_eq!(literal("a'\\b"), "E'a''\\\\b'");
        assert!(PREFIX.starts_with(MAINTENANCE) && INITIAL.starts_with(PREFIX));
    }
}
