//! Keeping things on purpose: what `LONGSHORE_KEEP` says, the marks that keep a thing from everybody who removes, and what the
//! user is told then.
//!
//! Labels cannot be added later, so a mark is a thing of its own: a small volume on the same engine, that names the instance
//! which it keeps. Who cleans up removes it when its thing is gone.

use std::fmt;
use std::io::Write;
use std::sync::LazyLock;

use futures::future;
use hyper::Method;
use serde_json::{json, Value};

use super::exit;
use super::labels::{labels, INSTANCE, KEEP, KEPT, KEPT_BY, TAG};
use crate::engine::{podman, segment, ApiError, Engine, Thing};
use crate::error::{Error, Kind, Result};

const VARIABLE: &str = "LONGSHORE_KEEP";

/// Images are made of images; so far it is followed.
const GENERATIONS: usize = 16;

/// What is kept of what a process makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeping {
    /// Only what `keep()` was called on.
    Asked,
    /// That too only until the process ends.
    Never,
    /// Also what is dropped while its thread panics, what a test has that failed, and what a killed process leaves.
    Failed,
    /// Also whatever is dropped.
    Always,
}

impl Keeping {
    fn read(word: &str) -> Result<Self> {
        match word {
            "" => Ok(Keeping::Asked),
            "never" => Ok(Keeping::Never),
            "failed" => Ok(Keeping::Failed),
            "always" => Ok(Keeping::Always),
            _ => Err(Error::new(
                Kind::InvalidRequest,
                format!(
                    "the variable `{VARIABLE}` is `{}`, which says nothing",
                    word.escape_debug()
                ),
            )
            .hint(
                "set it to `failed`, `always` or `never`, or unset it: then only `keep()` keeps",
            )),
        }
    }

    /// What is written on things when they are made.
    pub(super) fn label(self) -> Option<&'static str> {
        match self {
            Keeping::Asked | Keeping::Never => None,
            Keeping::Failed => Some("failed"),
            Keeping::Always => Some("always"),
        }
    }

    /// Whether what is dropped now stays. A panic is a failure as long as nobody has judged.
    pub(super) fn keeps_what_is_dropped(self, judged: Option<Outcome>) -> bool {
        match self {
            Keeping::Asked | Keeping::Never => false,
            Keeping::Failed => match judged {
                Some(outcome) => outcome == Outcome::Failed,
                None => std::thread::panicking(),
            },
            Keeping::Always => true,
        }
    }
}

/// What has become of the test that a thing was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Failed,
}

/// What the variable said when it was first asked for. A wrong word is refused where something is made, by
/// [`check_keeping`].
pub(super) fn keeping() -> Keeping {
    static KEEPING: LazyLock<Keeping> =
        LazyLock::new(|| Keeping::read(&variable()).unwrap_or(Keeping::Asked));
    *KEEPING
}

fn variable() -> String {
    std::env::var_os(VARIABLE).unwrap_or_default().to_string_lossy().into_owned()
}

/// Whether what this thread drops now stays, if it is nothing that a test is judged by.
pub(crate) fn keeps_what_is_dropped() -> bool {
    keeping().keeps_what_is_dropped(None)
}

/// Refuses a variable that says nothing, before anything is made.
pub(super) fn check_keeping() -> Result<()> {
    match keeping() {
        Keeping::Asked => Keeping::read(&variable()).map(drop),
        _ => Ok(()),
    }
}

/// Something that is kept: nothing of longshore's removes it any more, in this process or another one.
///
/// Displays as what it is, with a line that says how to enter it and one that says how to remove it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    thing: Thing,
    id: String,
    name: String,
    /// How the engine is reached by hand, such as `docker -H tcp://10.0.0.1:2375`.
    command: String,
    /// What was kept with it.
    with: Vec<(Thing, String)>,
    to_the_end: bool,
}

impl Kept {
    pub(super) fn new(engine: &Engine, thing: Thing, id: String, name: String) -> Self {
        let command = engine.command();
        Kept { thing, id, name, command, with: Vec::new(), to_the_end: false }
    }

    /// It is kept to the end of the process only.
    pub(super) fn only_to_the_end(mut self) -> Self {
        self.to_the_end = true;
        self
    }

    pub(super) fn with(mut self, with: Vec<(Thing, String)>) -> Self {
        self.with = with;
        self
    }

    /// The full id; of a volume the name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The name; of an image without a tag the short id.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The command that opens a shell in it: `docker exec -it NAME sh`, with `-H ADDRESS` where the engine is not at Docker's
    /// usual place, and `podman` for Podman. `None` for what is no container.
    pub fn enter_command(&self) -> Option<String> {
        let is_container = self.thing == Thing::Container;
        is_container.then(|| format!("{} exec -it {} sh", self.command, self.name))
    }

    /// The command that removes it: `docker rm -fv NAME`, `docker network rm NAME`, ...
    pub fn remove_command(&self) -> String {
        format!("{} {} {}", self.command, self.thing.removing_words(), self.name)
    }

    /// Says it where the user sees it, also when output is captured.
    pub(crate) fn tell(&self) {
        tracing::info!(name = self.name, remove = self.remove_command(), "kept on purpose");
        let _ = std::io::stderr().write_all(format!("longshore: {self}\n").as_bytes());
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} `{}` is kept", self.thing.noun(), self.name)?;
        if self.to_the_end {
            write!(f, " to the end of the process, since `{VARIABLE}` is `never`")?;
        }
        for (at, (thing, name)) in self.with.iter().enumerate() {
            let before = if at == 0 { ", with" } else { " and" };
            write!(f, "{before} the {} `{name}`", thing.noun())?;
        }
        if let Some(enter) = self.enter_command() {
            write!(f, "\n  enter it: `{enter}`")?;
        }
        write!(f, "\n  remove it: `{}`", self.remove_command())
    }
}

/// Marks a thing as kept, with what it uses of ours if it is a container, and gives the latter. In this process the handles of
/// those leave them. On the I/O thread.
pub(super) async fn mark(
    engine: &Engine,
    thing: Thing,
    id: &str,
    instance: &str,
) -> Result<Vec<(Thing, String)>, ApiError> {
    make_mark(engine, instance, None).await?;
    let used = match thing {
        Thing::Container => used_by(engine, id).await?,
        _ => Vec::new(),
    };
    let marks = used.iter().map(|one| make_mark(engine, &one.instance, Some(instance)));
    future::try_join_all(marks).await?;
    Ok(leave(used))
}

/// A container of a test in whose middle its process has ended: marked if that is wanted of what has failed. Nothing if it is not,
/// or if there is no such container. On the I/O thread.
#[cfg_attr(not(unix), allow(dead_code, reason = "only a reaper does so"))]
pub(super) async fn keep_of_failed(
    engine: &Engine,
    id: &str,
    name: &str,
) -> Result<Option<Kept>, ApiError> {
    if keeping() != Keeping::Failed {
        return Ok(None);
    }
    let path = format!("/containers/{id}/json");
    let inspect = match engine.client().json(Method::GET, &path, None).await {
        Err(error) if error.is_not_found() => return Ok(None),
        inspect => inspect?,
    };
    let instance = inspect["Config"]["Labels"][INSTANCE].as_str().unwrap_or_default();
    let with = mark(engine, Thing::Container, id, instance).await?;
    Ok(Some(Kept::new(engine, Thing::Container, id.into(), name.into()).with(with)))
}

/// What a container uses of ours is held to the end of the process. On the I/O thread.
pub(super) async fn hold(
    engine: &Engine,
    container: &str,
) -> Result<Vec<(Thing, String)>, ApiError> {
    Ok(leave(used_by(engine, container).await?))
}

/// The handles in this process leave these things.
fn leave(used: Vec<Used>) -> Vec<(Thing, String)> {
    for one in &used {
        exit::keep(&one.instance);
    }
    used.into_iter().map(|one| (one.thing, one.name)).collect()
}

/// Something of ours that a container uses.
struct Used {
    thing: Thing,
    name: String,
    instance: String,
}

impl Used {
    fn new(thing: Thing, name: &str, labels: &Value) -> Option<Self> {
        let instance = labels[INSTANCE].as_str()?.to_owned();
        Some(Used { thing, name: name.to_owned(), instance })
    }
}

/// The networks, the volumes with names and the images of ours that a container uses.
async fn used_by(engine: &Engine, container: &str) -> Result<Vec<Used>, ApiError> {
    let get = |path: String| async move {
        match engine.client().json(Method::GET, &path, None).await {
            Err(error) if error.is_not_found() => Ok(Value::Null),
            answer => answer,
        }
    };
    let inspect = get(format!("/containers/{container}/json")).await?;
    let mut used = Vec::new();
    let networks = inspect["NetworkSettings"]["Networks"].as_object();
    for (name, network) in networks.into_iter().flatten() {
        let id = network["NetworkID"].as_str().filter(|id| !id.is_empty()).unwrap_or(name);
        let network = get(format!("/networks/{}", segment(id))).await?;
        let name = network["Name"].as_str().unwrap_or(name);
        used.extend(Used::new(Thing::Network, name, &network["Labels"]));
    }
    for mount in inspect["Mounts"].as_array().into_iter().flatten() {
        if let (Some("volume"), Some(name)) = (mount["Type"].as_str(), mount["Name"].as_str()) {
            let volume = get(format!("/volumes/{}", segment(name))).await?;
            used.extend(Used::new(Thing::Volume, name, &volume["Labels"]));
        }
    }
    let mut image = inspect["Image"].as_str().map(str::to_owned);
    for _ in 0..GENERATIONS {
        let Some(id) = image.filter(|id| !id.is_empty()) else { break };
        let raw = get(format!("/images/{id}/json")).await?;
        let labels = &raw["Config"]["Labels"];
        // Without that label it is none that was committed here.
        let Some(tag) = labels[TAG].as_str() else { break };
        let name = if tag.is_empty() { &id } else { tag };
        used.extend(Used::new(Thing::Image, name, labels));
        image = raw["Parent"].as_str().map(str::to_owned);
    }
    Ok(used)
}

/// Writes the mark of one instance; `by` is the container because of which.
async fn make_mark(engine: &Engine, instance: &str, by: Option<&str>) -> Result<(), ApiError> {
    let mut labels = labels(engine, Thing::Volume, instance);
    labels.remove(INSTANCE);
    labels.remove(KEEP);
    labels.insert(KEPT.to_owned(), instance.to_owned());
    labels.extend(by.map(|by| (KEPT_BY.to_owned(), by.to_owned())));
    let by = by.map(|by| format!("-{by}")).unwrap_or_default();
    let body = json!({ "Name": format!("longshore-kept-{instance}{by}"), "Labels": labels });
    match engine.client().json(Method::POST, "/volumes/create", Some(&body)).await {
        // It was kept before.
        Err(error) if podman::says_exists(&error) => Ok(()),
        outcome => outcome.map(drop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_is_one_of_few_words() {
        for (word, keeping, label) in [
            ("", Keeping::Asked, None),
            ("never", Keeping::Never, None),
            ("failed", Keeping::Failed, Some("failed")),
            ("always", Keeping::Always, Some("always")),
        ] {
            assert_eq!(Keeping::read(word).unwrap(), keeping);
            assert_eq!(keeping.label(), label);
        }
        assert_eq!(
            Keeping::read("Always").unwrap_err().to_string(),
            "the variable `LONGSHORE_KEEP` is `Always`, which says nothing\n  hint: set it to `failed`, `always` or \
             `never`, or unset it: then only `keep()` keeps"
        );
    }

    #[test]
    fn a_panic_or_a_judgement_keeps_what_failed() {
        for (keeping, not_judged, passed, failed) in [
            (Keeping::Asked, false, false, false),
            (Keeping::Never, false, false, false),
            (Keeping::Failed, false, false, true),
            (Keeping::Always, true, true, true),
        ] {
            assert_eq!(keeping.keeps_what_is_dropped(None), not_judged);
            assert_eq!(keeping.keeps_what_is_dropped(Some(Outcome::Passed)), passed);
            assert_eq!(keeping.keeps_what_is_dropped(Some(Outcome::Failed)), failed);
        }
    }

    #[test]
    fn who_keeps_is_told_how_to_enter_and_to_remove() {
        let kept = |thing| Kept {
            thing,
            id: "0123".into(),
            name: "web".into(),
            command: "docker".into(),
            with: Vec::new(),
            to_the_end: false,
        };
        assert_eq!(
            kept(Thing::Container).to_string(),
            "the container `web` is kept\n  enter it: `docker exec -it web sh`\n  remove it: `docker rm -fv web`"
        );
        let with = vec![(Thing::Network, "back".to_owned()), (Thing::Volume, "data".to_owned())];
        let remote =
            Kept { command: "docker -H tcp://10.0.0.1:2375".into(), ..kept(Thing::Container) };
        assert_eq!(
            remote.with(with).to_string(),
            "the container `web` is kept, with the network `back` and the volume `data`\n  \
             enter it: `docker -H tcp://10.0.0.1:2375 exec -it web sh`\n  \
             remove it: `docker -H tcp://10.0.0.1:2375 rm -fv web`"
        );
        assert_eq!(
            kept(Thing::Volume).only_to_the_end().to_string(),
            "the volume `web` is kept to the end of the process, since `LONGSHORE_KEEP` is `never`\n  \
             remove it: `docker volume rm web`"
        );
    }
}
