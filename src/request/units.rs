//! Sizes, times and numbers of processors: typed values, or Docker's spelling of them.
//!
//! They are kept as they were written; what is wrong with one is told when the request is checked.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A number of bytes: a number, or Docker's spelling of one such as `"512m"`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Size(String);

/// A time: a [`Duration`], or Docker's spelling of one such as `"1m30s"`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(String);

/// A number of processors: a number, or Docker's spelling of one such as `"1.5"`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cpus(String);

impl Size {
    /// Without a limit, where an option has such a thing: `-1`, as for `docker run --memory-swap`.
    pub fn unlimited() -> Self {
        Size("-1".into())
    }
}

macro_rules! word {
    ($word:ident) => {
        impl fmt::Display for $word {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $word {
            fn from(text: &str) -> Self {
                $word(text.to_owned())
            }
        }

        impl From<String> for $word {
            fn from(text: String) -> Self {
                $word(text)
            }
        }

        impl From<$word> for String {
            fn from(word: $word) -> String {
                word.0
            }
        }
    };
}

word!(Size);
word!(Time);
word!(Cpus);

impl From<u64> for Size {
    fn from(bytes: u64) -> Self {
        Size(bytes.to_string())
    }
}

impl From<Duration> for Time {
    /// To the nanosecond, as Go writes it; 292 years at most, which is all that an engine's API holds.
    fn from(time: Duration) -> Self {
        Time(spelled(time))
    }
}

impl From<u32> for Cpus {
    fn from(count: u32) -> Self {
        Cpus(count.to_string())
    }
}

impl From<i32> for Cpus {
    fn from(count: i32) -> Self {
        Cpus(count.to_string())
    }
}

impl From<f64> for Cpus {
    fn from(count: f64) -> Self {
        Cpus(count.to_string())
    }
}

/// `1m30s`, `1.5s`, `250ms`: the spelling of Go's `time.Duration.String`.
pub(super) fn spelled(time: Duration) -> String {
    let time = time.min(Duration::from_nanos(i64::MAX.unsigned_abs()));
    let nanoseconds = time.as_nanos();
    let (unit, name) = match nanoseconds {
        0 => return "0s".into(),
        1..1_000 => (1, "ns"),
        1_000..1_000_000 => (1_000, "us"),
        1_000_000..1_000_000_000 => (1_000_000, "ms"),
        _ => (1_000_000_000, "s"),
    };
    let (hours, minutes) = (time.as_secs() / 3600, time.as_secs() / 60 % 60);
    let whole = if unit == 1_000_000_000 { nanoseconds / unit % 60 } else { nanoseconds / unit };
    let digits = unit.ilog10() as usize;
    let fraction = format!("{:0digits$}", nanoseconds % unit);
    let fraction = match fraction.trim_end_matches('0') {
        "" => String::new(),
        fraction => format!(".{fraction}"),
    };
    let before = match (hours, minutes) {
        (0, 0) => String::new(),
        (0, minutes) => format!("{minutes}m"),
        (hours, minutes) => format!("{hours}h{minutes}m"),
    };
    format!("{before}{whole}{fraction}{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_time_is_one_that_can_be_read() {
        let longest = Time::from(Duration::MAX).to_string();
        assert_eq!(longest, "2562047h47m16.854775807s");
        assert!(longshore_syntax::parse_duration(&longest).is_ok());
    }

    #[test]
    fn a_time_is_spelled_as_go_does_and_read_back() {
        for (time, text) in [
            (Duration::ZERO, "0s"),
            (Duration::from_nanos(7), "7ns"),
            (Duration::from_micros(1500), "1.5ms"),
            (Duration::from_millis(1050), "1.05s"),
            (Duration::from_secs(90), "1m30s"),
            (Duration::from_secs(3600), "1h0m0s"),
            (Duration::new(7325, 1), "2h2m5.000000001s"),
        ] {
            assert_eq!(spelled(time), text);
            assert_eq!(longshore_syntax::parse_duration(text), Ok(time));
        }
        assert!(longshore_syntax::parse_duration(&spelled(Duration::MAX)).is_ok());
    }
}
