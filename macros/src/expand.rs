//! From an attribute and the item beneath it to the item that takes their place. When something is wrong with the attribute the
//! user's item is there all the same, as a plain function, so that nothing else goes wrong because of it.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned, ToTokens};
use syn::{parse_quote, spanned::Spanned, Attribute, Meta, Path, ReturnType, Type};

use crate::arguments::Arguments;
use crate::asked::Asked;
use crate::function::{Function, Target};
use crate::literal::placed;
use crate::module;
use crate::parameters::{bind, name_of_bound, Parameters};
use crate::problems::Problems;
use crate::testing::{is_left_by_another, is_ours, is_test, should_panic, testing, Testing};

/// What the attribute with these arguments makes of an item.
pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let mut problems = Problems::default();
    let expanded = match syn::parse2::<Target>(item.clone()) {
        Ok(Target::Function(function)) => self::function(arguments, *function, &mut problems),
        Ok(Target::Module(module)) => module::expand(arguments, module, &mut problems),
        Err(error) => {
            problems.push(error);
            item
        }
    };
    let errors = problems.into_tokens();
    quote!(#errors #expanded)
}

/// What an attribute has between its parentheses, and its place.
pub(crate) fn arguments_of(attribute: &Attribute) -> (TokenStream, Span) {
    let tokens = match &attribute.meta {
        Meta::List(list) => list.tokens.clone(),
        _ => TokenStream::new(),
    };
    (tokens, attribute.path().span())
}

/// Reads attributes, each with its place.
pub(crate) fn read(
    attributes: Vec<(TokenStream, Span)>,
    problems: &mut Problems,
) -> (Vec<Asked>, Path) {
    let arguments: Vec<_> = attributes
        .into_iter()
        .map(|(tokens, span)| (Arguments::read(tokens, problems), span))
        .collect();
    let krate = arguments.iter().find_map(|(arguments, _)| arguments.krate.clone());
    let krate = krate.unwrap_or_else(|| parse_quote!(::longshore));
    let asked = arguments
        .into_iter()
        .map(|(arguments, span)| Asked::new(arguments, span, &krate, problems))
        .collect();
    (asked, krate)
}

fn function(arguments: TokenStream, mut item: Function, problems: &mut Problems) -> TokenStream {
    let first_test = item.attrs.iter().position(is_test);
    let mut attributes = vec![(arguments, Span::call_site())];
    for (at, attribute) in item.attrs.iter().enumerate().filter(|(_, one)| is_ours(one)) {
        if first_test.is_some_and(|test| test < at) {
            let test = item.attrs[first_test.unwrap_or_default()].path().to_token_stream();
            problems.add(
                attribute.path().span(),
                format!("`with_container` stands below `{test}`"),
                "write it above the attribute that makes the function a test",
            );
        }
        attributes.push(arguments_of(attribute));
    }
    if item.attrs.iter().any(is_left_by_another) {
        problems.add(
            Span::call_site(),
            "`with_container` stands below the attribute that makes the function a test",
            "write it above: `#[with_container(..)] #[tokio::test] async fn ..`",
        );
    }
    item.attrs.retain(|attribute| !is_ours(attribute));
    let (asked, krate) = read(attributes, problems);
    let testing = testing(&item.attrs);
    let original = item.clone();
    let inputs = std::mem::take(&mut item.sig.inputs);
    let parameters = bind(&asked, inputs, testing, problems);
    if !problems.is_empty() {
        return as_plain_function(original);
    }
    test(item, asked, parameters, testing, &krate)
}

/// The test itself.
fn test(
    mut item: Function,
    asked: Vec<Asked>,
    parameters: Parameters,
    testing: Testing,
    krate: &Path,
) -> TokenStream {
    let mut asking = Vec::new();
    let mut asks = Vec::new();
    let mut slots = Vec::new();
    let mut bindings = Vec::new();
    for (at, (asked, parameter)) in asked.iter().zip(parameters.bound).enumerate() {
        let wanted = &asked.wanted;
        let name = parameter.as_ref().and_then(name_of_bound).unwrap_or_default();
        let here = placed(krate, asked.span);
        let shared = asked.shared.clone().unwrap_or_else(|| quote!(false));
        let (ask, mut kind) =
            (hidden(&format!("ask_{at}")), hidden(&format!("kind_{at}")).to_token_stream());
        if parameter.is_none() {
            kind = quote!(_);
        }
        asking.push(quote_spanned! {asked.span=>
            let (#ask, #kind) = #here::__private::Ask::new(#wanted, #name, #shared);
        });
        asks.push(ask);
        let Some(parameter) = parameter else {
            slots.push(quote!(_));
            continue;
        };
        let slot = hidden(&format!("slot_{at}"));
        slots.push(quote!(mut #slot));
        let (attributes, pattern, ty) = (&parameter.attrs, &parameter.pat, &parameter.ty);
        // At the place of the type, so that a wrong one is told there.
        let here = placed(krate, ty.span());
        let given = quote_spanned!(ty.span()=> #here::__private::given(&mut #slot, #kind));
        bindings.push(quote!(#(#attributes)* let #pattern: #ty = #given;));
    }
    // Its words, not a block in a block: that would be one pair of braces too many.
    let statements = &item.body;
    let given = hidden("given");
    let body = quote!(let [#(#slots),*] = #given; #(#bindings)* #statements);
    let (output, promise) = match &item.sig.output {
        ReturnType::Type(_, ty) if !has_impl(ty) => {
            let promised = hidden("promised");
            // The type of an async block cannot be written, but it can be inferred from its first return.
            let promise = quote! {
                #[allow(unreachable_code, clippy::all)]
                if false {
                    let #promised: #ty = loop {};
                    return #promised;
                }
            };
            (quote!(-> #ty), promise)
        }
        _ => (TokenStream::new(), TokenStream::new()),
    };
    let name = &item.sig.ident;
    let path = quote!(::core::concat!(::core::module_path!(), "::", ::core::stringify!(#name)));
    let has_failed = has_failed(&item.sig.output, krate);
    let mut test = quote!(#krate::__private::Test::new(#path, #has_failed));
    let expected = should_panic(&item.attrs);
    let way = if expected.is_some() { "_to_panic" } else { "" };
    if let Some(expected) = expected {
        test.extend(quote!(.expecting(#expected)));
    }
    let is_async = item.sig.asyncness.is_some();
    let call = match (is_async, testing) {
        (false, _) => {
            let run = format_ident!("run{way}");
            quote!(#krate::__private::#run(#test, [#(#asks),*], move |#given| #output { #body }))
        }
        (true, Testing::No) => {
            item.sig.asyncness = None;
            let run = format_ident!("run_alone{way}");
            quote!(#krate::__private::#run(#test, [#(#asks),*], move |#given| async move { #promise #body }))
        }
        (true, _) => {
            let run = format_ident!("run_async{way}");
            quote! {
                #krate::__private::#run(#test, [#(#asks),*], move |#given| async move { #promise #body }).await
            }
        }
    };
    let mut once = TokenStream::new();
    if testing == Testing::No {
        item.attrs.push(parse_quote!(#[::core::prelude::v1::test]));
        // There may be a `#[test]` above all the same, and then the test is there twice.
        once = quote!(#krate::__private::once(#path););
    }
    item.sig.inputs = parameters.others;
    item.body = quote!(#once #(#asking)* #call);
    item.into_token_stream()
}

/// Whether what the body returned is a failure: a closure. The type is known as it is written only, so methods are looked up on it.
fn has_failed(output: &ReturnType, krate: &Path) -> TokenStream {
    match output {
        ReturnType::Type(_, ty) if !has_impl(ty) && !matches!(**ty, Type::Never(_)) => {
            let result = hidden("result");
            quote! {
                |#result: &#ty| {
                    #[allow(unused_imports)]
                    use #krate::__private::{ByExitCode as _, ByNothing as _, ByResult as _};
                    #[allow(clippy::needless_borrow)]
                    let #result = (&&&#krate::__private::Probe(#result)).has_failed();
                    #result
                }
            }
        }
        // Nothing is known of it.
        _ => quote!(|_| false),
    }
}

/// A name that no user has.
fn hidden(name: &str) -> Ident {
    Ident::new(&format!("__longshore_{name}"), Span::mixed_site())
}

fn has_impl(ty: &Type) -> bool {
    fn in_tokens(tokens: TokenStream) -> bool {
        tokens.into_iter().any(|token| match token {
            proc_macro2::TokenTree::Ident(ident) => ident == "impl",
            proc_macro2::TokenTree::Group(group) => in_tokens(group.stream()),
            _ => false,
        })
    }
    in_tokens(ty.to_token_stream())
}

/// The user's function without what makes it a test.
fn as_plain_function(mut item: Function) -> TokenStream {
    const STAYS: [&str; 7] = ["doc", "cfg", "cfg_attr", "allow", "expect", "warn", "deny"];
    item.attrs.retain(|attribute| STAYS.iter().any(|name| attribute.path().is_ident(name)));
    item.attrs.push(parse_quote!(#[allow(dead_code)]));
    for input in &mut item.sig.inputs {
        match input {
            syn::FnArg::Receiver(receiver) => receiver.attrs.clear(),
            syn::FnArg::Typed(typed) => typed.attrs.clear(),
        }
    }
    item.into_token_stream()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(arguments: TokenStream, item: TokenStream) -> String {
        expand(arguments, item).to_string()
    }

    #[test]
    fn the_crate_may_have_another_name() {
        let text = expanded(
            quote!("redis:7.0", crate = my::shore, pull = "always", wait = all(log("a"), port(1))),
            quote!(
                #[with_container(run = "redis:7.0")]
                #[with_container(request())]
                async fn test(a: A, b: B, c: C) -> R {}
            ),
        );
        assert!(text.contains("my :: shore :: __private :: run_alone"), "{text}");
        assert!(!text.contains("longshore ::"), "{text}");
    }

    #[test]
    fn a_wrong_attribute_leaves_the_function_and_makes_no_test_of_it() {
        let text = expanded(
            quote!("Redis", nonsense),
            quote!(
                #[doc = "kept"]
                #[rstest]
                #[case(1)]
                fn test(#[case] a: u8, db: &Container) {
                    body()
                }
            ),
        );
        assert_eq!(text.matches("compile_error").count(), 2, "{text}");
        assert!(text.contains("fn test (a : u8 , db : & Container) { body () }"), "{text}");
        assert!(text.contains("kept") && !text.contains("rstest"), "{text}");
    }

    #[test]
    fn what_cannot_be_read_is_told_and_stays() {
        let text = expanded(quote!("redis:7.0"), quote!(fn test));
        assert!(text.contains("compile_error") && text.ends_with("fn test"), "{text}");
    }

    #[test]
    fn parameters_of_other_macros_stay() {
        let text = expanded(
            quote!("redis:7.0"),
            quote!(
                #[rstest]
                fn test(fixture: u8, #[case] a: u8, db: &blocking::Container) {}
            ),
        );
        assert!(text.contains("fn test (fixture : u8 , # [case] a : u8)"), "{text}");
    }
}
