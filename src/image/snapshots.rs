//! Snapshots: images of containers at their first *ready*, from which later starts come (`ContainerRequest::warm`). Finding, listing
//! and removing them; made they are by `container`, which alone knows what is in one.
//!
//! They are nobody's: no test run owns one, and no sweep or reaper takes it away.

use std::future::Future;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use futures::Stream;
use serde_json::{json, Value};

use super::list::names;
use super::remove::{remove, RemoveImage};
use super::told::Told;
use crate::engine::{io, query, ApiError, Engine, Thing};
use crate::error::Result;
use crate::session::{is_of_a_run, of_snapshots, snapshot_in, SnapshotPlace};

/// What all are called; the tag is the key. No registry is asked for what is at `localhost`.
const REPOSITORY: &str = "localhost/longshore-snapshot";

/// Those that were used by nobody for so long go when another one is made.
const OLD: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// An image of a key that has no name is half of a snapshot whose maker died, if it has been so for so long.
const ABANDONED: Duration = Duration::from_secs(60 * 60);

/// The snapshots on an engine, of which [warm](crate::ContainerRequest::warm) containers are made.
///
/// # Examples
///
/// ```no_run
/// # async fn example() -> longshore::Result<()> {
/// let snapshots = longshore::Engine::connect().await?.snapshots();
/// for snapshot in snapshots.list().await? {
///     println!("{} of {}, {} bytes", snapshot.name(), snapshot.image(), snapshot.size());
/// }
/// snapshots.remove_all().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Snapshots {
    engine: Engine,
}

impl Engine {
    /// The engine's snapshots, of which warm containers are made.
    pub fn snapshots(&self) -> Snapshots {
        Snapshots { engine: self.clone() }
    }
}

impl Snapshots {
    /// Lists them, what was used last first.
    ///
    /// # Errors
    ///
    /// When the engine fails.
    pub fn list(&self) -> impl Future<Output = Result<Vec<Snapshot>>> + Send + 'static {
        let engine = self.engine.clone();
        async move {
            io::check_process()?;
            let asking = engine.clone();
            let listed = io::run(async move { Ok::<_, ApiError>(all(&asking).await?.0) }).await;
            listed.map_err(|error| {
                error
                    .while_trying("the snapshots could not be listed")
                    .fact("engine", engine.to_string())
            })
        }
    }

    /// Removes all that no container uses, and gives those that are gone.
    ///
    /// # Errors
    ///
    /// When the engine fails.
    pub fn remove_all(&self) -> impl Future<Output = Result<Vec<Snapshot>>> + Send + 'static {
        let engine = self.engine.clone();
        async move {
            io::check_process()?;
            let asking = engine.clone();
            let removing = io::run(async move {
                let (snapshots, halves) = all(&asking).await?;
                let gone = remove_each(&asking, snapshots).await?;
                remove_halves(&asking, halves, Duration::ZERO).await;
                Ok::<_, ApiError>(gone)
            });
            removing.await.map_err(|error| {
                error
                    .while_trying("the snapshots could not be removed")
                    .fact("engine", engine.to_string())
            })
        }
    }
}

/// One snapshot of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    key: String,
    raw: Value,
    last_use: SystemTime,
}

impl Snapshot {
    /// What the engine calls it: `docker rmi` with it removes it, and the next warm start makes it anew.
    pub fn name(&self) -> String {
        name_of(&self.key)
    }

    /// The full id: `sha256:` and 64 digits.
    pub fn id(&self) -> String {
        Thing::Image.id_in(&self.raw)
    }

    /// The image that its container was made of, as its request has it.
    pub fn image(&self) -> &str {
        snapshot_in(&self.raw["Labels"]).map_or("", |(_, image)| image)
    }

    /// Its size in bytes, with the layers that it has in common with that image.
    pub fn size(&self) -> u64 {
        self.raw["Size"].as_u64().unwrap_or_default()
    }

    /// When it was made.
    pub fn created(&self) -> SystemTime {
        created(&self.raw)
    }

    /// When this user has started a container of it last, as far as that is known here; else when it was made.
    pub fn last_use(&self) -> SystemTime {
        self.last_use
    }
}

/// The name of the snapshot of a key.
pub(crate) fn name_of(key: &str) -> String {
    format!("{REPOSITORY}:{key}")
}

/// The id of an image that is here, if there may be snapshots of it: one that is a test run's own goes with that. On the I/O thread.
pub(crate) async fn base_id(engine: &Engine, image: &str) -> Result<Option<String>, ApiError> {
    let found = super::inspect::inspect(engine, image).await?;
    Ok((!is_of_a_run(&found["Config"]["Labels"])).then(|| Thing::Image.id_in(&found)))
}

/// Whether there is a snapshot of that key. An image that somebody else has given its name is none. On the I/O thread.
pub(crate) async fn has_snapshot(engine: &Engine, key: &str) -> Result<bool, ApiError> {
    match super::inspect::inspect(engine, &name_of(key)).await {
        Ok(image) => {
            let labels = &image["Config"]["Labels"];
            Ok(snapshot_in(labels).is_some_and(|(found, _)| found == key))
        }
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}

/// `POST /build` with this context: the classic builder of Docker, which every engine has an imitation of. The name is given last.
/// On the I/O thread.
pub(crate) async fn build(
    engine: &Engine,
    name: &str,
    context: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
) -> Result<(), ApiError> {
    let pairs = [("t", name), ("rm", "1"), ("forcerm", "1"), ("q", "1"), ("nocache", "1")];
    let header = Some(("Content-Type", "application/x-tar"));
    let body = bollard::body_try_stream(context);
    let path = format!("/build{}", query(&pairs));
    let mut told = Told::new(engine.client().upload(&path, header, body).await?);
    while told.next().await?.is_some() {}
    Ok(())
}

/// Removes what is old, what is too much, and halves of this key: whoever has its turn knows that nobody is at it. What a container
/// uses stays. On the I/O thread.
pub(crate) async fn prune_snapshots(
    engine: &Engine,
    limit: usize,
    own_key: &str,
) -> Result<(), ApiError> {
    let (snapshots, halves) = all(engine).await?;
    let now = SystemTime::now();
    let is_old = |one: &Snapshot| now.duration_since(one.last_use).is_ok_and(|age| age > OLD);
    let doomed = snapshots.into_iter().enumerate();
    let doomed =
        doomed.filter(|(place, one)| one.key != own_key && (*place >= limit || is_old(one)));
    let doomed: Vec<_> = doomed.map(|(_, one)| one).collect();
    remove_each(engine, doomed).await?;
    let (own, others) = halves
        .into_iter()
        .partition(|half| snapshot_in(&half["Labels"]).is_some_and(|(key, _)| key == own_key));
    remove_halves(engine, own, Duration::ZERO).await;
    remove_halves(engine, others, ABANDONED).await;
    Ok(())
}

/// All that there are, what was used last first, and beside them halves: images of a key that have not got its name.
async fn all(engine: &Engine) -> Result<(Vec<Snapshot>, Vec<Value>), ApiError> {
    let path = Thing::Image.listing(&json!({ "label": [of_snapshots()] }));
    let listed = crate::engine::podman::list(engine, &path).await?;
    let (mut snapshots, mut halves) = (Vec::new(), Vec::new());
    for raw in listed.as_array().into_iter().flatten() {
        let Some((key, _)) = snapshot_in(&raw["Labels"]) else { continue };
        if !names(&raw["RepoTags"]).contains(&name_of(key)) {
            halves.push(raw.clone());
            continue;
        }
        let last_use = SnapshotPlace::of(engine, key).last_use().unwrap_or_else(|| created(raw));
        snapshots.push(Snapshot { key: key.to_owned(), raw: raw.clone(), last_use });
    }
    snapshots.sort_by_key(|snapshot| std::cmp::Reverse(snapshot.last_use));
    Ok((snapshots, halves))
}

/// Without force: what a container uses stays. Gives those that are gone.
async fn remove_each(engine: &Engine, snapshots: Vec<Snapshot>) -> Result<Vec<Snapshot>, ApiError> {
    let mut gone = Vec::new();
    for snapshot in snapshots {
        match remove(engine, &snapshot.name(), &RemoveImage::new()).await {
            Ok(_) => gone.push(snapshot),
            Err(error) if error.is_not_found() => gone.push(snapshot),
            Err(error) if error.status() == Some(409) => continue,
            Err(error) => return Err(error),
        }
    }
    for snapshot in &gone {
        SnapshotPlace::of(engine, &snapshot.key).forget();
    }
    Ok(gone)
}

/// A snapshot whose name was taken away may be what another image is made of, or a container: those stay, and are tried again when
/// the next one is made.
async fn remove_halves(engine: &Engine, halves: Vec<Value>, age: Duration) {
    let now = SystemTime::now();
    let has_name = |half: &Value| !names(&half["RepoTags"]).is_empty();
    for half in halves.iter().filter(|half| !has_name(half)) {
        if now.duration_since(created(half)).is_ok_and(|found| found < age) {
            continue;
        }
        if let Err(error) = remove(engine, &Thing::Image.id_in(half), &RemoveImage::new()).await {
            tracing::debug!(%error, "what is left of a snapshot could not be removed");
        }
    }
}

fn created(raw: &Value) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(raw["Created"].as_u64().unwrap_or_default())
}
