//! The reaper itself: takes leases until its session is over.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::os::unix::net::UnixListener as Listener;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::future::{select, Either};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, Notify};

use super::super::identity::Session;
use super::super::process::Process;
use super::super::startup::{Start, Use};
use super::entry::log;
use super::folder::Folder;
use super::protocol::{FromReaper, Order, ToReaper, LINE_LIMIT, VERSION};
use super::startup::Ledger;
use super::unfinished::tell_of_tests;
use super::{chores, shelf, system, watch};
use crate::engine::io;
use crate::report::Subject;

/// How long the one who started us may take to connect; it does so at once, or is dead.
const FIRST_LEASE_LIMIT: Duration = Duration::from_secs(5);

/// A connection that says nothing is nobody's lease.
const HELLO_LIMIT: Duration = Duration::from_secs(10);

/// When a process has ended whose connection is still open (a forked child of it has it too): how long what it wrote is read.
const REST_LIMIT: Duration = Duration::from_millis(200);

/// What is open in this reaper.
pub(super) struct Reaper {
    session: String,
    folder: Folder,
    books: Mutex<Books>,
    /// For the start-up report.
    startup: Arc<Ledger>,
    /// Something has ended.
    changed: Notify,
}

#[derive(Default)]
struct Books {
    /// Leases and chores that have not ended.
    open: usize,
    /// Processes that have a lease, or are about to have one, or of whose tests there is something to tell.
    attached: usize,
    /// Runners that have not ended, by their labels.
    anchors: BTreeSet<String>,
    /// Of the leases and chores, those that only wait for others to be done with a thing.
    lingering: usize,
    /// Everybody has gone but those.
    is_closing: bool,
    /// Engines that have been swept, or will be.
    swept: BTreeSet<String>,
    /// Engines on which something was used by another process when its owner ended.
    used: BTreeSet<String>,
    /// To whom something can be told.
    listeners: BTreeMap<u64, mpsc::UnboundedSender<FromReaper>>,
    leases: u64,
    /// What nobody was there to be told.
    untold: Vec<String>,
    /// What was said: a lease and a sweep may fail with the same thing.
    told: BTreeSet<String>,
}

/// Work that has not ended, in whatever way it does.
struct Open(Arc<Reaper>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.books().open -= 1;
        self.0.changed.notify_one();
    }
}

/// A process that has a lease, until it has ended and what there is to tell of its tests is told.
struct Attached(Arc<Reaper>);

impl Drop for Attached {
    fn drop(&mut self) {
        self.0.books().attached -= 1;
        self.0.changed.notify_one();
    }
}

/// What a process has left.
#[derive(Debug, Default)]
pub(super) struct Left {
    pub(super) owner: String,
    /// By engine, and by the instance.
    pub(super) things: BTreeMap<String, BTreeMap<String, Thing>>,
    /// Containers of tests that have not ended, by their tickets: on which engine, and what to tell of each.
    pub(super) fixtures: BTreeMap<String, (String, Subject)>,
    /// Its last line was cut off: there may be more.
    pub(super) is_cut_off: bool,
}

/// Something that a process has announced.
#[derive(Debug, Default)]
pub(super) struct Thing {
    /// Whether the call that makes it was answered.
    pub(super) is_settled: bool,
    /// The key, if the session shares it.
    pub(super) shared: Option<String>,
}

/// Serves until the session is over.
pub(super) fn serve(order: Order, listener: Listener) {
    let Some(folder) = Folder::at(&order.folder) else { return };
    let (pid, version) = (std::process::id(), env!("CARGO_PKG_VERSION"));
    let Session { id: session, anchor } = order.session;
    log(&format!("reaper {pid} of longshore {version} for the session `{session}`"));
    let untold = folder.take_messages();
    let books = Books { untold, ..Books::default() };
    let (books, changed) = (Mutex::new(books), Notify::new());
    let startup = Ledger::new(&session, order.runner);
    let reaper = Arc::new(Reaper { session, folder, books, startup, changed });
    let served = io::block_on(io::run(async move { reaper.run(anchor, listener).await }));
    if let Err(error) = served {
        log(&format!("ended: {error}"));
    }
}

impl Reaper {
    async fn run(
        self: Arc<Self>,
        anchor: Option<Process>,
        listener: Listener,
    ) -> std::io::Result<()> {
        listener.set_nonblocking(true)?;
        let queue = listener.try_clone()?;
        let listener = UnixListener::from_std(listener)?;
        self.anchored_by(anchor);
        let born = Instant::now();
        let alone = self.clone();
        drop(io::spawn(async move {
            tokio::time::sleep(FIRST_LEASE_LIMIT).await;
            alone.changed.notify_one();
        }));
        let accepting = self.clone();
        drop(io::spawn(async move {
            loop {
                match listener.accept().await {
                    Ok((stream, _)) => accepting.take(stream),
                    // Too many open files, for a moment.
                    Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                }
            }
        }));
        loop {
            self.changed.notified().await;
            // Chores may wait for an engine that is down; what is shared elsewhere does not wait for them.
            if !self.is_deserted(born) || self.give_up_shared(&queue) {
                continue;
            }
            if !self.is_over(born) || self.close() {
                continue;
            }
            let used = std::mem::take(&mut self.books().used);
            for engine in &used {
                self.spawn(chores::sweep_session(self.clone(), engine.clone()));
            }
            if !used.is_empty() {
                continue;
            }
            self.startup.close().await;
            // Somebody may have come meanwhile.
            if self.is_over(born) && self.end(&queue) {
                return Ok(());
            }
        }
    }

    /// Whether nobody is there, and nobody is to come.
    fn is_deserted(&self, born: Instant) -> bool {
        let books = self.books();
        let was_needed = books.leases > 0 || born.elapsed() >= FIRST_LEASE_LIMIT;
        books.attached == 0 && books.anchors.is_empty() && was_needed
    }

    /// Whether there is nothing to do either.
    fn is_over(&self, born: Instant) -> bool {
        let is_deserted = self.is_deserted(born);
        let books = self.books();
        books.open == books.lingering && is_deserted
    }

    /// As long as that process lives, others of the session may come.
    fn anchored_by(self: &Arc<Self>, anchor: Option<Process>) {
        let Some(anchor) = anchor else { return };
        let label = anchor.to_label();
        if !self.books().anchors.insert(label.clone()) {
            return;
        }
        let reaper = self.clone();
        drop(io::spawn(async move {
            watch::ended(anchor).await;
            reaper.books().anchors.remove(&label);
            reaper.changed.notify_one();
        }));
    }

    /// Sends those home who only wait; `false` when there are none.
    fn close(&self) -> bool {
        let mut books = self.books();
        books.is_closing = books.lingering > 0;
        books.is_closing
    }

    /// Waits with a chore that can as well be done in the end; says whether that has come.
    pub(super) async fn linger(&self, pause: Duration) -> bool {
        self.books().lingering += 1;
        self.changed.notify_one();
        tokio::time::sleep(pause).await;
        let mut books = self.books();
        books.lingering -= 1;
        books.is_closing
    }

    /// What the session shares goes first, since it may use the rest. `false` when there is nothing.
    fn give_up_shared(self: &Arc<Self>, queue: &Listener) -> bool {
        let Ok(lock) = self.folder.lock() else { return false };
        if self.take_queued(queue) {
            return true;
        }
        // Whoever comes after this finds none of it, and makes anew what it needs.
        let shared = shelf::take(&self.folder, &lock);
        let has_shared = !shared.is_empty();
        chores::remove_shared(self, shared);
        has_shared
    }

    /// Takes one who has connected and was not seen yet. Under the lock nobody else comes.
    fn take_queued(self: &Arc<Self>, queue: &Listener) -> bool {
        let Ok((stream, _)) = queue.accept() else { return false };
        let stream = stream.set_nonblocking(true).and_then(|()| UnixStream::from_std(stream));
        stream.map(|stream| self.take(stream)).is_ok()
    }

    /// Ends if nobody is about to connect. Whoever comes after that finds no socket and starts another.
    fn end(self: &Arc<Self>, queue: &Listener) -> bool {
        let lock = match self.folder.lock() {
            Ok(lock) => lock,
            Err(error) => {
                // The folder has been taken away or given to somebody else: nobody comes this way any more.
                log(&error);
                return true;
            }
        };
        // Clients connect under the lock, so one is in the queue or will not be.
        if self.take_queued(queue) {
            return false;
        }
        for text in std::mem::take(&mut self.books().untold) {
            if let Err(error) = self.folder.leave_message(&text) {
                log(&format!("could not leave a message: {error}: {text}"));
            }
        }
        self.folder.tidy();
        self.folder.remove(lock);
        true
    }

    /// Does `work`, and does not end before it has.
    pub(super) fn spawn(self: &Arc<Self>, work: impl Future<Output = ()> + Send + 'static) {
        self.books().open += 1;
        let open = Open(self.clone());
        drop(io::spawn(async move {
            let _open = open;
            work.await;
        }));
    }

    /// Tells the user, by way of a test process: one that is there, or the next one.
    pub(super) fn tell(&self, text: &str) {
        log(text);
        let mut books = self.books();
        if !books.told.insert(text.to_owned()) {
            return;
        }
        let notice = FromReaper::Notice { text: text.to_owned() };
        if !books.listeners.values().any(|listener| listener.send(notice.clone()).is_ok()) {
            books.untold.push(text.to_owned());
        }
    }

    /// Whether the session has what was made by this name for its key: then it is not left behind.
    pub(super) fn shares(&self, key: &str, instance: &str) -> bool {
        shelf::read(&self.folder, key).is_some_and(|record| record.is_ready_as(instance))
    }

    pub(super) fn session(&self) -> &str {
        &self.session
    }

    /// Whether this engine is still to be swept; the one who asks first does it.
    pub(super) fn is_first_on(&self, engine: &str) -> bool {
        self.books().swept.insert(engine.to_owned())
    }

    /// Before this ends.
    pub(super) fn look_again_at(&self, engine: &str) {
        log(&format!("{engine}: what others use is looked at again in the end"));
        self.books().used.insert(engine.to_owned());
    }

    fn take(self: &Arc<Self>, stream: UnixStream) {
        let reaper = self.clone();
        self.books().attached += 1;
        let attached = Attached(self.clone());
        self.spawn(async move {
            match stream.peer_cred() {
                Ok(peer) if peer.uid() == system::user() => reaper.lease(stream, attached).await,
                Ok(peer) => log(&format!("the user {} was turned away", peer.uid())),
                Err(error) => log(&format!("somebody unknown was turned away: {error}")),
            }
        });
    }

    /// One lease, from its first word to the removal of what its process left.
    async fn lease(self: Arc<Self>, stream: UnixStream, attached: Attached) {
        self.books().is_closing = false;
        let (reader, writer) = stream.into_split();
        let mut reader = BufReader::new(reader);
        let hello = tokio::time::timeout(HELLO_LIMIT, next(&mut reader, || ())).await;
        let (sender, answers) = mpsc::unbounded_channel();
        let owner = match hello {
            Ok(Some(ToReaper::Hello { protocol: VERSION, session, owner, version, anchor })) => {
                if session != self.session {
                    let because = format!("it is the reaper of the session `{}`", self.session);
                    return refuse(writer, because).await;
                }
                log(&format!("lease of {owner}, longshore {version}"));
                self.anchored_by(anchor);
                owner
            }
            Ok(Some(_)) => {
                return refuse(writer, format!("it speaks version {VERSION} of the protocol")).await
            }
            _ => return,
        };
        let writing = io::spawn(write(writer, answers)).abort_on_drop();
        let _ = sender.send(FromReaper::Welcome {
            protocol: VERSION,
            version: env!("CARGO_PKG_VERSION").into(),
            pid: std::process::id(),
        });
        let number = {
            let mut books = self.books();
            for text in std::mem::take(&mut books.untold) {
                let _ = sender.send(FromReaper::Notice { text });
            }
            books.leases += 1;
            let number = books.leases;
            books.listeners.insert(number, sender);
            number
        };
        let left = Arc::new(Mutex::new(Left { owner: owner.clone(), ..Left::default() }));
        self.read(reader, &owner, left.clone()).await;
        self.books().listeners.remove(&number);
        drop(writing);
        // A process that lives may have another connection by now, or be another program (exec(3)): what it has is its own.
        if let Some(process) = Process::from_label(&owner).filter(Process::is_comparable) {
            watch::ended(process).await;
        }
        let mut left = std::mem::take(&mut *left.lock().unwrap_or_else(PoisonError::into_inner));
        log(&format!("the lease of {owner} has ended"));
        self.startup.ended(&owner);
        // Before what they share may go.
        tell_of_tests(&self, &left.owner, std::mem::take(&mut left.fixtures)).await;
        drop(attached);
        chores::remove_left(&self, left);
    }

    /// Reads until the process has ended.
    async fn read(
        self: &Arc<Self>,
        mut reader: BufReader<OwnedReadHalf>,
        owner: &str,
        left: Arc<Mutex<Left>>,
    ) {
        let reaper = self.clone();
        let reading = Box::pin(async move {
            let left = || left.lock().unwrap_or_else(PoisonError::into_inner);
            while let Some(message) = next(&mut reader, || left().is_cut_off = true).await {
                reaper.note(message, &mut left());
            }
        });
        let Some(process) = Process::from_label(owner) else { return reading.await };
        let ended = Box::pin(watch::ended(process));
        if let Either::Right(((), reading)) = select(reading, ended).await {
            let _ = tokio::time::timeout(REST_LIMIT, reading).await;
        }
    }

    fn note(self: &Arc<Self>, message: ToReaper, left: &mut Left) {
        match message {
            ToReaper::Engine { address, .. } => {
                chores::sweep_soon(self, &address);
                left.things.entry(address).or_default();
            }
            ToReaper::Making { engine, instance, shared } => {
                let thing = Thing { is_settled: false, shared };
                left.things.entry(engine).or_default().insert(instance, thing);
            }
            ToReaper::Settled { instance } => {
                for things in left.things.values_mut() {
                    things.entry(instance.clone()).and_modify(|thing| thing.is_settled = true);
                }
            }
            ToReaper::Gone { instance } => {
                for things in left.things.values_mut() {
                    things.remove(&instance);
                }
                left.fixtures.remove(&instance);
            }
            ToReaper::Fixture { engine, ticket, subject } => {
                left.fixtures.insert(ticket, (engine, subject));
            }
            ToReaper::Judged { ticket } => {
                left.fixtures.remove(&ticket);
            }
            ToReaper::Started { reports, start } => {
                self.startup.started(&left.owner, reports, start);
            }
            ToReaper::Used { reports, instance, name, image, binary, uses, waited_ms } => {
                let found = Start { instance, name, image, ..Start::default() };
                let process = left.owner.clone();
                self.startup.used(reports, found, Use { process, binary, uses, waited_ms });
            }
            ToReaper::Hello { .. } => {}
        }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The next message that is known; nothing at the end, or when somebody does not keep to the protocol.
async fn next(reader: &mut BufReader<OwnedReadHalf>, cut_off: impl Fn()) -> Option<ToReaper> {
    loop {
        let mut line = Vec::new();
        let mut limited = (&mut *reader).take(LINE_LIMIT as u64);
        limited.read_until(b'\n', &mut line).await.ok()?;
        match line.pop() {
            Some(b'\n') => {}
            Some(_) => {
                cut_off();
                return None;
            }
            None => return None,
        }
        match serde_json::from_slice(&line) {
            Ok(message) => return Some(message),
            Err(error) => log(&format!("passed over: {error}")),
        }
    }
}

async fn refuse(mut writer: OwnedWriteHalf, because: String) {
    log(&format!("refused: {because}"));
    say(&mut writer, &FromReaper::Refused { because }).await;
}

async fn write(mut writer: OwnedWriteHalf, mut answers: mpsc::UnboundedReceiver<FromReaper>) {
    while let Some(answer) = answers.recv().await {
        say(&mut writer, &answer).await;
    }
}

async fn say(writer: &mut OwnedWriteHalf, answer: &FromReaper) {
    if let Ok(mut line) = serde_json::to_vec(answer) {
        line.push(b'\n');
        // Who does not listen any more is about to end.
        let _ = writer.write_all(&line).await;
    }
}
