//! Kafka without ZooKeeper (KRaft), by the documented interface of its project's image. Not run by our tests.
//!
//! A broker tells its clients at which address to come back, and that is the host's port, which is known only once the container
//! runs. So the container waits for that address, in a file, before it starts its broker; the hook of its start writes it.

use futures::StreamExt;

use super::common::common_methods;
use super::running::Running;
use super::service::Service;
use crate::request::{ContainerRequest, Hooks};
use crate::wait::{Target, WaitResult, WaitStrategy};

const PORT: u16 = 9092;
/// For other containers, which are told the container's own name.
const PORT_WITHIN: u16 = 29092;
/// Where the address is written.
const ADVERTISED: &str = "/tmp/longshore-advertised-$(hostname)";

/// Kafka: `apache/kafka:3.9.0`, one broker that is its own controller, plain text. Topics are made when they are first used.
///
/// Clients on this machine are told this machine's address, other containers ([`url_within`](Running::url_within), port 29092)
/// the container's. That takes part in its start, so it is started by [`start`](Kafka::start) and its like: its
/// [request](Kafka::request) alone waits for an address for ever. After a restart it still tells the old address: publish a fixed
/// port (`.with(|request| request.publish("19092:9092"))`) where a test restarts it.
///
/// # Examples
///
/// ```no_run
/// use longshore::services;
///
/// # async fn example() -> longshore::Result<()> {
/// let kafka = services::kafka().start().await?;
/// println!("{}", kafka.url()); // 127.0.0.1:32768, for `bootstrap.servers`
/// # Ok(())
/// # }
/// ```
pub fn kafka() -> Kafka {
    Kafka { settings: Vec::new(), more: ContainerRequest::new("apache/kafka:3.9.0") }
}

/// A Kafka broker that is to be started; see [`kafka`].
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a service does nothing until it is started"]
pub struct Kafka {
    settings: Vec<(String, String)>,
    more: ContainerRequest,
}

/// A Kafka broker that runs.
pub type KafkaContainer = Running<Kafka>;

impl Kafka {
    /// A property of the broker, as in `server.properties`: `("num.partitions", "3")`.
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }
}

common_methods!(Kafka);

impl Service for Kafka {
    fn request(&self) -> ContainerRequest {
        let script = format!(
            "until test -s {ADVERTISED}; do sleep 0.05; done; \
             KAFKA_ADVERTISED_LISTENERS=\"$(cat {ADVERTISED}),WITHIN://$(hostname):{PORT_WITHIN}\"; \
             export KAFKA_ADVERTISED_LISTENERS; exec /etc/kafka/docker/run"
        );
        let listeners =
            format!("CLIENT://:{PORT},WITHIN://:{PORT_WITHIN},CONTROLLER://localhost:9093");
        let properties = [
            ("node.id", "1"),
            ("process.roles", "broker,controller"),
            ("listeners", listeners.as_str()),
            (
                "listener.security.protocol.map",
                "CLIENT:PLAINTEXT,WITHIN:PLAINTEXT,CONTROLLER:PLAINTEXT",
            ),
            ("inter.broker.listener.name", "WITHIN"),
            ("controller.listener.names", "CONTROLLER"),
            ("controller.quorum.voters", "1@localhost:9093"),
            // One broker has no others to copy to, and a group of one test has nobody to wait for.
            ("offsets.topic.replication.factor", "1"),
            ("transaction.state.log.replication.factor", "1"),
            ("transaction.state.log.min.isr", "1"),
            ("group.initial.rebalance.delay.ms", "0"),
        ];
        let own = self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let request = ContainerRequest::new(self.more.image())
            .publish(PORT)
            .cmd(["sh", "-c", &script])
            .envs(properties.into_iter().chain(own).map(|(name, value)| (variable(name), value)));
        let request = match self.more.is_warm() {
            // What the hook does is the same at each start.
            true => request.warm_key("advertised"),
            false => request,
        };
        self.more.clone().on_top_of(request)
    }

    fn port(&self) -> u16 {
        PORT
    }

    fn port_within(&self) -> u16 {
        PORT_WITHIN
    }

    fn url(&self, address: &str) -> String {
        address.to_owned()
    }

    fn hooks(&self) -> Hooks {
        Hooks::new().wait(Advertise)
    }
}

/// Tells the broker its address, and waits until it has begun.
struct Advertise;

impl WaitStrategy for Advertise {
    fn ready<'a>(&'a self, target: &'a Target) -> futures::future::BoxFuture<'a, WaitResult> {
        Box::pin(async move {
            let listener = format!("CLIENT://{}", target.address(PORT)?);
            // Renamed into its place, so that no half of it is read.
            let script =
                format!("printf %s \"$0\" >{ADVERTISED}.new && mv {ADVERTISED}.new {ADVERTISED}");
            target.exec(["sh", "-c", &script, &listener]).await?.ok()?;
            let mut logs = target.follow_logs().await?;
            let mut text = String::new();
            while let Some(frame) = logs.next().await {
                text.push_str(&frame?.text());
                if text.contains("Kafka Server started") {
                    return Ok(());
                }
                let begin = text.rfind('\n').map_or(0, |end| end + 1);
                text.drain(..begin);
            }
            Err("its output ended before it said that it had started".into())
        })
    }

    fn describe(&self) -> String {
        "the broker to be started with its address".into()
    }
}

/// The image's name for a property: `KAFKA_NODE_ID` for `node.id`.
fn variable(property: &str) -> String {
    let name = property.replace('_', "__").replace('-', "___").replace('.', "_");
    format!("KAFKA_{}", name.to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_variables_as_the_image_spells_them() {
        assert_eq!(variable("node.id"), "KAFKA_NODE_ID");
        assert_eq!(variable("a.b-c_d"), "KAFKA_A_B___C__D");
    }
}
