//! What a test holds: a started container, its verbs, and its removal.
//!
//! - `create` makes a container and leaves it at that.
//! - `start` is the way from a request to a handle: `make` makes the container, `host_ports` chooses the host's ports for it,
//!   `bring_up` copies and starts, `readiness` waits. `on_podman` is what Podman is asked otherwise.
//! - `warm` starts from a snapshot of the first start, which `snapshot` makes.
//! - `handle` is [`Container`] itself; `life`, `rename`, `copy`, `output`, `top`, `stats`, `changes`, `commit`, `export` and
//!   `update` are its verbs, one subject a file, `archive` the tar streams of `copy` and `export`.
//! - `containers` is what an engine holds, whoever made it: `list` and `summary`, and `sweep` for all of this test run's.
//! - `feed` reads a container's output, `consumer` hands it to a request's log consumers, each on a thread of its own.

mod archive;
mod batch;
mod bring_up;
mod changes;
mod clock;
mod commit;
mod consumer;
mod containers;
mod copy;
mod create;
mod export;
mod feed;
mod handle;
mod host_ports;
mod life;
mod list;
mod make;
mod on_podman;
mod output;
mod readiness;
mod rename;
mod shared;
mod snapshot;
mod start;
mod stats;
mod summary;
mod top;
mod update;
mod warm;

pub use batch::{BatchFailure, BatchReport};
pub use changes::{Change, ChangeKind};
pub use commit::Commit;
pub use containers::Containers;
pub use export::ExportStream;
pub use handle::Container;
pub(crate) use handle::Reach;
pub use life::{remove_all, WaitCondition};
pub use list::{ContainerFilters, HealthState};
pub(crate) use shared::shared;
pub use stats::{Stats, StatsStream};
pub use summary::ContainerSummary;
pub use top::Top;
pub use update::Update;
