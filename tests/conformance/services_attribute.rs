//! `#[with_container]` of a service: a test is given the service's own handle, however it is written, or the container alone.

#![allow(unnameable_test_items, reason = "they are called by hand")]

use std::panic::catch_unwind;
use std::sync::Mutex;
use std::time::Duration;

use longshore::services::{self, PostgresContainer, RedisContainer, Running, Service};
#[cfg(feature = "postgres")]
use longshore::services::{Postgres, PostgresDatabase};
use longshore::wait::Target;
use longshore::{blocking, with_container, Container, ContainerRequest, Hooks, Wait};
use tokio_postgres::NoTls;

use super::attribute::text;
use super::support::{exists, labelled, TestResult, BUSYBOX};

async fn database(url: &str) -> Result<String, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let connection = tokio::spawn(connection);
    let name = client.query_one("SELECT current_database()", &[]).await?.get(0);
    connection.abort();
    Ok(name)
}

fn ping(redis: &RedisContainer) -> redis::RedisResult<String> {
    redis::cmd("PING").query(&mut redis::Client::open(redis.url())?.get_connection()?)
}

#[with_container(services::postgres().database("app"))]
#[tokio::test]
async fn an_async_test_is_given_its_handle(db: PostgresContainer) -> TestResult {
    assert_eq!(database(&db.url()).await?, "app");
    assert_eq!(db.database(), "app");
    Ok(())
}

#[with_container(services::redis(), env("A" = "b"), publish = "6380", label("c" = "d"))]
#[test]
fn a_sync_test_is_given_a_reference_and_its_options_count(redis: &RedisContainer) -> TestResult {
    assert_eq!(ping(redis)?, "PONG");
    let said = redis.blocking().exec(["sh", "-c", "echo $A"])?;
    assert_eq!(said.stdout_str()?, "b\n");
    assert!(redis.address(6380).is_ok() && redis.address(6379).is_ok());
    Ok(())
}

#[with_container(services::redis(), publish = "127.0.0.1:0:6379")]
#[test]
fn an_option_takes_the_place_of_what_the_service_says(redis: &mut RedisContainer) -> TestResult {
    assert_eq!(ping(redis)?, "PONG");
    let inspect = redis.blocking().inspect()?;
    let bindings = &inspect.raw()["HostConfig"]["PortBindings"]["6379/tcp"];
    assert_eq!(bindings.as_array().map(Vec::len), Some(1), "{bindings}");
    Ok(())
}

#[with_container(services::redis(), name = "mutable")]
#[with_container(services::redis(), name = "owned")]
#[with_container(services::redis(), name = "lent")]
#[with_container(services::redis(), name = "plain")]
#[test]
fn its_container_alone_is_given_too(
    owned: blocking::Container,
    lent: &blocking::Container,
    mutable: &mut Container,
    plain: Container,
) {
    let names = [owned.name(), lent.name(), mutable.name(), plain.name()];
    assert!(names.iter().all(|name| exists(name)), "{names:?}");
}

#[with_container(services::postgres())]
#[with_container(services::redis().tag("7.0"))]
#[with_container("busybox:1.35", cmd = ["sleep", "600"])]
async fn several_sorts_are_given_side_by_side(
    db: PostgresContainer,
    redis: &RedisContainer,
    plain: &Container,
) -> TestResult {
    assert_eq!(database(&db.url()).await?, "postgres");
    assert_eq!(ping(redis)?, "PONG");
    assert!(plain.exec(["true"]).await?.success());
    Ok(())
}

/// What the rest of its parameters are is for another macro to say.
#[with_container(services::postgres().database(name))]
#[with_container(services::redis())]
#[rstest::rstest]
#[case("app")]
#[case("other")]
#[tokio::test]
async fn with_cases_of_rstest(
    #[case] name: &str,
    db: PostgresContainer,
    redis: &Running<services::Redis>,
) -> TestResult {
    assert_eq!(database(&db.url()).await?, name);
    assert_eq!(ping(redis)?, "PONG");
    Ok(())
}

#[test]
fn a_shared_one_is_the_same_in_each_test_and_for_who_starts_it_by_hand() -> TestResult {
    static NAMES: Mutex<Vec<String>> = Mutex::new(Vec::new());

    fn one() -> services::Redis {
        services::redis().with(|request| request.env("FOR", "services_attribute"))
    }

    #[with_container(one(), shared)]
    #[test]
    fn by_attribute(redis: &RedisContainer) {
        assert!(redis.is_shared());
        NAMES.lock().unwrap().push(redis.name().to_owned());
    }

    by_attribute();
    by_attribute();
    NAMES.lock()?.push(one().start_shared_blocking()?.name().to_owned());
    let names = NAMES.lock()?;
    assert_eq!(names.len(), 3);
    assert!(names.iter().all(|name| *name == names[0]), "{names:?}");
    Ok(())
}

/// A service of a user's, whose port may be left unpublished, and which waits for something of its own.
#[derive(Clone)]
struct Greeter {
    is_published: bool,
    wait: Option<&'static str>,
}

impl Service for Greeter {
    fn request(&self) -> ContainerRequest {
        let request = ContainerRequest::new(BUSYBOX).cmd([
            "sh",
            "-c",
            "mkdir /www; echo hello >/www/index.html; exec httpd -f -h /www",
        ]);
        match self.is_published {
            true => request.publish(80).wait(Wait::http("/")),
            false => request,
        }
    }

    fn port(&self) -> u16 {
        80
    }

    fn url(&self, address: &str) -> String {
        format!("http://{address}/")
    }

    fn hooks(&self) -> Hooks {
        match self.wait {
            None => Hooks::new(),
            Some(file) => Hooks::new().wait(move |target: Target| async move {
                // Wants a runtime of tokio's.
                tokio::time::sleep(Duration::from_millis(1)).await;
                target.exec(["touch", file]).await?;
                Ok(())
            }),
        }
    }
}

#[with_container(Greeter { is_published: true, wait: Some("/made") })]
#[test]
fn what_a_service_does_at_its_start_is_done_in_a_test_without_async(greeter: Running<Greeter>) {
    assert!(greeter.blocking().exec(["test", "-e", "/made"]).unwrap().success());
}

#[with_container(Greeter { is_published: true, wait: Some("/made") })]
#[tokio::test]
async fn and_in_an_async_one(greeter: &Running<Greeter>) {
    assert!(greeter.exec(["test", "-e", "/made"]).await.unwrap().success());
}

#[test]
fn one_that_cannot_be_reached_is_told_before_the_body_and_is_gone() {
    #[with_container(Greeter { is_published: false, wait: None }, label("for" = "unreached"))]
    #[test]
    fn reached(_greeter: &Running<Greeter>) {
        panic!("the body was run");
    }

    let text = text(catch_unwind(reached).expect_err("it cannot be reached"));
    assert!(text.starts_with("port `80/tcp` of the container is not published\n"), "{text}");
    assert!(text.contains("for the parameter: `_greeter`"), "{text}");
    assert!(text.contains("services_attribute.rs:"), "{text}");
    assert!(!text.contains("the body was run"), "{text}");
    assert_eq!(labelled("for=unreached"), Vec::<String>::new());
}

#[cfg(feature = "postgres")]
mod with_fresh_databases {
    use std::sync::LazyLock;

    use tokio::sync::Barrier;

    use super::*;

    /// Several servers would be another test's.
    fn server() -> Postgres {
        services::postgres()
            .with(|request| request.label("for", "services_attribute"))
            .template(services::Template::sql("CREATE TABLE notes (note text)"))
    }

    static NAMES: Mutex<Vec<String>> = Mutex::new(Vec::new());

    /// Writes a row, which must be the only one.
    async fn use_it(url: &str) -> Result<i64, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        client.execute("INSERT INTO notes VALUES ('mine')", &[]).await?;
        Ok(client.query_one("SELECT count(*) FROM notes", &[]).await?.get(0))
    }

    #[with_container(server(), shared, fresh_database)]
    #[tokio::test]
    async fn an_async_test_has_one(db: PostgresDatabase) -> TestResult {
        assert_eq!(use_it(&db.url()).await?, 1);
        Ok(())
    }

    #[with_container(server(), shared, fresh_database)]
    #[tokio::test]
    async fn by_reference(db: &PostgresDatabase) -> TestResult {
        assert_eq!(use_it(&db.url()).await?, 1);
        Ok(())
    }

    #[with_container(server(), shared, fresh_database, label("a" = "b"))]
    #[with_container(server(), fresh_database, name = "other")]
    async fn two_of_them(other: PostgresDatabase, db: &mut PostgresDatabase) -> TestResult {
        assert_ne!(other.port(), db.port(), "they are on two servers");
        assert_eq!(use_it(&db.url()).await?, 1);
        assert_eq!(use_it(&other.url()).await?, 1);
        Ok(())
    }

    /// Done when the other one is being made too.
    fn meeting(key: &str) -> services::Template {
        static BOTH: LazyLock<Barrier> = LazyLock::new(|| Barrier::new(2));
        services::Template::keyed(key, |_| async {
            tokio::time::timeout(Duration::from_secs(30), BOTH.wait()).await.map(drop)
        })
    }

    #[with_container(services::postgres().template(meeting("one")), fresh_database)]
    #[with_container(services::postgres().template(meeting("other")), fresh_database)]
    #[tokio::test]
    async fn they_are_made_side_by_side(one: PostgresDatabase, other: PostgresDatabase) {
        assert_ne!(one.port(), other.port());
    }

    #[test]
    fn each_test_has_its_own_which_goes_with_it() -> TestResult {
        #[with_container(server(), shared, fresh_database)]
        #[test]
        fn note(db: &PostgresDatabase) {
            NAMES.lock().unwrap().push(db.name().to_owned());
        }

        note();
        note();
        let names = NAMES.lock()?.clone();
        assert!(names.len() == 2 && names[0] != names[1], "{names:?}");
        let server = server().start_shared_blocking()?;
        let runtime = tokio::runtime::Runtime::new()?;
        for name in names {
            let url = format!("postgres://postgres:postgres@{}/{name}", server.address(5432)?);
            let error = runtime.block_on(database(&url)).expect_err("it is dropped");
            assert_eq!(error.code().map(|code| code.code()), Some("3D000"), "{error:?} at {url}");
        }
        Ok(())
    }

    #[with_container(server(), shared, fresh_database)]
    #[rstest::rstest]
    #[case(1)]
    #[case(2)]
    #[tokio::test]
    async fn with_cases_of_rstest(#[case] _number: u32, db: PostgresDatabase) -> TestResult {
        assert_eq!(use_it(&db.url()).await?, 1);
        Ok(())
    }

    #[test]
    fn a_template_that_fails_fails_the_test_with_what_the_server_says() {
        #[with_container(server().template(services::Template::sql("SELECT nonsense")), shared, fresh_database)]
        #[test]
        fn migrated(_db: &PostgresDatabase) {
            panic!("the body was run");
        }

        let text = text(catch_unwind(migrated).expect_err("there is no such column"));
        assert!(text.contains("column \"nonsense\" does not exist"), "{text}");
        assert!(text.contains("for the parameter: `_db`"), "{text}");
    }

    #[test]
    fn a_template_that_is_not_there_is_told_before_anything_is_started() {
        #[with_container("busybox:1.35", cmd = ["sleep", "600"], label("for" = "no template"), name = "_")]
        #[with_container(services::postgres().template("no/such.sql"), label("for" = "no template"), fresh_database)]
        #[test]
        fn migrated(_db: &PostgresDatabase) {
            panic!("the body was run");
        }

        let text = text(catch_unwind(migrated).expect_err("there is no such file"));
        assert!(text.contains("no/such.sql"), "{text}");
        assert!(text.contains("for the parameter: `_db`"), "{text}");
        assert_eq!(labelled("for=no template"), Vec::<String>::new());
    }
}
