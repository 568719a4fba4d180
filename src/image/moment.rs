//! Moments as engines write them and as `--filter until=` takes them. Asks nobody, not even for the local time zone.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use longshore_syntax::parse_duration;

use crate::error::{Error, Kind, Result};

const HINT: &str = "write an age such as `24h`, or a moment such as `2024-01-31T12:00:00Z`";

/// A moment in the past, as Docker's filter `until`: an age (`"24h"`, a `Duration`) or a point in time
/// (`"2024-01-31T12:00:00Z"`, `"1706702400"` in seconds since 1970, a `SystemTime`).
///
/// Stricter than Docker: a date needs its time zone, since an engine would take its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Until(Said);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Said {
    Ago(Duration),
    At(SystemTime),
    /// Not read yet, since a builder cannot fail.
    Text(String),
}

impl From<Duration> for Until {
    fn from(age: Duration) -> Self {
        Until(Said::Ago(age))
    }
}

impl From<SystemTime> for Until {
    fn from(moment: SystemTime) -> Self {
        Until(Said::At(moment))
    }
}

impl From<&str> for Until {
    fn from(text: &str) -> Self {
        Until(Said::Text(text.to_owned()))
    }
}

impl From<String> for Until {
    fn from(text: String) -> Self {
        Until(Said::Text(text))
    }
}

impl Until {
    /// The moment by this machine's clock.
    pub(crate) fn moment(&self) -> Result<SystemTime> {
        Ok(match self.read()? {
            Said::Ago(age) => SystemTime::now().checked_sub(age).unwrap_or(UNIX_EPOCH),
            Said::At(moment) => moment,
            Said::Text(_) => unreachable!("`read` gives none"),
        })
    }

    /// As an engine takes it: an age is one by the engine's clock.
    pub(crate) fn to_filter(&self) -> Result<String> {
        Ok(match self.read()? {
            Said::Ago(age) => format!("{}.{:09}s", age.as_secs(), age.subsec_nanos()),
            Said::At(moment) => {
                let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
                format!("{}.{:09}", since.as_secs(), since.subsec_nanos())
            }
            Said::Text(_) => unreachable!("`read` gives none"),
        })
    }

    fn read(&self) -> Result<Said> {
        let Said::Text(text) = &self.0 else { return Ok(self.0.clone()) };
        if let Some(since) = seconds(text) {
            return Ok(Said::At(UNIX_EPOCH + since));
        }
        if let Some(moment) = rfc3339(text) {
            return Ok(Said::At(moment));
        }
        match parse_duration(text) {
            Ok(age) => Ok(Said::Ago(age)),
            // Somebody who writes `3d` means an age.
            Err(error) if !text.contains(['-', ':']) && !text.is_empty() => Err(error.into()),
            Err(_) => {
                let what = format!("`{text}` is not a moment");
                let hint = match rfc3339(&format!("{text}Z")) {
                    Some(_) => format!("say in which time zone: `{text}Z`"),
                    None => HINT.to_owned(),
                };
                Err(Error::new(Kind::InvalidRequest, what).hint(hint))
            }
        }
    }
}

/// Seconds since 1970, perhaps with a fraction.
fn seconds(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) || fraction.len() > 9 {
        return None;
    }
    // More would be no moment that a clock can show.
    let whole = whole.parse().ok().filter(|whole| *whole < 1 << 40)?;
    Some(Duration::new(whole, format!("{fraction:0<9}").parse().ok()?))
}

/// A moment in seconds since 1970, which may be before.
pub(super) fn unix(seconds: i64) -> SystemTime {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    let moment = match seconds < 0 {
        true => UNIX_EPOCH.checked_sub(distance),
        false => UNIX_EPOCH.checked_add(distance),
    };
    moment.unwrap_or(UNIX_EPOCH)
}

/// `2024-01-31T12:00:00.123Z`, or with `+01:00` for the `Z` (RFC 3339).
pub(super) fn rfc3339(text: &str) -> Option<SystemTime> {
    let (date, rest) = text.split_once(['T', 't', ' '])?;
    let zone_at = rest.find(['Z', 'z', '+', '-'])?;
    let (time, zone) = rest.split_at(zone_at);
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
    if !(1..=12).contains(&month) || !(1..=days_in(year, month)).contains(&day) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let digits = fraction.get(..fraction.len().min(9))?;
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let nanoseconds = format!("{digits:0<9}").parse().ok()?;
    let offset = match zone {
        "Z" | "z" => 0,
        _ => {
            let [hours, minutes] = numbers(&zone[1..], ':', [2, 2])?;
            let offset = hours * 3600 + minutes * 60;
            if zone.starts_with('-') {
                -offset
            } else {
                offset
            }
        }
    };
    let days = days_since_1970(year, month, day);
    let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset;
    unix(seconds).checked_add(Duration::from_nanos(nanoseconds))
}

fn numbers<const N: usize>(text: &str, mark: char, widths: [usize; N]) -> Option<[i64; N]> {
    let mut values = [0; N];
    let mut parts = text.split(mark);
    for (value, width) in values.iter_mut().zip(widths) {
        let part = parts.next().filter(|part| part.len() == width)?;
        if !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *value = part.parse().ok()?;
    }
    parts.next().is_none().then_some(values)
}

fn days_in(year: i64, month: i64) -> i64 {
    let (next_year, next) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    days_since_1970(next_year, next, 1) - days_since_1970(year, month, 1)
}

/// By the Gregorian calendar, counted in years that begin with March, so that the leap day is the last one.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, seconds: i64, nanoseconds: u64) {
        let expected = unix(seconds) + Duration::from_nanos(nanoseconds);
        assert_eq!(rfc3339(text), Some(expected), "{text}");
    }

    #[test]
    fn moments_are_read_as_engines_write_them() {
        check("1970-01-01T00:00:00Z", 0, 0);
        check("2026-11-24T11:20:51.776746756Z", 1_795_519_251, 776_746_756);
        check("2024-02-29T23:59:59.5+01:00", 1_709_247_599, 500_000_000);
        check("2024-03-01T00:00:00-00:30", 1_709_253_000, 0);
        check("0001-01-01T00:00:00Z", -62_135_596_800, 0);
        for text in [
            "",
            "2024-02-30T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-01-01T00:00:00",
            "2024-01-01",
            "2024-01-01T24:00:00Z",
            "24-01-01T00:00:00Z",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00+1",
        ] {
            assert_eq!(rfc3339(text), None, "{text}");
        }
    }

    #[test]
    fn an_age_is_the_engines_business_and_a_moment_is_one() {
        let filter = |until: Until| until.to_filter().unwrap();
        assert_eq!(filter("24h".into()), "86400.000000000s");
        assert_eq!(filter(Duration::from_millis(1500).into()), "1.500000000s");
        assert_eq!(filter("1706702400".into()), "1706702400.000000000");
        assert_eq!(filter("1706702400.25".into()), "1706702400.250000000");
        assert_eq!(filter("2024-01-31T12:00:00Z".into()), "1706702400.000000000");
        assert_eq!(filter((UNIX_EPOCH + Duration::from_secs(7)).into()), "7.000000000");
    }

    #[test]
    fn what_is_no_moment_is_refused_with_one_that_is() {
        let told = |text: &str| Until::from(text).moment().unwrap_err().to_string();
        assert_eq!(told("2024-01-31T12:00:00"), "`2024-01-31T12:00:00` is not a moment\n  hint: say in which time zone: `2024-01-31T12:00:00Z`");
        assert_eq!(told("2024-01-31"), format!("`2024-01-31` is not a moment\n  hint: {HINT}"));
        assert_eq!(told(""), format!("`` is not a moment\n  hint: {HINT}"));
        assert_eq!(told("3d"), "`3d` is not a duration: `d` is not a unit\n  hint: the units are `h`, `m` (minutes), `s`, `ms`, `us` and `ns`; a day is `24h`");
    }
}
