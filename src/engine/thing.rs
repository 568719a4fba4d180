//! What longshore makes and removes: containers, networks, volumes, images. How each is found by a label and removed.
//!
//! Removes what it is told to and nothing else.

use std::future::Future;
use std::time::Duration;

use hyper::Method;
use longshore_syntax::ImageReference;
use serde_json::{json, Value};

use super::engine::Engine;
use super::failure::ApiError;
use super::{podman, query};

/// A kind of thing that an engine holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Thing {
    Container,
    Network,
    Volume,
    Image,
}

impl Thing {
    /// What it is called in a message.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Thing::Container => "container",
            Thing::Network => "network",
            Thing::Volume => "volume",
            Thing::Image => "image",
        }
    }

    /// The words behind the [command](Engine::command) with which a user removes one by hand.
    pub(crate) fn removing_words(self) -> &'static str {
        match self {
            Thing::Container => "rm -fv",
            Thing::Network => "network rm",
            Thing::Volume => "volume rm",
            Thing::Image => "rmi",
        }
    }

    /// Whether an engine refuses to remove one that a container uses. (A network's containers are disconnected.)
    pub(crate) fn may_be_used(self) -> bool {
        matches!(self, Thing::Volume | Thing::Image)
    }

    /// The id in the answer to a call that makes one, or in one line of a list of them.
    pub(crate) fn id_in(self, answer: &Value) -> String {
        let key = if self == Thing::Volume { "Name" } else { "Id" };
        let id = answer[key].as_str().unwrap_or_default();
        match self {
            // Podman leaves the algorithm away where it tells an id, and wants it where it reads one.
            Thing::Image if !id.contains(':') => format!("sha256:{id}"),
            _ => id.to_owned(),
        }
    }

    /// The ids of those that carry a label (`name` or `name=value`). On the I/O thread.
    pub(crate) async fn labelled(
        self,
        engine: &Engine,
        label: &str,
    ) -> Result<Vec<String>, ApiError> {
        let path = self.listing(&json!({ "label": [label] }));
        let found = match self {
            Thing::Network => podman::get_networks(engine, &path).await?,
            _ => engine.client().json(Method::GET, &path, None).await?,
        };
        let list = if self == Thing::Volume { &found["Volumes"] } else { &found };
        Ok(list.as_array().into_iter().flatten().map(|one| self.id_in(one)).collect())
    }

    /// Where all of them are listed that fit the filters: containers that do not run too, and images that others are made of.
    pub(crate) fn listing(self, filters: &Value) -> String {
        let filters = filters.to_string();
        let pairs = [("all", "1"), ("filters", filters.as_str())];
        match self {
            Thing::Container => format!("/containers/json{}", query(&pairs)),
            Thing::Network => format!("/networks{}", query(&pairs[1..])),
            Thing::Volume => format!("/volumes{}", query(&pairs[1..])),
            Thing::Image => format!("/images/json{}", query(&pairs)),
        }
    }

    /// Removes one; gone already counts. A container goes by force and with its anonymous volumes, from a network whatever
    /// is on it is disconnected, an image loses all of its tags. Tries again what passes by itself. On the I/O thread.
    pub(crate) async fn remove(self, engine: &Engine, id: &str) -> Result<(), ApiError> {
        self.insist(engine, id, || self.remove_once(engine, id)).await
    }

    async fn insist<F>(
        self,
        engine: &Engine,
        id: &str,
        remove_once: impl Fn() -> F,
    ) -> Result<(), ApiError>
    where
        F: Future<Output = Result<(), ApiError>>,
    {
        const ATTEMPTS: u32 = 8;
        let mut pause = Duration::from_millis(20);
        let mut attempt = 1;
        loop {
            match remove_once().await {
                Ok(()) => return Ok(()),
                Err(error) if error.is_not_found() => return Ok(()),
                Err(error) => {
                    if !self.passes(&error) || attempt == ATTEMPTS {
                        return Err(error);
                    }
                }
            }
            if self == Thing::Network {
                disconnect_all(engine, id).await;
            }
            attempt += 1;
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    /// Whether a refusal passes by itself.
    fn passes(self, error: &ApiError) -> bool {
        match error.status() {
            // No answer: the engine may be restarting. 5xx: its file system is still busy.
            None | Some(500..) => true,
            // The engine is removing it already (`--rm`), or it is just being started or stopped.
            Some(409) => !self.may_be_used(),
            // Something is on the network, which is disconnected then.
            Some(403) => self == Thing::Network,
            Some(_) => false,
        }
    }

    async fn remove_once(self, engine: &Engine, id: &str) -> Result<(), ApiError> {
        let path = match self {
            Thing::Container if engine.is_podman() => return podman::remove(engine, id).await,
            Thing::Container => format!("/containers/{id}?force=1&v=1"),
            Thing::Network => format!("/networks/{id}"),
            Thing::Volume => format!("/volumes/{id}"),
            Thing::Image => format!("/images/{id}?force=1"),
        };
        engine.client().send(Method::DELETE, &path, None).await.map(drop)
    }
}

/// Removes an image that its owner calls `name` (its tag, if it has one): by Docker's own rules, so that it is refused (409)
/// while a container uses it, running or not, or another image is made of it. What somebody else has tagged stays under that
/// tag, and images that it is made of stay too. Gone already counts. On the I/O thread.
pub(crate) async fn remove_image(engine: &Engine, id: &str, name: &str) -> Result<(), ApiError> {
    Thing::Image.insist(engine, id, || remove_image_once(engine, id, name)).await
}

async fn remove_image_once(engine: &Engine, id: &str, name: &str) -> Result<(), ApiError> {
    let client = engine.client();
    let image = client.json(Method::GET, &format!("/images/{id}/json"), None).await?;
    let tags: Vec<_> =
        image["RepoTags"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let own = ImageReference::parse(name).ok();
    let is_own = |tag: &&&str| own.is_some() && ImageReference::parse(tag).ok() == own;
    let doomed = match tags.iter().find(is_own) {
        Some(own) if tags.len() > 1 => own,
        None if !tags.is_empty() => return Ok(()),
        _ => id,
    };
    client.send(Method::DELETE, &format!("/images/{doomed}?noprune=1"), None).await.map(drop)
}

/// Takes every container off a network, by force. What fails shows when the network is removed.
async fn disconnect_all(engine: &Engine, network: &str) {
    let path = format!("/networks/{network}");
    let Ok(inspect) = engine.client().json(Method::GET, &path, None).await else { return };
    for container in inspect["Containers"].as_object().into_iter().flatten().map(|(id, _)| id) {
        let body = json!({ "Container": container, "Force": true });
        let path = format!("{path}/disconnect");
        drop(engine.client().send(Method::POST, &path, Some(&body)).await);
    }
}
