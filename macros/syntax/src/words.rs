//! The words of a command line, as a POSIX shell splits them, and the way back.
//!
//! A line is pasted from a terminal or a README, where a shell read it. Here none does, so whatever
//! a shell would replace or act on is an error: it must never become part of a word in silence.

use std::borrow::Cow;

use crate::{
    error::{Problem, SyntaxError},
    expansion::{expansion, not_replaced},
};

/// Splits a command into its words, as POSIX `sh` does for a line that is pasted into it
/// (POSIX.1-2024, Shell Command Language, 2.2 and 2.3).
///
/// Single quotes, double quotes and backslashes quote as they do there, a `#` at the start of a
/// word begins a comment, and a backslash at the end of a line (also before `\r\n`) joins it with
/// the next. A first word `$`, the prompt that READMEs show, is skipped. Patterns such as `*` and
/// `[::1]` and braces are kept as they are: nothing is looked up on disk.
///
/// # Errors
///
/// When a quote is not closed or a backslash is the last character. When a second command follows,
/// be it on a line of its own. When something unquoted is there that a shell would replace
/// (`$NAME`, `$(command)`, backticks, `~` at the start of a word) or act on (`|`, `&`, `;`, `<`,
/// `>`, parentheses); a variable or a command also within double quotes. And for characters that
/// only look like those of a command line: typographic quotes and no-break spaces.
///
/// # Examples
///
/// ```
/// use longshore_syntax::split_words;
///
/// let words = split_words(
///     r#"
///     $ docker run -e 'GREETING=hello world' \
///         --name web   # a comment
///     "#,
/// )?;
/// assert_eq!(words, ["docker", "run", "-e", "GREETING=hello world", "--name", "web"]);
///
/// let error = split_words("run -v $PWD/data:/data").unwrap_err();
/// assert_eq!(error.message(), "`$PWD` is not replaced: no shell reads this line");
/// assert_eq!(error.hint(), Some("for the working directory write `.`: `-v ./data:/data`"));
/// # Ok::<(), longshore_syntax::SyntaxError>(())
/// ```
pub fn split_words(line: &str) -> Result<Vec<String>, SyntaxError> {
    words(line).map_err(|problem| problem.alone(line))
}

/// Quotes a word so that [`split_words`] and a shell read it as that one word; the shortest of
/// three ways: backslashes, single quotes or double quotes. A word that needs no quotes is returned
/// as it is.
///
/// The patterns of a shell (`*`, `[`, `{`) are quoted too, so that the word can be pasted into one.
/// The character NUL cannot be part of any word, however it is quoted.
///
/// # Examples
///
/// ```
/// use longshore_syntax::quote_word;
///
/// assert_eq!(quote_word("8080:80"), "8080:80");
/// assert_eq!(quote_word(""), "''");
/// assert_eq!(quote_word("hello world, hello moon"), "'hello world, hello moon'");
/// assert_eq!(quote_word("it's"), r"it\'s");
/// ```
pub fn quote_word(word: &str) -> Cow<'_, str> {
    let is_plain = |(at, c): (usize, char)| match c {
        '~' | '#' => at > 0,
        c if c.is_ascii() => c.is_ascii_alphanumeric() || "_-./:=,@%+^~#".contains(c),
        c => !c.is_whitespace() && !c.is_control() && !is_typographic_quote(c),
    };
    if word.is_empty() {
        return Cow::Borrowed("''");
    }
    if word.char_indices().all(is_plain) {
        return Cow::Borrowed(word);
    }
    let single = format!("'{}'", word.replace('\'', r"'\''"));
    let double = || format!("\"{}\"", escape(word, |(_, c)| matches!(c, '$' | '`' | '"' | '\\')));
    let bare = || escape(word, |at| !is_plain(at));
    let mut shortest = single;
    // An interactive shell may look for `!` within double quotes.
    if !word.contains('!') {
        shortest = shorter(shortest, double());
    }
    // A backslash before the end of a line joins lines, it does not quote.
    if !word.contains(['\n', '\r']) {
        shortest = shorter(shortest, bare());
    }
    Cow::Owned(shortest)
}

fn escape(word: &str, is_special: impl Fn((usize, char)) -> bool) -> String {
    let mut escaped = String::with_capacity(word.len() + 2);
    for (at, c) in word.char_indices() {
        if is_special((at, c)) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

fn shorter(first: String, second: String) -> String {
    if second.len() < first.len() {
        second
    } else {
        first
    }
}

fn words(line: &str) -> Result<Vec<String>, Problem> {
    if line.contains('\0') {
        return Err(Problem::new("the line holds the character NUL").hint("leave it away"));
    }
    let mut reader = Reader { line, at: 0, start: 0 };
    let mut words: Vec<String> = Vec::new();
    reader.skip_lines();
    reader.skip_prompt();
    while !reader.rest().is_empty() {
        if !reader.is_at_newline() {
            let word = reader.word(words.last())?;
            words.push(word);
            reader.skip_blanks();
            continue;
        }
        let end = reader.at;
        reader.skip_lines();
        if !reader.rest().is_empty() && !words.is_empty() {
            return Err(reader.second_line(end));
        }
    }
    Ok(words)
}

/// What is left of a line. Between two words, and within one.
struct Reader<'a> {
    line: &'a str,
    at: usize,
    /// Where the word begins.
    start: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.line[self.at..]
    }

    fn take(&mut self, prefix: &str) -> bool {
        let is_there = self.rest().starts_with(prefix);
        if is_there {
            self.at += prefix.len();
        }
        is_there
    }

    fn is_at_newline(&self) -> bool {
        self.rest().starts_with('\n') || self.rest().starts_with("\r\n")
    }

    fn take_newline(&mut self) -> bool {
        self.take("\n") || self.take("\r\n")
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest().chars().next()?;
        self.at += c.len_utf8();
        Some(c)
    }

    /// Skips what may stand before a word: blanks, joined line ends, a comment.
    fn skip_blanks(&mut self) {
        while self.take(" ") || self.take("\t") || self.take("\\\n") || self.take("\\\r\n") {}
        if self.rest().starts_with('#') {
            let comment = self.rest();
            let end = comment.find('\n').unwrap_or(comment.len());
            // The `\r` of a line's end is not the comment's.
            self.at += comment[..end].trim_end_matches('\r').len();
            // One at the end of the text is.
            if end == comment.len() {
                self.at = self.line.len();
            }
        }
    }

    /// Skips what may stand before a command: empty lines and comments.
    fn skip_lines(&mut self) {
        self.skip_blanks();
        while self.take_newline() {
            self.skip_blanks();
        }
    }

    fn skip_prompt(&mut self) {
        if self.take("$ ") || self.take("$\t") {
            self.skip_blanks();
        }
    }

    /// The word that begins here, behind another one or not.
    fn word(&mut self, before: Option<&String>) -> Result<String, Problem> {
        let before = before.map(String::as_str);
        let mut word = String::new();
        self.start = self.at;
        if self.rest().starts_with('~') {
            return Err(Problem::new(
                "`~` is not replaced by the home directory: no shell reads this line",
            )
            .hint(r"write the directory in full, or `\~` for the character"));
        }
        while let Some(c) = self.rest().chars().next() {
            match c {
                ' ' | '\t' => break,
                _ if self.is_at_newline() => break,
                '$' | '`' => self.dollar(&mut word, before, Quotes::None)?,
                '|' | '&' | ';' | '<' | '>' | '(' | ')' => return Err(self.operator()),
                '\'' => self.single_quoted(&mut word)?,
                '"' => self.double_quoted(&mut word, before)?,
                '\\' => self.backslash(&mut word)?,
                c if is_typographic_quote(c) => {
                    return Err(Problem::new(format!("`{c}` does not quote"))
                        .hint(r#"quote with `'` or `"`"#));
                }
                c if c.is_whitespace() && !c.is_ascii() => {
                    let code = u32::from(c);
                    return Err(Problem::new(format!(
                        "the character U+{code:04X} looks like a space, and is none"
                    ))
                    .hint("type a space"));
                }
                c => {
                    word.push(c);
                    self.at += c.len_utf8();
                }
            }
        }
        Ok(word)
    }

    fn single_quoted(&mut self, word: &mut String) -> Result<(), Problem> {
        let quoted = &self.rest()[1..];
        let Some((inside, _)) = quoted.split_once('\'') else {
            return Err(not_closed('\'', quoted));
        };
        word.push_str(inside);
        self.at += inside.len() + 2;
        Ok(())
    }

    fn double_quoted(&mut self, word: &mut String, before: Option<&str>) -> Result<(), Problem> {
        self.at += 1;
        let quoted = self.rest();
        loop {
            match self.rest().chars().next() {
                None => return Err(not_closed('"', quoted)),
                Some('"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some('$' | '`') => self.dollar(word, before, Quotes::Double)?,
                Some('\\') => {
                    self.at += 1;
                    if self.take_newline() {
                        continue;
                    }
                    match self.rest().chars().next() {
                        Some(c @ ('$' | '`' | '"' | '\\')) => {
                            word.push(c);
                            self.at += 1;
                        }
                        _ => word.push('\\'),
                    }
                }
                Some(c) => {
                    word.push(c);
                    self.at += c.len_utf8();
                }
            }
        }
    }

    fn backslash(&mut self, word: &mut String) -> Result<(), Problem> {
        self.at += 1;
        if self.take_newline() {
            return Ok(());
        }
        match self.next() {
            Some(c) => {
                word.push(c);
                Ok(())
            }
            None => Err(Problem::new("the line ends with `\\`")
                .hint("leave it away, or write the line that it is to be joined with")),
        }
    }

    /// A `$` or a backtick: an error, or a `$` that means itself.
    fn dollar(
        &mut self,
        word: &mut String,
        before: Option<&str>,
        quotes: Quotes,
    ) -> Result<(), Problem> {
        let rest = self.rest();
        if rest.starts_with("$\\\n") || rest.starts_with("$\\\r\n") {
            return Err(Problem::new("a `$` and what follows it are on two lines")
                .hint("write them on one line"));
        }
        if rest.starts_with('`') && ends_line(&rest[1..]) {
            return Err(Problem::new(
                "a backtick at the end of a line joins lines in PowerShell only",
            )
            .hint("write `\\` at the end of each line but the last"));
        }
        let is_quoted = quotes == Quotes::Double;
        let Some(expansion) = expansion(rest, is_quoted) else {
            word.push('$');
            self.at += 1;
            return Ok(());
        };
        Err(not_replaced(expansion, is_quoted, &self.line[self.start..], before))
    }

    fn operator(&self) -> Problem {
        let rest = self.rest();
        if let Some(end) =
            rest.find('>').filter(|end| rest.starts_with('<') && is_name(&rest[1..*end]))
        {
            let placeholder = &rest[..=end];
            return Problem::new(format!("`{placeholder}` stands for something"))
                .hint("write what it stands for, or put it in quotes to pass it on as it is");
        }
        let doubled = ["||", "&&", ">>", "<<"].into_iter().find(|two| rest.starts_with(two));
        let operator = doubled.unwrap_or(&rest[..1]);
        let problem =
            Problem::new(format!("`{operator}` is for a shell, and no shell reads this line"));
        let is_last = rest[operator.len()..].trim().is_empty();
        match operator {
            "&" | ";" if is_last => problem.hint("leave it away"),
            "|" | "||" | "&&" | ";" => problem.hint(format!(
                "write one command; to have a shell in the container read it: \
                 `sh -c '.. {operator} ..'`"
            )),
            ">" | ">>" | "<" | "<<" => problem.hint(format!(
                "leave it and the file away, or write it in quotes to pass it on: `'{operator}'`"
            )),
            _ => {
                problem.hint(format!("to pass it on as it is, write it in quotes: `'{operator}'`"))
            }
        }
    }

    /// The problem with the word here, which is on a later line than the one that ended at `end`.
    fn second_line(&self, end: usize) -> Problem {
        let next = self.rest().lines().next().unwrap_or_default().trim_end();
        let problem = Problem::new(format!("a second command follows: `{}`", shortened(next)));
        let mut lines_before = self.line[..end].lines().rev().map(str::trim);
        let line_before = lines_before.next().unwrap_or_default();
        let joins = lines_before.next().is_some_and(|line| line.ends_with('\\'));
        if line_before.starts_with('#') && joins {
            problem.hint(format!(
                "a comment ends the command before it: leave `{}` away",
                shortened(line_before)
            ))
        } else if line_before.ends_with('\\') {
            problem.hint("remove the space between `\\` and the end of the line before it")
        } else if line_before.ends_with('^') {
            problem.hint(
                "`^` at the end of a line joins lines in Windows' `cmd` only: write `\\` in its place",
            )
        } else {
            problem.hint(
                "leave it away; or, to go on with the command, end the line before it with `\\`",
            )
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quotes {
    None,
    Double,
}

/// Whether nothing but blanks stands before the end of the line, and another line follows.
fn ends_line(text: &str) -> bool {
    let rest = text.trim_start_matches([' ', '\t']);
    rest.starts_with('\n') || rest.starts_with("\r\n")
}

/// Whether it is what stands between `<` and `>` in a manual.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic())
        && text.chars().all(|c| c.is_alphanumeric() || " _-.:/".contains(c))
}

fn not_closed(quote: char, quoted: &str) -> Problem {
    Problem::new(format!("the quote `{quote}` before `{}` is not closed", shortened(quoted)))
        .hint(format!("close it with `{quote}`, or write `\\{quote}` for the character"))
}

/// The beginning of `text`, enough to find it again.
fn shortened(text: &str) -> Cow<'_, str> {
    const LENGTH: usize = 30;
    match text.char_indices().nth(LENGTH) {
        Some((end, _)) => Cow::Owned(format!("{}..", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

fn is_typographic_quote(c: char) -> bool {
    matches!(c, '\u{2018}'..='\u{201f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, words: &[&str]) {
        let split = split_words(line).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(split, words, "{line}");
    }

    fn check_error(line: &str, displayed: &str) {
        assert_eq!(split_words(line).unwrap_err().to_string(), displayed);
    }

    fn check_quoted(word: &str, quoted: &str) {
        assert_eq!(quote_word(word), quoted);
        check(quoted, &[word]);
    }

    #[test]
    fn words_are_split_at_blanks() {
        check("", &[]);
        check(" \t\n \n", &[]);
        check("run  -d\tredis:7 ", &["run", "-d", "redis:7"]);
        check("é \u{1f6a2}", &["é", "\u{1f6a2}"]);
    }

    #[test]
    fn single_quotes_keep_everything() {
        check(
            r#"'a b' 'c"d' '$HOME' '`x`' '\n' '|' '~'"#,
            &["a b", "c\"d", "$HOME", "`x`", "\\n", "|", "~"],
        );
        check("'two\nlines'", &["two\nlines"]);
    }

    #[test]
    fn double_quotes_know_five_escapes() {
        check(
            r#""a b" "it's" "\$HOME" "\`x\`" "\"" "\\" "\n""#,
            &["a b", "it's", "$HOME", "`x`", "\"", "\\", "\\n"],
        );
        check("\"one \\\nline\" \"one \\\r\nline\"", &["one line", "one line"]);
    }

    #[test]
    fn a_backslash_quotes_one_character() {
        check(r"a\ b \$HOME \~ \# \\ \' \|", &["a b", "$HOME", "~", "#", "\\", "'", "|"]);
    }

    #[test]
    fn quoted_pieces_join_and_may_be_empty() {
        check(r#"a'b c'"d e"f '' "" x''"#, &["ab cd ef", "", "", "x"]);
    }

    #[test]
    fn a_backslash_at_the_end_of_a_line_joins_lines() {
        check("run \\\n  -d \\\r\n  redis", &["run", "-d", "redis"]);
        check("re\\\ndis", &["redis"]);
        check("\\\n redis", &["redis"]);
    }

    #[test]
    fn a_comment_begins_with_a_word_and_ends_with_the_line() {
        check("# start it\nredis # the cache\n# that was all", &["redis"]);
        check("a#b a=# '#'", &["a#b", "a=#", "#"]);
        check("# only this", &[]);
        check("redis # at the end \\\r\n", &["redis"]);
    }

    #[test]
    fn a_prompt_is_skipped() {
        check("$ docker run", &["docker", "run"]);
        check("\n  $ docker run\n", &["docker", "run"]);
        check("a $ b", &["a", "$", "b"]);
    }

    #[test]
    fn patterns_and_braces_stay() {
        check("[::1]:80:80 *.c a? {a,b} !x %y", &["[::1]:80:80", "*.c", "a?", "{a,b}", "!x", "%y"]);
    }

    #[test]
    fn a_dollar_that_begins_nothing_stays() {
        check(r#"a$ $/ $= "$" "a$ b" "$'x'" $é"#, &["a$", "$/", "$=", "$", "a$ b", "$'x'", "$é"]);
    }

    #[test]
    fn variables_are_refused() {
        let hint = "write its value, or put it in single quotes to pass it on";
        for (line, variable) in [
            ("-e A=$HOME/x", "$HOME"),
            ("${HOME}", "${HOME}"),
            ("${A:-b c}", "${A:-b c}"),
            ("${A", "${"),
            ("$1", "$1"),
            ("$$", "$$"),
            ("$?", "$?"),
        ] {
            check_error(
                line,
                &format!("`{variable}` is not replaced: no shell reads this line\nhint: {hint}"),
            );
        }
        check_error(
            r#""$HOME""#,
            "`$HOME` is not replaced: no shell reads this line\n\
             hint: write its value, or `\\$` to pass it on",
        );
    }

    #[test]
    fn commands_are_refused() {
        let hint = "write what it gives, or put it in single quotes to pass it on";
        check_error(
            "--user $(id -u)",
            &format!("`$(id -u)` is not run: no shell reads this line\nhint: {hint}"),
        );
        check_error(
            "\"`id -u`\"",
            &format!("the command `id -u` is not run: no shell reads this line\nhint: {hint}"),
        );
        check_error(
            "$'a\\n'",
            "`$'` is not plain `sh`\n\
             hint: leave the `$` away, and write the characters themselves",
        );
    }

    #[test]
    fn a_variable_is_not_hidden_by_a_joined_line() {
        for line in ["$\\\nHOME", "\"$\\\r\nHOME\""] {
            let error = split_words(line).unwrap_err();
            assert_eq!(error.message(), "a `$` and what follows it are on two lines");
        }
    }

    #[test]
    fn what_a_shell_acts_on_is_refused() {
        let one = "write one command; to have a shell in the container read it";
        check_error(
            "redis | cat",
            &format!(
                "`|` is for a shell, and no shell reads this line\nhint: {one}: `sh -c '.. | ..'`"
            ),
        );
        check_error(
            "a&&b",
            &format!(
                "`&&` is for a shell, and no shell reads this line\nhint: {one}: `sh -c '.. && ..'`"
            ),
        );
        check_error(
            "redis 2>/dev/null",
            "`>` is for a shell, and no shell reads this line\n\
             hint: leave it and the file away, or write it in quotes to pass it on: `'>'`",
        );
        for line in ["redis &", "redis;\n"] {
            assert_eq!(split_words(line).unwrap_err().hint(), Some("leave it away"), "{line}");
        }
        for operator in ["<", ">>", "(", ")"] {
            let message = format!("`{operator}` is for a shell, and no shell reads this line");
            assert_eq!(split_words(&format!("a {operator} b")).unwrap_err().message(), message);
        }
    }

    #[test]
    fn a_home_directory_is_refused() {
        check_error(
            "-v ~/data:/data",
            "`~` is not replaced by the home directory: no shell reads this line\n\
             hint: write the directory in full, or `\\~` for the character",
        );
        check("a~ x=~", &["a~", "x=~"]);
    }

    #[test]
    fn a_second_command_is_refused() {
        check_error(
            "run redis\n\n# and\nrun nginx\n",
            "a second command follows: `run nginx`\n\
             hint: leave it away; or, to go on with the command, end the line before it with `\\`",
        );
        check_error(
            "run \\\n  # the port\n  -p 80 redis\n",
            "a second command follows: `-p 80 redis`\n\
             hint: a comment ends the command before it: leave `# the port` away",
        );
        check_error(
            "run redis\nredis started\n",
            "a second command follows: `redis started`\n\
             hint: leave it away; or, to go on with the command, end the line before it with `\\`",
        );
        check_error(
            "run \\ \n  redis",
            "a second command follows: `redis`\n\
             hint: remove the space between `\\` and the end of the line before it",
        );
        check("\n\nredis\r\n\r\n# a comment\r\n", &["redis"]);
    }

    #[test]
    fn the_line_ends_of_other_shells_are_named() {
        for line in ["run `\n  redis", "run ` \r\n  redis"] {
            check_error(
                line,
                "a backtick at the end of a line joins lines in PowerShell only\n\
                 hint: write `\\` at the end of each line but the last",
            );
        }
        check_error(
            "run ^\n  redis",
            "a second command follows: `redis`\n\
             hint: `^` at the end of a line joins lines in Windows' `cmd` only: write `\\` in its place",
        );
    }

    #[test]
    fn what_stands_for_something_is_named() {
        check_error(
            "agent -bind=<external ip> -server",
            "`<external ip>` stands for something\n\
             hint: write what it stands for, or put it in quotes to pass it on as it is",
        );
    }

    #[test]
    fn what_is_not_closed_is_refused() {
        check_error(
            "-e 'A=b c",
            "the quote `'` before `A=b c` is not closed\n\
             hint: close it with `'`, or write `\\'` for the character",
        );
        check_error(
            "-e \"A=0123456789012345678901234567890",
            "the quote `\"` before `A=0123456789012345678901234567..` is not closed\n\
             hint: close it with `\"`, or write `\\\"` for the character",
        );
        check_error(
            "redis \\",
            "the line ends with `\\`\n\
             hint: leave it away, or write the line that it is to be joined with",
        );
    }

    #[test]
    fn characters_that_only_look_right_are_refused() {
        check_error(
            "-e \u{201c}A=b\u{201d}",
            "`\u{201c}` does not quote\nhint: quote with `'` or `\"`",
        );
        check_error(
            "run\u{a0}redis",
            "the character U+00A0 looks like a space, and is none\nhint: type a space",
        );
        check_error("a\0b", "the line holds the character NUL\nhint: leave it away");
        check("'\u{201c}' \"\u{a0}\"", &["\u{201c}", "\u{a0}"]);
    }

    #[test]
    fn a_word_is_quoted_in_the_shortest_way() {
        for word in ["redis:7", "A=b", "a#b~", "é", "-p", "user@host", "50%+"] {
            check_quoted(word, word);
        }
        check_quoted("", "''");
        check_quoted("a b", r"a\ b");
        check_quoted("a b c", "'a b c'");
        check_quoted("it's a b", "\"it's a b\"");
        check_quoted("$", r"\$");
        check_quoted("~", r"\~");
        check_quoted("#a", r"\#a");
        check_quoted("\n", "'\n'");
        check_quoted("\r\n", "'\r\n'");
        check_quoted("*", r"\*");
        check_quoted("'a b!'", r"\'a\ b\!\'");
        check_quoted("\u{a0}", "\\\u{a0}");
    }
}
