//! Which attributes make a function a test. A macro sees words, not what they mean, so this is a list.

use syn::{spanned::Spanned, Attribute, LitStr, Meta, MetaNameValue};

use crate::literal::text;

/// Whose parameters a test has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Testing {
    /// No attribute makes it a test.
    No,
    /// All are containers.
    Plain,
    /// Somebody else's too: a parameter may be another macro's.
    WithOthers,
}

/// Attributes whose tests have no parameters, by the last word of their paths: `#[test]`, `#[tokio::test]`, `#[async_std::test]`,
/// `#[smol_potat::test]`, `#[actix_rt::test]`, `#[test_log::test]`, `#[gtest]`, `#[wasm_bindgen_test]`.
const PLAIN: [&str; 3] = ["test", "gtest", "wasm_bindgen_test"];

/// Attributes that bring parameters of their own.
const WITH_OTHERS: [&str; 6] =
    ["rstest", "apply", "test_case", "test_matrix", "parameterized", "quickcheck"];

/// The same, where the last word is not enough.
const WITH_OTHERS_BY_CRATE: [&str; 1] = ["sqlx"];

/// What the attributes of a function make it.
pub(crate) fn testing(attributes: &[Attribute]) -> Testing {
    let each = attributes.iter().map(one);
    each.fold(Testing::No, |so_far, next| match (so_far, next) {
        (Testing::WithOthers, _) | (_, Testing::WithOthers) => Testing::WithOthers,
        (Testing::Plain, _) | (_, Testing::Plain) => Testing::Plain,
        _ => Testing::No,
    })
}

/// Whether one attribute makes it a test.
pub(crate) fn is_test(attribute: &Attribute) -> bool {
    one(attribute) != Testing::No
}

/// Whether it is ours.
pub(crate) fn is_ours(attribute: &Attribute) -> bool {
    last_word(attribute) == "with_container"
}

/// Whether it was written by another macro that has run before, and so stands above ours. The compiler's own `#[test]` leaves no
/// trace, and those of others leave `#[test]`, which a user may have written.
pub(crate) fn is_left_by_another(attribute: &Attribute) -> bool {
    attribute.path().leading_colon.is_some()
        && last_word(attribute) == "test"
        && attribute.path().segments.iter().any(|segment| segment.ident == "prelude")
}

/// Whether the test has to panic, and with which words.
pub(crate) fn should_panic(attributes: &[Attribute]) -> Option<LitStr> {
    let attribute = attributes.iter().find(|one| one.path().is_ident("should_panic"))?;
    let expected = match &attribute.meta {
        Meta::NameValue(pair) => Some(pair.clone()),
        Meta::List(list) => list.parse_args().ok(),
        Meta::Path(_) => None,
    };
    let value = expected.map(|pair: MetaNameValue| pair.value);
    let any = || LitStr::new("", attribute.span());
    Some(value.as_ref().and_then(text).cloned().unwrap_or_else(any))
}

fn one(attribute: &Attribute) -> Testing {
    let last = last_word(attribute);
    let first = attribute.path().segments.first().map(|segment| segment.ident.to_string());
    let by_crate = first.is_some_and(|first| WITH_OTHERS_BY_CRATE.contains(&&*first));
    match &*last {
        "test" if by_crate => Testing::WithOthers,
        last if PLAIN.contains(&last) => Testing::Plain,
        last if WITH_OTHERS.contains(&last) => Testing::WithOthers,
        _ => Testing::No,
    }
}

fn last_word(attribute: &Attribute) -> String {
    attribute.path().segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default()
}
