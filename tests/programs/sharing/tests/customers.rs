//! Tests that are not async, one attribute each: by reference, by value, with an error, and with no parameter.

mod common;

use common::{ask, database, TestResult};
use longshore::{blocking, with_container, Container};
use sharing::{count, largest, sum, table};

#[with_container(database(), shared)]
#[test]
fn are_counted(db: &blocking::Container) -> TestResult {
    ask(db, &table("customers", &[1, 2, 3]))?;
    assert_eq!(ask(db, &count("customers"))?, "3");
    Ok(())
}

#[with_container(database(), shared)]
#[test]
fn are_summed(db: &blocking::Container) -> TestResult {
    ask(db, &table("customers_sum", &[20, 22]))?;
    assert_eq!(ask(db, &sum("customers_sum"))?, "42");
    Ok(())
}

#[with_container(database(), shared)]
#[test]
fn the_largest_is_found(db: &mut blocking::Container) -> TestResult {
    ask(db, &table("customers_largest", &[7, 9, 8]))?;
    assert_eq!(ask(db, &largest("customers_largest"))?, "9");
    Ok(())
}

#[with_container(database(), shared)]
#[test]
fn may_be_few(db: blocking::Container) -> TestResult {
    ask(&db, &table("customers_few", &[1]))?;
    assert_eq!(ask(&db, &count("customers_few"))?, "1");
    Ok(())
}

#[with_container(database(), shared)]
#[test]
fn may_owe(db: blocking::Container) -> TestResult {
    ask(&db, &table("customers_debts", &[-5, 4]))?;
    assert_eq!(ask(&db, &sum("customers_debts"))?, "-1");
    Ok(())
}

#[with_container(database(), shared)]
#[test]
fn may_be_given_back_early(db: blocking::Container) -> TestResult {
    ask(&db, &table("customers_early", &[5, 6]))?;
    assert_eq!(ask(&db, &sum("customers_early"))?, "11");
    db.remove()?;
    Ok(())
}

#[with_container(database(), shared)]
#[test]
fn are_reached_by_a_port(db: &blocking::Container) -> TestResult {
    let address = db.address(5432)?;
    std::net::TcpStream::connect(address.to_string())?;
    Ok(())
}

#[with_container(database(), shared)]
#[test]
fn need_no_handle() {}

#[with_container(database(), shared)]
#[test]
fn are_no_reason_to_panic(db: &blocking::Container) {
    let error = ask(db, "SELECT * FROM nobody").unwrap_err();
    assert!(error.to_string().contains("nobody"), "{error}");
}

#[with_container(database(), shared)]
#[test]
#[should_panic = "as it has to"]
fn may_be_expected_to_panic(db: &Container) {
    assert!(!db.is_shared(), "as it has to");
}
