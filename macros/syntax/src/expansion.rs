//! What a shell would have replaced in a line, and what to write instead: a line that is pasted from a README most often has a
//! `$PWD` in it.
//!
//! Nothing is replaced here, ever: the directory and the variables of the process that reads a line are not those of whoever
//! wrote it.

use crate::{error::Problem, words::quote_word};

/// The ways to write the working directory, PowerShell's among them; the longer ones first.
const WORKING_DIRECTORY: [&str; 6] = ["${PWD}", "${pwd}", "$(pwd)", "`pwd`", "$PWD", "$pwd"];

/// What a shell would replace at the start of `text`, which is a `$` or a backtick. `None` where the `$` means itself.
pub(crate) fn expansion(text: &str, is_quoted: bool) -> Option<&str> {
    let within = |open: usize, close: char| match text[open..].find(close) {
        Some(end) => &text[..open + end + 1],
        None => &text[..open],
    };
    let mut chars = text.chars();
    if chars.next() == Some('`') {
        return Some(within(1, '`'));
    }
    let second = chars.next()?;
    match second {
        '{' => Some(within(2, '}')),
        '(' => Some(within(2, ')')),
        '\'' | '"' if !is_quoted => Some(&text[..2]),
        '@' | '*' | '#' | '?' | '-' | '$' | '!' | '0'..='9' => Some(&text[..2]),
        c if c == '_' || c.is_ascii_alphabetic() => {
            let name = &text[1..];
            let end = name.find(|c: char| c != '_' && !c.is_ascii_alphanumeric());
            Some(&text[..1 + end.unwrap_or(name.len())])
        }
        _ => None,
    }
}

/// The problem with `expansion`, which stands in the word at the start of `rest`, within double quotes or not. `before` is the
/// word before that one.
pub(crate) fn not_replaced(
    expansion: &str,
    is_quoted: bool,
    rest: &str,
    before: Option<&str>,
) -> Problem {
    if matches!(expansion, "$'" | "$\"") {
        return Problem::new(format!("`{expansion}` is not plain `sh`"))
            .hint("leave the `$` away, and write the characters themselves");
    }
    let is_command = expansion.starts_with("$(") || expansion.starts_with('`');
    let done = if is_command { "run" } else { "replaced" };
    let problem = Problem::new(match expansion {
        // A message within backticks cannot show those very well.
        _ if expansion.starts_with('`') => {
            format!("the command {expansion} is not {done}: no shell reads this line")
        }
        _ => format!("`{expansion}` is not {done}: no shell reads this line"),
    });
    let word = without_quotes(whole_word(rest));
    if WORKING_DIRECTORY.contains(&expansion) {
        return problem.hint(instead_of_directory(&word, before));
    }
    if let Some(name) = passed_on(&word, before) {
        return problem
            .hint(format!("to pass its value on as it is here, write `-e {name}` alone"));
    }
    problem.hint(match (is_command, is_quoted) {
        (true, _) => "write what it gives, or put it in single quotes to pass it on",
        (_, false) => "write its value, or put it in single quotes to pass it on",
        (_, true) => r"write its value, or `\$` to pass it on",
    })
}

/// How to write a word with the working directory in it.
fn instead_of_directory(word: &str, before: Option<&str>) -> String {
    let spelling = WORKING_DIRECTORY.into_iter().find(|spelling| word.contains(spelling));
    let dotted = spelling.map(|spelling| word.replacen(spelling, ".", 1)).unwrap_or_default();
    let (option, value) = match dotted.split_once('=') {
        Some((option, value)) if dotted.starts_with("--") => (option, value),
        _ => match dotted.strip_prefix("-v") {
            Some(value) => ("-v", value.trim_start_matches('=')),
            None => (before.unwrap_or_default(), dotted.as_str()),
        },
    };
    let is_source = match option {
        "-v" | "--volume" => value.starts_with("./") || value.starts_with(".:"),
        "--mount" => value.split(',').any(|field| {
            let source = field.strip_prefix("source=").or_else(|| field.strip_prefix("src="));
            source.is_some_and(|source| source == "." || source.starts_with("./"))
        }),
        _ => false,
    };
    if !is_source || value.contains(['$', '`']) {
        return "write the directory in full; the source of a volume may begin with `.` for the working directory, \
                as in `-v ./data:/data`"
            .to_owned();
    }
    format!("for the working directory write `.`: `{option} {}`", quote_word(value))
}

/// The name in `NAME=$NAME`, given to `-e`.
fn passed_on<'w>(word: &'w str, before: Option<&str>) -> Option<&'w str> {
    let assignment = match word.strip_prefix("--env=").or_else(|| word.strip_prefix("-e")) {
        Some(assignment) => assignment.trim_start_matches('='),
        None if matches!(before, Some("-e" | "--env")) => word,
        None => return None,
    };
    let (name, value) = assignment.split_once('=')?;
    let inner = value.strip_prefix('$')?;
    let variable = inner.strip_prefix('{').and_then(|inner| inner.strip_suffix('}'));
    (variable.unwrap_or(inner) == name && !name.is_empty()).then_some(name)
}

/// The word at the start of `text` as it is written: up to a blank that is not quoted.
fn whole_word(text: &str) -> &str {
    let (mut quote, mut depth) = (None, 0_usize);
    let end = text.char_indices().find(|(_, c)| {
        match (quote, c) {
            (Some(open), c) if open == *c => quote = None,
            (None, '\'' | '"' | '`') => quote = Some(*c),
            (None, '(' | '{') => depth += 1,
            (None, ')' | '}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        quote.is_none() && depth == 0 && c.is_whitespace()
    });
    end.map_or(text, |(end, _)| &text[..end])
}

fn without_quotes(word: &str) -> String {
    word.replace(['\'', '"'], "")
}

#[cfg(test)]
mod tests {
    use crate::split_words;

    fn check(line: &str, hint: &str) {
        let error = split_words(line).unwrap_err();
        assert_eq!(error.hint(), Some(hint), "{line}");
    }

    #[test]
    fn the_working_directory_as_a_source_is_a_dot() {
        let hint = |shown| format!("for the working directory write `.`: `{shown}`");
        for (line, shown) in [
            ("-v $PWD:/x", "-v .:/x"),
            ("-v ${PWD}/a:/x:ro redis", "-v ./a:/x:ro"),
            ("-v \"$(pwd)\":/x redis", "-v .:/x"),
            ("-v \"$(pwd)/a b\":/x redis", r"-v ./a\ b:/x"),
            ("--rm -v `pwd`/data:/x", "-v ./data:/x"),
            ("-v$PWD:/x", "-v .:/x"),
            ("--volume=$(pwd)/data:/data nginx", "--volume ./data:/data"),
            ("--volume ${pwd}:/data nginx", "--volume .:/data"),
            (
                "--mount type=bind,source=\"$(pwd)\"/t,target=/app x",
                "--mount type=bind,source=./t,target=/app",
            ),
            ("--mount=src=$PWD,dst=/app x", "--mount src=.,dst=/app"),
        ] {
            check(line, &hint(shown));
        }
    }

    #[test]
    fn elsewhere_it_is_written_in_full() {
        let hint = "write the directory in full; the source of a volume may begin with `.` for the working \
                    directory, as in `-v ./data:/data`";
        for line in
            ["-w $PWD", "-v $(pwd):$(pwd)", "-v a:$PWD", "-e DIR=$PWD", "$PWD", "-v $PWD/$A:/x"]
        {
            check(line, hint);
        }
    }

    #[test]
    fn a_variable_of_the_same_name_is_passed_on() {
        let hint = "to pass its value on as it is here, write `-e KEY` alone";
        for line in [
            "-e KEY=$KEY redis",
            "-e \"KEY=${KEY}\" redis",
            "--env KEY=\"$KEY\"",
            "--env=KEY=$KEY x",
            "-eKEY=$KEY",
        ] {
            check(line, hint);
        }
        let value = "write its value, or put it in single quotes to pass it on";
        for line in ["-e KEY=$OTHER", "-e KEY=$KEY/x", "-l KEY=$KEY", "KEY=$KEY", "-e KEY=${KEY:?}"]
        {
            check(line, value);
        }
    }
}
