//! The beginning of a start: the image, the host's ports, and a container that is made and not started.

use std::time::Instant;

use hyper::Method;
use longshore_syntax::ContainerPort;
use serde_json::Value;

use super::bring_up::hint_for;
use super::clock::Phase;
use super::host_ports::{HostPorts, Reservation};
use super::on_podman;
use super::start::Launch;
use crate::engine::{io, query, Host, Remote, Thing};
use crate::error::{Error, Kind, Result};
use crate::image::{exposed_ports, pull, PullOrder};
use crate::request::{create_body, publish_too, Endpoint, PullPolicy};
use crate::session::{self, Guard};

/// A container that was made and not started.
pub(super) struct Made {
    pub(super) guard: Guard,
    pub(super) remote: Remote,
    pub(super) reservation: Reservation,
    pub(super) host: Host,
    /// The networks that it is yet to be connected to.
    pub(super) connected: Vec<Endpoint>,
}

impl Launch {
    /// The ports that are to be published, when the image is there if they depend on it.
    pub(super) async fn host_ports(&mut self) -> Result<HostPorts> {
        let engine = self.engine.clone();
        let host = io::run(async move { engine.host().await.clone() }).await;
        if self.request.pull_policy() == PullPolicy::Always && !self.pulled {
            self.pull(Instant::now()).await?;
        }
        if self.checked.publishes_all {
            for port in self.ports_of_image().await? {
                publish_too(port, &mut self.checked.mappings);
            }
        }
        Ok(HostPorts::new(self.checked.mappings.clone(), host, &self.engine))
    }

    /// The ports that the image exposes.
    async fn ports_of_image(&mut self) -> Result<Vec<ContainerPort>> {
        loop {
            let asked = Instant::now();
            let (engine, image) = (self.engine.clone(), self.checked.image.familiar());
            let look = io::run(async move { exposed_ports(&engine, &image).await });
            match self.in_time(look).await? {
                Ok(ports) => return Ok(ports),
                Err(error) if error.is_not_found() => {
                    self.image_is_missing(&error.to_string(), asked).await?;
                }
                Err(error) => return Err(error.while_trying("the image could not be inspected")),
            }
        }
    }

    /// Pulls the image that was missing at that moment; the time for the start begins anew.
    pub(super) async fn pull(&mut self, missing: Instant) -> Result<()> {
        let order = PullOrder {
            image: self.checked.image.clone(),
            platform: self.request.platform_name().map(str::to_owned),
            stall: self.request.stall_timeout(),
        };
        let engine = self.engine.clone();
        let span = tracing::info_span!("pull", image = self.request.image());
        let pulling = io::run(async move { pull(&engine, &order, missing).await });
        self.clock.phase(Phase::Pull, span, pulling).await?;
        self.pulled = true;
        self.restart_clock();
        Ok(())
    }

    /// Creates a container with host ports of its own choice.
    pub(super) async fn make(&mut self, host_ports: &HostPorts) -> Result<Made> {
        let reservation = host_ports.choose()?;
        let instance = session::instance();
        let name = self
            .request
            .fixed_name()
            .map_or_else(|| format!("longshore-{instance}"), str::to_owned);
        self.clock.makes(&instance, &name);
        let mut labels = session::labels(&self.engine, Thing::Container, &instance);
        let guard =
            Guard::new(self.engine.clone(), Thing::Container, instance.clone(), name.clone());
        if let Some(turn) = &self.turn {
            turn.claim(&instance, &mut labels, &guard)?;
        }
        let bindings = &reservation.bindings;
        let is_podman = self.engine.is_podman();
        let api = if is_podman { on_podman::NETWORKS_AS_OF } else { self.engine.api() };
        let (mut body, connected) =
            create_body(&self.request, &self.checked, bindings, &labels, api);
        if is_podman {
            on_podman::adapt(&mut body, &self.request, &self.checked);
        }
        body["Image"] = self.made_of().into();
        let id = self.create(&guard, &name, body).await?;
        let image = self.request.image().to_owned();
        let remote = Remote::new(self.engine.clone(), id, name, image, self.request.has_tty());
        Ok(Made { guard, remote, reservation, host: host_ports.host().clone(), connected })
    }

    /// Creates the container, pulling a missing image and sweeping away a dead owner's container of the same name.
    async fn create(&mut self, guard: &Guard, name: &str, mut body: Value) -> Result<String> {
        let (mut swept, mut remade) = (false, false);
        loop {
            let asked = Instant::now();
            let mut pairs = vec![("name", name)];
            // A snapshot is of the image's platform, though not every engine has noted that.
            let platform = self.request.platform_name().filter(|_| self.snapshot.is_none());
            pairs.extend(platform.map(|platform| ("platform", platform)));
            let path = format!("/containers/create{}", query(&pairs));
            let create = guard.create(path, body.clone());
            let span = tracing::info_span!("create", name);
            let create = self.clock.phase(Phase::Create, span, create);
            let error = match self.in_time(create).await? {
                Ok(id) => return Ok(id),
                Err(error) => error,
            };
            let told = error.to_string();
            match error.status() {
                // Somebody has pruned it.
                Some(404) if self.snapshot.is_some() => {
                    match std::mem::replace(&mut remade, true) {
                        false => self.warm_up().await?,
                        true => self.go_cold(),
                    }
                    body["Image"] = self.made_of().into();
                }
                Some(404) if told.contains("image") || told.contains("manifest") => {
                    self.image_is_missing(&told, asked).await?
                }
                // Podman says 500 for a name that is taken, Docker 409.
                Some(409 | 500) if told.contains("already in use") => {
                    if swept || !self.sweep_away(name).await {
                        return Err(Error::new(Kind::NameTaken, format!("the name `{name}` is taken by another container"))
                            .fact("because", told)
                            .hint(format!("remove it (`docker rm -f {name}`), or leave `.name(..)` away to have a free one")));
                    }
                    swept = true;
                }
                _ => {
                    let report = error.while_trying("the engine did not create the container");
                    return Err(hint_for(&told, report));
                }
            }
        }
    }

    pub(super) async fn image_is_missing(&mut self, told: &str, asked: Instant) -> Result<()> {
        let image = self.checked.image.familiar();
        if self.request.pull_policy() == PullPolicy::Never {
            let platform = self.request.platform_name();
            let platform = platform.map(|name| format!("--platform {name} ")).unwrap_or_default();
            return Err(Error::new(
                Kind::ImageNotFound,
                format!("the image `{image}` is not here and may not be pulled"),
            )
            .fact("because", told)
            .hint(format!(
                "pull it before (`docker pull {platform}{image}`), or leave `.pull(PullPolicy::Never)` away"
            )));
        }
        if self.pulled {
            // Another platform than the engine's, or somebody removes images.
            return Err(Error::new(
                Kind::ImageNotFound,
                format!("the image `{image}` was pulled, but is not there"),
            )
            .fact("because", told)
            .hint("it may exist for another platform only: `.platform(..)`"));
        }
        self.pull(asked).await
    }

    /// Removes the container of this name if it is ours and its owner is dead, or nobody's turn any more.
    async fn sweep_away(&self, name: &str) -> bool {
        let (engine, path) = (self.engine.clone(), format!("/containers/{name}/json"));
        let turn = self.turn.clone();
        io::run(async move {
            let Ok(holder) = engine.client().json(Method::GET, &path, None).await else {
                // Gone meanwhile: another try is worth it.
                return true;
            };
            let id = holder["Id"].as_str().unwrap_or_default();
            let is_leftover =
                turn.is_some_and(|turn| turn.is_leftover(&holder["Config"]["Labels"]));
            (is_leftover || session::is_left_behind(&engine, &holder).await)
                && Thing::Container.remove(&engine, id).await.is_ok()
        })
        .await
    }
}
