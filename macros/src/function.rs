//! The item beneath the attribute. A function's body is kept as it was written: it may have syntax that is newer than this crate.

use proc_macro2::TokenStream;
use quote::{ToTokens, TokenStreamExt};
use syn::{
    braced,
    parse::{Parse, ParseStream},
    token::Brace,
    Attribute, Ident, ItemMod, Signature, Token, Visibility,
};

/// What the attribute may stand on.
pub(crate) enum Target {
    Function(Box<Function>),
    Module(ItemMod),
}

/// A function with a body.
#[derive(Clone)]
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    vis: Visibility,
    pub(crate) sig: Signature,
    brace: Brace,
    /// At the beginning of the body.
    inner: Vec<Attribute>,
    /// What stands between its braces.
    pub(crate) body: TokenStream,
}

impl Parse for Target {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let ahead = input.fork();
        ahead.call(Attribute::parse_outer)?;
        ahead.parse::<Visibility>()?;
        if ahead.peek(Token![mod]) {
            return Ok(Target::Module(input.parse()?));
        }
        let is_function = ahead.peek(Token![fn])
            || ahead.peek(Token![async])
            || ahead.peek(Token![const]) && !ahead.peek2(Ident) && !ahead.peek2(Token![_])
            || ahead.peek(Token![unsafe])
            || ahead.peek(Token![extern]);
        if !is_function {
            return Err(ahead.error(
                "this is neither a function nor a module\nhint: put it on a test, or on a \
                 `mod .. { .. }` for all tests in it",
            ));
        }
        Ok(Target::Function(Box::new(input.parse()?)))
    }
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let (vis, sig) = (input.parse()?, input.parse()?);
        let content;
        let brace = braced!(content in input);
        let inner = content.call(Attribute::parse_inner)?;
        Ok(Function { attrs, vis, sig, brace, inner, body: content.parse()? })
    }
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.append_all(&self.attrs);
        self.vis.to_tokens(tokens);
        self.sig.to_tokens(tokens);
        self.brace.surround(tokens, |tokens| {
            tokens.append_all(&self.inner);
            self.body.to_tokens(tokens);
        });
    }
}
