//! Pulling an image, once however many ask for it at the same time in this process.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use futures::future::{BoxFuture, FutureExt, Shared};
use futures::StreamExt;
use longshore_syntax::ImageReference;

use super::credentials;
use super::progress::Progress;
use crate::engine::{io, ApiError, Engine};
use crate::error::{Error, Kind};

/// A pull that makes no progress for this long is given up. There is no limit for the whole: images are large and lines
/// are slow.
const DEFAULT_STALL: Duration = Duration::from_secs(60);

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
pub(crate) async fn pull(
    engine: &Engine,
    order: &PullOrder,
    missing: Instant,
) -> Result<(), Error> {
    if order.image.is_id() {
        let what = format!("there is no image `{}`", order.image);
        return Err(Error::new(Kind::ImageNotFound, what)
            .fact("because", "the engine has none with this id, and an id cannot be pulled")
            .hint("keep the handle of a committed image as long as containers are made of it"));
    }
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
    joined.await.map_err(|failure| failure.report(order).fact("engine", engine.to_string()))
}

async fn pull_now(engine: &Engine, order: &PullOrder) -> Result<(), Failure> {
    let mut progress = Progress::start(&order.image.familiar());
    let outcome = follow(engine, order, &mut progress).await;
    progress.end(if outcome.is_ok() { "done" } else { "failed" });
    outcome
}

async fn follow(
    engine: &Engine,
    order: &PullOrder,
    progress: &mut Progress,
) -> Result<(), Failure> {
    let registry = order.image.registry().to_owned();
    let credentials = tokio::task::spawn_blocking(move || credentials::for_registry(&registry))
        .await
        .ok()
        .flatten();
    let stall = order.stall.unwrap_or(DEFAULT_STALL);
    let name = match order.image.registry() {
        "docker.io" => {
            let repository = order.image.repository();
            repository.strip_prefix("library/").unwrap_or(repository).to_owned()
        }
        registry => format!("{registry}/{}", order.image.repository()),
    };
    let tag = order.image.digest().or(order.image.tag()).unwrap_or("latest").to_owned();
    let options = bollard::query_parameters::CreateImageOptions {
        from_image: Some(name),
        tag: Some(tag),
        platform: order.platform.clone().unwrap_or_default(),
        ..Default::default()
    };
    let mut stream = engine.client().docker().create_image(Some(options), None, credentials);
    loop {
        match tokio::time::timeout(stall, stream.next()).await {
            Err(_) => return Err(Failure::Stalled(stall)),
            Ok(None) => return Ok(()),
            Ok(Some(Ok(info))) => progress.saw(&info),
            Ok(Some(Err(error))) => {
                let told = match ApiError::from(error) {
                    ApiError::Refused { message, .. } => message,
                    other => other.to_string(),
                };
                return Err(Failure::Refused(told.trim().to_owned()));
            }
        }
    }
}

impl Failure {
    fn report(self, order: &PullOrder) -> Error {
        let (image, registry) = (order.image.familiar(), order.image.registry());
        match self {
            Failure::Stalled(limit) => {
                Error::new(Kind::Pull, format!("pulling the image `{image}` made no progress for {limit:?}"))
                    .hint("look at the network and the registry, or give it longer with `.pull_stall_timeout(..)`")
            }
            Failure::Refused(told) => {
                let says = |words: &[&str]| words.iter().any(|word| told.to_lowercase().contains(word));
                let denied = says(&["denied", "unauthorized", "authentication required", "no basic auth credentials"]);
                // Docker Hub denies access to what does not exist, so a denial there may be a misspelling.
                let missing = says(&["manifest unknown", "not found", "no such image", "name unknown", "does not exist"]);
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
                Error::new(kind, format!("the image `{image}` could not be pulled")).fact("because", told).hint(hint)
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
        let error = Failure::Refused(told.into()).report(&order);
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
