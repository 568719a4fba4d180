//! RabbitMQ, by the documented interface of its official image.

use super::common::{common_methods, login, url_part};
use super::running::Running;
use super::service::Service;
use crate::request::{ContainerRequest, CopyIn, CopySource};
use crate::wait::Wait;

const PORT: u16 = 5672;

/// RabbitMQ: `rabbitmq:3.10`, user `guest`, password `guest`, virtual host `/`.
///
/// With its management page: `.tag("3.10-management").with(|request| request.publish(15672))`, and
/// `broker.address(15672)?` is where that is.
///
/// # Examples
///
/// ```no_run
/// use longshore::services;
///
/// # async fn example() -> longshore::Result<()> {
/// let broker = services::rabbitmq().vhost("orders").start().await?;
/// println!("{}", broker.url()); // amqp://guest:guest@127.0.0.1:32768/orders
/// # Ok(())
/// # }
/// ```
pub fn rabbitmq() -> Rabbitmq {
    Rabbitmq {
        user: "guest".into(),
        password: "guest".into(),
        vhost: "/".into(),
        config: None,
        more: ContainerRequest::new("rabbitmq:3.10"),
    }
}

/// A RabbitMQ broker that is to be started; see [`rabbitmq`].
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a service does nothing until it is started"]
pub struct Rabbitmq {
    user: String,
    password: String,
    vhost: String,
    config: Option<CopyIn>,
    more: ContainerRequest,
}

/// A RabbitMQ broker that runs.
pub type RabbitmqContainer = Running<Rabbitmq>;

impl Rabbitmq {
    /// The user's name.
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.user = name.into();
        self
    }

    /// The user's password.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = password.into();
        self
    }

    /// The virtual host that is made, and that the URL names.
    pub fn vhost(mut self, name: impl Into<String>) -> Self {
        self.vhost = name.into();
        self
    }

    /// Configuration, as in `rabbitmq.conf`, beside the image's own: a path on this machine, or [`CopySource::bytes`].
    pub fn config(mut self, source: impl Into<CopySource>) -> Self {
        let target = "/etc/rabbitmq/conf.d/90-test.conf";
        self.config = Some(CopyIn::new(source, target).mode(0o644));
        self
    }
}

common_methods!(Rabbitmq);

impl Service for Rabbitmq {
    fn request(&self) -> ContainerRequest {
        let request = match self.more.is_warm() {
            // Its data folder is called after the host.
            true => ContainerRequest::new(self.more.image()).hostname("rabbitmq"),
            false => ContainerRequest::new(self.more.image()),
        };
        let request = request
            .publish(PORT)
            .env("RABBITMQ_DEFAULT_USER", &self.user)
            .env("RABBITMQ_DEFAULT_PASS", &self.password)
            .env("RABBITMQ_DEFAULT_VHOST", &self.vhost)
            // The greeting of AMQP 0-9-1, which it answers with its `start` method. It listens at the end of its start.
            .wait(Wait::tcp(PORT).send(b"AMQP\0\0\x09\x01".to_vec()).answer_contains("RabbitMQ"));
        self.more
            .clone()
            .on_top_of(self.config.iter().cloned().fold(request, ContainerRequest::copy))
    }

    fn port(&self) -> u16 {
        PORT
    }

    fn url(&self, address: &str) -> String {
        format!("amqp://{}{address}/{}", login(&self.user, &self.password), url_part(&self.vhost))
    }
}

impl Running<Rabbitmq> {
    /// The user's name.
    pub fn user(&self) -> &str {
        &self.service().user
    }

    /// The user's password.
    pub fn password(&self) -> &str {
        &self.service().password
    }

    /// The name of the virtual host.
    pub fn vhost(&self) -> &str {
        &self.service().vhost
    }
}
