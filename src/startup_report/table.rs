//! A start-up report as a table for people: longest start first, times in milliseconds.

use std::cmp::Reverse;
use std::fmt;
use std::time::Duration;

use super::report::StartupReport;
use crate::session::{ContainerStart, StartOutcome, Warmth};

const HEAD: [&str; 9] =
    ["total", "pull", "create", "start", "ready", "users", "image", "test", "outcome"];

/// The first columns are numbers, which stand at the right.
const NUMBERS: usize = 6;

/// A name, an image or an error that is longer is cut.
const WIDEST: usize = 60;

impl fmt::Display for StartupReport {
    /// A headline, the table, and a line with the sums.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "starts of the test run `{}`", self.session())?;
        if let Some(runner) = self.runner() {
            write!(f, " ({runner})")?;
        }
        f.write_str(", in milliseconds")?;
        if self.ended().is_none() {
            f.write_str("; it goes on, or was killed")?;
        }
        f.write_str("\n\n")?;
        let mut containers: Vec<_> = self.containers().iter().collect();
        containers.sort_by_key(|container| Reverse(container.total()));
        let rows: Vec<_> = [HEAD.map(str::to_owned)]
            .into_iter()
            .chain(containers.iter().map(|container| row(container)))
            .collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
        let widths: [usize; 9] = std::array::from_fn(|column| width(column).unwrap_or_default());
        for row in &rows {
            let mut line = String::new();
            for (column, (text, width)) in row.iter().zip(widths).enumerate() {
                line.push_str(&match column < NUMBERS {
                    true => format!("{text:>width$}  "),
                    false => format!("{text:<width$}  "),
                });
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        writeln!(f, "\n{}", self.sums(&containers))
    }
}

impl StartupReport {
    fn sums(&self, longest_first: &[&ContainerStart]) -> String {
        let all = longest_first.len();
        let mut text = format!("{} in {} ms", counted(all, "start"), millis(self.total()));
        let failed = longest_first.iter().filter(|container| container.has_failed()).count();
        if failed > 0 {
            text.push_str(&format!("; {failed} not ready"));
        }
        let shared = longest_first.iter().filter(|container| container.users() > 1);
        let (shared, users) =
            shared.fold((0, 0), |(shared, users), one| (shared + 1, users + one.users()));
        if shared > 0 {
            text.push_str(&format!("; {shared} shared, used {users} times"));
        }
        if let (Some(longest), true) = (longest_first.first(), all > 1) {
            let (image, took) = (longest.image(), millis(longest.total()));
            text.push_str(&format!("; the longest was `{image}` with {took} ms"));
        }
        text
    }
}

fn row(container: &ContainerStart) -> [String; 9] {
    let phase = |took: Option<Duration>| took.map_or_else(|| "-".into(), millis);
    let test = match container.test() {
        Some(test) => format!("{} {test}", container.binary()),
        None => container.binary().to_owned(),
    };
    let outcome = match (container.outcome(), container.error()) {
        (StartOutcome::Failed, Some(error)) => format!("failed: {error}"),
        (outcome, _) => outcome.to_string(),
    };
    let outcome = match container.warmth() {
        Some(Warmth::Used) => format!("{outcome}, warm"),
        Some(Warmth::Made) => format!("{outcome}, made its snapshot"),
        Some(Warmth::Failed) => format!("{outcome}, without a snapshot"),
        Some(Warmth::Unknown) | None => outcome,
    };
    [
        millis(container.total()),
        phase(container.pull()),
        phase(container.create()),
        phase(container.start()),
        phase(container.ready()),
        container.users().to_string(),
        cut(container.image()),
        cut(&test),
        cut(&outcome),
    ]
}

fn millis(took: Duration) -> String {
    format!("{:.0}", took.as_secs_f64() * 1000.0)
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn cut(text: &str) -> String {
    let plain = text.replace(char::is_control, " ");
    match plain.char_indices().nth(WIDEST) {
        Some((at, _)) => format!("{}..", &plain[..at]),
        None => plain,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_table_has_the_longest_first_and_the_sums() {
        let phases = |pull: Option<f64>| json!({ "pull": pull, "create": 20.4, "start": 250.0, "ready": 61.0 });
        let one = json!({
            "id": "a", "name": "a", "image": "busybox:1.35", "test": "shop::pays", "binary": "web", "phases_ms": phases(None),
            "total_ms": 340.0, "outcome": "ready", "process": "p",
            "used_by": [{ "process": "q", "binary": "web", "uses": 3, "waited_ms": 700.0 }],
        });
        let other = json!({
            "id": "b", "name": "b", "image": "postgres:15", "test": null, "binary": "store", "phases_ms": phases(Some(12000.0)),
            "total_ms": 12400.0, "outcome": "failed", "error": "the container exited with code 1 before it was ready",
        });
        let path = std::env::temp_dir().join(format!("ls-table-{}.json", std::process::id()));
        let report = json!({
            "format": 1, "longshore": "0.1.0", "session": "s", "runner": { "name": "cargo", "process": "1" },
            "begun_unix_ms": 1, "ended_unix_ms": 2, "containers": [one, other],
        });
        std::fs::write(&path, report.to_string()).unwrap();
        let read = StartupReport::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(
            read.to_string(),
            "starts of the test run `s` (cargo), in milliseconds\n\n\
             total   pull  create  start  ready  users  image         test            outcome\n\
             12400  12000      20    250     61      1  postgres:15   store           failed: the container exited with code 1 before it was ready\n\
             \u{20} 340      -      20    250     61      4  busybox:1.35  web shop::pays  ready\n\n\
             2 starts in 12740 ms; 1 not ready; 1 shared, used 4 times; the longest was `postgres:15` with 12400 ms\n"
        );
    }
}
