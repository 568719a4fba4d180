//! Async tests in both flavours of tokio, and with no runtime of their own.

mod common;

use common::{ask, ask_async, database, TestResult};
use longshore::{blocking, with_container, Container};
use sharing::{count, largest, sum, table};

#[with_container(database(), shared)]
#[tokio::test]
async fn are_counted(db: &Container) -> TestResult {
    ask_async(db, &table("orders", &[1, 2])).await?;
    assert_eq!(ask_async(db, &count("orders")).await?, "2");
    Ok(())
}

#[with_container(database(), shared)]
#[tokio::test]
async fn are_summed(db: Container) -> TestResult {
    ask_async(&db, &table("orders_sum", &[30, 3])).await?;
    assert_eq!(ask_async(&db, &sum("orders_sum")).await?, "33");
    Ok(())
}

#[with_container(database(), shared)]
#[tokio::test(flavor = "multi_thread")]
async fn the_largest_is_found(db: &Container) -> TestResult {
    ask_async(db, &table("orders_largest", &[3, 1])).await?;
    assert_eq!(ask_async(db, &largest("orders_largest")).await?, "3");
    Ok(())
}

#[with_container(database(), shared)]
#[tokio::test(flavor = "multi_thread")]
async fn are_counted_on_threads(db: Container) -> TestResult {
    ask_async(&db, &table("orders_threads", &[4, 4, 4, 4])).await?;
    assert_eq!(ask_async(&db, &count("orders_threads")).await?, "4");
    Ok(())
}

#[with_container(database(), shared)]
#[tokio::test(flavor = "multi_thread")]
async fn are_in_a_task(db: Container) -> TestResult {
    let task = tokio::spawn(async move { ask_async(&db, &table("orders_task", &[8])).await });
    task.await??;
    Ok(())
}

#[with_container(database(), shared)]
#[tokio::test]
async fn are_asked_at_once(db: &Container) -> TestResult {
    ask_async(db, &table("orders_at_once", &[1, 2, 3, 4])).await?;
    let (statements, most) =
        ((count("orders_at_once"), sum("orders_at_once")), largest("orders_at_once"));
    let answers = tokio::try_join!(
        ask_async(db, &statements.0),
        ask_async(db, &statements.1),
        ask_async(db, &most)
    )?;
    assert_eq!(answers, ("4".to_owned(), "10".to_owned(), "4".to_owned()));
    Ok(())
}

#[with_container(database(), shared)]
async fn need_no_runtime(db: &Container) -> TestResult {
    ask_async(db, &table("orders_alone", &[6, 7])).await?;
    assert_eq!(ask_async(db, &sum("orders_alone")).await?, "13");
    Ok(())
}

#[with_container(database(), shared)]
async fn need_no_runtime_to_be_owned(db: Container) -> TestResult {
    ask_async(&db, &table("orders_owned", &[1])).await?;
    assert_eq!(ask_async(&db, &largest("orders_owned")).await?, "1");
    Ok(())
}

#[with_container(database(), shared)]
#[tokio::test]
async fn are_asked_by_a_thread_that_blocks(db: blocking::Container) -> TestResult {
    let asking = tokio::task::spawn_blocking(move || {
        ask(&db, &table("orders_blocking", &[2, 2]))?;
        ask(&db, &sum("orders_blocking"))
    });
    assert_eq!(asking.await??, "4");
    Ok(())
}

#[with_container(database(), shared)]
#[tokio::test]
async fn come_in_time(db: &Container) -> TestResult {
    let time = std::time::Duration::from_secs(60);
    let answer = tokio::time::timeout(time, ask_async(db, "SELECT 'in time'")).await??;
    assert_eq!(answer, "in time");
    Ok(())
}
