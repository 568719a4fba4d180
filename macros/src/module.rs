//! The attributes on a module: each test in it gets them, in their order, before those that it has itself.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{parse_quote, Attribute, Item, ItemMod};

use crate::expand::{arguments_of, read};
use crate::problems::Problems;
use crate::testing::{is_ours, is_test};

/// Writes the attribute, and those of ours beneath it, on all tests of the module, also on those of modules in it.
pub(crate) fn expand(
    arguments: TokenStream,
    mut module: ItemMod,
    problems: &mut Problems,
) -> TokenStream {
    let mut all = vec![(arguments, Span::call_site())];
    all.extend(module.attrs.iter().filter(|one| is_ours(one)).map(arguments_of));
    module.attrs.retain(|attribute| !is_ours(attribute));
    // Once, so that nothing is told as often as there are tests.
    let (asked, krate) = read(all.clone(), problems);
    drop(asked);
    let Some((_, items)) = &mut module.content else {
        let hint = "put it on `mod .. { .. }`, or on the tests themselves";
        problems.add(Span::call_site(), "the tests of this module are in another file", hint);
        return module.into_token_stream();
    };
    let all = all
        .into_iter()
        .map(|(arguments, _)| -> Attribute { parse_quote!(#[#krate::with_container(#arguments)]) });
    if problems.is_empty() && put_on(items, &all.collect::<Vec<_>>()) == 0 {
        let hint = "put it on a module with functions that are tests";
        problems.add(Span::call_site(), "there is no test in this module", hint);
    }
    module.into_token_stream()
}

/// Returns how many tests there were, or modules that look after theirs.
fn put_on(items: &mut [Item], attributes: &[Attribute]) -> usize {
    let mut count = 0;
    let before =
        |others: &mut Vec<Attribute>| drop(others.splice(0..0, attributes.iter().cloned()));
    for item in items {
        match item {
            Item::Fn(function) if function.attrs.iter().any(|one| is_ours(one) || is_test(one)) => {
                count += 1;
                before(&mut function.attrs);
            }
            // It is expanded after this one, and puts its own before all that its tests have by then.
            Item::Mod(module) if module.attrs.iter().any(is_ours) => {
                count += 1;
                before(&mut module.attrs);
            }
            Item::Mod(module) => {
                if let Some((_, items)) = &mut module.content {
                    count += put_on(items, attributes);
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

    #[test]
    fn several_stay_in_their_order() {
        let module: ItemMod = parse_quote! {
            #[with_container("second:2")]
            mod tests {
                #[with_container("last:3")]
                fn one() {}
                #[with_container("inner:3")]
                mod deeper { #[test] fn two() {} }
            }
        };
        let mut problems = Problems::default();
        let text = expand(quote!("first:1"), module, &mut problems).to_string();
        assert!(problems.is_empty());
        let images: Vec<_> = text.split('"').filter(|word| word.contains(':')).collect();
        let images: Vec<_> = images.into_iter().filter(|word| !word.contains(' ')).collect();
        assert_eq!(
            images,
            ["first:1", "second:2", "last:3", "first:1", "second:2", "inner:3"],
            "{text}"
        );
    }
}
