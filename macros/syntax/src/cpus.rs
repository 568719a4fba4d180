//! `--cpus`: a number of processors, exact to a billionth.

use crate::{
    decimal::Decimal,
    error::{refuse_white_space, Problem, SyntaxError},
};

const EXAMPLE: &str = "write a number, such as `2` or `0.5`";
const DIGITS: usize = 9;

/// Reads a number of processors such as `1.5` into billionths of one, the `NanoCpus` of the
/// engine's API, as Docker does for `docker run --cpus`.
///
/// Stricter than Docker: no sign, no exponent (`1e-3`), no fraction with a slash (`1/2`), no base
/// other than ten, and no silent wrap above [`i64::MAX`] billionths.
///
/// # Errors
///
/// When the text is not so written, and when it has more than nine digits after the point, as in
/// Docker.
///
/// # Examples
///
/// ```
/// use longshore_syntax::parse_cpus;
///
/// assert_eq!(parse_cpus("1.5")?, 1_500_000_000);
/// # Ok::<(), longshore_syntax::SyntaxError>(())
/// ```
pub fn parse_cpus(text: &str) -> Result<u64, SyntaxError> {
    cpus(text).map_err(|problem| problem.within(text, "a number of CPUs"))
}

fn cpus(text: &str) -> Result<u64, Problem> {
    if text.is_empty() {
        return Err(Problem::new("it is empty").hint(EXAMPLE));
    }
    refuse_white_space(text)?;
    if text.starts_with('-') {
        return Err(Problem::new("it is negative").hint(EXAMPLE));
    }
    let Some((number, rest)) = Decimal::take(text) else {
        return Err(Problem::new("it does not begin with a number").hint(EXAMPLE));
    };
    match rest.chars().next() {
        None => {}
        Some(',') => {
            return Err(Problem::new("`,` is not a decimal point")
                .hint("write a fraction with `.`, such as `1.5`"))
        }
        Some('m') if rest == "m" => {
            return Err(Problem::new("`m` is a unit of Kubernetes")
                .hint("write a number of CPUs: `500m` is `0.5`"))
        }
        Some(_) => {
            return Err(Problem::new(format!("`{rest}` is not part of a number")).hint(EXAMPLE))
        }
    }
    if number.fraction_digits() > DIGITS {
        return Err(Problem::new("it is too precise")
            .hint(format!("write at most {DIGITS} digits after the point")));
    }
    number
        .times(1_000_000_000)
        .ok_or_else(|| Problem::new("it is too large").hint("write at most `9223372036.854775807`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, nanos: u64) {
        assert_eq!(parse_cpus(text), Ok(nanos), "{text}");
    }

    fn check_error(text: &str, problem: &str, hint: &str) {
        let error = parse_cpus(text).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("`{text}` is not a number of CPUs: {problem}\nhint: {hint}")
        );
    }

    #[test]
    fn a_number_is_exact_to_a_billionth() {
        check("1.5", 1_500_000_000);
        check("0", 0);
        check(".5", 500_000_000);
        check("1.", 1_000_000_000);
        check("0.000000001", 1);
        check("1.0000000000000000000000", 1_000_000_000);
        check("9223372036.854775807", i64::MAX as u64);
    }

    #[test]
    fn what_is_no_number_is_refused() {
        check_error("", "it is empty", EXAMPLE);
        check_error("two", "it does not begin with a number", EXAMPLE);
        check_error("-1", "it is negative", EXAMPLE);
        check_error("1e3", "`e3` is not part of a number", EXAMPLE);
        check_error("1/2", "`/2` is not part of a number", EXAMPLE);
        check_error(
            "1,5",
            "`,` is not a decimal point",
            "write a fraction with `.`, such as `1.5`",
        );
        check_error(
            "500m",
            "`m` is a unit of Kubernetes",
            "write a number of CPUs: `500m` is `0.5`",
        );
        check_error("0.0000000001", "it is too precise", "write at most 9 digits after the point");
        for text in ["9223372036.854775808", "99999999999"] {
            check_error(text, "it is too large", "write at most `9223372036.854775807`");
        }
    }
}
