//! Services that are ready to use: typed, waited for rightly, each with its URL.
//!
//! ```no_run
//! use longshore::services;
//!
//! # async fn example() -> longshore::Result<()> {
//! let db = services::postgres().database("app").init_file("tests/schema.sql").start().await?;
//! println!("{}", db.url()); // postgres://postgres:postgres@127.0.0.1:32768/app
//! println!("{}", db.logs().await?);
//! # Ok(())
//! # }
//! ```
//!
//! A service is built by its function and its own words. All have `.tag(..)`, `.image(..)`, `.memory(..)`, and
//! [`.with(|request| ..)`](Postgres::with) for everything that a [`ContainerRequest`](crate::ContainerRequest) can; `.start()`,
//! `.start_shared()`, `.start_on(&engine)` and `.start_shared_on(&engine)`, each with `_blocking` behind it as well. What is
//! started is a [`Running`] service: a [`Container`](crate::Container) with a `url()` and typed getters, the same for async and
//! blocking code. Its port is published on loopback at a random host port, as everywhere.
//!
//! ```no_run
//! use longshore::{services, Network};
//!
//! # async fn example() -> longshore::Result<()> {
//! let network = Network::create().await?;
//! let db = services::postgres()
//!     .tag("17-alpine")
//!     .with(|request| request.network(&network).network_alias("db").env("TZ", "Asia/Tokyo"))
//!     .start()
//!     .await?;
//! println!("other containers say {}", db.url_within("db"));
//! # Ok(())
//! # }
//! ```
//!
//! | service | image | port | ready when | run here? |
//! |---|---|---|---|---|
//! | [`postgres`] | `postgres:15` | 5432 | it answers a client from outside | yes |
//! | [`mysql()`] | `mysql:8.4` | 3306 | it greets a client from outside | not run here |
//! | [`mariadb`] | `mariadb:10.11` | 3306 | it greets a client from outside | yes |
//! | [`mongo`] | `mongo:7.0` | 27017 | it answers a client from outside | not run here |
//! | [`clickhouse`] | `clickhouse/clickhouse-server:24.8` | 8123 | `/ping` answers | not run here |
//! | [`redis`] | `redis:7.0` | 6379 | it answers a `PING`, which it does when it has read its data | yes, and `valkey/valkey:8.1` |
//! | [`memcached`] | `memcached:1.6` | 11211 | it tells its version | yes |
//! | [`etcd`] | `quay.io/coreos/etcd:v3.5.16` | 2379 | `/health` is true | yes |
//! | [`rabbitmq`] | `rabbitmq:3.10` | 5672 | it answers the greeting of AMQP | yes |
//! | [`kafka`] | `apache/kafka:3.9.0` | 9092 | its log says so, once it knows its address | not run here |
//! | [`nats`] | `nats:2.9` | 4222 | it sends its `INFO` | yes |
//! | [`mosquitto`] | `eclipse-mosquitto:2` | 1883 | it answers an MQTT `CONNECT` | yes |
//! | [`minio`] | `minio/minio:RELEASE.2024-12-18T13-15-44Z` | 9000 | `/minio/health/ready` answers | not run here |
//! | [`localstack`] | `localstack/localstack:3.8` | 4566 | `/_localstack/health` answers | not run here |
//! | [`nginx`] | `nginx:1.22` | 80 | the port is listened on | yes |
//! | [`registry`] | `registry:2` | 5000 | `/v2/` answers | yes |
//!
//! "Not run here" means: written from the image's documentation, and never started by this crate's own tests.
//!
//! The default tags of those that our tests run are the versions that they run. Name the tag that you use in production: the waits
//! are meant for old and new versions, for an empty data folder and for one that exists. User names and passwords are fixed words
//! that are told where the service is; they guard nothing.
//!
//! # A database for each test
//!
//! A server is shared, a database is a test's own: [`fresh_database`](Running::fresh_database) gives one that the server has copied
//! from a [`Template`], and that is dropped with its handle ([`FreshDatabase`]).
//!
//! ```no_run
//! use longshore::services;
//!
//! # async fn migrate(_url: &str) -> std::io::Result<()> { Ok(()) }
//! # #[cfg(feature = "postgres")]
//! # async fn example() -> longshore::Result<()> {
//! let server = services::postgres()
//!     .template(|url: String| async move { migrate(&url).await })
//!     .start_shared()
//!     .await?;
//! let db = server.fresh_database().await?;
//! println!("{}", db.url()); // postgres://postgres:postgres@127.0.0.1:32768/longshore_k2v9x0q7ba
//! # Ok(())
//! # }
//! ```
//!
//! The template is made once, however many threads and processes ask: who asks meanwhile waits, and if it fails has the same error; who
//! asks later tries again. PostgreSQL has this with the feature `postgres`. The copy takes some milliseconds there: files are copied, and with
//! the settings for tests none is flushed. MariaDB and MySQL have it with the feature `mariadb`; they have no copy of a whole database,
//! so there each table is created anew, and rows are copied by the server. What longshore has on a server for this is called
//! `longshore` (a database, on PostgreSQL a role too) or begins with `longshore_`.
//!
//! One of your own is a [`Service`] too, in thirty lines.
//!
//! A service is data that becomes a request. Nothing in here may know how a container is made, or talk to an engine otherwise than
//! by a hook of its start, as Kafka's does; what runs is asked in `databases` alone.

mod clickhouse;
mod common;
mod databases;
mod etcd;
mod kafka;
mod localstack;
mod mariadb;
mod memcached;
mod minio;
mod mongo;
mod mosquitto;
mod mysql;
mod mysql_methods;
mod nats;
mod nginx;
mod postgres;
mod rabbitmq;
mod redis;
mod registry;
mod running;
mod service;

pub use clickhouse::{clickhouse, Clickhouse, ClickhouseContainer};
pub use databases::{Databases, FreshDatabase, IntoTemplate, Template};
pub use etcd::{etcd, Etcd, EtcdContainer};
pub use kafka::{kafka, Kafka, KafkaContainer};
pub use localstack::{localstack, Localstack, LocalstackContainer};
#[cfg(feature = "mariadb")]
pub use mariadb::MariadbDatabase;
pub use mariadb::{mariadb, Mariadb, MariadbContainer};
pub use memcached::{memcached, Memcached, MemcachedContainer};
pub use minio::{minio, Minio, MinioContainer};
pub use mongo::{mongo, Mongo, MongoContainer};
pub use mosquitto::{mosquitto, Mosquitto, MosquittoContainer};
#[cfg(feature = "mariadb")]
pub use mysql::MysqlDatabase;
pub use mysql::{mysql, Mysql, MysqlContainer};
pub use nats::{nats, Nats, NatsContainer};
pub use nginx::{nginx, Nginx, NginxContainer};
#[cfg(feature = "postgres")]
pub use postgres::PostgresDatabase;
pub use postgres::{postgres, Postgres, PostgresContainer};
pub use rabbitmq::{rabbitmq, Rabbitmq, RabbitmqContainer};
pub use redis::{redis, Redis, RedisContainer};
pub use registry::{registry, Registry, RegistryContainer};
pub use running::Running;
pub use service::Service;
