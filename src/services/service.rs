//! [`Service`]: what makes a request a service. What users implement for services of their own; must know none of ours.

use std::future::Future;

use super::running::Running;
use crate::blocking::{block_on, with_runtime_if};
use crate::container::Container;
use crate::engine::Engine;
use crate::error::Result;
use crate::request::{ContainerRequest, Hooks};

/// Something that is started as a container and reached at a URL.
///
/// The ready-made ones are in [`services`](crate::services). One of your own is a type with what can be said about it, and three
/// methods: what is started, and where and how it is reached. All else is given: it can be [started](Self::start),
/// [shared](Self::start_shared), and its handle is [`Running`] of it.
///
/// # Examples
///
/// ```no_run
/// use longshore::services::{Running, Service};
/// use longshore::{ContainerRequest, Wait};
///
/// #[derive(Clone)]
/// struct Greeter {
///     greeting: String,
/// }
///
/// impl Service for Greeter {
///     fn request(&self) -> ContainerRequest {
///         ContainerRequest::new("busybox:1.35")
///             .env("GREETING", &self.greeting)
///             .cmd(["sh", "-c", "mkdir /www; echo $GREETING >/www/index.html; exec httpd -f -h /www"])
///             .publish(80)
///             .wait(Wait::http("/"))
///     }
///
///     fn port(&self) -> u16 {
///         80
///     }
///
///     fn url(&self, address: &str) -> String {
///         format!("http://{address}/")
///     }
/// }
///
/// # async fn example() -> longshore::Result<()> {
/// let greeter: Running<Greeter> = Greeter { greeting: "hello".into() }.start().await?;
/// println!("{} says {}", greeter.url(), greeter.service().greeting);
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a service",
    note = "implement `longshore::services::Service`: `request`, `port` and `url`"
)]
pub trait Service: Clone + Send + Sync + 'static {
    /// What is started: with its waits, and with [`port`](Self::port) published.
    fn request(&self) -> ContainerRequest;

    /// The TCP port in the container at which clients reach it.
    fn port(&self) -> u16;

    /// The URL for clients that reach it at `address`, which is a host and a port: `127.0.0.1:32768`, `[::1]:32768`, `db:5432`.
    fn url(&self, address: &str) -> String;

    /// The TCP port in the container at which other containers reach it, if that is another one.
    fn port_within(&self) -> u16 {
        self.port()
    }

    /// What has to be done or awaited at its start that is no data; nothing, usually. A service that is shared may have waits and
    /// no consumers of output.
    fn hooks(&self) -> Hooks {
        Hooks::new()
    }

    /// An error if it cannot be what it says, before anything is started: a file that is missing, say. The request is checked
    /// besides.
    ///
    /// # Errors
    ///
    /// By default none.
    fn check(&self) -> Result<()> {
        Ok(())
    }

    /// Starts it on the process's default engine and returns when it is ready; see [`ContainerRequest::start`].
    ///
    /// # Errors
    ///
    /// As [`ContainerRequest::start`], and when the request does not publish [`port`](Self::port).
    fn start(&self) -> impl Future<Output = Result<Running<Self>>> + Send + 'static {
        start(self.clone(), Lasts::AsItsHandle, None)
    }

    /// As [`start`](Self::start), on another engine than the default one.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    fn start_on(
        &self,
        engine: &Engine,
    ) -> impl Future<Output = Result<Running<Self>>> + Send + 'static {
        start(self.clone(), Lasts::AsItsHandle, Some(engine.clone()))
    }

    /// Gives the one that all of this test run share that ask for the same; see [`ContainerRequest::start_shared`].
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    fn start_shared(&self) -> impl Future<Output = Result<Running<Self>>> + Send + 'static {
        start(self.clone(), Lasts::AsTheTestRun, None)
    }

    /// As [`start_shared`](Self::start_shared), on another engine than the default one.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    fn start_shared_on(
        &self,
        engine: &Engine,
    ) -> impl Future<Output = Result<Running<Self>>> + Send + 'static {
        start(self.clone(), Lasts::AsTheTestRun, Some(engine.clone()))
    }

    /// As [`start`](Self::start), blocking this thread. Waits of [`hooks`](Self::hooks) run on this thread, with a tokio runtime
    /// to use.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    fn start_blocking(&self) -> Result<Running<Self>> {
        blocking(self, self.start())
    }

    /// As [`start_on`](Self::start_on), blocking this thread.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    fn start_on_blocking(&self, engine: &Engine) -> Result<Running<Self>> {
        blocking(self, self.start_on(engine))
    }

    /// As [`start_shared`](Self::start_shared), blocking this thread.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    fn start_shared_blocking(&self) -> Result<Running<Self>> {
        blocking(self, self.start_shared())
    }

    /// As [`start_shared_on`](Self::start_shared_on), blocking this thread.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    fn start_shared_on_blocking(&self, engine: &Engine) -> Result<Running<Self>> {
        blocking(self, self.start_shared_on(engine))
    }
}

/// For how long a service is wanted.
pub(super) enum Lasts {
    AsItsHandle,
    AsTheTestRun,
}

pub(super) async fn start<S: Service>(
    service: S,
    lasts: Lasts,
    engine: Option<Engine>,
) -> Result<Running<S>> {
    service.check()?;
    let (request, hooks) = (service.request(), service.hooks());
    let container: Container = match (lasts, engine) {
        (Lasts::AsItsHandle, None) => request.start_with(hooks).await?,
        (Lasts::AsItsHandle, Some(engine)) => request.start_on_with(&engine, hooks).await?,
        (Lasts::AsTheTestRun, None) => request.start_shared_with("", hooks).await?,
        (Lasts::AsTheTestRun, Some(engine)) => {
            request.start_shared_on_with(&engine, "", hooks).await?
        }
    };
    Running::new(service, container)
}

/// Awaits a start on this thread, where waits of the user's run as well.
fn blocking<S: Service>(
    service: &S,
    start: impl Future<Output = Result<Running<S>>>,
) -> Result<Running<S>> {
    with_runtime_if(!service.hooks().waits.is_empty(), || block_on(start))
}
