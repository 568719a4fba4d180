//! A database for each test on one MariaDB server: all that a database may have is in the copy, and nothing of it is in another one.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use longshore::blocking::block_on;
use longshore::services::{self, MariadbContainer, MariadbDatabase, Template};
use longshore::Volume;
use mysql::prelude::Queryable;
use mysql::{Conn, Opts};

use super::services_databases::File;
use super::support::{unique, TestResult};

const NOTES: &str =
    "CREATE TABLE notes (note text); INSERT INTO notes VALUES ('from the template');";

fn connect(url: &str) -> mysql::Result<Conn> {
    Conn::new(Opts::from_url(url)?)
}

fn notes(url: &str) -> mysql::Result<String> {
    let notes = "SELECT GROUP_CONCAT(note ORDER BY note SEPARATOR ', ') FROM notes";
    Ok(connect(url)?.query_first(notes)?.unwrap_or_default())
}

/// As `root`, who sees all databases.
fn root(server: &MariadbContainer) -> mysql::Result<Conn> {
    connect(&server.url().replace(&format!("{}:", server.user()), "root:"))
}

/// The databases on a server that are no template and not its own.
fn fresh_ones(server: &MariadbContainer) -> mysql::Result<Vec<String>> {
    let query = "SELECT schema_name FROM information_schema.schemata WHERE schema_name REGEXP '^longshore_[a-z0-9]{10}$' ORDER BY 1";
    root(server)?.query(query)
}

fn templates(server: &MariadbContainer) -> mysql::Result<Vec<String>> {
    let query = "SELECT schema_name FROM information_schema.schemata WHERE schema_name REGEXP '^longshore_(template|trial)' ORDER BY 1";
    root(server)?.query(query)
}

/// Something of everything, named so that the alphabet is of no use.
const EVERYTHING: &str = r"
ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_swedish_ci;
CREATE SEQUENCE numbers START WITH 100 INCREMENT BY 10 NOCACHE;
CREATE TABLE people (
    id int AUTO_INCREMENT PRIMARY KEY,
    name varchar(50) NOT NULL COMMENT 'it''s; a -- name',
    shout varchar(60) AS (CONCAT(name, '!')) VIRTUAL,
    `odd ``name` int DEFAULT (NEXT VALUE FOR numbers),
    CHECK (name <> '')
);
CREATE TABLE books (id int PRIMARY KEY, author int, title text, FOREIGN KEY (author) REFERENCES people (id) ON DELETE CASCADE);
CREATE TABLE a_log (what text);
INSERT INTO people (name) VALUES ('Frank'), ('Ursüla');
INSERT INTO books VALUES (1, 1, 'Dune; a book'), (2, 2, 'Rocannon''s World');
DELIMITER //
CREATE FUNCTION twice(n int) RETURNS int DETERMINISTIC
BEGIN
    DECLARE result int;
    SET result = n * 2;
    RETURN result;
END //
CREATE PROCEDURE log_it(what text)
BEGIN
    INSERT INTO a_log VALUES (what);
    INSERT INTO a_log VALUES ('and möre');
END //
CREATE TRIGGER after_book AFTER INSERT ON books FOR EACH ROW
BEGIN
    CALL log_it(CONCAT('book ', NEW.id));
END //
CREATE EVENT later ON SCHEDULE EVERY 1 DAY DO BEGIN DELETE FROM a_log; END //
DELIMITER ;
CREATE VIEW z_names AS SELECT p.name, b.title, twice(p.id) AS two FROM people p JOIN books b ON b.author = p.id;
CREATE VIEW a_names AS SELECT name FROM z_names;
";

#[test]
fn a_copy_has_all_that_a_database_may_have() -> TestResult {
    let file = File::new(".sql", EVERYTHING);
    let server = services::mariadb()
        .user("me")
        .password("p@ss'w")
        .database("my app")
        .template(file.path())
        .start_blocking()?;
    let (one, two) = (server.fresh_database_blocking()?, server.fresh_database_blocking()?);
    let url = |name: &str| format!("mysql://me:p%40ss%27w@{}:{}/{name}", one.host(), one.port());
    assert_eq!(one.url(), url(one.name()));
    assert_eq!((one.user(), one.password()), ("me", "p@ss'w"));

    let mut client = connect(&one.url())?;
    let names = "SELECT CONCAT_WS('|', name, title, two) FROM z_names ORDER BY title";
    let all: Vec<String> = client.query(names)?;
    assert_eq!(all, ["Frank|Dune; a book|2", "Ursüla|Rocannon's World|4"]);
    let all: Vec<String> = client.query("SELECT name FROM a_names ORDER BY 1")?;
    assert_eq!(all, ["Frank", "Ursüla"]);
    client.query_drop("INSERT INTO people (name) VALUES ('Octavia')")?;
    let added: Option<(u32, String, u32)> =
        client.query_first("SELECT id, shout, `odd ``name` FROM people WHERE name = 'Octavia'")?;
    assert_eq!(added, Some((3, "Octavia!".into(), 120)), "numbers go on");
    assert!(client.query_drop("INSERT INTO people (name) VALUES ('')").is_err(), "checks");
    assert!(client.query_drop("INSERT INTO books VALUES (9, 99, '')").is_err(), "foreign keys");
    client.query_drop("INSERT INTO books VALUES (3, 3, 'Kindred')")?;
    let log: Vec<String> = client.query("SELECT what FROM a_log")?;
    assert_eq!(
        log,
        ["book 3", "and möre"],
        "triggers and procedures; and the template's rows pulled none"
    );
    client.query_drop("DELETE FROM people WHERE id = 3")?;
    assert_eq!(client.query_first("SELECT COUNT(*) FROM books")?, Some(2));
    let events = "SELECT event_name FROM information_schema.events WHERE event_schema = DATABASE()";
    assert_eq!(client.query_first(events)?, Some("later".to_owned()));
    assert_eq!(
        client.query_first("SELECT @@collation_database")?,
        Some("utf8mb4_swedish_ci".to_owned())
    );

    // Nothing of it leads to the template, or to another copy.
    let mut other = connect(&two.url())?;
    assert_eq!(other.query_first("SELECT COUNT(*) FROM a_log")?, Some(0));
    let shown: Option<(u32, u32)> =
        other.query_first("SELECT MAX(id), MAX(`odd ``name`) FROM people")?;
    assert_eq!(shown, Some((2, 110)));
    let template = templates(&server)?.remove(0);
    root(&server)?.query_drop(format!("DROP DATABASE {template}"))?;
    other.query_drop("INSERT INTO people (name) VALUES ('Joanna')")?;
    let all: Vec<String> = other.query("SELECT name FROM a_names ORDER BY 1")?;
    assert_eq!(all, ["Frank", "Ursüla"]);
    Ok(())
}

#[test]
fn it_is_dropped_with_its_handle_also_if_it_is_used() -> TestResult {
    let server = services::mariadb().template(Template::sql(NOTES)).start_blocking()?;
    let (one, two) = (server.fresh_database_blocking()?, server.fresh_database_blocking()?);
    let mut client = connect(&one.url())?;
    client.query_drop("BEGIN")?;
    client.query_drop("INSERT INTO notes VALUES ('mine')")?;
    assert_eq!(notes(&two.url())?, "from the template");
    let mut expected = vec![one.name().to_owned(), two.name().to_owned()];
    expected.sort();
    assert_eq!(fresh_ones(&server)?, expected);
    let begun = Instant::now();
    drop(one);
    assert!(begun.elapsed() < Duration::from_secs(10), "its lock was waited for");
    assert!(client.query_drop("SELECT 1").is_err(), "its connection has ended");
    assert_eq!(fresh_ones(&server)?, [two.name()]);
    two.remove_blocking()?;
    assert_eq!(fresh_ones(&server)?, [""; 0]);

    let (lone, removed) = (server.fresh_database_blocking()?, server.fresh_database_blocking()?);
    server.into_blocking().remove()?;
    drop(lone);
    removed.remove_blocking()?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closure_migrates_once_however_many_ask() -> TestResult {
    let count = Arc::new(AtomicUsize::new(0));
    let tries = count.clone();
    let template = move |url: String| {
        let tries = tries.clone();
        async move {
            tries.fetch_add(1, Ordering::SeqCst);
            let migrating = tokio::task::spawn_blocking(move || connect(&url)?.query_drop(NOTES));
            migrating.await.expect("it does not panic")
        }
    };
    let server = services::mariadb().template(template).start().await?;
    let asked = (0..16).map(|_| tokio::spawn(server.fresh_database()));
    let all: Vec<MariadbDatabase> =
        futures::future::try_join_all(asked).await?.into_iter().collect::<Result<_, _>>()?;
    assert_eq!(count.load(Ordering::SeqCst), 1);
    for db in &all {
        assert_eq!(notes(&db.url())?, "from the template");
    }
    drop(all);
    assert_eq!(fresh_ones(&server)?, [""; 0]);
    assert_eq!(templates(&server)?.len(), 1);
    Ok(())
}

#[test]
fn a_template_that_fails_is_told_in_the_servers_words_and_the_next_try_works() -> TestResult {
    let file =
        File::new(".sql", "CREATE TABLE notes (note text);\nINSERT INTO nowhere\nVALUES (1);\n");
    let server = services::mariadb().template(file.path()).start_blocking()?;
    let error = server.fresh_database_blocking().unwrap_err().to_string();
    let path = file.path().display();
    let expected = format!("the template `{path}` could not be made\n  because: {path}: ERROR 1146 (42S02) at line 2: Table 'longshore_template_");
    assert!(error.starts_with(&expected), "{error}");
    assert_eq!(templates(&server)?, [""; 0], "nothing half made is left");
    std::fs::write(file.path(), NOTES)?;
    assert_eq!(notes(&server.fresh_database_blocking()?.url())?, "from the template");

    // By several at once: the first one's error is everybody's.
    let count = Arc::new(AtomicUsize::new(0));
    let tries = count.clone();
    let template = Template::keyed(unique("fails"), move |url| {
        let tries = tries.clone();
        async move {
            if tries.fetch_add(1, Ordering::SeqCst) > 0 {
                return Ok(());
            }
            let failing = move || {
                connect(&url)?
                    .query_drop("DO SLEEP(2); SELECT nonsense")
                    .map(|()| "nothing has failed")
            };
            match tokio::task::spawn_blocking(failing).await {
                Ok(Ok(told)) => Err(told.to_owned()),
                Ok(Err(error)) => Err(error.to_string()),
                Err(error) => Err(error.to_string()),
            }
        }
    });
    let server = services::mariadb().template(template).start_blocking()?;
    let errors: Vec<String> = thread::scope(|scope| {
        let ask = || server.fresh_database_blocking().unwrap_err().to_string();
        let asking: Vec<_> = (0..6).map(|_| scope.spawn(ask)).collect();
        asking.into_iter().map(|asking| asking.join().expect("it gets an error")).collect()
    });
    assert_eq!(count.load(Ordering::SeqCst), 1, "{errors:?}");
    let _ = server.fresh_database_blocking()?;
    assert_eq!(count.load(Ordering::SeqCst), 2);
    Ok(())
}

#[test]
fn a_file_may_be_packed_and_one_that_is_missing_is_told_at_once() -> TestResult {
    let mut gzip =
        Command::new("gzip").arg("-c").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    gzip.stdin.take().expect("it is piped").write_all(NOTES.as_bytes())?;
    let file = File::new(".sql.gz", gzip.wait_with_output()?.stdout);
    let server = services::mariadb().template(file.path()).start_blocking()?;
    assert_eq!(notes(&server.fresh_database_blocking()?.url())?, "from the template");
    let error =
        services::mariadb().tag("none").template("no-such.sql").start_blocking().unwrap_err();
    assert!(error.is_invalid_request(), "{error}");
    assert!(error.summary().contains("`no-such.sql` cannot be read"), "{error}");
    Ok(())
}

#[test]
fn without_a_template_it_is_what_is_there() -> TestResult {
    let volume = block_on(Volume::create())?;
    let service = services::mariadb()
        .user("root")
        .init_sql(NOTES)
        .with(|request| request.volume(volume.at("/var/lib/mysql")));
    for round in 1..=2 {
        let server = service.start_blocking()?;
        let db = server.fresh_database_blocking()?;
        let expected = ["from the template", "from the template, the first one's"][round - 1];
        assert_eq!(notes(&db.url())?, expected);
        connect(&server.url())?.query_drop("INSERT INTO notes VALUES ('the first one''s')")?;
        drop(db);
        server.blocking().stop()?;
    }
    Ok(())
}
