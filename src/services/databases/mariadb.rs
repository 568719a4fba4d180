//! Fresh databases of MariaDB and MySQL, which cannot copy one: what makes a copy is read from the template once, by `SHOW CREATE`,
//! and said anew for each. Rows are copied by the server (`INSERT .. SELECT`), so none come by here.
//!
//! Said by `root`, over a client that blocks its thread, so on threads that may. What is known of templates is a table in a database of our
//! own, `longshore`: a database cannot be renamed, so the row there is what says that a template is complete. `GET_LOCK` keeps
//! the turns.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use mysql::prelude::Queryable;
use mysql::{Conn, OptsBuilder, Row};

use super::asked::Databases;
use super::fresh::FreshDatabase;
use super::guard::{is_there, Drops};
use super::once::{fresh, Failure, Key, Server, Servers, Standing};
use super::pool::Pool;
use super::steps::{copy_to, name as name_of, say, steps_of, Steps};
use super::template::{told, Script};
use crate::container::Reach;
use crate::engine::Remote;
use crate::error::{Error, Kind, Result};
use crate::request::Exec;
use crate::services::{Mariadb, MariadbDatabase, Mysql, MysqlDatabase, Running, Service};

/// Longest wait for a connection, also while all are taken.
const CONNECT_LIMIT: Duration = Duration::from_secs(30);

/// Longest wait for one answer of the server.
const ANSWER_LIMIT: Duration = Duration::from_secs(120);

/// Longest wait for a lock on what is to be dropped, in seconds.
const LOCK_LIMIT: u32 = 15;

/// A year: as long as a migration takes.
const TURN_LIMIT: u32 = 31_536_000;

const TOO_MANY_CONNECTIONS: u16 = 1040;

/// In the name of the first copy of a template.
const TRIAL: &str = "trial";

const NO_SUCH_DATABASE: u16 = 1049;

const NO_SUCH_TABLE: u16 = 1146;

/// The server is about to go.
const SHUTTING_DOWN: u16 = 1053;

/// The last lines of the client's errors are told.
const TOLD_LINES: usize = 20;

pub(super) struct MariadbServer {
    remote: Remote,
    reach: Reach,
    user: String,
    password: String,
    /// The service's own.
    database: String,
    url: Box<Url>,
    pool: Pool<Conn>,
    /// Templates that are complete: they stay so.
    known: Mutex<HashMap<Key, Arc<Ready>>>,
}

/// The URL of a database of that name at that address.
type Url = dyn Fn(&str, &str) -> String + Send + Sync;

/// A complete template.
struct Ready {
    database: String,
    steps: Steps,
}

/// The right to make a template: the connection has a lock on the server.
pub(super) struct Turn {
    connection: Mutex<Conn>,
    lock: String,
}

macro_rules! databases {
    ($service:ident, $database:ident) => {
        impl Databases for $service {
            type Database = $database;

            fn fresh_database(server: &Running<Self>) -> BoxFuture<'static, Result<$database>> {
                static SERVERS: LazyLock<Servers<MariadbServer>> = LazyLock::new(Servers::new);
                let service = server.service().clone();
                let (template, reach) = (service.template.clone(), server.reach());
                let known = SERVERS.of(server.remote(), || {
                    let of_url = service.clone();
                    MariadbServer {
                        remote: server.remote().clone(),
                        reach: reach.clone(),
                        user: service.user.clone(),
                        password: service.password.clone(),
                        database: service.database.clone(),
                        url: Box::new(move |name, address| {
                            of_url.clone().database(name).url(address)
                        }),
                        pool: Pool::new(),
                        known: Mutex::default(),
                    }
                });
                Box::pin(async move {
                    let (name, guard) = fresh(known, template).await?;
                    Ok(FreshDatabase::new(guard, service.database(&name), name, reach))
                })
            }
        }

        impl FreshDatabase<$service> {
            /// The user's name, who may do everything in it.
            pub fn user(&self) -> &str {
                &self.service().user
            }

            /// The password of the user and of `root`.
            pub fn password(&self) -> &str {
                &self.service().password
            }
        }

        impl $service {
            /// What fresh databases are copies of: a path to SQL, an async closure over a database's URL, or a
            /// [`Template`](crate::services::Template); without this the service's own database as it is when the first is asked for.
            /// Feature `mariadb`.
            ///
            /// SQL is run by `root`. What it does in other databases (`USE`) is done there.
            #[track_caller]
            pub fn template(mut self, template: impl super::IntoTemplate) -> Self {
                self.template = Some(template.into_template());
                self
            }
        }
    };
}

databases!(Mariadb, MariadbDatabase);
databases!(Mysql, MysqlDatabase);

impl Drops for MariadbServer {
    fn drop_database(self: Arc<Self>, name: String) -> BoxFuture<'static, Result<()>> {
        Box::pin(async move {
            let dropping = name.clone();
            let dropped = self.say(move |connection| drop_now(connection, &dropping)).await;
            dropped.map_err(|failed| {
                self.error(format!("the database `{name}` could not be dropped"), &failed)
            })
        })
    }

    fn remote(&self) -> &Remote {
        &self.remote
    }
}

impl Server for MariadbServer {
    type Turn = Turn;

    // It keeps that name.
    const MAKING: &'static str = "template";

    async fn clone_template(self: Arc<Self>, key: Key, name: String) -> Result<bool> {
        let (known, found) = (self.known(&key), key.clone());
        let copied = self.say(move |connection| {
            let ready = match known {
                Some(ready) => Some(ready),
                None => ready(connection, &found)?.map(Arc::new),
            };
            if let Some(ready) = &ready {
                copy_to(connection, &ready.steps, &ready.database, &name)?;
            }
            Ok(ready)
        });
        let ready = copied.await.map_err(|failed| {
            self.error("a database could not be made of the template", &failed)
        })?;
        let Some(ready) = ready else { return Ok(false) };
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(key, ready);
        Ok(true)
    }

    async fn look(self: Arc<Self>, key: Key) -> Result<Standing> {
        let looked = self.say(move |connection| {
            let query =
                "SELECT is_ready, attempt, told FROM longshore.templates WHERE template = ?";
            let row: Option<(bool, String, Option<String>)> =
                connection.exec_first(query, (key.as_str(),))?;
            Ok(match row {
                Some((is_ready, attempt, told)) => {
                    Standing { is_ready, failure: told.map(|told| Failure { attempt, told }) }
                }
                None => Standing { is_ready: false, failure: None },
            })
        });
        looked.await.map_err(|failed| {
            self.error("what has become of the template could not be found out", &failed)
        })
    }

    async fn turn(self: Arc<Self>, key: Key) -> Result<Turn> {
        let lock = format!("longshore_{}", key.as_str());
        let name = lock.clone();
        let locked = async {
            // No limit for an answer: it may take as long as a migration does.
            let mut connection = self.connect(None).await?;
            let taking = tokio::task::spawn_blocking(move || {
                let taken: Option<Option<u8>> =
                    connection.exec_first("SELECT GET_LOCK(?, ?)", (name, TURN_LIMIT))?;
                Ok((connection, taken.flatten()))
            });
            taking.await.map_err(Failed::of_thread)?
        };
        match locked.await {
            Ok((connection, Some(1))) => Ok(Turn { connection: Mutex::new(connection), lock }),
            Ok(_) => Err(self.error(
                "the server does not say whose turn it is to make the template",
                &Failed::Late,
            )),
            Err(failed) => Err(self
                .error("the server does not say whose turn it is to make the template", &failed)),
        }
    }

    async fn begin(self: Arc<Self>, turn: Arc<Turn>, key: Key, name: String) -> Result<()> {
        let own = self.database.clone();
        let begun = turn.say(move |connection| {
            // It is not complete, so what there is of it is nobody's.
            for prefix in [key.prefix(Self::MAKING), key.prefix(TRIAL)] {
                let query = "SELECT schema_name FROM information_schema.schemata WHERE LEFT(schema_name, CHAR_LENGTH(?)) = ?";
                let left: Vec<String> = connection.exec(query, (&prefix, &prefix))?;
                for left in left {
                    drop_now(connection, &left)?;
                }
            }
            let steps = steps_of(connection, &own)?;
            copy_to(connection, &steps, &own, &name)
        });
        begun.await.map_err(|failed| self.error("the template could not be made", &failed))
    }

    async fn run_script(self: Arc<Self>, name: String, script: Script) -> Result<(), String> {
        let unpack = if script.is_packed { "set -o pipefail; gunzip -c | " } else { "exec " };
        // It is called otherwise in MySQL, and in old versions.
        let command = format!("client=mariadb; command -v mariadb >/dev/null || client=mysql; {unpack} $client \"$@\"");
        let exec = Exec::new([
            "bash",
            "-c",
            &command,
            "bash",
            "--user=root",
            "--default-character-set=utf8mb4",
            &name,
        ])
        .env("MYSQL_PWD", &self.password)
        .stdin(script.content);
        let output = self.remote.exec(exec).await.map_err(|error| told(&error))?;
        match output.code() {
            0 => Ok(()),
            code => {
                Err(told_by_client(&String::from_utf8_lossy(output.stderr()), code, &script.name))
            }
        }
    }

    async fn finish(self: Arc<Self>, turn: Arc<Turn>, key: Key, name: String) -> Result<()> {
        let finished = turn.say(move |connection| {
            end_connections(connection, &name)?;
            let mut steps = steps_of(connection, &name)?;
            // Views are in the order in which they can be made only after this.
            let trial = name.replacen(Self::MAKING, TRIAL, 1);
            let tried = steps.try_to_copy(connection, &name, &trial);
            say(connection, &format!("DROP DATABASE IF EXISTS {}", name_of(&trial)))?;
            tried?;
            let row = "REPLACE INTO longshore.templates (template, is_ready, attempt, name, steps) VALUES (?, 1, '', ?, ?)";
            connection.exec_drop(row, (key.as_str(), &name, steps.to_text()))
        });
        finished.await.map_err(|failed| self.error("the template could not be completed", &failed))
    }

    async fn give_up(
        self: Arc<Self>,
        turn: Arc<Turn>,
        key: Key,
        name: String,
        failure: Failure,
    ) -> Result<()> {
        let given_up = turn.say(move |connection| {
            drop_now(connection, &name)?;
            let row = "REPLACE INTO longshore.templates (template, is_ready, attempt, told) VALUES (?, 0, ?, ?)";
            connection.exec_drop(row, (key.as_str(), failure.attempt, failure.told))
        });
        given_up
            .await
            .map_err(|failed| self.error("the half-made template could not be dropped", &failed))
    }

    async fn end(self: Arc<Self>, turn: Arc<Turn>) {
        let lock = turn.lock.clone();
        // If it fails the connection is at fault, which goes now.
        let _ =
            turn.say(move |connection| connection.exec_drop("DO RELEASE_LOCK(?)", (lock,))).await;
    }

    fn url(&self, name: &str) -> String {
        (self.url)(name, self.reach.address().as_str())
    }
}

impl Turn {
    /// Says something on its connection.
    async fn say<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&mut Conn) -> mysql::Result<T> + Send + 'static,
    ) -> Result<T, Failed> {
        let turn = self.clone();
        let saying = tokio::task::spawn_blocking(move || {
            let mut connection = turn.connection.lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut connection)
        });
        Ok(saying.await.map_err(Failed::of_thread)??)
    }
}

impl MariadbServer {
    fn known(&self, key: &Key) -> Option<Arc<Ready>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// Says something on one of the process's connections.
    async fn say<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Conn) -> mysql::Result<T> + Send + 'static,
    ) -> Result<T, Failed> {
        let mut lease = self.pool.take(|_| true).await;
        // One that was idle may have ended without a word.
        let mut connection = match lease.connection.take() {
            Some(mut idle) => {
                let pinged = tokio::task::spawn_blocking(move || idle.ping().map(|()| idle));
                pinged.await.map_err(Failed::of_thread)?.ok()
            }
            None => None,
        };
        let mut usable = match connection.take() {
            Some(connection) => connection,
            None => self.connect(Some(ANSWER_LIMIT)).await?,
        };
        let saying = tokio::task::spawn_blocking(move || {
            let said = work(&mut usable);
            (usable, said)
        });
        let (usable, said) = saying.await.map_err(Failed::of_thread)?;
        // One that has failed half-way may be in another database, with other settings.
        if said.is_ok() {
            lease.connection = Some(usable);
        }
        Ok(said?)
    }

    /// Connects, and waits while the server has no connection left or is just being restarted.
    async fn connect(&self, answer_limit: Option<Duration>) -> Result<Conn, Failed> {
        let begun = Instant::now();
        let mut pause = Duration::from_millis(10);
        loop {
            let address = self.reach.address();
            let options = OptsBuilder::new()
                .ip_or_hostname(Some(address.host()))
                .tcp_port(address.port())
                .user(Some("root"))
                .pass(Some(&self.password))
                .prefer_socket(false)
                .tcp_connect_timeout(Some(CONNECT_LIMIT))
                .read_timeout(answer_limit)
                .write_timeout(answer_limit);
            let user = self.user.clone();
            let connecting = tokio::task::spawn_blocking(move || {
                let mut connection = Conn::new(options)?;
                set_up(&mut connection, &user)?;
                Ok(connection)
            });
            let failed = match connecting.await.map_err(Failed::of_thread)? {
                Ok(connection) => return Ok(connection),
                Err(error) => Failed::Sql(error),
            };
            let may_pass = failed.is(TOO_MANY_CONNECTIONS)
                || failed.is(SHUTTING_DOWN)
                || failed.is_of_connection() && is_there(&self.remote).await;
            if !may_pass || begun.elapsed() > CONNECT_LIMIT {
                return Err(failed);
            }
            tokio::time::sleep(pause).await;
            pause = (2 * pause).min(Duration::from_millis(200));
        }
    }

    fn error(&self, what: impl Into<String>, failed: &Failed) -> Error {
        self.remote.name_in(Error::new(Kind::Database, what).fact("because", failed.told()))
    }
}

/// Why the server did not do something.
enum Failed {
    Sql(mysql::Error),
    Thread(String),
    Late,
}

impl Failed {
    #[expect(clippy::needless_pass_by_value, reason = "as `map_err` gives it")]
    fn of_thread(error: tokio::task::JoinError) -> Self {
        Failed::Thread(error.to_string())
    }

    fn is(&self, code: u16) -> bool {
        matches!(self, Failed::Sql(mysql::Error::MySqlError(error)) if error.code == code)
    }

    /// Whether it never came to an answer.
    fn is_of_connection(&self) -> bool {
        matches!(self, Failed::Sql(mysql::Error::IoError(_) | mysql::Error::CodecError(_)))
    }

    fn told(&self) -> String {
        match self {
            Failed::Sql(error) => told(error),
            Failed::Thread(error) => error.clone(),
            Failed::Late => "the server has not answered".into(),
        }
    }
}

impl From<mysql::Error> for Failed {
    fn from(error: mysql::Error) -> Self {
        Failed::Sql(error)
    }
}

/// Sees to what all else needs, and to what the user may do.
fn set_up(connection: &mut Conn, user: &str) -> mysql::Result<()> {
    say(
        connection,
        &format!("SET SESSION lock_wait_timeout = {LOCK_LIMIT}, SESSION wait_timeout = 28800"),
    )?;
    let there: mysql::Result<Option<Row>> =
        connection.query_first("SELECT 1 FROM longshore.templates LIMIT 1");
    match there {
        Ok(_) => return Ok(()),
        Err(mysql::Error::MySqlError(error))
            if [NO_SUCH_DATABASE, NO_SUCH_TABLE].contains(&error.code) => {}
        Err(error) => return Err(error),
    }
    say(connection, "CREATE DATABASE IF NOT EXISTS longshore")?;
    if user != "root" {
        let user = user.replace('\\', "\\\\").replace('\'', "\\'");
        // Once for all that will ever be made.
        say(connection, &format!("GRANT ALL ON `longshore\\_%`.* TO '{user}'@'%'"))?;
    }
    say(
        connection,
        "CREATE TABLE IF NOT EXISTS longshore.templates (template VARCHAR(16) PRIMARY KEY, is_ready BOOLEAN NOT NULL, \
         attempt VARCHAR(16) NOT NULL, told LONGTEXT, name VARCHAR(64), steps LONGTEXT) ENGINE=InnoDB CHARSET=utf8mb4",
    )
}

fn ready(connection: &mut Conn, key: &Key) -> mysql::Result<Option<Ready>> {
    let query = "SELECT name, steps FROM longshore.templates WHERE template = ? AND is_ready";
    let row: Option<(String, String)> = connection.exec_first(query, (key.as_str(),))?;
    Ok(row.map(|(database, steps)| Ready { database, steps: Steps::from_text(&steps) }))
}

/// Drops a database with all its connections, if there is one.
fn drop_now(connection: &mut Conn, name: &str) -> mysql::Result<()> {
    end_connections(connection, name)?;
    say(connection, &format!("DROP DATABASE IF EXISTS {}", name_of(name)))
}

/// Ends the connections to a database: what they hold would be waited for.
fn end_connections(connection: &mut Conn, name: &str) -> mysql::Result<()> {
    let query =
        "SELECT id FROM information_schema.processlist WHERE db = ? AND id <> CONNECTION_ID()";
    let connected: Vec<u64> = connection.exec(query, (name,))?;
    for id in connected {
        // It may have ended by itself.
        let _ = say(connection, &format!("KILL {id}"));
    }
    Ok(())
}

/// What the client has said of the first error, with the file's name.
fn told_by_client(errors: &str, code: i64, file: &str) -> String {
    let lines: Vec<&str> = errors.lines().collect();
    let Some(first) = lines.iter().position(|line| line.starts_with("ERROR")) else {
        let last = lines.len().saturating_sub(TOLD_LINES);
        return match lines.is_empty() {
            true => format!("the client has ended with code {code}"),
            false => lines[last..].join("\n"),
        };
    };
    let lines: Vec<&str> = lines[first..].iter().take(TOLD_LINES).copied().collect();
    format!("{file}: {}", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_client_says_is_told_as_of_the_file() {
        let errors = "--------------\nINSERT INTO x\n--------------\n\nERROR 1146 (42S02) at line 3: Table 'a.x' doesn't exist\n";
        assert_eq!(
            told_by_client(errors, 1, "a.sql"),
            "a.sql: ERROR 1146 (42S02) at line 3: Table 'a.x' doesn't exist"
        );
        assert_eq!(told_by_client("", 137, "a.sql"), "the client has ended with code 137");
    }
}
