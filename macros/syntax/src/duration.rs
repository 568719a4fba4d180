//! Durations, as `docker run --health-interval` and its kin take them.
//!
//! Days and longer are absent on purpose, as they are in Go: they are not always equally long.

use std::time::Duration;

use crate::{
    decimal::{Decimal, MAX},
    error::{refuse_white_space, Problem, SyntaxError},
};

const EXAMPLE: &str = "write numbers with units, such as `30s`, `1m30s` or `300ms`";

/// Reads a duration such as `1m30s`, as Go's `time.ParseDuration` does for
/// `docker run --health-interval`.
///
/// One or more numbers, each perhaps with a fraction and always with a unit: `h`, `m` (minutes),
/// `s`, `ms`, `us` (or `µs`) or `ns`. Only `0` needs no unit. Fractions of a nanosecond are
/// dropped.
///
/// # Errors
///
/// When the text is not so written, when it is negative, and when it is more than [`i64::MAX`]
/// nanoseconds (292 years), which no engine's API can hold.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use longshore_syntax::parse_duration;
///
/// assert_eq!(parse_duration("1m30s")?, Duration::from_secs(90));
/// assert_eq!(parse_duration("1.5h")?, Duration::from_secs(90 * 60));
/// assert_eq!(parse_duration("0")?, Duration::ZERO);
/// # Ok::<(), longshore_syntax::SyntaxError>(())
/// ```
pub fn parse_duration(text: &str) -> Result<Duration, SyntaxError> {
    duration(text).map_err(|problem| problem.within(text, "a duration"))
}

fn duration(text: &str) -> Result<Duration, Problem> {
    if text.is_empty() {
        return Err(Problem::new("it is empty").hint(EXAMPLE));
    }
    refuse_white_space(text)?;
    if text.starts_with('-') {
        let rest = text.trim_start_matches('-');
        let problem = Problem::new("a duration cannot be negative");
        return Err(match duration(rest) {
            Ok(_) => problem.hint(format!("write `{rest}`")),
            Err(_) => problem,
        });
    }
    // Go takes a plus sign, so this does.
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    if unsigned == "0" {
        return Ok(Duration::ZERO);
    }
    if unsigned.is_empty() {
        return Err(Problem::new("it has no number").hint(EXAMPLE));
    }

    let mut total: u64 = 0;
    let mut rest = unsigned;
    while !rest.is_empty() {
        let Some((number, after)) = Decimal::take(rest) else {
            let subject = if rest == text { "it".to_owned() } else { format!("`{rest}`") };
            return Err(
                Problem::new(format!("{subject} does not begin with a number")).hint(EXAMPLE)
            );
        };
        let end = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
        let (name, next) = after.split_at(end);
        let written = &rest[..rest.len() - after.len()];
        let unit = unit(written, name, text)?;
        total = number
            .times(unit)
            .and_then(|nanoseconds| total.checked_add(nanoseconds))
            .filter(|total| *total <= MAX)
            .ok_or_else(|| {
                Problem::new("it is longer than 292 years").hint("write at most `2562047h`")
            })?;
        rest = next;
    }
    Ok(Duration::from_nanos(total))
}

/// The nanoseconds in the unit `name`, which follows `number` in `text`.
fn unit(number: &str, name: &str, text: &str) -> Result<u64, Problem> {
    match name {
        "ns" => Ok(1),
        // The micro sign and the Greek letter look the same, and Go takes both.
        "us" | "\u{b5}s" | "\u{3bc}s" => Ok(1_000),
        "ms" => Ok(1_000_000),
        "s" => Ok(1_000_000_000),
        "m" => Ok(60 * 1_000_000_000),
        "h" => Ok(3_600 * 1_000_000_000),
        "" if text == number => {
            Err(Problem::new("its unit is missing")
                .hint(format!("add a unit, such as `{number}s`")))
        }
        "" => Err(Problem::new(format!("the unit of `{number}` is missing"))
            .hint(format!("add a unit, such as `{text}s`"))),
        _ => {
            let problem = Problem::new(format!("`{name}` is not a unit"));
            Err(match meant(name) {
                Some(meant) => problem.hint(format!("write `{number}{meant}`")),
                None => problem.hint(
                    "the units are `h`, `m` (minutes), `s`, `ms`, `us` and `ns`; a day is `24h`",
                ),
            })
        }
    }
}

/// The unit that somebody meant who wrote `name`.
fn meant(name: &str) -> Option<&'static str> {
    match name.to_ascii_lowercase().as_str() {
        "h" | "hr" | "hrs" | "hour" | "hours" => Some("h"),
        // A lone upper-case `M` may be minutes or months or a million.
        "min" | "mins" | "minute" | "minutes" => Some("m"),
        "s" | "sec" | "secs" | "second" | "seconds" => Some("s"),
        "msec" | "msecs" | "millis" | "millisecond" | "milliseconds" => Some("ms"),
        "us" | "usec" | "usecs" | "micros" | "microsecond" | "microseconds" => Some("us"),
        "ns" | "nsec" | "nsecs" | "nanos" | "nanosecond" | "nanoseconds" => Some("ns"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, nanoseconds: u64) {
        assert_eq!(parse_duration(text), Ok(Duration::from_nanos(nanoseconds)), "{text}");
    }

    fn check_error(text: &str, displayed: &str) {
        assert_eq!(parse_duration(text).unwrap_err().to_string(), displayed);
    }

    #[test]
    fn every_unit_of_go_is_read() {
        check("5ns", 5);
        check("2us", 2_000);
        check("2\u{b5}s", 2_000);
        check("2\u{3bc}s", 2_000);
        check("300ms", 300_000_000);
        check("30s", 30_000_000_000);
        check("5m", 300_000_000_000);
        check("1h", 3_600_000_000_000);
    }

    #[test]
    fn numbers_with_units_add_up() {
        check("1m30s", 90_000_000_000);
        check("1.5h", 5_400_000_000_000);
        check("3h30m", 12_600_000_000_000);
        check("1s1s", 2_000_000_000);
        check(".5s", 500_000_000);
        check("5.s", 5_000_000_000);
        check("1.0000000001s", 1_000_000_000);
        check("+5s", 5_000_000_000);
        check("0.3333333333333333333h", 1_200_000_000_000 - 1);
    }

    #[test]
    fn zero_needs_no_unit() {
        check("0", 0);
        check("+0", 0);
        check("0s", 0);
    }

    #[test]
    fn the_longest_duration_is_a_signed_64_bit_number_of_nanoseconds() {
        check("9223372036854775807ns", MAX);
        check("2562047h47m16.854775807s", MAX);
        check("2562047h", 2_562_047 * 3_600_000_000_000);
        for text in [
            "9223372036854775808ns",
            "2562047h47m16.854775808s",
            "2562048h",
            "999999999999999999999999999s",
        ] {
            check_error(
                text,
                &format!(
                    "`{text}` is not a duration: it is longer than 292 years\n\
                     hint: write at most `2562047h`"
                ),
            );
        }
    }

    #[test]
    fn a_missing_unit_is_asked_for() {
        check_error(
            "30",
            "`30` is not a duration: its unit is missing\nhint: add a unit, such as `30s`",
        );
        check_error(
            "1m30",
            "`1m30` is not a duration: the unit of `30` is missing\n\
             hint: add a unit, such as `1m30s`",
        );
        check_error(
            "0.0",
            "`0.0` is not a duration: its unit is missing\nhint: add a unit, such as `0.0s`",
        );
    }

    #[test]
    fn a_wrong_unit_gets_the_one_that_was_meant() {
        check_error("10sec", "`10sec` is not a duration: `sec` is not a unit\nhint: write `10s`");
        check_error("1h5min", "`1h5min` is not a duration: `min` is not a unit\nhint: write `5m`");
        check_error("5S", "`5S` is not a duration: `S` is not a unit\nhint: write `5s`");
        check_error(
            "3d",
            "`3d` is not a duration: `d` is not a unit\n\
             hint: the units are `h`, `m` (minutes), `s`, `ms`, `us` and `ns`; a day is `24h`",
        );
    }

    #[test]
    fn a_missing_number_is_asked_for() {
        for (text, problem) in [
            ("", "it is empty"),
            ("+", "it has no number"),
            ("soon", "it does not begin with a number"),
            (".s", "it does not begin with a number"),
            ("1s.", "`.` does not begin with a number"),
            ("+-5s", "`-5s` does not begin with a number"),
        ] {
            check_error(text, &format!("`{text}` is not a duration: {problem}\nhint: {EXAMPLE}"));
        }
    }

    #[test]
    fn signs_and_spaces_are_refused() {
        check_error(
            "-5s",
            "`-5s` is not a duration: a duration cannot be negative\nhint: write `5s`",
        );
        check_error("-x", "`-x` is not a duration: a duration cannot be negative");
        check_error(
            "1m 30s",
            "`1m 30s` is not a duration: it has white space in it\n\
             hint: write it without: `1m30s`",
        );
    }
}
