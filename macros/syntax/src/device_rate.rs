//! How fast a device is for a container: `--device-read-bps` and its kin, `--blkio-weight-device`.

use std::fmt;

use crate::{
    decimal::MAX,
    error::{refuse_white_space, Problem, SyntaxError},
    size::bytes,
};

/// A device and how much may be read from it or written to it in a second.
///
/// Displayed with the plain number, which both grammars read: `/dev/sda:1048576`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Throttle {
    device: String,
    rate: u64,
}

/// A device and how much of it a container gets beside others.
///
/// Displayed as `/dev/sda:500`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WeightDevice {
    device: String,
    weight: u16,
}

impl Throttle {
    /// The path of the device.
    pub fn device(&self) -> &str {
        &self.device
    }

    /// Bytes or operations in a second.
    pub const fn rate(&self) -> u64 {
        self.rate
    }
}

impl WeightDevice {
    /// The path of the device.
    pub fn device(&self) -> &str {
        &self.device
    }

    /// 10 to 1000, or 0 where none is set.
    pub const fn weight(&self) -> u16 {
        self.weight
    }
}

impl fmt::Display for Throttle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.device, self.rate)
    }
}

impl fmt::Display for WeightDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.device, self.weight)
    }
}

/// Reads a word of `docker run --device-read-bps` or `--device-write-bps`: a device and a size, as
/// [`parse_bytes`](crate::parse_bytes) reads it, for each second.
///
/// # Errors
///
/// When the text is not so written, and when the device is not below `/dev/`.
///
/// # Examples
///
/// ```
/// use longshore_syntax::parse_throttle_bytes;
///
/// let throttle = parse_throttle_bytes("/dev/sda:1mb")?;
/// assert_eq!((throttle.device(), throttle.rate()), ("/dev/sda", 1024 * 1024));
/// # Ok::<(), longshore_syntax::SyntaxError>(())
/// ```
pub fn parse_throttle_bytes(text: &str) -> Result<Throttle, SyntaxError> {
    let read = |text| {
        let (device, rate) = split(text, "/dev/sda:1mb")?;
        let rate = bytes(rate).map_err(|problem| {
            problem.before(&format!("its rate is `{rate}`, which is no size"))
        })?;
        Ok(Throttle { device, rate })
    };
    read(text).map_err(|problem: Problem| problem.within(text, "a device with a rate"))
}

/// Reads a word of `docker run --device-read-iops` or `--device-write-iops`: a device and a number
/// of operations for each second.
///
/// Stricter than Docker: the number is at most [`i64::MAX`], as in the engine's API.
///
/// # Errors
///
/// When the text is not so written, and when the device is not below `/dev/`.
///
/// # Examples
///
/// ```
/// use longshore_syntax::parse_throttle_operations;
///
/// assert_eq!(parse_throttle_operations("/dev/sda:1000")?.rate(), 1000);
/// # Ok::<(), longshore_syntax::SyntaxError>(())
/// ```
pub fn parse_throttle_operations(text: &str) -> Result<Throttle, SyntaxError> {
    let read = |text| {
        let (device, rate) = split(text, "/dev/sda:1000")?;
        let rate = whole(rate).filter(|rate| *rate <= MAX).ok_or_else(|| {
            Problem::new(format!("its rate is `{rate}`, which is no whole number"))
                .hint("write the operations in a second, such as `/dev/sda:1000`")
        })?;
        Ok(Throttle { device, rate })
    };
    read(text).map_err(|problem: Problem| problem.within(text, "a device with a rate"))
}

/// Reads a word of `docker run --blkio-weight-device`: a device and its weight, 10 to 1000, or 0
/// for none.
///
/// # Errors
///
/// When the text is not so written, and when the device is not below `/dev/`.
///
/// # Examples
///
/// ```
/// use longshore_syntax::parse_weight_device;
///
/// assert_eq!(parse_weight_device("/dev/sda:500")?.weight(), 500);
/// # Ok::<(), longshore_syntax::SyntaxError>(())
/// ```
pub fn parse_weight_device(text: &str) -> Result<WeightDevice, SyntaxError> {
    let read = |text| {
        let (device, weight) = split(text, "/dev/sda:500")?;
        let number = whole(weight).and_then(|weight| u16::try_from(weight).ok());
        let number = number.filter(|number| matches!(number, 0 | 10..=1000)).ok_or_else(|| {
            Problem::new(format!("`{weight}` is not a weight"))
                .hint("a weight is 10 to 1000, or 0 for none")
        })?;
        Ok(WeightDevice { device, weight: number })
    };
    read(text).map_err(|problem: Problem| problem.within(text, "a device with a weight"))
}

fn split<'a>(text: &'a str, example: &str) -> Result<(String, &'a str), Problem> {
    let hint = || format!("write a device and a number, such as `{example}`");
    if text.is_empty() {
        return Err(Problem::new("it is empty").hint(hint()));
    }
    refuse_white_space(text)?;
    let Some((device, rest)) = text.split_once(':') else {
        return Err(Problem::new("it has no `:`").hint(hint()));
    };
    if !device.starts_with("/dev/") {
        return Err(
            Problem::new(format!("the device `{device}` is not below `/dev/`")).hint(hint())
        );
    }
    Ok((device.to_owned(), rest))
}

/// A number as Go's `ParseUint` reads it, without a sign.
fn whole(text: &str) -> Option<u64> {
    text.parse().ok().filter(|_| !text.starts_with('+'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_error<T: fmt::Debug>(result: Result<T, SyntaxError>, displayed: &str) {
        assert_eq!(result.unwrap_err().to_string(), displayed);
    }

    #[test]
    fn a_rate_in_bytes_may_have_a_unit() {
        let throttle = parse_throttle_bytes("/dev/sda:1mb").unwrap();
        assert_eq!(throttle.to_string(), "/dev/sda:1048576");
        assert_eq!(parse_throttle_bytes("/dev/sda:1.5").unwrap().rate(), 1);
        check_error(
            parse_throttle_bytes("/dev/sda:fast"),
            "`/dev/sda:fast` is not a device with a rate: its rate is `fast`, which is no size: it \
             does not begin with a number\nhint: write a number and a unit, such as `512m` or \
             `1.5g`",
        );
    }

    #[test]
    fn a_rate_in_operations_is_a_whole_number() {
        assert_eq!(parse_throttle_operations("/dev/sda:0").unwrap().rate(), 0);
        for rate in ["1k", "+1", "-1", "1.5", "", "9223372036854775808"] {
            let text = format!("/dev/sda:{rate}");
            check_error(
                parse_throttle_operations(&text),
                &format!(
                    "`{text}` is not a device with a rate: its rate is `{rate}`, which is no whole \
                     number\nhint: write the operations in a second, such as `/dev/sda:1000`"
                ),
            );
        }
    }

    #[test]
    fn a_weight_is_10_to_1000_or_none() {
        for (text, weight) in [("0", 0), ("10", 10), ("010", 10), ("1000", 1000)] {
            let device = parse_weight_device(&format!("/dev/sda:{text}")).unwrap();
            assert_eq!((device.device(), device.weight()), ("/dev/sda", weight));
        }
        for weight in ["5", "1001", "70000", "x", ""] {
            let text = format!("/dev/sda:{weight}");
            check_error(
                parse_weight_device(&text),
                &format!(
                    "`{text}` is not a device with a weight: `{weight}` is not a weight\n\
                     hint: a weight is 10 to 1000, or 0 for none"
                ),
            );
        }
    }

    #[test]
    fn a_device_is_below_dev() {
        let hint = "write a device and a number, such as `/dev/sda:500`";
        for (text, problem) in [
            ("", "it is empty"),
            ("/dev/sda", "it has no `:`"),
            ("sda:500", "the device `sda` is not below `/dev/`"),
        ] {
            check_error(
                parse_weight_device(text),
                &format!("`{text}` is not a device with a weight: {problem}\nhint: {hint}"),
            );
        }
    }
}
