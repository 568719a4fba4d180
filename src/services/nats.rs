//! NATS, by the documented interface of its official image.

use super::common::{common_methods, login};
use super::running::Running;
use super::service::Service;
use crate::request::ContainerRequest;
use crate::wait::Wait;

const PORT: u16 = 4222;

/// NATS: `nats:2.9`, open to everybody who reaches it.
///
/// # Examples
///
/// ```no_run
/// use longshore::services;
///
/// # async fn example() -> longshore::Result<()> {
/// let nats = services::nats().jetstream().start().await?;
/// println!("{}", nats.url()); // nats://127.0.0.1:32768
/// # Ok(())
/// # }
/// ```
pub fn nats() -> Nats {
    Nats { login: None, options: Vec::new(), more: ContainerRequest::new("nats:2.9") }
}

/// A NATS server that is to be started; see [`nats`].
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a service does nothing until it is started"]
pub struct Nats {
    login: Option<(String, String)>,
    options: Vec<String>,
    more: ContainerRequest,
}

/// A NATS server that runs.
pub type NatsContainer = Running<Nats>;

impl Nats {
    /// A user, whom clients have to be then, and the user's password.
    pub fn login(mut self, user: impl Into<String>, password: impl Into<String>) -> Self {
        self.login = Some((user.into(), password.into()));
        self
    }

    /// With streams that are kept (`--jetstream`).
    pub fn jetstream(mut self) -> Self {
        self.options.push("--jetstream".into());
        self
    }

    /// One of its own options with its value, such as `("--name", "a")`.
    pub fn option(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.extend([name.into(), value.into()]);
        self
    }
}

common_methods!(Nats);

impl Service for Nats {
    fn request(&self) -> ContainerRequest {
        let mut words = self.options.clone();
        if let Some((user, password)) = &self.login {
            words.extend(["--user".into(), user.clone(), "--pass".into(), password.clone()]);
        }
        // It speaks first.
        let request = ContainerRequest::new(self.more.image())
            .publish(PORT)
            .cmd(words)
            .wait(Wait::tcp(PORT).answer_contains("INFO"));
        self.more.clone().on_top_of(request)
    }

    fn port(&self) -> u16 {
        PORT
    }

    fn url(&self, address: &str) -> String {
        let login = self.login.as_ref().map(|(user, password)| login(user, password));
        format!("nats://{}{address}", login.unwrap_or_default())
    }
}

impl Running<Nats> {
    /// The user's name, if there is one.
    pub fn user(&self) -> Option<&str> {
        self.service().login.as_ref().map(|(user, _)| user.as_str())
    }

    /// The user's password, if there is one.
    pub fn password(&self) -> Option<&str> {
        self.service().login.as_ref().map(|(_, password)| password.as_str())
    }
}
