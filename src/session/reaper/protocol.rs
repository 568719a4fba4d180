//! What test processes and the reaper say to each other: lines of JSON over a Unix socket.
//!
//! ```text
//! test process                        reaper
//!   hello ───────────────────────────>
//!         <─────────────────────────── welcome, or refused
//!   engine ──────────────────────────>   there will be things on this one
//!   making ──────────────────────────>   before each create call
//!   settled ─────────────────────────>   that call has been answered: nothing of it is still to come
//!   gone ────────────────────────────>   removed, or left on purpose
//!   fixture ─────────────────────────>   this container is a test's: what to tell of it if that does not end
//!   judged ──────────────────────────>   that has ended, and what there was to tell is told
//!   started ─────────────────────────>   a start has begun, or ended, and what it took
//!   used ────────────────────────────>   how often this process has used a container that it found
//!         <─────────────────────────── notice, at any time: for the user's eyes
//!   end of file ─────────────────────>   whatever ended the process
//! ```
//!
//! No answer is waited for: what is written before a process dies is read after. Fields may be added, and those that are not
//! known are passed over; any other change needs another [`VERSION`]. That is part of the socket's name, so that each version
//! has a reaper of its own.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::super::identity::Session;
use super::super::process::Process;
use super::super::startup::{Millis, Runner, Start};
use crate::report::Subject;

/// Of this protocol.
pub(super) const VERSION: u32 = 1;

/// No line is longer.
pub(super) const LINE_LIMIT: usize = 64 * 1024;

/// The variable by which a process is told that it is a reaper. It holds an [`Order`].
pub(super) const ORDER: &str = "LONGSHORE_REAPER_PROCESS";

/// What a reaper is told at its birth.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) session: Session,
    pub(super) folder: PathBuf,
    #[serde(default)]
    pub(super) runner: Option<Runner>,
}

/// From a test process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub(super) enum ToReaper {
    /// The first line.
    Hello {
        protocol: u32,
        /// The version of the crate that speaks, for the log.
        version: String,
        session: String,
        /// The value of the label on what this process makes.
        owner: String,
        /// What has started it: as long as that lives, the session does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        anchor: Option<Process>,
    },
    Engine {
        address: String,
        credentials: Credentials,
    },
    Making {
        engine: String,
        instance: String,
        /// The key, if all of the session are to have it: then it is its maker's only until it is ready.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shared: Option<String>,
    },
    Settled {
        instance: String,
    },
    Gone {
        instance: String,
    },
    Fixture {
        engine: String,
        ticket: String,
        subject: Subject,
    },
    Judged {
        ticket: String,
    },
    Started {
        /// The folder of all reports.
        reports: PathBuf,
        start: Start,
    },
    /// All told until now, so that it does no harm to say it again.
    Used {
        reports: PathBuf,
        instance: String,
        name: String,
        image: String,
        binary: String,
        uses: u64,
        waited_ms: Millis,
    },
}

/// Where the reaper finds what opens an engine. Secrets themselves are never sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Credentials {
    /// The address is enough: a socket, a pipe, or TCP without TLS.
    None,
}

/// From the reaper.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub(super) enum FromReaper {
    Welcome { protocol: u32, version: String, pid: u32 },
    Refused { because: String },
    Notice { text: String },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_later_version_adds_is_passed_over() {
        let line = r#"{"say":"gone","instance":"a","since":"0.9"}"#;
        let gone = ToReaper::Gone { instance: "a".into() };
        assert_eq!(serde_json::from_str::<ToReaper>(line).unwrap(), gone);
        assert!(serde_json::from_str::<ToReaper>(r#"{"say":"sing"}"#).is_err());
    }

    #[test]
    fn lines_stay_as_they_are_as_long_as_the_version_does() {
        let hello = ToReaper::Hello {
            protocol: 1,
            version: "0.1.0".into(),
            session: "s".into(),
            owner: "o".into(),
            anchor: None,
        };
        let line = r#"{"say":"hello","protocol":1,"version":"0.1.0","session":"s","owner":"o"}"#;
        assert_eq!(serde_json::to_string(&hello).unwrap(), line);
        let engine = ToReaper::Engine { address: "a".into(), credentials: Credentials::None };
        let line = r#"{"say":"engine","address":"a","credentials":"none"}"#;
        assert_eq!(serde_json::to_string(&engine).unwrap(), line);
        let judged = ToReaper::Judged { ticket: "t".into() };
        assert_eq!(serde_json::to_string(&judged).unwrap(), r#"{"say":"judged","ticket":"t"}"#);
    }
}
