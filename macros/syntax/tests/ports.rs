//! Ports as `--publish` and `--expose` take them, and the errors for what users mistype.

use longshore_syntax::{parse_expose, parse_publish, ContainerPort, HostPort, Protocol};

use HostPort::{Fixed, Random};

/// The only mapping that `text` gives, as its three parts.
fn check(text: &str, address: Option<&str>, host: HostPort, container: &str) {
    let mappings = parse_publish(text).unwrap_or_else(|error| panic!("{error}"));
    let [mapping] = &*mappings else { panic!("`{text}` gives {mappings:?}") };
    assert_eq!(mapping.host_address(), address.map(|address| address.parse().unwrap()), "{text}");
    assert_eq!(mapping.host_port(), host, "{text}");
    assert_eq!(mapping.container_port().to_string(), container, "{text}");
}

/// The mappings that `text` gives, displayed.
fn check_words(text: &str, words: &[&str]) {
    let mappings = parse_publish(text).unwrap_or_else(|error| panic!("{error}"));
    let displayed: Vec<String> = mappings.iter().map(ToString::to_string).collect();
    assert_eq!(displayed, words, "{text}");
}

fn check_error(text: &str, problem: &str, hint: &str) {
    let error = parse_publish(text).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("`{text}` is not a port mapping: {problem}\nhint: {hint}")
    );
}

#[test]
fn a_container_port_alone_is_on_a_random_host_port() {
    check("5000", None, Random, "5000/tcp");
    check("5000/udp", None, Random, "5000/udp");
    check(":80", None, Random, "80/tcp");
    check("0:80", None, Random, "80/tcp");
    check("0-0:80", None, Random, "80/tcp");
    check("::80", None, Random, "80/tcp");
}

#[test]
fn a_host_port_is_fixed() {
    check("8080:80", None, Fixed(8080), "80/tcp");
    check("8080:80/udp", None, Fixed(8080), "80/udp");
    check("8080:80/SCTP", None, Fixed(8080), "80/sctp");
    check("8000-8000:80-80", None, Fixed(8000), "80/tcp");
    check("65535:65535", None, Fixed(65535), "65535/tcp");
    check("0080:080", None, Fixed(80), "80/tcp");
}

#[test]
fn an_address_may_stand_before_the_ports() {
    check("127.0.0.1:80:5000", Some("127.0.0.1"), Fixed(80), "5000/tcp");
    check("127.0.0.1::5000", Some("127.0.0.1"), Random, "5000/tcp");
    check("127.0.0.1:0:5000", Some("127.0.0.1"), Random, "5000/tcp");
    check("0.0.0.0:80:5000", Some("0.0.0.0"), Fixed(80), "5000/tcp");
    check("[::1]:8080:80", Some("::1"), Fixed(8080), "80/tcp");
    check("[::1]::80/udp", Some("::1"), Random, "80/udp");
    check("[::]:8080:80", Some("::"), Fixed(8080), "80/tcp");
    check("[127.0.0.1]:8080:80", Some("127.0.0.1"), Fixed(8080), "80/tcp");
    check(":8080:80", None, Fixed(8080), "80/tcp");
}

#[test]
fn a_host_range_for_one_container_port_is_one_mapping() {
    let range = HostPort::Range { first: 8000, last: 9000 };
    check("8000-9000:5000", None, range, "5000/tcp");
    check("[::1]:8000-9000:5000/udp", Some("::1"), range, "5000/udp");
}

#[test]
fn two_ranges_of_one_length_are_paired() {
    let mappings = parse_publish("8000-8009:5000-5009").unwrap();
    assert_eq!(mappings.len(), 10);
    for (step, mapping) in (0..).zip(&mappings) {
        assert_eq!(mapping.host_port(), Fixed(8000 + step));
        assert_eq!(mapping.container_port(), ContainerPort::from(5000 + step));
    }
    check_words(
        "127.0.0.1:8000-8001:80-81/udp",
        &["127.0.0.1:8000:80/udp", "127.0.0.1:8001:81/udp"],
    );
}

#[test]
fn a_container_range_alone_is_on_random_host_ports() {
    check_words("5000-5002", &["5000", "5001", "5002"]);
    check_words("[::1]::53-54/udp", &["[::1]::53/udp", "[::1]::54/udp"]);
    assert_eq!(parse_publish("5000-5009").unwrap().len(), 10);
    assert_eq!(parse_publish("1-65535").unwrap().len(), 65535);
    assert_eq!(parse_publish("1-65535:1-65535").unwrap()[65534].host_port(), Fixed(65535));
}

#[test]
fn a_mapping_is_displayed_as_the_shortest_word() {
    check_words("0:5000/tcp", &["5000"]);
    check_words("8080:80/TCP", &["8080:80"]);
    check_words("8000-9000:80/udp", &["8000-9000:80/udp"]);
    check_words("127.0.0.1:0:80", &["127.0.0.1::80"]);
    check_words("[0:0:0:0:0:0:0:1]:8080:80", &["[::1]:8080:80"]);
}

#[test]
fn too_many_colons_are_an_error() {
    let grammar = "write `[[address:][host-port]:]container-port[/protocol]`, such as `8080:80`";
    check_error("8080:80:90:1", "too many `:`", grammar);
    check_error("[::1]:80:90:1", "too many `:`", grammar);
    check_error("", "it is empty", grammar);
}

#[test]
fn an_ipv6_address_has_to_be_in_brackets() {
    let problem = "its IPv6 address is not in brackets";
    check_error("::1:8080:80", problem, "write `[::1]:8080:80`");
    check_error("fe80::1::80", problem, "write `[fe80::1]::80`");
    check_error(
        "[::1:8080:80",
        "its `[` is not closed",
        "write an IPv6 address as `[::1]:8080:80`",
    );
    check_error(
        "[::1]80:80",
        "there is no `:` after `[::1]`",
        "write a `:`, as in `[::1]:8080:80`",
    );
    check_error("[::1]:80", "`[::1]` has no host port", "for a random host port write `[::1]::80`");
}

#[test]
fn an_address_is_not_a_name() {
    let hint = "write the address of an interface, such as `127.0.0.1` or `[::1]`";
    check_error(
        "localhost:8080:80",
        "`localhost` is a name, not an IP address",
        "write `127.0.0.1`",
    );
    check_error("8080:80:90", "`8080` is not an IP address", hint);
    check_error("example.com:8080:80", "`example.com` is not an IP address", hint);
    check_error("127.0.0.256:8080:80", "`127.0.0.256` is not an IP address", hint);
    check_error("[fe80::1%eth0]:8080:80", "`fe80::1%eth0` is not an IP address", hint);
}

#[test]
fn a_port_is_a_number_up_to_65535() {
    let hint = "a port is a number from 1 to 65535";
    check_error("http", "the container port `http` is not a number", hint);
    check_error("localhost:80", "the host port `localhost` is not a number", hint);
    check_error("+80", "the container port `+80` is not a number", hint);
    check_error("8080:80x", "the container port `80x` is not a number", hint);
    check_error("1-2-3", "the container port `2-3` is not a number", hint);
    let range = "ports go from 1 to 65535";
    check_error("65536", "the container port `65536` is too large", range);
    check_error("70000:80", "the host port `70000` is too large", range);
    check_error(
        "99999999999999999999:80",
        "the host port `99999999999999999999` is too large",
        range,
    );
    check_error("0", "a container port cannot be 0", range);
    check_error("8080:0-9", "a container port cannot be 0", range);
}

#[test]
fn a_missing_port_is_asked_for() {
    let hint = "write the port that the container listens on, such as `80`";
    for text in ["8080:", ":", "127.0.0.1:8080:", "[::1]::", "8080:/udp", "/udp"] {
        check_error(text, "the container port is empty", hint);
    }
    check_error(
        "127.0.0.1:80/udp",
        "the address `127.0.0.1` has no host port",
        "for a random host port write `127.0.0.1::80/udp`",
    );
}

#[test]
fn ranges_are_checked() {
    check_error("5009-5000", "`5009-5000` runs backwards", "write `5000-5009`");
    check_error("9000-8000:80", "`9000-8000` runs backwards", "write `8000-9000`");
    for text in ["5000-", "-5000", "-"] {
        let hint = "write both ends, such as `5000-5009`";
        check_error(text, &format!("`{text}` is half a range"), hint);
    }
    let lengths = "give both ranges the same length, or leave the host ports away";
    check_error(
        "8000-8009:5000-5004",
        "10 host ports cannot be paired with 5 container ports",
        lengths,
    );
    check_error("80:5000-5001", "1 host port cannot be paired with 2 container ports", lengths);
    check_error(
        "0-9:5000",
        "host ports cannot be counted up from 0",
        "for random host ports write the container ports alone",
    );
}

#[test]
fn a_protocol_is_known_and_goes_last() {
    let known = "the protocols are `tcp`, `udp` and `sctp`";
    check_error("80/http", "the protocol `http` is unknown", known);
    check_error("80/udp/x", "the protocol `udp/x` is unknown", known);
    check_error("80/", "the protocol is empty", known);
    check_error(
        "8080/udp:80",
        "the protocol stands at the host port",
        "a protocol goes last: `8080:80/udp`",
    );
}

#[test]
fn white_space_is_refused() {
    check_error("8080: 80", "it has white space in it", "write it without: `8080:80`");
    check_error(" 80", "it has white space around it", "write it without: `80`");
}

#[test]
fn exposed_ports_are_one_or_a_range() {
    let udp = |port| ContainerPort::new(port, Protocol::Udp);
    assert_eq!(parse_expose("5000").unwrap(), [5000.into()]);
    assert_eq!(parse_expose("53-55/udp").unwrap(), [udp(53), udp(54), udp(55)]);
    assert_eq!(
        parse_expose("8080:80").unwrap_err().to_string(),
        "`8080:80` is not a port to expose: it holds a `:`\n\
         hint: write the container port alone, `80`; host ports are for `publish`"
    );
    assert_eq!(
        parse_expose("").unwrap_err().to_string(),
        "`` is not a port to expose: the container port is empty\n\
         hint: write the port that the container listens on, such as `80`"
    );
}

#[test]
fn a_container_port_is_one_port() {
    assert_eq!(ContainerPort::parse("5000"), Ok(ContainerPort::new(5000, Protocol::Tcp)));
    assert_eq!("53/udp".parse(), Ok(ContainerPort::new(53, Protocol::Udp)));
    assert_eq!(
        ContainerPort::parse("5000-5005").unwrap_err().to_string(),
        "`5000-5005` is not a container port: it is a range of ports\nhint: name one port"
    );
    assert_eq!(
        ContainerPort::parse("0").unwrap_err().to_string(),
        "`0` is not a container port: a container port cannot be 0\nhint: ports go from 1 to 65535"
    );
}

#[test]
fn a_protocol_is_read_in_either_case() {
    for (text, protocol) in
        [("tcp", Protocol::Tcp), ("UDP", Protocol::Udp), ("Sctp", Protocol::Sctp)]
    {
        assert_eq!(text.parse(), Ok(protocol));
        assert_eq!(protocol.to_string(), text.to_lowercase());
    }
    assert_eq!(
        "icmp".parse::<Protocol>().unwrap_err().to_string(),
        "`icmp` is not a protocol: no port has it\n\
         hint: the protocols are `tcp`, `udp` and `sctp`"
    );
}

#[test]
fn the_long_form_is_the_short_one() {
    for (long, short) in [
        ("published=8080,target=80", "8080:80"),
        ("target=80", "80"),
        ("target=53,published=5353,protocol=udp", "5353:53/udp"),
    ] {
        assert_eq!(parse_publish(long), parse_publish(short), "{long}");
    }
    assert_eq!(
        parse_publish("port=80").unwrap_err().to_string(),
        "`port=80` is not a port mapping: `port` is not a field of it\nhint: the fields are `published`, `target` and \
         `protocol`"
    );
    assert_eq!(
        parse_publish("published=80").unwrap_err().to_string(),
        "`published=80` is not a port mapping: it has no target\nhint: write `published=8080,target=80`, or `8080:80`"
    );
}
