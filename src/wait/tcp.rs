//! Waiting for an answer over TCP, in whatever words the service has. Must not be content with a connection alone: proxies accept
//! for services that are not there.

use std::fmt;
use std::time::Duration;

use longshore_syntax::Protocol;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::limits::{limits_methods, Limits, LONGEST_PAUSE_BEFORE_ANSWER};
use super::pattern::{Matcher, Pattern};
use super::run::{Note, Unready};
use super::target::Target;
use crate::engine::Address;
use crate::request::PortWord;

/// The most time for one try. A connection that is taken by a server which does not serve yet is tried anew.
const TRY: Duration = Duration::from_secs(5);
/// The most that is read of an answer.
const ANSWER_LIMIT: usize = 64 << 10;

/// Waits for an answer over TCP; see [`Wait::tcp`](crate::Wait::tcp).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct TcpWait {
    port: PortWord,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    send: Vec<u8>,
    /// `None` is anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<Pattern>,
    #[serde(flatten)]
    pub(super) limits: Limits,
}

impl TcpWait {
    pub(super) fn new(port: PortWord) -> Self {
        TcpWait { port, send: Vec::new(), answer: None, limits: Limits::default() }
    }

    /// What is sent once connected: text or bytes, such as `"PING\r\n"`. Nothing, if not said: for services that speak first.
    pub fn send(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.send = bytes.into();
        self
    }

    /// Text that the answer has to hold; any answer will do, if not said.
    pub fn answer_contains(mut self, text: impl Into<String>) -> Self {
        self.answer = Some(Pattern::Contains(text.into()));
        self
    }

    /// A regular expression that the answer has to match somewhere. Bytes that are no UTF-8 count as `\u{fffd}`.
    pub fn answer_matches(mut self, regex: impl Into<String>) -> Self {
        self.answer = Some(Pattern::Matches(regex.into()));
        self
    }

    limits_methods!(timeout, interval);

    pub(super) fn port_name(&self) -> &PortWord {
        &self.port
    }

    pub(super) fn problems(&self) -> Vec<(String, &'static str)> {
        let port = self.port.problem().or_else(|| match self.port.container_port() {
            Ok(port) if port.protocol() != Protocol::Tcp => {
                Some((format!("`{port}` is no TCP port"), "name one: `Wait::tcp(5432)`"))
            }
            _ => None,
        });
        port.into_iter().chain(self.answer.as_ref().and_then(Pattern::problem)).collect()
    }

    pub(super) async fn ready(&self, target: &Target, note: &Note) -> Result<(), Unready> {
        let port = self.port.container_port().map_err(|error| Unready::failed(error.message()))?;
        let matcher = self.answer.as_ref().map(Pattern::matcher);
        let mut pauses = self.limits.pauses(LONGEST_PAUSE_BEFORE_ANSWER);
        loop {
            let address =
                target.address(port).map_err(|error| Unready::failed(error.to_string()))?;
            match tokio::time::timeout(TRY, self.attempt(&address, matcher.as_ref())).await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(told)) => note.saw(format!("{address}: {told}")),
                Err(_) => note.saw(format!("{address}: it did not answer within {TRY:?}")),
            }
            pauses.pause().await;
        }
    }

    async fn attempt(&self, address: &Address, wanted: Option<&Matcher>) -> Result<(), String> {
        let told = |error: std::io::Error| error.to_string();
        let mut stream =
            TcpStream::connect((address.host(), address.port())).await.map_err(told)?;
        stream.write_all(&self.send).await.map_err(told)?;
        let mut answer = Vec::new();
        loop {
            let count = stream.read_buf(&mut answer).await.map_err(told)?;
            let text = String::from_utf8_lossy(&answer);
            if !text.is_empty() && wanted.is_none_or(|wanted| wanted.is_match(&text)) {
                return Ok(());
            }
            if count == 0 || answer.len() >= ANSWER_LIMIT {
                return Err(match text.is_empty() {
                    true => "the connection was closed without an answer".into(),
                    false => format!("it answered: {}", printable(&text)),
                });
            }
        }
    }
}

/// The beginning of an answer, for a line of an error.
fn printable(text: &str) -> String {
    let kept = text.chars().filter(|c| !c.is_control() && *c != '\u{fffd}');
    kept.take(200).collect()
}

impl fmt::Display for TcpWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an answer over TCP on port `{}`", self.port)?;
        match &self.answer {
            Some(answer) => write!(f, " with {answer}"),
            None => Ok(()),
        }
    }
}
