//! What is to be pruned, as data: whose, with which labels, how old. Asks nobody.

use serde_json::{json, Map, Value};

use crate::error::{Error, Kind, Result};
use crate::image::{check_label, has_label, Until};
use crate::session;

/// What is pruned, as the options of `docker container prune`, `network prune`, `volume prune`, `image prune` and `system
/// prune`: of what nobody uses.
///
/// By default only what this test run has made with longshore goes. [`all_sessions`](Prune::all_sessions) is whatever
/// longshore has made, and only [`everything`](Prune::everything) touches what is somebody else's. Filters narrow that. What
/// is kept on purpose ([`keep`](crate::Container::keep), `LONGSHORE_KEEP`) always stays; [`sweep`](crate::sweep()) can take it.
///
/// What an engine does not know for a kind is an error before anything goes: volumes have no age, `all()` is for images and
/// volumes.
///
/// # Examples
///
/// ```no_run
/// # async fn example() -> longshore::Result<()> {
/// use longshore::{Engine, Prune};
///
/// let engine = Engine::connect().await?;
/// // What crashed test runs have left since yesterday, of every kind but volumes.
/// let report = engine.prune(Prune::new().all_sessions().until("24h")).await?;
/// println!("{report}"); // ends with "Total reclaimed space: 1.2MB"
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct Prune {
    scope: Scope,
    until: Option<Until>,
    labels: Vec<String>,
    not_labels: Vec<String>,
    all: bool,
    volumes: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Scope {
    #[default]
    ThisSession,
    AnySession,
    Everything,
}

/// What a prune is called on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    Containers,
    Networks,
    Volumes,
    Images,
    System,
}

impl Prune {
    /// What this test run has made with longshore and nobody uses.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whatever longshore has made, in any test run and on any machine that uses the engine. Runs that are under way lose
    /// what they do not use at this moment.
    pub fn all_sessions(mut self) -> Self {
        self.scope = Scope::AnySession;
        self
    }

    /// Whatever the engine has, whoever made it: what `docker .. prune` takes.
    pub fn everything(mut self) -> Self {
        self.scope = Scope::Everything;
        self
    }

    /// Only what was made before a moment: `"24h"` ago, a `Duration` ago, or a point in time (`--filter until=`). Not for
    /// volumes. The last one said counts.
    pub fn until(mut self, until: impl Into<Until>) -> Self {
        self.until = Some(until.into());
        self
    }

    /// Only what has this label, `name` or `name=value` (`--filter label=`). Of several, all.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.labels.push(label.into());
        self
    }

    /// Not what has this label, `name` or `name=value` (`--filter label!=`). Once: of several, engines spare only what has
    /// all of them.
    pub fn label_not(mut self, label: impl Into<String>) -> Self {
        self.not_labels.push(label.into());
        self
    }

    /// Images that have names too, and volumes that have names too (`--all`). Without it images go that are dangling, and
    /// volumes that are anonymous, on each engine: old ones take volumes with names without being asked.
    ///
    /// [`Engine::prune`](crate::Engine::prune) with [`everything`](Prune::everything) leaves volumes with names alone all the
    /// same, as `docker system prune --all --volumes` does.
    pub fn all(mut self) -> Self {
        self.all = true;
        self
    }

    /// Volumes too, for [`Engine::prune`](crate::Engine::prune) (`docker system prune --volumes`).
    pub fn volumes(mut self) -> Self {
        self.volumes = true;
        self
    }

    pub(super) fn check(&self, subject: Subject) -> Result<()> {
        let refuse =
            |what: &str, hint: &str| Err(Error::new(Kind::InvalidRequest, what).hint(hint));
        for label in self.labels.iter().chain(&self.not_labels) {
            check_label(label)?;
        }
        if let Some(until) = &self.until {
            until.moment()?;
        }
        if self.not_labels.len() > 1 {
            return refuse(
                "a prune cannot spare several labels",
                "name one in `.label_not(..)`: of several, engines spare only what has all of them",
            );
        }
        let takes_volumes = subject == Subject::Volumes || self.takes_volumes(subject);
        if takes_volumes && self.until.is_some() {
            return refuse(
                "volumes cannot be pruned by their age",
                "leave `.until(..)` away: engines have no such filter for volumes",
            );
        }
        if self.all && matches!(subject, Subject::Containers | Subject::Networks) {
            return refuse(
                "containers and networks have no `.all()` when they are pruned",
                "leave it away: those that are stopped, or on which nothing is, go",
            );
        }
        if self.volumes && subject != Subject::System {
            return refuse(
                "`.volumes()` is for a prune of everything that an engine has",
                "call `Engine::prune`, or prune volumes with `engine.volumes().prune(..)`",
            );
        }
        Ok(())
    }

    /// Whether a system prune takes volumes.
    pub(super) fn takes_volumes(&self, subject: Subject) -> bool {
        self.volumes && subject == Subject::System
    }

    /// Whether it takes the build cache, which is nobody's in particular and has no labels.
    pub(super) fn takes_build_cache(&self) -> bool {
        self.scope == Scope::Everything && self.labels.is_empty() && self.not_labels.is_empty()
    }

    pub(super) fn takes_named(&self) -> bool {
        self.all
    }

    /// As a part of a system prune: without what would be too much there.
    pub(super) fn of_volumes_in_system(&self) -> Self {
        Prune { all: self.all && self.scope != Scope::Everything, ..self.clone() }
    }

    /// The labels that have to be there, whose it is among them.
    pub(super) fn wanted_labels(&self) -> Vec<String> {
        let scope = match self.scope {
            Scope::ThisSession => Some(session::of_this_session()),
            Scope::AnySession => Some(session::of_any_session().to_owned()),
            Scope::Everything => None,
        };
        scope.into_iter().chain(self.labels.iter().cloned()).collect()
    }

    /// Whether something with these labels may go.
    pub(super) fn takes(&self, labels: &Value) -> bool {
        self.wanted_labels().iter().all(|label| has_label(labels, label))
            && !self.not_labels.iter().any(|label| has_label(labels, label))
    }

    pub(super) fn until_when(&self) -> Result<Option<std::time::SystemTime>> {
        self.until.as_ref().map(Until::moment).transpose()
    }

    /// As the API takes it, for one kind; what is the kind's own comes in `more`.
    pub(super) fn filters(&self, more: &[(&str, &str)]) -> Result<Value> {
        let mut filters = Map::new();
        for (key, labels) in [("label", self.wanted_labels()), ("label!", self.not_labels.clone())]
        {
            if !labels.is_empty() {
                filters.insert(key.into(), json!(labels));
            }
        }
        if let Some(until) = &self.until {
            filters.insert("until".into(), json!([until.to_filter()?]));
        }
        filters.extend(more.iter().map(|(key, value)| ((*key).to_owned(), json!([value]))));
        Ok(filters.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_ours_goes_unless_everything_is_said() {
        let label = session::of_this_session();
        assert_eq!(Prune::new().filters(&[]).unwrap(), json!({ "label": [label] }));
        let any = Prune::new().all_sessions().label("a=1").label_not("b").until("1h");
        assert_eq!(
            any.filters(&[("dangling", "true")]).unwrap(),
            json!({ "label": [session::of_any_session(), "a=1"], "label!": ["b"],
                "until": ["3600.000000000s"], "dangling": ["true"] })
        );
        assert_eq!(Prune::new().everything().filters(&[]).unwrap(), json!({}));
    }

    #[test]
    fn by_hand_the_same_goes() {
        let (name, value) = session::of_this_session()
            .split_once('=')
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .unwrap();
        let ours = json!({ name.as_str(): value, "a": "1" });
        let others = json!({ name.as_str(): "another run", "a": "1" });
        let nobodys = json!({ "a": "1" });
        let taken = |prune: Prune| {
            [&ours, &others, &nobodys, &Value::Null].map(|labels| prune.takes(labels))
        };
        assert_eq!(taken(Prune::new()), [true, false, false, false]);
        assert_eq!(taken(Prune::new().all_sessions()), [true, true, false, false]);
        assert_eq!(taken(Prune::new().everything()), [true, true, true, true]);
        assert_eq!(taken(Prune::new().everything().label("a")), [true, true, true, false]);
        assert_eq!(taken(Prune::new().label("a=1").label("b")), [false; 4]);
        assert_eq!(taken(Prune::new().label_not("a=1")), [false; 4]);
        assert_eq!(taken(Prune::new().label_not("a=2")), [true, false, false, false]);
    }

    #[test]
    fn the_build_cache_is_nobodys() {
        assert!(Prune::new().everything().takes_build_cache());
        for prune in [
            Prune::new(),
            Prune::new().all_sessions(),
            Prune::new().everything().label("a"),
            Prune::new().everything().label_not("a"),
        ] {
            assert!(!prune.takes_build_cache());
        }
    }

    #[test]
    fn a_system_prune_of_everything_leaves_volumes_with_names() {
        let named = |prune: Prune| prune.volumes().all().of_volumes_in_system().takes_named();
        assert!(named(Prune::new()) && named(Prune::new().all_sessions()));
        assert!(!named(Prune::new().everything()));
    }

    #[test]
    fn what_a_kind_does_not_know_is_refused() {
        let refused = |prune: Prune, subject| {
            let error = prune.check(subject).unwrap_err();
            assert!(error.is_invalid_request());
            error.summary().to_owned()
        };
        use Subject::*;
        assert_eq!(
            refused(Prune::new().until("1h"), Volumes),
            "volumes cannot be pruned by their age"
        );
        assert_eq!(
            refused(Prune::new().volumes().until("1h"), System),
            "volumes cannot be pruned by their age"
        );
        assert!(Prune::new().until("1h").check(System).is_ok());
        for kind in [Containers, Networks] {
            assert_eq!(
                refused(Prune::new().all(), kind),
                "containers and networks have no `.all()` when they are pruned"
            );
        }
        for kind in [Containers, Networks, Volumes, Images] {
            assert_eq!(
                refused(Prune::new().volumes(), kind),
                "`.volumes()` is for a prune of everything that an engine has"
            );
            assert_eq!(refused(Prune::new().label(""), kind), "`` is not a filter for a label");
            assert_eq!(
                refused(Prune::new().label_not("a").label_not("b"), kind),
                "a prune cannot spare several labels"
            );
        }
        assert!(refused(Prune::new().until("soon"), Images).contains("`soon` is not a duration"));
    }
}
