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
//! | service | image | port | ready when | run by our tests |
//! |---|---|---|---|---|
//! | [`postgres`] | `postgres:15` | 5432 | the port is listened on from outside, then `pg_isready` over TCP | yes |
//! | [`redis`] | `redis:7.0` | 6379 | its log says so, or `redis-cli ping` gets a `PONG` | yes |
//! | [`nginx`] | `nginx:1.22` | 80 | the port is listened on | yes |
//! | [`registry`] | `registry:2` | 5000 | `/v2/` answers | yes |
//!
//! The default tags of those that our tests run are the versions that they run. Name the tag that you use in production: the waits
//! are meant for old and new versions, for an empty data folder and for one that exists. User names and passwords are fixed words
//! that are told where the service is; they guard nothing.
//!
//! One of your own is a [`Service`] too, in thirty lines.
//!
//! A service is data that becomes a request; nothing in here talks to an engine or knows how a container is made.

mod common;
mod nginx;
mod postgres;
mod redis;
mod registry;
mod running;
mod service;

pub use nginx::{nginx, Nginx, NginxContainer};
pub use postgres::{postgres, Postgres, PostgresContainer};
pub use redis::{redis, Redis, RedisContainer};
pub use registry::{registry, Registry, RegistryContainer};
pub use running::Running;
pub use service::Service;
