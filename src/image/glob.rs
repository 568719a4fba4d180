//! Patterns such as `busy*:*libc`, matched as Go's `path.Match` does, by which Docker's filter `reference` goes.
//!
//! Needed where an engine has other patterns.

/// Whether the pattern is well-formed: each `[` is closed and holds something, nothing ends with a `\`.
pub(super) fn is_valid(pattern: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let mut rest = pattern.as_slice();
    loop {
        rest = match rest {
            [] => return true,
            ['\\'] => return false,
            ['\\', _, after @ ..] => after,
            ['[', inside @ ..] => match class(inside, None) {
                Some((_, after)) => after,
                None => return false,
            },
            [_, after @ ..] => after,
        };
    }
}

/// Whether the whole text matches: `*` is anything but `/`, `?` one character but `/`, `[a-z]` one of these, `\` takes the
/// next one as it is. What is malformed matches nothing.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.chars().collect::<Vec<_>>(), text.chars().collect::<Vec<_>>());
    matches_at(&pattern, &text)
}

fn matches_at(pattern: &[char], text: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['*', rest @ ..] => {
            let most = text.iter().position(|c| *c == '/').unwrap_or(text.len());
            (0..=most).any(|taken| matches_at(rest, &text[taken..]))
        }
        ['?', rest @ ..] => matches!(text, [c, after @ ..] if *c != '/' && matches_at(rest, after)),
        ['[', rest @ ..] => match text {
            [c, after @ ..] => {
                matches!(class(rest, Some(*c)), Some((true, rest)) if matches_at(rest, after))
            }
            [] => false,
        },
        ['\\', literal, rest @ ..] | [literal, rest @ ..] => {
            matches!(text, [c, after @ ..] if c == literal && matches_at(rest, after))
        }
    }
}

/// Reads what follows a `[`: whether it has `c` in it, and what follows its `]`.
fn class(pattern: &[char], c: Option<char>) -> Option<(bool, &[char])> {
    let (negated, mut rest) = match pattern {
        ['^', rest @ ..] => (true, rest),
        _ => (false, pattern),
    };
    let (mut found, mut is_empty) = (false, true);
    loop {
        if let ([']', after @ ..], false) = (rest, is_empty) {
            return Some((found != negated, after));
        }
        let (low, after) = member(rest)?;
        let (high, after) = match after {
            ['-', after @ ..] => member(after)?,
            _ => (low, after),
        };
        found |= c.is_some_and(|c| (low..=high).contains(&c));
        (rest, is_empty) = (after, false);
    }
}

fn member(pattern: &[char]) -> Option<(char, &[char])> {
    match pattern {
        ['\\', c, rest @ ..] => Some((*c, rest)),
        [] | ['\\' | '-' | ']', ..] => None,
        [c, rest @ ..] => Some((*c, rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_as_docker_does() {
        for (pattern, text, expected) in [
            ("busy*:*libc", "busybox:1.35-uclibc", true),
            ("busy*:*libc", "busybox:1.35", false),
            ("busy*", "busybox", true),
            ("*", "team/app", false),
            ("*/*", "team/app", true),
            ("team/a?p", "team/app", true),
            ("team?app", "team/app", false),
            ("[a-c]pp:[^0-9]", "app:x", true),
            ("[a-c]pp:[^0-9]", "app:1", false),
            (r"a\*b", "a*b", true),
            (r"a\*b", "axb", false),
            ("a[", "a[", false),
            ("", "", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn malformed_patterns_are_known() {
        for (pattern, expected) in [
            ("busy*:[0-9]*", true),
            ("a[", false),
            ("a[]", false),
            ("a[b-]", false),
            (r"a\", false),
            (r"[\]]x", true),
            ("a]", true),
        ] {
            assert_eq!(is_valid(pattern), expected, "{pattern}");
        }
    }
}
