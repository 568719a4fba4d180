//! `docker image inspect`: one image, as the engine tells of it.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::SystemTime;

use hyper::Method;
use longshore_syntax::ContainerPort;
use serde_json::Value;

use super::images::Images;
use super::list::{labels, names};
use super::moment::rfc3339;
use super::name::in_path;
use super::podman;
use crate::engine::{ApiError, Engine};
use crate::error::Result;

impl Images {
    /// What the engine says of an image, named by reference or by id (`docker image inspect`).
    ///
    /// # Errors
    ///
    /// When the name is malformed, or there is no such image here
    /// ([`is_image_not_found`](crate::Error::is_image_not_found)).
    pub fn inspect(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<ImageInspect>> + Send + 'static {
        self.ask(name, "inspected", |engine, name| async move {
            Ok(ImageInspect { raw: inspect(&engine, name.text()).await? })
        })
    }

    /// Whether an image is here, named by reference or by id.
    ///
    /// # Errors
    ///
    /// When the name is malformed or the engine fails.
    pub fn exists(&self, name: &str) -> impl Future<Output = Result<bool>> + Send + 'static {
        self.ask(name, "looked for", |engine, name| async move {
            match inspect(&engine, name.text()).await {
                Ok(_) => Ok(true),
                Err(error) if error.is_not_found() => Ok(false),
                Err(error) => Err(error),
            }
        })
    }
}

/// `GET /images/{name}/json`. On the I/O thread.
pub(super) async fn inspect(engine: &Engine, name: &str) -> Result<Value, ApiError> {
    let path = format!("/images/{}/json", in_path(engine, name));
    let answer = engine.client().json(Method::GET, &path, None).await;
    answer.map_err(|error| if engine.is_podman() { podman::in_dockers_words(error) } else { error })
}

/// The ports that an image exposes (`EXPOSE`), in order. On the I/O thread.
#[allow(dead_code, reason = "for `publish_all`, which is not here yet")]
pub(crate) async fn exposed_ports(
    engine: &Engine,
    image: &str,
) -> Result<Vec<ContainerPort>, ApiError> {
    Ok(ImageInspect { raw: inspect(engine, image).await? }.exposed_ports())
}

/// What the engine says of an image (`docker image inspect`), at the moment it was asked.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageInspect {
    raw: Value,
}

impl ImageInspect {
    /// Everything, as the engine gave it.
    pub fn raw(&self) -> &Value {
        &self.raw
    }

    fn text(&self, pointer: &str) -> &str {
        self.raw.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    fn texts(&self, pointer: &str) -> Vec<&str> {
        let list = self.raw.pointer(pointer).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// The names of an object's members, in order.
    fn keys(&self, pointer: &str) -> Vec<&str> {
        let object = self.raw.pointer(pointer).and_then(Value::as_object);
        let mut keys: Vec<_> = object.into_iter().flatten().map(|(key, _)| key.as_str()).collect();
        keys.sort_unstable();
        keys
    }

    /// The full id: `sha256:` and 64 digits.
    pub fn id(&self) -> &str {
        self.text("/Id")
    }

    /// Its names, such as `busybox:1.35`.
    pub fn tags(&self) -> Vec<String> {
        names(&self.raw["RepoTags"])
    }

    /// Its names by digest, such as `busybox@sha256:..`: where it was pulled from or pushed to.
    pub fn digests(&self) -> Vec<String> {
        names(&self.raw["RepoDigests"])
    }

    /// When it was made; `None` where its maker did not say.
    pub fn created(&self) -> Option<SystemTime> {
        rfc3339(self.text("/Created"))
    }

    /// The processor it is for, such as `amd64`.
    pub fn architecture(&self) -> &str {
        self.text("/Architecture")
    }

    /// The system it is for, such as `linux`.
    pub fn os(&self) -> &str {
        self.text("/Os")
    }

    /// The bytes of all of its layers; some of them may be other images' too.
    pub fn size(&self) -> u64 {
        self.raw["Size"].as_u64().unwrap_or_default()
    }

    /// The digests of its layers' content, the lowest first.
    pub fn layers(&self) -> Vec<&str> {
        self.texts("/RootFS/Layers")
    }

    /// Its environment (`ENV`), in the order of the image.
    pub fn env(&self) -> Vec<(&str, &str)> {
        let env = self.texts("/Config/Env");
        env.into_iter().map(|line| line.split_once('=').unwrap_or((line, ""))).collect()
    }

    /// Its command, or the arguments of its entrypoint (`CMD`).
    pub fn cmd(&self) -> Vec<&str> {
        self.texts("/Config/Cmd")
    }

    /// Its entrypoint (`ENTRYPOINT`); empty without one.
    pub fn entrypoint(&self) -> Vec<&str> {
        self.texts("/Config/Entrypoint")
    }

    /// The ports that it exposes (`EXPOSE`), in order.
    pub fn exposed_ports(&self) -> Vec<ContainerPort> {
        let ports = self.keys("/Config/ExposedPorts").into_iter();
        let mut ports: Vec<_> = ports.filter_map(|port| ContainerPort::parse(port).ok()).collect();
        ports.sort();
        ports
    }

    /// The paths for which a container gets anonymous volumes (`VOLUME`), in order.
    pub fn volumes(&self) -> Vec<&str> {
        self.keys("/Config/Volumes")
    }

    /// Its labels (`LABEL`).
    pub fn labels(&self) -> BTreeMap<&str, &str> {
        labels(&self.raw["Config"]["Labels"])
    }

    /// The folder in which its command runs (`WORKDIR`); empty where it does not say.
    pub fn workdir(&self) -> &str {
        self.text("/Config/WorkingDir")
    }

    /// The user as whom its command runs (`USER`); empty where it does not say, which is root.
    pub fn user(&self) -> &str {
        self.text("/Config/User")
    }

    /// The signal that stops it (`STOPSIGNAL`); `None` where it does not say, which is `SIGTERM`.
    pub fn stop_signal(&self) -> Option<&str> {
        Some(self.text("/Config/StopSignal")).filter(|signal| !signal.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_an_image_does_not_say_is_empty() {
        let bare = ImageInspect { raw: json!({ "Config": { "Env": null, "ExposedPorts": null } }) };
        assert!(bare.env().is_empty() && bare.exposed_ports().is_empty() && bare.tags().is_empty());
        assert_eq!((bare.created(), bare.stop_signal(), bare.user()), (None, None, ""));
    }

    #[test]
    fn a_stop_signal_is_told() {
        let image = ImageInspect { raw: json!({ "Config": { "StopSignal": "SIGINT" } }) };
        assert_eq!(image.stop_signal(), Some("SIGINT"));
    }

    #[test]
    fn ports_are_in_the_order_of_their_numbers() {
        let image = ImageInspect {
            raw: json!({ "Config": { "ExposedPorts": { "8080/tcp": {}, "53/udp": {}, "443/tcp": {} } } }),
        };
        let ports: Vec<_> = image.exposed_ports().iter().map(ToString::to_string).collect();
        assert_eq!(ports, ["53/udp", "443/tcp", "8080/tcp"]);
    }
}
