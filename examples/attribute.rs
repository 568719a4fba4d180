//! Tests that ask for their containers by attribute: alone, several, for a whole module, without async.
//!
//! `cargo test --example attribute`, where Docker or Podman runs.
#![allow(clippy::print_stdout, reason = "an example talks to its reader")]

fn main() {
    println!("these are tests: cargo test --example attribute");
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use longshore::{blocking, with_container, Container, ContainerRequest};

    type TestResult = Result<(), Box<dyn Error>>;

    /// A request of one's own, for several tests.
    fn postgres() -> ContainerRequest {
        ContainerRequest::new("postgres:15").env("POSTGRES_PASSWORD", "secret").publish("5432")
    }

    #[with_container(postgres(), wait = log("database system is ready to accept connections", times = 2))]
    #[with_container("redis:7.0", publish = "6379", name = "cache")]
    #[tokio::test]
    async fn two_start_side_by_side(db: &Container, cache: &Container) -> TestResult {
        let url = format!("postgres://postgres:secret@{}/postgres", db.address(5432)?);
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        let one: i32 = client.query_one("SELECT 1", &[]).await?.get(0);
        assert_eq!(one, 1);

        let answer = cache.exec(["redis-cli", "ping"]).await?.ok()?;
        assert_eq!(answer.stdout_str()?, "PONG\n");
        Ok(())
    }

    // No test attribute: it becomes a test, and needs no runtime of yours.
    #[with_container(run = "docker run --rm -e GREETING=hello busybox:1.35 sleep 600")]
    async fn a_line_from_a_manual(shell: Container) -> TestResult {
        let output = shell.exec(["sh", "-c", "echo $GREETING"]).await?;
        assert_eq!(output.stdout_str()?, "hello\n");
        Ok(())
    }

    // Each test in here has a Redis of its own.
    #[with_container("redis:7.0", publish = "6379")]
    mod counter {
        use super::*;

        fn count(redis: &blocking::Container) -> Result<i64, Box<dyn Error>> {
            let client = redis::Client::open(format!("redis://{}", redis.address(6379)?))?;
            Ok(redis::cmd("INCR").arg("visits").query(&mut client.get_connection()?)?)
        }

        #[test]
        fn begins_with_one(redis: &blocking::Container) -> TestResult {
            assert_eq!(count(redis)?, 1);
            Ok(())
        }

        #[test]
        fn goes_on(redis: &blocking::Container) -> TestResult {
            assert_eq!((count(redis)?, count(redis)?), (1, 2));
            Ok(())
        }
    }
}
