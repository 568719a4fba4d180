//! Which container goes into which parameter: by name where an attribute has one, the others in order.

use syn::{punctuated::Punctuated, spanned::Spanned, FnArg, Pat, PatType, Token, Type};

use crate::asked::Asked;
use crate::problems::Problems;
use crate::testing::Testing;

/// The parameters of a test, apart.
pub(crate) struct Parameters {
    /// For each attribute its parameter, where it has one.
    pub(crate) bound: Vec<Option<PatType>>,
    /// Another macro's.
    pub(crate) others: Punctuated<FnArg, Token![,]>,
}

/// Takes the parameters of a test apart.
pub(crate) fn bind(
    asked: &[Asked],
    inputs: Punctuated<FnArg, Token![,]>,
    testing: Testing,
    problems: &mut Problems,
) -> Parameters {
    // Each parameter, and whether it may be ours.
    let mut open: Vec<(FnArg, bool)> = Vec::new();
    for input in inputs {
        if let FnArg::Receiver(receiver) = &input {
            let hint = "a test is a free function: move it out of the `impl`";
            problems.add(receiver.span(), "a method has no container to be given", hint);
        }
        let may_be = matches!(&input, FnArg::Typed(typed)
            if testing != Testing::WithOthers || typed.attrs.is_empty() && is_written_container(&typed.ty));
        open.push((input, may_be));
    }
    let has_none = !open.iter().any(|(_, may_be)| *may_be);
    let mut bound: Vec<Option<PatType>> = Vec::new();
    bound.resize_with(asked.len(), || None);
    let mut names: Vec<String> = Vec::new();

    for (at, asked) in asked.iter().enumerate() {
        let Some(name) = &asked.name else { continue };
        let word = name.value();
        if word == "_" {
            continue;
        }
        if names.contains(&word) {
            let hint = "a parameter is given one container; name another one";
            problems.add(name.span(), format!("`{word}` is named twice"), hint);
            continue;
        }
        names.push(word.clone());
        // By its name it is ours, whatever its type looks like.
        let found = open.iter().position(|(input, _)| name_of(input).as_deref() == Some(&word));
        match found {
            Some(found) => bound[at] = typed(open.remove(found).0),
            None => problems.add(
                name.span(),
                format!("there is no parameter `{word}`"),
                "`name` says which parameter the container is for; Docker's `--name` is `container_name = \"..\"` here",
            ),
        }
    }
    for (at, asked) in asked.iter().enumerate() {
        if asked.name.is_some() {
            continue;
        }
        match open.iter().position(|(_, may_be)| *may_be) {
            Some(next) => bound[at] = typed(open.remove(next).0),
            None if has_none => {}
            None => problems.add(
                asked.span,
                "no parameter is left for this container",
                "add one, such as `db: &Container`; or say with `name = \"_\"` that it needs none",
            ),
        }
    }
    let is_misnamed = asked.iter().zip(&bound).any(|(asked, bound)| {
        bound.is_none() && asked.name.as_ref().is_some_and(|name| name.value() != "_")
    });
    for (input, _) in &open {
        // Else it may be the one that was meant.
        if is_misnamed {
            break;
        }
        if testing != Testing::WithOthers && matches!(input, FnArg::Typed(_)) {
            problems.add(
                input.span(),
                "no container is left for this parameter",
                "write a `#[with_container(..)]` for it",
            );
        }
    }
    Parameters { bound, others: open.into_iter().map(|(input, _)| input).collect() }
}

fn typed(input: FnArg) -> Option<PatType> {
    match input {
        FnArg::Typed(typed) => Some(typed),
        FnArg::Receiver(_) => None,
    }
}

/// The name of the parameter that an attribute is bound to, for what is told at run time.
pub(crate) fn name_of_bound(parameter: &PatType) -> Option<String> {
    match &*parameter.pat {
        Pat::Ident(ident) => Some(ident.ident.to_string()),
        _ => None,
    }
}

fn name_of(input: &FnArg) -> Option<String> {
    match input {
        FnArg::Typed(typed) => name_of_bound(typed),
        FnArg::Receiver(_) => None,
    }
}

/// Whether a type is written as a container is: `Container`, `&Container`, `longshore::blocking::Container`; or as a service's handle:
/// `PostgresContainer`, `Running<Postgres>`.
fn is_written_container(ty: &Type) -> bool {
    match ty {
        Type::Reference(reference) => is_written_container(&reference.elem),
        Type::Paren(paren) => is_written_container(&paren.elem),
        Type::Group(group) => is_written_container(&group.elem),
        Type::Path(path) => {
            path.path.segments.last().is_some_and(|segment| is_handle(&segment.ident.to_string()))
        }
        _ => false,
    }
}

fn is_handle(name: &str) -> bool {
    name.ends_with("Container") || name == "Running"
}
