//! [`Running`]: the handle of a service that was started, for async and blocking code alike. Asking it costs nothing; it must
//! never talk to an engine itself.

use std::fmt;
use std::future::Future;
use std::ops::{Deref, DerefMut};

use super::service::Service;
use crate::blocking;
use crate::container::{Container, Reach};
use crate::engine::Address;
use crate::error::Result;
use crate::session::Kept;

/// A service that runs: its container with what is known about it. Dropping the handle removes the container, or gives it back if
/// it is shared.
///
/// It is a [`Container`], whose verbs it has: `db.exec(..).await?`, `db.logs().await?`. In code without async the same verbs are
/// behind [`blocking`](Self::blocking): `db.blocking().exec(..)?`. Where and how it is reached is asked without any I/O, and is
/// right also after a restart, which moves random host ports.
#[must_use = "a container is removed as soon as its handle is dropped"]
pub struct Running<S: Service> {
    container: blocking::Container,
    service: S,
    /// Where it is reached, or was when that was last known.
    address: Address,
}

impl<S: Service> Running<S> {
    /// A service whose container was started by other means: by its [request](Service::request) and
    /// [`start_with`](crate::ContainerRequest::start_with), say.
    ///
    /// # Errors
    ///
    /// When the container does not publish the service's port; the container is removed then.
    pub fn new(service: S, container: Container) -> Result<Self> {
        let address = container.address(service.port())?;
        Ok(Running { container: blocking::Container::new(container), service, address })
    }

    /// Where clients on this machine reach it.
    pub fn url(&self) -> String {
        self.service.url(self.reached_at().as_str())
    }

    /// Where other containers reach it that are on a network with it, on which it has this name or alias.
    pub fn url_within(&self, alias: &str) -> String {
        self.service.url(&format!("{alias}:{}", self.service.port_within()))
    }

    /// The host at which clients on this machine reach it: an IP address without brackets, or a remote engine's host name.
    pub fn host(&self) -> String {
        self.reached_at().host().to_owned()
    }

    /// The port on that host.
    pub fn port(&self) -> u16 {
        self.reached_at().port()
    }

    /// What was started.
    pub fn service(&self) -> &S {
        &self.service
    }

    /// The same container with the verbs of code without async.
    pub fn blocking(&self) -> &blocking::Container {
        &self.container
    }

    /// Removes it now and says how that went; dropping the handle does the same. See [`Container::remove`].
    ///
    /// # Errors
    ///
    /// When the engine could not remove it.
    pub fn remove(self) -> impl Future<Output = Result<()>> + Send + 'static {
        self.into_container().remove()
    }

    /// Leaves it as it is, on purpose; see [`Container::keep`].
    ///
    /// # Errors
    ///
    /// When the engine fails; the container is removed then, as by a drop.
    pub fn keep(self) -> impl Future<Output = Result<Kept>> + Send + 'static {
        self.into_container().keep()
    }

    /// The container alone.
    pub fn into_container(self) -> Container {
        self.container.into_async()
    }

    /// The container alone, for code without async.
    pub fn into_blocking(self) -> blocking::Container {
        self.container
    }

    /// Where it is reached, for who outlives this handle.
    #[cfg_attr(not(any(feature = "postgres", feature = "mariadb")), allow(dead_code))]
    pub(super) fn reach(&self) -> Reach {
        self.container.as_async().reach(self.service.port(), self.reached_at())
    }

    fn reached_at(&self) -> Address {
        self.address(self.service.port()).unwrap_or_else(|_| self.address.clone())
    }
}

impl<S: Service> Deref for Running<S> {
    type Target = Container;

    fn deref(&self) -> &Container {
        self.container.as_async()
    }
}

impl<S: Service> DerefMut for Running<S> {
    fn deref_mut(&mut self) -> &mut Container {
        self.container.as_async_mut()
    }
}

impl<S: Service> AsRef<Container> for Running<S> {
    fn as_ref(&self) -> &Container {
        self
    }
}

impl<S: Service> fmt::Debug for Running<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Running({} of {})", self.name(), self.image())
    }
}
