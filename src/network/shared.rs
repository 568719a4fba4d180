//! Networks that everybody in the process shares who asks for the same name. Each is made by the first who asks, on the
//! engine under a name that no other process has.
//!
//! ```text
//! asker ── draft with its guard ──┐
//! asker ── draft with its guard ──┼── place (one at a time, on the I/O thread) ── there is one: that
//! asker ── draft with its guard ──┘                                             └─ none: make the draft
//! ```
//!
//! Whoever makes it may go away or fail: its guard cleans up, and the next in line makes another one. The line stands on the
//! I/O thread, so that nobody who is not polled for a while holds up the others.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use super::create::{report, Draft};
use super::handle::{Inner, Network};
use super::network_request::NetworkRequest;
use super::plan::check_name;
use crate::engine::{io, Engine};
use crate::error::{Problems, Result};
use crate::session::check_variables;

/// Where the network of one name is, if there is one. Whoever holds the lock may make it.
type Place = tokio::sync::Mutex<Weak<Inner>>;

/// By the engine's address and the name.
type Places = HashMap<(String, String), Arc<Place>>;

static PLACES: LazyLock<Mutex<Places>> = LazyLock::new(Mutex::default);

impl Network {
    /// The network that all of this process share who ask for this name, on the process's default engine: made by the
    /// first, removed with the last handle.
    ///
    /// Only one is made, however many ask at once, in whatever runtimes. Its [`name`](Network::name) on the engine has a
    /// random part, so that other processes are not in the way. When all handles are gone, whoever asks next gets a new one.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use longshore::{ContainerRequest, Network};
    ///
    /// # async fn example() -> longshore::Result<()> {
    /// let network = Network::shared("backend").await?;
    /// let redis = ContainerRequest::new("redis:7.0")
    ///     .network(&network)
    ///     .network_alias("redis")
    ///     .start()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When `name` cannot be a network's name, or as [`NetworkRequest::create`].
    pub fn shared(
        name: impl Into<String>,
    ) -> impl Future<Output = Result<Network>> + Send + 'static {
        let name = name.into();
        Box::pin(async move {
            check(&name)?;
            shared(&name, Engine::connect().await?).await
        })
    }

    /// As [`shared`](Network::shared), on another engine than the default one. Engines at the same address are the same.
    ///
    /// # Errors
    ///
    /// As [`shared`](Network::shared).
    pub fn shared_on(
        engine: &Engine,
        name: impl Into<String>,
    ) -> impl Future<Output = Result<Network>> + Send + 'static {
        let (engine, name) = (engine.clone(), name.into());
        Box::pin(async move {
            check(&name)?;
            shared(&name, engine).await
        })
    }
}

fn check(name: &str) -> Result<()> {
    check_variables()?;
    io::check_process()?;
    let mut problems = Problems::default();
    problems.take(check_name(name));
    problems.into_result()
}

async fn shared(name: &str, engine: Engine) -> Result<Network> {
    let place = {
        let mut places = PLACES.lock().unwrap_or_else(PoisonError::into_inner);
        places.entry((engine.address(), name.to_owned())).or_default().clone()
    };
    engine.meet().await;
    let request = NetworkRequest::new();
    // Everybody has one, and at most one is made. It is dropped here, where dropping may wait, whatever comes.
    let draft = Draft::new(&request, &request.plan()?, &engine, &format!("longshore-{name}-"), "")?;
    let (mine, id, create) = (Arc::downgrade(&draft.inner), draft.inner.id.clone(), draft.create());
    let outcome = io::run(async move {
        let mut place = place.lock().await;
        if let Some(others) = place.upgrade() {
            return Ok(Some(Network(others)));
        }
        // Nobody else sets it.
        let _ = id.set(create.await?);
        *place = mine;
        Ok(None)
    });
    match outcome.await {
        Ok(Some(others)) => Ok(others),
        Ok(None) => Ok(Network(draft.inner.clone())),
        Err(error) => Err(report(error, &draft.inner)),
    }
}
