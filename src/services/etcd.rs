//! etcd, by the documented interface of its project's image.

use super::common::common_methods;
use super::running::Running;
use super::service::Service;
use crate::request::ContainerRequest;
use crate::wait::Wait;

const PORT: u16 = 2379;

/// etcd: `quay.io/coreos/etcd:v3.5.16`, one member, open to everybody who reaches it, and without flushing to the disk.
///
/// # Examples
///
/// ```no_run
/// use longshore::services;
///
/// # async fn example() -> longshore::Result<()> {
/// let etcd = services::etcd().start().await?;
/// println!("{}", etcd.url()); // http://127.0.0.1:32768
/// # Ok(())
/// # }
/// ```
pub fn etcd() -> Etcd {
    Etcd {
        options: Vec::new(),
        is_durable: false,
        more: ContainerRequest::new("quay.io/coreos/etcd:v3.5.16"),
    }
}

/// An etcd that is to be started; see [`etcd`].
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a service does nothing until it is started"]
pub struct Etcd {
    options: Vec<String>,
    is_durable: bool,
    more: ContainerRequest,
}

/// An etcd that runs.
pub type EtcdContainer = Running<Etcd>;

impl Etcd {
    /// One of its own options with its value, such as `("quota-backend-bytes", "100000000")`.
    pub fn option(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.options.push(format!("--{}={}", name.as_ref(), value.as_ref()));
        self
    }

    /// What is written is on the disk, as in production. Versions before 3.5 are always so, and do not know the option to be
    /// otherwise: say this with them.
    pub fn durable(mut self) -> Self {
        self.is_durable = true;
        self
    }
}

common_methods!(Etcd);

impl Service for Etcd {
    fn request(&self) -> ContainerRequest {
        // Clients that look at the members are told the advertised URL, which is the container's own. Few do unless asked to
        // (`AutoSync`), and no URL is right for both sides before the host port is known.
        let mut words = vec![
            "etcd".to_owned(),
            format!("--listen-client-urls=http://0.0.0.0:{PORT}"),
            format!("--advertise-client-urls=http://127.0.0.1:{PORT}"),
        ];
        if !self.is_durable {
            words.push("--unsafe-no-fsync".into());
        }
        words.extend(self.options.iter().cloned());
        let request = ContainerRequest::new(self.more.image())
            .publish(PORT)
            .cmd(words)
            .wait(Wait::http("/health").port(PORT).body_contains("true"));
        self.more.clone().on_top_of(request)
    }

    fn port(&self) -> u16 {
        PORT
    }

    fn url(&self, address: &str) -> String {
        format!("http://{address}")
    }
}
