//! The guard of one thing that is made: made before the thing is, so that a lost reply, a failed copy, a failed start, a
//! cancelled future or a time-out removes it all the same.
//!
//! A volume or an image that is still used when its guard is dropped goes when the container that uses it does, or at the
//! end of the process.

use std::future::Future;
use std::io::Write;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use futures::future::{self, BoxFuture, FutureExt};
use hyper::Method;
use serde_json::Value;
use tokio::sync::Mutex as AsyncMutex;

use super::exit::{self, at_exit, Exit};
use super::keep::{hold, keeping, mark, Keeping, Kept, Outcome};
use super::labels::{instance as new_instance, INSTANCE};
use super::reaper;
use crate::engine::{io, phase, remove_image, ApiError, Engine, Thing};
use crate::report::Subject;

/// The most time for a removal, with its retries.
const REMOVE_LIMIT: Duration = Duration::from_secs(30);

/// How long a dropped handle waits for that.
const DROP_LIMIT: Duration = Duration::from_secs(32);

/// How long a handle that is dropped in a panic takes to have its thing kept.
const KEEP_LIMIT: Duration = Duration::from_secs(10);

/// How long removal waits for a create or start that is under way, so that it does not come too early.
const SETTLE_LIMIT: Duration = Duration::from_secs(15);

/// At the end of the process, the pauses before what is still used is tried again.
const USED_PAUSES: [Duration; 3] =
    [Duration::from_millis(50), Duration::from_millis(200), Duration::from_millis(800)];

/// What could not be removed when its guard was dropped because a container used it; tried again when one is gone.
static USED: Mutex<Vec<Arc<Inner>>> = Mutex::new(Vec::new());

/// What is kept to the end of the process, whatever becomes of the handle.
static HELD: Mutex<Vec<Arc<Inner>>> = Mutex::new(Vec::new());

/// How many containers and images have been removed, each counted before the list above is looked at.
static REMOVALS: AtomicU64 = AtomicU64::new(0);

/// Removes its thing when it is dropped, unless it was released.
#[derive(Debug)]
pub(crate) struct Guard(Arc<Inner>, Part);

/// Whose the thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Owner,
    /// Another guard removes it; what is done with this one only gives it back.
    Borrower,
    /// All of the test run share it, and its reaper removes it.
    Sharer,
}

#[derive(Debug)]
struct Inner {
    engine: Engine,
    thing: Thing,
    instance: String,
    /// By what the reaper knows it as a test's: the instance, or what is this handle's alone if others have the thing too.
    ticket: String,
    /// What a user calls it; may change.
    name: Mutex<String>,
    /// Whether a removal has begun, or will never be needed: nothing may be made any more.
    ended: AtomicBool,
    made: Mutex<Made>,
    /// What has become of the test that it was made for, when that is known.
    judged: OnceLock<Outcome>,
    /// Held by each call that must have ended before a removal makes sense.
    under_way: Arc<AsyncMutex<()>>,
    /// The key, of what all of the test run will share.
    shared: OnceLock<String>,
}

/// What is known of the thing.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Made {
    /// There is none: not asked for, refused, or removed.
    Nothing,
    /// It was asked for, and no answer was seen.
    Perhaps,
    Id(String),
    /// It is left running on purpose.
    Released,
    /// It is left until the process ends.
    Held(String),
    /// It could not be removed, and that was said.
    GivenUp,
}

impl Guard {
    /// A guard for the thing that will have the label `org.longshore.instance` with the value `instance`.
    pub(crate) fn new(engine: Engine, thing: Thing, instance: String, name: String) -> Self {
        let inner = Arc::new(Inner::new(engine, thing, instance, name));
        let weak = Arc::downgrade(&inner);
        if !at_exit(weak) {
            // The process is ending: nothing is made any more.
            inner.ended.store(true, Ordering::SeqCst);
        }
        Guard(inner, Part::Owner)
    }

    /// A guard for a container that all of the test run share: it gives it back and does not remove it.
    pub(super) fn of_shared(engine: Engine, instance: String, id: &str, name: &str) -> Self {
        let mut inner = Inner::new(engine, Thing::Container, instance, name.to_owned());
        inner.ticket = new_instance();
        inner.set(Made::Id(id.to_owned()));
        let inner = Arc::new(inner);
        let weak = Arc::downgrade(&inner);
        if !at_exit(weak) {
            inner.ended.store(true, Ordering::SeqCst);
        }
        Guard(inner, Part::Sharer)
    }

    /// Says, before it is made, that all of the test run will share it by this key.
    pub(super) fn share(&self, key: &str) {
        // There is only one key for it.
        let _ = self.0.shared.set(key.to_owned());
    }

    /// It is everybody's now, and the reaper removes it.
    pub(super) async fn hand_over(&self) {
        let inner = self.0.clone();
        let handing = io::spawn(async move {
            if let (Made::Id(id), Keeping::Always) = (inner.made(), keeping()) {
                inner.kept(id).tell();
            }
            inner.set(Made::Released);
            reaper::gone(&inner.instance).await;
        });
        handing.await;
    }

    /// It is part of something that outlives this process on purpose, and nobody's to remove.
    pub(crate) async fn release(&self) {
        let inner = self.0.clone();
        let releasing = io::spawn(async move {
            inner.set(Made::Released);
            reaper::gone(&inner.instance).await;
        });
        releasing.await;
    }

    /// Does `work`, in which more may be made that has this process's labels, by whatever name: the steps of a build. Should the process
    /// die in it, an engine goes on with the step that it is at, so the reaper looks again for what comes late.
    pub(crate) async fn while_more_comes<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> T {
        let (engine, stands_for_all) = (self.0.engine.clone(), new_instance());
        io::run(async move {
            reaper::announce(&engine, &stands_for_all, None).await;
            let done = work.await;
            reaper::gone(&stands_for_all).await;
            done
        })
        .await
    }

    /// The call that makes the thing: gives its id. Goes on when the caller is gone, and is then removed.
    pub(crate) fn create(
        &self,
        path: String,
        body: Value,
    ) -> impl Future<Output = Result<String, ApiError>> + Send + 'static {
        let inner = self.0.clone();
        self.undisturbed(async move {
            if inner.ended.load(Ordering::SeqCst) {
                return Err(ApiError::Broken {
                    message: "the process is ending".into(),
                    connected: false,
                });
            }
            inner.set(Made::Perhaps);
            let shared = inner.shared.get().map(String::as_str);
            reaper::announce(&inner.engine, &inner.instance, shared).await;
            let answer = inner.engine.client().json(Method::POST, &path, Some(&body)).await;
            match &answer {
                Ok(answer) if inner.is_somebodys(answer) => {
                    inner.set(Made::Nothing);
                    reaper::gone(&inner.instance).await;
                    let message =
                        format!("the name {} is already in use by another volume", inner.name());
                    Err(ApiError::Refused { status: 409, message })
                }
                Ok(answer) => {
                    let id = inner.thing.id_in(answer);
                    inner.set(Made::Id(id.clone()));
                    reaper::settled(&inner.instance).await;
                    if inner.ended.load(Ordering::SeqCst) {
                        // So late that the removal has not waited for it.
                        drop(inner.remove_now().await);
                    }
                    Ok(id)
                }
                Err(error) => {
                    // An engine makes an image first and tags it then: one that could not be tagged is there.
                    let half_done = inner.thing == Thing::Image && error.status() >= Some(500);
                    if !error.is_uncertain() && !half_done {
                        inner.set(Made::Nothing);
                        reaper::gone(&inner.instance).await;
                    }
                    Err(error.clone())
                }
            }
        })
    }

    /// Runs a call that must not be cut off, neither by its caller's end nor by a removal, such as a start.
    pub(crate) fn undisturbed<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> impl Future<Output = T> + Send + 'static {
        let under_way = self.0.under_way.clone();
        async move {
            let under_way = under_way.lock_owned().await;
            let task = io::spawn(async move {
                let _under_way = under_way;
                work.await
            });
            task.await
        }
    }

    /// Makes this one a borrower, and gives the owner: from now on it is that which removes the thing.
    pub(crate) fn lend(&mut self) -> Guard {
        Guard(self.0.clone(), std::mem::replace(&mut self.1, Part::Borrower))
    }

    /// It is a test's: who is left when this process is killed can tell this of it then.
    pub(crate) fn begin_test(&self, subject: Subject) -> impl Future<Output = ()> + Send + 'static {
        let inner = self.0.clone();
        io::spawn(async move {
            // Once the process ends on purpose there is nothing to tell. What comes to the lease first is said first.
            if !inner.ended.load(Ordering::SeqCst) {
                reaper::fixture(&inner.engine, &inner.ticket, subject).await;
            }
        })
    }

    /// That test has ended so, and all is told of it. A drop goes by this then, and not by whether there is a panic.
    pub(crate) fn judge(&self, outcome: Outcome) {
        if self.0.judged.set(outcome).is_ok() && io::check_process().is_ok() {
            let inner = self.0.clone();
            drop(io::spawn(async move { reaper::judged(&inner.ticket).await }));
        }
    }

    /// Drops many, side by side.
    pub(crate) fn drop_all(guards: Vec<Guard>) {
        let removals: Vec<_> = guards.iter().filter_map(Guard::begin_drop).collect();
        io::wait_for(DROP_LIMIT, future::join_all(removals));
        // What has been removed is done with; for another one its drop waits on, and tells.
        drop(guards);
    }

    /// The same without blocking the thread meanwhile.
    pub(crate) async fn drop_all_async(guards: Vec<Guard>) {
        let removals: Vec<_> = guards.iter().filter_map(Guard::begin_drop).collect();
        io::timeout(DROP_LIMIT, future::join_all(removals)).await;
        drop(guards);
    }

    /// Whether there is nothing to remove (any more).
    pub(crate) fn is_done_with(&self) -> bool {
        self.1 != Part::Owner || self.0.is_done_with()
    }

    /// The thing has another name now, for a report of its removal.
    pub(crate) fn renamed(&self, name: &str) {
        name.clone_into(&mut self.0.name.lock().expect("nothing in the lock can panic"));
    }

    /// Leaves the thing where it is, on purpose, and sees to it that nobody else removes it.
    pub(crate) fn keep(&self) -> impl Future<Output = Result<Kept, ApiError>> + Send + 'static {
        let (inner, part) = (self.0.clone(), self.1);
        io::run(async move {
            let kept = inner.clone().keep().await?;
            if part == Part::Sharer {
                // Where there is no reaper its owner is in this process.
                exit::keep(&inner.instance);
            }
            Ok(kept)
        })
    }

    /// Whether the thing would stay if this were dropped now.
    pub(crate) fn stays(&self) -> bool {
        self.0.stays()
    }

    /// Removes the thing and says how that went. What could not be removed is not tried again by `drop`, except what a
    /// container uses.
    pub(crate) fn remove(&self) -> impl Future<Output = Result<(), ApiError>> + Send + 'static {
        let (inner, part) = (self.0.clone(), self.1);
        io::spawn(async move {
            match part {
                Part::Owner => inner.remove().await,
                Part::Borrower | Part::Sharer => Ok(()),
            }
        })
    }

    /// Begins what a drop does; `None` when there is nothing to wait for.
    fn begin_drop(&self) -> Option<impl Future<Output = ()> + Send + 'static> {
        match self.1 {
            Part::Borrower => return None,
            Part::Sharer => {
                // With `always` its label keeps it, and that was told when it was made.
                if self.0.stays() && keeping() != Keeping::Always {
                    self.0.clone().stay();
                }
                return None;
            }
            Part::Owner => {}
        }
        // A call that makes the thing may be about to begin on another thread: it would be too late for it.
        self.0.ended.store(true, Ordering::SeqCst);
        if self.0.is_done_with() && self.0.under_way.try_lock().is_ok()
            || io::check_process().is_err()
        {
            return None;
        }
        if self.0.stays() {
            self.0.clone().stay();
            return None;
        }
        let inner = self.0.clone();
        Some(io::spawn(async move {
            if let Err(error) = inner.clone().remove_when_unused().await {
                inner.report(&format!("could not be removed: {error}"));
            }
        }))
    }
}

impl Inner {
    fn new(engine: Engine, thing: Thing, instance: String, name: String) -> Self {
        Inner {
            engine,
            thing,
            ticket: instance.clone(),
            instance,
            name: Mutex::new(name),
            ended: AtomicBool::new(false),
            made: Mutex::new(Made::Nothing),
            judged: OnceLock::new(),
            under_way: Arc::new(AsyncMutex::new(())),
            shared: OnceLock::new(),
        }
    }

    /// Whether it is one of many that use the thing.
    fn is_sharer(&self) -> bool {
        self.ticket != self.instance
    }

    fn set(&self, made: Made) {
        *self.made.lock().expect("nothing in the lock can panic") = made;
    }

    fn name(&self) -> String {
        self.name.lock().expect("nothing in the lock can panic").clone()
    }

    fn made(&self) -> Made {
        self.made.lock().expect("nothing in the lock can panic").clone()
    }

    async fn keep(self: Arc<Self>) -> Result<Kept, ApiError> {
        let (Made::Id(id) | Made::Held(id)) = self.made() else {
            return Ok(self.kept(String::new()));
        };
        if keeping() == Keeping::Never {
            let with = match self.thing {
                Thing::Container => hold(&self.engine, &id).await?,
                _ => Vec::new(),
            };
            self.clone().hold();
            return Ok(self.kept(id).with(with).only_to_the_end());
        }
        let with = mark(&self.engine, self.thing, &id, &self.instance).await?;
        self.set(Made::Released);
        reaper::gone(&self.instance).await;
        Ok(self.kept(id).with(with))
    }

    fn hold(self: Arc<Self>) {
        if let Made::Id(id) = self.made() {
            self.set(Made::Held(id));
            HELD.lock().unwrap_or_else(PoisonError::into_inner).push(self);
        }
    }

    fn kept(&self, id: String) -> Kept {
        Kept::new(&self.engine, self.thing, id, self.name())
    }

    fn stays(&self) -> bool {
        matches!(self.made(), Made::Id(_))
            && keeping().keeps_what_is_dropped(self.judged.get().copied())
    }

    /// Leaves what would stay, and says so. The label that it has keeps others away; in a panic it is also marked, since not
    /// everything with that label is to stay.
    fn stay(self: Arc<Self>) {
        let Made::Id(id) = self.made() else { return };
        let mut kept = self.kept(id);
        if keeping() == Keeping::Failed {
            let keep = io::wait_for(KEEP_LIMIT, self.clone().keep());
            if let Some(Ok(marked)) = keep {
                kept = marked;
            }
        }
        self.set(Made::Released);
        // With `always` much is left, and a container's networks and volumes are told of by the sweep.
        if self.thing == Thing::Container || keeping() == Keeping::Failed {
            kept.tell();
        }
    }

    /// An engine that is asked for a volume which exists gives that one.
    fn is_somebodys(&self, answer: &Value) -> bool {
        self.thing == Thing::Volume && answer["Labels"][INSTANCE] != self.instance.as_str()
    }

    async fn remove(&self) -> Result<(), ApiError> {
        let made = self.made();
        let removal = async {
            let _settled = tokio::time::timeout(SETTLE_LIMIT, self.under_way.lock()).await;
            self.ended.store(true, Ordering::SeqCst);
            self.remove_now().await
        };
        let span = match self.thing {
            Thing::Container => tracing::info_span!("remove", container = self.name()),
            thing => tracing::info_span!("remove", thing = thing.noun(), name = self.name()),
        };
        let outcome = match tokio::time::timeout(REMOVE_LIMIT, phase(span, removal)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(ApiError::Late(REMOVE_LIMIT)),
        };
        if let Err(error) = &outcome {
            self.set(if self.is_used(error) { made } else { Made::GivenUp });
        }
        outcome
    }

    /// Whether it was not removed because a container uses it.
    fn is_used(&self, error: &ApiError) -> bool {
        self.thing.may_be_used() && error.status() == Some(409)
    }

    /// As [`Inner::remove`], without an error for what a container still uses: that goes with the container.
    fn remove_when_unused(self: Arc<Self>) -> BoxFuture<'static, Result<(), ApiError>> {
        async move {
            let removals = REMOVALS.load(Ordering::SeqCst);
            match self.remove().await {
                Err(error) if self.is_used(&error) => {
                    used().push(self.clone());
                    // The container may have gone when this was not in the list yet.
                    if REMOVALS.load(Ordering::SeqCst) != removals {
                        remove_what_it_used().await;
                    }
                    Ok(())
                }
                outcome => outcome,
            }
        }
        .boxed()
    }

    async fn remove_now(&self) -> Result<(), ApiError> {
        let ids = match self.made() {
            Made::Nothing | Made::Released | Made::GivenUp => return Ok(()),
            Made::Id(id) | Made::Held(id) => vec![id],
            Made::Perhaps => self.find().await?,
        };
        let was_there = !ids.is_empty();
        for id in ids {
            match self.thing {
                Thing::Image => remove_image(&self.engine, &id, &self.name()).await?,
                thing => thing.remove(&self.engine, &id).await?,
            }
        }
        self.set(Made::Nothing);
        if was_there {
            // What was not found may still come: the reaper looks once more at the end of the process.
            reaper::gone(&self.instance).await;
        }
        // A container uses volumes and an image, and an image the one that it is made of.
        if matches!(self.thing, Thing::Container | Thing::Image) {
            REMOVALS.fetch_add(1, Ordering::SeqCst);
            remove_what_it_used().await;
        }
        Ok(())
    }

    /// Nobody gets an error from a dropped handle, so it goes to the process's own standard error, which libtest does not
    /// capture.
    fn report(&self, what: &str) {
        let (noun, name) = (self.thing.noun(), self.name());
        tracing::error!(name, "the {noun} {what}");
        let (command, words) = (self.engine.command(), self.thing.removing_words());
        let line = format!(
            "longshore: the {noun} `{name}` {what}; `{command} {words} {name}` removes it\n"
        );
        let _ = std::io::stderr().write_all(line.as_bytes());
    }

    fn is_done_with(&self) -> bool {
        matches!(self.made(), Made::Nothing | Made::Released | Made::Held(_) | Made::GivenUp)
    }

    /// What a create call whose answer was never seen has made, by its label: a fixed name may be somebody else's. The
    /// engine may still be at it, so it is asked a few times.
    async fn find(&self) -> Result<Vec<String>, ApiError> {
        for pause in [100, 400, 1000] {
            let found = self.find_now().await?;
            if !found.is_empty() {
                return Ok(found);
            }
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        self.find_now().await
    }

    async fn find_now(&self) -> Result<Vec<String>, ApiError> {
        self.thing.labelled(&self.engine, &format!("{INSTANCE}={}", self.instance)).await
    }
}

fn used() -> MutexGuard<'static, Vec<Arc<Inner>>> {
    USED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tries the volumes and images again whose guards were dropped while a container used them.
async fn remove_what_it_used() {
    let waiting = std::mem::take(&mut *used());
    for inner in waiting {
        if let Err(error) = inner.clone().remove_when_unused().await {
            inner.report(&format!("could not be removed: {error}"));
        }
    }
}

impl Exit for Inner {
    fn is_used_by_others(&self) -> bool {
        self.thing != Thing::Container
    }

    fn keep_if(self: Arc<Self>, instance: &str) {
        if self.instance != instance || self.is_sharer() {
            return;
        }
        match keeping() {
            Keeping::Never => self.hold(),
            _ => self.set(Made::Released),
        }
    }

    fn remove_at_exit(self: Arc<Self>) -> BoxFuture<'static, ()> {
        async move {
            // Whoever ends the process so does it on purpose: that is nothing to tell of its tests.
            self.ended.store(true, Ordering::SeqCst);
            reaper::judged(&self.ticket).await;
            if self.is_sharer() {
                return;
            }
            if self.stays() {
                return self.stay();
            }
            for pause in USED_PAUSES {
                match self.remove().await {
                    // All images go at the same time, also one that another is made of.
                    Err(error) if self.is_used(&error) => tokio::time::sleep(pause).await,
                    Err(error) => return self.report(&format!("could not be removed: {error}")),
                    Ok(()) => return,
                }
            }
            if let Err(error) = self.remove().await {
                self.report(&format!("could not be removed: {error}"));
            }
        }
        .boxed()
    }
}

impl Drop for Guard {
    /// Returns when the thing is gone, or after half a minute; never panics.
    fn drop(&mut self) {
        let Some(removal) = self.begin_drop() else { return };
        let gone = io::wait_for(DROP_LIMIT, removal);
        if gone.is_none() && !io::is_io_thread() {
            self.0.report(&format!("was not removed in {DROP_LIMIT:?}"));
        }
    }
}
