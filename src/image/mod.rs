//! Images: listed, looked at, named, pulled, pushed, saved, loaded and removed.
//!
//! - `images` is where the verbs begin; `name` is an image as a verb names it.
//! - `pull` happens once however many ask; `push` is the other way. `credentials` says in whose name, `progress` shows it,
//!   `told` is what an engine says meanwhile.
//! - `list` with `filters`, `inspect`, `history`, `remove` (and tag), `transfer` (save and load, with
//!   `archive_file`) are the verbs of those names.
//! - `committed` is an image that is a handle's own, `snapshots` are those that are nobody's.
//! - `moment` is a point in time, `glob` a pattern, `podman` what is done otherwise there.

mod archive_file;
mod committed;
mod credentials;
mod filters;
mod glob;
mod history;
mod images;
mod inspect;
mod list;
mod moment;
mod name;
mod podman;
mod progress;
mod pull;
mod push;
mod remove;
mod snapshots;
mod told;
mod transfer;

pub use committed::Image;
pub use filters::ImageFilters;
pub use history::HistoryEntry;
pub use images::Images;
pub use inspect::ImageInspect;
pub use list::ImageSummary;
pub use moment::Until;
pub use pull::PullOptions;
pub use push::PushOptions;
pub use remove::{RemoveImage, RemovedImage};
pub use snapshots::{Snapshot, Snapshots};
pub use transfer::ImageArchive;

pub(crate) use committed::short;
pub(crate) use filters::{check_label, has_label};
pub(crate) use inspect::exposed_ports;
pub(crate) use list::list;
pub(crate) use pull::{pull, PullOrder};
pub(crate) use remove::remove;
pub(crate) use snapshots::{base_id, build, has_snapshot, name_of, prune_snapshots};
