//! A whole line of `docker run`: its options, its image and its command.
//!
//! The line is taken apart here, and no further: what the value of an option means is the business
//! of the grammar that is made for it, and which options have an effect is the library's.

use std::{fmt, slice};

use crate::{
    before_run::{another_command, what_stands_before, ENGINES},
    error::{Problem, SyntaxError},
    fields::parse_bool,
    flag::{meant_flag, run_flag, short_flag, RunFlag, Standing, Takes},
    image::{is_image_id, ImageReference},
    words::{quote_word, split_words},
};

/// A line of `docker run`, taken apart.
///
/// Displayed as one line that can be pasted into a terminal, and that reads back as the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RunLine {
    options: Vec<RunOption>,
    image: String,
    command: Vec<String>,
}

/// One option in a line, with its value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RunOption {
    flag: &'static RunFlag,
    value: String,
}

impl RunLine {
    /// The options in the order in which they are written. Letters in one word (`-it`) are an
    /// option each.
    pub fn options(&self) -> &[RunOption] {
        &self.options
    }

    /// The image as it is written: a reference, or the id of an image.
    pub fn image(&self) -> &str {
        &self.image
    }

    /// What stands behind the image: the command and its arguments, or only arguments where the
    /// image has an entry point. Empty where nothing does.
    pub fn command(&self) -> &[String] {
        &self.command
    }
}

impl fmt::Display for RunLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("docker run")?;
        for option in &self.options {
            write!(f, " {option}")?;
        }
        if refuse_as_image(&self.image, self.options.last()).is_err() {
            f.write_str(" --")?;
        }
        for word in [&self.image].into_iter().chain(&self.command) {
            write!(f, " {}", quote_word(word))?;
        }
        Ok(())
    }
}

impl RunOption {
    /// Which option it is.
    pub const fn flag(&self) -> &'static RunFlag {
        self.flag
    }

    /// Its value; of a switch `true` or `false`.
    pub fn value(&self) -> &str {
        &self.value
    }
}

impl fmt::Display for RunOption {
    /// The option as one word, with its long name: `--publish=8080:80`, `--tty`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.flag.name();
        match (self.flag.takes(), &*self.value) {
            (Takes::Nothing, "true") => write!(f, "--{name}"),
            (_, value) => f.write_str(&quote_word(&format!("--{name}={value}"))),
        }
    }
}

/// Reads a line of `docker run`, with `docker run` at its beginning or without.
///
/// The line is split as [`split_words`] says. It may begin with `docker run`,
/// `docker container run`, `docker create` or `docker container create`, with `podman` or `nerdctl`
/// in the place of `docker`, and with `sudo` before that. Then come options in every spelling that Docker
/// takes (`--name web`, `--name=web`, `-p 80:80`, `-p80:80`, `-p=80:80`, `-itd`, `--tty=false`),
/// perhaps a `--`, the image, and the command. What follows the image is never an option.
///
/// Of the values only those of switches are looked at.
///
/// Stricter than Docker: a long option with one dash (`-env`, to Docker `-e nv`) is an error, and
/// so is an image that is called `true`, `false` or `run` where a word of the command line was
/// meant; behind a `--` it is taken.
///
/// # Errors
///
/// When the line cannot be split, when it is another command of `docker` than those above or has
/// options before `run`, when an option is unknown or has no value, when a switch is given
/// something that is no truth value (Go's `strconv.ParseBool`), when an option is
/// [unsupported](Standing::Unsupported), and when the image is missing or not written as
/// [`ImageReference::parse`] asks. The id of an image passes.
///
/// # Examples
///
/// ```
/// use longshore_syntax::parse_run;
///
/// let line = parse_run("docker run -d -p 6379:6379 --name cache redis:7 --save ''")?;
/// assert_eq!(line.image(), "redis:7");
/// assert_eq!(line.command(), ["--save", ""]);
/// assert_eq!(line.options()[1].flag().name(), "publish");
/// assert_eq!(line.options()[1].value(), "6379:6379");
///
/// let error = parse_run("docker run --memroy 1g redis:7").unwrap_err();
/// assert_eq!(error.message(), "`--memroy` is not an option of `docker run`");
/// assert_eq!(error.hint(), Some("did you mean `--memory`?"));
/// # Ok::<(), longshore_syntax::SyntaxError>(())
/// ```
pub fn parse_run(line: &str) -> Result<RunLine, SyntaxError> {
    read_line(line).map_err(|error| match what_stands_before(line) {
        Some(problem) => problem.alone(line),
        None => error,
    })
}

fn read_line(line: &str) -> Result<RunLine, SyntaxError> {
    let words = split_words(line)?;
    let run = read(&words).map_err(|problem| problem.alone(line))?;
    if !is_image_id(&run.image) {
        ImageReference::parse(&run.image).map_err(|error| error.part_of(line))?;
    }
    Ok(run)
}

fn read(words: &[String]) -> Result<RunLine, Problem> {
    let rest = after_docker(words)?;
    let begins_itself = rest.len() == words.len();
    let mut words = rest.iter();
    let mut options = Vec::new();
    // The value that was a word of its own, if the word before was one.
    let mut separate_value = false;
    let mut is_marked = false;
    let image = loop {
        let Some(word) = words.next() else {
            return Err(no_image(&options, separate_value));
        };
        let left = words.len();
        match word.strip_prefix("--") {
            Some("") => {
                is_marked = true;
                break words.next().ok_or_else(|| no_image(&options, false))?;
            }
            Some(long) => options.push(long_option(long, &mut words)?),
            None => match word.strip_prefix('-') {
                None | Some("") => break word,
                Some(letters) => short_options(letters, &mut words, &mut options)?,
            },
        }
        separate_value = words.len() < left;
    };
    let command: Vec<String> = words.cloned().collect();
    // Behind a `--` it is the image for certain.
    if !is_marked {
        refuse_as_image(image, options.last())?;
    }
    if begins_itself && options.is_empty() {
        another_command(image, &command).map_or(Ok(()), Err)?;
    }
    Ok(RunLine { options, image: image.clone(), command })
}

/// What follows `docker run`, if that is there.
fn after_docker(words: &[String]) -> Result<&[String], Problem> {
    let is_engine = |word: &String| ENGINES.contains(&word.as_str());
    let rest = match words {
        [sudo, rest @ ..] if sudo == "sudo" && rest.first().is_some_and(is_engine) => rest,
        [variable, engine, ..] if is_assignment(variable) && is_engine(engine) => {
            return Err(Problem::new(format!(
                "`{variable}` before `{engine}` concerns the command `{engine}` alone"
            ))
            .hint(format!(
                "leave it away; a variable of the container is set with `-e {variable}`"
            )));
        }
        rest => rest,
    };
    let [engine, arguments @ ..] = rest else {
        return Err(Problem::new("the line is empty")
            .hint("write an image, with options before it, such as `-p 8080:80 nginx:1.27`"));
    };
    if !is_engine(engine) {
        return Ok(rest);
    }
    let (mut verb, after) = match arguments {
        [container, verb, after @ ..] if container == "container" => (verb.as_str(), after),
        [verb, after @ ..] => (verb.as_str(), after),
        [] => {
            return Err(Problem::new(format!("`{engine}` alone runs nothing"))
                .hint(format!("for the image of that name write `{engine}:latest`")))
        }
    };
    if matches!(verb, "run" | "create") {
        return Ok(after);
    }
    if verb.starts_with('-') {
        verb = verb.split('=').next().unwrap_or_default();
        return Err(Problem::new(format!(
            "`{verb}` before `run` concerns the command `{engine}` alone"
        ))
        .hint("leave it away; which engine is used is not said in this line"));
    }
    let group = if arguments[0] == verb { "" } else { "container " };
    Err(Problem::new(format!("`{engine} {group}{verb}` is not `{engine} run`"))
        .hint(format!("write a line of `{engine} run`")))
}

/// Whether it sets a variable: `NAME=value`.
pub(crate) fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
    })
}

/// `text` is the word without its dashes.
fn long_option(text: &str, words: &mut slice::Iter<'_, String>) -> Result<RunOption, Problem> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    };
    let Some(flag) = run_flag(name) else {
        return Err(unknown(&format!("--{name}"), name));
    };
    let written = format!("--{name}");
    let value = match (value, flag.takes()) {
        (None, Takes::Nothing) => "true",
        (Some(value), _) => value,
        (None, _) => words.next().ok_or_else(|| no_value(&written))?,
    };
    option(flag, value, &written)
}

/// `text` is the word without its dash, one or more letters, after which may stand a value.
fn short_options(
    text: &str,
    words: &mut slice::Iter<'_, String>,
    options: &mut Vec<RunOption>,
) -> Result<(), Problem> {
    let name = text.split('=').next().unwrap_or_default();
    if name.len() > 2 && run_flag(name).is_some() {
        return Err(unknown(&format!("-{name}"), name));
    }
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let written = format!("-{letter}");
        let Some(flag) = short_flag(letter) else {
            return Err(match text.len() {
                0..=2 => unknown(&format!("-{name}"), name),
                _ if meant_flag(name).is_some() => unknown(&format!("-{name}"), name),
                _ => unknown(&format!("{written}` in `-{text}"), ""),
            });
        };
        rest = &rest[letter.len_utf8()..];
        // A lone `=` at the end is no mark for pflag: in `-e=` it is the value.
        let marked = rest.strip_prefix('=').filter(|value| !value.is_empty());
        let value = match (marked, flag.takes()) {
            (Some(value), _) => value,
            (None, Takes::Nothing) => {
                options.push(option(flag, "true", &written)?);
                continue;
            }
            (None, _) if !rest.is_empty() => rest,
            (None, _) => words.next().ok_or_else(|| no_value(&written))?,
        };
        options.push(option(flag, value, &written)?);
        break;
    }
    Ok(())
}

fn option(flag: &'static RunFlag, value: &str, written: &str) -> Result<RunOption, Problem> {
    if let Standing::Unsupported(instead) = flag.standing() {
        return Err(Problem::new(format!("`{written}` is not supported")).hint(instead));
    }
    let value = match flag.takes() {
        Takes::Nothing => match parse_bool(value) {
            Some(true) => "true",
            Some(false) => "false",
            None => {
                return Err(Problem::new(format!(
                    "`{written}` is a switch, and `{value}` is neither `true` nor `false`"
                ))
                .hint(format!("write `{written}` or `{written}=false`")))
            }
        },
        Takes::Value | Takes::Values => value,
    };
    Ok(RunOption { flag, value: value.to_owned() })
}

fn unknown(written: &str, name: &str) -> Problem {
    let problem = Problem::new(format!("`{written}` is not an option of `docker run`"));
    match meant_flag(name) {
        Some(meant) => problem.hint(format!("did you mean `--{meant}`?")),
        None => problem.hint("`docker run --help` lists the options"),
    }
}

fn no_value(written: &str) -> Problem {
    Problem::new(format!("`{written}` has no value"))
        .hint("write the value after it, and the image after that")
}

fn no_image(options: &[RunOption], separate_value: bool) -> Problem {
    let problem = Problem::new("the line names no image");
    match options.last() {
        Some(option) if separate_value => problem.hint(format!(
            "`{}` is the value of `--{}`; the image comes after it",
            option.value,
            option.flag.name()
        )),
        _ => problem.hint("the image comes after the options, such as `redis:7`"),
    }
}

/// Words that land in the place of the image by a mistake which Docker does not see.
fn refuse_as_image(word: &str, last: Option<&RunOption>) -> Result<(), Problem> {
    let problem = || Problem::new(format!("`{word}` stands in the place of the image"));
    let last_switch = last.map(RunOption::flag).filter(|flag| flag.takes() == Takes::Nothing);
    if let (Some(flag), "true" | "false") = (last_switch, word) {
        return Err(problem().hint(format!("write `--{}={word}`", flag.name())));
    }
    if word == "run" && last.is_none() {
        return Err(problem().hint("leave it away, or write `docker run`"));
    }
    if let Some(rest) = word.strip_prefix(['\u{2013}', '\u{2014}', '\u{2212}']) {
        let name = rest.trim_start_matches(['-', '\u{2013}', '\u{2014}', '\u{2212}']);
        return Err(Problem::new(format!("`{word}` begins with a dash that is not `-`")).hint(
            match name.chars().nth(1) {
                None => format!("write `-{name}`"),
                Some(_) => format!("write `--{name}`"),
            },
        ));
    }
    if is_assignment(word) {
        return Err(problem().hint(format!("a variable is set with `-e {word}`")));
    }
    if word.starts_with('=') {
        return Err(problem().hint("write no space before the `=`, nor behind it"));
    }
    if word.contains(":/") && !word.contains("://") {
        return Err(
            problem().hint("it looks like a volume: put a path with a space in it in quotes")
        );
    }
    Ok(())
}
