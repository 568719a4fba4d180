//! Ready-made services, started warm: each from a snapshot of its first start, asked by clients for what that has made.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use longshore::services::{self, Running, Service};
use longshore::{ContainerRequest, Engine};
use mysql::prelude::Queryable;
use tokio_postgres::NoTls;

use super::client::http_get;
use super::support::{get, is_podman, unique, TestResult};

/// A label of one test's, which its snapshot has as well.
struct Own(String);

impl Own {
    fn new() -> Self {
        Own(unique("warm"))
    }

    fn label(&self) -> impl Fn(ContainerRequest) -> ContainerRequest + '_ {
        |request| request.label("warm-test", &self.0)
    }

    /// Removes its only snapshot.
    async fn remove(self) -> TestResult {
        let images = get("/images/json");
        let images = images.as_array().into_iter().flatten();
        let mut own = images.filter(|image| image["Labels"]["warm-test"] == self.0.as_str());
        let Some(own_one) = own.next() else {
            assert!(is_podman(), "it has a snapshot");
            return Ok(());
        };
        let name = own_one["RepoTags"][0].as_str().expect("a name");
        assert!(own.next().is_none(), "it has one snapshot");
        Engine::connect().await?.images().remove(name).await?;
        Ok(())
    }
}

/// Twice, one after the other: the second one finds the snapshot.
async fn twice<S: Service>(service: &S) -> longshore::Result<[Running<S>; 2]> {
    Ok([service.start().await?, service.start().await?])
}

/// Whether it is made of a snapshot. On Podman those are not that have data on a volume.
fn is_warm<S: Service>(running: &Running<S>) -> bool {
    if is_podman() {
        return true;
    }
    let inspect = get(&format!("/containers/{}/json", running.id()));
    inspect["Config"]["Image"].as_str().is_some_and(|image| image.contains("longshore-snapshot"))
}

/// Sends a text, and reads until what is awaited has come.
fn exchange(address: &str, send: &[u8], awaited: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.write_all(send)?;
    let mut seen = Vec::new();
    let mut buffer = [0; 512];
    while !String::from_utf8_lossy(&seen).contains(awaited) {
        match stream.read(&mut buffer)? {
            0 => break,
            count => seen.extend_from_slice(&buffer[..count]),
        }
    }
    Ok(String::from_utf8_lossy(&seen).into_owned())
}

#[tokio::test]
async fn postgres_has_what_its_scripts_have_made() -> TestResult {
    let own = Own::new();
    let service = services::postgres()
        .database("app")
        .init_sql("CREATE TABLE made AS SELECT gen_random_uuid()::text AS id")
        .with(own.label())
        .warm();
    let both = twice(&service).await?;
    let mut ids: Vec<String> = Vec::new();
    for db in &both {
        assert!(is_warm(db));
        let (client, connection) = tokio_postgres::connect(&db.url(), NoTls).await?;
        tokio::spawn(connection);
        ids.push(client.query_one("SELECT id FROM made", &[]).await?.get(0));
        let log = db.logs().await?;
        assert!(!log.contains("not properly shut down"), "{log}");
        client.execute("INSERT INTO made VALUES ('more')", &[]).await?;
    }
    assert_eq!(ids[0], ids[1]);
    drop(both);
    own.remove().await
}

#[tokio::test]
async fn mariadb_has_what_its_scripts_have_made() -> TestResult {
    let own = Own::new();
    let service = services::mariadb()
        .init_sql("CREATE TABLE made (id text); INSERT INTO made SELECT uuid()")
        .with(own.label())
        .warm();
    let both = twice(&service).await?;
    let mut ids = Vec::new();
    for db in &both {
        assert!(is_warm(db));
        let mut client = mysql::Conn::new(mysql::Opts::from_url(&db.url())?)?;
        ids.push(client.query_first::<String, _>("SELECT id FROM made")?.expect("a row"));
        client.query_drop("INSERT INTO made VALUES ('more')")?;
        let log = db.logs().await?;
        assert!(!log.contains("crash recovery"), "{log}");
    }
    assert!(ids[0] == ids[1] || is_podman(), "{ids:?}");
    drop(both);
    own.remove().await
}

#[tokio::test]
async fn rabbitmq_is_the_same_node() -> TestResult {
    let own = Own::new();
    let service = services::rabbitmq().vhost("orders").with(own.label()).warm();
    let both = twice(&service).await?;
    for broker in &both {
        assert!(is_warm(broker));
        let answer = exchange(
            &format!("{}:{}", broker.host(), broker.port()),
            b"AMQP\0\0\x09\x01",
            "RabbitMQ",
        )?;
        assert!(answer.contains("RabbitMQ"));
        let log = broker.logs().await?;
        // What an empty folder says.
        let was_empty = log.contains("Node database directory at") && log.contains("is empty");
        assert!(!was_empty || is_podman(), "{log}");
        let nodes = broker.exec(["ls", "/var/lib/rabbitmq/mnesia"]).await?.ok()?;
        assert!(nodes.stdout_str()?.contains("rabbit@rabbitmq"), "{}", nodes.stdout_str()?);
    }
    drop(both);
    own.remove().await
}

#[tokio::test]
async fn redis_and_memcached_answer() -> TestResult {
    let own = Own::new();
    let both =
        twice(&services::redis().setting("appendonly", "yes").with(own.label()).warm()).await?;
    for db in &both {
        assert!(is_warm(db));
        let mut client = redis::Client::open(db.url())?.get_connection()?;
        redis::cmd("SET").arg("key").arg("value").exec(&mut client)?;
    }
    drop(both);
    own.remove().await?;

    let own = Own::new();
    let both = twice(&services::memcached().with(own.label()).warm()).await?;
    for cache in &both {
        assert!(is_warm(cache));
        let address = format!("{}:{}", cache.host(), cache.port());
        assert!(exchange(&address, b"version\r\n", "\r\n")?.starts_with("VERSION "));
    }
    drop(both);
    own.remove().await
}

#[tokio::test]
async fn mosquitto_and_nats_answer() -> TestResult {
    let own = Own::new();
    let both = twice(&services::mosquitto().with(own.label()).warm()).await?;
    for broker in &both {
        assert!(is_warm(broker));
        let mut stream = TcpStream::connect((broker.host(), broker.port()))?;
        stream.write_all(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01a")?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer)?;
        assert_eq!(answer, [0x20, 2, 0, 0]);
    }
    drop(both);
    own.remove().await?;

    let own = Own::new();
    let both = twice(&services::nats().jetstream().with(own.label()).warm()).await?;
    for server in &both {
        assert!(is_warm(server));
        let address = format!("{}:{}", server.host(), server.port());
        let send = b"CONNECT {\"verbose\":false}\r\nPING\r\n";
        assert!(exchange(&address, send, "PONG")?.contains("PONG"));
    }
    drop(both);
    own.remove().await
}

#[tokio::test]
async fn nginx_and_the_registry_answer() -> TestResult {
    let own = Own::new();
    let service = services::nginx().page("tests/data", "/").with(own.label()).warm();
    let both = twice(&service).await?;
    for web in &both {
        assert!(is_warm(web));
        assert_eq!(http_get((web.host(), web.port()), "/index.html")?.0, 200);
    }
    drop(both);
    own.remove().await?;

    let own = Own::new();
    let both = twice(&services::registry().with(own.label()).warm()).await?;
    for registry in &both {
        assert!(is_warm(registry));
        assert_eq!(http_get((registry.host(), registry.port()), "/v2/")?.0, 200);
    }
    drop(both);
    own.remove().await
}
