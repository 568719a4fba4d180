//! Decimal numbers with a fraction, as sizes and durations have them, multiplied without floating
//! point: `1.1k` is the same number of bytes on every machine.

/// The largest size in bytes and the largest duration in nanoseconds. Docker and Go hold both in
/// a signed 64-bit number, and so does the engine's API.
pub(crate) const MAX: u64 = i64::MAX as u64;

/// Digits of a fraction beyond these are dropped. With the largest unit, 1024^5 bytes, a product
/// of so many digits still fits in 128 bits.
const FRACTION_DIGITS: usize = 18;

/// A number such as `12`, `1.5`, `.5` or `1.`, split but not yet computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Decimal<'a> {
    whole: &'a str,
    fraction: &'a str,
}

impl<'a> Decimal<'a> {
    /// Takes the number off the front of `text` and returns it with what follows; `None` where
    /// there is no digit.
    pub(crate) fn take(text: &'a str) -> Option<(Self, &'a str)> {
        let (whole, rest) = split_digits(text);
        let (fraction, rest) = match rest.strip_prefix('.') {
            Some(after) => split_digits(after),
            None => ("", rest),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        Some((Self { whole, fraction }, rest))
    }

    /// The digits after the point that are not zeros at the end.
    pub(crate) fn fraction_digits(self) -> usize {
        self.fraction.trim_end_matches('0').len()
    }

    /// The number times `unit`, rounded towards zero; `None` above [`MAX`].
    pub(crate) fn times(self, unit: u64) -> Option<u64> {
        let whole = match self.whole.trim_start_matches('0') {
            "" => 0,
            digits => digits.parse::<u64>().ok()?,
        };
        let kept = &self.fraction[..self.fraction.len().min(FRACTION_DIGITS)];
        let mut numerator: u128 = 0;
        let mut denominator: u128 = 1;
        for digit in kept.bytes() {
            numerator = numerator * 10 + u128::from(digit - b'0');
            denominator *= 10;
        }
        let unit = u128::from(unit);
        let product = u128::from(whole) * unit + numerator * unit / denominator;
        u64::try_from(product).ok().filter(|product| *product <= MAX)
    }
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, unit: u64, product: Option<u64>, rest: &str) {
        let (decimal, found_rest) = Decimal::take(text).unwrap();
        assert_eq!(decimal.times(unit), product, "{text} times {unit}");
        assert_eq!(found_rest, rest, "{text}");
    }

    #[test]
    fn a_number_is_taken_up_to_its_unit() {
        check("12m", 1, Some(12), "m");
        check("1.5g", 1024, Some(1536), "g");
        check(".5", 1024, Some(512), "");
        check("2.x", 10, Some(20), "x");
        check("1.2.3", 10, Some(12), ".3");
    }

    #[test]
    fn a_fraction_is_rounded_towards_zero() {
        check("1.1", 1024, Some(1126), "");
        check("0.3", 1024 * 1024, Some(314_572), "");
        check("0.999999999999999999999999999999", 1, Some(0), "");
    }

    #[test]
    fn a_product_above_the_maximum_is_none() {
        check("9223372036854775807", 1, Some(MAX), "");
        check("9223372036854775808", 1, None, "");
        check("00000000000000000000000000000001", 1, Some(1), "");
        check("99999999999999999999999999999999", 1, None, "");
        check("18446744073709551615.9", u64::MAX, None, "");
    }

    #[test]
    fn text_without_a_digit_is_not_a_number() {
        for text in ["", ".", "m", "-1", ".m"] {
            assert_eq!(Decimal::take(text), None, "{text}");
        }
    }
}
