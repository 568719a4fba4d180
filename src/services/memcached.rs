//! memcached, by the documented interface of its official image.

use super::common::common_methods;
use super::running::Running;
use super::service::Service;
use crate::request::ContainerRequest;
use crate::wait::Wait;

const PORT: u16 = 11211;

/// memcached: `memcached:1.6`.
///
/// # Examples
///
/// ```no_run
/// use longshore::services;
///
/// # async fn example() -> longshore::Result<()> {
/// let cache = services::memcached().start().await?;
/// println!("{}", cache.url()); // memcache://127.0.0.1:32768
/// # Ok(())
/// # }
/// ```
pub fn memcached() -> Memcached {
    Memcached { options: Vec::new(), more: ContainerRequest::new("memcached:1.6") }
}

/// A memcached that is to be started; see [`memcached`].
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a service does nothing until it is started"]
pub struct Memcached {
    options: Vec<String>,
    more: ContainerRequest,
}

/// A memcached that runs.
pub type MemcachedContainer = Running<Memcached>;

impl Memcached {
    /// One of its own options with its value, such as `("--memory-limit", "128")` or `("-I", "4m")`.
    pub fn option(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.extend([name.into(), value.into()]);
        self
    }
}

common_methods!(Memcached);

impl Service for Memcached {
    fn request(&self) -> ContainerRequest {
        let words = std::iter::once("memcached".to_owned()).chain(self.options.iter().cloned());
        let request = ContainerRequest::new(self.more.image())
            .publish(PORT)
            .cmd(words)
            .wait(Wait::tcp(PORT).send("version\r\n").answer_contains("VERSION"));
        self.more.clone().on_top_of(request)
    }

    fn port(&self) -> u16 {
        PORT
    }

    fn url(&self, address: &str) -> String {
        format!("memcache://{address}")
    }
}
