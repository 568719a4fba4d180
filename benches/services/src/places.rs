//! The ways to a PostgreSQL that are compared. Each gives a URL, and a handle that holds what is behind it.

use std::error::Error;
use std::time::{Duration, Instant};

use longshore::services::{self, PostgresContainer, PostgresDatabase};
use longshore::Engine;
use testcontainers::core::{IntoContainerPort, WaitFor};
use testcontainers::runners::AsyncRunner;
use testcontainers::{ContainerAsync, GenericImage, ImageExt};
use tokio_postgres::NoTls;

pub type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// A way to a PostgreSQL of one's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Cold,
    Warm,
    FreshDatabase,
    Testcontainers,
    TestcontainersModule,
}

pub const ALL: [Way; 5] =
    [Way::Cold, Way::Warm, Way::FreshDatabase, Way::Testcontainers, Way::TestcontainersModule];

/// What is there before anything is measured.
pub struct Places {
    engine: Engine,
    /// What fresh databases are on.
    server: PostgresContainer,
}

impl Places {
    pub async fn make(engine: Engine) -> Result<Self> {
        let server = services::postgres().start_on(&engine).await?;
        Ok(Places { engine, server })
    }
}

#[expect(clippy::large_enum_variant, reason = "there are sixteen at most")]
enum Held {
    Longshore(PostgresContainer),
    Database(PostgresDatabase),
    Testcontainers(ContainerAsync<GenericImage>),
}

/// What is measured with it, to be removed later.
pub struct Got {
    /// How long it took until it was said to be ready.
    pub ready: Duration,
    held: Held,
}

impl Way {
    pub fn name(self) -> &'static str {
        match self {
            Way::Cold => "longshore, cold start",
            Way::Warm => "longshore, warm start",
            Way::FreshDatabase => "longshore, fresh database on a server that is there",
            Way::Testcontainers => "testcontainers, cold start, longshore's settings",
            Way::TestcontainersModule => "testcontainers, cold start, its module's settings",
        }
    }

    pub async fn go(self, places: &Places) -> Result<Got> {
        let begun = Instant::now();
        let (url, held) = match self {
            Way::Cold => {
                let server = services::postgres().start_on(&places.engine).await?;
                (server.url(), Held::Longshore(server))
            }
            Way::Warm => {
                let server = services::postgres().warm().start_on(&places.engine).await?;
                (server.url(), Held::Longshore(server))
            }
            Way::FreshDatabase => {
                let database = places.server.fresh_database().await?;
                (database.url(), Held::Database(database))
            }
            Way::Testcontainers => {
                by_testcontainers(&["fsync", "synchronous_commit", "full_page_writes"]).await?
            }
            Way::TestcontainersModule => by_testcontainers(&["fsync"]).await?,
        };
        let ready = begun.elapsed();
        ask(&url).await?;
        Ok(Got { ready, held })
    }
}

impl Got {
    pub async fn remove(self) -> Result<()> {
        match self.held {
            Held::Longshore(server) => Ok(server.remove().await?),
            Held::Database(database) => Ok(database.remove().await?),
            Held::Testcontainers(server) => Ok(server.rm().await?),
        }
    }
}

/// As `testcontainers-modules` has it: what it sets, and what it waits for.
async fn by_testcontainers(off: &[&str]) -> Result<(String, Held)> {
    let ready = "database system is ready to accept connections";
    let server = GenericImage::new("postgres", "15")
        .with_exposed_port(5432.tcp())
        .with_wait_for(WaitFor::message_on_stderr(ready))
        .with_wait_for(WaitFor::message_on_stdout(ready))
        .with_cmd(off.iter().flat_map(|setting| ["-c".to_owned(), format!("{setting}=off")]))
        .with_env_var("POSTGRES_DB", "postgres")
        .with_env_var("POSTGRES_USER", "postgres")
        .with_env_var("POSTGRES_PASSWORD", "postgres")
        .start()
        .await?;
    let port = server.get_host_port_ipv4(5432).await?;
    let url = format!("postgres://postgres:postgres@127.0.0.1:{port}/postgres");
    Ok((url, Held::Testcontainers(server)))
}

async fn ask(url: &str) -> Result<()> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let connection = tokio::spawn(connection);
    let answer: i32 = client.query_one("SELECT 6 * 7", &[]).await?.get(0);
    assert_eq!(answer, 42);
    drop(client);
    Ok(connection.await??)
}
