//! One attribute, read: the request that it stands for, as an expression, and the parameter that it is for.

use longshore_syntax::{parse_run, run_flag, ImageReference, Standing, RUN_FLAGS};
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned, ToTokens};
use syn::{spanned::Spanned, Expr, LitStr, Path};

use crate::arguments::{Arguments, Value, Written};
use crate::literal::{placed, refuse, text};
use crate::options::{check_of_flag, option, OPTIONS};
use crate::problems::Problems;
use crate::values::{calls, did_you_mean};

/// A container that a test asks for.
pub(crate) struct Asked {
    /// The place of what is run, for what is said about the whole of it.
    pub(crate) span: Span,
    /// What it is and its options: an expression of the type `Wanted`.
    pub(crate) wanted: TokenStream,
    /// `name = ".."`: the parameter, or `_` for none.
    pub(crate) name: Option<LitStr>,
    /// `fresh_database`: it is for a database on what is asked for.
    pub(crate) has_fresh_database: bool,
    /// `shared`: whether all tests of the run have the same one; an expression of the type `bool`.
    pub(crate) shared: Option<TokenStream>,
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
        let (start, span) = match (first, line) {
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
        let mut asked = Asked {
            span,
            wanted: TokenStream::new(),
            name: None,
            has_fresh_database: false,
            shared: None,
        };
        let mut said = TokenStream::new();
        let mut seen: Vec<&str> = Vec::new();
        for written in options {
            if written.name == "name" {
                asked.take_name(written, problems);
                continue;
            }
            if written.name == "shared" {
                asked.take_shared(written, problems);
                continue;
            }
            if written.name == "fresh_database" {
                asked.take_fresh_database(written, problems);
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
            said.extend(calls(row, written, krate, problems));
        }
        // Said to the request in its place, since an option may have a `?` of the test's.
        let krate = placed(krate, span);
        asked.wanted = match said.is_empty() {
            true => quote_spanned!(span=> #krate::__private::request(#start)),
            false => quote_spanned! {span=> {
                let mut wanted = #krate::__private::request(#start);
                wanted.request = wanted.request #said;
                wanted
            }},
        };
        if asked.has_fresh_database {
            let wanted = asked.wanted;
            asked.wanted = quote_spanned!(span=> #krate::__private::fresh_database(#wanted));
        }
        asked
    }

    fn take_shared(&mut self, written: Written, problems: &mut Problems) {
        let span = written.value.span(written.span);
        let is_set = !matches!(written.value, Value::With(..));
        if self.shared.is_some() {
            problems.add(written.span, "`shared` is given twice", "write it once");
        }
        self.shared = match &written.value.into_values()[..] {
            [] if is_set => Some(quote!(true)),
            [value] if is_set => Some(value.to_token_stream()),
            _ => {
                let hint =
                    "write `shared`; two containers of one request are told apart by a `label`";
                problems.add(span, "`shared` takes no value", hint);
                None
            }
        };
    }

    fn take_fresh_database(&mut self, written: Written, problems: &mut Problems) {
        let span = written.value.span(written.span);
        if self.has_fresh_database {
            problems.add(written.span, "`fresh_database` is given twice", "write it once");
        }
        if matches!(written.value, Value::Bare) {
            self.has_fresh_database = true;
            return;
        }
        let hint = "write `fresh_database`; what it is a copy of is said to the service: `services::postgres().template(\"schema.sql\")`";
        problems.add(span, "`fresh_database` takes no value", hint);
    }

    fn take_name(&mut self, written: Written, problems: &mut Problems) {
        let span = written.value.span(written.span);
        let hint =
            "write `name = \"cache\"` for the parameter `cache`, `name = \"_\"` for none of them; \
                    Docker's `--name` is `container_name = \"..\"` here";
        if self.name.is_some() {
            problems.add(span, "`name` is given twice", hint);
            return;
        }
        match &written.value.into_values()[..] {
            [value] => match text(value) {
                Some(name)
                    if syn::parse_str::<syn::Ident>(&name.value()).is_ok()
                        || name.value() == "_" =>
                {
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
                    format!("write `run = {word:?}`"),
                ),
                false => refuse(image, &error, problems),
            }
        }
        let krate = placed(krate, image.span());
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
    first.to_token_stream()
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
    let krate = placed(krate, span);
    quote_spanned!(span=> #krate::__private::run_line(#value))
}

/// What is said of an option that there is not: the one that was meant, if that can be told.
fn unknown(name: &str) -> (String, String) {
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
            let more = ["run", "name", "shared", "fresh_database", "crate"];
            let known = OPTIONS.iter().map(|row| row.name).chain(more);
            did_you_mean(name, known).unwrap_or_else(|| {
                "each builder method of `ContainerRequest` is an option of the same name".into()
            })
        }
    };
    (what, hint)
}

#[cfg(test)]
mod tests {
    use quote::quote;
    use syn::parse_quote;

    use super::*;

    /// What the arguments are as a request, and what is wrong with them.
    fn read(arguments: TokenStream) -> (String, String) {
        let mut problems = Problems::default();
        let arguments = Arguments::read(arguments, &mut problems);
        let asked = Asked::new(arguments, Span::call_site(), &parse_quote!(l), &mut problems);
        (asked.wanted.to_string(), problems.into_tokens().to_string())
    }

    fn check(arguments: TokenStream, wanted: TokenStream) {
        assert_eq!(read(arguments), (wanted.to_string(), String::new()));
    }

    fn with_options(start: TokenStream, calls: TokenStream) -> TokenStream {
        quote!({
            let mut wanted = l::__private::request(#start);
            wanted.request = wanted.request #calls;
            wanted
        })
    }

    fn check_options(options: TokenStream, calls: TokenStream) {
        let start = quote!(l::ContainerRequest::new("a"));
        check(quote!("a", #options), with_options(start, calls));
    }

    #[test]
    fn what_is_run() {
        let image = quote!(l::ContainerRequest::new("redis:7.0"));
        check(quote!("redis:7.0"), quote!(l::__private::request(#image)));
        let line = quote!(l::__private::run_line("--rm redis:7.0"));
        check(quote!(run = "--rm redis:7.0"), quote!(l::__private::request(#line)));
        check(quote!(mine::broker(1)), quote!(l::__private::request(mine::broker(1))));
        check(quote!(IMAGE, tty), with_options(quote!(IMAGE), quote!(.tty())));
        check(
            quote!(IMAGE, fresh_database, shared),
            quote!(l::__private::fresh_database(l::__private::request(IMAGE))),
        );
        let line = quote!(l::__private::run_line("a"));
        check(quote!(run = "a", tty), with_options(line, quote!(.tty())));
    }

    #[test]
    fn options_in_each_form() {
        check_options(quote!(init, rm, tty), quote!(.init().rm(true).tty()));
        check_options(quote!(rm = false), quote!(.rm(false)));
        check_options(
            quote!(publish = "80", publish("81", "82")),
            quote!(.publish("80").publish("81").publish("82")),
        );
        check_options(quote!(env("A" = "b", "C" = D)), quote!(.env("A", "b").env("C", D)));
        check_options(quote!(env("A", "b")), quote!(.env("A", "b")));
        check_options(quote!(cmd = ["sh", "-c"]), quote!(.cmd(["sh", "-c"])));
        check_options(quote!(cmd("sh", "-c")), quote!(.cmd(["sh", "-c"])));
        check_options(quote!(entrypoint = "sh"), quote!(.entrypoint(["sh"])));
        check_options(quote!(cmd = words()), quote!(.cmd(words())));
        check_options(quote!(cmd = []), quote!(.cmd(::core::iter::empty::<&'static str>())));
        check_options(quote!(copy_to("a", "/b")), quote!(.copy_to("a", "/b")));
        check_options(
            quote!(start_timeout = "1m30s"),
            quote!(.start_timeout(::core::time::Duration::new(90u64, 0u32))),
        );
        check_options(quote!(start_timeout = LIMIT), quote!(.start_timeout(LIMIT)));
        check_options(quote!(pull = "never"), quote!(.pull(l::PullPolicy::Never)));
        check_options(
            quote!(memory = "512m", memory_swap = "-1", cpus = 1.5),
            quote!(.memory("512m").memory_swap("-1").cpus(1.5)),
        );
        check_options(quote!(container_name = "db", name = "it"), quote!(.name("db")));
        check_options(
            quote!(stop_timeout = "10", stop_signal("SIGINT")),
            quote!(.stop_timeout("10").stop_signal("SIGINT")),
        );
    }

    #[test]
    fn waits_in_each_form() {
        check_options(
            quote!(wait = log("ready", times = 2, stderr, timeout = "5s")),
            quote!(.wait(l::Wait::log("ready").times(2).stderr().timeout(::core::time::Duration::new(5u64, 0u32)))),
        );
        check_options(
            quote!(wait = log("ready").times(2)),
            quote!(.wait(l::Wait::log("ready").times(2))),
        );
        check_options(
            quote!(wait = http("/", port = 80, status = 200, header("A", "b"))),
            quote!(.wait(l::Wait::http("/").port(80).status(200).header("A", "b"))),
        );
        check_options(
            quote!(wait = healthy, wait = exit(code = 3)),
            quote!(.wait(l::Wait::healthy()).wait(l::Wait::exit().code(3))),
        );
        check_options(
            quote!(wait = exec("a", "b", code = 1)),
            quote!(.wait(l::Wait::exec(["a", "b"]).code(1))),
        );
        check_options(quote!(wait = exec(["a"])), quote!(.wait(l::Wait::exec(["a"]))));
        check_options(
            quote!(wait = any(port("80"), file("/a"), timeout = T)),
            quote!(.wait(l::Wait::any([l::Wait::from(l::Wait::port("80")), l::Wait::from(l::Wait::file("/a"))]).timeout(T))),
        );
        check_options(quote!(wait = Wait::ports()), quote!(.wait(Wait::ports())));
        check_options(quote!(wait = { mine() }), quote!(.wait({ mine() })));
    }

    #[test]
    fn an_option_that_there_is_not_is_explained() {
        for (name, hint) in [
            ("publsh", "did you mean `publish`?"),
            ("cap-add", "it is written `cap_add` here"),
            ("e", "it is written `env` here"),
            ("net", "it is written `network` here"),
            ("detach", "it concerns the terminal of `docker run`; leave it away"),
            ("share", "did you mean `shared`?"),
            ("qqqqqq", "each builder method of `ContainerRequest` is an option of the same name"),
        ] {
            assert_eq!(unknown(name).1, hint, "{name}");
        }
    }
}
