//! The same without the attribute: in code, where a test is not the only one to need it.

mod common;

use std::sync::OnceLock;

use common::{ask, ask_async, database, TestResult};
use longshore::{blocking, Container};
use sharing::{count, largest, sum, table};

/// One handle for all tests of this program, which nobody drops.
fn kept() -> &'static blocking::Container {
    static DATABASE: OnceLock<blocking::Container> = OnceLock::new();
    DATABASE.get_or_init(|| database().start_shared_blocking().expect("a database"))
}

async fn started() -> longshore::Result<Container> {
    database().start_shared().await
}

#[test]
fn is_the_same_each_time() -> TestResult {
    let (one, other) = (database().start_shared_blocking()?, database().start_shared_blocking()?);
    assert_eq!(one.id(), other.id());
    Ok(())
}

#[tokio::test]
async fn is_the_same_for_tasks() -> TestResult {
    let (one, other, third) = tokio::try_join!(started(), started(), started())?;
    assert_eq!(one.id(), other.id());
    assert_eq!(one.id(), third.id());
    Ok(())
}

#[test]
fn is_the_same_for_threads() -> TestResult {
    let start = || database().start_shared_blocking().map(|db| db.id().to_owned());
    let ids = std::thread::scope(|scope| {
        let starts = [scope.spawn(start), scope.spawn(start), scope.spawn(start)];
        starts.map(|start| start.join().expect("no panic"))
    });
    for id in ids {
        assert_eq!(id?, kept().id());
    }
    Ok(())
}

#[test]
fn cannot_be_stopped_by_one_of_many() {
    let error = kept().stop().unwrap_err();
    assert!(error.to_string().contains("a shared container cannot be stopped"), "{error}");
}

#[test]
fn are_counted() -> TestResult {
    ask(kept(), &table("visits_are_counted", &[1, 2, 3, 4, 5]))?;
    assert_eq!(ask(kept(), &count("visits_are_counted"))?, "5");
    Ok(())
}

#[test]
fn are_summed() -> TestResult {
    ask(kept(), &table("visits_are_summed", &[50, 5]))?;
    assert_eq!(ask(kept(), &sum("visits_are_summed"))?, "55");
    Ok(())
}

#[test]
fn have_a_largest() -> TestResult {
    ask(kept(), &table("visits_have_a_largest", &[60, 6]))?;
    assert_eq!(ask(kept(), &largest("visits_have_a_largest"))?, "60");
    Ok(())
}

#[tokio::test]
async fn may_be_async() -> TestResult {
    let db = started().await?;
    ask_async(&db, &table("visits_may_be_async", &[1, 3])).await?;
    assert_eq!(ask_async(&db, &sum("visits_may_be_async")).await?, "4");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn may_be_on_threads() -> TestResult {
    let db = started().await?;
    ask_async(&db, &table("visits_may_be_on_threads", &[2, 4])).await?;
    assert_eq!(ask_async(&db, &largest("visits_may_be_on_threads")).await?, "4");
    Ok(())
}

#[tokio::test]
async fn may_be_few() -> TestResult {
    let db = started().await?;
    ask_async(&db, &table("visits_may_be_few", &[0, 0])).await?;
    assert_eq!(ask_async(&db, &count("visits_may_be_few")).await?, "2");
    Ok(())
}
