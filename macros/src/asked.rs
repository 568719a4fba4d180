//! One attribute, read: the request that it stands for, as an expression, and the parameter that it is for.

use longshore_syntax::{parse_run, run_flag, ImageReference, Standing, RUN_FLAGS};
use proc_macro2::{Span, TokenStream};
use quote::{quote_spanned, ToTokens};
use syn::{spanned::Spanned, Expr, LitStr, Path};

use crate::arguments::{Arguments, Value, Written};
use crate::literal::{refuse, text};
use crate::options::{check_of_flag, option, OPTIONS};
use crate::problems::Problems;
use crate::values::{calls, did_you_mean};

/// A container that a test asks for.
pub(crate) struct Asked {
    /// The place of what is run, for what is said about the whole of it.
    pub(crate) span: Span,
    /// An expression of the type `ContainerRequest`.
    pub(crate) request: TokenStream,
    /// `name = ".."`: the parameter, or `_` for none.
    pub(crate) name: Option<LitStr>,
}

impl Asked {
    /// From the arguments of an attribute that stands at `span`.
    pub(crate) fn new(
        arguments: Arguments,
        span: Span,
        krate: &Path,
        problems: &mut Problems,
    ) -> Self {
        let Arguments { first, mut options, .. } = arguments;
        let line = options.iter().position(|option| option.name == "run");
        let line = line.map(|at| options.remove(at));
        let (mut request, span) = match (first, line) {
            (Some(first), None) => (start(&first, krate, problems), first.span()),
            (first, Some(line)) => {
                let span = line.value.span(line.span);
                if first.is_some() {
                    let hint = "the line has an image; write one or the other";
                    problems.add(line.span, "`run` beside an image", hint);
                }
                (run(line, krate, problems), span)
            }
            (None, None) => {
                problems.add(
                    span,
                    "the image is missing",
                    "it comes first: `#[with_container(\"postgres:15\", ..)]`; or `run = \"..\"`, or an expression that is a request",
                );
                (TokenStream::new(), span)
            }
        };
        let mut asked = Asked { span, request: TokenStream::new(), name: None };
        let mut seen: Vec<&str> = Vec::new();
        for written in options {
            if written.name == "name" {
                asked.take_name(written, problems);
                continue;
            }
            let Some(row) = option(&written.name) else {
                let (what, hint) = unknown(&written.name);
                problems.add(written.span, what, hint);
                continue;
            };
            if !row.is_repeated && seen.contains(&row.name) {
                let what = format!("`{}` is given twice", row.name);
                problems.add(written.span, what, "one of them would have no effect; write it once");
                continue;
            }
            seen.push(row.name);
            request.extend(calls(row, written, krate, problems));
        }
        asked.request = request;
        asked
    }

    fn take_name(&mut self, written: Written, problems: &mut Problems) {
        let span = written.value.span(written.span);
        let hint = "write `name = \"cache\"` for the parameter `cache`, `name = \"_\"` for none of them; \
                    Docker's `--name` is `container_name = \"..\"` here";
        if self.name.is_some() {
            problems.add(span, "`name` is given twice", hint);
            return;
        }
        match &written.value.into_values()[..] {
            [value] => match text(value) {
                Some(name) if syn::parse_str::<syn::Ident>(&name.value()).is_ok() || name.value() == "_" => {
                    self.name = Some(name.clone());
                }
                _ => problems.add(span, "`name` is not the name of a parameter", hint),
            },
            _ => problems.add(span, "`name` takes the name of a parameter", hint),
        }
    }
}

/// An image, or an expression that is a request.
fn start(first: &Expr, krate: &Path, problems: &mut Problems) -> TokenStream {
    if let Some(image) = text(first) {
        let word = image.value();
        if let Err(error) = ImageReference::parse_or_id(&word) {
            match word.contains(char::is_whitespace) && parse_run(&word).is_ok() {
                true => problems.add(
                    image.span(),
                    format!("`{word}` is not an image but a line"),
                    "write `run = \"..\"`",
                ),
                false => refuse(image, &error, problems),
            }
        }
        return quote_spanned!(image.span()=> #krate::ContainerRequest::new(#image));
    }
    let name = match first {
        Expr::Call(call) => call.func.to_token_stream().to_string(),
        other => other.to_token_stream().to_string(),
    };
    if option(&name).is_some() {
        let hint = format!(
            "the image comes first: `#[with_container(\"postgres:15\", {name} ..)]`; a function of that name is written with a path"
        );
        problems.add(first.span(), "the image is missing", hint);
    }
    quote_spanned!(first.span()=> #krate::__private::request(#first))
}

/// A line of `docker run`.
fn run(line: Written, krate: &Path, problems: &mut Problems) -> TokenStream {
    let span = line.value.span(line.span);
    let Value::Is(value) = line.value else {
        problems.add(span, "`run` takes a line of `docker run`", "write `run = \"..\"`");
        return TokenStream::new();
    };
    if let Some(literal) = text(&value) {
        match parse_run(&literal.value()) {
            Err(error) => refuse(literal, &error, problems),
            Ok(line) => {
                for option in line.options() {
                    let check = check_of_flag(option.flag().name());
                    if let Some(Err(error)) = check.map(|check| check(option.value())) {
                        refuse(literal, &error, problems);
                    }
                }
            }
        }
    }
    quote_spanned!(span=> #krate::__private::run_line(#value))
}

/// What is said of an option that there is not: the one that was meant, if that can be told.
fn unknown(name: &str) -> (String, String) {
    if name == "shared" {
        return (
            "there is no `shared` yet".into(),
            "each test has a container of its own for now; leave it away".into(),
        );
    }
    let what = format!("there is no option `{name}`");
    let as_flag = match name.len() {
        1 => RUN_FLAGS.iter().find(|flag| flag.short() == name.chars().next()),
        _ => run_flag(&name.replace('_', "-")),
    };
    let hint = match as_flag.map(|flag| (flag.standing(), flag.name().replace('-', "_"))) {
        Some((Standing::Request, method)) => format!("it is written `{method}` here"),
        Some((Standing::Unsupported(instead), _)) => instead.to_owned(),
        Some(_) => "it concerns the terminal of `docker run`; leave it away".into(),
        None => {
            let more = ["run", "name", "crate"];
            let known = OPTIONS.iter().map(|row| row.name).chain(more);
            did_you_mean(name, known).unwrap_or_else(|| {
                "each builder method of `ContainerRequest` is an option of the same name".into()
            })
        }
    };
    (what, hint)
}
