//! `#[with_container]`: what a test is given, and that it is gone after the test, whatever became of that.

use std::error::Error;

use longshore::{blocking, with_container, Container, ContainerRequest};

use crate::support::{exists, TestResult, BUSYBOX};

fn sleeper() -> ContainerRequest {
    ContainerRequest::new(BUSYBOX).cmd(["sleep", "600"])
}

#[with_container("busybox:1.35", cmd = ["sleep", "600"], env("A" = "b"))]
#[test]
fn a_sync_test_is_given_a_container_by_value(container: blocking::Container) -> TestResult {
    let output = container.exec(["sh", "-c", "echo $A"])?;
    assert_eq!(output.stdout_str()?, "b\n");
    Ok(())
}

#[with_container("busybox:1.35", cmd = ["sleep", "600"])]
#[test]
fn a_sync_test_is_given_a_reference(container: &blocking::Container) {
    assert!(exists(container.id()));
}

#[with_container("busybox:1.35", cmd("sleep", "600"), env("A", "b"))]
#[tokio::test]
async fn an_async_test_is_given_a_container_by_value(container: Container) -> TestResult {
    let output = container.exec(["sh", "-c", "echo $A"]).await?;
    assert_eq!(output.stdout_str()?, "b\n");
    Ok(())
}

#[with_container(run = "docker run -e A=b busybox:1.35 sleep 600")]
#[with_container(sleeper(), env("B" = "c"), name = "second")]
#[with_container(&sleeper(), env("C" = "d"))]
#[tokio::test(flavor = "multi_thread")]
async fn several_are_bound_in_order_or_by_name(
    second: &Container,
    first: &Container,
    third: Container,
) -> Result<(), Box<dyn Error>> {
    for (container, variable) in [(first, "A"), (second, "B"), (&third, "C")] {
        let output = container.exec(["printenv", variable]).await?.ok()?;
        assert_eq!(output.stdout_str()?.len(), 2);
    }
    Ok(())
}

#[with_container("busybox:1.35", cmd = ["sleep", "600"])]
async fn without_a_test_attribute_it_is_a_test_with_a_runtime(container: &Container) -> TestResult {
    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    container.inspect().await?;
    Ok(())
}
