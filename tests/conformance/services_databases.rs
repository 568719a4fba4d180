//! A database for each test on one PostgreSQL server: what it has, whose it is, and that it goes. Looked at by a real client, past
//! longshore.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::Duration;

use longshore::services::{self, Databases, PostgresContainer, PostgresDatabase, Template};
use longshore::{Network, Volume};
use tokio_postgres::{Client, NoTls};

use super::support::{eventually, unique, TestResult};

const NOTES: &str =
    "CREATE TABLE notes (note text); INSERT INTO notes VALUES ('from the template');";

async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn text(client: &Client, query: &str) -> Result<String, tokio_postgres::Error> {
    Ok(client.query_one(query, &[]).await?.get(0))
}

async fn notes(url: &str) -> Result<String, tokio_postgres::Error> {
    let client = connect(url).await?;
    text(&client, "SELECT string_agg(note, ', ' ORDER BY note) FROM notes").await
}

/// The databases on a server that are no template and not its own.
async fn fresh_ones(server: &PostgresContainer) -> Result<Vec<String>, tokio_postgres::Error> {
    let query =
        "SELECT datname FROM pg_database WHERE datname ~ '^longshore_[a-z0-9]{10}$' ORDER BY 1";
    let client = connect(&server.url()).await?;
    Ok(client.query(query, &[]).await?.iter().map(|row| row.get(0)).collect())
}

/// The templates on a server, also those that are half made.
async fn templates(server: &PostgresContainer) -> Result<Vec<String>, tokio_postgres::Error> {
    let query =
        "SELECT datname FROM pg_database WHERE datname ~ '^longshore_(template|making)' ORDER BY 1";
    let client = connect(&server.url()).await?;
    Ok(client.query(query, &[]).await?.iter().map(|row| row.get(0)).collect())
}

/// A file that goes with its test.
pub(crate) struct File(PathBuf);

impl File {
    pub(crate) fn new(extension: &str, content: impl AsRef<[u8]>) -> Self {
        let path = std::env::temp_dir().join(unique("template") + extension);
        std::fs::write(&path, content).expect("the temporary folder takes files");
        File(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[tokio::test]
async fn each_has_its_own_data_and_begins_as_the_template() -> TestResult {
    let file = File::new(".sql", NOTES);
    let server = services::postgres()
        .user("me@home")
        .password("p/w d")
        .database("my app")
        .template(file.path())
        .start()
        .await?;
    let (one, two) = futures::try_join!(server.fresh_database(), server.fresh_database())?;
    connect(&one.url()).await?.batch_execute("INSERT INTO notes VALUES ('mine')").await?;
    assert_eq!(notes(&one.url()).await?, "from the template, mine");
    assert_eq!(notes(&two.url()).await?, "from the template");
    let three = server.fresh_database().await?;
    assert_eq!(notes(&three.url()).await?, "from the template");

    let client = connect(&one.url()).await?;
    let who = text(&client, "SELECT current_user || '|' || current_database()").await?;
    assert_eq!(who, format!("me@home|{}", one.name()));
    let owner =
        "SELECT pg_get_userbyid(datdba)::text FROM pg_database WHERE datname = current_database()";
    assert_eq!(text(&client, owner).await?, "me@home");
    let own = connect(&server.url()).await?;
    // With the same password, and by no other.
    let as_longshore = server.url().replace("me%40home", "longshore");
    let role = connect(&as_longshore).await?;
    let rounds =
        "SELECT split_part(rolpassword, ':', 1) FROM pg_authid WHERE rolname = 'longshore'";
    assert_eq!(text(&role, rounds).await?, "SCRAM-SHA-256$1");
    assert!(connect(&as_longshore.replace("p%2Fw%20d", "wrong")).await.is_err());
    assert!(
        own.batch_execute("SELECT * FROM notes").await.is_err(),
        "the service's own has nothing of it"
    );
    assert_eq!(
        one.url(),
        format!("postgres://me%40home:p%2Fw%20d@{}:{}/{}", one.host(), one.port(), one.name())
    );
    assert_eq!((one.user(), one.password()), ("me@home", "p/w d"));
    assert_eq!(
        one.url_within("db"),
        format!("postgres://me%40home:p%2Fw%20d@db:5432/{}", one.name())
    );
    assert_eq!(templates(&server).await?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn it_is_dropped_with_its_handle_also_if_it_is_used() -> TestResult {
    let server = services::postgres().start().await?;
    let (one, two) = futures::try_join!(server.fresh_database(), server.fresh_database())?;
    let client = connect(&one.url()).await?;
    client.batch_execute("BEGIN; CREATE TABLE t (n int)").await?;
    let mut expected = vec![one.name().to_owned(), two.name().to_owned()];
    expected.sort();
    assert_eq!(fresh_ones(&server).await?, expected);
    let name = two.name().to_owned();
    drop(one);
    assert_eq!(fresh_ones(&server).await?, [name.as_str()]);
    assert!(client.batch_execute("SELECT 1").await.is_err(), "its connection has ended");
    two.remove().await?;
    assert_eq!(fresh_ones(&server).await?, [""; 0]);

    let kept = server.fresh_database().await?.keep();
    assert_eq!(fresh_ones(&server).await?.len(), 1);
    connect(&kept).await?;
    Ok(())
}

#[tokio::test]
async fn it_is_dropped_wherever_its_handle_is() -> TestResult {
    let server = services::postgres().start().await?;
    let in_a_thread = server.fresh_database().await?;
    std::thread::spawn(move || drop(in_a_thread)).join().expect("it does not panic");
    let (in_another_runtime, elsewhere) = (server.fresh_database().await?, server.fresh_database());
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async move { drop(in_another_runtime) });
        let db = futures::executor::block_on(elsewhere).expect("it needs no runtime");
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
            let _db = db;
            std::panic::resume_unwind(Box::new("while it is held"));
        }));
        assert!(panicked.is_err());
    };
    std::thread::spawn(work).join().expect("it does not panic");
    assert_eq!(fresh_ones(&server).await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn who_gives_up_leaves_none() -> TestResult {
    let server = services::postgres().start().await?;
    drop(server.fresh_database().await?);
    for pause in [0, 1, 2, 4, 8, 16] {
        let asked = server.fresh_database();
        let _ = tokio::time::timeout(Duration::from_millis(pause), asked).await;
    }
    let mut left = fresh_ones(&server).await?;
    for _ in 0..200 {
        if left.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        left = fresh_ones(&server).await?;
    }
    assert_eq!(left, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_dump_is_a_template_with_all_that_psql_knows() -> TestResult {
    let server = services::postgres()
        .init_sql(
            "CREATE TABLE people (id serial PRIMARY KEY, name text);
             INSERT INTO people (name) SELECT 'name ' || i FROM generate_series(1, 300) i;
             CREATE VIEW few AS SELECT name FROM people WHERE id < 10;",
        )
        .start()
        .await?;
    for command in ["pg_dump -U postgres", "pg_dump -U postgres | gzip -c"] {
        let dump = server.exec(["sh", "-c", command]).await?.ok()?;
        let extension = if command.contains("gzip") { ".sql.gz" } else { ".sql" };
        let file = File::new(extension, dump.stdout());
        let other =
            services::postgres().database("other").template(file.path()).start_shared().await?;
        let db = other.fresh_database().await?;
        let client = connect(&db.url()).await?;
        client.batch_execute("INSERT INTO people (name) VALUES ('one more')").await?;
        let counts = "SELECT (SELECT count(*) FROM people) || ' ' || (SELECT max(id) FROM people) || ' ' || (SELECT count(*) FROM few)";
        assert_eq!(text(&client, counts).await?, "301 301 9");
    }
    Ok(())
}

/// Migrates, and counts how often.
fn migration(
    count: &Arc<AtomicUsize>,
) -> impl Fn(String) -> std::pin::Pin<Box<dyn Future<Output = Result<(), tokio_postgres::Error>> + Send>>
{
    let count = count.clone();
    move |url| {
        let count = count.clone();
        Box::pin(async move {
            count.fetch_add(1, Ordering::SeqCst);
            connect(&url).await?.batch_execute(NOTES).await
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closure_migrates_once_however_many_ask() -> TestResult {
    let count = Arc::new(AtomicUsize::new(0));
    let server = services::postgres().template(migration(&count)).start().await?;
    let asked = (0..24).map(|_| tokio::spawn(server.fresh_database()));
    let all: Vec<PostgresDatabase> =
        futures::future::try_join_all(asked).await?.into_iter().collect::<Result<_, _>>()?;
    assert_eq!(count.load(Ordering::SeqCst), 1);
    for db in &all {
        assert_eq!(notes(&db.url()).await?, "from the template");
    }
    assert_eq!(fresh_ones(&server).await?.len(), 24);
    drop(all);
    assert_eq!(fresh_ones(&server).await?, [""; 0]);
    Ok(())
}

#[test]
fn so_it_does_for_64_threads_without_async() -> TestResult {
    let count = Arc::new(AtomicUsize::new(0));
    let server = services::postgres().template(migration(&count)).start_blocking()?;
    let all = std::thread::scope(|scope| {
        let ask = || server.fresh_database_blocking();
        let asking: Vec<_> = (0..64).map(|_| scope.spawn(ask)).collect();
        let given = asking.into_iter().map(|asking| asking.join().expect("it does not panic"));
        given.collect::<Result<Vec<PostgresDatabase>, _>>()
    })?;
    assert_eq!(count.load(Ordering::SeqCst), 1);
    let runtime = tokio::runtime::Runtime::new()?;
    for db in &all {
        assert_eq!(runtime.block_on(notes(&db.url()))?, "from the template");
    }
    let names: std::collections::BTreeSet<_> = all.iter().map(PostgresDatabase::name).collect();
    assert_eq!(names.len(), 64);
    drop(all);
    assert_eq!(runtime.block_on(fresh_ones(&server))?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn several_templates_share_one_server() -> TestResult {
    let service = services::postgres().database(unique("several"));
    let one = service.clone().template(Template::sql(NOTES)).start_shared().await?;
    let key = unique("key");
    let two = Template::keyed(key.clone(), |url| async move {
        connect(&url).await?.batch_execute("CREATE TABLE others (n int)").await
    });
    let two = service.clone().template(two).start_shared().await?;
    assert_eq!(one.id(), two.id());
    let (first, second) = futures::try_join!(one.fresh_database(), two.fresh_database())?;
    assert_eq!(notes(&first.url()).await?, "from the template");
    connect(&second.url()).await?.batch_execute("SELECT n FROM others").await?;
    assert!(notes(&second.url()).await.is_err());
    // The same key says that it does the same.
    let same = Template::keyed(key, |_| async { Err::<(), _>("it is there already") });
    let same = service.template(same).start_shared().await?;
    connect(&same.fresh_database().await?.url())
        .await?
        .batch_execute("SELECT n FROM others")
        .await?;
    Ok(())
}

#[tokio::test]
async fn without_a_template_it_is_what_the_init_scripts_made() -> TestResult {
    let service = services::postgres().database("app").init_sql(NOTES).init_sql(
        "ALTER DATABASE app SET search_path = elsewhere, \"$user\", public; ALTER DATABASE app SET app.tenant = 'a=b'",
    );
    let server = service.start().await?;
    // Whatever is done to the service's own database, and by whom.
    let own = connect(&server.url()).await?;
    own.batch_execute("INSERT INTO notes VALUES ('by hand')").await?;
    let db = server.fresh_database().await?;
    assert_eq!(notes(&db.url()).await?, "from the template");
    let client = connect(&db.url()).await?;
    assert_eq!(text(&client, "SHOW search_path").await?, "elsewhere, \"$user\", public");
    assert_eq!(text(&client, "SHOW app.tenant").await?, "a=b");

    let more = services::postgres()
        .database("app")
        .init_sql(NOTES)
        .template(Template::sql("INSERT INTO notes VALUES ('and more')"))
        .start()
        .await?;
    assert_eq!(notes(&more.fresh_database().await?.url()).await?, "and more, from the template");
    Ok(())
}

#[tokio::test]
async fn without_anything_it_is_empty() -> TestResult {
    let server = services::postgres().start().await?;
    let own = connect(&server.url()).await?;
    own.batch_execute(NOTES).await?;
    let db = server.fresh_database().await?;
    let client = connect(&db.url()).await?;
    let tables =
        "SELECT count(*)::text FROM information_schema.tables WHERE table_schema = 'public'";
    assert_eq!(text(&client, tables).await?, "0");
    Ok(())
}

#[tokio::test]
async fn in_a_data_folder_that_exists_it_is_what_is_there() -> TestResult {
    let volume = Volume::create().await?;
    let service =
        services::postgres().with(|request| request.volume(volume.at("/var/lib/postgresql/data")));
    let first = service.start().await?;
    connect(&first.url()).await?.batch_execute(NOTES).await?;
    first.fresh_database().await?.keep();
    first.stop().await?;
    first.remove().await?;

    let second = service
        .clone()
        .template(Template::sql("INSERT INTO notes VALUES ('more')"))
        .start()
        .await?;
    let own = connect(&second.url()).await?;
    let error = second.fresh_database().await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("because: source database \"postgres\" is being accessed by other users (SQLSTATE 55006)"), "{text}");
    assert!(
        text.contains(
            "hint: ask for the first fresh database before anything is connected to that one"
        ),
        "{text}"
    );
    drop(own);
    let db = second.fresh_database().await?;
    assert_eq!(notes(&db.url()).await?, "from the template, more");
    assert_eq!(notes(&second.url()).await?, "from the template");
    Ok(())
}

#[tokio::test]
async fn a_template_that_fails_is_told_in_the_servers_words_and_the_next_try_works() -> TestResult {
    let file =
        File::new(".sql", "CREATE TABLE notes (note text);\nINSERT INTO nowhere\nVALUES (1);\n");
    let server = services::postgres().template(file.path()).start().await?;
    let error = server.fresh_database().await.unwrap_err();
    let (path, own) =
        (file.path().display(), format!("`{}` ({})", server.name(), &server.id()[..12]));
    assert_eq!(
        error.to_string(),
        format!(
            "the template `{path}` could not be made\n  because: {path}:3: ERROR:  relation \"nowhere\" does not exist\n    LINE 1: \
             INSERT INTO nowhere\n                        ^\n  image: `postgres:15`\n  container: {own}\n  engine: {}",
            server.engine()
        )
    );
    assert_eq!(templates(&server).await?, [""; 0], "nothing half made is left");
    std::fs::write(file.path(), NOTES)?;
    assert_eq!(notes(&server.fresh_database().await?.url()).await?, "from the template");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waited_for_a_template_that_fails_has_the_same_error() -> TestResult {
    let count = Arc::new(AtomicUsize::new(0));
    let tries = count.clone();
    let template = move |url: String| {
        let tries = tries.clone();
        async move {
            let client = connect(&url).await?;
            client.batch_execute(NOTES).await?;
            match tries.fetch_add(1, Ordering::SeqCst) {
                // So long that the others are all in line.
                0 => client.batch_execute("SELECT pg_sleep(2); SELECT nonsense").await,
                _ => Ok(()),
            }
        }
    };
    let server = services::postgres().template(template).start().await?;
    let asked = (0..8).map(|_| tokio::spawn(server.fresh_database()));
    for outcome in futures::future::try_join_all(asked).await? {
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains("column \"nonsense\" does not exist"), "{error}");
        assert!(error.contains("tests/conformance/services_databases.rs:"), "{error}");
    }
    assert_eq!(count.load(Ordering::SeqCst), 1);
    assert_eq!(notes(&server.fresh_database().await?.url()).await?, "from the template");
    assert_eq!(count.load(Ordering::SeqCst), 2);
    Ok(())
}

#[tokio::test]
async fn a_file_that_is_missing_is_told_before_anything_is_started() -> TestResult {
    // There is no such image either, which nobody finds out.
    let service = services::postgres().tag("none").template("tests/data/no-such.sql");
    for error in [service.start().await.unwrap_err(), service.start_shared_blocking().unwrap_err()]
    {
        assert!(error.is_invalid_request());
        assert_eq!(
            error.to_string(),
            "the template `tests/data/no-such.sql` cannot be read\n  because: No such file or directory (os error 2)\n  hint: a \
             relative path starts at the current folder, which `cargo test` makes the package's"
        );
    }
    Ok(())
}

#[test]
fn it_is_used_without_async() -> TestResult {
    // Wants a runtime, and has none of its own.
    let migrate = |url: String| async move {
        tokio::time::sleep(Duration::from_millis(1)).await;
        connect(&url).await?.batch_execute(NOTES).await
    };
    let server = services::postgres().template(migrate).start_blocking()?;
    let db: PostgresDatabase = server.fresh_database_blocking()?;
    let psql = ["psql", "-Atc", "SELECT note FROM notes", &db.url_within("localhost")];
    assert_eq!(server.blocking().exec(psql)?.ok()?.stdout_str()?, "from the template\n");
    db.remove_blocking()?;
    let psql = ["psql", "-lqAt", &server.url_within("localhost")];
    let all = server.blocking().exec(psql)?.ok()?;
    let ours = all.stdout_str()?.lines().filter(|line| line.starts_with("longshore_"));
    assert_eq!(ours.count(), 1, "only the template is left");
    Ok(())
}

#[tokio::test]
async fn a_handle_may_outlive_its_server_or_keep_it() -> TestResult {
    async fn one_of<S: Databases>(server: &services::Running<S>) -> longshore::Result<S::Database> {
        S::fresh_database(server).await
    }
    let server = services::postgres().start().await?;
    let (lone, removed) = (one_of(&server).await?, server.fresh_database().await?);
    server.remove().await?;
    drop(lone);
    removed.remove().await?;

    let server = services::postgres().template(Template::sql(NOTES)).start().await?;
    let id = server.id().to_owned();
    let db = server.fresh_database().await?.with_server(server);
    assert_eq!(db.server().map(|server| server.id().to_owned()), Some(id.clone()));
    assert_eq!(notes(&db.url()).await?, "from the template");
    drop(db);
    assert!(!super::support::exists(&id));
    Ok(())
}

#[tokio::test]
async fn it_is_found_again_after_a_restart() -> TestResult {
    let server = services::postgres().durable().template(Template::sql(NOTES)).start().await?;
    let db = server.fresh_database().await?;
    server.restart().await?;
    // Waits until the server is there again, which the restart does not.
    assert_eq!(notes(&server.fresh_database().await?.url()).await?, "from the template");
    assert_eq!(notes(&db.url()).await?, "from the template");
    drop(db);
    assert_eq!(fresh_ones(&server).await?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn other_containers_reach_it() -> TestResult {
    let network = Network::create().await?;
    let server = services::postgres()
        .template(Template::sql(NOTES))
        .with(|request| request.network(&network).network_alias("db"))
        .start()
        .await?;
    let db = server.fresh_database().await?;
    let client = longshore::ContainerRequest::new("postgres:15")
        .network(&network)
        .cmd(["sleep", "600"])
        .start()
        .await?;
    let output = client
        .exec(["psql", "-Atc", "SELECT note FROM notes", &db.url_within("db")])
        .await?
        .ok()?;
    assert_eq!(output.stdout_str()?, "from the template\n");
    Ok(())
}

#[tokio::test]
async fn its_server_has_connections_left_for_others() -> TestResult {
    let server = services::postgres().setting("max_connections", "8").start().await?;
    let asked = (0..16).map(|_| server.fresh_database());
    let all = futures::future::try_join_all(asked).await?;
    assert_eq!(fresh_ones(&server).await?.len(), all.len());
    // The last ones are closed when nobody asks any more.
    drop(all);
    let runtime = tokio::runtime::Handle::current();
    let url = server.url();
    let ours = move || {
        let query = async {
            let client = connect(&url).await.ok()?;
            text(
                &client,
                "SELECT count(*)::text FROM pg_stat_activity WHERE application_name = 'longshore'",
            )
            .await
            .ok()
        };
        runtime.block_on(query).is_some_and(|count| count == "0")
    };
    tokio::task::spawn_blocking(move || eventually("the end of its connections", ours)).await?;
    Ok(())
}

/// A test's report shows the last lines of its server.
#[tokio::test]
async fn what_is_asked_for_it_is_no_line_of_the_servers_log() -> TestResult {
    let server = services::postgres()
        .template(Template::sql("CREATE TABLE notes (note text)"))
        .start()
        .await?;
    let before = server.logs().await?;
    server.fresh_database().await?.remove().await?;
    let logs = server.logs().await?;
    let more = logs.strip_prefix(&before).expect("a log only grows");
    for noise in ["ERROR:", "STATEMENT:", "checkpoint"] {
        assert!(!more.contains(noise), "{noise}: {more}");
    }
    Ok(())
}
