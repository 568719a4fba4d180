//! `docker push`: an image goes to its registry, with the credentials of `docker login`.

use std::future::Future;
use std::time::Duration;

use http_body_util::{Either, Full};
use longshore_syntax::ImageReference;
use serde_json::Value;

use super::images::Images;
use super::name::{repository, tagged};
use super::progress::Progress;
use super::pull::DEFAULT_STALL;
use super::told::{words_of, Told};
use super::{credentials, podman};
use crate::engine::{encoded, io, query, ApiError, Engine};
use crate::error::{Error, Kind, Result};

impl Images {
    /// Pushes an image by its name to the registry that the name begins with (`docker push`), and gives its digest there:
    /// `sha256:` and 64 digits. Layers that the registry has already are not sent again. Credentials are those of
    /// `docker login`.
    ///
    /// Dropping the future ends the push.
    ///
    /// # Errors
    ///
    /// When the name is malformed, an id, or has a digest; when there is no such image here
    /// ([`is_image_not_found`](Error::is_image_not_found)); when the registry cannot be reached, refuses, or nothing moves for
    /// a minute ([`is_push_failed`](Error::is_push_failed)).
    pub fn push(&self, name: &str) -> impl Future<Output = Result<String>> + Send + 'static {
        self.push_with(name, PushOptions::new())
    }

    /// As [`push`](Images::push), with options.
    ///
    /// # Errors
    ///
    /// As [`push`](Images::push).
    pub fn push_with(
        &self,
        name: &str,
        options: PushOptions,
    ) -> impl Future<Output = Result<String>> + Send + 'static {
        let (engine, reference) = (self.engine.clone(), tagged(name, "pushed"));
        async move {
            io::check_process()?;
            let reference = reference?;
            let (asking, image) = (engine.clone(), reference.clone());
            let pushed = io::run(async move { push(&asking, &image, &options).await }).await;
            pushed.map_err(|error| {
                let error =
                    if engine.is_podman() { podman::in_dockers_words(error) } else { error };
                failed(error, &reference)
                    .fact("image", format!("`{}`", reference.familiar()))
                    .fact("engine", engine.to_string())
            })
        }
    }
}

/// How an image is pushed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct PushOptions {
    stall: Option<Duration>,
}

impl PushOptions {
    /// As `docker push` does.
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives up when nothing moves for this long; by default 60 seconds. There is no limit for the whole.
    pub fn stall_timeout(mut self, limit: Duration) -> Self {
        self.stall = Some(limit);
        self
    }
}

/// `POST /images/{name}/push`. On the I/O thread.
async fn push(
    engine: &Engine,
    image: &ImageReference,
    options: &PushOptions,
) -> Result<String, ApiError> {
    let mut progress = Progress::start("pushing", &image.familiar());
    let outcome = follow(engine, image, options, &mut progress).await;
    progress.end(if outcome.is_ok() { "done" } else { "failed" });
    outcome
}

async fn follow(
    engine: &Engine,
    image: &ImageReference,
    options: &PushOptions,
    progress: &mut Progress,
) -> Result<String, ApiError> {
    let credentials = credentials::header_for(image.registry()).await;
    // Without the header an old engine reads them from the body, and fails.
    let credentials = credentials.unwrap_or_else(credentials::header_for_nobody);
    let stall = options.stall.unwrap_or(DEFAULT_STALL);
    let mut pairs = vec![("tag", image.tag().unwrap_or("latest"))];
    if engine.is_podman() && podman::is_insecure(image.registry()) {
        pairs.push(("tlsVerify", "false"));
    }
    let path = format!("/images/{}/push{}", encoded(&repository(image)), query(&pairs));
    let header = Some((credentials::HEADER, credentials.as_str()));
    let asked = engine.client().upload(&path, header, Either::Left(Full::default()));
    let answer = tokio::time::timeout(stall, asked).await;
    let mut told = Told::new(answer.unwrap_or(Err(ApiError::Late(stall)))?);
    let mut digest = None;
    while let Some(step) = told.next_within(stall).await? {
        progress.saw(&step);
        digest = digest_in(&step).or(digest);
    }
    digest.ok_or_else(|| ApiError::Broken {
        message: "the engine's answer ended without a digest".into(),
        connected: true,
    })
}

/// Engines tell it in an object of its own, and in words: `1: digest: sha256:.. size: 527`.
fn digest_in(step: &Value) -> Option<String> {
    if let Some(digest) = step["aux"]["Digest"].as_str() {
        return Some(digest.to_owned());
    }
    let (_, rest) = step["status"].as_str()?.split_once("digest: ")?;
    rest.split_whitespace().next().map(str::to_owned)
}

fn failed(error: ApiError, image: &ImageReference) -> Error {
    let (name, registry) = (image.familiar(), image.registry());
    if let ApiError::Late(limit) = error {
        let what = format!("pushing the image `{name}` made no progress for {limit:?}");
        return Error::new(Kind::Push, what).hint(
            "look at the network and the registry, or give it longer with `PushOptions::stall_timeout(..)`",
        );
    }
    let is_not_found = error.is_not_found();
    let told = words_of(error);
    let says = |words: &[&str]| words.iter().any(|word| told.to_lowercase().contains(word));
    let (kind, hint) = match () {
        () if is_not_found || says(&["does not exist locally"]) => (
            Kind::ImageNotFound,
            format!("give an image that is here this name: `docker tag IMAGE {name}`"),
        ),
        () if says(&[
            "denied",
            "unauthorized",
            "authentication required",
            "no basic auth credentials",
        ]) =>
        {
            (
                Kind::Push,
                format!("log in first, as somebody who may push there: `docker login {registry}`"),
            )
        }
        () if says(&["http response to https client"]) => (
            Kind::Push,
            format!("let the engine speak plain HTTP with `{registry}`: its `insecure-registries`"),
        ),
        () => (
            Kind::Push,
            format!("look at whether `{registry}` is reached from the engine's machine"),
        ),
    };
    Error::new(kind, format!("the image `{name}` could not be pushed"))
        .fact("because", told)
        .hint(hint)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_digest_is_found_wherever_it_is_told() {
        let digest = "sha256:ef55a676";
        for step in [
            json!({ "progressDetail": {}, "aux": { "Tag": "1", "Digest": digest, "Size": 527 } }),
            json!({ "status": "1: digest: sha256:ef55a676 size: 527" }),
        ] {
            assert_eq!(digest_in(&step).unwrap(), digest);
        }
        assert_eq!(digest_in(&json!({ "status": "Pushed", "id": "1e85a16724dc" })), None);
    }

    fn check(told: &str, hint: &str) {
        let image = ImageReference::parse("127.0.0.1:5000/team/app:1").unwrap();
        let error = failed(ApiError::Refused { status: 200, message: told.into() }, &image);
        assert_eq!(
            error.to_string(),
            format!("the image `127.0.0.1:5000/team/app:1` could not be pushed\n  because: {told}\n  hint: {hint}")
        );
        assert_eq!(error.is_image_not_found(), told.contains("locally"));
    }

    #[test]
    fn says_what_a_refusal_means() {
        check(
            "An image does not exist locally with the tag: 127.0.0.1:5000/team/app",
            "give an image that is here this name: `docker tag IMAGE 127.0.0.1:5000/team/app:1`",
        );
        let log_in = "log in first, as somebody who may push there: `docker login 127.0.0.1:5000`";
        check("denied: requested access to the resource is denied", log_in);
        check("no basic auth credentials", log_in);
        check(
            "Get \"https://127.0.0.1:5000/v2/\": http: server gave HTTP response to HTTPS client",
            "let the engine speak plain HTTP with `127.0.0.1:5000`: its `insecure-registries`",
        );
        check(
            "dial tcp 127.0.0.1:5000: connect: connection refused",
            "look at whether `127.0.0.1:5000` is reached from the engine's machine",
        );
    }
}
