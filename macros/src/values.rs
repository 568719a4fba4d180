//! From an option as it was written to the call of its builder method. Literals are read here; of anything else the compiler finds
//! what is wrong, at the place where the user wrote it, since the call has that place.

use longshore_syntax::{nearest, split_words};
use proc_macro2::TokenStream;
use quote::{quote, ToTokens};
use syn::{spanned::Spanned, Expr, Ident, Path};

use crate::arguments::{Value, Written};
use crate::literal::{duration, refuse, text};
use crate::options::{Check, Row, Takes};
use crate::problems::Problems;
use crate::waits::wait;

const POLICIES: [(&str, &str); 3] =
    [("missing", "Missing"), ("always", "Always"), ("never", "Never")];

/// The calls that an option stands for: `.publish("5432")`.
pub(crate) fn calls(
    row: &Row,
    written: Written,
    krate: &Path,
    problems: &mut Problems,
) -> TokenStream {
    let method = match row.name {
        "container_name" => "name",
        name => name,
    };
    let call = Call {
        row,
        method: Ident::new(method, written.span),
        is_bare: matches!(written.value, Value::Bare),
        is_set: matches!(written.value, Value::Is(_)),
        span: written.value.span(written.span),
        krate,
    };
    call.make(written.value.into_values(), problems)
}

struct Call<'a> {
    row: &'a Row,
    method: Ident,
    is_bare: bool,
    /// Written with `=`.
    is_set: bool,
    span: proc_macro2::Span,
    krate: &'a Path,
}

impl Call<'_> {
    fn make(&self, values: Vec<Expr>, problems: &mut Problems) -> TokenStream {
        let method = &self.method;
        match self.row.takes {
            Takes::Nothing => {
                if !self.is_bare {
                    self.refuse(problems, "takes no value", format!("write `{}`", self.row.name));
                }
                quote!(.#method())
            }
            Takes::Truth if self.is_bare => quote!(.#method(true)),
            Takes::Truth => self.each(values, 1, problems, |value, _| value[0].to_token_stream()),
            Takes::One(check) => {
                self.each(values, 1, problems, |value, problems| one(&value[0], check, problems))
            }
            Takes::Time => {
                self.each(values, 1, problems, |value, problems| duration(&value[0], problems))
            }
            Takes::FromTo => self.each(values, 2, problems, |values, _| {
                let (from, to) = (&values[0], &values[1]);
                quote!(#from, #to)
            }),
            Takes::Policy => {
                self.each(values, 1, problems, |value, problems| self.policy(&value[0], problems))
            }
            Takes::Wait => self
                .each(values, 1, problems, |value, problems| wait(&value[0], self.krate, problems)),
            Takes::Named => self.named(values, problems),
            Takes::Words => {
                let words = self.words(values, problems);
                quote!(.#method(#words))
            }
        }
    }

    fn refuse(&self, problems: &mut Problems, what: &str, hint: impl AsRef<str>) {
        problems.add(self.span, format!("`{}` {what}", self.row.name), hint);
    }

    /// A call for each `count` values, of which there may be more where the option may be written more than once.
    fn each(
        &self,
        values: Vec<Expr>,
        count: usize,
        problems: &mut Problems,
        mut argument: impl FnMut(&[Expr], &mut Problems) -> TokenStream,
    ) -> TokenStream {
        let method = &self.method;
        let fits = match (self.row.is_repeated, count) {
            (true, 1) => !values.is_empty(),
            _ => values.len() == count,
        };
        if !fits || values.iter().any(|value| matches!(value, Expr::Assign(_))) {
            let name = self.row.name;
            match count {
                1 => self.refuse(problems, "takes one value", format!("write `{name} = ..`")),
                _ => self.refuse(problems, "takes two values", format!("write `{name}(.., ..)`")),
            }
            return TokenStream::new();
        }
        values
            .chunks(count)
            .map(|values| {
                let argument = argument(values, problems);
                quote!(.#method(#argument))
            })
            .collect()
    }

    fn policy(&self, value: &Expr, problems: &mut Problems) -> TokenStream {
        let Some(literal) = text(value) else { return value.to_token_stream() };
        let (word, krate) = (literal.value(), self.krate);
        match POLICIES.iter().find(|(known, _)| *known == word) {
            Some((_, variant)) => {
                let variant = Ident::new(variant, literal.span());
                quote!(#krate::PullPolicy::#variant)
            }
            None => {
                let what = format!("`{word}` is not when an image is pulled");
                problems.add(literal.span(), what, "write `missing`, `always` or `never`");
                TokenStream::new()
            }
        }
    }

    /// `env("A" = "b", "C" = "d")` or `env("A", "b")`.
    fn named(&self, values: Vec<Expr>, problems: &mut Problems) -> TokenStream {
        let method = &self.method;
        if let [name, value] = &values[..] {
            if !matches!((name, value), (Expr::Assign(_), _) | (_, Expr::Assign(_))) {
                return quote!(.#method(#name, #value));
            }
        }
        if values.is_empty() || self.is_set {
            self.wants_pairs(values.first(), problems);
            return TokenStream::new();
        }
        let mut calls = TokenStream::new();
        for pair in &values {
            match pair {
                Expr::Assign(pair) => {
                    let (name, value) = (&pair.left, &pair.right);
                    if let Expr::Path(path) = &**name {
                        if let Some(word) = path.path.get_ident() {
                            let what = format!("`{word}` is a name, and names are text here");
                            let hint = format!(
                                "write `\"{word}\" = ..`; for what a constant says, `{}({word}, ..)`",
                                self.row.name
                            );
                            problems.add(word.span(), what, hint);
                            continue;
                        }
                    }
                    calls.extend(quote!(.#method(#name, #value)));
                }
                other => self.wants_pairs(Some(other), problems),
            }
        }
        calls
    }

    fn wants_pairs(&self, value: Option<&Expr>, problems: &mut Problems) {
        let name = self.row.name;
        let span = value.map_or(self.span, Spanned::span);
        let pair = value.and_then(text).map(syn::LitStr::value);
        let hint = match pair.as_deref().and_then(|pair| pair.split_once('=')) {
            Some((left, right)) => format!("write `{name}({left:?} = {right:?})`"),
            None => format!("write `{name}(\"name\" = \"value\")`"),
        };
        problems.add(span, format!("`{name}` takes a name and a value"), hint);
    }

    fn words(&self, mut values: Vec<Expr>, problems: &mut Problems) -> TokenStream {
        let is_one = values.len() == 1 && text(&values[0]).is_none();
        if is_one && !(matches!(values[0], Expr::Lit(_))) {
            let value = values.remove(0);
            return match &value {
                Expr::Array(array) if array.elems.is_empty() => {
                    quote!(::core::iter::empty::<&'static str>())
                }
                _ => value.to_token_stream(),
            };
        }
        if self.is_bare {
            self.refuse(problems, "takes words", format!("write `{} = [\"..\"]`", self.row.name));
        }
        if let (true, [value]) = (self.is_set, &values[..]) {
            if let Some(line) = text(value).filter(|line| line.value().trim().contains(' ')) {
                let words = split_words(&line.value()).unwrap_or_default();
                let hint = format!("write `{} = {words:?}`", self.row.name);
                problems.add(
                    line.span(),
                    format!("`{}` takes words, not a line", self.row.name),
                    hint,
                );
            }
        }
        if values.is_empty() {
            return quote!(::core::iter::empty::<&'static str>());
        }
        quote!([#(#values),*])
    }
}

/// A value, read if it is a literal.
pub(crate) fn one(value: &Expr, check: Check, problems: &mut Problems) -> TokenStream {
    if let Some(literal) = text(value) {
        if let Err(error) = check(&literal.value()) {
            refuse(literal, &error, problems);
        }
    }
    value.to_token_stream()
}

/// `did you mean` for a word that is none of those known.
pub(crate) fn did_you_mean<'k>(
    word: &str,
    known: impl IntoIterator<Item = &'k str> + Clone,
) -> Option<String> {
    nearest(word, known).map(|meant| format!("did you mean `{meant}`?"))
}
