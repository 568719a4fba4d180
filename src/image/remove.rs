//! `docker tag` and `docker rmi`: names come and go, and an image goes with its last one.

use std::fmt;
use std::future::Future;

use hyper::Method;
use serde_json::Value;

use super::images::Images;
use super::name::{familiar, full_id, in_path, repository, tagged, ImageName};
use super::podman;
use crate::engine::{io, query, ApiError, Engine};
use crate::error::{Error, Kind, Result};

impl Images {
    /// Gives an image, named by reference or by id, one more name (`docker tag`). A name that another image has moves to
    /// this one.
    ///
    /// # Errors
    ///
    /// When a name is malformed, the new one has a digest, or there is no such image here
    /// ([`is_image_not_found`](Error::is_image_not_found)).
    pub fn tag(
        &self,
        source: &str,
        target: &str,
    ) -> impl Future<Output = Result<()>> + Send + 'static {
        let (images, source, target) =
            (self.clone(), source.to_owned(), tagged(target, "a new name"));
        async move {
            let target = target?;
            let tag = move |engine: Engine, source: ImageName| async move {
                let (repository, tag) = (repository(&target), target.tag().unwrap_or("latest"));
                let pairs = [("repo", repository.as_str()), ("tag", tag)];
                let path = format!("/images/{}/tag{}", source.in_path(&engine), query(&pairs));
                engine.client().send(Method::POST, &path, None).await.map(drop)
            };
            images.ask(&source, "tagged", tag).await
        }
    }

    /// Removes a name of an image, and with the last one the image and what no other image is made from (`docker rmi`). An
    /// image without a name, or with one, goes by its id too.
    ///
    /// # Errors
    ///
    /// When there is no such image here ([`is_image_not_found`](Error::is_image_not_found)), or it is used by a container,
    /// by another image that is made from it, or named by its id, by more names than one
    /// ([`is_in_use`](Error::is_in_use)).
    pub fn remove(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<Vec<RemovedImage>>> + Send + 'static {
        self.remove_with(name, RemoveImage::new())
    }

    /// As [`remove`](Images::remove), with options.
    ///
    /// # Errors
    ///
    /// As [`remove`](Images::remove). Force does not help when a running container uses an image that is named by its id,
    /// nor against images that are made from it.
    pub fn remove_with(
        &self,
        name: &str,
        options: RemoveImage,
    ) -> impl Future<Output = Result<Vec<RemovedImage>>> + Send + 'static {
        let (engine, name) = (self.engine.clone(), ImageName::parse(name));
        async move {
            io::check_process()?;
            let name = name?;
            let (asking, asked) = (engine.clone(), name.clone());
            let removed =
                io::run(async move { remove(&asking, asked.text(), &options).await }).await;
            removed.map_err(|error| {
                let what = format!("the image `{}` could not be removed", name.text());
                match error.status() {
                    Some(409) => in_use(error, what, &name, &engine),
                    _ => name.failed(error, what, &engine),
                }
            })
        }
    }
}

/// `DELETE /images/{name}`. On the I/O thread.
pub(crate) async fn remove(
    engine: &Engine,
    name: &str,
    options: &RemoveImage,
) -> Result<Vec<RemovedImage>, ApiError> {
    if options.force && engine.is_podman() {
        return podman::remove_by_force(engine, name, options).await;
    }
    let word = |is: bool| if is { "1" } else { "0" };
    let pairs = [("force", word(options.force)), ("noprune", word(options.no_prune))];
    let path = format!("/images/{}{}", in_path(engine, name), query(&pairs));
    let answer = engine.client().json(Method::DELETE, &path, None).await;
    if !engine.is_podman() {
        return Ok(RemovedImage::all_of(&answer?));
    }
    let mut removed = RemovedImage::all_of(&answer.map_err(podman::in_dockers_words)?);
    // It tells the names last, though they go first.
    removed.sort_by_key(|one| matches!(one, RemovedImage::Deleted(_)));
    Ok(removed)
}

fn in_use(error: ApiError, what: String, name: &ImageName, engine: &Engine) -> Error {
    let told = error.to_string();
    let hint = match () {
        () if told.contains("running container") => "stop the container and remove it first",
        () if told.contains("dependent child") => "remove the images first that are made from it",
        () if told.contains("multiple repositories") || told.contains("more than one tag") => {
            "remove its names one by one, or all of them with `RemoveImage::new().force()`"
        }
        () => "remove the container first; `RemoveImage::new().force()` takes the name away all the same",
    };
    Error::new(Kind::InUse, what)
        .fact("because", told)
        .fact("image", format!("`{}`", name.text()))
        .fact("engine", engine.to_string())
        .hint(hint)
}

/// How an image is removed, as the options of `docker rmi`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct RemoveImage {
    force: bool,
    no_prune: bool,
}

impl RemoveImage {
    /// Without any option.
    pub fn new() -> Self {
        Self::default()
    }

    /// Although stopped containers use it, or although it has several names and is named by its id (`--force`). Named by
    /// tag while a running container uses it, it loses that name and stays.
    ///
    /// No container is removed, also on Podman, whose own force would. There the image of a stopped container stays too,
    /// without a name.
    pub fn force(mut self) -> Self {
        self.force = true;
        self
    }

    pub(super) fn without_force(&self) -> Self {
        RemoveImage { force: false, ..self.clone() }
    }

    /// Leaves the images without a name in place that it was made from (`--no-prune`).
    pub fn no_prune(mut self) -> Self {
        self.no_prune = true;
        self
    }
}

/// One thing that went when an image was removed, as `docker rmi` tells it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum RemovedImage {
    /// A name: `busybox:1.35`, or one by digest.
    Untagged(String),
    /// An image or one of its layers, by its id.
    Deleted(String),
}

impl RemovedImage {
    /// From the answer of a removal.
    pub(crate) fn all_of(answer: &Value) -> Vec<Self> {
        let one = |line: &Value| match (line["Untagged"].as_str(), line["Deleted"].as_str()) {
            (Some(name), _) => Some(RemovedImage::Untagged(familiar(name))),
            (None, Some(id)) => Some(RemovedImage::Deleted(full_id(id))),
            (None, None) => None,
        };
        answer.as_array().into_iter().flatten().filter_map(one).collect()
    }
}

impl fmt::Display for RemovedImage {
    /// `untagged: busybox:1.35`, `deleted: sha256:..`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RemovedImage::Untagged(name) => write!(f, "untagged: {name}"),
            RemovedImage::Deleted(id) => write!(f, "deleted: {id}"),
        }
    }
}
