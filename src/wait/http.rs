//! Waiting for an HTTP answer. One connection a try, so that no stale one is reused.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::pin;
use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;
use futures::future::{self, Either};
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{HeaderName, HeaderValue, AUTHORIZATION, HOST};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use longshore_syntax::Protocol;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::limits::{limits_methods, Limits, LONGEST_PAUSE_BEFORE_ANSWER};
use super::pattern::Pattern;
use super::run::{Note, Unready};
use super::target::Target;
use crate::engine::Address;
use crate::request::PortWord;

/// The most time for one try; a service that accepts and says nothing is asked again.
const TRY_LIMIT: Duration = Duration::from_secs(5);

/// The longest pause after an answer that was not the one.
const LONGEST_PAUSE_AFTER_ANSWER: Duration = Duration::from_millis(500);

/// The most of a body that is read for its matcher.
const BODY_LIMIT: usize = 4 * 1024 * 1024;

/// Asks over HTTP until the answer is as wanted; see [`Wait::http`](crate::Wait::http).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct HttpWait {
    path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    port: Option<PortWord>,
    method: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    body: Vec<u8>,
    /// Empty is 200 to 299.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    statuses: Vec<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<Pattern>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tls: Option<Trust>,
    #[serde(flatten)]
    pub(super) limits: Limits,
}

/// Whose certificates are believed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Trust {
    /// Those of this machine's certificate authorities.
    Machine,
    /// Those of these authorities, in PEM.
    Authorities(String),
    /// Anybody's.
    Anybody,
}

impl HttpWait {
    pub(super) fn new(path: String) -> Self {
        HttpWait {
            path,
            port: None,
            method: "GET".into(),
            headers: BTreeMap::new(),
            body: Vec::new(),
            statuses: Vec::new(),
            answer: None,
            tls: None,
            limits: Limits::default(),
        }
    }

    pub(super) fn over_tls(mut self) -> Self {
        self.tls = Some(Trust::Machine);
        self
    }

    /// The container's port; without one, the lowest published TCP port.
    pub fn port(mut self, port: impl Into<PortWord>) -> Self {
        self.port = Some(port.into());
        self
    }

    /// The method, instead of `GET`.
    pub fn method(mut self, method: impl Into<String>) -> Self {
        self.method = method.into();
        self
    }

    /// A header of the request; `Host` too.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// The body of the request.
    pub fn body(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.body = bytes.into();
        self
    }

    /// Name and password, as RFC 7617 sends them.
    pub fn basic_auth(self, name: impl fmt::Display, password: impl fmt::Display) -> Self {
        let credentials =
            base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}"));
        self.header(AUTHORIZATION.as_str(), format!("Basic {credentials}"))
    }

    /// A token, as RFC 6750 sends it.
    pub fn bearer_auth(self, token: impl fmt::Display) -> Self {
        self.header(AUTHORIZATION.as_str(), format!("Bearer {token}"))
    }

    /// The status that is waited for, instead of any from 200 to 299.
    pub fn status(self, status: u16) -> Self {
        self.status_in([status])
    }

    /// Any of these statuses.
    pub fn status_in(mut self, statuses: impl IntoIterator<Item = u16>) -> Self {
        self.statuses = statuses.into_iter().collect();
        self
    }

    /// Text that the answer's body has to hold, in its first 4 MiB.
    pub fn body_contains(mut self, text: impl Into<String>) -> Self {
        self.answer = Some(Pattern::Contains(text.into()));
        self
    }

    /// A regular expression that the answer's body has to match somewhere, in its first 4 MiB.
    pub fn body_matches(mut self, regex: impl Into<String>) -> Self {
        self.answer = Some(Pattern::Matches(regex.into()));
        self
    }

    /// Believes any certificate, also an expired one or another host's; for [`Wait::https`](crate::Wait::https).
    pub fn trust_any_certificate(mut self) -> Self {
        self.tls = Some(Trust::Anybody);
        self
    }

    /// Believes the certificates of these authorities, in PEM, instead of the machine's; for
    /// [`Wait::https`](crate::Wait::https).
    pub fn trust_authorities(mut self, pem: impl Into<String>) -> Self {
        self.tls = Some(Trust::Authorities(pem.into()));
        self
    }

    limits_methods!(timeout, interval);

    pub(super) fn port_name(&self) -> Option<&PortWord> {
        self.port.as_ref()
    }

    pub(super) fn problems(&self) -> Vec<(String, &'static str)> {
        let mut problems: Vec<(String, &'static str)> =
            self.port.iter().filter_map(PortWord::problem).collect();
        problems.extend(self.answer.as_ref().and_then(Pattern::problem));
        if !self.path.starts_with('/') {
            problems.push((
                format!("the path `{}` of an HTTP wait does not begin with `/`", self.path),
                "write `/index.html`",
            ));
        }
        if let Err(error) = self.request("localhost") {
            problems.push((
                format!("the request of an HTTP wait cannot be made: {error}"),
                "look at its method, path and headers",
            ));
        }
        if let Some(status) =
            self.statuses.iter().find(|status| StatusCode::from_u16(**status).is_err())
        {
            problems
                .push((format!("`{status}` is not an HTTP status"), "a status has three digits"));
        }
        if self.tls.is_some() && !cfg!(feature = "tls") {
            problems.push((
                "an HTTPS wait needs longshore's feature `tls`".into(),
                "write `longshore = { version = \"..\", features = [\"tls\"] }` in Cargo.toml",
            ));
        }
        #[cfg(feature = "tls")]
        if let Some(Err(error)) = self.tls.as_ref().map(super::tls::Connector::new) {
            problems.push((error, "give the certificates of the authorities in PEM"));
        }
        problems
    }

    fn request(&self, host: &str) -> Result<Request<Full<Bytes>>, String> {
        let method =
            Method::from_bytes(self.method.as_bytes()).map_err(|error| error.to_string())?;
        let mut request = Request::builder().method(method).uri(self.path.as_str());
        if !self.headers.keys().any(|name| name.eq_ignore_ascii_case(HOST.as_str())) {
            request = request.header(HOST, host);
        }
        for (name, value) in &self.headers {
            let name =
                HeaderName::from_bytes(name.as_bytes()).map_err(|error| error.to_string())?;
            let value =
                HeaderValue::from_bytes(value.as_bytes()).map_err(|error| error.to_string())?;
            request = request.header(name, value);
        }
        request.body(Full::new(Bytes::from(self.body.clone()))).map_err(|error| error.to_string())
    }

    pub(super) async fn ready(&self, target: &Target, note: &Note) -> Result<(), Unready> {
        let address = self.address(target).map_err(|error| Unready::failed(error.to_string()))?;
        let matcher = self.answer.as_ref().map(Pattern::matcher);
        #[cfg(feature = "tls")]
        let tls = match self.tls.as_ref().map(super::tls::Connector::new).transpose() {
            Ok(connector) => connector,
            Err(error) => return Err(Unready::failed(error)),
        };
        let mut pauses = self.limits.pauses(LONGEST_PAUSE_BEFORE_ANSWER);
        // A server that answers is up, and writes each question into its log.
        let mut pauses_after_answer = self.limits.pauses(LONGEST_PAUSE_AFTER_ANSWER);
        loop {
            #[cfg(feature = "tls")]
            let attempt = self.attempt(&address, tls.as_ref());
            #[cfg(not(feature = "tls"))]
            let attempt = self.attempt(&address);
            let answer = match tokio::time::timeout(TRY_LIMIT, attempt).await {
                Ok(answer) => answer,
                Err(_) => Err(format!("no answer in {TRY_LIMIT:?}")),
            };
            match answer {
                Ok((status, body)) => {
                    let status_fits = match self.statuses.as_slice() {
                        [] => status.is_success(),
                        wanted => wanted.contains(&status.as_u16()),
                    };
                    let body = String::from_utf8_lossy(&body);
                    if status_fits && matcher.as_ref().is_none_or(|matcher| matcher.is_match(&body))
                    {
                        return Ok(());
                    }
                    let begin: String = body.trim().chars().take(200).collect();
                    let begin = if begin.is_empty() { String::new() } else { format!(": {begin}") };
                    let told = format!("{address} answered {status}{begin}");
                    note.saw_and_advises(told, "look at the path and at what is asked of the answer: `.status(..)`, `.body_contains(..)`");
                    pauses_after_answer.pause().await;
                }
                Err(told) => {
                    note.saw(format!("{address}: {told}"));
                    pauses.pause().await;
                }
            }
        }
    }

    fn address(&self, target: &Target) -> crate::Result<Address> {
        match self.port.as_ref().map(PortWord::container_port) {
            Some(port) => target.address(port?),
            None => {
                let ports = target.published().container_ports();
                match ports.iter().find(|port| port.protocol() == Protocol::Tcp) {
                    Some(port) => target.address(*port),
                    // Nothing is published: the error says so and what to do.
                    None => target.address(80),
                }
            }
        }
    }

    async fn attempt(
        &self,
        address: &Address,
        #[cfg(feature = "tls")] tls: Option<&super::tls::Connector>,
    ) -> Result<(StatusCode, Bytes), String> {
        let stream = TcpStream::connect((address.host(), address.port()))
            .await
            .map_err(|error| error.to_string())?;
        #[cfg(feature = "tls")]
        if let Some(tls) = tls {
            return self.exchange(address, tls.connect(address.host(), stream).await?).await;
        }
        self.exchange(address, stream).await
    }

    async fn exchange<S>(&self, address: &Address, stream: S) -> Result<(StatusCode, Bytes), String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| error.to_string())?;
        let asking = async {
            let answer =
                sender.send_request(self.request(address.as_str())?).await.map_err(told)?;
            let status = answer.status();
            if self.answer.is_none() {
                return Ok((status, Bytes::new()));
            }
            Ok((status, read_body(answer).await?))
        };
        // The connection is driven here, and ends with the try.
        let driving = async {
            let _ = connection.await;
            std::future::pending::<()>().await;
        };
        let (asking, driving) = (pin!(asking), pin!(driving));
        match future::select(asking, driving).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(((), _)) => unreachable!("it is pending"),
        }
    }
}

fn told(error: hyper::Error) -> String {
    use std::error::Error as _;
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

async fn read_body(answer: Response<hyper::body::Incoming>) -> Result<Bytes, String> {
    let body = Limited::new(answer.into_body(), BODY_LIMIT).collect().await;
    body.map(|body| body.to_bytes()).map_err(|error| error.to_string())
}

impl fmt::Display for HttpWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls.is_some() { "HTTPS" } else { "HTTP" };
        write!(f, "{scheme} `{} {}`", self.method, self.path)?;
        if let Some(port) = &self.port {
            write!(f, " on port `{port}`")?;
        }
        let statuses: Vec<String> = self.statuses.iter().map(ToString::to_string).collect();
        match statuses.is_empty() {
            true => f.write_str(" to be answered with 2xx")?,
            false => write!(f, " to be answered with {}", statuses.join(" or "))?,
        }
        match &self.answer {
            Some(pattern) => write!(f, " and {pattern}"),
            None => Ok(()),
        }
    }
}

#[cfg(all(test, not(feature = "tls")))]
mod tests {
    use crate::Wait;

    #[test]
    fn https_without_the_feature_is_refused_before_anything_is_made() {
        let problems = crate::wait::Wait::from(Wait::https("/").port(443)).problems();
        assert_eq!(problems[0].0, "an HTTPS wait needs longshore's feature `tls`");
    }
}
