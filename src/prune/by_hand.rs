//! Prunes by listing and removing, where an engine's own takes more than was asked for: for one, what is kept on purpose.
//! Nothing is removed by force, so what has come into use since the list is left.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hyper::Method;
use serde_json::{json, Value};

use super::options::Prune;
use super::report::PruneReport;
use super::run::ask;
use crate::engine::{encoded, get_networks, podman, query, ApiError, Engine, Thing};
use crate::image::{list, remove, ImageFilters, ImageSummary, RemoveImage, RemovedImage, Until};
use crate::session::KeptThings;

/// Whether something of this kind that the prune would take is kept on purpose.
pub(super) async fn takes_what_is_kept(
    engine: &Engine,
    thing: Thing,
    prune: &Prune,
    kept: &KeptThings,
) -> Result<bool, ApiError> {
    let found = match thing {
        Thing::Network => get_networks(engine, &thing.listing(&json!({}))).await?,
        _ => ask(engine, Method::GET, &thing.listing(&json!({}))).await?,
    };
    let lines = if thing == Thing::Volume { &found["Volumes"] } else { &found };
    let mut labels = lines.as_array().into_iter().flatten().map(|line| &line["Labels"]);
    Ok(labels.any(|labels| prune.takes(labels) && kept.spares(labels)))
}

/// Containers. Podman counts no bytes of theirs.
pub(super) async fn containers(
    engine: &Engine,
    prune: &Prune,
    until: Option<SystemTime>,
    kept: &KeptThings,
) -> Result<PruneReport, ApiError> {
    // Sizes take time, and are not worth a call that Podman may fail.
    let size = if engine.is_podman() { "" } else { "&size=1" };
    let found = ask(engine, Method::GET, &format!("/containers/json?all=1{size}")).await?;
    let mut report = PruneReport::default();
    for container in found.as_array().into_iter().flatten() {
        let id = container["Id"].as_str().unwrap_or_default();
        let created = Duration::from_secs(container["Created"].as_u64().unwrap_or_default());
        let is_old = until.is_none_or(|until| UNIX_EPOCH + created < until);
        // `stopping` and `removing` pass by themselves.
        let rests = matches!(
            container["State"].as_str(),
            Some("created" | "configured" | "initialized" | "exited" | "stopped" | "dead")
        );
        let labels = &container["Labels"];
        if !rests || !is_old || !prune.takes(labels) || kept.spares(labels) {
            continue;
        }
        match engine.client().send(Method::DELETE, &format!("/containers/{id}"), None).await {
            Ok(_) => {
                report.space_reclaimed += container["SizeRw"].as_u64().unwrap_or_default();
                report.containers.push(id.to_owned());
            }
            Err(error) if is_no_longer_unused(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(report)
}

/// Networks, where some are kept.
pub(super) async fn networks(
    engine: &Engine,
    prune: &Prune,
    until: Option<SystemTime>,
    kept: &KeptThings,
) -> Result<PruneReport, ApiError> {
    let found = get_networks(engine, "/networks").await?;
    let mut report = PruneReport::default();
    for network in found.as_array().into_iter().flatten() {
        let text = |key: &str| network[key].as_str().unwrap_or_default();
        let created = Until::from(text("Created")).moment().ok();
        let is_old = until.is_none_or(|until| created.is_some_and(|created| created < until));
        let is_the_engines = matches!(text("Name"), "bridge" | "host" | "none" | "podman")
            || network["Ingress"] == true;
        let labels = &network["Labels"];
        if is_the_engines || !is_old || !prune.takes(labels) || kept.spares(labels) {
            continue;
        }
        let path = format!("/networks/{}", text("Id"));
        match engine.client().send(Method::DELETE, &path, None).await {
            Ok(_) => report.networks.push(text("Name").to_owned()),
            // Docker says 403 while something is on it.
            Err(error) if is_no_longer_unused(&error) || error.status() == Some(403) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(report)
}

/// Volumes: Docker before API 1.42 takes those with names unasked, Podman those that have any of several labels, and it
/// ignores `label!`.
pub(super) async fn volumes(
    engine: &Engine,
    prune: &Prune,
    kept: &KeptThings,
) -> Result<PruneReport, ApiError> {
    let filters = json!({ "dangling": ["true"] }).to_string();
    let path = format!("/volumes{}", query(&[("filters", &filters)]));
    let found = ask(engine, Method::GET, &path).await?;
    let taken = found["Volumes"].as_array().into_iter().flatten().filter(|volume| {
        let labels = &volume["Labels"];
        let is_wanted = prune.takes_named() || is_anonymous(volume);
        prune.takes(labels) && is_wanted && !kept.spares(labels)
    });
    let names: Vec<&str> = taken.filter_map(|volume| volume["Name"].as_str()).collect();
    let mut report = PruneReport::default();
    if names.is_empty() {
        return Ok(report);
    }
    let sizes = volume_sizes(engine).await?;
    for name in names {
        let path = format!("/volumes/{}", encoded(name));
        match engine.client().send(Method::DELETE, &path, None).await {
            Ok(_) => {
                report.space_reclaimed += sizes.get(name).copied().unwrap_or_default();
                report.volumes.push(name.to_owned());
            }
            Err(error) if is_no_longer_unused(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(report)
}

/// Images: Podman 4.3 takes those that have any of several labels, and ignores `label!`.
pub(super) async fn images(
    engine: &Engine,
    prune: &Prune,
    until: Option<SystemTime>,
    kept: &KeptThings,
) -> Result<PruneReport, ApiError> {
    let filters = match prune.takes_named() {
        true => ImageFilters::new(),
        false => ImageFilters::new().dangling(),
    };
    let listed = list(engine, &filters).await?;
    let used = used_images(engine).await?;
    let mut report = PruneReport::default();
    for image in &listed {
        let is_old = until.is_none_or(|until| image.created() < until);
        let labels = &image.raw()["Labels"];
        let is_wanted = is_old && prune.takes(labels) && !kept.spares(labels);
        if !is_wanted || used.contains(image.id()) {
            continue;
        }
        let removed = remove_whole(engine, image).await?;
        if removed.iter().any(|one| matches!(one, RemovedImage::Deleted(_))) {
            report.space_reclaimed += image.size();
        }
        report.images.extend(removed);
    }
    Ok(report)
}

/// Takes all names away; the image goes with the last one.
async fn remove_whole(
    engine: &Engine,
    image: &ImageSummary,
) -> Result<Vec<RemovedImage>, ApiError> {
    let names = match image.tags() {
        [] => &[image.id().to_owned()],
        tags => tags,
    };
    let mut removed = Vec::new();
    for name in names {
        match remove(engine, name, &RemoveImage::new()).await {
            Ok(more) => removed.extend(more),
            Err(error) if is_no_longer_unused(&error) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(removed)
}

/// The ids of the images of all containers.
async fn used_images(engine: &Engine) -> Result<HashSet<String>, ApiError> {
    let containers = ask(engine, Method::GET, "/containers/json?all=1").await?;
    let containers = containers.as_array().into_iter().flatten();
    let ids = containers.filter_map(|container| container["ImageID"].as_str());
    Ok(ids.map(|id| format!("sha256:{}", id.trim_start_matches("sha256:"))).collect())
}

/// The bytes of each volume.
async fn volume_sizes(engine: &Engine) -> Result<HashMap<String, u64>, ApiError> {
    let usage = match engine.is_podman() {
        // It counts everything, and fails for good when one image is broken: bytes are not worth that.
        true => podman::list(engine, "/system/df").await.unwrap_or_default(),
        false => ask(engine, Method::GET, "/system/df").await?,
    };
    let volumes = usage["Volumes"].as_array().into_iter().flatten();
    let size = |volume: &Value| {
        Some((volume["Name"].as_str()?.to_owned(), volume["UsageData"]["Size"].as_u64()?))
    };
    Ok(volumes.filter_map(size).collect())
}

/// An engine names a volume that nobody names by 64 digits; newer ones also note that.
fn is_anonymous(volume: &Value) -> bool {
    let name = volume["Name"].as_str().unwrap_or_default();
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// It is used now, or somebody else has removed it.
fn is_no_longer_unused(error: &ApiError) -> bool {
    matches!(error.status(), Some(404 | 409))
}
