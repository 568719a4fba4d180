//! The reaper's books of a session's starts, and the file that they are written to, for the start-up report.
//!
//! Never the reason why something fails or waits: files are for the threads that may block, and one that cannot be written is a line
//! in the log. What a killed reaper had in its file is read back by the one that takes its place.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::super::labels::unix_ms;
use super::super::startup::{
    ContainerStart, Millis, Report, Runner, Start, StartOutcome, Use, FOLDER,
};
use super::entry::log;
use crate::engine::io as io_thread;
use crate::report::safe;

/// What is told is in the file after this, so that little is lost with a reaper that is killed.
const WRITE_DELAY: Duration = Duration::from_millis(300);

/// How long the last writing may hold up the reaper's end.
const LAST_WRITE_LIMIT: Duration = Duration::from_secs(2);

/// How many reports of test runs are kept.
const KEPT: usize = 20;

/// The books of one session.
#[derive(Debug)]
pub(super) struct Ledger {
    books: Mutex<Books>,
    /// Whether it will be written soon.
    is_planned: AtomicBool,
    /// Held while the file is written.
    file: Mutex<FileState>,
}

#[derive(Debug)]
struct Books {
    report: Report,
    /// The folder of all reports, as the first process told that has one.
    reports: Option<PathBuf>,
}

#[derive(Debug, Default)]
struct FileState {
    /// Whether an earlier reaper's has been looked for.
    is_read: bool,
    has_failed: bool,
}

impl Ledger {
    pub(super) fn new(session: &str, runner: Option<Runner>) -> Arc<Self> {
        let books = Books { report: Report::new(session, runner, unix_ms()), reports: None };
        let (books, is_planned) = (Mutex::new(books), AtomicBool::new(false));
        Arc::new(Ledger { books, is_planned, file: Mutex::default() })
    }

    /// A start of a process has begun or ended.
    pub(super) fn started(self: &Arc<Self>, owner: &str, reports: PathBuf, start: Start) {
        self.note(reports, |report| report.started(owner, start));
    }

    /// How often a process has used what it found, until now.
    pub(super) fn used(self: &Arc<Self>, reports: PathBuf, found: Start, by: Use) {
        self.note(reports, |report| report.used(found, by));
    }

    /// What a process was starting when it ended will not be ready.
    pub(super) fn ended(self: &Arc<Self>, owner: &str) {
        if self.books().report.killed(|container| container.process == owner, unix_ms()) {
            self.plan();
        }
    }

    /// Writes it as that of a session that is over. More may come all the same.
    pub(super) async fn close(self: &Arc<Self>) {
        if self.books().reports.is_some() {
            let ledger = self.clone();
            let writing = tokio::task::spawn_blocking(move || ledger.write(Some(unix_ms())));
            if tokio::time::timeout(LAST_WRITE_LIMIT, writing).await.is_err() {
                log(&format!("the start-up report was not written in {LAST_WRITE_LIMIT:?}"));
            }
        }
    }

    fn note(self: &Arc<Self>, reports: PathBuf, what: impl FnOnce(&mut Report)) {
        {
            let mut books = self.books();
            books.reports.get_or_insert(reports);
            what(&mut books.report);
        }
        self.plan();
    }

    fn plan(self: &Arc<Self>) {
        if !self.is_planned.swap(true, Ordering::SeqCst) {
            let ledger = self.clone();
            drop(io_thread::spawn(async move {
                tokio::time::sleep(WRITE_DELAY).await;
                ledger.is_planned.store(false, Ordering::SeqCst);
                drop(tokio::task::spawn_blocking(move || ledger.write(None)));
            }));
        }
    }

    /// On a thread that may block.
    fn write(&self, ended: Option<u64>) {
        let mut state = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let (folder, path) = {
            let books = self.books();
            let Some(reports) = &books.reports else { return };
            (reports.join(FOLDER), path_in(reports, &books.report.session))
        };
        if !state.is_read {
            state.is_read = true;
            if let Ok(earlier) = Report::read(&path) {
                self.books().report.go_on_with(earlier);
            }
            prune(&folder, &path);
        }
        let report = {
            let mut books = self.books();
            if ended.is_some() {
                // Those of whose end no reaper was told.
                books.report.killed(|_| true, 0);
            }
            Report { ended_unix_ms: ended, ..books.report.clone() }
        };
        if let Err(error) = put(&folder, &path, &report) {
            if !std::mem::replace(&mut state.has_failed, true) {
                log(&format!("no start-up report at {}: {error}", path.display()));
            }
        }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Report {
    fn started(&mut self, owner: &str, start: Start) {
        let is_it = |one: &ContainerStart| {
            one.start.id == start.id || one.start.id.is_empty() && one.is_of(&start.instance)
        };
        let process = owner.to_owned();
        match self.containers.iter_mut().find(|one| is_it(one)) {
            Some(one) => (one.start, one.process) = (start, process),
            None => {
                self.containers.push(ContainerStart { start, process, used_by: Vec::new() });
            }
        }
    }

    fn used(&mut self, found: Start, by: Use) {
        match self.containers.iter_mut().find(|one| one.is_of(&found.instance)) {
            Some(one) => one.used(by),
            // Its maker has not told, or was killed before it could.
            None => {
                let (process, used_by) = (String::new(), vec![by]);
                self.containers.push(ContainerStart { start: found, process, used_by });
            }
        }
    }

    /// Says whether there were any.
    fn killed(&mut self, is_meant: impl Fn(&ContainerStart) -> bool, now: u64) -> bool {
        let mut were_any = false;
        for one in self.containers.iter_mut().filter(|one| is_meant(one)) {
            if one.start.outcome == StartOutcome::Starting {
                one.start.outcome = StartOutcome::Killed;
                let lasted = Duration::from_millis(now.saturating_sub(one.start.begun_unix_ms));
                one.start.total_ms = one.start.total_ms.max(Millis(lasted));
                were_any = true;
            }
        }
        were_any
    }

    /// Takes what an earlier reaper of the same test run has written. One that is of an earlier run by the same name is forgotten.
    fn go_on_with(&mut self, earlier: Report) {
        let is_same_run = match (&self.runner, &earlier.runner) {
            (Some(this), Some(earlier)) => this == earlier,
            _ => earlier.ended_unix_ms.is_none(),
        };
        if earlier.session != self.session || !is_same_run {
            return;
        }
        self.begun_unix_ms = self.begun_unix_ms.min(earlier.begun_unix_ms);
        let told = std::mem::replace(&mut self.containers, earlier.containers);
        for ContainerStart { start, process, used_by } in told {
            if start.id.is_empty() {
                used_by.into_iter().for_each(|by| self.used(start.clone(), by));
                continue;
            }
            self.started(&process, start.clone());
            let one = self.containers.iter_mut().find(|one| one.start.id == start.id);
            if let Some(one) = one {
                used_by.into_iter().for_each(|by| one.used(by));
            }
        }
    }
}

impl ContainerStart {
    fn is_of(&self, instance: &str) -> bool {
        !instance.is_empty() && self.start.instance == instance
    }

    fn used(&mut self, by: Use) {
        match self.used_by.iter_mut().find(|one| one.process == by.process) {
            Some(one) => *one = by,
            None => self.used_by.push(by),
        }
    }
}

fn path_in(reports: &Path, session: &str) -> PathBuf {
    reports.join(FOLDER).join(format!("{}.json", safe(session)))
}

/// Whoever reads it meanwhile has the earlier one, whole.
fn put(folder: &Path, path: &Path, report: &Report) -> io::Result<()> {
    // The target folder itself is not made: somebody has cleaned up.
    for folder in folder.parent().into_iter().chain([folder]) {
        make_like_parent(folder)?;
    }
    let mut text = serde_json::to_vec_pretty(&report.to_json())?;
    text.push(b'\n');
    let beside = path.with_extension("json.tmp");
    let mut file = File::create(&beside)?;
    let mode = fs::metadata(folder)?.permissions().mode();
    file.set_permissions(Permissions::from_mode(mode & 0o666))?;
    let written = file.write_all(&text).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

/// Readable for those who can read the folder above, as what the tests themselves make: a reaper's umask lets nobody in.
fn make_like_parent(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        made => made?,
    }
    let above = folder.parent().map(fs::metadata).transpose()?;
    match above {
        Some(above) => {
            fs::set_permissions(folder, Permissions::from_mode(above.permissions().mode() & 0o777))
        }
        None => Ok(()),
    }
}

/// Takes away the oldest reports of other test runs, so that with this one there are [`KEPT`].
fn prune(folder: &Path, own: &Path) {
    let is_report = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        path != own && (name.ends_with(".json") || name.ends_with(".json.tmp"))
    };
    let others = fs::read_dir(folder).into_iter().flatten().flatten();
    let others = others.map(|entry| entry.path()).filter(is_report);
    let mut others: Vec<(SystemTime, PathBuf)> = others
        .filter_map(|path| Some((fs::symlink_metadata(&path).ok()?.modified().ok()?, path)))
        .collect();
    others.sort_unstable_by(|one, other| other.cmp(one));
    for (_, path) in others.into_iter().skip(KEPT - 1) {
        // Another reaper may have been quicker.
        let _ = fs::remove_file(path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(id: &str, outcome: StartOutcome) -> Start {
        let instance = format!("{id}-instance");
        Start { id: id.into(), instance, outcome, begun_unix_ms: 1000, ..Start::default() }
    }

    fn by(process: &str, uses: u64) -> Use {
        let waited_ms = Millis(Duration::from_millis(uses));
        Use { process: process.into(), binary: "b".into(), uses, waited_ms }
    }

    fn runner(process: &str) -> Option<Runner> {
        Some(Runner { name: "cargo".into(), process: process.into() })
    }

    fn ids(report: &Report) -> Vec<&str> {
        report.containers.iter().map(|one| one.start.id.as_str()).collect()
    }

    #[test]
    fn the_end_of_a_start_takes_the_place_of_its_beginning() {
        let mut report = Report::new("s", None, 0);
        report.started("p", start("a", StartOutcome::Starting));
        report.started("p", start("b", StartOutcome::Starting));
        report.started("p", start("a", StartOutcome::Ready));
        assert_eq!(ids(&report), ["a", "b"]);
        assert!(report.killed(|one| one.process == "p", 4000));
        assert!(!report.killed(|_| true, 9000));
        let [a, b] = &report.containers[..] else { panic!("two containers") };
        assert_eq!((a.outcome(), a.total()), (StartOutcome::Ready, Duration::ZERO));
        assert_eq!((b.outcome(), b.total()), (StartOutcome::Killed, Duration::from_secs(3)));
    }

    #[test]
    fn uses_are_counted_by_process_also_when_they_are_told_before_the_start_or_again() {
        let mut report = Report::new("s", None, 0);
        let found = Start { id: String::new(), ..start("a", StartOutcome::Unknown) };
        report.used(found.clone(), by("q", 1));
        report.started("p", start("a", StartOutcome::Ready));
        report.used(found.clone(), by("q", 3));
        report.used(found.clone(), by("p", 2));
        report.used(found, by("p", 2));
        let [one] = &report.containers[..] else { panic!("one container: {report:?}") };
        assert_eq!((one.start.id.as_str(), one.process.as_str()), ("a", "p"));
        assert_eq!((one.users(), one.processes()), (6, 2));
        assert_eq!(one.waited(), Duration::from_millis(5));
    }

    #[test]
    fn what_a_killed_reaper_wrote_is_gone_on_with() {
        let mut first = Report::new("s", runner("1"), 5);
        first.started("p", start("a", StartOutcome::Ready));
        first.used(start("a", StartOutcome::Ready), by("gone", 1));
        first.started("q", start("b", StartOutcome::Starting));
        let mut second = Report::new("s", runner("1"), 9);
        // The processes that live tell it all again.
        second.started("q", start("b", StartOutcome::Ready));
        second.started("q", start("c", StartOutcome::Ready));
        second.used(Start { id: String::new(), ..start("a", StartOutcome::Unknown) }, by("q", 2));
        second.go_on_with(first);
        assert_eq!(ids(&second), ["a", "b", "c"]);
        assert_eq!(second.begun_unix_ms, 5);
        assert_eq!(second.containers[0].users(), 4);
        assert_eq!(second.containers[1].outcome(), StartOutcome::Ready);
    }

    #[test]
    fn an_earlier_run_by_the_same_name_is_forgotten() {
        let cases = [
            (runner("1"), runner("1"), Some(7), 1),
            (runner("1"), runner("2"), None, 0),
            (None, None, None, 1),
            (None, None, Some(7), 0),
        ];
        for (this, other, ended, expected) in cases {
            let mut earlier = Report::new("s", other, 5);
            earlier.started("p", start("a", StartOutcome::Ready));
            earlier.ended_unix_ms = ended;
            let mut report = Report::new("s", this, 9);
            report.go_on_with(earlier);
            assert_eq!(report.containers.len(), expected, "{report:?}");
        }
    }

    #[test]
    fn the_newest_reports_are_kept_and_other_files() {
        let folder = std::env::temp_dir().join(format!("ls-prune-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let make = |name: &str, age: u64| {
            let file = File::create(folder.join(name)).unwrap();
            file.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
        };
        (0..25).for_each(|age| make(&format!("{age}.json"), age));
        make("old.json.tmp", 1000);
        make("old.txt", 1000);
        prune(&folder, &folder.join("24.json"));
        let exists = |name: &str| folder.join(name).exists();
        let kept: Vec<_> = (0..25).filter(|age| exists(&format!("{age}.json"))).collect();
        assert_eq!(kept, (0..19).chain([24]).collect::<Vec<_>>());
        assert!(exists("old.txt") && !exists("old.json.tmp"));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_report_is_as_open_as_the_folder_it_is_in_and_no_target_is_made() {
        let target = std::env::temp_dir().join(format!("ls-put-{}", std::process::id()));
        let (folder, path) =
            (target.join("longshore/sessions"), target.join("longshore/sessions/a.json"));
        let report = Report::new("s", None, 0);
        assert_eq!(put(&folder, &path, &report).unwrap_err().kind(), io::ErrorKind::NotFound);
        fs::create_dir(&target).unwrap();
        fs::set_permissions(&target, Permissions::from_mode(0o751)).unwrap();
        put(&folder, &path, &report).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!([mode(&folder), mode(&path)], [0o751, 0o640]);
        assert_eq!(Report::read(&path).unwrap(), report);
        fs::remove_dir_all(target).unwrap();
    }
}
