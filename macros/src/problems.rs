//! Everything that is wrong with an attribute, told at once. Never stops at the first.

use proc_macro2::{Span, TokenStream};
use syn::Error;

/// What was found so far.
#[derive(Debug, Default)]
pub(crate) struct Problems(Option<Error>);

impl Problems {
    /// Adds one at `span`: what is wrong, and on a line of its own what to do about it.
    pub(crate) fn add(&mut self, span: Span, what: impl AsRef<str>, help: impl AsRef<str>) {
        let (what, help) = (what.as_ref(), help.as_ref());
        let text = if help.is_empty() { what.to_owned() } else { format!("{what}\nhint: {help}") };
        self.push(Error::new(span, text));
    }

    /// Adds an error of a parser.
    pub(crate) fn push(&mut self, error: Error) {
        match &mut self.0 {
            Some(all) => all.combine(error),
            none => *none = Some(error),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// A `compile_error!` for each.
    pub(crate) fn into_tokens(self) -> TokenStream {
        self.0.map(Error::into_compile_error).unwrap_or_default()
    }
}
