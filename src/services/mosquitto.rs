//! Mosquitto, a broker for MQTT, by the documented interface of its official image.

use super::common::common_methods;
use super::running::Running;
use super::service::Service;
use crate::request::{ContainerRequest, CopyIn, CopySource};
use crate::wait::Wait;

const PORT: u16 = 1883;
const CONFIG: &str = "/mosquitto/config/mosquitto.conf";

/// Mosquitto: `eclipse-mosquitto:2`, open to everybody who reaches it.
///
/// # Examples
///
/// ```no_run
/// use longshore::services;
///
/// # async fn example() -> longshore::Result<()> {
/// let broker = services::mosquitto().start().await?;
/// println!("{}", broker.url()); // mqtt://127.0.0.1:32768
/// # Ok(())
/// # }
/// ```
pub fn mosquitto() -> Mosquitto {
    // By itself, version 2 listens on loopback only.
    let open = CopySource::bytes(format!("listener {PORT}\nallow_anonymous true\n"));
    Mosquitto {
        config: CopyIn::new(open, CONFIG).mode(0o644),
        more: ContainerRequest::new("eclipse-mosquitto:2"),
    }
}

/// A Mosquitto that is to be started; see [`mosquitto`].
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a service does nothing until it is started"]
pub struct Mosquitto {
    config: CopyIn,
    more: ContainerRequest,
}

/// A Mosquitto that runs.
pub type MosquittoContainer = Running<Mosquitto>;

impl Mosquitto {
    /// Another `mosquitto.conf`: a path on this machine, or [`CopySource::bytes`]. It has to have `listener 1883`.
    pub fn config(mut self, source: impl Into<CopySource>) -> Self {
        self.config = CopyIn::new(source, CONFIG).mode(0o644);
        self
    }
}

common_methods!(Mosquitto);

impl Service for Mosquitto {
    fn request(&self) -> ContainerRequest {
        // A CONNECT packet of MQTT 3.1.1 without a client's name, for a clean session. The answer is a CONNACK, whatever it says.
        let connect = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00".to_vec();
        let request = ContainerRequest::new(self.more.image())
            .publish(PORT)
            .copy(self.config.clone())
            .wait(Wait::tcp(PORT).send(connect));
        self.more.clone().on_top_of(request)
    }

    fn port(&self) -> u16 {
        PORT
    }

    fn url(&self, address: &str) -> String {
        format!("mqtt://{address}")
    }
}
