//! longshore gives Rust tests throwaway containers, in the words of `docker run`.
//!
//! A test says what it needs. longshore starts it on a random host port, waits until it truly answers, and takes it away
//! when the handle is dropped, also when the test panics.
//!
//! ```no_run
//! use longshore::{ContainerRequest, Wait};
//!
//! # async fn example() -> longshore::Result<()> {
//! let web = ContainerRequest::new("busybox:1.35")
//!     .publish("8000-9000:80")
//!     .env("GREETING", "hello")
//!     .cmd(["sh", "-c", "echo ready; exec httpd -f -p 80 -h /www"])
//!     .copy_to("tests/data/index.html", "/www/index.html")
//!     .wait(Wait::log("ready"))
//!     .wait(Wait::http("/index.html").port(80).status(200))
//!     .start()
//!     .await?;
//!
//! let address = web.address(80)?; // displays as 127.0.0.1:8123
//! let output = web.exec(["sh", "-c", "echo $GREETING; exit 3"]).await?;
//! assert_eq!((output.code(), output.stdout_str()?), (3, "hello\n"));
//! web.copy_from("/www", "target/www").await?;
//! let text = web.logs().await?;
//! web.remove().await?; // or drop(web)
//! # Ok(())
//! # }
//! ```
//!
//! The same without async is in [`blocking`].
//!
//! Most tests ask by attribute: [`with_container`] starts a container before the test's body and takes it away after it. With
//! `shared` in it, or by [`start_shared`](ContainerRequest::start_shared), all tests of a test run have one, also those in
//! other processes. [`services`] are ready to use: PostgreSQL, Redis, and others. [`guide`] shows how a test suite with set-up code of its own gets there.

pub mod blocking;
mod container;
mod engine;
mod error;
mod fixture;
pub mod guide;
mod here;
mod image;
mod network;
mod prune;
mod report;
mod request;
pub mod services;
mod session;
mod startup_report;

mod sweep;
mod volume;
pub mod wait;

pub use container::{
    remove_all, BatchFailure, BatchReport, Change, ChangeKind, Commit, Container, ContainerFilters,
    ContainerSummary, Containers, ExportStream, HealthState, Stats, StatsStream, Top, Update,
    WaitCondition,
};
pub use engine::{
    Address, Attach, AttachInput, AttachStream, ContainerPortSpec, ContainerState, Engine,
    ExecInput, ExecOutput, ExecStream, Inspect, LogFrame, LogOptions, LogSource, LogStream,
    PublishedPort, Version,
};
pub use error::{Error, Result};
pub use image::{
    HistoryEntry, Image, ImageArchive, ImageFilters, ImageInspect, ImageSummary, Images,
    PullOptions, PushOptions, RemoveImage, RemovedImage, Snapshot, Snapshots, Until,
};
#[cfg(feature = "macros")]
#[doc = include_str!("fixture/attribute.md")]
pub use longshore_macros::with_container;
pub use longshore_syntax::{ContainerPort, Protocol};
pub use network::{
    Endpoint, Network, NetworkContainer, NetworkFilters, NetworkInspect, NetworkRequest, Networks,
};
pub use prune::{Prune, PruneReport};
pub use request::{
    ContainerRequest, CopyIn, CopySource, Cpus, Exec, Fingerprint, Hooks, Mount, PortWord,
    PullPolicy, Size, Time,
};
pub use session::{ContainerStart, Kept, StartOutcome, Warmth};
pub use startup_report::StartupReport;
pub use sweep::{sweep, LeftReason, Sweep, SweepFailure, SweepReport, SweptThing};
pub use volume::{Volume, VolumeFilters, VolumeInspect, VolumeRequest, Volumes};
pub use wait::Wait;

/// What `#[with_container]` writes calls of. Not for use by hand: it may change with any version.
#[doc(hidden)]
pub mod __private {
    pub use crate::fixture::{
        fresh_database, given, once, request, run, run_alone, run_alone_to_panic, run_async,
        run_async_to_panic, run_line, run_to_panic, Ask, ByExitCode, ByNothing, ByResult, Fresh,
        FromGiven, Given, IntoRequest, Kind, Plain, Probe, Test, Wanted,
    };
}

/// The README's snippets, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
