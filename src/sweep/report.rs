//! What a sweep removed, what it left and why, and how that reads.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::session::{Cleared, Found, Reason};

/// What became of everything that longshore has made on an engine. Displays as a table.
#[derive(Debug)]
pub struct SweepReport {
    removed: Vec<SweptThing>,
    left: Vec<(SweptThing, LeftReason)>,
    failures: Vec<SweepFailure>,
    is_dry_run: bool,
}

/// A container, network, volume or image that a sweep came by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SweptThing {
    kind: &'static str,
    id: String,
    name: String,
    session: String,
    test: String,
    created: Option<SystemTime>,
}

/// Why a sweep left something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LeftReason {
    /// The process that made it lives.
    LivingOwner,
    /// Nothing is known of who made it, and it is younger than what was asked for.
    UnknownOwner,
    /// It is kept on purpose.
    Kept,
    /// A container uses it that stays, or an image is made of it.
    Used,
}

/// Something that could not be removed, and why.
#[derive(Debug)]
pub struct SweepFailure {
    thing: SweptThing,
    error: Error,
}

impl SweepReport {
    pub(super) fn new(cleared: Cleared, engine: &Engine, is_dry_run: bool) -> Self {
        let thing = |found: &Found| SweptThing::new(found);
        let failures = cleared.failures.into_iter().map(|(found, error)| {
            let what = format!("the {} `{}` could not be removed", found.thing.noun(), found.name);
            let error = error.while_trying(what).fact("engine", engine.to_string());
            SweepFailure { thing: thing(&found), error }
        });
        let left = cleared.left.iter().map(|(found, reason)| (thing(found), (*reason).into()));
        SweepReport {
            removed: cleared.removed.iter().map(thing).collect(),
            left: left.collect(),
            failures: failures.collect(),
            is_dry_run,
        }
    }

    /// What was removed; in a dry run what would be.
    pub fn removed(&self) -> &[SweptThing] {
        &self.removed
    }

    /// What was left, and why.
    pub fn left(&self) -> &[(SweptThing, LeftReason)] {
        &self.left
    }

    /// What could not be removed, and why.
    pub fn failures(&self) -> &[SweepFailure] {
        &self.failures
    }

    /// What was removed, if nothing failed.
    ///
    /// # Errors
    ///
    /// The first failure, and the others with it.
    pub fn ok(self) -> Result<Vec<SweptThing>> {
        let mut failures = self.failures.into_iter().map(|failure| failure.error);
        match failures.next() {
            None => Ok(self.removed),
            Some(first) => Err(failures.fold(first, Error::and_also)),
        }
    }
}

impl SweptThing {
    fn new(found: &Found) -> Self {
        SweptThing {
            kind: found.thing.noun(),
            id: found.id.clone(),
            name: found.name.clone(),
            session: found.session().to_owned(),
            test: found.test().to_owned(),
            created: found.created().map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds)),
        }
    }

    /// `container`, `network`, `volume` or `image`.
    pub fn kind(&self) -> &str {
        self.kind
    }

    /// The full id; of a volume the name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name; of an image without a tag the short id.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The test run that made it.
    pub fn session(&self) -> &str {
        &self.session
    }

    /// The test that made it, where that has a name.
    pub fn test(&self) -> Option<&str> {
        Some(self.test.as_str()).filter(|test| !test.is_empty())
    }

    /// When it was made, to the second, by the clock of who made it; `None` where that cannot be read.
    pub fn created(&self) -> Option<SystemTime> {
        self.created
    }
}

impl SweepFailure {
    /// What could not be removed.
    pub fn thing(&self) -> &SweptThing {
        &self.thing
    }

    /// Why.
    pub fn error(&self) -> &Error {
        &self.error
    }
}

impl From<Reason> for LeftReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::LivingOwner => LeftReason::LivingOwner,
            Reason::UnknownOwner => LeftReason::UnknownOwner,
            Reason::Kept => LeftReason::Kept,
            Reason::Used => LeftReason::Used,
        }
    }
}

impl fmt::Display for LeftReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LeftReason::LivingOwner => "its owner lives",
            LeftReason::UnknownOwner => "its owner is unknown",
            LeftReason::Kept => "kept on purpose",
            LeftReason::Used => "in use",
        })
    }
}

impl fmt::Display for SweepReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gone = if self.is_dry_run { "would be removed" } else { "removed" };
        let rows = || {
            let removed = self.removed.iter().map(|thing| (thing, gone.to_owned()));
            let left = self.left.iter().map(|(thing, why)| (thing, format!("left: {why}")));
            let failed = self.failures.iter().map(|failure| (&failure.thing, "failed".to_owned()));
            removed.chain(left).chain(failed)
        };
        let width = |heading: &str, text: fn(&SweptThing) -> &str| {
            let longest = rows().map(|(thing, _)| text(thing).chars().count()).max();
            longest.unwrap_or_default().max(heading.len())
        };
        let (name, session) =
            (width("NAME", |thing| &thing.name), width("SESSION", |thing| &thing.session));
        if rows().next().is_some() {
            writeln!(
                f,
                "{:9}  {:name$}  {:session$}  {:>5}  OUTCOME",
                "KIND", "NAME", "SESSION", "AGE"
            )?;
        }
        for (thing, outcome) in rows() {
            let SweptThing { kind, name: called, session: of, created, .. } = thing;
            let age = age(*created);
            writeln!(f, "{kind:9}  {called:name$}  {of:session$}  {age:>5}  {outcome}")?;
        }
        for failure in &self.failures {
            writeln!(f, "{}", failure.error)?;
        }
        let (removed, left, failed) = (self.removed.len(), self.left.len(), self.failures.len());
        write!(f, "{removed} {gone}, {left} left, {failed} failed")
    }
}

/// `5s`, `3m`, `7h`, `12d`: how long ago.
fn age(created: Option<SystemTime>) -> String {
    let Some(created) = created else { return "?".into() };
    let seconds = SystemTime::now().duration_since(created).unwrap_or_default().as_secs();
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn thing(kind: &'static str, name: &str, hours: u64) -> SweptThing {
        SweptThing {
            kind,
            id: "0123".into(),
            name: name.into(),
            session: "cargo-1-2".into(),
            test: String::new(),
            created: SystemTime::now().checked_sub(Duration::from_secs(hours * 3600 + 1)),
        }
    }

    #[test]
    fn reads_as_a_table() {
        let mut report = SweepReport {
            removed: vec![thing("container", "longshore-abc", 3), thing("image", "app:1", 100)],
            left: vec![(thing("network", "back", 0), LeftReason::LivingOwner)],
            failures: Vec::new(),
            is_dry_run: false,
        };
        assert_eq!(
            report.to_string(),
            "KIND       NAME           SESSION      AGE  OUTCOME\n\
             container  longshore-abc  cargo-1-2     3h  removed\n\
             image      app:1          cargo-1-2     4d  removed\n\
             network    back           cargo-1-2     1s  left: its owner lives\n\
             2 removed, 1 left, 0 failed"
        );
        report.is_dry_run = true;
        assert!(report.to_string().ends_with("\n2 would be removed, 1 left, 0 failed"));
        let error = Error::new(Kind::Engine(500), "the volume `data` could not be removed");
        report.failures = vec![SweepFailure { thing: thing("volume", "data", 1), error }];
        let told = report.to_string();
        assert!(
            told.contains("60m  failed\nthe volume `data` could not be removed\n2 would"),
            "{told}"
        );
        assert_eq!(report.ok().unwrap_err().summary(), "the volume `data` could not be removed");
        let nothing =
            SweepReport { removed: vec![], left: vec![], failures: vec![], is_dry_run: false };
        assert_eq!(nothing.to_string(), "0 removed, 0 left, 0 failed");
        assert!(nothing.ok().unwrap().is_empty());
    }
}
