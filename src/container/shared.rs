//! One container for all of a test run: made by the first who asks for it, found by the others.
//!
//! Whose turn it is, and where the container is, is for `session::Place` to know. Whoever asks has a handle that is like any
//! other, except that it never ends or removes what others use.

use std::future::Future;
use std::sync::{Arc, Mutex, OnceLock, RwLock};
use std::time::{Duration, Instant};

use tokio::sync::Mutex as AsyncMutex;

use super::consumer::Consumers;
use super::handle::Container;
use super::host_ports::Reservation;
use super::start::Launch;
use crate::engine::{io, phase, ApiError, Engine, Inspect, Ports, Remote};
use crate::error::{Error, Kind, Result};
use crate::request::{ContainerRequest, Hooks, Purpose};
use crate::session::{guard_of, tell, used_shared, Place, Record, StartOutcome, State};
use crate::wait::Wait;

/// How long somebody else may make it before that is told.
const PATIENCE: Duration = Duration::from_secs(20);

/// Containers that tests share.
impl ContainerRequest {
    /// Gives the container that all tests of this test run share that ask for the same request, on the process's default
    /// engine, when it is ready. The first who asks starts it.
    ///
    /// The same is what has the same [fingerprint](ContainerRequest::fingerprint) on the same engine. Exactly one is started,
    /// however many ask at once, in threads and in processes: nextest's process for each test, `cargo test`'s binary after
    /// binary, and several commands under one `LONGSHORE_SESSION`. Should the one who starts it die or give up, the next one in
    /// line starts it. If it fails, those who waited get the same error, and who asks later tries again.
    ///
    /// It lives until the test run is over: until `cargo` or nextest has ended, whichever has started the tests, and without
    /// those until the last process of the test run has. Dropping or [removing](Container::remove) the handle gives it back.
    /// [`stop`](Container::stop), [`kill`](Container::kill), [`pause`](Container::pause), [`restart`](Container::restart) and
    /// [`rename`](Container::rename) are errors. If it is found dead, a new one is started, which is told on standard error:
    /// it has none of the old one's data.
    ///
    /// A network or volume of the test's own has another name in each process, so such a request is another one in each; and a
    /// network goes with its handle, also from under a shared container. Name those that the engine has, or use none.
    ///
    /// Tests see what other tests have left in it, so each should use names of its own: a database, a key prefix, a queue.
    ///
    /// Without a reaper (`LONGSHORE_REAPER=off`, or not on Unix) each process has its own, which is removed when that ends.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use longshore::ContainerRequest;
    ///
    /// # async fn example() -> longshore::Result<()> {
    /// let redis = ContainerRequest::new("redis:7.0").publish("6379").start_shared().await?;
    /// println!("redis://{}", redis.address(6379)?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`start`](ContainerRequest::start).
    pub fn start_shared(&self) -> impl Future<Output = Result<Container>> + Send + 'static {
        shared(self.clone(), None, None, Hooks::new())
    }

    /// As [`start_shared`](Self::start_shared), on another engine than the default one.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_shared_on(
        &self,
        engine: &Engine,
    ) -> impl Future<Output = Result<Container>> + Send + 'static {
        shared(self.clone(), Some(engine.clone()), None, Hooks::new())
    }

    /// As [`start_shared`](Self::start_shared), with waits of one's own, which the one who starts it awaits. They are not part
    /// of the request, so `key` says which containers are the same: those of the same request and key.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start); and when the hooks have consumers of output, which only the one who starts it would have:
    /// [`follow_logs`](Container::follow_logs) is for everybody.
    pub fn start_shared_with(
        &self,
        key: impl Into<String>,
        hooks: Hooks,
    ) -> impl Future<Output = Result<Container>> + Send + 'static {
        shared(self.clone(), None, Some(key.into()), hooks)
    }

    /// As [`start_shared_with`](Self::start_shared_with), on another engine than the default one.
    ///
    /// # Errors
    ///
    /// As [`start_shared_with`](Self::start_shared_with).
    pub fn start_shared_on_with(
        &self,
        engine: &Engine,
        key: impl Into<String>,
        hooks: Hooks,
    ) -> impl Future<Output = Result<Container>> + Send + 'static {
        shared(self.clone(), Some(engine.clone()), Some(key.into()), hooks)
    }
}

pub(crate) fn shared(
    request: ContainerRequest,
    engine: Option<Engine>,
    key: Option<String>,
    hooks: Hooks,
) -> impl Future<Output = Result<Container>> + Send + 'static {
    let span = tracing::info_span!("shared container", image = request.image());
    phase(span, async move {
        if !hooks.consumers.is_empty() {
            let report = Error::new(
                Kind::InvalidRequest,
                "a shared container takes no consumers of its output",
            );
            return Err(report
                .fact("because", "only the test that happens to start it would have them")
                .hint("read it where it is used: `container.follow_logs()`"));
        }
        if request.removes_itself() && request.waits().iter().any(Wait::expects_exit) {
            let what = "a job that all of a test run share cannot remove itself";
            return Err(Error::new(Kind::InvalidRequest, what)
                .fact("because", "nobody would find out that it was done")
                .hint("leave `rm` away: it is removed when the test run is over"));
        }
        let print = request.fingerprint()?;
        let mut launch = Launch::prepare(request, engine, hooks).await?;
        let key = format!("{print} {}", key.unwrap_or_default());
        let outcome = Box::pin(find_or_make(&mut launch, key)).await;
        let container = outcome.map_err(|error| launch.named(error))?;
        if let Purpose::Test(subject) = &launch.purpose {
            let subject = subject.clone().of(container.remote());
            container.guard.begin_test(subject).await;
        }
        Ok(container)
    })
}

async fn find_or_make(launch: &mut Launch, key: String) -> Result<Container> {
    let asked = Instant::now();
    let engine = launch.engine.clone();
    let place = io::run(async move { Place::of(engine, &key).await }).await;
    let before = place.record();
    if let Some(Found::Alive(container)) = find(launch, before.as_ref(), asked).await? {
        return Ok(*container);
    }
    let mut turn = Box::pin(place.turn());
    let turn = match io::timeout(PATIENCE, &mut turn).await {
        Some(turn) => turn,
        None => {
            tell_of_wait(launch.request.image());
            turn.await
        }
    };
    let turn = Arc::new(turn?);
    if let Some(record) = turn.record() {
        if let Some(error) = record.failed_since(before.as_ref()) {
            return Err(error.fact("asked for by", "another test, for which this one waited"));
        }
        match find(launch, Some(&record), asked).await? {
            Some(Found::Alive(container)) => return Ok(*container),
            Some(Found::Dead(death)) => tell_of_death(&death),
            None => {}
        }
        let turn = turn.clone();
        io::run(async move { turn.remove(&record).await }).await;
    }
    turn.begin()?;
    launch.turn = Some(turn.clone());
    let outcome = launch.run().await;
    launch.clock.ended(outcome.as_ref().map(|_| StartOutcome::Ready));
    match outcome {
        Ok(mut container) => {
            let (id, name) = (container.id().to_owned(), container.name().to_owned());
            // From here on it is the session's. Were this future dropped, its guard would still be the container's.
            let placeholder = container.lend();
            container.guard = turn.ready(placeholder, &id, &name).await?;
            container.is_shared = true;
            Ok(container)
        }
        Err(error) => {
            turn.failed(&error);
            Err(error)
        }
    }
}

/// What there is of a record that was ready.
enum Found {
    Alive(Box<Container>),
    /// With what there is to say about its end.
    Dead(String),
}

/// Looks for the container of a record, if that is ready, for one who has asked then.
async fn find(launch: &Launch, record: Option<&Record>, asked: Instant) -> Result<Option<Found>> {
    let Some((record, State::Ready { id, name })) = record.map(|record| (record, &record.state))
    else {
        return Ok(None);
    };
    let (request, engine) = (&launch.request, launch.engine.clone());
    let remote = Remote::new(
        engine.clone(),
        id.clone(),
        name.clone(),
        request.image().to_owned(),
        request.has_tty(),
    );
    // One that was awaited to its end is what it should be.
    let may_have_ended = request.waits().iter().any(Wait::expects_exit);
    let looking = remote.clone();
    let look = io::run(async move {
        let inspect = match looking.inspect_raw().await {
            Ok(inspect) => Inspect::new(inspect),
            Err(error) if error.is_not_found() => return Ok(Err("it was removed".to_owned())),
            Err(error) => return Err(error),
        };
        if !inspect.is_running() && !may_have_ended {
            return Ok(Err(death(&looking, &inspect).await));
        }
        let exit = looking.watch_exit("not-running").await;
        let host = looking.engine().host().await.clone();
        Ok::<_, ApiError>(Ok((inspect, exit, host)))
    });
    let looked = launch.in_time(look).await?;
    let looked = looked.map_err(|error| {
        remote.name_in(error.while_trying("the shared container could not be looked at"))
    })?;
    let (inspect, exit, host) = match looked {
        Ok(there) => there,
        Err(why) => {
            let what =
                format!("the shared container `{name}` of `{}` had died: {why}", request.image());
            return Ok(Some(Found::Dead(what)));
        }
    };
    used_shared(&record.instance, name, request.image(), asked.elapsed()).await;
    Ok(Some(Found::Alive(Box::new(Container {
        guard: guard_of(&engine, record, id, name),
        feed: OnceLock::new(),
        consumers: Mutex::new(Consumers::default()),
        _reservation: Reservation::default(),
        remote,
        host,
        ports: Arc::new(RwLock::new(Ports::from_inspect(inspect.raw()))),
        exit: Mutex::new(exit),
        removes_itself: false,
        is_shared: true,
        unstarted: AsyncMutex::new(None),
    }))))
}

/// How one that is there has ended. On the I/O thread.
async fn death(remote: &Remote, inspect: &Inspect) -> String {
    let mut text = match (inspect.exit_code(), inspect.oom_killed()) {
        (_, true) => "it was killed for want of memory".to_owned(),
        (Some(code), _) => format!("it ended with code {code}"),
        (None, _) => "it does not run".to_owned(),
    };
    for line in remote.last_output().await {
        text.push_str("\n  | ");
        text.push_str(&line);
    }
    text
}

fn tell_of_death(death: &str) {
    tell(&format!("{death}\n  a new one is started, which has none of its data"));
}

fn tell_of_wait(image: &str) {
    tell(&format!(
        "waiting for the shared container of `{image}`, which another test has been starting for {PATIENCE:?}; it may be one \
         whose future nobody polls any more, or whose process is stopped"
    ));
}

impl Container {
    /// Whether all of the test run share it (see [`start_shared`](ContainerRequest::start_shared)).
    pub fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// An error if others use it, whom it would concern to have it `done` to it.
    pub(super) fn check_own(&self, done: &str) -> Result<()> {
        if !self.is_shared {
            return Ok(());
        }
        let report = Error::new(Kind::InUse, format!("a shared container cannot be {done}"))
            .fact("because", "other tests use it too")
            .hint("give this test one of its own: `.start()`, or the attribute without `shared`");
        Err(self.remote.name_in(report))
    }
}
