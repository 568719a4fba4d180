//! The attribute `#[with_container]` of the crate [longshore](https://docs.rs/longshore), which re-exports it.
//!
//! The macro is thin: it reads the attribute, finds at compile time what can be found then, and writes one call into longshore's
//! `fixture` module, which does the work. It never sees a type, reads no file, and knows no engine.
//!
//! - `expand` is the way from an attribute and an item to an item; `function` is the item as it was read, `module` the same for a
//!   whole module.
//! - `asked` is one attribute as it was read; `arguments` the grammar between its parentheses.
//! - `options` is the table of the options, `values` what they take, `waits` the words behind `wait =`.
//! - `parameters` says which container goes into which parameter, `testing` which attributes make a test.

#![forbid(unsafe_code)]

mod arguments;
mod asked;
mod expand;
mod function;
mod literal;
mod module;
mod options;
mod parameters;
mod problems;
mod testing;
mod values;
mod waits;

use proc_macro::TokenStream;

// Documented where it is re-exported: `src/fixture/attribute.md` of longshore, where its examples can be compiled.
#[expect(missing_docs, reason = "rustdoc would write it behind the text of the re-export")]
#[proc_macro_attribute]
pub fn with_container(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(arguments.into(), item.into()).into()
}
