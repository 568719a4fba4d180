//! Nothing: this crate is about its tests.
