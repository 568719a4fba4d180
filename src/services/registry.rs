//! A registry for images, by the interface of the official image: empty, open to everybody who reaches it.

use super::common::common_methods;
use super::running::Running;
use super::service::Service;
use crate::request::ContainerRequest;
use crate::wait::Wait;

const PORT: u16 = 5000;

/// A registry to push to and pull from: `registry:2`, over plain HTTP, which engines accept on loopback.
///
/// # Examples
///
/// ```no_run
/// use longshore::{services, Engine};
///
/// # async fn example() -> longshore::Result<()> {
/// let registry = services::registry().start().await?;
/// let images = Engine::connect().await?.images();
/// let name = registry.image_name("mine:1");
/// images.tag("busybox:1.35", &name).await?;
/// images.push(&name).await?;
/// # Ok(())
/// # }
/// ```
pub fn registry() -> Registry {
    Registry { more: ContainerRequest::new("registry:2") }
}

/// A registry that is to be started; see [`registry`].
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a service does nothing until it is started"]
pub struct Registry {
    more: ContainerRequest,
}

/// A registry that runs.
pub type RegistryContainer = Running<Registry>;

common_methods!(Registry);

impl Service for Registry {
    fn request(&self) -> ContainerRequest {
        let request = ContainerRequest::new(self.more.image()).publish(PORT);
        self.more.clone().on_top_of(request.wait(Wait::http("/v2/").port(PORT)))
    }

    fn port(&self) -> u16 {
        PORT
    }

    fn url(&self, address: &str) -> String {
        format!("http://{address}")
    }
}

impl Running<Registry> {
    /// The name that an image has in this registry: `127.0.0.1:32768/mine:1` for `mine:1`.
    pub fn image_name(&self, name: &str) -> String {
        // Not by its parts: an IPv6 address has its brackets in the text.
        format!("{}/{name}", self.url().trim_start_matches("http://"))
    }
}
