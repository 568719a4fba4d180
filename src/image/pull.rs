//! `docker pull`: an image is pulled once however many ask for it at the same time in this process,
//! whether a start needs it or a verb names it.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{LazyLock, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use futures::future::{BoxFuture, FutureExt, Shared};
use http_body_util::{Either, Full};
use longshore_syntax::ImageReference;

use super::images::Images;
use super::name::repository;
use super::progress::Progress;
use super::told::{words_of, Told};
use super::{credentials, podman};
use crate::engine::{io, query, ApiError, Engine};
use crate::error::{Error, Kind, Result};

/// A pull that makes no progress for this long is given up. There is no limit for the whole: images are large and lines
/// are slow.
pub(super) const DEFAULT_STALL: Duration = Duration::from_secs(60);

impl Images {
    /// Pulls an image by its name, also when it is here already: its tag may have moved (`docker pull`). Once however many
    /// ask for it at the same time in this process. Credentials are those of `docker login`.
    ///
    /// Dropping the future does not end the pull.
    ///
    /// # Errors
    ///
    /// When the name is malformed or an id; when the registry does not have it
    /// ([`is_image_not_found`](Error::is_image_not_found)), cannot be reached, refuses, or nothing moves for a minute
    /// ([`is_pull_failed`](Error::is_pull_failed)).
    pub fn pull(&self, name: &str) -> impl Future<Output = Result<()>> + Send + 'static {
        self.pull_with(name, PullOptions::new())
    }

    /// As [`pull`](Images::pull), with options.
    ///
    /// # Errors
    ///
    /// As [`pull`](Images::pull).
    pub fn pull_with(
        &self,
        name: &str,
        options: PullOptions,
    ) -> impl Future<Output = Result<()>> + Send + 'static {
        let (engine, image) = (self.engine.clone(), ImageReference::parse(name));
        async move {
            io::check_process()?;
            let PullOptions { platform, stall } = options;
            let order = PullOrder { image: image?, platform, stall };
            let name = order.image.familiar();
            let work = async move {
                let joined = join(&engine, &order, Instant::now()).await;
                joined.map_err(|failure| {
                    let setter = "PullOptions::stall_timeout(..)";
                    failure.report(&order, setter).fact("engine", engine.to_string())
                })
            };
            io::run(work).await.map_err(|error| error.fact("image", format!("`{name}`")))
        }
    }
}

/// How an image is pulled, as the options of `docker pull`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct PullOptions {
    platform: Option<String>,
    stall: Option<Duration>,
}

impl PullOptions {
    /// As `docker pull` does.
    pub fn new() -> Self {
        Self::default()
    }

    /// For a platform other than the engine's own, such as `linux/arm64` (`--platform`).
    pub fn platform(mut self, platform: impl Into<String>) -> Self {
        self.platform = Some(platform.into());
        self
    }

    /// Gives up when nothing moves for this long; by default 60 seconds. There is no limit for the whole.
    pub fn stall_timeout(mut self, limit: Duration) -> Self {
        self.stall = Some(limit);
        self
    }
}

/// What is pulled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PullOrder {
    pub(crate) image: ImageReference,
    pub(crate) platform: Option<String>,
    pub(crate) stall: Option<Duration>,
}

type Key = (String, String, Option<String>);
type Running = Shared<BoxFuture<'static, Result<(), Failure>>>;

/// The pulls of this process.
static PULLS: LazyLock<Mutex<Pulls>> = LazyLock::new(Mutex::default);

#[derive(Default)]
struct Pulls {
    running: HashMap<Key, Running>,
    /// When an image was last there.
    done: HashMap<Key, Instant>,
}

fn pulls() -> MutexGuard<'static, Pulls> {
    PULLS.lock().expect("nothing in the lock can panic")
}

/// Why a pull failed, for each of those who waited for it.
#[derive(Debug, Clone)]
enum Failure {
    Stalled(Duration),
    Refused(String),
}

/// Pulls the image that was missing at the moment `missing`, or joins a pull of it that is under way, or finds that one has
/// ended since. It goes on when nobody waits any more, so the next run has the image. On the I/O thread.
pub(crate) async fn pull(engine: &Engine, order: &PullOrder, missing: Instant) -> Result<()> {
    if order.image.is_id() {
        let what = format!("there is no image `{}`", order.image);
        return Err(Error::new(Kind::ImageNotFound, what)
            .fact("because", "the engine has none with this id, and an id cannot be pulled")
            .hint("keep the handle of a committed image as long as containers are made of it"));
    }
    let joined = join(engine, order, missing).await;
    joined.map_err(|failure| {
        failure.report(order, ".pull_stall_timeout(..)").fact("engine", engine.to_string())
    })
}

async fn join(engine: &Engine, order: &PullOrder, missing: Instant) -> Result<(), Failure> {
    let key = (engine.address(), order.image.canonical(), order.platform.clone());
    let joined = {
        let mut pulls = pulls();
        if pulls.done.get(&key).is_some_and(|done| *done > missing) {
            return Ok(());
        }
        let start = || {
            let (engine, order, key) = (engine.clone(), order.clone(), key.clone());
            let task = io::spawn(async move {
                let outcome = pull_now(&engine, &order).await;
                let mut pulls = self::pulls();
                pulls.running.remove(&key);
                if outcome.is_ok() {
                    pulls.done.insert(key, Instant::now());
                }
                outcome
            });
            task.boxed().shared()
        };
        pulls.running.entry(key.clone()).or_insert_with(start).clone()
    };
    joined.await
}

async fn pull_now(engine: &Engine, order: &PullOrder) -> Result<(), Failure> {
    let mut progress = Progress::start("pulling", &order.image.familiar());
    let outcome = follow(engine, order, &mut progress).await;
    progress.end(if outcome.is_ok() { "done" } else { "failed" });
    outcome
}

async fn follow(
    engine: &Engine,
    order: &PullOrder,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let stall = order.stall.unwrap_or(DEFAULT_STALL);
    let credentials = credentials::header_for(order.image.registry()).await;
    let header = credentials.as_deref().map(|credentials| (credentials::HEADER, credentials));
    let tag = order.image.digest().or(order.image.tag()).unwrap_or("latest");
    let name = repository(&order.image);
    let mut pairs = vec![("fromImage", name.as_str()), ("tag", tag)];
    pairs.extend(order.platform.as_deref().map(|platform| ("platform", platform)));
    let path = format!("/images/create{}", query(&pairs));
    let failure = |error| match error {
        ApiError::Late(limit) => Failure::Stalled(limit),
        other => Failure::Refused(words_of(other)),
    };
    let asked = async {
        if engine.is_podman() && podman::is_insecure(order.image.registry()) {
            return podman::pull(engine, order, header).await;
        }
        engine.client().upload(&path, header, Either::Left(Full::default())).await
    };
    let answer = tokio::time::timeout(stall, asked).await.unwrap_or(Err(ApiError::Late(stall)));
    let mut told = Told::new(answer.map_err(failure)?);
    while let Some(step) = told.next_within(stall).await.map_err(failure)? {
        progress.saw(&step);
    }
    Ok(())
}

impl Failure {
    /// `setter` is where more time is given.
    fn report(self, order: &PullOrder, setter: &str) -> Error {
        let (image, registry) = (order.image.familiar(), order.image.registry());
        match self {
            Failure::Stalled(limit) => Error::new(
                Kind::Pull,
                format!("pulling the image `{image}` made no progress for {limit:?}"),
            )
            .hint(format!(
                "look at the network and the registry, or give it longer with `{setter}`"
            )),
            Failure::Refused(told) => {
                let says =
                    |words: &[&str]| words.iter().any(|word| told.to_lowercase().contains(word));
                let denied = says(&[
                    "denied",
                    "unauthorized",
                    "authentication required",
                    "no basic auth credentials",
                ]);
                // Docker Hub denies access to what does not exist, so a denial there may be a misspelling.
                let missing = says(&[
                    "manifest unknown",
                    "not found",
                    "no such image",
                    "name unknown",
                    "does not exist",
                ]);
                let (kind, hint) = match (missing, denied) {
                    (true, false) => (Kind::ImageNotFound, "look at the spelling of its name and tag".to_owned()),
                    (true, true) => {
                        (Kind::ImageNotFound, format!("look at its spelling; if it is private: `docker login {registry}`"))
                    }
                    (false, true) => (Kind::Pull, format!("log in first: `docker login {registry}`")),
                    _ if says(&["toomanyrequests", "rate limit"]) => {
                        (Kind::Pull, format!("log in (`docker login {registry}`) for a higher limit, or use a mirror"))
                    }
                    _ => (Kind::Pull, format!("look at whether `{registry}` is reached from the engine's machine")),
                };
                Error::new(kind, format!("the image `{image}` could not be pulled"))
                    .fact("because", told)
                    .hint(hint)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(told: &str, not_found: bool, hint: &str) {
        let order = PullOrder {
            image: ImageReference::parse("postgres:nope").unwrap(),
            platform: None,
            stall: None,
        };
        let error = Failure::Refused(told.into()).report(&order, "");
        assert_eq!((error.is_image_not_found(), error.is_pull_failed()), (not_found, !not_found));
        let expected = format!(
            "the image `postgres:nope` could not be pulled\n  because: {told}\n  hint: {hint}"
        );
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn says_what_a_registrys_refusal_means() {
        check(
            "manifest for postgres:nope not found: manifest unknown: manifest unknown",
            true,
            "look at the spelling of its name and tag",
        );
        check(
            "pull access denied for postgres, repository does not exist or may require 'docker login'",
            true,
            "look at its spelling; if it is private: `docker login docker.io`",
        );
        check(
            "unauthorized: authentication required",
            false,
            "log in first: `docker login docker.io`",
        );
        check(
            "toomanyrequests: You have reached your pull rate limit.",
            false,
            "log in (`docker login docker.io`) for a higher limit, or use a mirror",
        );
        check(
            "dial tcp 127.0.0.1:5999: connect: connection refused",
            false,
            "look at whether `docker.io` is reached from the engine's machine",
        );
    }
}
