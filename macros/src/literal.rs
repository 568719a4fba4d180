//! Places in what the user wrote: literals, which the macro can read by itself, and paths that are put where an error is to be told.

use std::time::Duration;

use longshore_syntax::{parse_duration, SyntaxError};
use proc_macro2::{Span, TokenStream};
use quote::{quote, ToTokens};
use syn::{spanned::Spanned, Expr, Lit, LitStr, Path};

use crate::problems::Problems;

/// The text of a string literal.
pub(crate) fn text(expr: &Expr) -> Option<&LitStr> {
    match expr {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Str(text) => Some(text),
            _ => None,
        },
        Expr::Group(group) => text(&group.expr),
        Expr::Paren(paren) => text(&paren.expr),
        _ => None,
    }
}

/// Tells what a grammar has against a literal.
pub(crate) fn refuse(literal: &LitStr, error: &SyntaxError, problems: &mut Problems) {
    problems.add(literal.span(), error.message(), error.hint().unwrap_or_default());
}

/// The crate's path as if it were written at `span`: else the compiler's errors would begin where it was written.
pub(crate) fn placed(krate: &Path, span: Span) -> TokenStream {
    let tokens = krate.to_token_stream().into_iter();
    tokens
        .map(|mut token| {
            // What a word means is decided where it was written.
            token.set_span(span.resolved_at(token.span()));
            token
        })
        .collect()
}

/// A `Duration`: from a literal such as `"90s"`, else what the expression gives.
pub(crate) fn duration(expr: &Expr, problems: &mut Problems) -> TokenStream {
    if let Some(literal) = text(expr) {
        let time = parse_duration(&literal.value()).unwrap_or_else(|error| {
            refuse(literal, &error, problems);
            Duration::ZERO
        });
        let (seconds, nanos) = (time.as_secs(), time.subsec_nanos());
        return quote!(::core::time::Duration::new(#seconds, #nanos));
    }
    if let Expr::Lit(lit) = expr {
        problems.add(
            lit.span(),
            "a time has a unit",
            "write it as text, such as `\"30s\"` or `\"1m30s\"`",
        );
    }
    expr.to_token_stream()
}
