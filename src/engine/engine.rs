//! The public handle of an engine, and the process's default one.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{Mutex, OnceCell};

use super::client::Client;
use super::discover::{self, Candidate};
use super::endpoint::Endpoint;
use super::failure::ApiError;
use super::host::Host;
use super::{io, sight};
use crate::error::{Error, Kind, Result};

/// How long an engine may take to say its version. One that hangs must not hang every test.
const VERSION_LIMIT: Duration = Duration::from_secs(10);

/// A container engine that serves the Docker Engine API: Docker, Podman, or another.
///
/// Cheap to clone; clones are the same connection.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    endpoint: Endpoint,
    client: Client,
    version: Version,
    /// The version of the API that is spoken.
    api: (usize, usize),
    host: OnceCell<Host>,
    /// Whether the processes of its containers are seen from here.
    shares_processes: AtomicBool,
}

impl Engine {
    /// The process's default engine, which `start()` uses: found and asked for its version once.
    ///
    /// `DOCKER_HOST` (`unix://` or `tcp://`) decides when it is set. Else the standard sockets of Docker, Docker
    /// Desktop, Colima, OrbStack, Rancher Desktop and Podman are tried in that order. A failure is not
    /// remembered: the next call tries again.
    ///
    /// # Errors
    ///
    /// When none answers, with every place that was tried and what it answered
    /// ([`is_engine_unavailable`](Error::is_engine_unavailable)).
    pub async fn connect() -> Result<Engine> {
        static DEFAULT: Mutex<Option<Engine>> = Mutex::const_new(None);
        io::check_process()?;
        io::run(async {
            let mut default = DEFAULT.lock().await;
            if let Some(engine) = &*default {
                return Ok(engine.clone());
            }
            let engine = Engine::first_that_answers(discover::candidates()?).await?;
            *default = Some(engine.clone());
            Ok(engine)
        })
        .await
    }

    /// The engine at an address such as `unix:///var/run/docker.sock` or `tcp://127.0.0.1:2375`.
    ///
    /// # Errors
    ///
    /// When the address is malformed or nobody answers there.
    pub async fn connect_to(address: &str) -> Result<Engine> {
        io::check_process()?;
        let endpoint = address.parse()?;
        io::run(Engine::first_that_answers(vec![Candidate {
            endpoint,
            origin: "the address given",
        }]))
        .await
    }

    async fn first_that_answers(candidates: Vec<Candidate>) -> Result<Engine> {
        let mut tried = Vec::new();
        for candidate in candidates {
            match Engine::open(candidate.endpoint.clone()).await {
                Ok(engine) => {
                    tracing::debug!(engine = %engine, origin = candidate.origin, "found the engine");
                    return Ok(engine);
                }
                Err(answer) => tried.push((candidate, answer)),
            }
        }
        Err(discover::nobody_answers(&tried))
    }

    /// One call: `GET /version`, which also negotiates the API's version.
    async fn open(endpoint: Endpoint) -> Result<Engine, String> {
        if let Endpoint::Unix(path) = &endpoint {
            if std::fs::metadata(path)
                .is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
            {
                return Err("no such socket".into());
            }
        }
        let ours = bollard::API_DEFAULT_VERSION;
        let ours = (ours.major_version, ours.minor_version);
        let asking = Client::new(&endpoint, ours);
        let raw = match tokio::time::timeout(VERSION_LIMIT, asking.version()).await {
            Ok(answer) => answer.map_err(|error| error.to_string())?,
            Err(_) => return Err(ApiError::Late(VERSION_LIMIT).to_string()),
        };
        let version = Version { raw };
        let theirs = version.api_numbers().ok_or("what answers there is not a container engine")?;
        let api = theirs.min(ours);
        let client = Client::new(&endpoint, api);
        let shares_processes = AtomicBool::new(sight::is_certain(&endpoint).await);
        Ok(Engine(Arc::new(Inner {
            endpoint,
            client,
            version,
            api,
            host: OnceCell::new(),
            shares_processes,
        })))
    }

    /// Asks whether the engine still answers, as `GET /_ping`.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub async fn ping(&self) -> Result<()> {
        io::check_process()?;
        let client = self.0.client.clone();
        let answer = io::run(async move {
            match tokio::time::timeout(VERSION_LIMIT, client.ping()).await {
                Ok(answer) => answer,
                Err(_) => Err(ApiError::Late(VERSION_LIMIT)),
            }
        });
        answer.await.map_err(|error| {
            let report = Error::new(Kind::EngineUnavailable, "the engine does not answer");
            report.fact("because", error.to_string()).fact("engine", self.to_string())
        })
    }

    /// What the engine said of itself when it was connected to.
    pub fn version(&self) -> &Version {
        &self.0.version
    }

    /// The address it was found at, as `DOCKER_HOST` spells it.
    pub fn address(&self) -> String {
        self.0.endpoint.to_string()
    }

    /// The command with which a user reaches it by hand: `docker`, with the address where that is not the usual one.
    pub(crate) fn command(&self) -> String {
        let address = self.address();
        match (self.is_podman(), self.0.endpoint.is_usual(self.is_podman())) {
            (false, true) => "docker".into(),
            (false, false) => format!("docker -H {address}"),
            (true, true) => "podman".into(),
            (true, false) => format!("podman --url {address}"),
        }
    }

    /// The version of the Engine API that is spoken with it: the older one of its and ours.
    pub(crate) fn api(&self) -> (usize, usize) {
        self.0.api
    }

    pub(crate) fn client(&self) -> &Client {
        &self.0.client
    }

    /// Where published ports are; found out once. On the I/O thread.
    pub(crate) async fn host(&self) -> &Host {
        self.0.host.get_or_init(|| Host::find(&self.0.endpoint, &self.0.client)).await
    }

    /// Finds [`host`](Engine::host) out if nobody has yet: what comes after that has labels that say in which container this
    /// process is.
    pub(crate) async fn meet(&self) {
        if self.0.host.get().is_none() {
            let engine = self.clone();
            io::run(async move {
                engine.host().await;
            })
            .await;
        }
    }

    /// The full id of this process's own container, if it runs in one of the engine's. Not known before
    /// [`meet`](Engine::meet).
    pub(crate) fn own_container(&self) -> Option<&str> {
        self.0.host.get()?.own_container()
    }

    /// Takes note that a process of one of its containers was seen under `/proc`.
    pub(crate) fn shares_processes(&self) {
        self.0.shares_processes.store(true, Ordering::Relaxed);
    }

    /// Whether that was ever so: then a process that is not there has ended.
    pub(crate) fn is_seen_to_share_processes(&self) -> bool {
        self.0.shares_processes.load(Ordering::Relaxed)
    }

    /// Podman differs in a few places: it runs no health checks without systemd and removes running containers slowly.
    pub(crate) fn is_podman(&self) -> bool {
        self.0.version.name() == "Podman"
    }
}

impl fmt::Display for Engine {
    /// `Docker 20.10.24 at unix:///var/run/docker.sock`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} at {}", self.0.version.name(), self.0.version.engine(), self.0.endpoint)
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Engine({self})")
    }
}

/// An engine's answer to `GET /version`.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    raw: Value,
}

impl Version {
    /// `Docker`, `Podman`, or what else the engine calls itself.
    pub fn name(&self) -> &str {
        let first = self.raw["Components"][0]["Name"].as_str().unwrap_or("Docker");
        match first {
            "Engine" => "Docker",
            name => name.strip_suffix(" Engine").unwrap_or(name),
        }
    }

    /// The engine's own version, such as `20.10.24`.
    pub fn engine(&self) -> &str {
        self.raw["Version"].as_str().unwrap_or("of unknown version")
    }

    /// The newest version of the Docker Engine API that it serves, such as `1.41`.
    pub fn api(&self) -> &str {
        self.raw["ApiVersion"].as_str().unwrap_or_default()
    }

    /// The whole answer, as the engine gave it.
    pub fn raw(&self) -> &Value {
        &self.raw
    }

    pub(crate) fn api_numbers(&self) -> Option<(usize, usize)> {
        let (major, minor) = self.api().split_once('.')?;
        Some((major.parse().ok()?, minor.parse().ok()?))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn engines_are_called_by_their_names() {
        let named = |name: &str| Version {
            raw: json!({ "Components": [{ "Name": name }], "ApiVersion": "1.41" }),
        };
        assert_eq!(named("Engine").name(), "Docker");
        assert_eq!(named("Podman Engine").name(), "Podman");
        assert_eq!(named("balenaEngine").name(), "balenaEngine");
        assert_eq!(named("Engine").api_numbers(), Some((1, 41)));
        assert_eq!(Version { raw: json!({}) }.api_numbers(), None);
    }
}
