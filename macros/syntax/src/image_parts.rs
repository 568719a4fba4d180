//! The parts of an image reference, and what each may hold.
//!
//! Each check sees its part alone and reports the first thing that is wrong with it; what is no
//! mistake of one part (an id, a scheme, upper case) is `image.rs`'s.

use crate::error::Problem;

const MAX_TAG_LENGTH: usize = 128;

/// The digest algorithms that Docker knows, and how many hexadecimal digits each gives.
const ALGORITHMS: [(&str, usize); 3] = [("sha256", 64), ("sha384", 96), ("sha512", 128)];

/// `registry` stands before a `/`, and `rest` after it.
pub(crate) fn check_registry(registry: &str, rest: &str) -> Result<(), Problem> {
    let (host, port) = match registry.rsplit_once(':') {
        Some((host, port)) if !registry.ends_with(']') => (host, Some(port)),
        _ => (registry, None),
    };
    if !is_host(host) {
        return Err(Problem::new(format!("`{host}` is not a registry's host"))
            .hint("what stands before the first `/` is a host name, such as `localhost:5000`"));
    }
    match port {
        Some(port) if port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()) => {
            let problem = Problem::new(format!("`{port}` is not a registry's port"));
            let is_tag = !rest.contains([':', '@']) && check_tag(port).is_ok();
            Err(match is_tag {
                true => problem.hint(format!("a tag goes last: `{host}/{rest}:{port}`")),
                false => problem.hint("a registry is written such as `localhost:5000`"),
            })
        }
        _ => Ok(()),
    }
}

fn is_host(text: &str) -> bool {
    let in_brackets = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    if let Some(address) = in_brackets {
        return !address.is_empty()
            && address.bytes().all(|byte| byte == b':' || byte.is_ascii_hexdigit());
    }
    text.split('.').all(|label| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte == b'-' || byte.is_ascii_alphanumeric())
    })
}

pub(crate) fn check_path(path: &str) -> Result<(), Problem> {
    if path.is_empty() {
        return Err(Problem::new("its repository is empty")
            .hint("name a repository, such as `postgres` or `localhost:5000/app`"));
    }
    let is_allowed = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '.' | '_' | '-' | '/');
    if let Some(c) = path.chars().find(|c| !is_allowed(*c)) {
        return Err(Problem::new(format!("a repository cannot hold `{c}`"))
            .hint("a repository is made of lower-case letters, digits, `.`, `_`, `-` and `/`"));
    }
    for component in path.split('/') {
        if component.is_empty() {
            return Err(Problem::new("it has a `/` with nothing before or after it"));
        }
        if !is_component(component) {
            return Err(Problem::new(format!("`{component}` cannot be part of a repository"))
                .hint(
                    "letters and digits come first and last, with `.`, `_`, `__` or `-` between",
                ));
        }
    }
    Ok(())
}

/// Of a component the characters are known to be right; this is about their order.
fn is_component(component: &str) -> bool {
    let is_edged = component.starts_with(['.', '_', '-']) || component.ends_with(['.', '_', '-']);
    // Between two neighbouring letters there is an empty separator. Of dashes there may be many.
    let mut separators = component.split(|c: char| c.is_ascii_alphanumeric());
    !is_edged
        && separators.all(|separator| {
            matches!(separator, "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-')
        })
}

pub(crate) fn check_tag(tag: &str) -> Result<(), Problem> {
    if tag.is_empty() {
        return Err(Problem::new("its tag is empty")
            .hint("write a tag after the `:`, or leave the `:` away for `latest`"));
    }
    let is_word = |c: char| c == '_' || c.is_ascii_alphanumeric();
    if let Some(c) = tag.chars().find(|c| !is_word(*c) && !matches!(c, '.' | '-')) {
        return Err(Problem::new(format!("a tag cannot hold `{c}`"))
            .hint("a tag is made of letters, digits, `_`, `.` and `-`"));
    }
    if !tag.starts_with(is_word) {
        return Err(Problem::new(format!("the tag `{tag}` begins with a separator"))
            .hint("a tag begins with a letter, a digit or `_`"));
    }
    if tag.len() > MAX_TAG_LENGTH {
        return Err(Problem::new(format!("the tag is {} characters long", tag.len()))
            .hint(format!("a tag has at most {MAX_TAG_LENGTH} characters")));
    }
    Ok(())
}

pub(crate) fn check_digest(digest: &str) -> Result<(), Problem> {
    let Some((algorithm, hex)) = digest.split_once(':') else {
        return Err(Problem::new(format!("the digest `{digest}` has no algorithm"))
            .hint("a digest is `sha256:` and 64 hexadecimal digits"));
    };
    let Some((_, length)) = ALGORITHMS.iter().find(|(name, _)| *name == algorithm) else {
        return Err(Problem::new(format!("`{algorithm}` is not a digest algorithm"))
            .hint("the algorithms are `sha256`, `sha384` and `sha512`"));
    };
    if let Some(c) = hex.chars().find(|c| !c.is_ascii_hexdigit()) {
        return Err(Problem::new(format!("a digest cannot hold `{c}`"))
            .hint(format!("a {algorithm} digest is {length} hexadecimal digits")));
    }
    if hex.len() != *length {
        return Err(Problem::new(format!("its digest is {} digits long", hex.len()))
            .hint(format!("a {algorithm} digest is {length} hexadecimal digits")));
    }
    if !hex.bytes().all(is_lower_hex) {
        return Err(
            Problem::new("its digest holds upper-case letters").hint("write it in lower case")
        );
    }
    Ok(())
}

pub(crate) fn is_lower_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}
