//! The ready-made PostgreSQL: asked by a real client at the very moment when it is said to be ready.

use longshore::services::{self, PostgresContainer};
use longshore::{ContainerRequest, Network, Volume};
use tokio_postgres::{Client, NoTls};

use super::client::free_ports;
use super::support::{exists, unique, TestResult};

/// One try, without patience: what is ready answers.
async fn connect(url: &str) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn text(client: &Client, query: &str) -> Result<String, tokio_postgres::Error> {
    Ok(client.query_one(query, &[]).await?.get(0))
}

#[tokio::test]
async fn it_is_reached_by_its_url_as_who_was_asked_for() -> TestResult {
    let db =
        services::postgres().user("me@home").password("p/w d").database("my app").start().await?;
    assert_eq!(db.url(), format!("postgres://me%40home:p%2Fw%20d@{}/my%20app", db.address(5432)?));
    let client = connect(&db.url()).await?;
    let who = text(&client, "SELECT current_user || '|' || current_database()").await?;
    assert_eq!(who, "me@home|my app");
    assert_eq!((db.user(), db.password(), db.database()), ("me@home", "p/w d", "my app"));
    assert_eq!(format!("{}:{}", db.host(), db.port()), db.address(5432)?.as_str());
    let wrong = db.url().replace("p%2Fw%20d", "wrong");
    assert!(connect(&wrong).await.is_err(), "the password counts");
    let id = db.id().to_owned();
    db.remove().await?;
    assert!(!exists(&id));
    Ok(())
}

#[tokio::test]
async fn the_server_of_a_long_initialisation_is_not_taken_for_it() -> TestResult {
    let file = std::env::temp_dir().join(unique("late") + ".sql");
    std::fs::write(&file, "INSERT INTO notes VALUES ('from a file')")?;
    #[cfg(unix)]
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    // Names have an order of their own, which must not count.
    let db = services::postgres()
        .database("app")
        .init_sql("CREATE TABLE notes (note text)")
        .init_sql("SELECT pg_sleep(2)")
        .init_file(&file)
        .start()
        .await?;
    std::fs::remove_file(&file)?;
    let client = connect(&db.url()).await?;
    assert_eq!(text(&client, "SELECT note FROM notes").await?, "from a file");
    Ok(())
}

#[tokio::test]
async fn nor_is_one_that_listens_on_loopback_meanwhile() -> TestResult {
    // As the images of before 2018 did.
    let script = "export PGDATA=/tmp/data; initdb -N -A trust >/dev/null; echo host all all all trust >>$PGDATA/pg_hba.conf; \
                  pg_ctl -w -o '-c listen_addresses=127.0.0.1' start; sleep 2; pg_ctl -w stop; \
                  touch /tmp/begun; exec postgres -c 'listen_addresses=*'";
    let db = services::postgres()
        .with(|request| request.user("postgres").entrypoint(["bash", "-c", script]).cmd(["-"]))
        .start()
        .await?;
    assert_eq!(db.exec(["test", "-f", "/tmp/begun"]).await?.code(), 0);
    connect(&db.url()).await?;
    Ok(())
}

#[tokio::test]
async fn a_data_folder_that_exists_is_served_as_it_is() -> TestResult {
    let volume = Volume::create().await?;
    let service = services::postgres()
        .init_sql("CREATE TABLE notes (note text); INSERT INTO notes VALUES ('kept')")
        .with(|request| request.volume(volume.at("/var/lib/postgresql/data")));
    let first = service.start().await?;
    assert_eq!(text(&connect(&first.url()).await?, "SELECT note FROM notes").await?, "kept");
    first.stop().await?;
    first.remove().await?;

    let second = service.start().await?;
    assert_eq!(text(&connect(&second.url()).await?, "SELECT note FROM notes").await?, "kept");
    // Killed, so that it has to recover before it takes clients.
    second.kill("SIGKILL").await?;
    second.wait().await?;
    second.remove().await?;
    let third = service.start().await?;
    assert_eq!(text(&connect(&third.url()).await?, "SELECT note FROM notes").await?, "kept");
    Ok(())
}

#[tokio::test]
async fn it_is_tuned_for_tests_unless_told_otherwise() -> TestResult {
    let tuned = services::postgres().setting("max_connections", "37");
    let durable = services::postgres().durable();
    let (tuned, durable) = futures::try_join!(tuned.start(), durable.start())?;
    for (db, expected) in [(&tuned, "off"), (&durable, "on")] {
        let client = connect(&db.url()).await?;
        for name in ["fsync", "synchronous_commit", "full_page_writes"] {
            assert_eq!(text(&client, &format!("SHOW {name}")).await?, expected, "{name}");
        }
    }
    let client = connect(&tuned.url()).await?;
    assert_eq!(text(&client, "SHOW max_connections").await?, "37");
    Ok(())
}

#[test]
fn it_is_used_without_async() -> TestResult {
    let db: PostgresContainer = services::postgres().database("app").start_blocking()?;
    let output =
        db.blocking().exec(["psql", "-U", db.user(), "-Atc", "SELECT 7", db.database()])?;
    assert_eq!(output.ok()?.stdout_str()?, "7\n");
    let id = db.id().to_owned();
    db.into_blocking().remove()?;
    assert!(!exists(&id));
    Ok(())
}

#[tokio::test]
async fn all_who_ask_for_the_same_share_it() -> TestResult {
    let service = services::postgres().database(unique("shared"));
    let (one, other) = futures::try_join!(service.start_shared(), service.clone().start_shared())?;
    assert_eq!((one.id(), one.url(), one.is_shared()), (other.id(), other.url(), true));
    let id = one.id().to_owned();
    drop((one, other));
    let client = connect(&service.start_shared().await?.url()).await?;
    assert_eq!(text(&client, "SELECT 'there'").await?, "there");
    let more = service.memory("512m").start_shared().await?;
    assert_ne!(more.id(), id, "another request is another one");
    Ok(())
}

#[tokio::test]
async fn other_containers_reach_it_by_its_alias() -> TestResult {
    let network = Network::create().await?;
    let in_network = |service: services::Postgres| {
        service.with(|request| request.network(&network).network_alias("db"))
    };
    let db = in_network(services::postgres()).start().await?;
    let url = db.url_within("db");
    assert_eq!(url, "postgres://postgres:postgres@db:5432/postgres");
    let client = ContainerRequest::new("postgres:15")
        .network(&network)
        .cmd(["sleep", "600"])
        .start()
        .await?;
    let output = client.exec(["psql", "-Atc", "SELECT 7", &url]).await?.ok()?;
    assert_eq!(output.stdout_str()?, "7\n");
    Ok(())
}

#[tokio::test]
async fn its_url_follows_it_through_a_restart_and_keeps_a_port_of_ones_own() -> TestResult {
    let db = services::postgres().start().await?;
    db.restart().await?;
    assert!(db.url().contains(&format!("@{}/", db.address(5432)?)), "{}", db.url());

    let port = free_ports(1);
    let fixed = services::postgres().with(|request| request.publish(format!("{port}:5432")));
    let fixed = fixed.start().await?;
    assert_eq!((fixed.port(), fixed.ports().len()), (port, 1));
    connect(&fixed.url()).await?;
    Ok(())
}

#[tokio::test]
async fn a_script_that_fails_is_told_with_its_message() -> TestResult {
    let error = services::postgres().init_sql("SELECT nonsense").start().await.unwrap_err();
    assert!(error.is_exited(), "{error}");
    assert!(error.to_string().contains("column \"nonsense\" does not exist"), "{error}");
    Ok(())
}
