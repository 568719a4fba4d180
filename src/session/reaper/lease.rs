//! The test process's side: one connection for its whole life, which says what is being made. Its end, by whatever cause, is
//! the reaper's beginning.
//!
//! Never the reason why something fails: without a reaper there is one warning, and removal on drop and the sweep go on.
//! Everything here runs on the I/O thread.

use std::collections::BTreeMap;
use std::env;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::UnixStream;
use tokio::sync::{watch, Mutex};

use super::super::identity::Session;
use super::super::process::Process;
use super::super::startup::{Millis, Start};
use super::super::tell::tell;
use super::folder::Folder;
use super::protocol::{Credentials, FromReaper, ToReaper, LINE_LIMIT, VERSION};
use super::shelf::Shelf;
use super::{chores, spawn, system};
use crate::engine::{io, Engine};
use crate::report::{reports_folder, this_binary, Subject};

/// A reaper that is started takes some milliseconds; what makes things must not wait long for a machine that hangs.
const OPEN_LIMIT: Duration = Duration::from_secs(5);

/// The reaper reads at once, or it is stopped.
const WRITE_LIMIT: Duration = Duration::from_secs(2);

/// How often a reaper that is lost is replaced. One that always dies must not be started for ever.
const REPLACEMENTS: u32 = 5;

static LEASE: Mutex<Lease> = Mutex::const_new(Lease {
    connection: Connection::None,
    engines: BTreeMap::new(),
    things: BTreeMap::new(),
    fixtures: BTreeMap::new(),
    starts: BTreeMap::new(),
    uses: BTreeMap::new(),
    opened: 0,
});

struct Lease {
    connection: Connection,
    /// Which engines the reaper has to know, by their addresses.
    engines: BTreeMap<String, Engine>,
    /// What may be there, by its instance.
    things: BTreeMap<String, Thing>,
    /// What was said of containers whose tests have not ended, by their instances.
    fixtures: BTreeMap<String, ToReaper>,
    /// What was said of starts, by their ids, and of what was found, by its instances: for the start-up report.
    starts: BTreeMap<String, ToReaper>,
    uses: BTreeMap<String, ToReaper>,
    /// How often a connection was opened.
    opened: u32,
}

enum Connection {
    None,
    Open(OwnedWriteHalf),
    /// There is no reaper and will be none, and that was said. One that does not read is not told an end that is none.
    Off(#[expect(dead_code, reason = "it is only held")] Option<OwnedWriteHalf>),
}

struct Thing {
    engine: String,
    is_settled: bool,
    shared: Option<String>,
}

/// The number of the process that has welcomed this one.
static REAPER: LazyLock<watch::Sender<Option<u32>>> = LazyLock::new(|| watch::channel(None).0);

/// Starts to look for the reaper, so that it need not be waited for when something is made.
pub(crate) fn begin() {
    static BEGUN: AtomicBool = AtomicBool::new(false);
    if !BEGUN.swap(true, Ordering::Relaxed) {
        drop(io::spawn(async { LEASE.lock().await.open().await }));
    }
}

/// Where the records are of what this session shares; nothing without a reaper, since nobody would take away what they name.
pub(in crate::session) async fn shelf() -> Option<Shelf> {
    {
        let mut lease = LEASE.lock().await;
        lease.open().await;
        if !matches!(lease.connection, Connection::Open(_)) {
            return None;
        }
    }
    let session = Session::this();
    let owner = match &session.anchor {
        Some(anchor) => anchor.clone(),
        None => {
            let mut reaper = REAPER.subscribe();
            let welcome = reaper.wait_for(Option::is_some);
            let pid = *tokio::time::timeout(OPEN_LIMIT, welcome).await.ok()?.ok()?;
            Process::here(pid?)
        }
    };
    Some(Shelf::new(Folder::of(&session.id), owner.to_label()))
}

/// Before the call that makes the thing with the label `instance`.
pub(in crate::session) async fn announce(engine: &Engine, instance: &str, shared: Option<&str>) {
    let mut lease = LEASE.lock().await;
    lease.open().await;
    let address = engine.address();
    let shared = shared.map(str::to_owned);
    let thing = Thing { engine: address.clone(), is_settled: false, shared };
    let making = thing.making(instance);
    lease.things.insert(instance.to_owned(), thing);
    lease.know(engine).await;
    lease.say(&making).await;
}

/// That call has been answered: nothing of it is still to come.
pub(in crate::session) async fn settled(instance: &str) {
    let mut lease = LEASE.lock().await;
    let Some(thing) = lease.things.get_mut(instance) else { return };
    thing.is_settled = true;
    lease.say(&ToReaper::Settled { instance: instance.to_owned() }).await;
}

/// There is no such thing (any more), or it is left on purpose.
pub(in crate::session) async fn gone(instance: &str) {
    let mut lease = LEASE.lock().await;
    lease.fixtures.remove(instance);
    if lease.things.remove(instance).is_some() {
        lease.say(&ToReaper::Gone { instance: instance.to_owned() }).await;
    }
}

/// A test has this: what is to be told of it if the process does not come to the end of the test. The ticket is one of a kind.
pub(in crate::session) async fn fixture(engine: &Engine, ticket: &str, subject: Subject) {
    let mut lease = LEASE.lock().await;
    lease.know(engine).await;
    let subject = subject.shortened(LINE_LIMIT - 4096);
    let ticket = ticket.to_owned();
    let fixture = ToReaper::Fixture { engine: engine.address(), ticket: ticket.clone(), subject };
    lease.fixtures.insert(ticket, fixture.clone());
    lease.say(&fixture).await;
}

/// That test has ended, and what there was to tell is told.
pub(in crate::session) async fn judged(ticket: &str) {
    let mut lease = LEASE.lock().await;
    if lease.fixtures.remove(ticket).is_some() {
        lease.say(&ToReaper::Judged { ticket: ticket.to_owned() }).await;
    }
}

impl Thing {
    fn making(&self, instance: &str) -> ToReaper {
        let (engine, shared) = (self.engine.clone(), self.shared.clone());
        ToReaper::Making { engine, instance: instance.to_owned(), shared }
    }
}

/// A start has begun or ended: for the start-up report. Returns at once.
pub(crate) fn started(start: Start) {
    let Some(reports) = reports() else { return };
    drop(io::spawn(async move {
        let mut lease = LEASE.lock().await;
        let id = start.id.clone();
        let started = ToReaper::Started { reports: reports.clone(), start };
        lease.starts.insert(id, started.clone());
        lease.open_and_say(&started).await;
    }));
}

/// Somebody has asked for a shared container and has found one: the instance on its label, its name and its image, and how long
/// that took. For the start-up report, where each call is one more user. Returns when it
/// is on its way to the reaper, since the process may be about to end.
pub(crate) async fn used_shared(instance: &str, name: &str, image: &str, waited: Duration) {
    let Some(reports) = reports() else { return };
    let [instance, name, image] = [instance, name, image].map(str::to_owned);
    let telling = io::spawn(async move {
        let mut lease = LEASE.lock().await;
        let earlier = match lease.uses.get(&instance) {
            Some(ToReaper::Used { uses, waited_ms, .. }) => (*uses, waited_ms.0),
            _ => (0, Duration::ZERO),
        };
        let used = ToReaper::Used {
            reports: reports.clone(),
            instance: instance.clone(),
            name,
            image,
            binary: this_binary(),
            uses: earlier.0 + 1,
            waited_ms: Millis(earlier.1 + waited),
        };
        lease.uses.insert(instance, used.clone());
        lease.open_and_say(&used).await;
    });
    telling.await;
}

/// Where reports are written; nothing when none are wanted.
fn reports() -> Option<&'static PathBuf> {
    static REPORTS: OnceLock<Option<PathBuf>> = OnceLock::new();
    let reports = REPORTS.get_or_init(|| {
        let folder = reports_folder()?;
        // The reaper makes it, but nothing above it.
        let _ = folder.parent().map(std::fs::create_dir_all);
        Some(folder)
    });
    reports.as_ref()
}

impl Lease {
    /// Says what a reaper that is new is told by [`Lease::introduce`].
    async fn open_and_say(&mut self, message: &ToReaper) {
        match self.connection {
            Connection::None => self.open().await,
            Connection::Open(_) => self.say(message).await,
            Connection::Off(_) => {}
        }
    }

    async fn open(&mut self) {
        if !matches!(self.connection, Connection::None) {
            return;
        }
        match self.try_open().await {
            Ok(writer) => self.connection = Connection::Open(writer),
            Err(None) => self.connection = Connection::Off(None),
            Err(Some(why)) => self.give_up(&why),
        }
        if matches!(self.connection, Connection::Open(_)) {
            self.introduce().await;
        }
    }

    /// # Errors
    ///
    /// Why there is none; nothing if none is wanted.
    async fn try_open(&mut self) -> Result<OwnedWriteHalf, Option<String>> {
        if env::var("LONGSHORE_REAPER").is_ok_and(|value| value == "off") {
            tracing::debug!("no reaper: `LONGSHORE_REAPER` is `off`");
            return Err(None);
        }
        self.opened += 1;
        if self.opened > 1 + REPLACEMENTS {
            return Err(Some(format!("it ended {REPLACEMENTS} times")));
        }
        REAPER.send_replace(None);
        let reaching = tokio::task::spawn_blocking(|| spawn::reach(Session::this()));
        let stream = match tokio::time::timeout(OPEN_LIMIT, reaching).await {
            Ok(Ok(stream)) => stream.map_err(Some)?,
            Ok(Err(error)) => return Err(Some(error.to_string())),
            Err(_) => return Err(Some(format!("its folder was locked for {OPEN_LIMIT:?}"))),
        };
        let stream = stream.set_nonblocking(true).and_then(|()| UnixStream::from_std(stream));
        let stream = stream.map_err(|error| Some(error.to_string()))?;
        let peer = stream.peer_cred().map_err(|error| Some(error.to_string()))?.uid();
        if peer != system::user() {
            return Err(Some(format!("the user {peer} listens on its socket")));
        }
        let (reader, writer) = stream.into_split();
        drop(io::spawn(listen(reader, self.opened)));
        Ok(writer)
    }

    /// All that a new reaper has to know.
    async fn introduce(&mut self) {
        let hello = ToReaper::Hello {
            protocol: VERSION,
            version: env!("CARGO_PKG_VERSION").into(),
            session: Session::this().id.clone(),
            owner: Process::this().to_label(),
            anchor: Session::this().anchor.clone(),
        };
        let engines = self.engines.keys().cloned();
        let engines =
            engines.map(|address| ToReaper::Engine { address, credentials: Credentials::None });
        let mut lines: Vec<_> = [hello].into_iter().chain(engines).collect();
        for (instance, thing) in &self.things {
            lines.push(thing.making(instance));
            if thing.is_settled {
                lines.push(ToReaper::Settled { instance: instance.clone() });
            }
        }
        let starts = self.starts.values().chain(self.uses.values());
        lines.extend(self.fixtures.values().chain(starts).cloned());
        for line in lines {
            self.say(&line).await;
        }
    }

    /// This process has to do with that engine.
    async fn know(&mut self, engine: &Engine) {
        let address = engine.address();
        if self.engines.insert(address.clone(), engine.clone()).is_none() {
            if matches!(self.connection, Connection::Off(_)) {
                // Else the reaper does it.
                drop(io::spawn(chores::sweep_quietly(engine.clone())));
            }
            let credentials = Credentials::None;
            self.say(&ToReaper::Engine { address, credentials }).await;
        }
    }

    async fn say(&mut self, message: &ToReaper) {
        let Connection::Open(writer) = &mut self.connection else { return };
        let Ok(mut line) = serde_json::to_vec(message) else { return };
        line.push(b'\n');
        match tokio::time::timeout(WRITE_LIMIT, writer.write_all(&line)).await {
            Ok(Ok(())) => {}
            // It has gone. The next one is told all at once, this too.
            Ok(Err(_)) => {
                self.connection = Connection::None;
                Box::pin(self.open()).await;
            }
            Err(_) => self.give_up(&format!("it has not read for {WRITE_LIMIT:?}")),
        }
    }

    fn give_up(&mut self, why: &str) {
        let connection = std::mem::replace(&mut self.connection, Connection::None);
        self.connection = Connection::Off(match connection {
            Connection::Open(writer) => Some(writer),
            Connection::None | Connection::Off(_) => None,
        });
        tell(&format!(
            "no reaper: {why}; what this process leaves when it is killed stays until another run sweeps it away"
        ));
        for engine in self.engines.values().cloned() {
            drop(io::spawn(chores::sweep_quietly(engine)));
        }
    }
}

/// Reads what the reaper says until it ends, and then looks for another.
fn listen(reader: OwnedReadHalf, opened: u32) -> BoxFuture<'static, ()> {
    async move {
        let mut lines = BufReader::new(reader).lines();
        let mut refused = None;
        while let Ok(Some(line)) = lines.next_line().await {
            match serde_json::from_str(&line) {
                Ok(FromReaper::Welcome { pid, version, .. }) => {
                    tracing::debug!(pid, version, "this process has a lease of the reaper");
                    REAPER.send_replace(Some(pid));
                }
                Ok(FromReaper::Notice { text }) => tell(&text),
                Ok(FromReaper::Refused { because }) => refused = Some(because),
                // Of a later version.
                Err(_) => {}
            }
        }
        let mut lease = LEASE.lock().await;
        if lease.opened == opened && matches!(lease.connection, Connection::Open(_)) {
            match refused {
                Some(because) => lease.give_up(&because),
                None => {
                    tracing::debug!("the reaper has gone, another is started");
                    lease.connection = Connection::None;
                    lease.open().await;
                }
            }
        }
    }
    .boxed()
}
