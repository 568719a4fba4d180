//! Waiting for ports that are truly listened on.

use std::fmt;
use std::time::Duration;

use longshore_syntax::{ContainerPort, PortMapping, Protocol};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use super::limits::{limits_methods, Limits, LONGEST_PAUSE};
use super::listening::{listeners, Listener};
use super::process::{self, Sight};
use super::run::{Note, Unready};
use super::target::Target;
use crate::engine::Address;
use crate::request::PortWord;

/// Where nothing but a connection can be tried: how long it has to stay open to count. A proxy accepts for a
/// container that does not, and closes as soon as it notices.
const HOLD: Duration = Duration::from_millis(250);

/// Waits for ports to be listened on; see [`Wait::port`](crate::Wait::port) and [`Wait::ports`](crate::Wait::ports).
///
/// On the engine's machine the listening socket itself is looked for, on an address to which a published port leads.
/// Elsewhere a TCP connection has to be accepted and to stay open for 250 ms; UDP and SCTP cannot be seen from there
/// and count as listened on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct PortWait {
    /// `None` is every published port.
    port: Option<PortWord>,
    #[serde(flatten)]
    pub(super) limits: Limits,
}

impl PortWait {
    pub(super) fn one(port: PortWord) -> Self {
        PortWait { port: Some(port), limits: Limits::default() }
    }

    pub(super) fn every() -> Self {
        PortWait { port: None, limits: Limits::default() }
    }

    limits_methods!(timeout, interval);

    pub(super) fn port_name(&self) -> Option<&PortWord> {
        self.port.as_ref()
    }

    pub(super) fn problems(&self) -> Vec<(String, &'static str)> {
        self.port.iter().filter_map(PortWord::problem).collect()
    }

    pub(super) async fn ready(&self, target: &Target, note: &Note) -> Result<(), Unready> {
        let ports = match self.port.as_ref().map(PortWord::container_port) {
            None => target.published().container_ports(),
            Some(port) => vec![port.map_err(|error| Unready::failed(error.message()))?],
        };
        // A port that is not published is told at once; waiting does not publish it.
        for port in &ports {
            target.addresses(*port).map_err(|error| Unready::failed(error.to_string()))?;
        }
        let mut pauses = self.limits.pauses(LONGEST_PAUSE);
        loop {
            let missing = match process::look(target) {
                Sight::Alive(pid) => match listeners(pid, target.id()) {
                    Some(listeners) => missing_inside(&ports, &listeners),
                    // It has just ended; the next look tells.
                    None => Some(has_ended()),
                },
                Sight::Gone => Some(has_ended()),
                Sight::Unknown => missing_outside(&ports, target).await,
            };
            match missing {
                None => return Ok(()),
                Some((told, hint)) => note.saw_and_advises(told, hint),
            }
            pauses.pause().await;
        }
    }
}

/// The first port that nobody listens on: what is seen instead, and what to do about it.
fn missing_inside(ports: &[ContainerPort], listeners: &[Listener]) -> Option<(String, String)> {
    for port in ports {
        if port.protocol() == Protocol::Sctp
            || listeners.iter().any(|listener| listener.port == *port && !listener.loopback_only)
        {
            continue;
        }
        if listeners.iter().any(|listener| listener.port == *port) {
            return Some((
                format!(
                    "`{port}` is listened on only on the container's own loopback address, which a published port does not reach"
                ),
                "have the service listen on 0.0.0.0".into(),
            ));
        }
        let others: Vec<String> =
            listeners.iter().map(|listener| format!("`{}`", listener.port)).collect();
        let (others, hint) = match listeners {
            [] => (
                "nothing".to_owned(),
                "give it longer, or look at its output for why it does not listen".to_owned(),
            ),
            [only] if !only.loopback_only => (
                others.join(", "),
                format!("did you mean `.publish(\"{}\")`?", PortMapping::from(only.port)),
            ),
            _ => (others.join(", "), "publish the port that the service listens on".to_owned()),
        };
        return Some((
            format!("nobody listens on `{port}` in the container; listened on: {others}"),
            hint,
        ));
    }
    None
}

async fn missing_outside(ports: &[ContainerPort], target: &Target) -> Option<(String, String)> {
    for port in ports.iter().filter(|port| port.protocol() == Protocol::Tcp) {
        let hint = "give it longer, or look at its output for why it does not listen";
        let told = match target.address(*port) {
            Ok(address) => accepts_and_holds(&address)
                .await
                .map_err(|told| format!("`{port}` at {address}: {told}")),
            Err(error) => Err(error.summary().to_owned()),
        };
        if let Err(told) = told {
            return Some((told, hint.to_owned()));
        }
    }
    // A proxy holds a connection for a moment also when the container behind it has just died.
    match target.inspect().await {
        Ok(inspect) if inspect.is_running() => None,
        Ok(_) => Some(has_ended()),
        Err(error) => Some((error.summary().to_owned(), "look at the engine".into())),
    }
}

fn has_ended() -> (String, String) {
    ("the container has ended".into(), "look at its output".into())
}

async fn accepts_and_holds(address: &Address) -> Result<(), String> {
    let connect = TcpStream::connect((address.host(), address.port()));
    let mut stream = connect.await.map_err(|error| error.to_string())?;
    match tokio::time::timeout(HOLD, stream.read(&mut [0; 1])).await {
        // Still open, or the service speaks first.
        Err(_) | Ok(Ok(1..)) => Ok(()),
        Ok(Ok(0)) => Err("the connection was closed at once".into()),
        Ok(Err(error)) => Err(error.to_string()),
    }
}

impl fmt::Display for PortWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.port {
            Some(port) => write!(f, "port `{port}` to be listened on"),
            None => f.write_str("every published port to be listened on"),
        }
    }
}
