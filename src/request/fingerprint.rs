//! Which requests are the same: a hash over the request with the contents of the files that it names.

use std::fmt;
use std::fs;
use std::io::Read;
use std::path::Path;

use serde_json::{json, Value};
use xxhash_rust::xxh3::Xxh3;

use super::container_request::ContainerRequest;
use super::copy::CopySource;
use crate::error::{Error, Kind, Result};

/// A canonical 128-bit hash of a request; equal requests have equal ones, in every process and on every machine.
///
/// Not a defence against forgery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(u128);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl ContainerRequest {
    /// The fingerprint of the request as it resolves now: files and folders to be copied count by their contents, names
    /// and permissions, not by where they are; files of environment variables and labels by what they say; the image by its full
    /// reference; sizes and times by their values.
    ///
    /// # Errors
    ///
    /// When the request is invalid or a file cannot be read.
    pub fn fingerprint(&self) -> Result<Fingerprint> {
        // Objects are ordered by key, so equal requests are equal text.
        let resolved = self.resolved()?.to_string();
        Ok(Fingerprint(xxhash_rust::xxh3::xxh3_128(resolved.as_bytes())))
    }

    /// All that it says, with the contents of the files that it names.
    pub(super) fn resolved(&self) -> Result<Value> {
        let checked = self.check()?;
        let mut resolved = serde_json::to_value(&self.own).map_err(|error| {
            Error::new(Kind::InvalidRequest, "the request has no fingerprint").with_source(error)
        })?;
        resolved["image"] = checked.image.canonical().into();
        resolved["body"] = checked.body_in_one_order();
        let ports = |ports: Vec<String>| Value::from(ports);
        resolved["published"] = ports(checked.mappings.iter().map(ToString::to_string).collect());
        resolved["exposed"] = ports(checked.exposed.iter().map(ToString::to_string).collect());
        resolved["networks"] = checked
            .networks
            .iter()
            .map(|endpoint| json!([endpoint.network, endpoint.settings, endpoint.mac_address]))
            .collect();
        for flag in ["name", "platform", "pull"] {
            resolved[flag] = self.words.one(flag).into();
        }
        let mut copies = Vec::new();
        for copy in &self.own.copies {
            let content = match copy.source() {
                CopySource::Bytes(bytes) => digest(bytes).into(),
                CopySource::Path(path) => content_of(path).map_err(|error| {
                    let what = format!(
                        "the file `{}` that is to be copied cannot be read",
                        path.display()
                    );
                    Error::new(Kind::Copy, what).fact("because", error.to_string())
                })?,
            };
            copies.push(json!([copy.result_path(), copy.mode_bits(), copy.owner(), content]));
        }
        resolved["copies"] = copies.into();
        Ok(resolved)
    }
}

fn digest(bytes: &[u8]) -> String {
    format!("{:032x}", xxhash_rust::xxh3::xxh3_128(bytes))
}

/// A file by its digest, a folder by its entries, a link by its target.
fn content_of(path: &Path) -> std::io::Result<Value> {
    let meta = fs::metadata(path)?;
    if !meta.is_dir() {
        let mut hash = Xxh3::new();
        let mut file = fs::File::open(path)?;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                return Ok(json!([mode(&meta), format!("{:032x}", hash.digest128())]));
            }
            hash.update(&buffer[..count]);
        }
    }
    let mut entries = serde_json::Map::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let content = if entry.file_type()?.is_symlink() {
            json!({ "link": fs::read_link(entry.path())?.to_string_lossy() })
        } else {
            content_of(&entry.path())?
        };
        entries.insert(entry.file_name().to_string_lossy().into_owned(), content);
    }
    Ok(Value::Object(entries))
}

#[cfg(unix)]
fn mode(meta: &fs::Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&meta.permissions()) & 0o7777
}

#[cfg(not(unix))]
fn mode(_: &fs::Metadata) -> u32 {
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_requests_have_equal_fingerprints_and_others_do_not() {
        let request =
            || ContainerRequest::new("postgres:15").env("A", "1").env("B", "2").publish("5432");
        let same = ContainerRequest::new("docker.io/library/postgres:15")
            .env("B", "2")
            .env("A", "1")
            .publish("5432");
        let fingerprint = request().fingerprint().unwrap();
        assert_eq!(fingerprint, same.fingerprint().unwrap());
        assert_eq!(fingerprint.to_string().len(), 32);
        for other in [
            request().env("A", "2"),
            request().publish("5433"),
            request().copy_to(b"x", "/x"),
            request().rm(true),
        ] {
            assert_ne!(fingerprint, other.fingerprint().unwrap());
        }
    }

    #[test]
    fn copied_files_count_by_their_contents() {
        let folder =
            std::env::temp_dir().join(format!("longshore-fingerprint-{}", std::process::id()));
        fs::create_dir_all(folder.join("sub")).unwrap();
        let print = |content: &str| {
            fs::write(folder.join("sub/file"), content).unwrap();
            ContainerRequest::new("busybox").copy_to(&folder, "/x").fingerprint().unwrap()
        };
        let (one, two, one_again) = (print("1"), print("2"), print("1"));
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(one, one_again);
        assert_ne!(one, two);
    }

    #[test]
    fn a_request_survives_serialization() {
        let request = ContainerRequest::new("busybox")
            .name("db")
            .health_retries(2)
            .memory("1g")
            .copy_to("Cargo.toml", "/x")
            .wait(crate::wait::Wait::http("/").port(80).status(204));
        let text = serde_json::to_string(&request).unwrap();
        assert_eq!(serde_json::from_str::<ContainerRequest>(&text).unwrap(), request);
        assert_eq!(serde_json::to_string(&ContainerRequest::new("a")).unwrap(), r#"{"image":"a"}"#);
    }
}
