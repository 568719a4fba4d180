//! The same of MariaDB, which has no copy of a whole database and renames none.

use std::collections::BTreeSet;
use std::env;
use std::thread;
use std::time::Duration;

use libc::SIGKILL;
use longshore::services::{self, MariadbContainer, Template};
use mysql::prelude::Queryable;
use mysql::{Conn, Opts};
use rand::Rng;

use super::askers::{all_end, given, KEY, MIGRATION, THREADS};
use super::support::child::{is_child, tell, wait_for_parent, Held};
use super::support::session::Session;
use super::support::sys::Lock;
use super::support::{eventually, TestResult};
use super::torture_count;

const HOLDER: &str = "databases_mariadb::child_that_holds_the_server";

const ASKER: &str = "databases_mariadb::child_that_asks";

fn connect(url: &str) -> mysql::Result<Conn> {
    Conn::new(Opts::from_url(url)?)
}

fn migrate(url: &str) -> mysql::Result<()> {
    let (server, _) = url.rsplit_once('/').expect("it ends with a database");
    let mut runs = connect(&format!("{server}/test"))?;
    runs.exec_drop("INSERT INTO runs VALUES (?)", (env::var(KEY).unwrap_or_default(),))?;
    let mut client = connect(url)?;
    client.query_drop("CREATE TABLE notes (note text)")?;
    client.query_drop("INSERT INTO notes VALUES ('first')")?;
    tell("half done");
    client.query_drop(env::var(MIGRATION).unwrap_or_default())?;
    client.query_drop("INSERT INTO notes VALUES ('last')")
}

fn start() -> MariadbContainer {
    let template =
        Template::keyed(env::var(KEY).unwrap_or_default(), |url| async move { migrate(&url) });
    let service = services::mariadb().init_sql("CREATE TABLE runs (name varchar(50))");
    service.template(template).start_shared_blocking().expect("a server")
}

#[test]
#[ignore = "run as a child process by the other tests"]
fn child_that_holds_the_server() {
    if is_child(HOLDER) {
        tell(start().url().replace("test:", "root:"));
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
            let mut client = connect(&db.url()).expect("it is there");
            client.query_drop("DELETE FROM runs").expect("it is this test's own");
            let notes: Vec<String> =
                client.query("SELECT note FROM notes ORDER BY 1").expect("it has notes");
            assert_eq!(notes, ["first", "last"]);
            db
        };
        let asking: Vec<_> = (0..THREADS).map(|_| scope.spawn(ask)).collect();
        asking.into_iter().map(|asking| asking.join().expect("it does not panic")).collect()
    });
    tell(all.iter().map(|db| db.name()).collect::<Vec<_>>().join(" "));
    wait_for_parent();
}

struct Server {
    session: Session,
    holder: Held,
    client: Conn,
}

impl Server {
    fn start() -> mysql::Result<Self> {
        let session = Session::new("databases");
        let mut holder = session.start(HOLDER);
        let client = connect(&holder.told())?;
        Ok(Server { session, holder, client })
    }

    fn ask(&self, key: &str, migration: &str) -> Held {
        let mut command = self.session.command(ASKER);
        command.env(KEY, key).env(MIGRATION, migration);
        Held::start(command).expect("this program can be started")
    }

    /// How often the template of that key was made, or begun.
    fn runs(&mut self, key: &str) -> mysql::Result<u64> {
        let count =
            self.client.exec_first("SELECT COUNT(*) FROM test.runs WHERE name = ?", (key,))?;
        Ok(count.unwrap_or_default())
    }

    /// Names of databases, by a regular expression.
    fn databases(&mut self, pattern: &str) -> mysql::Result<BTreeSet<String>> {
        let query =
            "SELECT schema_name FROM information_schema.schemata WHERE schema_name REGEXP ?";
        Ok(self.client.exec::<String, _, _>(query, (pattern,))?.into_iter().collect())
    }

    /// Nothing is left but templates, and the server goes with its session.
    fn end(mut self) -> TestResult {
        assert_eq!(self.databases("^longshore_[a-z0-9]{10}$")?, BTreeSet::new());
        self.holder.end();
        self.session.all_gone();
        self.session.over_late();
        Ok(())
    }
}

#[test]
fn sixteen_processes_of_four_threads_migrate_once() -> TestResult {
    let _sessions = Lock::shared();
    let mut server = Server::start()?;
    let mut askers: Vec<_> = (0..16).map(|_| server.ask("once", "DO 1")).collect();
    let names = given(&mut askers);
    assert_eq!(server.runs("once")?, 1);
    assert_eq!(server.databases("^longshore_[a-z0-9]{10}$")?, names);
    all_end(askers);
    assert_eq!(server.databases("^longshore_(trial|template)")?.len(), 1);
    server.end()
}

#[test]
fn whoever_makes_the_template_may_die_over_it() -> TestResult {
    let _sessions = Lock::shared();
    let mut server = Server::start()?;
    let mut maker = server.ask("dies", "DO SLEEP(600)");
    assert_eq!(maker.told(), "half done");
    let mut askers: Vec<_> = (0..3).map(|_| server.ask("dies", "DO 1")).collect();
    let waiting = "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE '%GET_LOCK(%' AND id <> CONNECTION_ID()";
    let mut waiting = || server.client.query_first::<u64, _>(waiting).ok().flatten();
    eventually("their waiting for it", || waiting() == Some(3));
    maker.signal(SIGKILL);
    given(&mut askers);
    assert_eq!(server.runs("dies")?, 2);
    all_end(askers);
    assert_eq!(server.databases("^longshore_(trial|template)")?.len(), 1);
    server.end()
}

#[test]
fn it_may_die_at_any_moment() -> TestResult {
    let _sessions = Lock::shared();
    let mut server = Server::start()?;
    let rounds = torture_count();
    let mut in_time = 0;
    for round in 0..rounds {
        let key = format!("round {round}");
        // So long that some of the moments are in it.
        let slowly = "DO SLEEP(0.5)";
        let maker = server.ask(&key, slowly);
        let mut askers: Vec<_> = (0..2).map(|_| server.ask(&key, slowly)).collect();
        thread::sleep(Duration::from_millis(rand::thread_rng().gen_range(0..1500)));
        maker.signal(SIGKILL);
        given(&mut askers);
        let runs = server.runs(&key)?;
        assert!((1..=2).contains(&runs), "round {round}: it was made {runs} times");
        in_time += usize::from(runs == 2);
        all_end(askers);
        drop(maker.wait());
        assert_eq!(server.databases("^longshore_(trial|template)")?.len(), round + 1);
        // What the killed one had is left for the end of the server.
        for left in server.databases("^longshore_[a-z0-9]{10}$")? {
            server.client.query_drop(format!("DROP DATABASE {left}"))?;
        }
    }
    super::support::say(&format!(
        "{rounds} makers of templates killed, {in_time} of them in the middle of it"
    ));
    server.end()
}
