//! Makes a snapshot of a container that is ready: it is stopped politely, and becomes an image with the data of its anonymous volumes.
//!
//! ```text
//! ready ── stop ── each volume: archive, spooled to a file ──┬─ all are empty ──> commit, under the snapshot's name
//!                                                            └─ commit (ours) ──> build: FROM that, ADD each, LABEL, name
//! ```
//!
//! An engine's commit leaves volumes out. In a layer of an image, what lies at a volume's path is copied into the volume of each
//! container that is made of it, with owners and modes. The name comes last in both ways, so there is all of it or none.

use std::time::Duration;

use hyper::Method;
use longshore_syntax::ImageReference;
use serde_json::{json, Value};

use super::archive::{build_context, Spooled};
use super::commit::{label_word, Commit};
use super::handle::Container;
use crate::engine::{io, ApiError, Remote, Thing};
use crate::error::Error;
use crate::image::{build, has_snapshot, name_of, short};
use crate::session::{self, of_instance, snapshot_labels, Guard};

/// The least time that a container has to end by itself.
const STOP_LIMIT: Duration = Duration::from_secs(30);

/// Exit codes of what did not end in order: of processes that died of SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGKILL or SIGSEGV.
const NOT_IN_ORDER: [i64; 6] = [132, 134, 135, 136, 137, 139];

/// Length of the names that engines give anonymous volumes.
const ANONYMOUS: usize = 64;

/// Why there is no snapshot.
pub(super) type Because = String;

/// Makes the snapshot of that key of a container that was made of the image with that id. It is stopped then.
pub(super) async fn take(container: &Container, key: &str, image: &str) -> Result<(), Because> {
    let remote = container.remote().clone();
    let image_id = image.to_owned();
    let volumes = io::run(async move {
        let paths = stopped(&remote, &image_id).await?;
        spooled(&remote, paths).await
    });
    let volumes = volumes.await?;
    let remote = container.remote().clone();
    let labels = snapshot_labels(key, remote.image());
    let name = ImageReference::parse(&name_of(key)).map_err(|error| error.to_string())?;
    if volumes.is_empty() {
        let call = Commit::new().call(&remote, Some(&name), labels).await;
        let (path, config) = call.map_err(|error| because(&error))?;
        let engine = remote.engine().clone();
        let commit = async move { engine.client().json(Method::POST, &path, Some(&config)).await };
        // Its container must not be removed from under it.
        container.guard.undisturbed(commit).await.map_err(|error| told(&error))?;
    } else if remote.engine().is_podman() {
        // Seen on 4.3 and 5.8: all files in an archive of a volume are root's.
        let path = &volumes[0].path;
        return Err(format!("Podman tells no owners of the files in its volume `{path}`"));
    } else {
        let labels: Vec<_> = labels.iter().map(label_word).collect();
        carry(&remote, volumes, &name_of(key), &labels.join(" ")).await?;
    }
    let (engine, key) = (remote.engine().clone(), key.to_owned());
    match io::run(async move { has_snapshot(&engine, &key).await }).await {
        Ok(true) => Ok(()),
        Ok(false) => Err("the engine made an image that is not the one".into()),
        Err(error) => Err(told(&error)),
    }
}

/// Stops it, and gives the paths of its anonymous volumes. On the I/O thread.
async fn stopped(remote: &Remote, image: &str) -> Result<Vec<String>, Because> {
    let inspect = remote.inspect_raw().await.map_err(|error| told(&error))?;
    let made_of = inspect["Image"].as_str().unwrap_or_default();
    if short(made_of) != short(image) {
        return Err("its image became another one meanwhile".into());
    }
    let own = Duration::from_secs(inspect["Config"]["StopTimeout"].as_u64().unwrap_or_default());
    let limit = own.max(STOP_LIMIT);
    let seconds = limit.as_secs().to_string();
    remote.post("stop", &[("t", &seconds)]).await.map_err(|error| told(&error))?;
    let state = remote.inspect_raw().await.map_err(|error| told(&error))?["State"].clone();
    match state["ExitCode"].as_i64() {
        _ if state["Running"] == true => Err("it did not stop".into()),
        _ if state["OOMKilled"] == true => Err("it was killed for want of memory".into()),
        Some(137) => Err(format!(
            "it did not end by itself in {limit:?} when it was stopped; say `.init()` or a `.stop_signal(..)` that it obeys, or \
             leave `.warm()` away"
        )),
        Some(code) if NOT_IN_ORDER.contains(&code) => {
            Err(format!("it ended with code {code} when it was stopped"))
        }
        _ => Ok(anonymous_volumes(&inspect)),
    }
}

fn anonymous_volumes(inspect: &Value) -> Vec<String> {
    let is_anonymous = |mount: &&Value| {
        let name = mount["Name"].as_str().unwrap_or_default();
        mount["Type"] == "volume"
            && name.len() == ANONYMOUS
            && name.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let mounts = inspect["Mounts"].as_array().into_iter().flatten().filter(is_anonymous);
    let mut paths: Vec<String> =
        mounts.filter_map(|mount| mount["Destination"].as_str().map(str::to_owned)).collect();
    // A volume in a volume comes after it.
    paths.sort();
    paths
}

/// What lies in an anonymous volume.
struct VolumeData {
    path: String,
    tar: Spooled,
}

/// The data of those volumes that have any. On the I/O thread.
async fn spooled(remote: &Remote, paths: Vec<String>) -> Result<Vec<VolumeData>, Because> {
    let mut volumes = Vec::new();
    for path in paths {
        let cannot = |error: &dyn std::fmt::Display| {
            format!("the data in its volume `{path}` could not be read: {error}")
        };
        let pieces = remote.get_archive(&path).await.map_err(|error| cannot(&error))?;
        let tar = Spooled::of(pieces).await.map_err(|error| cannot(&error))?;
        if !tar.is_bare_folder() {
            volumes.push(VolumeData { path, tar });
        }
    }
    Ok(volumes)
}

/// Makes the image in two steps, with the data of these volumes.
async fn carry(
    remote: &Remote,
    volumes: Vec<VolumeData>,
    name: &str,
    labels: &str,
) -> Result<(), Because> {
    let engine = remote.engine().clone();
    let mut added = String::new();
    let mut files = Vec::new();
    for (number, volume) in volumes.into_iter().enumerate() {
        let (folder, file) = (folder_of(&volume.path)?, format!("{number}.tar"));
        added.push_str(&format!("ADD {}\n", json!([file, folder])));
        files.push((file, volume.tar));
    }
    let instance = session::instance();
    let mut own = session::labels(&engine, Thing::Image, &instance);
    own.extend([session::tag_label("")]);
    let call = Commit::new().call(remote, None, own).await;
    let (path, config) = call.map_err(|error| because(&error))?;
    let called = format!("of {}", remote.name());
    let guard = Guard::new(engine.clone(), Thing::Image, instance.clone(), called);
    let id = guard.create(path, config).await.map_err(|error| told(&error))?;
    guard.renamed(short(&id));
    // The labels at the end and in one step: what is half made has those of the commit, by which it is found.
    let dockerfile = format!("FROM {id}\n{added}LABEL {labels}\n");
    let (building, called) = (engine.clone(), name.to_owned());
    let built = guard.while_more_comes(async move {
        let context = build_context(dockerfile, files);
        build(&building, &called, context).await.map_err(|error| told(&error))
    });
    match built.await {
        Ok(()) => {
            // It is a part of the snapshot now, and goes with that.
            guard.release().await;
            Ok(())
        }
        Err(because) => {
            // What the build has made on it first.
            let removing = io::run(async move { of_instance(&engine, &instance).await });
            if let Err(error) = removing.await {
                tracing::debug!(%error, "half of a snapshot could not be removed");
            }
            drop(guard.remove().await);
            Err(because)
        }
    }
}

/// The folder that a volume's path is in, with a slash at its end, as a Dockerfile takes it.
fn folder_of(path: &str) -> Result<String, Because> {
    let path = path.trim_end_matches('/');
    match path.rsplit_once('/') {
        Some((above, name)) if !name.is_empty() && !path.contains(['$', '\\']) => {
            Ok(format!("{above}/"))
        }
        _ => Err(format!("its volume is at `{path}`, where a build puts nothing")),
    }
}

fn told(error: &ApiError) -> Because {
    error.to_string().trim().to_owned()
}

fn because(error: &Error) -> Because {
    error.to_string().replace("\n ", ";")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_volumes_without_a_name_are_carried() {
        let mount = |kind: &str, name: &str, path: &str| json!({ "Type": kind, "Name": name, "Destination": path });
        let id = "0123456789abcdef".repeat(4);
        let inspect = json!({ "Mounts": [
            mount("volume", &id, "/data/sub"), mount("volume", &id, "/data"), mount("volume", "data", "/named"),
            { "Type": "bind", "Destination": "/host" }, mount("tmpfs", "", "/tmp"),
        ] });
        assert_eq!(anonymous_volumes(&inspect), ["/data", "/data/sub"]);
    }

    #[test]
    fn data_is_put_into_the_folder_that_its_volume_is_in() {
        let folders = ["/data", "/var/lib/mysql", "/data/"].map(|path| folder_of(path).unwrap());
        assert_eq!(folders, ["/", "/var/lib/", "/"]);
        assert!(folder_of("/").is_err() && folder_of("/a$b").is_err());
    }
}
