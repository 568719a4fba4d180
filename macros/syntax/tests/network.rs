//! Networks as `--network` takes them, and the errors for what users mistype.

use longshore_syntax::{parse_network, NetworkAttachment};

fn network(text: &str) -> NetworkAttachment {
    parse_network(text).unwrap_or_else(|error| panic!("{error}"))
}

fn check(text: &str, displayed: &str) {
    let network = network(text);
    assert_eq!(network.to_string(), displayed, "{text}");
    assert_eq!(parse_network(displayed), Ok(network), "{text}");
}

fn check_error(text: &str, problem: &str, hint: &str) {
    let error = parse_network(text).unwrap_err();
    assert_eq!(error.to_string(), format!("`{text}` is not a network: {problem}\nhint: {hint}"));
}

#[test]
fn a_name_alone_is_enough() {
    for name in ["backend", "host", "none", "bridge", "default", "container:web", "pasta:-4"] {
        assert_eq!(network(name).name(), name);
        check(name, name);
        check(&format!("name={name}"), name);
    }
    assert_eq!(network("container:web").container(), Some("web"));
    assert_eq!(network("web").container(), None);
}

#[test]
fn every_field_is_read() {
    let text = "name=backend,alias=a,alias=b,ip=10.0.0.5,ip6=2001:db8::5,\
                mac-address=02:42:ac:11:00:02,link-local-ip=169.254.1.1,link-local-ip=fe80::1,\
                driver-opt=com.docker.network.endpoint.sysctls=a=1,gw-priority=-10";
    check(text, text);
    let network = network(text);
    assert_eq!(network.aliases(), ["a", "b"]);
    assert_eq!(network.ipv4(), Some([10, 0, 0, 5].into()));
    assert_eq!(network.ipv6(), "2001:db8::5".parse().ok());
    assert_eq!(network.mac_address(), Some("02:42:ac:11:00:02"));
    assert_eq!(network.link_local_ips().len(), 2);
    let sysctls = "com.docker.network.endpoint.sysctls".to_owned();
    assert_eq!(network.driver_options(), [(sysctls, "a=1".to_owned())]);
    assert_eq!(network.gateway_priority(), Some(-10));
}

#[test]
fn the_case_of_keys_and_blanks_around_them_do_not_matter() {
    check("NAME=backend, Alias = a", "name=backend,alias=a");
}

#[test]
fn an_unknown_key_gets_the_one_that_was_meant() {
    for (key, meant) in [
        ("aliases", "alias"),
        ("ipv4", "ip"),
        ("ipv6", "ip6"),
        ("mac", "mac-address"),
        ("driver_opts", "driver-opt"),
    ] {
        check_error(
            &format!("name=b,{key}=x"),
            &format!("`{key}` is not a key of a network"),
            &format!("did you mean `{meant}`?"),
        );
    }
    check_error(
        "a=b",
        "`a` is not a key of a network",
        "the keys are `name`, `alias`, `ip`, `ip6`, `mac-address`, `link-local-ip`, `driver-opt` \
         and `gw-priority`",
    );
}

#[test]
fn the_network_has_a_name() {
    check_error(
        "alias=a",
        "it does not say which network",
        "add the name of the network, such as `name=backend`",
    );
    check_error(
        "",
        "it is empty",
        "write the name of a network, or fields such as `name=backend,alias=db`",
    );
    check_error(
        "container:",
        "it does not say which container",
        "write the name or id of one: `container:name`",
    );
    check_error(
        "a,b",
        "it is neither a name nor fields",
        "write `--network` once for each network, or fields such as `name=backend,alias=db`",
    );
    check_error("name=a,name=b", "`name` is a second `name`", "leave one of the two away");
}

#[test]
fn values_are_checked() {
    check_error(
        "name=b,ip=x",
        "its `ip` is `x`, which is not an IPv4 address",
        "write an address, such as `ip=10.0.0.5`",
    );
    check_error(
        "name=b,ip6=10.0.0.5",
        "its `ip6` is `10.0.0.5`, which is not an IPv6 address",
        "write an address, such as `ip6=2001:db8::5`",
    );
    check_error(
        "name=b,mac-address=02:42",
        "its `mac-address` is `02:42`, which is not a MAC address",
        "write six bytes, such as `mac-address=02:42:ac:11:00:02`",
    );
    check_error(
        "name=b,driver-opt=k",
        "its `driver-opt` is not a name and a value",
        "write it as `driver-opt=name=value`",
    );
    check_error(
        "name=b,gw-priority=high",
        "its `gw-priority` is `high`, which is no whole number",
        "write a number such as `10`, the highest has the default gateway",
    );
    check_error("name=b,alias", "`alias` has no value", "write it as `alias=..`");
}

#[test]
fn only_a_network_of_ones_own_gives_names_and_addresses() {
    let hint = "name a network that was created, or leave it away";
    for name in ["host", "none", "bridge", "default", "container:web"] {
        check_error(
            &format!("name={name},alias=a"),
            &format!("`{name}` cannot give the container an `alias`"),
            hint,
        );
    }
    check_error("name=bridge,ip=10.0.0.5", "`bridge` cannot give the container an `ip`", hint);
}
