//! What a reaper does: it removes what a lease has left, again and again until there is nothing, and sweeps each engine once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::cleanup::{self, Cleared, Orders, Reason};
use super::super::found::Found;
use super::super::shared::Record;
use super::entry::log;
use super::serve::{Left, Reaper, Thing};
use crate::engine::{ApiError, Engine};

/// How long something may come whose creation was asked for before the process died. An engine goes on with that alone; it may
/// be filling a volume.
const LATE_LIMIT: Duration = Duration::from_secs(30);

/// How long an engine that does not answer is tried: it is being restarted.
const DOWN_LIMIT: Duration = Duration::from_secs(120);

/// How long one round may take. An engine that was stopped for some seconds answers after it.
const ROUND_LIMIT: Duration = Duration::from_secs(60);

/// How often what cannot be removed is tried, a second between; each of these is several tries.
const TRIES: u32 = 10;

const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));

/// When the sweep begins: not while the first container of the session is being started, if that is quick.
const SWEEP_DELAY: Duration = Duration::from_millis(500);

/// Removes what a process has left on every engine.
pub(super) fn remove_left(reaper: &Arc<Reaper>, left: Left) {
    for (engine, mut things) in left.things {
        // It had no time to say that it has handed it over.
        things.retain(|instance, thing| {
            thing.shared.as_ref().is_none_or(|key| !reaper.shares(key, instance))
        });
        if !things.is_empty() || left.is_cut_off {
            let work = remove_from(reaper.clone(), engine, Some(left.owner.clone()), things);
            reaper.spawn(work);
        }
    }
}

/// Removes what the session has shared.
pub(super) fn remove_shared(reaper: &Arc<Reaper>, records: Vec<Record>) {
    let mut things: BTreeMap<String, BTreeMap<String, Thing>> = BTreeMap::new();
    for record in records.into_iter().filter(|record| !record.instance.is_empty()) {
        let thing = Thing { is_settled: true, shared: Some(String::new()) };
        things.entry(record.engine).or_default().insert(record.instance, thing);
    }
    for (engine, things) in things {
        reaper.spawn(remove_from(reaper.clone(), engine, None, things));
    }
}

/// Removes what a process has left on one engine, or what the session has shared there.
async fn remove_from(
    reaper: Arc<Reaper>,
    address: String,
    owner: Option<String>,
    mut things: BTreeMap<String, Thing>,
) {
    let begun = Instant::now();
    let (mut pause, last_pause) = PAUSES;
    let mut tries = 0;
    let mut down_since = None;
    loop {
        match round(&address, owner.as_deref(), reaper.session(), &things).await {
            Ok((engine, cleared)) => {
                down_since = None;
                note(&cleared);
                for item in &cleared.removed {
                    things.remove(item.instance());
                }
                if !cleared.failures.is_empty() {
                    tries += 1;
                    if tries == TRIES {
                        return tell_failures(&reaper, &engine, &cleared);
                    }
                    pause = last_pause;
                } else if cleared.removed.is_empty() {
                    let is_used = cleared.left.iter().any(|(_, why)| *why == Reason::Used);
                    let may_come = things.values().any(|thing| !thing.is_settled);
                    if !is_used && !may_come {
                        return;
                    }
                    let is_late = begun.elapsed() > LATE_LIMIT;
                    if is_used && (is_late || !may_come && reaper.linger(pause).await) {
                        return reaper.look_again_at(&address);
                    }
                    if is_late {
                        return;
                    }
                } else {
                    // Look again at once: more may have come meanwhile.
                    continue;
                }
            }
            Err(error) => {
                let since = *down_since.get_or_insert_with(|| {
                    log(&format!("{address}: {error}"));
                    Instant::now()
                });
                if since.elapsed() > DOWN_LIMIT {
                    // What nobody knows to be there is no news.
                    if things.values().any(|thing| thing.is_settled) {
                        reaper.tell(&format!(
                            "what a process of the session `{}` left on {address} could not be removed: {error}; another \
                             run's sweep removes it",
                            reaper.session(),
                        ));
                    }
                    return;
                }
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(last_pause);
    }
}

async fn round(
    address: &str,
    owner: Option<&str>,
    session: &str,
    things: &BTreeMap<String, Thing>,
) -> Result<(Engine, Cleared), String> {
    // Its label names another owner.
    let shared = things.iter().filter(|(_, thing)| thing.shared.is_some());
    let clearing = async {
        let engine =
            Engine::connect_to(address).await.map_err(|error| error.summary().to_owned())?;
        let mut cleared = Cleared::default();
        if let Some(owner) = owner {
            let own = cleanup::of_owner(&engine, owner, session).await;
            cleared.add(own.map_err(|error| error.to_string())?);
        }
        for (instance, _) in shared {
            let one = cleanup::of_instance(&engine, instance).await;
            cleared.add(one.map_err(|error| error.to_string())?);
        }
        Ok((engine, cleared))
    };
    match tokio::time::timeout(ROUND_LIMIT, clearing).await {
        Ok(outcome) => outcome,
        Err(_) => Err(ApiError::Late(ROUND_LIMIT).to_string()),
    }
}

/// Sweeps an engine that is new to this session.
pub(super) fn sweep_soon(reaper: &Arc<Reaper>, address: &str) {
    if !cleanup::is_unasked() || !reaper.is_first_on(address) {
        return;
    }
    let (reaper, address) = (reaper.clone(), address.to_owned());
    reaper.clone().spawn(async move {
        tokio::time::sleep(SWEEP_DELAY).await;
        sweep(&reaper, &address, Orders::default()).await;
    });
}

/// At the end of the session, what was still used when its owner ended: by containers of another process, which has ended now.
pub(super) async fn sweep_session(reaper: Arc<Reaper>, address: String) {
    let session = Some(reaper.session().to_owned());
    sweep(&reaper, &address, Orders { session, ..Orders::default() }).await;
}

async fn sweep(reaper: &Reaper, address: &str, orders: Orders) {
    let sweeping = async {
        let engine = Engine::connect_to(address).await.map_err(|error| error.to_string())?;
        let swept = cleanup::sweep(&engine, &orders).await.map_err(|error| error.to_string())?;
        note(&swept);
        tell_failures(reaper, &engine, &swept);
        Ok::<_, String>(())
    };
    if let Err(error) = sweeping.await {
        log(&format!("{address} could not be swept: {error}"));
    }
}

/// The sweep of a process that has no reaper.
pub(super) async fn sweep_quietly(engine: Engine) {
    if !cleanup::is_unasked() {
        return;
    }
    match cleanup::of_dead_owners(&engine).await {
        Ok(swept) => {
            for (item, error) in &swept.failures {
                tracing::warn!("{} was left and could not be removed: {error}", called(item));
            }
        }
        Err(error) => tracing::debug!(%engine, %error, "could not be swept"),
    }
}

fn note(cleared: &Cleared) {
    for item in &cleared.removed {
        log(&format!("removed {}", called(item)));
    }
}

fn tell_failures(reaper: &Reaper, engine: &Engine, cleared: &Cleared) {
    for (item, error) in &cleared.failures {
        reaper.tell(&format!(
            "{} was left on {engine} and could not be removed: {error}; `{} {} {}` removes it",
            called(item),
            engine.command(),
            item.thing.removing_words(),
            item.name,
        ));
    }
}

fn called(item: &Found) -> String {
    format!("the {} `{}`", item.thing.noun(), item.name)
}
