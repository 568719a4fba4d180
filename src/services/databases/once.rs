//! The way to a fresh database: a clone of the template, which is made first if there is none. Exactly one makes it, of all threads
//! and processes.
//!
//! ```text
//! asker ── clone ───────────────────────────────────> done, if there is the template
//! asker ── queue of this process ─┬──> ready          clone
//!                                 ├──> failed         while this one waited: the same error
//!                                 └── turn (of all processes, kept by the server) ──> the same again, or make it: ready or failed
//! ```
//!
//! The template's own name is its commit point: it is made under another one, and renamed when it is complete. A turn goes back when its
//! process ends, however that ends, because its connection does; whoever has it next takes away what was half made.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use rand::Rng;
use tokio::sync::Mutex as AsyncMutex;

use super::guard::{DatabaseGuard, Drops};
use super::template::{hash, told, Script, Template, Work};
use crate::engine::{io, Remote};
use crate::error::{Error, Kind, Result, Told};
use crate::session::tell;

/// How long somebody else may make the template before that is told.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the names of all databases begin with that are made here.
pub(super) const PREFIX: &str = "longshore_";

/// Which template of a server: 16 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key(String);

impl Key {
    fn of(remote: &Remote, template: Option<&Template>) -> Result<Self> {
        let key = template.map(Template::full_key).transpose()?.unwrap_or_default();
        // Another container of the same data folder has its own: what is in the service's own database may be something else by then.
        Ok(Key(hash(format!("{}\n{key}", remote.id()).as_bytes())[..16].to_owned()))
    }

    /// The name of the template when it is complete.
    #[cfg(feature = "postgres")]
    pub(super) fn ready_name(&self) -> String {
        format!("{PREFIX}template_{}", self.0)
    }

    /// What the names of databases of that sort begin with.
    pub(super) fn prefix(&self, sort: &str) -> String {
        format!("{PREFIX}{sort}_{}_", self.0)
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    #[cfg(feature = "postgres")]
    pub(super) fn number(&self) -> i64 {
        i64::from_ne_bytes(u64::from_str_radix(&self.0, 16).unwrap_or_default().to_ne_bytes())
    }
}

/// What has become of a template so far.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) is_ready: bool,
    pub(super) failure: Option<Failure>,
}

/// A try to make a template that has failed.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    /// Each try has one.
    pub(super) attempt: String,
    /// An error as data.
    pub(super) told: String,
}

/// A server that has databases. What is done is done on the I/O thread, and named in the error.
pub(super) trait Server: Drops + Sized + 'static {
    /// The right to make one template, of all processes that have the server. Goes back when it is dropped.
    type Turn: Send + Sync + 'static;

    /// In the name of what is being made.
    const MAKING: &'static str;

    /// Makes a database of a template; `false` if there is no such template.
    fn clone_template(
        self: Arc<Self>,
        key: Key,
        name: String,
    ) -> impl Future<Output = Result<bool>> + Send + 'static;

    fn look(self: Arc<Self>, key: Key) -> impl Future<Output = Result<Standing>> + Send + 'static;

    /// Waits until nobody else makes it.
    fn turn(self: Arc<Self>, key: Key)
        -> impl Future<Output = Result<Self::Turn>> + Send + 'static;

    /// Makes a copy of the service's own database by this name, and takes away what others have left half made.
    fn begin(
        self: Arc<Self>,
        turn: Arc<Self::Turn>,
        key: Key,
        name: String,
    ) -> impl Future<Output = Result<()>> + Send + 'static;

    /// Runs a script in that copy.
    fn run_script(
        self: Arc<Self>,
        name: String,
        script: Script,
    ) -> impl Future<Output = Result<(), String>> + Send;

    /// Makes that copy the template.
    fn finish(
        self: Arc<Self>,
        turn: Arc<Self::Turn>,
        key: Key,
        name: String,
    ) -> impl Future<Output = Result<()>> + Send + 'static;

    /// Takes that copy away, and writes down the failure for those who wait.
    fn give_up(
        self: Arc<Self>,
        turn: Arc<Self::Turn>,
        key: Key,
        name: String,
        failure: Failure,
    ) -> impl Future<Output = Result<()>> + Send + 'static;

    /// Gives the turn back, sooner than its drop would.
    fn end(self: Arc<Self>, turn: Arc<Self::Turn>) -> impl Future<Output = ()> + Send + 'static;

    /// Where its database of that name is reached.
    fn url(&self, name: &str) -> String;
}

/// Makes a database for a test. Gives its name, and what drops it.
pub(super) async fn fresh<S: Server>(
    server: Arc<S>,
    template: Option<Template>,
) -> Result<(String, DatabaseGuard)> {
    io::check_process()?;
    let key = Key::of(server.remote(), template.as_ref())?;
    if let Some(made) = cloned(&server, &key).await? {
        return Ok(made);
    }
    see_to_template(&server, &key, template.as_ref()).await?;
    cloned(&server, &key).await?.ok_or_else(|| {
        let report = Error::new(Kind::Database, "the template is gone as soon as it was made");
        server.remote().name_in(report.hint("something else drops databases on this server"))
    })
}

/// A clone, if there is the template. Goes on when the caller is gone, and is dropped then.
async fn cloned<S: Server>(server: &Arc<S>, key: &Key) -> Result<Option<(String, DatabaseGuard)>> {
    let (server, key, name) = (server.clone(), key.clone(), format!("{PREFIX}{}", random(10)));
    let making = io::spawn(async move {
        let mut guard = DatabaseGuard::new(server.clone(), name.clone());
        match server.clone_template(key, name.clone()).await {
            Ok(true) => Ok(Some((name, guard))),
            Ok(false) => {
                guard.release();
                Ok(None)
            }
            Err(error) => Err(error),
        }
    });
    making.await
}

/// Returns when there is the template, made by this asker or by another one.
async fn see_to_template<S: Server>(
    server: &Arc<S>,
    key: &Key,
    template: Option<&Template>,
) -> Result<()> {
    let before = io::run(server.clone().look(key.clone())).await?.failure;
    let queue = queue(key);
    let _first = patiently(server.remote(), queue.lock()).await;
    let settled = |standing: Standing| match (standing.is_ready, standing.failure) {
        (true, _) => Some(Ok(())),
        (false, Some(failure))
            if before.as_ref().map(|before| &before.attempt) != Some(&failure.attempt) =>
        {
            Some(Err(failure.into_error()))
        }
        (false, _) => None,
    };
    if let Some(outcome) = settled(io::run(server.clone().look(key.clone())).await?) {
        return outcome;
    }
    let turn = patiently(server.remote(), io::run(server.clone().turn(key.clone()))).await?;
    let turn = Arc::new(turn);
    let outcome = match settled(io::run(server.clone().look(key.clone())).await?) {
        Some(outcome) => outcome,
        None => make(server, &turn, key, template).await,
    };
    io::run(server.clone().end(turn)).await;
    outcome
}

/// Whose turn it is in this process: one waits at the server for all.
fn queue(key: &Key) -> Arc<AsyncMutex<()>> {
    static QUEUES: LazyLock<Mutex<HashMap<Key, Arc<AsyncMutex<()>>>>> =
        LazyLock::new(Mutex::default);
    let mut queues = QUEUES.lock().unwrap_or_else(PoisonError::into_inner);
    queues.entry(key.clone()).or_default().clone()
}

/// A wait that has no end of its own, but is told.
async fn patiently<T>(remote: &Remote, waiting: impl Future<Output = T>) -> T {
    let mut waiting = std::pin::pin!(waiting);
    if let Some(outcome) = io::timeout(PATIENCE, &mut waiting).await {
        return outcome;
    }
    tell(&format!(
        "waiting for the template of databases in `{}`, which another test has been making for {PATIENCE:?}; it may be one whose \
         future nobody polls any more, or whose process is stopped",
        remote.name()
    ));
    waiting.await
}

async fn make<S: Server>(
    server: &Arc<S>,
    turn: &Arc<S::Turn>,
    key: &Key,
    template: Option<&Template>,
) -> Result<()> {
    let name = format!("{}{}", key.prefix(S::MAKING), random(8));
    let made = async {
        let begin = server.clone().begin(turn.clone(), key.clone(), name.clone());
        io::run(begin).await?;
        if let Some(template) = template {
            apply(server, template, &name).await?;
        }
        io::run(server.clone().finish(turn.clone(), key.clone(), name.clone())).await
    };
    let Err(error) = made.await else { return Ok(()) };
    let failure = Failure { attempt: random(16), told: told_as_data(&error) };
    let giving_up = server.clone().give_up(turn.clone(), key.clone(), name.clone(), failure);
    match io::run(giving_up).await {
        Ok(()) => Err(error),
        Err(other) => Err(error.and_also(other)),
    }
}

/// Does to the copy what the template says. A closure of the user's is polled here, by the caller.
async fn apply<S: Server>(server: &Arc<S>, template: &Template, name: &str) -> Result<()> {
    let because = match template.work()? {
        Work::Script(script) => server.clone().run_script(name.to_owned(), script).await,
        Work::Code(code) => code(server.url(name)).await.map_err(|error| told(&*error)),
    };
    because.map_err(|because| {
        let what = format!("the template {} could not be made", template.describe());
        server.remote().name_in(Error::new(Kind::Database, what).fact("because", because))
    })
}

fn told_as_data(error: &Error) -> String {
    serde_json::to_string(&Told::from(error)).unwrap_or_default()
}

impl Failure {
    fn into_error(self) -> Error {
        let told: Option<Told> = serde_json::from_str(&self.told).ok();
        let error = told.map(Error::from);
        let error =
            error.unwrap_or_else(|| Error::new(Kind::Database, "the template could not be made"));
        error.fact("asked for by", "another test, for which this one waited")
    }
}

/// Lower-case letters and digits.
fn random(length: usize) -> String {
    const CHARACTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut random = rand::thread_rng();
    (0..length).map(|_| char::from(CHARACTERS[random.gen_range(0..36)])).collect()
}

/// What is known in this process of the servers that it has asked, by engine and container.
pub(super) struct Servers<S>(Mutex<HashMap<(String, String), Arc<S>>>);

impl<S> Servers<S> {
    pub(super) fn new() -> Self {
        Servers(Mutex::default())
    }

    pub(super) fn of(&self, remote: &Remote, make: impl FnOnce() -> S) -> Arc<S> {
        let key = (remote.engine().address(), remote.id().to_owned());
        let mut servers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        servers.entry(key).or_insert_with(|| Arc::new(make())).clone()
    }
}
