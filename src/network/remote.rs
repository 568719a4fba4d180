//! One network as the engine knows it: the calls of the API that need no more than its id or name. Owns nothing.

use std::future::Future;

use hyper::Method;
use serde_json::json;

use super::endpoint::Endpoint;
use super::inspect::NetworkInspect;
use crate::container::Container;
use crate::engine::{get_networks, io, segment, ApiError, Engine};
use crate::error::{Error, Kind, Result};

/// Since this version of the API, the way out of a container can be chosen.
const GATEWAYS_HAVE_PRIORITY: (usize, usize) = (1, 48);

#[derive(Debug, Clone)]
pub(super) struct RemoteNetwork {
    engine: Engine,
    /// What the engine is asked for: the id, or a name that the user gave.
    reference: String,
    name: String,
}

impl RemoteNetwork {
    pub(super) fn new(engine: Engine, reference: String, name: String) -> Self {
        RemoteNetwork { engine, reference, name }
    }

    /// Puts the network and the engine into a report.
    pub(super) fn name_in(&self, error: Error) -> Error {
        error.fact("network", format!("`{}`", self.name)).fact("engine", self.engine.to_string())
    }

    fn path(&self) -> String {
        format!("/networks/{}", segment(&self.reference))
    }

    pub(super) async fn inspect(self) -> Result<NetworkInspect> {
        io::check_process()?;
        let (engine, path) = (self.engine.clone(), self.path());
        let raw = io::run(async move { get_networks(&engine, &path).await });
        let raw = raw.await.map_err(|error| {
            self.name_in(error.while_trying("the network could not be inspected"))
        })?;
        Ok(NetworkInspect::new(raw))
    }

    /// `DELETE /networks/{id}`: refused while a container is on it.
    pub(super) async fn remove(self) -> Result<()> {
        io::check_process()?;
        let (engine, path) = (self.engine.clone(), self.path());
        let removed =
            io::run(async move { engine.client().send(Method::DELETE, &path, None).await });
        removed.await.map(drop).map_err(|error| {
            let is_used = error.status() == Some(403) || error.to_string().contains("being used");
            let report = self.name_in(error.while_trying("the network could not be removed"));
            if is_used {
                return report.hint(
                    "disconnect what is on it first (`docker network disconnect -f`), or remove those containers",
                );
            }
            report
        })
    }

    pub(super) fn connect(
        self,
        container: &Container,
        endpoint: Endpoint,
    ) -> impl Future<Output = Result<()>> + Send + 'static {
        let remote = container.remote().clone();
        let ports = container.reread_ports();
        async move {
            io::check_process()?;
            let named = |error: Error| self.name_in(remote.name_in(error));
            endpoint.check().map_err(named)?;
            let api = self.engine.version().api_numbers();
            if endpoint.has_gw_priority() && api < Some(GATEWAYS_HAVE_PRIORITY) {
                let headline = "the engine cannot choose a container's way out by priority";
                let report = Error::new(Kind::InvalidRequest, headline);
                return Err(named(
                    report.hint("leave `.gw_priority(..)` away, or use Docker 28 or newer"),
                ));
            }
            let body = json!({ "Container": remote.id(), "EndpointConfig": endpoint.config() });
            if let Err(error) = self.post("connect", body).await {
                self.clear_away(remote.id(), &error).await;
                let told = error.to_string();
                let report = named(error.while_trying("the container could not be connected"));
                if endpoint.has_address() && told.contains("user configured subnet") {
                    return Err(report
                        .hint("a fixed address needs a network with a `.subnet(..)` of its own"));
                }
                return Err(report);
            }
            ports.await.map(drop)
        }
    }

    /// Podman 4.3 notes a network down before it fails to connect to it. Nothing can be asked of the container then, nor can
    /// the networks be listed.
    async fn clear_away(&self, container: &str, error: &ApiError) {
        let is_half_done =
            error.status() == Some(500) && !error.to_string().contains("already connected");
        if self.engine.is_podman() && is_half_done {
            let body = json!({ "Container": container, "Force": true });
            drop(self.post("disconnect", body).await);
        }
    }

    pub(super) fn disconnect(
        self,
        container: &Container,
        by_force: bool,
    ) -> impl Future<Output = Result<()>> + Send + 'static {
        let remote = container.remote().clone();
        let ports = container.reread_ports();
        async move {
            io::check_process()?;
            let body = json!({ "Container": remote.id(), "Force": by_force });
            self.post("disconnect", body).await.map_err(|error| {
                let report = error.while_trying("the container could not be disconnected");
                self.name_in(remote.name_in(report))
            })?;
            ports.await.map(drop)
        }
    }

    fn post(
        &self,
        verb: &str,
        body: serde_json::Value,
    ) -> impl Future<Output = Result<(), ApiError>> + Send + 'static {
        let (engine, path) = (self.engine.clone(), format!("{}/{verb}", self.path()));
        io::run(
            async move { engine.client().send(Method::POST, &path, Some(&body)).await.map(drop) },
        )
    }
}
