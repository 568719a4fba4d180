//! What a container finds in its file system.

use crate::request::{ContainerRequest, CopyIn, CopySource, Mount};

impl ContainerRequest {
    /// Copies a file, a folder or bytes into the container before it starts, as `docker cp`.
    ///
    /// `source` is a path on this machine (`"tests/data/index.html"`, a folder too), or [`CopySource::bytes`]. The
    /// target is absolute and names the result; one that ends with `/` is the folder into which the source goes.
    /// Missing folders on the way are made.
    pub fn copy_to(self, source: impl Into<CopySource>, target: impl Into<String>) -> Self {
        self.copy(CopyIn::new(source, target))
    }

    /// As [`copy_to`](Self::copy_to), with mode and owner.
    pub fn copy(mut self, copy: CopyIn) -> Self {
        self.own.copies.push(copy);
        self
    }

    /// A bind mount or a volume: `"/on/host:/in/container"`, `"./here:/in/container"`, `"name:/data"`, `"/data"`, with
    /// options such as `:ro` behind it if need be (`--volume`). Host paths are those of the engine's machine; one that begins
    /// with a dot starts at the current folder of this process.
    ///
    /// A volume without a name goes with its container. One that is named stays, as with Docker; see
    /// [`Volume`](crate::Volumes) for those that go.
    pub fn volume(mut self, volume: impl Into<String>) -> Self {
        self.words.push("volume", volume);
        self
    }

    /// A mount of any type, as a [`Mount`] or in Docker's words: `"type=bind,source=/a,target=/b,readonly"` (`--mount`).
    pub fn mount(mut self, mount: impl Into<Mount>) -> Self {
        self.words.push("mount", mount.into());
        self
    }

    /// The volumes of another container: its name or id, with `:ro` behind it if need be (`--volumes-from`).
    pub fn volumes_from(mut self, container: impl Into<String>) -> Self {
        self.words.push("volumes-from", container);
        self
    }

    /// The driver of the volumes that the container makes (`--volume-driver`).
    pub fn volume_driver(mut self, driver: impl Into<String>) -> Self {
        self.words.set("volume-driver", driver);
        self
    }

    /// A file system in memory: `"/run"`, `"/run:size=64m,mode=1777"` (`--tmpfs`).
    pub fn tmpfs(mut self, mount: impl Into<String>) -> Self {
        self.words.push("tmpfs", mount);
        self
    }

    /// A root file system that cannot be written (`--read-only`).
    pub fn read_only(mut self) -> Self {
        self.words.switch("read-only", true);
        self
    }

    /// An option of the storage driver, such as `("size", "120G")` (`--storage-opt`).
    pub fn storage_opt(mut self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        self.words.push_named("storage-opt", name.as_ref(), value.as_ref());
        self
    }
}
