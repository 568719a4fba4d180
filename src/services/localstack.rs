//! LocalStack, a stand-in for AWS, by the documented interface of its image. Not run by our tests.

use super::common::common_methods;
use super::running::Running;
use super::service::Service;
use crate::request::ContainerRequest;
use crate::wait::Wait;

const PORT: u16 = 4566;

/// LocalStack: `localstack/localstack:3.8`. Key and secret are `test`, the region is `us-east-1`.
///
/// What runs containers itself (Lambda) needs the engine's socket:
/// `.with(|request| request.volume("/var/run/docker.sock:/var/run/docker.sock"))`. That hands it the engine, and what it starts
/// there is its own to remove.
///
/// # Examples
///
/// ```no_run
/// use longshore::services;
///
/// # async fn example() -> longshore::Result<()> {
/// let aws = services::localstack().only(["s3", "sqs"]).start().await?;
/// println!("{}", aws.url()); // http://127.0.0.1:32768, the endpoint of all services
/// # Ok(())
/// # }
/// ```
pub fn localstack() -> Localstack {
    Localstack { only: Vec::new(), more: ContainerRequest::new("localstack/localstack:3.8") }
}

/// A LocalStack that is to be started; see [`localstack`].
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a service does nothing until it is started"]
pub struct Localstack {
    only: Vec<String>,
    more: ContainerRequest,
}

/// A LocalStack that runs.
pub type LocalstackContainer = Running<Localstack>;

impl Localstack {
    /// Only these services of AWS, as `["s3", "sqs"]`; all, if not said. They start when they are first used.
    pub fn only<I: IntoIterator<Item = S>, S: Into<String>>(mut self, services: I) -> Self {
        self.only = services.into_iter().map(Into::into).collect();
        self
    }
}

common_methods!(Localstack);

impl Service for Localstack {
    fn request(&self) -> ContainerRequest {
        let mut request = ContainerRequest::new(self.more.image())
            .publish(PORT)
            .wait(Wait::http("/_localstack/health").port(PORT));
        if !self.only.is_empty() {
            request =
                request.env("SERVICES", self.only.join(",")).env("STRICT_SERVICE_LOADING", "1");
        }
        self.more.clone().on_top_of(request)
    }

    fn port(&self) -> u16 {
        PORT
    }

    fn url(&self, address: &str) -> String {
        format!("http://{address}")
    }
}

impl Running<Localstack> {
    /// The access key, which is the secret key as well.
    pub fn key(&self) -> &'static str {
        "test"
    }

    /// The region.
    pub fn region(&self) -> &'static str {
        "us-east-1"
    }
}
