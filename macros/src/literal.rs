//! Looking at expressions that the macro can read by itself: literals. Anything else is for the compiler.

use std::time::Duration;

use longshore_syntax::{parse_duration, SyntaxError};
use proc_macro2::TokenStream;
use quote::{quote, ToTokens};
use syn::{spanned::Spanned, Expr, Lit, LitStr};

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
