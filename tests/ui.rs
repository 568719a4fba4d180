//! What `#[with_container]` says when it is written wrongly, and where: each file in `tests/ui` with what the compiler prints.
//! Needs no engine. `TRYBUILD=overwrite cargo test --test ui` writes down what is printed now.

#![cfg(feature = "macros")]
#![allow(missing_docs, reason = "a test")]

#[test]
fn what_is_wrong_is_told_where_it_is_written() {
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
