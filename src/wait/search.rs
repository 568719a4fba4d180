//! Looking for something in a stream of bytes that comes in pieces, as if it were one text.

use super::pattern::Matcher;

/// How much text a regular expression may look back on.
const WINDOW: usize = 64 * 1024;

/// The search in one stream.
#[derive(Debug)]
pub(super) struct Search {
    matcher: Matcher,
    text: String,
    /// Bytes at the end that are not yet a whole character.
    partial: Vec<u8>,
    /// Where the search goes on.
    from: usize,
    /// Matches that more output cannot change.
    settled: usize,
    /// The text that is looked for, as it was seen with other capitals.
    pub(super) other_case: Option<String>,
    pub(super) lines: usize,
}

impl Search {
    pub(super) fn new(matcher: Matcher) -> Self {
        Search {
            matcher,
            text: String::new(),
            partial: Vec::new(),
            from: 0,
            settled: 0,
            other_case: None,
            lines: 0,
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.lines += bytes.iter().filter(|byte| **byte == b'\n').count();
        self.partial.extend_from_slice(bytes);
        let whole = self.partial.len() - incomplete_end(&self.partial);
        self.text.push_str(&String::from_utf8_lossy(&self.partial[..whole]));
        self.partial.drain(..whole);
    }

    /// A slip that is hard to see.
    fn look_for_other_case(&mut self) {
        let Matcher::Text(part) = &self.matcher else { return };
        if self.settled > 0 || self.other_case.is_some() {
            return;
        }
        // As long as the text itself, so that places in both are the same.
        let lower = self.text[self.from..].to_ascii_lowercase();
        let found = lower.find(&part.to_ascii_lowercase());
        self.other_case = found.map(|at| self.text[self.from + at..][..part.len()].to_owned());
    }

    /// How often it has been seen until now. `ended` says that there will be no more output.
    pub(super) fn count(&mut self, ended: bool) -> usize {
        let mut open = 0;
        while let Some((start, end)) = self.matcher.find_at(&self.text, self.from) {
            if end == self.text.len() && matches!(self.matcher, Matcher::Regex(_)) {
                // It may grow with the next output, so it counts but is looked at again; and not even that if it is one
                // only because the output ends here, as `$` in an unfinished line.
                open = usize::from(ended || self.would_stand(start));
                break;
            }
            self.settled += 1;
            // An empty match must not be found for ever.
            self.from = if end > start { end } else { self.next_character(end) };
            if self.from > self.text.len() {
                self.from = self.text.len();
                break;
            }
        }
        self.look_for_other_case();
        self.forget();
        self.settled + open
    }

    /// Whether there would be a match from `start` on if the line went on.
    fn would_stand(&mut self, start: usize) -> bool {
        self.text.push('x');
        let found = self.matcher.find_at(&self.text, start);
        self.text.pop();
        found.is_some_and(|(at, _)| at == start)
    }

    fn next_character(&self, at: usize) -> usize {
        at + self.text[at..].chars().next().map_or(1, char::len_utf8)
    }

    /// Drops what can no longer be part of a match.
    fn forget(&mut self) {
        let mut from = match &self.matcher {
            Matcher::Text(part) => self.text.len().saturating_sub(part.len() - 1),
            _ => self.text.len().saturating_sub(WINDOW),
        };
        while !self.text.is_char_boundary(from) {
            from -= 1;
        }
        self.from = self.from.max(from);
        // Not for every few bytes: moving the rest costs its length.
        if self.from > WINDOW {
            // The character before stays, so that `^` and `\b` see what they stand behind.
            let mut cut = self.from - 1;
            while !self.text.is_char_boundary(cut) {
                cut -= 1;
            }
            self.text.drain(..cut);
            self.from -= cut;
        }
    }
}

/// How many bytes at the end begin a character without finishing it.
fn incomplete_end(bytes: &[u8]) -> usize {
    for back in 1..=bytes.len().min(3) {
        let byte = bytes[bytes.len() - back];
        let length = match byte {
            0b1100_0000..=0b1101_1111 => 2,
            0b1110_0000..=0b1110_1111 => 3,
            0b1111_0000..=0b1111_0111 => 4,
            0b1000_0000..=0b1011_1111 => continue,
            _ => return 0,
        };
        return if length > back { back } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait::pattern::Pattern;

    fn count(pattern: Pattern, pieces: &[&[u8]]) -> usize {
        let mut search = Search::new(pattern.matcher());
        let mut seen = 0;
        for piece in pieces {
            search.push(piece);
            seen = search.count(false);
        }
        seen
    }

    fn text(text: &str) -> Pattern {
        Pattern::Contains(text.into())
    }

    fn regex(regex: &str) -> Pattern {
        Pattern::Matches(regex.into())
    }

    #[test]
    fn matches_across_frames_lines_and_characters() {
        assert_eq!(count(text("ready"), &[b"re", b"a", b"dy"]), 1);
        assert_eq!(count(text("a\nb"), &[b"a\n", b"b\n"]), 1);
        assert_eq!(count(text("über"), &[b"\xc3", b"\xbcber"]), 1);
        assert_eq!(count(regex(r"(?s)start.*end"), &[b"start\n", b"middle\n", b"the end"]), 1);
        let long = [b'x'; 16 * 1024];
        assert_eq!(count(text("needle"), &[&long, b"nee", b"dle", &long]), 1);
    }

    #[test]
    fn counts_what_does_not_overlap_once_each() {
        assert_eq!(count(text("aa"), &[b"a", b"a", b"a", b"a", b"a"]), 2);
        assert_eq!(count(regex("a+"), &[b"a", b"a", b" a"]), 2);
        assert_eq!(count(regex("ready [0-9]+"), &[b"ready 1\nready 2\n", b"ready 3"]), 3);
        assert_eq!(count(regex("x*"), &[b"abc"]), 4);
    }

    #[test]
    fn finds_a_needle_in_a_great_deal_of_output() {
        let line = b"nothing to see here, carry on with what you are doing\n".repeat(1000);
        let mut pieces: Vec<&[u8]> = vec![&line; 20];
        pieces.push(b"nee");
        pieces.push(b"dle\n");
        assert_eq!(count(text("needle"), &pieces), 1);
        assert_eq!(count(regex("ne+dle"), &pieces), 1);
    }

    #[test]
    fn text_with_other_capitals_is_noticed() {
        let mut search = Search::new(text("Ready to go").matcher());
        search.push("… rea".as_bytes());
        assert_eq!((search.count(false), search.other_case.clone()), (0, None));
        search.push(b"dy to go\n");
        assert_eq!((search.count(false), search.other_case.as_deref()), (0, Some("ready to go")));
    }

    #[test]
    fn anchors_are_the_ends_of_lines() {
        assert_eq!(count(regex("^two$"), &[b"one\ntwo\r\nthree\n"]), 1);
        assert_eq!(count(regex("^ready$"), &[b"not ready\n"]), 0);
        assert_eq!(count(regex("^ready$"), &[b"ready", b" not\n"]), 0);
        assert_eq!(count(regex("ready\\b"), &[b"ready", b"ing\n"]), 0);
    }

    #[test]
    fn anchors_are_the_ends_of_lines_also_in_a_great_deal_of_output() {
        let line = b"not ready\n".repeat(20_000);
        for size in [1, 7, 10, 4096] {
            let pieces: Vec<&[u8]> = line.chunks(size * 1000).collect();
            assert_eq!(count(regex("^ready"), &pieces), 0);
            assert_eq!(count(regex("\\bnot"), &pieces), 20_000);
        }
    }

    #[test]
    fn at_the_end_an_unfinished_line_is_one() {
        let mut search = Search::new(regex("^ready$").matcher());
        search.push(b"ready");
        assert_eq!((search.count(false), search.count(true)), (0, 1));
    }

    #[test]
    fn bytes_that_are_no_text_do_not_stop_the_search() {
        assert_eq!(count(text("ready"), &[b"\xff\xfe\x80", b"\xe2\x82", b"ready"]), 1);
    }
}
