//! The grammar between the parentheses: first what is run, then options. What an option means is not known here.

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::{
    ext::IdentExt, parenthesized, parse::ParseStream, parse::Parser, punctuated::Punctuated,
    spanned::Spanned, token::Paren, Expr, Ident, Path, Token,
};

use crate::problems::Problems;

/// The arguments as they were written.
pub(crate) struct Arguments {
    /// An image, or an expression that is a request.
    pub(crate) first: Option<Expr>,
    pub(crate) options: Vec<Written>,
    /// `crate = path`.
    pub(crate) krate: Option<Path>,
}

/// An option as it was written.
pub(crate) struct Written {
    /// Dashes are kept, for what is said about them.
    pub(crate) name: String,
    pub(crate) span: Span,
    pub(crate) value: Value,
}

/// What stands behind an option's name.
pub(crate) enum Value {
    /// Nothing.
    Bare,
    /// `= value`
    Is(Expr),
    /// `(values)`, and where the parentheses are.
    With(Vec<Expr>, Span),
}

impl Arguments {
    /// Reads on behind what cannot be read.
    pub(crate) fn read(tokens: TokenStream, problems: &mut Problems) -> Self {
        let mut arguments = Arguments { first: None, options: Vec::new(), krate: None };
        let read = |input: ParseStream<'_>| {
            let mut is_first = true;
            while !input.is_empty() {
                if let Err(error) = arguments.read_one(input, is_first) {
                    problems.push(error);
                    skip_to_comma(input)?;
                }
                is_first = false;
                if !input.is_empty() {
                    if let Err(error) = input.parse::<Token![,]>() {
                        problems.push(error);
                        skip_to_comma(input)?;
                        input.parse::<Option<Token![,]>>()?;
                    }
                }
            }
            Ok(())
        };
        if let Err(error) = Parser::parse2(read, tokens) {
            problems.push(error);
        }
        arguments
    }

    fn read_one(&mut self, input: ParseStream<'_>, is_first: bool) -> syn::Result<()> {
        let is_set =
            input.peek(Ident::peek_any) && input.peek2(Token![=]) && !input.peek2(Token![==]);
        if is_first && !is_set {
            self.first = Some(input.parse()?);
            return Ok(());
        }
        if input.peek(Token![crate]) {
            input.parse::<Token![crate]>()?;
            input.parse::<Token![=]>()?;
            self.krate = Some(input.parse()?);
            return Ok(());
        }
        if !input.peek(Ident::peek_any) {
            let text = "this is no option\nhint: an option is written `name`, `name = value` or `name(values)`; \
                        the image stands before them";
            return Err(input.error(text));
        }
        let first: Ident = input.call(Ident::parse_any)?;
        let (mut name, span) = (first.unraw().to_string(), first.span());
        while input.peek(Token![-]) {
            input.parse::<Token![-]>()?;
            name = format!("{name}-{}", input.call(Ident::parse_any)?);
        }
        let value = if input.peek(Token![=]) {
            input.parse::<Token![=]>()?;
            Value::Is(input.parse()?)
        } else if input.peek(Paren) {
            let content;
            let parentheses = parenthesized!(content in input);
            let values = Punctuated::<Expr, Token![,]>::parse_terminated(&content)?;
            Value::With(values.into_iter().collect(), parentheses.span.join())
        } else {
            Value::Bare
        };
        self.options.push(Written { name, span, value });
        Ok(())
    }
}

impl Value {
    /// The values, however they are written.
    pub(crate) fn into_values(self) -> Vec<Expr> {
        match self {
            Value::Bare => Vec::new(),
            Value::Is(value) => vec![value],
            Value::With(values, _) => values,
        }
    }

    pub(crate) fn span(&self, name: Span) -> Span {
        match self {
            Value::Bare => name,
            Value::Is(value) => value.span(),
            Value::With(_, span) => *span,
        }
    }
}

fn skip_to_comma(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}
