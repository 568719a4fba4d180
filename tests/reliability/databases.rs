//! One template of databases for all processes of a test run: it is made exactly once, whoever dies over it, and each has a database of
//! its own that goes with its handle.

use std::collections::BTreeSet;
use std::env;
use std::thread;
use std::time::{Duration, Instant};

use libc::SIGKILL;
use longshore::services::{self, Postgres, PostgresContainer, Template};
use rand::Rng;
use tokio_postgres::{Client, NoTls};

use super::askers::{all_end, given, KEY, MIGRATION, THREADS};
use super::support::child::{is_child, tell, wait_for_parent, Held};
use super::support::session::Session;
use super::support::sys::Lock;
use super::support::TestResult;
use super::torture_count;

const HOLDER: &str = "databases::child_that_holds_the_server";

const ASKER: &str = "databases::child_that_asks";

/// The service's own database has the list of who has made a template.
fn service() -> Postgres {
    services::postgres().init_sql("CREATE TABLE runs (key text, process int)")
}

async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

fn own(url: &str) -> String {
    let (server, _) = url.rsplit_once('/').expect("it ends with a database");
    format!("{server}/postgres")
}

async fn migrate(url: String) -> Result<(), tokio_postgres::Error> {
    let (key, migration) =
        (env::var(KEY).unwrap_or_default(), env::var(MIGRATION).unwrap_or_default());
    let runs = connect(&own(&url)).await?;
    let process = i32::try_from(std::process::id()).expect("a process's number is one of 22 bits");
    runs.execute("INSERT INTO runs VALUES ($1, $2)", &[&key, &process]).await?;
    let client = connect(&url).await?;
    client
        .batch_execute("CREATE TABLE notes (note text); INSERT INTO notes VALUES ('first')")
        .await?;
    tell("half done");
    client.batch_execute(&migration).await?;
    client.batch_execute("INSERT INTO notes VALUES ('last')").await
}

fn start() -> PostgresContainer {
    let key = env::var(KEY).unwrap_or_default();
    let template = match key.strip_prefix("sql ") {
        Some(sql) => Template::sql(sql),
        None => Template::keyed(key, migrate),
    };
    service().template(template).start_shared_blocking().expect("a server")
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_holds_the_server() {
    if is_child(HOLDER) {
        tell(start().url());
        wait_for_parent();
    }
}

/// Each of its threads has a database, looks at it, and lets it go when the parent says so.
#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_asks() {
    if !is_child(ASKER) {
        return;
    }
    let server = start();
    let all: Vec<_> = thread::scope(|scope| {
        let ask = || {
            let db = server.fresh_database_blocking().expect("a database");
            assert_eq!(notes(&db.url()), "first,last");
            db
        };
        let asking: Vec<_> = (0..THREADS).map(|_| scope.spawn(ask)).collect();
        asking.into_iter().map(|asking| asking.join().expect("it does not panic")).collect()
    });
    tell(all.iter().map(|db| db.name()).collect::<Vec<_>>().join(" "));
    wait_for_parent();
}

/// What the notes of a database are, after it was written to; blocks.
fn notes(url: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let notes = async {
        let client = connect(url).await?;
        client.batch_execute("DELETE FROM runs").await?;
        let query = "SELECT string_agg(note, ',' ORDER BY note) FROM notes";
        Ok::<String, tokio_postgres::Error>(client.query_one(query, &[]).await?.get(0))
    };
    runtime.expect("a runtime").block_on(notes).expect("it has notes")
}

const FORKS: &str = "databases::child_that_forks";

#[test]
fn a_forked_child_cannot_touch_its_parents_database() {
    let _sessions = Lock::shared();
    let session = Session::new("databases");
    let ended = session.start(FORKS).end();
    assert!(ended.status.success(), "{}", ended.errors);
    session.all_gone();
    session.over();
}

#[test]
#[ignore = "run as a child process by the other tests"]
#[expect(unsafe_code, reason = "there is no fork in the standard library")]
fn child_that_forks() {
    if !is_child(FORKS) {
        return;
    }
    let server =
        service().template(Template::sql("CREATE TABLE notes (note text)")).start_blocking();
    let server = server.expect("a server");
    let db = server.fresh_database_blocking().expect("a database");
    // SAFETY: the child calls only what this test is about, and leaves by `_exit`.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let refused = server
            .fresh_database_blocking()
            .is_err_and(|error| error.to_string().contains("another process"));
        // SAFETY: a bitwise copy of a handle that is never dropped itself; the process ends right after.
        drop(unsafe { std::ptr::read(&raw const db) });
        // SAFETY: `_exit` runs no handlers.
        unsafe { libc::_exit(if refused { 0 } else { 1 }) };
    }
    let mut status = 0;
    // SAFETY: `status` outlives the call.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0, "the child could ask for another one");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let written =
        async { connect(&db.url()).await?.batch_execute("INSERT INTO notes VALUES ('a')").await };
    runtime.expect("a runtime").block_on(written).expect("the child dropped the database");
}

struct Server {
    session: Session,
    holder: Held,
    url: String,
}

impl Server {
    fn start(stem: &str) -> Self {
        let session = Session::new(stem);
        let mut holder = session.start(HOLDER);
        let url = holder.told();
        Server { session, holder, url }
    }

    fn ask(&self, key: &str, migration: &str) -> Held {
        let mut command = self.session.command(ASKER);
        command.env(KEY, key).env(MIGRATION, migration);
        Held::start(command).expect("this program can be started")
    }

    /// How often the template of that key was made, or begun.
    async fn runs(&self, key: &str) -> Result<i64, tokio_postgres::Error> {
        Ok(connect(&self.url)
            .await?
            .query_one("SELECT count(*) FROM runs WHERE key = $1", &[&key])
            .await?
            .get(0))
    }

    /// Names of databases, by a regular expression.
    async fn databases(&self, pattern: &str) -> Result<BTreeSet<String>, tokio_postgres::Error> {
        let query = "SELECT datname::text FROM pg_database WHERE datname ~ $1";
        Ok(connect(&self.url)
            .await?
            .query(query, &[&pattern])
            .await?
            .iter()
            .map(|row| row.get(0))
            .collect())
    }

    /// Nothing is left but templates, and the server goes with its session.
    async fn end(self) -> TestResult {
        assert_eq!(self.databases("^longshore_[a-z0-9]{10}$").await?, BTreeSet::new());
        self.holder.end();
        self.session.all_gone();
        self.session.over_late();
        Ok(())
    }
}

#[tokio::test]
async fn sixteen_processes_of_four_threads_migrate_once() -> TestResult {
    let _sessions = Lock::shared();
    let server = Server::start("databases");
    let mut askers: Vec<_> = (0..16).map(|_| server.ask("once", "")).collect();
    let names = given(&mut askers);
    assert_eq!(server.runs("once").await?, 1);
    assert_eq!(server.databases("^longshore_[a-z0-9]{10}$").await?, names);
    all_end(askers);
    assert_eq!(server.databases("^longshore_(making|template_[0-9a-f]+$)").await?.len(), 1);
    server.end().await
}

#[tokio::test]
async fn whoever_makes_the_template_may_die_over_it() -> TestResult {
    let _sessions = Lock::shared();
    let server = Server::start("databases");
    let mut maker = server.ask("dies", "SELECT pg_sleep(600)");
    assert_eq!(maker.told(), "half done");
    let mut askers: Vec<_> = (0..3).map(|_| server.ask("dies", "")).collect();
    // They are in line when the server says that they are.
    let client = connect(&server.url).await?;
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory'";
    let deadline = Instant::now() + Duration::from_secs(30);
    while client.query_one(waiting, &[]).await?.get::<_, i64>(0) < 3 {
        assert!(Instant::now() < deadline, "they do not wait");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    maker.signal(SIGKILL);
    given(&mut askers);
    assert_eq!(server.runs("dies").await?, 2);
    assert_eq!(server.databases("^longshore_making").await?, BTreeSet::new());
    all_end(askers);
    server.end().await
}

/// The server's own client goes on in the container when who has started it is dead.
#[tokio::test]
async fn so_may_one_whose_script_is_being_run() -> TestResult {
    let _sessions = Lock::shared();
    let server = Server::start("databases");
    // The first one to run it sleeps: there is a row then.
    let script = "sql CREATE TABLE notes (note text); INSERT INTO notes VALUES ('first');
        \\c postgres
        INSERT INTO runs VALUES ('script', 0);
        SELECT pg_sleep(CASE WHEN count(*) = 1 THEN 600 ELSE 0 END) FROM runs WHERE key = 'script';
        \\c - - - - reuse-previous=on
    ";
    // Back to the copy, whose name is not known: by a variable that was set before.
    let script = script
        .replace("sql CREATE", "sql \\set copy :DBNAME\nCREATE")
        .replace("\\c - - - - reuse-previous=on", "\\c :copy\nINSERT INTO notes VALUES ('last');");
    let maker = server.ask(&script, "");
    let client = connect(&server.url).await?;
    let begun = || async {
        client.query_one("SELECT count(*) FROM runs", &[]).await.map(|row| row.get::<_, i64>(0))
    };
    let deadline = Instant::now() + Duration::from_secs(30);
    while begun().await? < 1 {
        assert!(Instant::now() < deadline, "it is not run");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    maker.signal(SIGKILL);
    let mut askers: Vec<_> = (0..2).map(|_| server.ask(&script, "")).collect();
    given(&mut askers);
    assert_eq!(begun().await?, 2);
    assert_eq!(server.databases("^longshore_making").await?, BTreeSet::new());
    all_end(askers);
    server.end().await
}

#[tokio::test]
async fn it_may_die_at_any_moment() -> TestResult {
    let _sessions = Lock::shared();
    let server = Server::start("databases");
    let rounds = torture_count();
    let mut in_time = 0;
    for round in 0..rounds {
        let key = format!("round {round}");
        // So long that some of the moments are in it.
        let slowly = "SELECT pg_sleep(0.5)";
        let maker = server.ask(&key, slowly);
        let mut askers: Vec<_> = (0..2).map(|_| server.ask(&key, slowly)).collect();
        thread::sleep(Duration::from_millis(rand::thread_rng().gen_range(0..2000)));
        maker.signal(SIGKILL);
        given(&mut askers);
        let runs = server.runs(&key).await?;
        assert!((1..=2).contains(&runs), "round {round}: it was made {runs} times");
        in_time += usize::from(runs == 2);
        assert_eq!(server.databases("^longshore_making").await?, BTreeSet::new());
        all_end(askers);
        drop(maker.wait());
        // What the killed one had is left for the end of the server.
        let client = connect(&server.url).await?;
        for left in server.databases("^longshore_[a-z0-9]{10}$").await? {
            client.batch_execute(&format!("DROP DATABASE {left} WITH (FORCE)")).await?;
        }
    }
    super::support::say(&format!(
        "{rounds} makers of templates killed, {in_time} of them in the middle of it"
    ));
    server.end().await
}
