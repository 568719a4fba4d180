//! Which of a few known words somebody meant who wrote another.
//!
//! A suggestion is only worth its line where it is likely; there is none for a word that is far
//! from all of them.

/// Words beyond this length are no slip of the finger.
const MAX_LENGTH: usize = 40;

/// The one of `known` that `word` most likely stands for.
///
/// The same letters in another case and with other dashes come first, then the one word that begins
/// so, then the one with the fewest slips: letters left out, added, changed or swapped.
pub fn nearest<'k>(
    word: &str,
    known: impl IntoIterator<Item = &'k str> + Clone,
) -> Option<&'k str> {
    let word = folded(word);
    if word.len() < 2 || word.len() > MAX_LENGTH {
        return None;
    }
    let candidates = || known.clone().into_iter();
    if let Some(same) = candidates().find(|candidate| folded(candidate) == word) {
        return Some(same);
    }
    let limit = match word.len() {
        2..=3 => 1,
        4..=7 => 2,
        _ => 3,
    };
    let (slips, closest) = candidates()
        .map(|candidate| (slips(&word, &folded(candidate)), candidate))
        .min_by_key(|(slips, _)| *slips)?;
    if slips <= 1 {
        return Some(closest);
    }
    let mut longer = candidates().filter(|candidate| folded(candidate).starts_with(&word));
    if let (Some(only), None) = (longer.next(), longer.next()) {
        return Some(only);
    }
    (slips <= limit).then_some(closest)
}

fn folded(word: &str) -> String {
    word.chars()
        .filter(|c| !matches!(c, '-' | '_' | ' '))
        .map(|c| c.to_ascii_lowercase())
        .take(MAX_LENGTH + 1)
        .collect()
}

/// The number of slips between two words (the optimal string alignment distance).
fn slips(from: &str, to: &str) -> usize {
    let from: Vec<char> = from.chars().collect();
    let to: Vec<char> = to.chars().collect();
    let mut before: Vec<usize> = vec![0; to.len() + 1];
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.iter().enumerate() {
        let mut row = vec![i + 1; to.len() + 1];
        for (j, b) in to.iter().enumerate() {
            let changed = last[j] + usize::from(a != b);
            row[j + 1] = changed.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == to[j - 1] && from[i - 1] == *b {
                row[j + 1] = row[j + 1].min(before[j - 1] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(word: &str, meant: Option<&str>) {
        let known = ["memory", "memory-swap", "cap-add", "rm", "env", "volume", "read-only"];
        assert_eq!(nearest(word, known), meant, "{word}");
    }

    #[test]
    fn a_slip_of_the_finger_is_seen_through() {
        check("memroy", Some("memory"));
        check("memoryswap", Some("memory-swap"));
        check("cap_add", Some("cap-add"));
        check("CAP-ADD", Some("cap-add"));
        check("volumes", Some("volume"));
        check("readonly", Some("read-only"));
        check("evn", Some("env"));
    }

    #[test]
    fn a_beginning_stands_for_the_only_word_that_has_it() {
        check("vol", Some("volume"));
        check("mem", None);
    }

    #[test]
    fn a_word_far_from_all_is_none_of_them() {
        for word in ["", "x", "publish", "qqqq", &"a".repeat(1000)] {
            check(word, None);
        }
    }

    #[test]
    fn slips_are_counted() {
        for (from, to, count) in [
            ("", "", 0),
            ("", "ab", 2),
            ("ab", "ba", 1),
            ("abc", "axc", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(slips(from, to), count, "{from} {to}");
            assert_eq!(slips(to, from), count, "{to} {from}");
        }
    }
}
