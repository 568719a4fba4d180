//! Files of variables or labels, one a line: `--env-file` and `--label-file`.
//!
//! Only the content is seen here. It may hold secrets, so that an error never shows a value.

use crate::error::{Problem, SyntaxError};

/// A line of an env file: a variable, perhaps with its value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EnvEntry {
    name: String,
    value: Option<String>,
}

impl EnvEntry {
    /// The name, without white space.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value, verbatim; `None` where the line is a name alone. A variable then gets the value
    /// that it has where the file is read, and is left away if it has none; a label is empty.
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }
}

impl std::fmt::Display for EnvEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{}={value}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// Reads the content of a file for `docker run --env-file` or `--label-file`, as Docker does
/// (docker/cli, `pkg/kvfile`).
///
/// Each line is `NAME=value` or a `NAME` alone. The value is everything after the first `=`: quotes
/// are part of it, and so are spaces at its end and a `#`. White space before the name, empty
/// lines, lines that begin with `#` and a byte order mark are skipped. Nothing is replaced in a
/// value.
///
/// Stricter than Docker: no kind of white space and no byte order mark may be in a name.
///
/// # Errors
///
/// When a line has no name or white space in its name. The message says which line; the
/// [input](SyntaxError::input) of the error is the line up to its `=`, so that no value is in it.
///
/// # Examples
///
/// ```
/// use longshore_syntax::parse_env_file;
///
/// let entries = parse_env_file("# the database\nPGUSER=app\nPGPASSWORD\n")?;
/// assert_eq!(entries[0].name(), "PGUSER");
/// assert_eq!(entries[0].value(), Some("app"));
/// assert_eq!(entries[1].value(), None);
/// # Ok::<(), longshore_syntax::SyntaxError>(())
/// ```
pub fn parse_env_file(content: &str) -> Result<Vec<EnvEntry>, SyntaxError> {
    let content = content.strip_prefix('\u{feff}').unwrap_or(content);
    let mut entries = Vec::new();
    for (at, line) in content.split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line).trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, value) = match line.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (line, None),
        };
        check_name(name).map_err(|problem| {
            problem.before(&format!("line {} of the file", at + 1)).alone(name)
        })?;
        entries.push(EnvEntry { name: name.to_owned(), value });
    }
    Ok(entries)
}

fn check_name(name: &str) -> Result<(), Problem> {
    if name.is_empty() {
        return Err(Problem::new("there is no name before the `=`")
            .hint("write `NAME=value`, or begin the line with `#` for a comment"));
    }
    if !name.contains(is_blank) {
        return Ok(());
    }
    let problem = Problem::new(format!("the name `{name}` has white space in it"));
    Err(match name.strip_prefix("export ") {
        Some(rest) if !rest.trim().contains(is_blank) => problem.hint("leave `export` away"),
        _ if !name.trim().contains(is_blank) => {
            problem.hint(format!("write `{}` without white space after it", name.trim()))
        }
        _ => problem.hint("write `NAME=value`, or begin the line with `#` for a comment"),
    })
}

/// A byte order mark looks like nothing at all, and is left over where files are put together.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || c == '\u{feff}'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(content: &str, entries: &[(&str, Option<&str>)]) {
        let found = parse_env_file(content).unwrap_or_else(|error| panic!("{error}"));
        let found: Vec<_> = found.iter().map(|entry| (entry.name(), entry.value())).collect();
        assert_eq!(found, entries, "{content}");
    }

    fn check_error(content: &str, displayed: &str, input: &str) {
        let error = parse_env_file(content).unwrap_err();
        assert_eq!(error.to_string(), displayed);
        assert_eq!(error.input(), input);
    }

    #[test]
    fn a_value_is_verbatim() {
        check(
            "A=b\nQ=\"x y\" # no comment \nE=\nU=a=b=c\nD=$A\r\n  I=1",
            &[
                ("A", Some("b")),
                ("Q", Some("\"x y\" # no comment ")),
                ("E", Some("")),
                ("U", Some("a=b=c")),
                ("D", Some("$A")),
                ("I", Some("1")),
            ],
        );
    }

    #[test]
    fn a_name_alone_has_no_value() {
        check("HOME\n\tPATH\r\nX", &[("HOME", None), ("PATH", None), ("X", None)]);
    }

    #[test]
    fn comments_and_empty_lines_are_skipped() {
        check("", &[]);
        check("\u{feff}# a\n\n  # b\n \t \r\nA=#c\n", &[("A", Some("#c"))]);
        check("\u{feff}A=b", &[("A", Some("b"))]);
    }

    #[test]
    fn an_error_names_the_line_and_no_value() {
        check_error(
            "A=b\n\nexport TOKEN=secret",
            "line 3 of the file: the name `export TOKEN` has white space in it\n\
             hint: leave `export` away",
            "export TOKEN",
        );
        check_error(
            "TOKEN =secret",
            "line 1 of the file: the name `TOKEN ` has white space in it\n\
             hint: write `TOKEN` without white space after it",
            "TOKEN ",
        );
        let hint = "write `NAME=value`, or begin the line with `#` for a comment";
        check_error(
            "a b c",
            &format!("line 1 of the file: the name `a b c` has white space in it\nhint: {hint}"),
            "a b c",
        );
        check_error(
            "A=b\n =secret",
            &format!("line 2 of the file: there is no name before the `=`\nhint: {hint}"),
            "",
        );
    }
}
