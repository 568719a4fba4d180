//! What tests use containers for: real services, talked to by real clients.

use longshore::blocking::block_on;
use longshore::{ContainerRequest, Wait};
use tokio_postgres::NoTls;

use super::client::http_get;
use super::support::{eventually, TestResult};

async fn postgres(image: &str) -> TestResult {
    let postgres = ContainerRequest::new(image)
        .env("POSTGRES_PASSWORD", "secret")
        .publish("5432")
        .wait(Wait::log("database system is ready to accept connections").times(2))
        .start()
        .await?;
    let address = postgres.address(5432)?;
    let (client, connection) = tokio_postgres::Config::new()
        .host(address.host())
        .port(address.port())
        .user("postgres")
        .password("secret")
        .connect(NoTls)
        .await?;
    let connection = tokio::spawn(connection);
    client
        .batch_execute("create table books (title text); insert into books values ('Dune')")
        .await?;
    let row = client.query_one("select title from books", &[]).await?;
    assert_eq!(row.get::<_, &str>(0), "Dune");
    drop(client);
    connection.await??;
    postgres.remove().await?;
    Ok(())
}

#[tokio::test]
async fn postgres_takes_a_table_and_gives_a_row() -> TestResult {
    postgres("postgres:15").await
}

#[tokio::test]
async fn postgres_of_another_tag_works_too() -> TestResult {
    postgres("postgres:9.6.10-alpine").await
}

#[tokio::test]
async fn redis_counts() -> TestResult {
    let redis = ContainerRequest::new("redis:7.0").publish("6379").start().await?;
    let address = redis.address(6379)?;
    let client = redis::Client::open(format!("redis://{address}"))?;
    let mut connection = client.get_connection()?;
    for expected in 1..=3 {
        let count: i64 = redis::cmd("INCR").arg("visits").query(&mut connection)?;
        assert_eq!(count, expected);
    }
    let answer = redis.exec(["redis-cli", "get", "visits"]).await?.ok()?;
    assert_eq!(answer.stdout_str()?, "3\n");
    Ok(())
}

#[tokio::test]
async fn nginx_serves_what_was_copied_in() -> TestResult {
    let nginx = ContainerRequest::new("nginx:1.22")
        .publish("80")
        .copy_to("tests/data/index.html", "/usr/share/nginx/html/page.html")
        .wait(Wait::http("/page.html").port(80))
        .start()
        .await?;
    let page = std::fs::read_to_string("tests/data/index.html")?;
    assert_eq!(http_get(nginx.address(80)?, "/page.html")?, (200, page));
    assert_eq!(http_get(nginx.address(80)?, "/none")?.0, 404);
    // It notes a request after it has answered.
    let logs = || block_on(nginx.logs()).unwrap_or_default();
    eventually("its line on the page", || logs().contains("GET /page.html"));
    Ok(())
}

#[tokio::test]
async fn two_databases_side_by_side_do_not_meet() -> TestResult {
    let request = ContainerRequest::new("redis:7.0").publish("6379");
    let (first, second) = futures::try_join!(request.start(), request.start())?;
    assert_ne!(first.address(6379)?.port(), second.address(6379)?.port());
    first.exec(["redis-cli", "set", "key", "value"]).await?.ok()?;
    let answer = second.exec(["redis-cli", "exists", "key"]).await?.ok()?;
    assert_eq!(answer.stdout_str()?, "0\n");
    Ok(())
}
