//! `--restart`: whether the engine starts a container again that has exited.

use std::{fmt, num::NonZeroU32};

use crate::{
    error::{refuse_white_space, Problem, SyntaxError},
    nearest::nearest,
};

const NAMES: &[&str] = &["no", "always", "unless-stopped", "on-failure"];
const EXAMPLE: &str = "write `no`, `always`, `unless-stopped`, `on-failure` or `on-failure:3`";

/// When a container is started again, as `docker run --restart` takes it. Displayed the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum RestartPolicy {
    /// Never.
    #[default]
    No,
    /// Whenever it exits.
    Always,
    /// Whenever it exits, unless it was stopped.
    UnlessStopped,
    /// When it exits with another code than 0.
    OnFailure {
        /// How often at most; `None` is without limit.
        max_retries: Option<NonZeroU32>,
    },
}

impl RestartPolicy {
    /// The name that it has in the engine's API: `no`, `always`, `unless-stopped` or `on-failure`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Always => "always",
            Self::UnlessStopped => "unless-stopped",
            Self::OnFailure { .. } => "on-failure",
        }
    }

    /// How often at most; 0 is without limit.
    pub fn max_retries(self) -> u32 {
        match self {
            Self::OnFailure { max_retries } => max_retries.map_or(0, NonZeroU32::get),
            _ => 0,
        }
    }
}

impl fmt::Display for RestartPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.max_retries() {
            0 => f.pad(self.name()),
            retries => write!(f, "{}:{retries}", self.name()),
        }
    }
}

/// Reads a word of `docker run --restart`: `no`, `always`, `unless-stopped`, or `on-failure`,
/// perhaps with how often at most: `on-failure:3`. 0 is without limit.
///
/// Stricter than Docker's command, which leaves the names to the engine.
///
/// # Errors
///
/// When the text is none of those.
///
/// # Examples
///
/// ```
/// use longshore_syntax::parse_restart;
///
/// let policy = parse_restart("on-failure:3")?;
/// assert_eq!((policy.name(), policy.max_retries()), ("on-failure", 3));
/// # Ok::<(), longshore_syntax::SyntaxError>(())
/// ```
pub fn parse_restart(text: &str) -> Result<RestartPolicy, SyntaxError> {
    restart(text).map_err(|problem| problem.within(text, "a restart policy"))
}

fn restart(text: &str) -> Result<RestartPolicy, Problem> {
    if text.is_empty() {
        return Err(Problem::new("it is empty").hint(EXAMPLE));
    }
    refuse_white_space(text)?;
    let (name, retries) = match text.split_once(':') {
        Some((name, retries)) => (name, Some(retries)),
        None => (text, None),
    };
    let policy = match name {
        "no" => RestartPolicy::No,
        "always" => RestartPolicy::Always,
        "unless-stopped" => RestartPolicy::UnlessStopped,
        "on-failure" => RestartPolicy::OnFailure { max_retries: None },
        _ => {
            let problem = Problem::new(format!("there is no policy `{name}`"));
            return Err(match nearest(name, NAMES.iter().copied()) {
                Some(meant) => problem.hint(format!("did you mean `{meant}`?")),
                None => problem.hint(EXAMPLE),
            });
        }
    };
    match (policy, retries) {
        (_, None) => Ok(policy),
        (RestartPolicy::OnFailure { .. }, Some(retries)) => match retries.parse() {
            Ok(count) => Ok(RestartPolicy::OnFailure { max_retries: NonZeroU32::new(count) }),
            Err(_) => Err(Problem::new(format!("`{retries}` is not a number of restarts"))
                .hint("write a whole number, such as `on-failure:3`")),
        },
        (_, Some(_)) => Err(Problem::new(format!("`{name}` takes no number of restarts"))
            .hint(format!("write `{name}`; only `on-failure` takes one"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, policy: RestartPolicy, displayed: &str) {
        assert_eq!(parse_restart(text), Ok(policy), "{text}");
        assert_eq!(policy.to_string(), displayed);
    }

    fn check_error(text: &str, problem: &str, hint: &str) {
        let error = parse_restart(text).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("`{text}` is not a restart policy: {problem}\nhint: {hint}")
        );
    }

    #[test]
    fn every_policy_is_read() {
        let on_failure = |count| RestartPolicy::OnFailure { max_retries: NonZeroU32::new(count) };
        check("no", RestartPolicy::No, "no");
        check("always", RestartPolicy::Always, "always");
        check("unless-stopped", RestartPolicy::UnlessStopped, "unless-stopped");
        check("on-failure", on_failure(0), "on-failure");
        check("on-failure:0", on_failure(0), "on-failure");
        check("on-failure:3", on_failure(3), "on-failure:3");
        check("on-failure:+3", on_failure(3), "on-failure:3");
    }

    #[test]
    fn what_is_no_policy_is_refused() {
        check_error("", "it is empty", EXAMPLE);
        check_error("sometimes", "there is no policy `sometimes`", EXAMPLE);
        check_error("No", "there is no policy `No`", "did you mean `no`?");
        check_error("onfailure:3", "there is no policy `onfailure`", "did you mean `on-failure`?");
        check_error(
            "always:3",
            "`always` takes no number of restarts",
            "write `always`; only `on-failure` takes one",
        );
        for retries in ["", "x", "-1", "3:4"] {
            check_error(
                &format!("on-failure:{retries}"),
                &format!("`{retries}` is not a number of restarts"),
                "write a whole number, such as `on-failure:3`",
            );
        }
    }
}
