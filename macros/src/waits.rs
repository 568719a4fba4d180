//! The words behind `wait =`: one table, a row for each constructor of `Wait`, with its builder methods as settings. A test
//! compares it with the methods.

use longshore_syntax::{ContainerPort, SyntaxError};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned, ToTokens};
use syn::{spanned::Spanned, Expr, ExprCall, Ident, Path};

use crate::literal::{duration, placed, text};
use crate::options::Check;
use crate::problems::Problems;
use crate::values::{did_you_mean, one};

/// A wait.
struct Word {
    name: &'static str,
    takes: Takes,
    settings: &'static [Setting],
}

/// What stands between its parentheses before the settings.
enum Takes {
    Nothing,
    One(Check),
    Time,
    /// `exec("pg_isready", "-q")`, or a list of words.
    Words,
    /// Other waits.
    Waits,
}

/// `name = value` between its parentheses.
type Setting = (&'static str, Sets);

#[derive(Clone, Copy)]
enum Sets {
    /// A name alone: `stdout`.
    Switch,
    One,
    Time,
    /// `header("name", "value")`
    Two,
}

const TIMEOUT: Setting = ("timeout", Sets::Time);
const INTERVAL: Setting = ("interval", Sets::Time);
const LOG: &[Setting] =
    &[("times", Sets::One), ("stdout", Sets::Switch), ("stderr", Sets::Switch), TIMEOUT];
const HTTP: &[Setting] = &[
    ("port", Sets::One),
    ("method", Sets::One),
    ("header", Sets::Two),
    ("body", Sets::One),
    ("basic_auth", Sets::Two),
    ("bearer_auth", Sets::One),
    ("status", Sets::One),
    ("status_in", Sets::One),
    ("body_contains", Sets::One),
    ("body_matches", Sets::One),
    ("trust_any_certificate", Sets::Switch),
    ("trust_authorities", Sets::One),
    TIMEOUT,
    INTERVAL,
];
const EXEC: &[Setting] = &[
    ("code", Sets::One),
    ("output_contains", Sets::One),
    ("output_matches", Sets::One),
    TIMEOUT,
    INTERVAL,
];

const fn word(name: &'static str, takes: Takes, settings: &'static [Setting]) -> Word {
    Word { name, takes, settings }
}

const ANYTHING: Takes = Takes::One(|_| Ok(()));

const TCP: &[Setting] = &[
    ("send", Sets::One),
    ("answer_contains", Sets::One),
    ("answer_matches", Sets::One),
    TIMEOUT,
    INTERVAL,
];

const WORDS: &[Word] = &[
    word("log", ANYTHING, LOG),
    word("log_matches", ANYTHING, LOG),
    word("port", Takes::One(port), &[TIMEOUT, INTERVAL]),
    word("ports", Takes::Nothing, &[TIMEOUT, INTERVAL]),
    word("tcp", Takes::One(port), TCP),
    word("http", ANYTHING, HTTP),
    word("https", ANYTHING, HTTP),
    word("exec", Takes::Words, EXEC),
    word("healthy", Takes::Nothing, &[TIMEOUT, INTERVAL]),
    word("exit", Takes::Nothing, &[("code", Sets::One), TIMEOUT]),
    word("file", ANYTHING, &[TIMEOUT, INTERVAL]),
    word("duration", Takes::Time, &[]),
    word("running", Takes::Nothing, &[]),
    word("all", Takes::Waits, &[TIMEOUT]),
    word("any", Takes::Waits, &[TIMEOUT]),
];

fn port(text: &str) -> Result<(), SyntaxError> {
    text.parse::<ContainerPort>().map(drop)
}

/// The `Wait` that an expression stands for. What does not begin with a single word is the user's own and is left alone.
pub(crate) fn wait(expr: &Expr, krate: &Path, problems: &mut Problems) -> TokenStream {
    match expr {
        Expr::MethodCall(call) => {
            let mut call = call.clone();
            let receiver = wait(&call.receiver, krate, problems);
            call.receiver = Box::new(Expr::Verbatim(receiver));
            call.into_token_stream()
        }
        Expr::Call(ExprCall { func, args, .. }) => match single_word(func) {
            Some(name) => made(name, args.iter().collect(), krate, problems),
            None => expr.to_token_stream(),
        },
        Expr::Path(_) => match single_word(expr) {
            Some(name) => made(name, Vec::new(), krate, problems),
            None => expr.to_token_stream(),
        },
        Expr::Lit(lit) => {
            let hint = "write `log(\"..\")`, `port(..)`, `http(\"/..\")`, ..";
            problems.add(lit.span(), "`wait` takes what is waited for", hint);
            TokenStream::new()
        }
        _ => expr.to_token_stream(),
    }
}

fn single_word(expr: &Expr) -> Option<&Ident> {
    match expr {
        Expr::Path(path) if path.qself.is_none() => path.path.get_ident(),
        _ => None,
    }
}

fn made(name: &Ident, arguments: Vec<&Expr>, krate: &Path, problems: &mut Problems) -> TokenStream {
    let Some(word) = WORDS.iter().find(|word| name == word.name) else {
        let known = WORDS.iter().map(|word| word.name);
        let meant = did_you_mean(&name.to_string(), known).map(|meant| meant + " ");
        let hint = format!(
            "{}a wait of your own is written with a path or in braces: `wait = {{ {name}(..) }}`",
            meant.unwrap_or_default()
        );
        problems.add(name.span(), format!("there is no wait `{name}`"), hint);
        return TokenStream::new();
    };
    let mut values = Vec::new();
    let mut settings = TokenStream::new();
    for argument in arguments {
        match setting(word, argument, problems) {
            Some(setting) => settings.extend(setting),
            None => values.push(argument),
        }
    }
    let value = word.value(name, &values, krate, problems);
    quote!(#krate::Wait::#name(#value) #settings)
}

impl Word {
    fn value(
        &self,
        name: &Ident,
        values: &[&Expr],
        krate: &Path,
        problems: &mut Problems,
    ) -> TokenStream {
        match (&self.takes, values) {
            (Takes::Nothing, []) => TokenStream::new(),
            (Takes::One(check), [value]) => one(value, *check, problems),
            (Takes::Time, [value]) => duration(value, problems),
            (Takes::Words, [value]) if text(value).is_none() => value.to_token_stream(),
            (Takes::Words, [_, ..]) => quote!([#(#values),*]),
            (Takes::Waits, [_, ..]) => {
                let waits = values.iter().map(|value| {
                    let inner = wait(value, krate, problems);
                    let krate = placed(krate, value.span());
                    quote_spanned!(value.span()=> #krate::Wait::from(#inner))
                });
                quote!([#(#waits),*])
            }
            _ => {
                let takes = match self.takes {
                    Takes::Nothing => "nothing but settings",
                    Takes::One(_) | Takes::Time => "one value",
                    Takes::Words => "the words of a command",
                    Takes::Waits => "at least one wait",
                };
                let span = values.last().map_or(name.span(), Spanned::span);
                problems.add(span, format!("`{name}` takes {takes}"), self.settings_in_words());
                TokenStream::new()
            }
        }
    }

    fn settings_in_words(&self) -> String {
        if self.settings.is_empty() {
            return String::new();
        }
        let names: Vec<_> = self.settings.iter().map(|(name, _)| format!("`{name}`")).collect();
        format!("its settings are {}", names.join(", "))
    }
}

/// The call of a setting: `times = 2`, `stdout`, `header("name", "value")`. `None` for what is no setting.
fn setting(word: &Word, argument: &Expr, problems: &mut Problems) -> Option<TokenStream> {
    let (name, values): (&Ident, Vec<&Expr>) = match argument {
        Expr::Assign(assign) => (single_word(&assign.left)?, vec![&assign.right]),
        Expr::Call(call) => (single_word(&call.func)?, call.args.iter().collect()),
        other => (single_word(other)?, Vec::new()),
    };
    let Some((_, sets)) = word.settings.iter().find(|(known, _)| name == known) else {
        if !matches!(argument, Expr::Assign(_)) {
            // A value: a constant, or a wait of `all` and `any`.
            return None;
        }
        let hint = did_you_mean(&name.to_string(), word.settings.iter().map(|(name, _)| *name))
            .unwrap_or_else(|| word.settings_in_words());
        problems.add(name.span(), format!("`{}` has no setting `{name}`", word.name), hint);
        return Some(TokenStream::new());
    };
    let arguments = match (sets, &values[..]) {
        (Sets::Switch, []) => TokenStream::new(),
        (Sets::One, [value]) => value.to_token_stream(),
        (Sets::Time, [value]) => duration(value, problems),
        (Sets::Two, [first, second]) => quote!(#first, #second),
        _ => {
            let hint = match sets {
                Sets::Switch => format!("write `{name}`"),
                Sets::One | Sets::Time => format!("write `{name} = ..`"),
                Sets::Two => format!("write `{name}(.., ..)`"),
            };
            problems.add(argument.span(), format!("`{name}` is written otherwise"), hint);
            TokenStream::new()
        }
    };
    Some(quote!(.#name(#arguments)))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    /// The public methods in a file of `src/wait`, with a receiver or without.
    fn methods(file: &str, with_receiver: bool) -> BTreeSet<String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src/wait").join(file);
        let text = fs::read_to_string(path).expect("the library's sources are beside this crate");
        let mut methods = BTreeSet::new();
        for part in text.split("    pub fn ").skip(1) {
            let (head, _) = part.split_once('{').expect("a body");
            if (head.contains("(self") || head.contains("(mut self")) == with_receiver {
                methods.insert(head.split(['(', '<']).next().expect("a name").to_owned());
            }
        }
        let limits = text.split("limits_methods!(").nth(1).filter(|_| with_receiver);
        for limit in limits.into_iter().flat_map(|limits| limits.split(')').next()) {
            methods.extend(limit.split(", ").map(str::to_owned));
        }
        methods
    }

    #[test]
    fn each_constructor_is_a_word_and_each_word_a_constructor() {
        let words: BTreeSet<_> = WORDS.iter().map(|word| word.name.to_owned()).collect();
        assert_eq!(words, methods("strategies.rs", false));
    }

    #[test]
    fn each_builder_method_of_a_wait_is_a_setting_and_each_setting_a_method() {
        for (name, file) in [
            ("log", "log.rs"),
            ("log_matches", "log.rs"),
            ("port", "port.rs"),
            ("ports", "port.rs"),
            ("tcp", "tcp.rs"),
            ("http", "http.rs"),
            ("https", "http.rs"),
            ("exec", "exec.rs"),
            ("healthy", "health.rs"),
            ("exit", "exit.rs"),
            ("file", "file.rs"),
            ("all", "strategies.rs"),
            ("any", "strategies.rs"),
        ] {
            let word = WORDS.iter().find(|word| word.name == name).expect("a word");
            let settings: BTreeSet<_> =
                word.settings.iter().map(|(name, _)| (*name).to_owned()).collect();
            assert_eq!(settings, methods(file, true), "{name}");
        }
    }
}
