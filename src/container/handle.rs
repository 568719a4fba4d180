//! [`Container`]: the handle of a started container. Its verbs are in the files beside this one.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use tokio::sync::Mutex as AsyncMutex;

use super::consumer::Consumers;
use super::feed::{Feed, LAST_OUTPUT_LIMIT};
use super::host_ports::Reservation;
use super::start::Launch;
use crate::engine::{
    io, Address, ContainerPortSpec, Engine, ExitWatch, Host, Inspect, Ports, PublishedPort, Remote,
};
use crate::error::{Error, Kind, Result};
use crate::session::Guard;

/// A container that is this handle's own: dropping the handle removes it.
///
/// Handles can be made, used and dropped in any async runtime or in none, on any thread. Dropping one returns when
/// the container is gone, with its anonymous volumes; nothing is stopped politely unless [`stop`](Container::stop) is
/// called. To remove many, [`remove_all`](crate::remove_all) does so side by side.
#[must_use = "a container is removed as soon as its handle is dropped"]
pub struct Container {
    // Fields are dropped in this order: the container first, then those who still read its output.
    pub(super) guard: Guard,
    /// Reads the output for consumers, or for a container that the engine removes at its end.
    pub(super) feed: OnceLock<Feed>,
    pub(super) consumers: Mutex<Consumers>,
    /// Host ports that no other start in this process takes meanwhile.
    pub(super) _reservation: Reservation,
    pub(super) remote: Remote,
    pub(super) host: Host,
    pub(super) ports: Arc<RwLock<Ports>>,
    pub(super) exit: Mutex<ExitWatch>,
    pub(super) removes_itself: bool,
    /// Whether all of the test run have it.
    pub(super) is_shared: bool,
    /// What the first start is made of, as long as there was none.
    pub(super) unstarted: AsyncMutex<Option<Box<Launch>>>,
}

impl Container {
    /// The full id, 64 hexadecimal digits.
    pub fn id(&self) -> &str {
        self.remote.id()
    }

    /// The name: the request's, or a random one that begins with `longshore-`, or what it was renamed to.
    pub fn name(&self) -> &str {
        self.remote.name()
    }

    /// The image, as the request named it.
    pub fn image(&self) -> &str {
        self.remote.image()
    }

    /// The engine it runs on.
    pub fn engine(&self) -> &Engine {
        self.remote.engine()
    }

    /// Where a published port is reached: `5432`, `"53/udp"`. The first address if there are several, IPv4 before IPv6.
    ///
    /// Looked up once at the start, and again after a restart; asking costs nothing.
    ///
    /// # Errors
    ///
    /// When the port is malformed, or is not published ([`is_not_published`](crate::Error::is_not_published)).
    pub fn address(&self, port: impl ContainerPortSpec) -> Result<Address> {
        Ok(self.addresses(port)?.remove(0))
    }

    /// Every address of a published port, IPv4 first.
    ///
    /// # Errors
    ///
    /// As [`address`](Container::address).
    pub fn addresses(&self, port: impl ContainerPortSpec) -> Result<Vec<Address>> {
        let port = port.container_port()?;
        if self.is_unready() {
            let what = format!("the port `{port}` has no address before the container is started");
            let report = Error::new(Kind::NotPublished, what);
            return Err(self.remote.name_in(report.hint("start it: `container.start()`")));
        }
        let ports = self.ports.read().expect("ports are only ever set whole");
        ports.addresses(port, &self.host).map_err(|error| self.remote.name_in(error))
    }

    /// Where one of its ports is reached, or was when that was last known: for who outlives the handle.
    pub(crate) fn reach(&self, port: u16, last: Address) -> Reach {
        Reach { port, ports: self.ports.clone(), host: self.host.clone(), last }
    }

    /// Makes it a loan: whoever has the guard that this gives removes the container, and dropping or removing the handle only
    /// gives it back.
    pub(crate) fn lend(&mut self) -> Guard {
        self.guard.lend()
    }

    pub(crate) fn remote(&self) -> &Remote {
        &self.remote
    }

    /// Reads again where its ports are published: they may have moved with a start or with its networks.
    pub(crate) fn reread_ports(&self) -> impl Future<Output = Result<Inspect>> + Send + 'static {
        let (inspect, ports) = (self.inspect(), self.ports.clone());
        async move {
            let inspect = inspect.await?;
            *ports.write().expect("ports are only ever set whole") =
                Ports::from_inspect(inspect.raw());
            Ok(inspect)
        }
    }

    /// All published ports with their addresses, in the order of the container's ports (`docker port`). Empty on the host's
    /// network, where every port is its own.
    pub fn ports(&self) -> Vec<PublishedPort> {
        self.ports.read().expect("ports are only ever set whole").all(&self.host)
    }

    /// Asks the engine for the container's state (`docker inspect`).
    ///
    /// # Errors
    ///
    /// When the engine fails or the container is gone.
    pub fn inspect(&self) -> impl Future<Output = Result<Inspect>> + Send + 'static {
        let remote = self.remote.clone();
        async move { remote.inspect().await }
    }
}

/// Where one published port is reached: also after a restart, which moves it, and without the container's handle.
#[derive(Debug, Clone)]
pub(crate) struct Reach {
    port: u16,
    ports: Arc<RwLock<Ports>>,
    host: Host,
    last: Address,
}

impl Reach {
    pub(crate) fn address(&self) -> Address {
        let ports = self.ports.read().expect("ports are only ever set whole");
        let port = self.port.container_port().ok();
        let found = port.and_then(|port| ports.addresses(port, &self.host).ok());
        found.map_or_else(|| self.last.clone(), |mut found| found.remove(0))
    }
}

impl Drop for Container {
    /// The guard removes the container right after this.
    fn drop(&mut self) {
        let remote = self.remote.clone();
        let Some(drain) = self.reader().map(|feed| feed.drain(&remote)) else { return };
        if !self.guard.is_done_with() && io::check_process().is_ok() {
            // It has that limit itself, and some time to notice.
            io::wait_for(2 * LAST_OUTPUT_LIMIT, drain);
        }
    }
}

impl AsRef<Container> for Container {
    fn as_ref(&self) -> &Container {
        self
    }
}

impl fmt::Debug for Container {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Container({} of {})", self.name(), self.image())
    }
}
