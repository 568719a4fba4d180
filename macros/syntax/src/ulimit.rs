//! `--ulimit`: the limits of the kernel for the processes of a container.

use std::fmt;

use crate::{
    error::{refuse_white_space, Problem, SyntaxError},
    nearest::nearest,
};

const NAMES: &[&str] = &[
    "core",
    "cpu",
    "data",
    "fsize",
    "locks",
    "memlock",
    "msgqueue",
    "nice",
    "nofile",
    "nproc",
    "rss",
    "rtprio",
    "rttime",
    "sigpending",
    "stack",
];
const EXAMPLE: &str = "write a limit such as `nofile=1024` or `nofile=1024:2048`";

/// A limit, as `docker run --ulimit` takes it.
///
/// Displayed as `nofile=1024:2048`, or `nofile=1024` where both are the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Ulimit {
    name: &'static str,
    soft: i64,
    hard: i64,
}

impl Ulimit {
    /// What is limited: `nofile`, `nproc`, `core` and so on (`getrlimit(2)`, in lower case and
    /// without `RLIMIT_`).
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The limit that counts, in the unit of the kernel; -1 is no limit.
    pub const fn soft(&self) -> i64 {
        self.soft
    }

    /// The limit to which a process can raise the other, at least as high; -1 is no limit.
    pub const fn hard(&self) -> i64 {
        self.hard
    }
}

impl fmt::Display for Ulimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.soft)?;
        if self.hard != self.soft {
            write!(f, ":{}", self.hard)?;
        }
        Ok(())
    }
}

/// Reads a word of `docker run --ulimit`, `name=soft[:hard]`, as `docker/go-units` does.
///
/// -1 is no limit. Without a hard limit it is the same as the soft one.
///
/// Stricter than Docker: no other number may be negative.
///
/// # Errors
///
/// When the text is not so written, when the kernel has no limit of that name, and when the soft
/// limit is above the hard one.
///
/// # Examples
///
/// ```
/// use longshore_syntax::parse_ulimit;
///
/// let ulimit = parse_ulimit("nofile=1024:2048")?;
/// assert_eq!((ulimit.name(), ulimit.soft(), ulimit.hard()), ("nofile", 1024, 2048));
/// # Ok::<(), longshore_syntax::SyntaxError>(())
/// ```
pub fn parse_ulimit(text: &str) -> Result<Ulimit, SyntaxError> {
    ulimit(text).map_err(|problem| problem.within(text, "a ulimit"))
}

fn ulimit(text: &str) -> Result<Ulimit, Problem> {
    if text.is_empty() {
        return Err(Problem::new("it is empty").hint(EXAMPLE));
    }
    refuse_white_space(text)?;
    let Some((name, limits)) = text.split_once('=') else {
        return Err(Problem::new("it has no `=`").hint(EXAMPLE));
    };
    let Some(name) = NAMES.iter().copied().find(|known| *known == name) else {
        let problem = Problem::new(format!("the kernel has no limit `{name}`"));
        return Err(match nearest(name, NAMES.iter().copied()) {
            Some(meant) => problem.hint(format!("did you mean `{meant}={limits}`?")),
            None => {
                let names: Vec<String> = NAMES.iter().map(|name| format!("`{name}`")).collect();
                problem.hint(format!("the names are {}", names.join(", ")))
            }
        });
    };
    let (soft, hard) = match limits.split_once(':') {
        Some((soft, hard)) => (limit(soft)?, limit(hard)?),
        None => (limit(limits)?, limit(limits)?),
    };
    // No limit is the highest of all.
    let height = |limit: i64| if limit < 0 { i64::MAX } else { limit };
    if height(soft) > height(hard) {
        return Err(Problem::new(format!(
            "its soft limit {} is above its hard limit {}",
            spelled(soft),
            spelled(hard)
        ))
        .hint("write the lower one first"));
    }
    Ok(Ulimit { name, soft, hard })
}

fn spelled(limit: i64) -> String {
    match limit {
        -1 => "-1 (no limit)".to_owned(),
        limit => limit.to_string(),
    }
}

fn limit(text: &str) -> Result<i64, Problem> {
    match text.parse() {
        Ok(limit) if limit >= -1 => Ok(limit),
        _ => {
            let problem = Problem::new(format!("`{text}` is not a limit"));
            Err(if text.eq_ignore_ascii_case("unlimited") || text.starts_with('-') {
                problem.hint("write `-1` for no limit")
            } else {
                problem.hint(EXAMPLE)
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, soft: i64, hard: i64, displayed: &str) {
        let ulimit = parse_ulimit(text).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!((ulimit.soft(), ulimit.hard()), (soft, hard), "{text}");
        assert_eq!(ulimit.to_string(), displayed);
    }

    fn check_error(text: &str, problem: &str, hint: &str) {
        let error = parse_ulimit(text).unwrap_err();
        assert_eq!(error.to_string(), format!("`{text}` is not a ulimit: {problem}\nhint: {hint}"));
    }

    #[test]
    fn one_limit_is_both() {
        check("nofile=1024:2048", 1024, 2048, "nofile=1024:2048");
        check("nofile=1024", 1024, 1024, "nofile=1024");
        check("core=0:0", 0, 0, "core=0");
        check("memlock=-1", -1, -1, "memlock=-1");
        check("stack=8192:-1", 8192, -1, "stack=8192:-1");
    }

    #[test]
    fn the_soft_limit_is_the_lower_one() {
        let hint = "write the lower one first";
        check_error("nofile=2048:1024", "its soft limit 2048 is above its hard limit 1024", hint);
        check_error("nofile=-1:5", "its soft limit -1 (no limit) is above its hard limit 5", hint);
    }

    #[test]
    fn an_unknown_name_gets_the_one_that_was_meant() {
        check_error("nofiles=1", "the kernel has no limit `nofiles`", "did you mean `nofile=1`?");
        check_error("NOFILE=1", "the kernel has no limit `NOFILE`", "did you mean `nofile=1`?");
        let error = parse_ulimit("open-documents=1").unwrap_err();
        assert!(error.hint().is_some_and(|hint| hint.starts_with("the names are `core`, `cpu`")));
    }

    #[test]
    fn what_is_no_limit_is_refused() {
        check_error("", "it is empty", EXAMPLE);
        check_error("nofile", "it has no `=`", EXAMPLE);
        check_error("nofile=", "`` is not a limit", EXAMPLE);
        check_error("nofile=1:2:3", "`2:3` is not a limit", EXAMPLE);
        check_error("nofile=unlimited", "`unlimited` is not a limit", "write `-1` for no limit");
        check_error("nofile=-5", "`-5` is not a limit", "write `-1` for no limit");
        check_error("nofile= 1", "it has white space in it", "write it without: `nofile=1`");
    }
}
