//! The request written out, once for a module of tests: the same words are the same container as in the other programs.

mod common;

use common::{ask, TestResult};
use longshore::{blocking, with_container};
use sharing::{count, largest, sum, table};

#[with_container("postgres:15", env("POSTGRES_PASSWORD" = "secret"), publish = "5432",
                 wait = log("database system is ready to accept connections", times = 2), shared)]
mod stock {
    use super::*;

    #[test]
    fn is_counted(db: &blocking::Container) -> TestResult {
        ask(db, &table("stock_is_counted", &[1, 1]))?;
        assert_eq!(ask(db, &count("stock_is_counted"))?, "2");
        Ok(())
    }

    #[test]
    fn is_summed(db: &blocking::Container) -> TestResult {
        ask(db, &table("stock_is_summed", &[10, 10]))?;
        assert_eq!(ask(db, &sum("stock_is_summed"))?, "20");
        Ok(())
    }

    #[test]
    fn has_a_largest(db: &blocking::Container) -> TestResult {
        ask(db, &table("stock_has_a_largest", &[2, 12]))?;
        assert_eq!(ask(db, &largest("stock_has_a_largest"))?, "12");
        Ok(())
    }

    #[test]
    fn may_be_nothing(db: &blocking::Container) -> TestResult {
        ask(db, &table("stock_may_be_nothing", &[0]))?;
        assert_eq!(ask(db, &sum("stock_may_be_nothing"))?, "0");
        Ok(())
    }

    #[test]
    fn may_be_missing(db: &blocking::Container) -> TestResult {
        ask(db, &table("stock_may_be_missing", &[-1]))?;
        assert_eq!(ask(db, &largest("stock_may_be_missing"))?, "-1");
        Ok(())
    }

    #[test]
    fn may_be_much(db: &blocking::Container) -> TestResult {
        ask(db, &table("stock_may_be_much", &[9000000000, 1]))?;
        assert_eq!(ask(db, &sum("stock_may_be_much"))?, "9000000001");
        Ok(())
    }

    #[test]
    fn may_be_one_kind(db: &blocking::Container) -> TestResult {
        ask(db, &table("stock_may_be_one_kind", &[77]))?;
        assert_eq!(ask(db, &count("stock_may_be_one_kind"))?, "1");
        Ok(())
    }

    #[test]
    fn may_be_many_kinds(db: &blocking::Container) -> TestResult {
        ask(db, &table("stock_may_be_many_kinds", &[1, 2, 3, 4, 5, 6, 7]))?;
        assert_eq!(ask(db, &count("stock_may_be_many_kinds"))?, "7");
        Ok(())
    }

    #[test]
    fn may_be_in_balance(db: &blocking::Container) -> TestResult {
        ask(db, &table("stock_may_be_in_balance", &[5, -5]))?;
        assert_eq!(ask(db, &sum("stock_may_be_in_balance"))?, "0");
        Ok(())
    }

    #[test]
    fn may_be_all_the_same(db: &blocking::Container) -> TestResult {
        ask(db, &table("stock_may_be_all_the_same", &[3, 3, 3]))?;
        assert_eq!(ask(db, &largest("stock_may_be_all_the_same"))?, "3");
        Ok(())
    }
}
