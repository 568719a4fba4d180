//! The item beneath the attribute. A function's body is kept as it was written: it may have syntax that is newer than this crate.

use proc_macro2::TokenStream;
use quote::{ToTokens, TokenStreamExt};
use syn::{
    braced,
    parse::{Parse, ParseStream},
    token::Brace,
    Attribute, ItemMod, Signature, Token, Visibility,
};

/// What the attribute may stand on.
pub(crate) enum Target {
    Function(Function),
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
        Ok(Target::Function(input.parse()?))
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
