//! What Podman does otherwise with images. Each difference was seen on 4.3 and 5.8 unless it says otherwise.

use std::net::IpAddr;

use hyper::body::Incoming;
use hyper::{Method, Response};
use serde_json::Value;

use super::filters::ImageFilters;
use super::list::names;
use super::name::{familiar, full_id, in_path};
use super::pull::PullOrder;
use super::remove::{remove, RemoveImage, RemovedImage};
use crate::engine::podman::list;
use crate::engine::{encoded, query, ApiError, Engine};

/// An id as Podman reads one: with `sha256:` when it is whole, without when it is not. It takes neither form for the other.
pub(super) fn id_as_it_reads_one(name: &str) -> String {
    match name.strip_prefix("sha256:") {
        Some(digits) if digits.len() < 64 => digits.to_owned(),
        Some(_) => name.to_owned(),
        None => full_id(name),
    }
}

/// A refusal with the status that Docker would have given: Podman says 500 where it knows better.
pub(super) fn in_dockers_words(error: ApiError) -> ApiError {
    let ApiError::Refused { status: 500, message } = error else { return error };
    let says = |words: &str| message.contains(words);
    let status = match () {
        () if says("image not known") || says("No such image") => 404,
        () if says("with more than one tag") => 409,
        () => 500,
    };
    ApiError::Refused { status, message }
}

/// Whether a registry may be spoken to without TLS, or with a certificate that nobody has signed. Docker does so on its own
/// machine; Podman has to be told.
pub(super) fn is_insecure(registry: &str) -> bool {
    let host = match registry.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => registry,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Pulls from such a registry, which the path of Docker's API does not.
pub(super) async fn pull(
    engine: &Engine,
    order: &PullOrder,
    header: Option<(&str, &str)>,
) -> Result<Response<Incoming>, ApiError> {
    let name = order.image.canonical();
    let mut pairs = vec![("reference", name.as_str()), ("tlsVerify", "false")];
    // `linux/arm64/v8`
    let parts = order.platform.as_deref().into_iter().flat_map(|platform| platform.splitn(3, '/'));
    pairs.extend(["OS", "Arch", "Variant"].into_iter().zip(parts));
    engine.client().libpod_post(&format!("/images/pull{}", query(&pairs)), header).await
}

/// Takes away the filters that are narrowed by here: 4.3 lists what has any of several labels, and matches references by
/// other patterns. Images are named by their ids, since 4.3 and 5.8 do not find short names there.
pub(super) async fn leave_to_us(
    engine: &Engine,
    filters: &mut ImageFilters,
) -> Result<(), ApiError> {
    filters.labels.clear();
    filters.references.clear();
    for image in [&mut filters.before, &mut filters.since].into_iter().flatten() {
        let found = inspect(engine, image).await?;
        *image = found["Id"].as_str().unwrap_or_default().trim_start_matches("sha256:").to_owned();
    }
    Ok(())
}

/// Removes by force as Docker does. Podman's own force removes the containers too that use the image; here they stay.
///
/// One thing remains: an image that a stopped container uses loses its name, but Podman keeps it until the container is
/// gone.
pub(super) async fn remove_by_force(
    engine: &Engine,
    name: &str,
    options: &RemoveImage,
) -> Result<Vec<RemovedImage>, ApiError> {
    let image = inspect(engine, name).await?;
    let id = image["Id"].as_str().unwrap_or_default();
    let tags = names(&image["RepoTags"]);
    let tag = tags.iter().find(|tag| **tag == familiar(name));
    let users = users(engine, id).await?;
    if let (None, Some(running)) = (tag, users.iter().find(|user| user.is_running)) {
        let message = format!(
            "conflict: unable to delete {name} (cannot be forced) - image is being used by running container {}",
            running.id
        );
        return Err(ApiError::Refused { status: 409, message });
    }
    let mut removed = Vec::new();
    for tag in tag.map_or(tags.as_slice(), std::slice::from_ref) {
        if users.is_empty() {
            removed.extend(Box::pin(remove(engine, tag, &options.without_force())).await?);
        } else {
            untag(engine, tag).await?;
            removed.push(RemovedImage::Untagged(tag.clone()));
        }
    }
    if tags.is_empty() {
        removed.extend(Box::pin(remove(engine, id, &options.without_force())).await?);
    }
    Ok(removed)
}

/// Takes a name away, and nothing else.
async fn untag(engine: &Engine, tag: &str) -> Result<(), ApiError> {
    let canonical = longshore_syntax::ImageReference::parse(tag)
        .map_or_else(|_| tag.to_owned(), |reference| reference.canonical());
    let (repository, word) = canonical.rsplit_once(':').unwrap_or((&canonical, "latest"));
    let pairs = [("repo", repository), ("tag", word)];
    let path = format!("/images/{}/untag{}", encoded(&canonical), query(&pairs));
    engine.client().libpod(Method::POST, &path).await.map(drop)
}

struct User {
    id: String,
    is_running: bool,
}

/// The containers that use an image.
async fn users(engine: &Engine, image: &str) -> Result<Vec<User>, ApiError> {
    let containers = list(engine, "/containers/json?all=1").await?;
    let using = containers.as_array().into_iter().flatten().filter(|container| {
        full_id(container["ImageID"].as_str().unwrap_or_default()) == full_id(image)
    });
    let user = |container: &Value| User {
        id: container["Id"].as_str().unwrap_or_default().chars().take(12).collect(),
        is_running: matches!(container["State"].as_str(), Some("running" | "paused" | "stopping")),
    };
    Ok(using.map(user).collect())
}

async fn inspect(engine: &Engine, name: &str) -> Result<Value, ApiError> {
    let path = format!("/images/{}/json", in_path(engine, name));
    engine.client().json(Method::GET, &path, None).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registries_of_the_own_machine_need_no_certificate() {
        for (registry, expected) in [
            ("127.0.0.1:5000", true),
            ("127.3.2.1", true),
            ("localhost:5000", true),
            ("[::1]:5000", true),
            ("docker.io", false),
            ("10.0.0.7:5000", false),
            ("localhost.example.org", false),
        ] {
            assert_eq!(is_insecure(registry), expected, "{registry}");
        }
    }

    #[test]
    fn ids_are_given_as_they_are_read() {
        let whole = "a1".repeat(32);
        assert_eq!(id_as_it_reads_one("sha256:b1cc5b2aa9b0"), "b1cc5b2aa9b0");
        assert_eq!(id_as_it_reads_one(&whole), format!("sha256:{whole}"));
        assert_eq!(id_as_it_reads_one(&format!("sha256:{whole}")), format!("sha256:{whole}"));
        assert_eq!(id_as_it_reads_one("busybox:1.35"), "busybox:1.35");
    }
}
