//! What every engine has to do with longshore. Runs against the engine that `DOCKER_HOST` names, a real one:
//! `tests/run --engine NAME -- --test conformance`.

#[path = "../support/mod.rs"]
mod support;

mod attach;
#[cfg(feature = "macros")]
mod attribute;
#[cfg(feature = "macros")]
mod attribute_removal;
#[cfg(feature = "macros")]
mod attribute_reports;
mod blocking;
mod calls;
mod client;
mod commit;
mod containers_list;
mod contract;
mod copy;
mod create;
mod engine;
mod errors;
mod exec;
mod export;
mod image;
mod images;
mod images_files;
mod images_list;
mod images_registry;
mod images_remove;
mod inside_container;
mod keep;
mod life;
mod life_more;
mod logs;
mod networks;
mod networks_connect;
mod networks_shared;
mod ports;
mod ports_taken;
mod prune;
mod prune_system;
mod removal;
mod requests;
mod run_lines;
mod run_lines_of_manuals;
mod run_options;
mod services;
mod services_attribute;
mod services_brokers;
#[cfg(feature = "postgres")]
mod services_databases;
#[cfg(all(feature = "postgres", feature = "mariadb"))]
mod services_databases_mariadb;
mod services_more;
mod services_postgres;
mod services_small;
mod services_warm;
mod shared;
mod stats;
mod sweep;
mod volumes;
mod waits;
mod waits_end;
mod waits_http;
#[cfg(feature = "tls")]
mod waits_https;
mod waits_log;
mod waits_own;
mod waits_port;
mod warm;
