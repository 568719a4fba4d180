//! Warm starts: a container is made of the snapshot of its first start, which is made if there is none.
//!
//! ```text
//! id of the image ── is there the snapshot of its key? ─┬─> yes: start from it
//!                                                       └─> turn ── is there one now? ─┬─> yes: start from it
//!   (one at a time, of all processes of this user)                                     └─> cold start ── `snapshot` ── start from it
//! ```
//!
//! What cannot be made is told, and the start goes on without it; a snapshot is never the reason why a start fails that would not
//! fail without one.

use std::time::{Duration, Instant};

use futures::future::BoxFuture;

use super::clock::Phase;
use super::snapshot;
use super::start::Launch;
use crate::engine::{io, phase};
use crate::error::{Error, Kind, Result};
use crate::image::{base_id, has_snapshot, name_of, prune_snapshots};
use crate::request::{ContainerRequest, Hooks, PullPolicy};
use crate::session::{snapshot_limit, tell, SnapshotPlace, StartOutcome, Warmth};

/// How long somebody else may make it before that is told.
const PATIENCE: Duration = Duration::from_secs(20);

impl Launch {
    /// Decides what the container is made of, if the request is warm: of the snapshot, or of the image as ever. Once more when the
    /// snapshot that was found is gone.
    pub(super) fn warm_up(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let Some(asked) = self.warm.clone() else { return Ok(()) };
            let found = match snapshot_limit() {
                None => None,
                Some(limit) => self.find_or_make_snapshot(&asked, limit).await?,
            };
            self.go_cold();
            if found.is_some() {
                self.request = asked.thawed();
                self.snapshot = found;
            }
            self.restart_clock();
            Ok(())
        })
    }

    /// What the engine is told to make the container of.
    pub(super) fn made_of(&self) -> String {
        self.snapshot.clone().unwrap_or_else(|| self.checked.image.familiar())
    }

    /// The name of the snapshot; nothing if there is none and none can be made.
    async fn find_or_make_snapshot(
        &mut self,
        asked: &ContainerRequest,
        limit: usize,
    ) -> Result<Option<String>> {
        let Some(image) = self.base_id().await? else { return Ok(None) };
        let key = asked.snapshot_key(&image)?;
        let place = SnapshotPlace::of(&self.engine, &key);
        let finding = async {
            match self.is_there(&key).await? {
                true => Ok::<_, Error>(Warmth::Used),
                false => self.make_snapshot(asked, &key, &image, &place, limit).await,
            }
        };
        let span = tracing::info_span!("snapshot", key);
        let warmth = self.clock.phase(Phase::Snapshot, span, finding).await?;
        self.clock.warms(warmth);
        if warmth == Warmth::Failed {
            return Ok(None);
        }
        place.used();
        Ok(Some(name_of(&key)))
    }

    /// The id of the image as it is here, after it was pulled as the request says; nothing if it is no snapshot's to be of.
    async fn base_id(&mut self) -> Result<Option<String>> {
        if self.request.pull_policy() == PullPolicy::Always && !self.pulled {
            self.pull(Instant::now()).await?;
        }
        loop {
            let asked = Instant::now();
            let (engine, image) = (self.engine.clone(), self.checked.image.familiar());
            let look = io::run(async move { base_id(&engine, &image).await });
            match self.in_time(look).await? {
                Ok(id) => return Ok(id),
                Err(error) if error.is_not_found() => {
                    self.image_is_missing(&error.to_string(), asked).await?;
                }
                Err(error) => return Err(error.while_trying("the image could not be inspected")),
            }
        }
    }

    async fn is_there(&self, key: &str) -> Result<bool> {
        let (engine, key) = (self.engine.clone(), key.to_owned());
        let look = io::run(async move { has_snapshot(&engine, &key).await });
        let found = self.in_time(look).await?;
        found.map_err(|error| error.while_trying("the snapshot could not be inspected"))
    }

    async fn make_snapshot(
        &self,
        asked: &ContainerRequest,
        key: &str,
        image: &str,
        place: &SnapshotPlace,
        limit: usize,
    ) -> Result<Warmth> {
        if place.has_failed() {
            return Ok(Warmth::Failed);
        }
        let mut turn = Box::pin(place.turn());
        let turn = match io::timeout(PATIENCE, &mut turn).await {
            Some(turn) => turn,
            None => {
                tell_of_wait(asked.image());
                turn.await
            }
        };
        let _turn = match turn {
            Ok(turn) => turn,
            Err(because) => {
                tell_of_failure(asked.image(), &because);
                return Ok(Warmth::Failed);
            }
        };
        // The time that a start may take does not run while it is somebody else's.
        let (engine, looked) = (self.engine.clone(), key.to_owned());
        let found = io::run(async move { has_snapshot(&engine, &looked).await }).await;
        if found.map_err(|error| error.while_trying("the snapshot could not be inspected"))? {
            return Ok(Warmth::Used);
        }
        if place.has_failed() {
            return Ok(Warmth::Failed);
        }
        let hooks = Hooks {
            waits: self.waits.clone(),
            consumers: Vec::new(),
            purpose: self.purpose.clone(),
        };
        let mut maker =
            Launch::prepare(asked.to_be_snapshot(), Some(self.engine.clone()), hooks).await?;
        maker.pulled = self.pulled;
        let outcome = maker.run().await;
        maker.clock.ended(outcome.as_ref().map(|_| StartOutcome::Ready));
        let container = match outcome {
            Ok(container) => container,
            Err(error) => {
                // Those who wait start it themselves, side by side, and see for themselves.
                place.note(true);
                return Err(error);
            }
        };
        let span = tracing::info_span!("take");
        let taken = phase(span, snapshot::take(&container, key, image)).await;
        // What it holds, a fixed name or a host port, is for the one that is asked for.
        if let Err(error) = container.remove().await {
            tracing::warn!(%error, "the container of which a snapshot was made is still there");
        }
        place.note(taken.is_err());
        match taken {
            Ok(()) => {
                place.used();
                let (engine, key) = (self.engine.clone(), key.to_owned());
                let pruning = io::run(async move { prune_snapshots(&engine, limit, &key).await });
                if let Err(error) = pruning.await {
                    tracing::warn!(%error, "old snapshots could not be removed");
                }
                Ok(Warmth::Made)
            }
            Err(because) => {
                tell_of_failure(asked.image(), &because);
                let (engine, key) = (self.engine.clone(), key.to_owned());
                // Also what is half made of this one.
                drop(io::run(async move { prune_snapshots(&engine, limit, &key).await }).await);
                Ok(Warmth::Failed)
            }
        }
    }

    /// Whether the request and its hooks can be started warm.
    pub(super) fn check_warm(&self) -> Result<()> {
        let Some(asked) = &self.warm else { return Ok(()) };
        if self.waits.is_empty() || asked.has_warm_key() {
            return Ok(());
        }
        let what = "a warm request that is started with waits of one's own needs a key";
        Err(Error::new(Kind::InvalidRequest, what)
            .fact("because", "what they do to the container is not in the request")
            .hint("name it, and name it otherwise when it changes: `.warm_key(\"with users\")`"))
    }

    /// From the image as ever, whatever there is.
    pub(super) fn go_cold(&mut self) {
        if let Some(asked) = &self.warm {
            self.request = asked.cold();
            self.snapshot = None;
        }
    }
}

fn tell_of_wait(image: &str) {
    tell(&format!(
        "waiting for the snapshot of `{image}`, which another test has been making for {PATIENCE:?}; it may be one whose future \
         nobody polls any more, or whose process is stopped"
    ));
}

fn tell_of_failure(image: &str, because: &str) {
    tell(&format!("no snapshot of `{image}` could be made, it is started cold: {because}"));
}
