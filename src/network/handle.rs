//! [`Network`]: the handle of a network that longshore has made, its verbs and its removal.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, OnceLock};

use super::endpoint::Endpoint;
use super::inspect::NetworkInspect;
use super::network_request::NetworkRequest;
use super::remote::RemoteNetwork;
use crate::container::Container;
use crate::engine::{io, Engine};
use crate::error::Result;
use crate::session::{Guard, Kept};

/// A network that is this handle's own: dropping the handle removes it.
///
/// What is still on it then is disconnected by force and goes on, so that handles can be dropped in any order. (Ports that
/// such a container published over it are published no more, or elsewhere.) Handles can
/// be made, used and dropped in any async runtime or in none, on any thread. Those that [`Network::shared`] gives are
/// counted: the last one removes the network.
///
/// # Examples
///
/// Two containers that talk by name:
///
/// ```no_run
/// use longshore::{ContainerRequest, Network, Wait};
///
/// # async fn example() -> longshore::Result<()> {
/// let network = Network::create().await?;
/// let web = ContainerRequest::new("busybox:1.35")
///     .network(&network)
///     .network_alias("web")
///     .cmd(["sh", "-c", "echo hello > index.html; exec httpd -f"])
///     .wait(Wait::running())
///     .start()
///     .await?;
/// let client = ContainerRequest::new("busybox:1.35")
///     .network(&network)
///     .cmd(["sleep", "600"])
///     .start()
///     .await?;
/// let page = client.exec(["wget", "-qO-", "http://web/"]).await?.ok()?;
/// assert_eq!(page.stdout_str()?, "hello\n");
/// # Ok(())
/// # }
/// ```
#[must_use = "a network is removed as soon as its handle is dropped"]
pub struct Network(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) guard: Guard,
    pub(super) engine: Engine,
    pub(super) name: String,
    /// Set before anybody has a handle.
    pub(super) id: Arc<OnceLock<String>>,
}

impl Network {
    /// A fresh network with Docker's defaults and a random name, on the process's default engine; for anything else
    /// see [`NetworkRequest`].
    ///
    /// # Errors
    ///
    /// As [`NetworkRequest::create`].
    pub fn create() -> impl Future<Output = Result<Network>> + Send + 'static {
        NetworkRequest::new().create()
    }

    /// The full id.
    pub fn id(&self) -> &str {
        self.0.id.get().map_or("", String::as_str)
    }

    /// The name: the request's, or a random one that begins with `longshore-`.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The engine that it is on.
    pub fn engine(&self) -> &Engine {
        &self.0.engine
    }

    /// Asks the engine for the network's state and who is on it (`docker network inspect`).
    ///
    /// # Errors
    ///
    /// When the engine fails or the network is gone.
    pub fn inspect(&self) -> impl Future<Output = Result<NetworkInspect>> + Send + 'static {
        self.remote().inspect()
    }

    /// Connects a container to it, beside the networks that it is on (`docker network connect`). `container` is a
    /// [`Container`] or a [`blocking::Container`](crate::blocking::Container), and may be stopped.
    ///
    /// Where its ports are published may change by that: ask for addresses again.
    ///
    /// # Errors
    ///
    /// When it is connected already, shares another one's network (`host`, `none`, `container:`), or the engine fails.
    pub fn connect(
        &self,
        container: &impl AsRef<Container>,
    ) -> impl Future<Output = Result<()>> + Send + 'static {
        self.connect_with(container, Endpoint::new())
    }

    /// As [`connect`](Network::connect), with aliases, fixed addresses and more.
    ///
    /// # Errors
    ///
    /// As [`connect`](Network::connect), and when the endpoint is wrong in itself or its address is taken.
    pub fn connect_with(
        &self,
        container: &impl AsRef<Container>,
        endpoint: Endpoint,
    ) -> impl Future<Output = Result<()>> + Send + 'static {
        self.remote().connect(container.as_ref(), endpoint)
    }

    /// Takes a container off it (`docker network disconnect`).
    ///
    /// Where its ports are published may change by that: ask for addresses again.
    ///
    /// # Errors
    ///
    /// When it is not connected or the engine fails.
    pub fn disconnect(
        &self,
        container: &impl AsRef<Container>,
    ) -> impl Future<Output = Result<()>> + Send + 'static {
        self.remote().disconnect(container.as_ref(), false)
    }

    /// Takes a container off it, whatever state the two are in (`docker network disconnect --force`).
    ///
    /// # Errors
    ///
    /// When it is not connected or the engine fails.
    pub fn disconnect_by_force(
        &self,
        container: &impl AsRef<Container>,
    ) -> impl Future<Output = Result<()>> + Send + 'static {
        self.remote().disconnect(container.as_ref(), true)
    }

    /// Removes it now and says how that went; dropping the handle does the same. What is still on it is disconnected. A
    /// shared one is only given back, unless this was its last handle.
    ///
    /// # Errors
    ///
    /// When the engine could not remove it. It was tried again for half a minute then.
    pub async fn remove(self) -> Result<()> {
        io::check_process()?;
        let remote = self.remote();
        let Some(inner) = Arc::into_inner(self.0) else { return Ok(()) };
        inner
            .guard
            .remove()
            .await
            .map_err(|error| remote.name_in(error.while_trying("the network could not be removed")))
    }

    /// Leaves it where it is, on purpose: nothing of longshore's removes it any more, neither here nor in another process, nor
    /// other handles of a shared one. Says on standard error how to remove it. With `LONGSHORE_KEEP=never` it is left to the
    /// end of the process only.
    ///
    /// # Errors
    ///
    /// When the engine fails; the network is removed then, as by a drop.
    pub async fn keep(self) -> Result<Kept> {
        io::check_process()?;
        let kept = self.0.guard.keep().await.map_err(|error| {
            let report = error.while_trying("the network could not be kept");
            self.remote().name_in(report)
        })?;
        kept.tell();
        Ok(kept)
    }

    fn remote(&self) -> RemoteNetwork {
        let name = self.name().to_owned();
        RemoteNetwork::new(self.engine().clone(), self.id().to_owned(), name)
    }
}

impl From<&Network> for String {
    /// Its name: what [`ContainerRequest::network`](crate::ContainerRequest::network) takes.
    fn from(network: &Network) -> String {
        network.name().to_owned()
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Network({})", self.name())
    }
}
