//! The attribute `#[with_container]` of the crate [longshore](https://docs.rs/longshore), which re-exports it.
//!
//! The macro is thin: it reads the attribute, finds at compile time what can be found then, and writes one call into longshore's
//! `fixture` module, which does the work. It never sees a type, reads no file, and knows no engine.
//!
//! - `expand` is the way from an attribute and an item to an item; `module` the same for a whole module.
//! - `asked` is one attribute as it was read; `arguments` the grammar between its parentheses.
//! - `options` is the table of the options, `values` what they take, `waits` the words behind `wait =`.
//! - `parameters` says which container goes into which parameter, `testing` which attributes make a test.

#![forbid(unsafe_code)]

mod arguments;
mod asked;
mod expand;
mod literal;
mod module;
mod options;
mod parameters;
mod problems;
mod testing;
mod values;
mod waits;

use proc_macro::TokenStream;

/// Containers for a test: started before its body, handed over as its parameters, removed after it. See `longshore::with_container`,
/// where this is documented.
#[proc_macro_attribute]
pub fn with_container(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(arguments.into(), item.into()).into()
}
