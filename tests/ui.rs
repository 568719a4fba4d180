//! What `#[with_container]` says when it is written wrongly, and where: each file in `tests/ui` with what the compiler prints.
//! Needs no engine. `TRYBUILD=overwrite cargo test --test ui` writes down what is printed now.

#![cfg(feature = "macros")]
#![allow(missing_docs, reason = "a test")]

#[test]
fn what_is_wrong_is_told_where_it_is_written() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/ui/*.rs");
    // The compiler lists what there is.
    if cfg!(all(feature = "postgres", feature = "mariadb")) {
        cases.compile_fail("tests/ui/all_features/*.rs");
    }
}
