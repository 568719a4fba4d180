//! Longer texts than have a place beside one item. Nothing to call; every example is compiled.

#[cfg(feature = "macros")]
#[doc = include_str!("from_setup_code.md")]
pub mod from_setup_code {}
