//! The language of `docker run`, parsed: whole lines, the values of their options, and image
//! references.
//!
//! Both the `longshore` library and its macros use this crate, so that a word which the macro
//! accepts when the test is compiled is the word which the library understands when the test runs.
//! What a word means is Docker's decision, and each function names the piece of Docker that it
//! follows and where it is stricter.
//!
//! The crate has no dependencies, reads no files, no environment and no clock, and never panics on
//! what it is given.
//!
//! # A line
//!
//! [`parse_run`] takes a line apart into [options](RunOption), image and command. [`RUN_FLAGS`] is
//! the table of the options. [`split_words`] and [`quote_word`] are the shell's part in it.
//!
//! ```
//! use longshore_syntax::{parse_publish, parse_run, HostPort};
//!
//! let line = parse_run("docker run --rm -p 127.0.0.1:5432:5432 -e PGUSER=x postgres:16")?;
//! assert_eq!(line.image(), "postgres:16");
//!
//! let publish = &line.options()[1];
//! assert_eq!(publish.flag().name(), "publish");
//! assert_eq!(parse_publish(publish.value())?[0].host_port(), HostPort::Fixed(5432));
//! # Ok::<(), longshore_syntax::SyntaxError>(())
//! ```
//!
//! # The values of options
//!
//! | options | read by |
//! |---|---|
//! | `--publish`, `--expose` | [`parse_publish`], [`parse_expose`] |
//! | `--mount`, `--volume` | [`parse_mount`], [`parse_volume`] |
//! | `--network` | [`parse_network`] |
//! | `--add-host` | [`parse_add_host`] |
//! | the file of `--env-file`, `--label-file` | [`parse_env_file`] |
//! | `--memory` and other sizes, `--memory-swap` | [`parse_bytes`], [`parse_memory_swap`] |
//! | `--health-interval` and other durations | [`parse_duration`] |
//! | `--cpus`, `--ulimit` | [`parse_cpus`], [`parse_ulimit`] |
//! | `--device`, `--device-cgroup-rule` | [`parse_device`], [`parse_device_cgroup_rule`] |
//! | `--device-read-bps`, `--device-write-bps` | [`parse_throttle_bytes`] |
//! | `--device-read-iops`, `--device-write-iops` | [`parse_throttle_operations`] |
//! | `--blkio-weight-device` | [`parse_weight_device`] |
//! | `--gpus` | [`parse_gpus`] |
//! | `--restart` | [`parse_restart`] |
//!
//! What these return is displayed as the shortest word that reads back as the same. The values of
//! all other options are plain text, numbers or `name=value`.
//!
//! # Images
//!
//! ```
//! use longshore_syntax::ImageReference;
//!
//! let image = ImageReference::parse("postgres:16")?;
//! assert_eq!(image.canonical(), "docker.io/library/postgres:16");
//! # Ok::<(), longshore_syntax::SyntaxError>(())
//! ```

#![forbid(unsafe_code)]

mod before_run;
mod cpus;
mod decimal;
mod device;
mod device_rate;
mod duration;
mod env_file;
mod error;
mod expansion;
mod fields;
mod flag;
mod gpus;
mod host_line;
mod image;
mod image_parts;
mod mount;
mod mount_words;
mod nearest;
mod network;
mod paths;
mod port;
mod publish;
mod restart;
mod run_line;
mod size;
mod ulimit;
mod volume;
mod words;

pub use crate::{
    cpus::parse_cpus,
    device::{
        parse_device, parse_device_cgroup_rule, Device, DeviceCgroupRule, DeviceKind, DeviceNode,
        DevicePermissions,
    },
    device_rate::{
        parse_throttle_bytes, parse_throttle_operations, parse_weight_device, Throttle,
        WeightDevice,
    },
    duration::parse_duration,
    env_file::{parse_env_file, EnvEntry},
    error::SyntaxError,
    flag::{run_flag, RunFlag, Standing, Takes, RUN_FLAGS},
    gpus::{parse_gpus, GpuRequest},
    host_line::{parse_add_host, HostLine},
    image::ImageReference,
    mount::{parse_mount, Mount},
    mount_words::{BindRecursive, Consistency, MountType, Propagation},
    nearest::nearest,
    network::{parse_network, NetworkAttachment},
    port::{parse_expose, ContainerPort, Protocol},
    publish::{parse_publish, HostPort, PortMapping},
    restart::{parse_restart, RestartPolicy},
    run_line::{parse_run, RunLine, RunOption},
    size::{parse_bytes, parse_memory_swap},
    ulimit::{parse_ulimit, Ulimit},
    volume::{parse_volume, VolumeSource, VolumeSpec},
    words::{quote_word, split_words},
};
