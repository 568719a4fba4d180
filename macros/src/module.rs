//! The attribute on a module: each test in it gets it, before those that it has itself.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{parse_quote, Item, ItemMod, Path};

use crate::expand::read;
use crate::problems::Problems;
use crate::testing::{is_ours, is_test};

/// Writes the attribute on all tests of the module, also on those of modules in it.
pub(crate) fn expand(
    arguments: TokenStream,
    mut module: ItemMod,
    problems: &mut Problems,
) -> TokenStream {
    // Once, so that nothing is told as often as there are tests.
    let (asked, krate) = read(vec![(arguments.clone(), Span::call_site())], problems);
    drop(asked);
    let Some((_, items)) = &mut module.content else {
        let hint = "put it on `mod .. { .. }`, or on the tests themselves";
        problems.add(Span::call_site(), "the tests of this module are in another file", hint);
        return module.into_token_stream();
    };
    if problems.is_empty() && put_on(items, &arguments, &krate) == 0 {
        let hint = "put it on a module with functions that are tests";
        problems.add(Span::call_site(), "there is no test in this module", hint);
    }
    module.into_token_stream()
}

/// Returns how many tests there were.
fn put_on(items: &mut [Item], arguments: &TokenStream, krate: &Path) -> usize {
    let mut count = 0;
    for item in items {
        match item {
            Item::Fn(function) if function.attrs.iter().any(|one| is_ours(one) || is_test(one)) => {
                count += 1;
                function.attrs.insert(0, parse_quote!(#[#krate::with_container(#arguments)]));
            }
            Item::Mod(module) => {
                if let Some((_, items)) = &mut module.content {
                    count += put_on(items, arguments, krate);
                }
            }
            _ => {}
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    #[test]
    fn helpers_are_left_alone() {
        let module: ItemMod = parse_quote! {
            mod tests {
                fn helper() {}
                #[tokio::test]
                async fn one(db: Container) {}
                mod deeper { #[test] fn two() {} }
            }
        };
        let mut problems = Problems::default();
        let text = expand(quote!("redis:7.0"), module, &mut problems).to_string();
        assert!(problems.is_empty());
        assert_eq!(text.matches("with_container").count(), 2, "{text}");
    }
}
