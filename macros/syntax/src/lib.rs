//! The small languages of `docker run`, parsed: image references, published and exposed ports,
//! sizes and durations.
//!
//! Both the `longshore` library and its macros use this crate, so that a word which the macro
//! accepts when the test is compiled is the word which the library understands when the test runs.
//! What a word means is Docker's decision, and each function names the piece of Docker that it
//! follows and where it is stricter.
//!
//! The crate has no dependencies, reads no files, no environment and no clock, and never panics on
//! what it is given.
//!
//! ```
//! use longshore_syntax::{parse_bytes, parse_publish, HostPort, ImageReference};
//!
//! let image = ImageReference::parse("postgres:16")?;
//! assert_eq!(image.canonical(), "docker.io/library/postgres:16");
//!
//! let published = parse_publish("127.0.0.1:5432:5432")?;
//! assert_eq!(published[0].host_port(), HostPort::Fixed(5432));
//!
//! assert_eq!(parse_bytes("512m")?, 512 * 1024 * 1024);
//! # Ok::<(), longshore_syntax::SyntaxError>(())
//! ```

#![forbid(unsafe_code)]

mod decimal;
mod duration;
mod error;
mod flag;
mod image;
mod image_parts;
mod nearest;
mod port;
mod publish;
mod run_line;
mod size;
mod words;

pub use crate::{
    duration::parse_duration,
    error::SyntaxError,
    flag::{run_flag, RunFlag, Standing, Takes, RUN_FLAGS},
    image::ImageReference,
    port::{parse_expose, ContainerPort, Protocol},
    publish::{parse_publish, HostPort, PortMapping},
    run_line::{parse_run, RunLine, RunOption},
    size::parse_bytes,
    words::{quote_word, split_words},
};
