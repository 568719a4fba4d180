//! The networks of one engine: where `docker network ..` begins for those that nobody holds a handle of.

use std::future::Future;

use super::endpoint::Endpoint;
use super::filters::NetworkFilters;
use super::inspect::NetworkInspect;
use super::remote::RemoteNetwork;
use crate::container::Container;
use crate::engine::{get_networks, io, ApiError, Engine};
use crate::error::Result;

/// The networks of an engine, whoever made them, as `docker network`: see its methods.
///
/// # Examples
///
/// ```no_run
/// use longshore::{Engine, NetworkFilters};
///
/// # async fn example() -> longshore::Result<()> {
/// let networks = Engine::connect().await?.networks();
/// for network in networks.list(NetworkFilters::new().driver("bridge").custom()).await? {
///     println!("{} {:?}", network.name(), network.subnets());
/// }
/// assert_eq!(networks.inspect("bridge").await?.driver(), "bridge");
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Networks {
    pub(crate) engine: Engine,
}

impl Engine {
    /// The engine's networks (`docker network ..`).
    pub fn networks(&self) -> Networks {
        Networks { engine: self.clone() }
    }
}

impl Networks {
    /// The networks that the filters let through (`docker network ls`). Who is on one, only
    /// [`inspect`](Networks::inspect) tells.
    ///
    /// # Errors
    ///
    /// When the engine fails or does not know a filter.
    pub fn list(
        &self,
        filters: NetworkFilters,
    ) -> impl Future<Output = Result<Vec<NetworkInspect>>> + Send + 'static {
        let engine = self.engine.clone();
        async move {
            io::check_process()?;
            let asked = engine.clone();
            io::run(async move { list(&asked, filters).await }).await.map_err(|error| {
                error
                    .while_trying("the networks could not be listed")
                    .fact("engine", engine.to_string())
            })
        }
    }

    /// What the engine says of one, by name or id (`docker network inspect`).
    ///
    /// # Errors
    ///
    /// When there is none ([`is_not_found`](crate::Error::is_not_found)), or the engine fails.
    pub fn inspect(
        &self,
        network: impl Into<String>,
    ) -> impl Future<Output = Result<NetworkInspect>> + Send + 'static {
        self.remote(network.into()).inspect()
    }

    /// Removes one, by name or id (`docker network rm`).
    ///
    /// # Errors
    ///
    /// When there is none ([`is_not_found`](crate::Error::is_not_found)), a container is on it, or the engine fails.
    pub fn remove(
        &self,
        network: impl Into<String>,
    ) -> impl Future<Output = Result<()>> + Send + 'static {
        self.remote(network.into()).remove()
    }

    /// Connects a container to one, by name or id, such as `"bridge"`; see [`Network::connect`](crate::Network::connect).
    ///
    /// # Errors
    ///
    /// As [`Network::connect_with`](crate::Network::connect_with), and when there is no such network.
    pub fn connect(
        &self,
        network: impl Into<String>,
        container: &impl AsRef<Container>,
        endpoint: Endpoint,
    ) -> impl Future<Output = Result<()>> + Send + 'static {
        self.remote(network.into()).connect(container.as_ref(), endpoint)
    }

    /// Takes a container off one, by name or id (`docker network disconnect`).
    ///
    /// # Errors
    ///
    /// When it is not connected, there is no such network, or the engine fails.
    pub fn disconnect(
        &self,
        network: impl Into<String>,
        container: &impl AsRef<Container>,
    ) -> impl Future<Output = Result<()>> + Send + 'static {
        self.remote(network.into()).disconnect(container.as_ref(), false)
    }

    fn remote(&self, network: String) -> RemoteNetwork {
        RemoteNetwork::new(self.engine.clone(), network.clone(), network)
    }
}

/// On the I/O thread.
async fn list(
    engine: &Engine,
    mut filters: NetworkFilters,
) -> Result<Vec<NetworkInspect>, ApiError> {
    // Docker looks at this before it knows who is on a network; Podman does not.
    let dangling = if engine.is_podman() { None } else { filters.take_dangling() };
    let path = format!("/networks{}", filters.to_query());
    let found = get_networks(engine, &path).await?;
    let listed = found.as_array().into_iter().flatten().cloned().map(NetworkInspect::new);
    let Some(dangling) = dangling else { return Ok(listed.collect()) };
    let mut chosen = Vec::new();
    for network in listed {
        let is_used = match network.name() {
            "bridge" | "host" | "none" => true,
            _ => {
                let path = format!("/networks/{}", network.id());
                match get_networks(engine, &path).await {
                    Ok(raw) => !NetworkInspect::new(raw).containers().is_empty(),
                    // Gone meanwhile: it is neither.
                    Err(error) if error.is_not_found() => continue,
                    Err(error) => return Err(error),
                }
            }
        };
        if is_used != dangling {
            chosen.push(network);
        }
    }
    Ok(chosen)
}
