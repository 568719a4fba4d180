//! The health check.

use longshore_syntax::parse_duration;
use serde_json::{json, Map, Value};

use super::{Draft, Place};

const TIMES: [(&str, &str, &str); 4] = [
    ("health-interval", "Interval", "interval"),
    ("health-timeout", "Timeout", "time-out"),
    ("health-start-period", "StartPeriod", "start period"),
    ("health-start-interval", "StartInterval", "start interval"),
];

impl Draft<'_> {
    pub(super) fn health(&mut self) {
        let mut check = Map::new();
        if let Some(command) = self.words.one("health-cmd") {
            check.insert("Test".into(), json!(["CMD-SHELL", command]));
        }
        for (flag, key, name) in TIMES {
            let Some(word) = self.words.one(flag) else { continue };
            let Some(time) = self.problems.take_for(flag, parse_duration(word)) else { continue };
            // Docker Engine API: "0 or at least 1000000 (1 ms)".
            if !time.is_zero() && time.as_millis() == 0 {
                self.problems.add(
                    format!("the {name} of the health check is below 1 ms"),
                    "Docker takes 1 ms or more",
                );
            }
            let nanoseconds = i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
            check.insert(key.into(), nanoseconds.into());
        }
        if let Some(retries) = self.whole("health-retries", 0, i64::from(u32::MAX)) {
            check.insert("Retries".into(), retries.into());
        }
        if self.words.one("health-start-interval").is_some() {
            self.needs("`--health-start-interval`", (1, 44));
        }
        if self.words.is_on("no-healthcheck") {
            if !check.is_empty() {
                self.problems.add(
                    "`--no-healthcheck` and the `--health-*` options cannot both be",
                    "leave one of them away",
                );
            }
            check.insert("Test".into(), json!(["NONE"]));
        }
        if !check.is_empty() {
            self.put(Place::Config, "Healthcheck", Value::Object(check));
        }
    }
}
