//! `--add-host`: a line for `/etc/hosts`.

use std::{fmt, net::IpAddr};

use crate::error::{refuse_white_space, Problem, SyntaxError};

const GATEWAY: &str = "host-gateway";
const EXAMPLE: &str = "write `name:10.0.0.1`, or `name:host-gateway` for the engine's machine";

/// A name and its address, as `docker run --add-host` takes them.
///
/// Displayed as the engine's API takes it: `name:address`, with no brackets.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostLine {
    name: String,
    address: String,
}

impl HostLine {
    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The address as it is written, without brackets, or `host-gateway`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Whether the address is `host-gateway`, which the engine replaces by that of its machine.
    pub fn is_host_gateway(&self) -> bool {
        self.address == GATEWAY
    }
}

impl fmt::Display for HostLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.address)
    }
}

/// Reads a word of `docker run --add-host`, `name:address` or `name=address`, as Docker 25 and
/// later do.
///
/// The address is IPv4 or IPv6, the latter in brackets or without, or `host-gateway`.
///
/// Stricter than Docker: no white space anywhere.
///
/// # Errors
///
/// When the text is not so written. A host name is no address.
///
/// # Examples
///
/// ```
/// use longshore_syntax::parse_add_host;
///
/// let host = parse_add_host("db=[::1]")?;
/// assert_eq!((host.name(), host.address()), ("db", "::1"));
/// assert_eq!(host.to_string(), "db:::1");
/// # Ok::<(), longshore_syntax::SyntaxError>(())
/// ```
pub fn parse_add_host(text: &str) -> Result<HostLine, SyntaxError> {
    add_host(text).map_err(|problem| problem.within(text, "a host and its address"))
}

fn add_host(text: &str) -> Result<HostLine, Problem> {
    if text.is_empty() {
        return Err(Problem::new("it is empty").hint(EXAMPLE));
    }
    refuse_white_space(text)?;
    let Some((name, address)) = text.split_once('=').or_else(|| text.split_once(':')) else {
        return Err(Problem::new("it has no address").hint(EXAMPLE));
    };
    if name.is_empty() {
        return Err(Problem::new("it has no name").hint(EXAMPLE));
    }
    if name.contains(':') {
        return Err(Problem::new(format!("the name `{name}` has a `:` in it")).hint(EXAMPLE));
    }
    let inside = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let plain = inside.unwrap_or(address);
    if address != GATEWAY && plain.parse::<IpAddr>().is_err() {
        return Err(not_an_address(name, plain));
    }
    Ok(HostLine { name: name.to_owned(), address: plain.to_owned() })
}

fn not_an_address(name: &str, address: &str) -> Problem {
    if address.is_empty() {
        return Problem::new("it has no address").hint(EXAMPLE);
    }
    let problem = Problem::new(format!("`{address}` is not an IP address"));
    if address.eq_ignore_ascii_case(GATEWAY) {
        problem.hint(format!("write `{name}:{GATEWAY}`"))
    } else if address.eq_ignore_ascii_case("localhost") {
        problem.hint(format!(
            "write `{name}:127.0.0.1` for the container itself, or `{name}:{GATEWAY}` for the \
             engine's machine"
        ))
    } else if name.parse::<IpAddr>().is_ok() {
        problem.hint(format!("the name comes first: `{address}:{name}`"))
    } else {
        problem.hint(EXAMPLE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, displayed: &str) {
        let host = parse_add_host(text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(host.to_string(), displayed);
        assert_eq!(parse_add_host(displayed), Ok(host));
    }

    fn check_error(text: &str, problem: &str, hint: &str) {
        let error = parse_add_host(text).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("`{text}` is not a host and its address: {problem}\nhint: {hint}")
        );
    }

    #[test]
    fn both_marks_and_brackets_are_read() {
        check("a:10.0.0.1", "a:10.0.0.1");
        check("a=10.0.0.1", "a:10.0.0.1");
        check("a:host-gateway", "a:host-gateway");
        check("a:[::1]", "a:::1");
        check("a=::1", "a:::1");
        check("a:::1", "a:::1");
        check("a:[1.1.1.1]", "a:1.1.1.1");
        check("a:0:0:0:0:0:0:0:1", "a:0:0:0:0:0:0:0:1");
        assert!(parse_add_host("a=host-gateway").unwrap().is_host_gateway());
    }

    #[test]
    fn what_is_no_address_is_refused() {
        check_error("", "it is empty", EXAMPLE);
        check_error("a", "it has no address", EXAMPLE);
        check_error("a:", "it has no address", EXAMPLE);
        check_error(":1.1.1.1", "it has no name", EXAMPLE);
        check_error("a:b", "`b` is not an IP address", EXAMPLE);
        check_error("a:01.1.1.1", "`01.1.1.1` is not an IP address", EXAMPLE);
        check_error("a:1.1.1.1=x", "the name `a:1.1.1.1` has a `:` in it", EXAMPLE);
        check_error("a: 1.1.1.1", "it has white space in it", "write it without: `a:1.1.1.1`");
        check_error(
            "10.0.0.1:db",
            "`db` is not an IP address",
            "the name comes first: `db:10.0.0.1`",
        );
        check_error(
            "a:Host-Gateway",
            "`Host-Gateway` is not an IP address",
            "write `a:host-gateway`",
        );
        check_error(
            "a:localhost",
            "`localhost` is not an IP address",
            "write `a:127.0.0.1` for the container itself, or `a:host-gateway` for the engine's \
             machine",
        );
    }
}
