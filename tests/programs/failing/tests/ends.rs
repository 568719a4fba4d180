//! All the ways in which a test ends, each with a container of its own and one that all of them share.

use std::time::Duration;

use longshore::{blocking, with_container, Container, ContainerRequest};

type TestResult = Result<(), Box<dyn std::error::Error>>;

fn own() -> ContainerRequest {
    ContainerRequest::new("busybox:1.35").cmd(["sleep", "600"])
}

fn common() -> ContainerRequest {
    own().env("FOR", "all")
}

#[with_container(own())]
#[with_container(common(), shared)]
mod a_test_that {
    use super::*;

    #[test]
    fn passes(own: &blocking::Container, common: &blocking::Container) {
        assert_ne!(own.id(), common.id());
        assert!(common.is_shared() && !own.is_shared());
    }

    #[test]
    fn panics(own: &blocking::Container, common: &blocking::Container) {
        assert_eq!(own.id(), common.id(), "a test that panics");
    }

    #[tokio::test]
    async fn panics_in_async(own: Container, common: Container) {
        assert_eq!(own.id(), common.id(), "a test that panics in async");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn panics_in_a_task(own: Container, common: Container) -> TestResult {
        let task = tokio::spawn(async move { panic!("{} and {}", own.name(), common.name()) });
        Ok(task.await?)
    }

    #[test]
    fn returns_an_error(own: &blocking::Container, common: &blocking::Container) -> TestResult {
        own.exec(["true"])?.ok()?;
        common.exec(["false"])?.ok()?;
        Ok(())
    }

    #[tokio::test]
    async fn returns_an_error_in_async(own: &Container, common: &Container) -> TestResult {
        own.exec(["true"]).await?.ok()?;
        common.exec(["false"]).await?.ok()?;
        Ok(())
    }

    #[test]
    fn exits(own: &blocking::Container, common: &blocking::Container) {
        assert_ne!(own.id(), common.id());
        std::process::exit(3);
    }

    #[tokio::test]
    async fn exits_in_async(own: Container, common: Container) {
        assert_ne!(own.id(), common.id());
        std::process::exit(3);
    }

    #[test]
    fn aborts(own: &blocking::Container, common: &blocking::Container) {
        assert_ne!(own.id(), common.id());
        std::process::abort();
    }

    // Only nextest ends these.
    #[test]
    #[ignore = "nobody ends it"]
    fn hangs(own: &blocking::Container, common: &blocking::Container) {
        assert_ne!(own.id(), common.id());
        loop {
            std::thread::sleep(Duration::from_secs(60));
        }
    }

    #[tokio::test]
    #[ignore = "nobody ends it"]
    async fn hangs_in_async(own: Container, common: Container) {
        assert_ne!(own.id(), common.id());
        std::future::pending().await
    }
}
