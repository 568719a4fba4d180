//! Finds and reads the file of a start-up report.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::error::{Error, Kind, Result};
use crate::report::reports_folder;
use crate::session::{ContainerStart, Startup, STARTUP_FOLDER};

/// What a test run has started, how long that took and how much of it was shared. Displays as a table.
///
/// The reaper of each test run writes one, to `<target>/longshore/sessions/<test run>.json`, or to `sessions` in the folder that
/// `LONGSHORE_REPORTS` names; while the tests run it is written again and again. The last 20 are kept. With `LONGSHORE_REPORTS=off`
/// there is none, and none without a reaper (`LONGSHORE_REAPER=off`).
///
/// ```no_run
/// # fn main() -> longshore::Result<()> {
/// let report = longshore::StartupReport::last()?;
/// let slow = report.containers().iter().filter(|one| one.total().as_secs() > 30);
/// for container in slow {
///     eprintln!("{} took {:?}", container.image(), container.total());
/// }
/// # Ok(())
/// # }
/// ```
///
/// The file is JSON, with `"format": 1` as long as its fields keep their names and meanings; fields may be added. Of each container it
/// has `name`, `image`, `test`, `binary`, `engine`, `phases_ms` (`pull`, `snapshot`, `create`, `start`, `ready`; null for one that it did
/// not come to), `warmth` (`used`, `made`, `failed`; null unless it is warm), `total_ms`, `outcome` (`ready`, `created`, `failed`, `dropped`, `killed`), `error`, `users`, `processes` and
/// `waited_ms`; of all of them `totals`. Times are milliseconds, and moments are milliseconds since 1970 (`.._unix_ms`).
#[derive(Debug, Clone, PartialEq)]
pub struct StartupReport {
    path: PathBuf,
    report: Startup,
}

impl StartupReport {
    /// The one that was written last.
    ///
    /// It is looked for where this program's tests would write it, in the target folder that it lies in or the folder that
    /// `LONGSHORE_REPORTS` names, and in `CARGO_TARGET_DIR` and `target` of the working directory.
    ///
    /// # Errors
    ///
    /// When there is none ([`is_not_found`](Error::is_not_found)), or it cannot be read.
    pub fn last() -> Result<Self> {
        StartupReport::last_in(&folders())
    }

    fn last_in(folders: &[PathBuf]) -> Result<Self> {
        let reports = folders.iter().flat_map(|folder| reports_in(folder));
        match reports.max() {
            Some((_, path)) => StartupReport::read(path),
            None => {
                let looked: Vec<_> =
                    folders.iter().map(|folder| format!("`{}`", folder.display())).collect();
                Err(Error::new(Kind::NotFound, "there is no start-up report")
                    .fact("looked in", looked.join(", "))
                    .hint(
                        "run tests that start containers (`cargo test`), without `LONGSHORE_REPORTS=off` and \
                         `LONGSHORE_REAPER=off`",
                    ))
            }
        }
    }

    /// The one in this file.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or is no start-up report of format 1. A file that does not exist is
    /// [`is_not_found`](Error::is_not_found).
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let report = Startup::read(&path).map_err(|error| {
            let kind = match error.kind() {
                io::ErrorKind::NotFound => Kind::NotFound,
                _ => Kind::Encoding,
            };
            Error::new(kind, format!("the start-up report `{}` could not be read", path.display()))
                .fact("because", error.to_string())
        })?;
        Ok(StartupReport { path, report })
    }

    /// The file that it was read from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The test run: the value of `LONGSHORE_SESSION`, else a name made of its runner.
    pub fn session(&self) -> &str {
        &self.report.session
    }

    /// What ran the tests, `cargo` or `nextest`; `None` where that is not known.
    pub fn runner(&self) -> Option<&str> {
        self.report.runner.as_ref().map(|runner| runner.name.as_str())
    }

    /// When the test run made something for the first time.
    pub fn begun(&self) -> SystemTime {
        moment(self.report.begun_unix_ms)
    }

    /// When the test run was over; `None` when it goes on, or nobody was left to see its end.
    pub fn ended(&self) -> Option<SystemTime> {
        self.report.ended_unix_ms.map(moment)
    }

    /// What was started, in the order of the beginnings.
    pub fn containers(&self) -> &[ContainerStart] {
        &self.report.containers
    }

    /// How long all starts took together. Those that went side by side count each.
    pub fn total(&self) -> Duration {
        self.report.total()
    }

    /// All of it as JSON, as it is in the file.
    pub fn to_json(&self) -> Value {
        self.report.to_json()
    }
}

fn moment(unix_ms: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(unix_ms)
}

/// Where reports may be.
fn folders() -> Vec<PathBuf> {
    let named = env::var_os("CARGO_TARGET_DIR").filter(|folder| !folder.is_empty());
    let targets = [named.map(PathBuf::from), Some("target".into())].into_iter().flatten();
    let others = targets.map(|target| std::path::absolute(&target).unwrap_or(target));
    let others = others.map(|target| target.join("longshore"));
    let mut folders = Vec::new();
    for folder in reports_folder().into_iter().chain(others) {
        let folder = folder.join(STARTUP_FOLDER);
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders
}

/// The reports in a folder, and when each was written.
fn reports_in(folder: &Path) -> Vec<(SystemTime, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let reports = entries.filter(|path| path.extension().is_some_and(|end| end == "json"));
    // One that goes meanwhile is none.
    reports.filter_map(|path| Some((fs::metadata(&path).ok()?.modified().ok()?, path))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Temporary(PathBuf);

    impl Drop for Temporary {
        fn drop(&mut self) {
            drop(fs::remove_dir_all(&self.0));
        }
    }

    fn temporary(name: &str) -> Temporary {
        let path = env::temp_dir().join(format!("ls-{name}-{}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Temporary(path)
    }

    #[test]
    fn the_last_is_the_one_that_was_written_last() {
        let folder = temporary("last");
        let put = |name: &str, age: u64| {
            let path = folder.0.join(name);
            let report = Startup::new(name, None, 0);
            fs::write(&path, report.to_json().to_string()).unwrap();
            let file = fs::File::options().append(true).open(&path).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
        };
        for (name, age) in [("a.json", 20), ("b.json", 10), ("c.json", 30), ("d.json.tmp", 0)] {
            put(name, age);
        }
        let last = StartupReport::last_in(&["/nowhere".into(), folder.0.clone()]).unwrap();
        assert_eq!((last.session(), last.path()), ("b.json", &*folder.0.join("b.json")));
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let folder = temporary("none");
        let at = folder.0.display().to_string();
        let none = StartupReport::last_in(std::slice::from_ref(&folder.0)).unwrap_err();
        assert!(none.is_not_found());
        assert_eq!(
            none.to_string(),
            format!(
                "there is no start-up report\n  looked in: `{at}`\n  hint: run tests that start containers (`cargo test`), without \
                 `LONGSHORE_REPORTS=off` and `LONGSHORE_REAPER=off`"
            )
        );
        for (text, why) in
            [(r#"{"format":7}"#, "its format is 7, not 1"), ("{}", "it has no `format`")]
        {
            let path = folder.0.join("a.json");
            fs::write(&path, text).unwrap();
            let error = StartupReport::read(&path).unwrap_err();
            let expected =
                format!("the start-up report `{at}/a.json` could not be read\n  because: {why}");
            assert_eq!(error.to_string(), expected);
        }
    }
}
