//! Properties that hold for every input, tried on pseudo-random ones: no parser panics, and what
//! is displayed reads back as the same value.
//!
//! The sequence is the same on every run, so that a failure can be repeated.

use longshore_syntax::{
    parse_bytes, parse_duration, parse_expose, parse_publish, parse_run, quote_word, split_words,
    ContainerPort, ImageReference, SyntaxError,
};

const ROUNDS: usize = 20_000;

/// Pieces that every grammar has to refuse somewhere: white space, control, non-ASCII.
const FOREIGN: [&str; 6] = [" ", "\n", "\0", "µ", "É", "\u{1f6a2}"];

/// A linear congruential generator with Knuth's constants: enough to make words with.
struct Words {
    state: u64,
}

impl Words {
    fn new() -> Self {
        Self { state: 2024 }
    }

    fn below(&mut self, limit: usize) -> usize {
        self.state = self
            .state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.state >> 33) as usize % limit
    }

    /// Up to ten pieces in a row, one word in ten with a foreign one among them.
    fn word(&mut self, pieces: &[&str]) -> String {
        let mut word = String::new();
        for _ in 0..self.below(11) {
            word.push_str(match self.below(100) {
                0 => FOREIGN[self.below(FOREIGN.len())],
                _ => pieces[self.below(pieces.len())],
            });
        }
        word
    }
}

/// Calls `parse` with many words, and `holds` with each value that it gives.
fn check<T>(
    pieces: &[&str],
    parse: impl Fn(&str) -> Result<T, SyntaxError>,
    mut holds: impl FnMut(&str, T),
) {
    let mut words = Words::new();
    let mut good = 0;
    for _ in 0..ROUNDS {
        let word = words.word(pieces);
        match parse(&word) {
            Ok(value) => {
                good += 1;
                holds(&word, value);
            }
            Err(error) => {
                assert_eq!(error.input(), word);
                assert!(error.to_string().lines().count() <= 2, "{error}");
                assert!(!error.message().contains("hint:"), "{error}");
            }
        }
    }
    // Otherwise the pieces do not fit the grammar, and the properties were tried on nothing.
    assert!(good > ROUNDS / 200, "only {good} words of {ROUNDS} were good");
}

#[test]
fn an_image_reference_reads_back_from_both_its_forms() {
    let digest = format!("@sha256:{}", "0af".repeat(22).split_at(64).0);
    let pieces = [
        "a",
        "b9",
        "A",
        "0",
        ".",
        "_",
        "__",
        "-",
        "/",
        "/",
        ":",
        ":",
        "@",
        "[",
        "]",
        "localhost",
        "docker.io/",
        "index.docker.io/",
        "library/",
        "localhost/",
        "[::1]:5000/",
        "://",
        &digest,
        "sha256:",
    ];
    check(&pieces, ImageReference::parse, |word, image| {
        assert_eq!(ImageReference::parse(&image.familiar()).as_ref(), Ok(&image), "{word}");
        assert_eq!(ImageReference::parse(&image.canonical()).as_ref(), Ok(&image), "{word}");
        assert!(image.tag().is_some() || image.digest().is_some(), "{word}");
    });
}

#[test]
fn a_port_mapping_reads_back_as_itself() {
    let pieces = [
        "0",
        "1",
        "8",
        "80",
        "65535",
        "65536",
        ":",
        ":",
        ":",
        "-",
        "/",
        "/udp",
        "/tcp",
        "127.0.0.1:",
        "[::1]:",
        "::1",
        "[",
        "]",
        ".",
        "a",
    ];
    check(&pieces, parse_publish, |word, mappings| {
        assert!(!mappings.is_empty(), "{word}");
        // All 65535 of `1-65535` are as good as the first and the last few.
        for mapping in mappings.iter().take(3).chain(mappings.last()) {
            let displayed = mapping.to_string();
            assert_eq!(parse_publish(&displayed).as_deref(), Ok(&[mapping.clone()][..]), "{word}");
        }
    });
}

#[test]
fn an_exposed_port_reads_back_as_itself() {
    let pieces = ["0", "1", "80", "65535", ":", "-", "/", "/udp", "/SCTP", "a"];
    check(&pieces, parse_expose, |word, ports| {
        for port in ports.iter().take(3).chain(ports.last()) {
            assert_eq!(ContainerPort::parse(&port.to_string()), Ok(*port), "{word}");
        }
    });
}

#[test]
fn a_size_reads_back_from_its_bytes() {
    let pieces = ["0", "1", "9", "512", "999999999", ".", "-", " ", "k", "M", "g", "p", "b", "ib"];
    check(&pieces, parse_bytes, |word, bytes| {
        assert_eq!(parse_bytes(&bytes.to_string()), Ok(bytes), "{word}");
    });
}

#[test]
fn a_duration_reads_back_from_its_nanoseconds() {
    let pieces = [
        "0",
        "1",
        "9",
        "300",
        "999999999",
        ".",
        "-",
        "+",
        "h",
        "m",
        "s",
        "ms",
        "us",
        "µs",
        "ns",
        "d",
    ];
    check(&pieces, parse_duration, |word, duration| {
        let nanoseconds = format!("{}ns", duration.as_nanos());
        assert_eq!(parse_duration(&nanoseconds), Ok(duration), "{word}");
    });
}

#[test]
fn any_text_but_nul_reads_back_from_its_quoted_form() {
    let pieces = [
        "a",
        "é",
        " ",
        "\t",
        "\n",
        "\r",
        "\r\n",
        "'",
        "\"",
        "\\",
        "$",
        "$HOME",
        "${",
        "$(",
        "`",
        "|",
        "&",
        ";",
        "<",
        ">",
        "(",
        ")",
        "~",
        "#",
        "*",
        "?",
        "[",
        "]",
        "{",
        "}",
        "!",
        "=",
        "%",
        "^",
        "-",
        "\u{a0}",
        "\u{201c}",
        "\u{7f}",
        "\u{1f6a2}",
    ];
    let mut words = Words::new();
    for _ in 0..ROUNDS {
        let word = words.word(&pieces).replace('\0', "");
        let quoted = quote_word(&word);
        assert_eq!(split_words(&quoted), Ok(vec![word.clone()]), "{quoted}");
        // Also within a line, where it is not the first word.
        let line = format!("run {quoted} {quoted}");
        assert_eq!(split_words(&line), Ok(vec!["run".into(), word.clone(), word]), "{line}");
    }
}

#[test]
fn the_words_of_a_line_read_back_when_they_are_quoted() {
    let pieces = [
        "a", "b", " ", " ", "\n", "\\\n", "\\\r\n", "'", "'", "\"", "\"", "\\", "$", "$ ", "$A",
        "`", "|", "~", "#", "'a b'", "\"c\"",
    ];
    check(&pieces, split_words, |line, words| {
        let quoted: Vec<_> = words.iter().map(|word| quote_word(word)).collect();
        assert_eq!(split_words(&quoted.join(" ")), Ok(words.clone()), "{line}");
    });
}

#[test]
fn a_run_line_reads_back_as_itself() {
    let pieces = [
        "docker ",
        "podman ",
        "sudo ",
        "run ",
        "create ",
        "container ",
        "redis ",
        "redis:7 ",
        "-",
        "--",
        "-- ",
        "--rm ",
        "--tty=",
        "true ",
        "false ",
        "-p ",
        "-p80:80 ",
        "-itd ",
        "-e ",
        "A=b ",
        "--name ",
        "--name=",
        "--net ",
        "--unknown ",
        "'a b' ",
        "'' ",
        "= ",
        "\u{2013}",
    ];
    check(&pieces, parse_run, |line, run| {
        assert_eq!(parse_run(&run.to_string()), Ok(run), "{line}");
    });
}

#[test]
fn endless_input_is_an_error_like_any_other() {
    for piece in ["-", "+", "a://", "a/", ":", "[", "1-", "1.", "0", "É", "1h", "@", "/"] {
        let word = piece.repeat(100_000);
        let errors = [
            ImageReference::parse(&word).err(),
            parse_publish(&word).err(),
            parse_expose(&word).err(),
            parse_bytes(&word).err().filter(|_| piece != "0"),
            parse_duration(&word).err(),
            parse_run(&word).err(),
        ];
        let refused = errors.iter().flatten().count();
        assert!(refused >= 3, "{piece} repeated is refused by only {refused} parsers");
    }
}
