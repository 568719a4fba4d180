//! Properties that hold for every input, tried on pseudo-random ones: no parser panics, and what
//! is displayed reads back as the same value.
//!
//! The sequence is the same on every run, so that a failure can be repeated.

use std::fmt::{Debug, Display};

use longshore_syntax::{
    parse_add_host, parse_bytes, parse_cpus, parse_device, parse_device_cgroup_rule,
    parse_duration, parse_env_file, parse_expose, parse_gpus, parse_memory_swap, parse_mount,
    parse_network, parse_publish, parse_restart, parse_run, parse_throttle_bytes,
    parse_throttle_operations, parse_ulimit, parse_volume, parse_weight_device, quote_word,
    split_words, ContainerPort, ImageReference, SyntaxError,
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

/// Checks that what is displayed reads back as the same, and is displayed the same way again.
fn check_displayed<T: Debug + Display + PartialEq>(
    pieces: &[&str],
    parse: impl Fn(&str) -> Result<T, SyntaxError> + Copy,
) {
    // With many empty pieces among them, since most of these grammars have short words.
    let sparse = [pieces, &vec![""; 3 * pieces.len()]].concat();
    check(&sparse, parse, |word, value| {
        let displayed = value.to_string();
        let again = parse(&displayed).unwrap_or_else(|error| panic!("{word}: {error}"));
        assert_eq!(again, value, "{word}");
        assert_eq!(again.to_string(), displayed, "{word}");
    });
}

#[test]
fn a_mount_reads_back_as_itself() {
    check_displayed(
        &[
            "type=bind,",
            "type=tmpfs,",
            "type=image,",
            "src=/a,",
            "src=./b,",
            "src=vol,",
            "dst=/b",
            "dst=/b",
            "\"dst=/b,c\"",
            ",",
            "\"",
            "=",
            "ro",
            ",ro",
            ",RO=0",
            ",volume-label=",
            "a=b",
            ",volume-opt=o",
            ",volume-nocopy",
            ",tmpfs-size=64",
            "k",
            ",tmpfs-mode=700",
            ",bind-propagation=rprivate",
            ",bind-recursive=readonly",
            ",bind-nonrecursive",
            ",bind-create-src=0",
            ",consistency=cached",
            "/",
            "~",
        ],
        parse_mount,
    );
}

#[test]
fn a_volume_reads_back_as_itself() {
    check_displayed(
        &[
            "/", "/a", "/data", "vol", ".", "./b", ":", ":", ":/c", "C:\\", "c:/", "~", ":ro",
            ",z", ",", "shared",
        ],
        parse_volume,
    );
}

#[test]
fn a_network_reads_back_as_itself() {
    check_displayed(
        &[
            "name=",
            "net",
            "host",
            "container:",
            ",alias=",
            "a",
            "\"",
            ",",
            "=",
            ",ip=10.0.0.5",
            ",ip6=::1",
            ",link-local-ip=fe80::1",
            ",mac-address=02-42-ac-11-00-02",
            ",driver-opt=k=",
            ",gw-priority=-3",
        ],
        parse_network,
    );
}

#[test]
fn gpus_read_back_as_themselves() {
    check_displayed(
        &[
            "all",
            "2",
            "-1",
            ",",
            "\"",
            "\"\"",
            "=",
            "count=",
            "device=",
            "0",
            "\"device=0,1\"",
            ",driver=x",
            "\"capabilities=gpu,a\"",
            ",capabilities=b",
            ",options=k=v",
            "\"options=\"\"a=b,c\"\",d\"",
        ],
        parse_gpus,
    );
}

#[test]
fn devices_and_their_rules_read_back_as_themselves() {
    check_displayed(&["/dev/a", "/b", ":", "r", "w", "m", "x/y", "=", "v1", "."], parse_device);
    check_displayed(
        &["c 1:3 r", "b 8:* ", "a *:* ", "rwm", "w", "1", " ", "c 99999999999:0 "],
        parse_device_cgroup_rule,
    );
    let rates = ["/dev/sda:", "/dev/sda:1", "/dev/a:50", "0", "5", "k", "/", ":", ".5", "mb", "+"];
    check_displayed(&rates, parse_throttle_bytes);
    check_displayed(&rates, parse_throttle_operations);
    check_displayed(&rates, parse_weight_device);
    check(&rates, parse_throttle_bytes, |word, throttle| {
        assert_eq!(parse_throttle_operations(&throttle.to_string()), Ok(throttle), "{word}");
    });
}

#[test]
fn limits_policies_and_hosts_read_back_as_themselves() {
    check_displayed(
        &["nofile", "core", "=", "=1", "0", "24", ":", "-1", "-", "9223372036854775807"],
        parse_ulimit,
    );
    check_displayed(
        &["no", "always", "on-failure", "on-failure:", "3", "0", ":", "unless-stopped", "-"],
        parse_restart,
    );
    check_displayed(
        &["a", "db", ":", "=", "10.0.0.1", "::1", "[::1]", "[", "]", "host-gateway", "1"],
        parse_add_host,
    );
}

#[test]
fn numbers_read_back_from_their_smallest_unit() {
    let pieces = ["0", "1", "5", "25", ".", ".", "-", "-1", "e", ",", "/", "m", "999999999"];
    check(&pieces, parse_cpus, |word, nanos| {
        let (whole, part) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
        assert_eq!(parse_cpus(&format!("{whole}.{part:09}")), Ok(nanos), "{word}");
    });
    check(&pieces, parse_memory_swap, |word, bytes| {
        assert_eq!(parse_memory_swap(&bytes.to_string()), Ok(bytes), "{word}");
    });
}

#[test]
fn an_env_file_reads_back_and_its_errors_show_no_value() {
    let pieces = [
        "A", "B_C", "=", "=", "secret", "\n", "\n", "\r\n", "#", " ", "\t", "export ", "\"",
        "\u{feff}",
    ];
    let mut words = Words::new();
    for _ in 0..ROUNDS {
        let content = words.word(&pieces);
        match parse_env_file(&content) {
            Ok(entries) => {
                let lines: Vec<String> = entries.iter().map(ToString::to_string).collect();
                assert_eq!(parse_env_file(&lines.join("\n")), Ok(entries), "{content:?}");
            }
            Err(error) => {
                assert!(!error.input().contains('='), "{error}");
                assert_eq!(error.to_string().lines().count(), 2, "{error}");
            }
        }
    }
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
            parse_mount(&word).err(),
            parse_volume(&word).err(),
            parse_network(&word).err(),
            parse_gpus(&word).err(),
            parse_device(&word).err(),
            parse_ulimit(&word).err(),
            parse_restart(&word).err(),
            parse_cpus(&word).err(),
            parse_add_host(&word).err(),
            parse_env_file(&word).err(),
        ];
        let refused = errors.iter().flatten().count();
        assert!(refused >= 10, "{piece} repeated is refused by only {refused} parsers");
    }
}
