//! Sizes in bytes, as `docker run --memory` and `--shm-size` take them.
//!
//! Every unit is binary, also `kb`: the decimal units of `docker system df` have no place here.

use crate::{
    decimal::{Decimal, MAX},
    error::{Problem, SyntaxError},
};

const UNITS: &str = "the units are `b`, `k`, `m`, `g`, `t` and `p`, each 1024 times the one before";

/// Reads a size such as `512m` into bytes, as Docker's `RAMInBytes` does for
/// `docker run --memory`.
///
/// A number, perhaps with a fraction, and a unit: `b`, `k`, `m`, `g`, `t` or `p` in either case,
/// the latter five with `b` or `ib` after them if you like. Without a unit it is bytes. `k` is
/// 1024, and so is `kb`. One space may stand before the unit. Fractions of a byte are dropped.
///
/// Stricter than Docker: no sign, no exponent (`1e3`) and no space at the end.
///
/// # Errors
///
/// When the text is not so written, and when the size is more than [`i64::MAX`] bytes, which no
/// engine's API can hold.
///
/// # Examples
///
/// ```
/// use longshore_syntax::parse_bytes;
///
/// assert_eq!(parse_bytes("64")?, 64);
/// assert_eq!(parse_bytes("10kb")?, 10 * 1024);
/// assert_eq!(parse_bytes("1.5 GiB")?, 3 * 512 * 1024 * 1024);
/// # Ok::<(), longshore_syntax::SyntaxError>(())
/// ```
pub fn parse_bytes(text: &str) -> Result<u64, SyntaxError> {
    bytes(text).map_err(|problem| problem.within(text, "a size"))
}

/// [`parse_bytes`] for a size that is a part of something else.
pub(crate) fn bytes(text: &str) -> Result<u64, Problem> {
    if text.is_empty() {
        return Err(
            Problem::new("it is empty").hint("write a number and a unit, such as `512m` or `1.5g`")
        );
    }
    if text.trim() != text {
        return Err(Problem::new("it has white space around it")
            .hint(format!("write it without: `{}`", text.trim())));
    }
    if text.starts_with('-') {
        let rest = text.trim_start_matches('-');
        let problem = Problem::new("a size cannot be negative");
        return Err(match bytes(rest) {
            Ok(_) => problem.hint(format!("write `{rest}`")),
            Err(_) => problem,
        });
    }
    let Some((number, rest)) = Decimal::take(text) else {
        return Err(Problem::new("it does not begin with a number")
            .hint("write a number and a unit, such as `512m` or `1.5g`"));
    };
    let unit = unit(rest.strip_prefix(' ').unwrap_or(rest))?;
    number.times(unit).ok_or_else(too_large)
}

/// The shortest text that [`bytes`] reads as so many.
pub(crate) fn spell_bytes(bytes: u64) -> String {
    let power = (1..=5).rev().find(|power| bytes > 0 && bytes % (1 << (10 * power)) == 0);
    match power {
        Some(power) => {
            let letter = ["k", "m", "g", "t", "p"][power - 1];
            format!("{}{letter}", bytes >> (10 * power))
        }
        None => bytes.to_string(),
    }
}

/// Reads the limit of memory and swap together, as Docker does for `docker run --memory-swap`: a
/// size as [`parse_bytes`] reads it, or `-1` for no limit.
///
/// `0` is as good as nothing written.
///
/// # Errors
///
/// As those of [`parse_bytes`].
///
/// # Examples
///
/// ```
/// use longshore_syntax::parse_memory_swap;
///
/// assert_eq!(parse_memory_swap("1g")?, 1024 * 1024 * 1024);
/// assert_eq!(parse_memory_swap("-1")?, -1);
/// # Ok::<(), longshore_syntax::SyntaxError>(())
/// ```
pub fn parse_memory_swap(text: &str) -> Result<i64, SyntaxError> {
    if text == "-1" {
        return Ok(-1);
    }
    let size = bytes(text).and_then(|bytes| i64::try_from(bytes).map_err(|_| too_large()));
    size.map_err(|problem| match text.starts_with('-') {
        true => problem.hint("only `-1` is negative, and means no limit").within(text, "a limit"),
        false => problem.within(text, "a size"),
    })
}

fn too_large() -> Problem {
    Problem::new(format!("it is more than {MAX} bytes")).hint("write at most `8191p`")
}

fn unit(text: &str) -> Result<u64, Problem> {
    let lower = text.to_ascii_lowercase();
    let (prefix, suffix) = lower.split_at(lower.chars().next().map_or(0, char::len_utf8));
    let power = match prefix {
        "" => return Ok(1),
        "b" => 0,
        "k" => 1,
        "m" => 2,
        "g" => 3,
        "t" => 4,
        "p" => 5,
        "," => {
            return Err(Problem::new("`,` is not a decimal point")
                .hint("write a fraction with `.`, such as `1.5g`"))
        }
        _ => return Err(unknown_unit(text).hint(UNITS)),
    };
    match suffix {
        "" => Ok(1 << (10 * power)),
        "b" | "ib" if power > 0 => Ok(1 << (10 * power)),
        _ if power > 0 && (suffix == "i" || "bytes".starts_with(suffix)) => {
            Err(unknown_unit(text).hint(format!("write `{prefix}` or `{prefix}ib`")))
        }
        _ => Err(unknown_unit(text).hint(UNITS)),
    }
}

fn unknown_unit(text: &str) -> Problem {
    Problem::new(format!("`{text}` is not a unit"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, bytes: u64) {
        assert_eq!(parse_bytes(text), Ok(bytes), "{text}");
    }

    fn check_error(text: &str, displayed: &str) {
        assert_eq!(parse_bytes(text).unwrap_err().to_string(), displayed);
    }

    #[test]
    fn every_unit_is_binary() {
        for (power, letter) in "kmgtp".chars().enumerate() {
            let bytes = 32 << (10 * (power + 1));
            for suffix in ["", "b", "ib", "B", "iB", "IB"] {
                check(&format!("32{letter}{suffix}"), bytes);
                check(&format!("32 {}{suffix}", letter.to_ascii_uppercase()), bytes);
            }
        }
    }

    #[test]
    fn a_number_alone_is_bytes() {
        for text in ["32", "32b", "32B", "32 b", "32.3", "32.", "0032"] {
            check(text, 32);
        }
        check("0", 0);
    }

    #[test]
    fn fractions_are_rounded_down() {
        check("1.5g", 1_610_612_736);
        check("32.3 mb", 33_869_004);
        check("0.3MB", 314_572);
        check(".5k", 512);
    }

    #[test]
    fn the_largest_size_is_a_signed_64_bit_number() {
        check("9223372036854775807", MAX);
        check("8191p", 8191 << 50);
        for text in ["9223372036854775808", "8192p", "99999999999999999999999g"] {
            check_error(
                text,
                &format!(
                    "`{text}` is not a size: it is more than 9223372036854775807 bytes\n\
                     hint: write at most `8191p`"
                ),
            );
        }
    }

    #[test]
    fn a_size_is_spelled_in_the_largest_unit_that_fits() {
        for (bytes, text) in [
            (0, "0"),
            (1, "1"),
            (1000, "1000"),
            (1024, "1k"),
            (3 << 29, "1536m"),
            (8191 << 50, "8191p"),
            (MAX, "9223372036854775807"),
        ] {
            assert_eq!(spell_bytes(bytes), text);
            check(text, bytes);
        }
    }

    #[test]
    fn memory_and_swap_may_be_without_limit() {
        assert_eq!(parse_memory_swap("-1"), Ok(-1));
        assert_eq!(parse_memory_swap("1.5g"), Ok(1_610_612_736));
        assert_eq!(parse_memory_swap("0"), Ok(0));
        assert_eq!(
            parse_memory_swap("-2").unwrap_err().to_string(),
            "`-2` is not a limit: a size cannot be negative\n\
             hint: only `-1` is negative, and means no limit"
        );
        assert_eq!(
            parse_memory_swap("lots").unwrap_err().message(),
            "`lots` is not a size: it does not begin with a number"
        );
    }

    #[test]
    fn a_missing_number_is_asked_for() {
        check_error(
            "",
            "`` is not a size: it is empty\n\
             hint: write a number and a unit, such as `512m` or `1.5g`",
        );
        check_error(
            "lots",
            "`lots` is not a size: it does not begin with a number\n\
             hint: write a number and a unit, such as `512m` or `1.5g`",
        );
        check_error("-32m", "`-32m` is not a size: a size cannot be negative\nhint: write `32m`");
        check_error("--x", "`--x` is not a size: a size cannot be negative");
    }

    #[test]
    fn a_wrong_unit_gets_the_units_there_are() {
        let units = UNITS;
        for (text, unit) in [
            ("32x", "x"),
            ("32bm", "bm"),
            ("32m b", "m b"),
            ("32  m", " m"),
            ("1e3", "e3"),
            ("1.2.3", ".3"),
            ("1µ", "µ"),
        ] {
            check_error(
                text,
                &format!("`{text}` is not a size: `{unit}` is not a unit\nhint: {units}"),
            );
        }
        check_error(
            "512 MBytes",
            "`512 MBytes` is not a size: `MBytes` is not a unit\nhint: write `m` or `mib`",
        );
        check_error(
            "1,5g",
            "`1,5g` is not a size: `,` is not a decimal point\n\
             hint: write a fraction with `.`, such as `1.5g`",
        );
        check_error(
            " 32m ",
            "` 32m ` is not a size: it has white space around it\nhint: write it without: `32m`",
        );
    }
}
