//! The verbs of the blocking handle that are not of its life: looking into a container, changing it, making something of it.

use std::path::Path;

use super::container::Container;
use super::streams::{AttachStream, Export, StatsSamples};
use crate::container::{Change, Commit, Stats, Top, Update, WaitCondition};
use crate::engine::{io, Attach, PublishedPort};
use crate::error::Result;
use crate::image::Image;

/// Looking into it.
impl Container {
    /// All published ports with their addresses (`docker port`).
    pub fn ports(&self) -> Vec<PublishedPort> {
        self.0.ports()
    }

    /// Its processes; see [`crate::Container::top`].
    ///
    /// # Errors
    ///
    /// When it does not run.
    pub fn top(&self) -> Result<Top> {
        io::block_on(self.0.top())
    }

    /// Its processes in the columns that `ps` is asked for; see [`crate::Container::top_with`].
    ///
    /// # Errors
    ///
    /// When it does not run, or `ps` does not take these options.
    pub fn top_with(&self, ps_options: &str) -> Result<Top> {
        io::block_on(self.0.top_with(ps_options))
    }

    /// What it uses now; see [`crate::Container::stats`].
    ///
    /// # Errors
    ///
    /// When it does not run.
    pub fn stats(&self) -> Result<Stats> {
        io::block_on(self.0.stats())
    }

    /// What it uses, about once a second, until it ends; see [`crate::Container::follow_stats`].
    ///
    /// # Errors
    ///
    /// When it does not run.
    pub fn follow_stats(&self) -> Result<StatsSamples> {
        io::block_on(self.0.follow_stats()).map(StatsSamples::new)
    }

    /// What differs in its file system from its image's; see [`crate::Container::changes`].
    ///
    /// # Errors
    ///
    /// When the engine fails.
    pub fn changes(&self) -> Result<Vec<Change>> {
        io::block_on(self.0.changes())
    }
}

/// Changing it.
impl Container {
    /// Gives it another name; see [`crate::Container::rename`].
    ///
    /// # Errors
    ///
    /// When the name is malformed or taken.
    pub fn rename(&mut self, name: impl Into<String>) -> Result<()> {
        io::block_on(self.0.rename(name))
    }

    /// Gives it other limits; see [`crate::Container::update`].
    ///
    /// # Errors
    ///
    /// When the update is wrong in itself or the engine refuses.
    pub fn update(&self, update: Update) -> Result<Vec<String>> {
        io::block_on(self.0.update(update))
    }

    /// Sets the size of its terminal, in characters; see [`crate::Container::resize`].
    ///
    /// # Errors
    ///
    /// When it has no terminal or does not run.
    pub fn resize(&self, columns: u16, rows: u16) -> Result<()> {
        io::block_on(self.0.resize(columns, rows))
    }

    /// Its streams both ways; see [`crate::Container::attach`].
    ///
    /// # Errors
    ///
    /// When it has ended or is paused.
    pub fn attach(&self, attach: Attach) -> Result<AttachStream> {
        io::block_on(self.0.attach(attach)).map(AttachStream::new)
    }

    /// Waits until something becomes of it and gives its exit code; see [`crate::Container::wait_for`].
    ///
    /// # Errors
    ///
    /// When the engine fails or the container is gone.
    pub fn wait_for(&self, condition: WaitCondition) -> Result<i64> {
        io::block_on(self.0.wait_for(condition))
    }
}

/// Making something of it.
impl Container {
    /// Makes an image of it, which is the returned handle's own; see [`crate::Container::commit`].
    ///
    /// # Errors
    ///
    /// When the commit is wrong in itself, the tag is taken, or the engine refuses a change.
    pub fn commit(&self, commit: Commit) -> Result<Image> {
        io::block_on(self.0.commit(commit))
    }

    /// Writes its file system to a tar archive on this machine; see [`crate::Container::export`].
    ///
    /// # Errors
    ///
    /// When the engine fails or the file cannot be written.
    pub fn export(&self, target: impl AsRef<Path>) -> Result<()> {
        io::block_on(self.0.export(target))
    }

    /// Its file system as a tar archive, piece by piece; see [`crate::Container::export_stream`].
    ///
    /// # Errors
    ///
    /// When the engine fails.
    pub fn export_stream(&self) -> Result<Export> {
        io::block_on(self.0.export_stream()).map(Export::new)
    }
}
