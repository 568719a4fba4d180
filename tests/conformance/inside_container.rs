//! A test that itself runs in a container, with the engine's socket mounted: CI jobs do.

use std::env;

use longshore::{ContainerRequest, CopyIn, Wait};

use crate::client::{page, web, Mark};
use crate::support::proxy::engine_socket;
use crate::support::TestResult;

#[tokio::test]
async fn a_test_in_a_container_reaches_the_containers_that_it_starts() -> TestResult {
    let mark = Mark::new();
    let this_program = env::current_exe()?;
    let outer = ContainerRequest::new("debian:bookworm-slim")
        .cmd([
            "/the-test",
            "--exact",
            "inside_container::the_inner_test",
            "--ignored",
            "--nocapture",
        ])
        .copy(CopyIn::new(&this_program, "/the-test").mode(0o755))
        .volume(format!("{}:/run/docker.sock", engine_socket().display()))
        .env("MARK", mark.value())
        .wait(Wait::exit())
        .start()
        .await?;
    let output = outer.logs().await?;
    let address = output.lines().find_map(|line| line.strip_prefix("the address is "));
    let address = address.ok_or_else(|| format!("no address in {output}"))?;
    assert!(!address.starts_with("127."), "{address} is the test's own container");
    assert!(output.contains("1 passed"), "{output}");
    assert_eq!(mark.count(), 0, "the inner test left its container");
    outer.remove().await?;
    Ok(())
}

#[tokio::test]
#[ignore = "run in a container by the other test"]
async fn the_inner_test() -> TestResult {
    let mark = env::var("MARK").unwrap_or_default();
    let container = web([80]).publish("80").label("mark", mark).start().await?;
    let address = container.address(80)?;
    #[expect(clippy::print_stdout, reason = "the test outside reads it")]
    {
        println!("\nthe address is {address}");
    }
    assert_eq!(page(&address)?, "I am 80\n");
    container.remove().await?;
    Ok(())
}
