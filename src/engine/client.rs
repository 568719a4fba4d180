//! The connection to one engine: bollard for calls whose answer we only need a yes of, and plain requests for
//! those where the answer is kept as the engine gave it, streams without end, or takes over the connection.
//!
//! Everything in here runs on the I/O thread, since the pool's connections are driven there.

use std::io;
use std::pin::Pin;
use std::time::Duration;

use bollard::{ClientVersion, Docker};
use bytes::Bytes;
use futures::Stream;
use http_body_util::{BodyExt, Either, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::{header, http::request, Method, Request, Response, StatusCode};
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde_json::Value;

use super::connect::Connector;
use super::endpoint::Endpoint;
use super::failure::ApiError;

/// What a request carries: some bytes, or a stream of them. The same type as bollard's.
pub(super) type Body =
    Either<Full<Bytes>, StreamBody<Pin<Box<dyn Stream<Item = io::Result<Frame<Bytes>>> + Send>>>>;

/// Connections that lie idle are closed after this; an engine may restart meanwhile.
const IDLE: Duration = Duration::from_secs(10);

/// Calls have limits of their own where they need one; bollard's must never be the one that ends a call.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);

/// Put before Podman's own paths.
const LIBPOD: &str = "/v4.0.0/libpod";

#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: HttpClient<Connector, Body>,
    docker: Docker,
    /// `/v1.41`, put before each path.
    prefix: String,
}

impl Client {
    /// A client that speaks the API version `major.minor`. Connects at the first call.
    pub(super) fn new(endpoint: &Endpoint, api_version: (usize, usize)) -> Self {
        let http = HttpClient::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(Connector::new(endpoint.clone()));
        let (major_version, minor_version) = api_version;
        let transport = http.clone();
        let docker = Docker::connect_with_custom_transport(
            move |request: bollard::BollardRequest| {
                let answer = transport.request(request);
                async move { answer.await.map_err(bollard::errors::Error::from) }
            },
            Some("http://localhost"),
            NEVER.as_secs(),
            &ClientVersion { major_version, minor_version },
        )
        .expect("a custom transport has nothing that can be wrong");
        Client { http, docker, prefix: format!("/v{major_version}.{minor_version}") }
    }

    /// Bollard's client over this connection.
    pub(crate) fn docker(&self) -> &Docker {
        &self.docker
    }

    /// Sends a request and gives the answer as soon as its head is there. `path` begins with `/` and is
    /// already encoded, query and all.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Response<Incoming>, ApiError> {
        self.exchange(method, &format!("{}{path}", self.prefix), body, None).await
    }

    /// `POST` for which the answer's head says all.
    pub(crate) async fn post(&self, path: &str, body: Option<&Value>) -> Result<(), ApiError> {
        self.send(Method::POST, path, body).await.map(drop)
    }

    /// `POST` with a header of the caller's, and a body that need not be JSON.
    pub(crate) async fn upload(
        &self,
        path: &str,
        header: Option<(&str, &str)>,
        body: Body,
    ) -> Result<Response<Incoming>, ApiError> {
        let request = Request::post(format!("http://localhost{}{path}", self.prefix));
        self.answer(with(header, request), body).await
    }

    /// `POST` on Podman's own paths, with a header of the caller's.
    pub(crate) async fn libpod_post(
        &self,
        path: &str,
        header: Option<(&str, &str)>,
    ) -> Result<Response<Incoming>, ApiError> {
        let request = Request::post(format!("http://localhost{LIBPOD}{path}"));
        self.answer(with(header, request), Either::Left(Full::default())).await
    }

    /// Sends a request on Podman's own paths, which serve where its imitation of Docker's differs too much.
    pub(crate) async fn libpod(
        &self,
        method: Method,
        path: &str,
    ) -> Result<Response<Incoming>, ApiError> {
        self.exchange(method, &format!("{LIBPOD}{path}"), None, None).await
    }

    /// As [`Client::libpod`], with a body.
    pub(super) async fn libpod_json(
        &self,
        method: Method,
        path: &str,
        body: &Value,
    ) -> Result<Response<Incoming>, ApiError> {
        self.exchange(method, &format!("/v4.0.0/libpod{path}"), Some(body), None).await
    }

    /// As [`Client::send`], and takes over the connection when the engine agrees: what is written goes to the
    /// process, what is read comes from it.
    pub(super) async fn hijack(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<hyper::upgrade::Upgraded, ApiError> {
        let path = format!("{}{path}", self.prefix);
        let answer = self.exchange(method, &path, body, Some("tcp")).await?;
        hyper::upgrade::on(answer).await.map_err(|error| ApiError::broken(&error, true))
    }

    /// Sends a request and gives the answer's JSON as the engine wrote it.
    pub(crate) async fn json(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, ApiError> {
        collect_json(self.send(method, path, body).await?).await
    }

    /// `GET /version`, which every engine answers without a version in the path.
    pub(super) async fn version(&self) -> Result<Value, ApiError> {
        collect_json(self.exchange(Method::GET, "/version", None, None).await?).await
    }

    /// `GET /_ping`.
    pub(super) async fn ping(&self) -> Result<(), ApiError> {
        let answer = self.exchange(Method::GET, "/_ping", None, None).await?;
        collect(answer).await.map(drop)
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        upgrade: Option<&str>,
    ) -> Result<Response<Incoming>, ApiError> {
        let bytes = body.map(|body| Bytes::from(body.to_string()));
        let mut request = Request::builder().method(method).uri(format!("http://localhost{path}"));
        if bytes.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        if let Some(protocol) = upgrade {
            request =
                request.header(header::CONNECTION, "Upgrade").header(header::UPGRADE, protocol);
        }
        self.answer(request, Either::Left(Full::new(bytes.unwrap_or_default()))).await
    }

    async fn answer(
        &self,
        request: request::Builder,
        body: Body,
    ) -> Result<Response<Incoming>, ApiError> {
        let request = request.body(body).expect("paths are encoded by who builds them");
        let answer = self.http.request(request).await.map_err(|error| {
            let connected = !error.is_connect();
            ApiError::broken(&error, connected)
        })?;
        let status = answer.status();
        if status.is_success()
            || status == StatusCode::SWITCHING_PROTOCOLS
            || status == StatusCode::NOT_MODIFIED
        {
            return Ok(answer);
        }
        let text = String::from_utf8_lossy(&collect(answer).await?).into_owned();
        Err(ApiError::Refused { status: status.as_u16(), message: engine_message(&text) })
    }
}

fn with(header: Option<(&str, &str)>, request: request::Builder) -> request::Builder {
    header.into_iter().fold(request, |request, (name, value)| request.header(name, value))
}

/// Docker says `{"message": ".."}`; Podman's own API also has `cause`, and a push there `errorDetail`. Anything else is told
/// as it is.
fn engine_message(text: &str) -> String {
    let json: Value = serde_json::from_str(text).unwrap_or_default();
    let message = json["message"].as_str().or(json["errorDetail"]["message"].as_str());
    message.unwrap_or(text).to_owned()
}

async fn collect(answer: Response<Incoming>) -> Result<Bytes, ApiError> {
    match answer.into_body().collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) => Err(ApiError::broken(&error, true)),
    }
}

pub(super) async fn collect_json(answer: Response<Incoming>) -> Result<Value, ApiError> {
    let bytes = collect(answer).await?;
    serde_json::from_slice(&bytes).map_err(|error| ApiError::Broken {
        message: format!(
            "the answer is not JSON: {error}: {}",
            String::from_utf8_lossy(&bytes[..bytes.len().min(200)])
        ),
        connected: true,
    })
}

/// A part of a path, encoded; `/` and `:` stay as they are.
pub(crate) fn encoded(part: &str) -> String {
    let mut text = String::new();
    encode(part, b"-_.~/:", &mut text);
    text
}

/// `?a=b&c=d`, encoded; nothing when there are no pairs.
pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (key, value) in pairs {
        text.push(if text.is_empty() { '?' } else { '&' });
        text.push_str(key);
        text.push('=');
        encode(value, b"-_.~/:", &mut text);
    }
    text
}

/// One part of a path, encoded: a name that somebody gave.
pub(crate) fn segment(name: &str) -> String {
    let mut text = String::new();
    encode(name, b"-_.~:", &mut text);
    // Empty or dots alone, it would be another path.
    if text.bytes().all(|byte| byte == b'.') {
        text = text.replace('.', "%2E") + "%20";
    }
    text
}

fn encode(value: &str, plain: &[u8], text: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            text.push(byte.into());
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_encoded() {
        assert_eq!(query(&[]), "");
        assert_eq!(query(&[("path", "/a b/é&"), ("n", "1")]), "?path=/a%20b/%C3%A9%26&n=1");
    }

    #[test]
    fn a_name_is_one_part_of_a_path() {
        for (name, encoded) in [
            ("web.1_a-b", "web.1_a-b"),
            ("a/../b?c", "a%2F..%2Fb%3Fc"),
            ("..", "%2E%2E%20"),
            ("", "%20"),
        ] {
            assert_eq!(segment(name), encoded);
        }
    }

    #[test]
    fn the_engines_own_words_are_told() {
        assert_eq!(engine_message(r#"{"message":"No such image: x"}"#), "No such image: x");
        assert_eq!(engine_message(r#"{"errorDetail":{"message":"denied"}}"#), "denied");
        assert_eq!(engine_message("page not found\n"), "page not found\n");
    }
}
