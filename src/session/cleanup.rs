//! Removes what owners have left, in the order in which it can go: containers side by side, then networks and volumes, then
//! images.
//!
//! What is kept on purpose stays, and so does what somebody else uses. A failure with one thing does not keep the others.
//! Several processes may clean up after the same owner at the same time.

use std::collections::HashSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::stream::{self, StreamExt};
use hyper::Method;

use super::found::{users, Found, Inventory, KeptThings};
use super::labels::{INSTANCE, OWNER, SESSION};
use super::owner::{Owners, Verdict};
use super::reaper::is_served;
use super::turn::turn_over_volume;
use crate::engine::{remove_image, segment, ApiError, Engine, Thing};

/// How many things are removed at the same time.
const SIDE_BY_SIDE: usize = 16;

/// The pauses before a volume is tried again that is used by nobody any more: engines forget the container first.
const USED_PAUSES: [Duration; 4] = [
    Duration::from_millis(20),
    Duration::from_millis(50),
    Duration::from_millis(150),
    Duration::from_millis(400),
];

/// What is to go.
#[derive(Debug, Clone, Default)]
pub(crate) struct Orders {
    /// Of this test run only.
    pub(crate) session: Option<String>,
    /// Also of owners of whom nothing is known, if it was made before this.
    pub(crate) unknown_before: Option<SystemTime>,
    /// Also what is kept on purpose.
    pub(crate) kept: bool,
    /// Nothing: it is only told what would.
    pub(crate) dry_run: bool,
}

/// What became of everything.
#[derive(Debug, Default)]
pub(crate) struct Cleared {
    /// What is gone, or would be.
    pub(crate) removed: Vec<Found>,
    pub(crate) left: Vec<(Found, Reason)>,
    pub(crate) failures: Vec<(Found, ApiError)>,
}

impl Cleared {
    /// What became of more.
    #[cfg_attr(not(unix), allow(dead_code, reason = "only a reaper asks"))]
    pub(super) fn add(&mut self, more: Cleared) {
        self.removed.extend(more.removed);
        self.left.extend(more.left);
        self.failures.extend(more.failures);
    }
}

/// Why something was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    LivingOwner,
    UnknownOwner,
    Kept,
    /// A container that stays uses it, or an image is made of it.
    Used,
}

/// Removes what the owner has left whose label this is. Whether it has ended is for the caller to know. On the I/O thread.
#[cfg_attr(not(unix), allow(dead_code, reason = "only a reaper asks"))]
pub(crate) async fn of_owner(
    engine: &Engine,
    owner_label: &str,
    session: &str,
) -> Result<Cleared, ApiError> {
    let inventory = Inventory::of(engine, &format!("{OWNER}={owner_label}")).await?;
    let mut cleared = Cleared::default();
    let kept = KeptThings::of(&inventory.marks);
    let mut doomed = Vec::new();
    // Where the system tells nothing of processes, owners of several machines may have one label.
    for found in inventory.things.into_iter().filter(|found| found.session() == session) {
        match kept.has(&found.labels) {
            true => cleared.left.push((found, Reason::Kept)),
            false => doomed.push(found),
        }
    }
    remove_all(engine, doomed, &mut cleared).await;
    Ok(cleared)
}

/// Removes the one thing that has this instance, unless it is kept. On the I/O thread.
pub(crate) async fn of_instance(engine: &Engine, instance: &str) -> Result<Cleared, ApiError> {
    let inventory = Inventory::of(engine, &format!("{INSTANCE}={instance}")).await?;
    let kept = KeptThings::of(&inventory.marks);
    let mut cleared = Cleared::default();
    let is_kept = |found: &Found| kept.has(&found.labels);
    let (left, doomed): (Vec<_>, Vec<_>) = inventory.things.into_iter().partition(is_kept);
    cleared.left.extend(left.into_iter().map(|found| (found, Reason::Kept)));
    remove_all(engine, doomed, &mut cleared).await;
    Ok(cleared)
}

/// Whether a new test run sweeps without being asked: unless `LONGSHORE_SWEEP` is `off`.
pub(super) fn is_unasked() -> bool {
    std::env::var_os("LONGSHORE_SWEEP").is_none_or(|word| word != "off")
}

/// Removes what owners have left that are provably dead. On the I/O thread.
pub(crate) async fn of_dead_owners(engine: &Engine) -> Result<Cleared, ApiError> {
    sweep(engine, &Orders::default()).await
}

/// Removes what dead owners have left, and what else is said. On the I/O thread.
pub(crate) async fn sweep(engine: &Engine, orders: &Orders) -> Result<Cleared, ApiError> {
    let inventory = Inventory::of(engine, SESSION).await?;
    let there: HashSet<_> =
        inventory.things.iter().map(|found| found.instance().to_owned()).collect();
    let is_over = |mark: &Found| {
        let needed = [mark.marked(), mark.marked_by()];
        needed.into_iter().flatten().any(|instance| !there.contains(instance))
    };
    let (over, marks): (Vec<_>, Vec<_>) = inventory.marks.into_iter().partition(is_over);
    let kept = KeptThings::of(&marks);
    let mut owners = Owners::of(engine);
    let mut cleared = Cleared::default();
    let mut doomed = Vec::new();
    let is_meant = |found: &Found| match &orders.session {
        Some(session) => found.session() == session,
        None => true,
    };
    for found in inventory.things.into_iter().filter(|found| is_meant(found)) {
        let verdict = owners.verdict(&found.labels).await;
        let reason = match verdict {
            Verdict::Living => Some(Reason::LivingOwner),
            // Its owner may have been a reaper that was killed, or one of several runners.
            _ if found.is_shared() && orders.session.is_none() && is_served(found.session()) => {
                Some(Reason::LivingOwner)
            }
            Verdict::Unknown if !is_old(&found, orders) => Some(Reason::UnknownOwner),
            Verdict::Dead | Verdict::Unknown => {
                (!orders.kept && kept.has(&found.labels)).then_some(Reason::Kept)
            }
        };
        match reason {
            Some(reason) => cleared.left.push((found, reason)),
            None => doomed.push(found),
        }
    }
    if orders.dry_run {
        cleared.removed = doomed;
        return Ok(cleared);
    }
    remove_all(engine, doomed, &mut cleared).await;
    let gone: HashSet<_> =
        cleared.removed.iter().map(|found| found.instance().to_owned()).collect();
    let is_gone = |mark: &Found| mark.marked().is_some_and(|instance| gone.contains(instance));
    let over = over.into_iter().chain(marks.into_iter().filter(is_gone));
    for mark in over.filter(|mark| is_meant(mark)) {
        if let Err(error) = Thing::Volume.remove(engine, &mark.id).await {
            cleared.failures.push((mark, error));
        }
    }
    Ok(cleared)
}

fn is_old(found: &Found, orders: &Orders) -> bool {
    let created = found.created().map(|seconds| UNIX_EPOCH + Duration::from_secs(seconds));
    matches!((created, orders.unknown_before), (Some(created), Some(before)) if created < before)
}

/// What a removal came to.
enum Outcome {
    Gone,
    Left(Reason),
}

async fn remove_all(engine: &Engine, doomed: Vec<Found>, cleared: &mut Cleared) {
    let of_kind = |thing: Thing| doomed.iter().filter(move |found| found.thing == thing).cloned();
    remove_each(engine, of_kind(Thing::Container).collect(), cleared).await;
    let used = of_kind(Thing::Network).chain(of_kind(Thing::Volume)).collect();
    remove_each(engine, used, cleared).await;
    // Children before parents: nobody tells which is which, so as many rounds as there are generations.
    let mut images: Vec<_> = of_kind(Thing::Image).collect();
    loop {
        let before = cleared.left.len();
        let count = images.len();
        remove_each(engine, images, cleared).await;
        images = cleared.left.split_off(before).into_iter().map(|(image, _)| image).collect();
        if images.is_empty() || images.len() == count {
            break;
        }
    }
    cleared.left.extend(images.into_iter().map(|image| (image, Reason::Used)));
}

async fn remove_each(engine: &Engine, things: Vec<Found>, cleared: &mut Cleared) {
    let removals = things.into_iter().map(|found| async move {
        let outcome = remove(engine, &found).await;
        (found, outcome)
    });
    let mut outcomes = stream::iter(removals).buffer_unordered(SIDE_BY_SIDE);
    while let Some((found, outcome)) = outcomes.next().await {
        match outcome {
            Ok(Outcome::Gone) => cleared.removed.push(found),
            Ok(Outcome::Left(reason)) => cleared.left.push((found, reason)),
            Err(error) => cleared.failures.push((found, error)),
        }
    }
}

async fn remove(engine: &Engine, found: &Found) -> Result<Outcome, ApiError> {
    match found.thing {
        Thing::Container => found.thing.remove(engine, &found.id).await?,
        // Whatever is on it would be disconnected; what was to go is gone by now.
        Thing::Network if !users(engine, found).await?.is_empty() => {
            return Ok(Outcome::Left(Reason::Used));
        }
        Thing::Network => found.thing.remove(engine, &found.id).await?,
        Thing::Volume => return remove_volume(engine, found).await,
        Thing::Image => match remove_image(engine, &found.id, found.tag()).await {
            Err(error) if error.status() == Some(409) => return Ok(Outcome::Left(Reason::Used)),
            outcome => outcome?,
        },
    }
    Ok(Outcome::Gone)
}

async fn remove_volume(engine: &Engine, volume: &Found) -> Result<Outcome, ApiError> {
    // By a name that its owner chose, somebody else may have taken it away and made another one since it was listed.
    let _turn = turn_over_volume(engine, &volume.id).await;
    let path = format!("/volumes/{}", segment(&volume.id));
    match engine.client().json(Method::GET, &path, None).await {
        Ok(now) if now["Labels"][INSTANCE] == volume.instance() => {}
        Ok(_) => return Ok(Outcome::Gone),
        Err(error) if error.is_not_found() => return Ok(Outcome::Gone),
        Err(error) => return Err(error),
    }
    let mut pauses = USED_PAUSES.iter();
    loop {
        match Thing::Volume.remove(engine, &volume.id).await {
            Err(error) if error.status() == Some(409) => {}
            outcome => return outcome.map(|()| Outcome::Gone),
        }
        let is_used = !users(engine, volume).await?.is_empty();
        match pauses.next() {
            Some(pause) if !is_used => tokio::time::sleep(*pause).await,
            _ => return Ok(Outcome::Left(Reason::Used)),
        }
    }
}
