//! What stands before `docker run` in a text that is pasted with more than the command: a prompt,
//! other commands, quotes around it.
//!
//! Only asked when the text could not be read, or was read as something that nobody means.

use crate::{error::Problem, run_line::is_assignment};

/// The words with which a line may begin, in the place of `docker`.
pub(crate) const ENGINES: [&str; 3] = ["docker", "podman", "nerdctl"];

const VERBS: [&str; 3] = ["run", "create", "container"];

/// What is run by lines of other commands, which `docker run` never has in its image's place.
const OTHERS: [&str; 3] = ["docker-compose", "podman-compose", "kubectl"];

/// The problem with a text that holds `docker run` behind something else.
pub(crate) fn what_stands_before(text: &str) -> Option<Problem> {
    let (at, command) = find_command(text)?;
    let before = text[..at].trim();
    // A line may begin with its options; and what is quoted is a part of a command.
    let is_quote = matches!(before, "\"" | "'" | "`");
    let is_within = |quote: char| before.matches(quote).count() % 2 == 1;
    let is_ours = matches!(before, "" | "$" | "sudo" | "$ sudo")
        || before.starts_with('-')
        || (is_assignment(before) && !before.contains(['(', ' ', '\n']));
    if is_ours || (!is_quote && (is_within('\'') || is_within('"'))) {
        return None;
    }
    let what = match before.lines().next().unwrap_or_default().trim_end() {
        "`" => "a backtick stands".to_owned(),
        "#" => return Some(comment(&command)),
        one => format!("`{one}` stands"),
    };
    let is_closed = is_quote && text.trim_end().ends_with(before);
    let also = if is_closed { ", and what closes it" } else { "" };
    Some(Problem::new(format!("{what} before `{command}`")).hint(begins_with(&command, also)))
}

/// The problem with a line that was read as an image and its command, and begins with the name of
/// another command.
pub(crate) fn another_command(image: &str, command: &[String]) -> Option<Problem> {
    let at = command.iter().position(|word| !word.starts_with('-')).unwrap_or(command.len());
    if let [engine, verb, ..] = &command[at..] {
        if ENGINES.contains(&&**engine) && VERBS.contains(&&**verb) {
            let before = [&[image.to_owned()], &command[..at]].concat().join(" ");
            let problem = Problem::new(format!("`{before}` stands before `{engine} {verb}`"));
            return Some(problem.hint(begins_with(&format!("{engine} {verb}"), "")));
        }
    }
    OTHERS.contains(&image).then(|| {
        Problem::new(format!("`{image}` is not `docker run`"))
            .hint(format!("write a line of `docker run`; for an image write `{image}:latest`"))
    })
}

fn begins_with(command: &str, also: &str) -> String {
    format!("leave it away{also}: the text begins with `{command}`")
}

fn comment(command: &str) -> Problem {
    Problem::new(format!("`#` makes a comment of `{command}`")).hint("leave the `#` away")
}

/// Where `docker run` and the like is in a text, and how it is called.
fn find_command(text: &str) -> Option<(usize, String)> {
    let found = ENGINES.iter().flat_map(|engine| {
        text.match_indices(engine).filter_map(move |(at, _)| {
            let begins = !text[..at].ends_with(is_of_a_name);
            let mut words = text[at + engine.len()..].split([' ', '\t']);
            // What follows the engine directly.
            let follows = words.next() == Some("");
            let verb = words.find(|word| !word.is_empty())?;
            (begins && follows && VERBS.contains(&verb)).then(|| (at, format!("{engine} {verb}")))
        })
    });
    found.min_by_key(|(at, _)| *at)
}

fn is_of_a_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':')
}
