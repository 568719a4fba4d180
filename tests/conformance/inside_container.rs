//! A test that itself runs in a container, with the engine's socket mounted: CI jobs do.

use std::env;

use longshore::{ContainerRequest, CopyIn, LeftReason, Wait};

use crate::client::{page, web, Mark};
use crate::support::proxy::engine_socket;
use crate::support::{get, unique, TestResult};

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
async fn what_a_test_in_a_container_left_goes_when_its_container_is_gone() -> TestResult {
    let mark = Mark::new();
    let session = unique("inside");
    let outer = ContainerRequest::new("debian:bookworm-slim")
        .cmd([
            "/the-test",
            "--exact",
            "inside_container::the_inner_test_that_is_cut_off",
            "--ignored",
            "--nocapture",
        ])
        .copy(CopyIn::new(env::current_exe()?, "/the-test").mode(0o755))
        .volume(format!("{}:/run/docker.sock", engine_socket().display()))
        .env("MARK", mark.value())
        .env("LONGSHORE_SESSION", &session)
        .env("LONGSHORE_REAPER", "off")
        .wait(Wait::log("it runs"))
        .start()
        .await?;
    let report = longshore::sweep().session(&session).run().await?;
    assert_eq!(mark.count(), 1, "its owner lives, for all that is known: {report}");
    assert_eq!(report.left()[0].1, LeftReason::UnknownOwner, "{report}");
    let left = report.left()[0].0.id().to_owned();
    let labels = get(&format!("/containers/{left}/json"))["Config"]["Labels"].clone();
    assert_eq!(labels["org.longshore.container"], outer.id(), "{labels}");
    // Test and all.
    outer.remove().await?;
    let report = longshore::sweep().session(&session).run().await?;
    assert_eq!(mark.count(), 0, "{report}");
    Ok(())
}

#[tokio::test]
#[ignore = "run in a container by the other test"]
async fn the_inner_test_that_is_cut_off() -> TestResult {
    let mark = env::var("MARK").unwrap_or_default();
    let _container = web([80]).label("mark", mark).start().await?;
    #[expect(clippy::print_stdout, reason = "the test outside waits for it")]
    {
        println!("\nit runs");
    }
    std::future::pending().await
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
