//! The ready-made MariaDB, memcached and etcd by their clients for Rust, which reach them at the very moment when they are said to be
//! ready.

use base64::prelude::{Engine as _, BASE64_STANDARD as STANDARD};
use longshore::services::{self, EtcdContainer};
use longshore::Volume;
use mysql::prelude::Queryable;
use serde_json::{json, Value};

use super::client::fetch;
use super::support::TestResult;

#[tokio::test]
async fn mariadb_is_reached_by_its_url() -> TestResult {
    let service = services::mariadb()
        .user("me")
        .password("p@ss'word")
        .database("my_app")
        .init_sql("CREATE TABLE notes (note text)")
        .init_sql("SELECT SLEEP(1)")
        .init_sql("INSERT INTO notes VALUES ('from a script')")
        .setting("max_connections", "37");
    let db = service.start().await?;
    assert_eq!(db.url(), format!("mysql://me:p%40ss%27word@{}/my_app", db.address(3306)?));
    let mut client = mysql::Conn::new(mysql::Opts::from_url(&db.url())?)?;
    let note: Option<String> = client.query_first("SELECT note FROM notes")?;
    assert_eq!(note.as_deref(), Some("from a script"));
    let set = "SELECT @@max_connections, @@innodb_flush_log_at_trx_commit, @@sync_binlog";
    assert_eq!(client.query_first(set)?, Some((37, 0, 0)));
    assert_eq!((db.user(), db.password(), db.database()), ("me", "p@ss'word", "my_app"));

    let root = db.url().replace("me:", "root:");
    let mut client = mysql::Conn::new(mysql::Opts::from_url(&root)?)?;
    let schemas: Vec<String> = client.query("SHOW DATABASES LIKE 'mysql'")?;
    assert_eq!(schemas, ["mysql"], "root has the same password");
    Ok(())
}

#[tokio::test]
async fn mariadb_serves_a_data_folder_that_exists() -> TestResult {
    let volume = Volume::create().await?;
    let service = services::mariadb()
        .user("root")
        .durable()
        .init_sql("CREATE TABLE notes (note text); INSERT INTO notes VALUES ('kept')")
        .with(|request| request.volume(volume.at("/var/lib/mysql")));
    for _ in 0..2 {
        let db = service.start().await?;
        let mut client = mysql::Conn::new(mysql::Opts::from_url(&db.url())?)?;
        let note: Option<String> = client.query_first("SELECT note FROM notes")?;
        assert_eq!(note.as_deref(), Some("kept"));
        let flushes: Option<u8> = client.query_first("SELECT @@innodb_flush_log_at_trx_commit")?;
        assert_eq!(flushes, Some(1));
        db.kill("SIGKILL").await?;
        db.wait().await?;
        db.remove().await?;
    }
    Ok(())
}

#[tokio::test]
async fn memcached_keeps_what_it_is_given() -> TestResult {
    let cache = services::memcached().option("--max-item-size", "2m").start().await?;
    assert_eq!(cache.url(), format!("memcache://{}", cache.address(11211)?));
    let client = memcache::connect(cache.url())?;
    client.set("key", "value", 0)?;
    assert_eq!(client.get::<String>("key")?.as_deref(), Some("value"));
    // Larger than it takes unless told otherwise.
    let large = "x".repeat(1_500_000);
    client.set("large", &*large, 0)?;
    assert_eq!(client.get::<String>("large")?, Some(large));
    let small = services::memcached().start_blocking()?;
    let refused = memcache::connect(small.url())?.set("large", &*"x".repeat(1_500_000), 0);
    assert!(refused.is_err(), "a megabyte is its own limit");
    Ok(())
}

/// A call of etcd's JSON gateway, in which keys and values are base64.
async fn etcd(etcd: &EtcdContainer, call: &str, about: Value) -> TestResult<Value> {
    let url = format!("{}/v3/kv/{call}", etcd.url());
    let (status, answer) = fetch("POST", &url, about.to_string()).await?;
    assert_eq!(status, 200, "{answer}");
    Ok(serde_json::from_str(&answer)?)
}

#[tokio::test]
async fn etcd_keeps_what_it_is_given() -> TestResult {
    let volume = Volume::create().await?;
    let service = services::etcd()
        .option("max-request-bytes", "1000")
        .with(|request| request.volume(volume.at("/data")));
    let (key, value) = (STANDARD.encode("key"), STANDARD.encode("value"));
    for is_again in [false, true] {
        // What is kept after a kill has to be on the disk.
        let durable = service.clone().durable().option("data-dir", "/data").start().await?;
        assert_eq!(durable.url(), format!("http://{}", durable.address(2379)?));
        if !is_again {
            etcd(&durable, "put", json!({ "key": key, "value": value })).await?;
        }
        let found = etcd(&durable, "range", json!({ "key": key })).await?;
        assert_eq!(found["kvs"][0]["value"], value, "{found}");
        durable.kill("SIGKILL").await?;
        durable.wait().await?;
        durable.remove().await?;
    }

    let plain = services::etcd().start().await?;
    let found = etcd(&plain, "range", json!({ "key": key })).await?;
    assert_eq!(found["kvs"], Value::Null, "it is another one");
    etcd(&plain, "put", json!({ "key": key, "value": STANDARD.encode("x".repeat(2000)) })).await?;
    let limited = service.start().await?;
    let large = json!({ "key": key, "value": STANDARD.encode("x".repeat(2000)) });
    let put = format!("{}/v3/kv/put", limited.url());
    let (status, answer) = fetch("POST", &put, large.to_string()).await?;
    assert!(status == 400 && answer.contains("request is too large"), "{status}: {answer}");
    Ok(())
}
