//! A whole report: looks at all containers of a test, side by side, and writes what was found.

use std::fmt;
use std::time::Duration;

use futures::future;

use super::folder;
use super::look::{look, Look};
use super::place::Place;
use super::subject::Subject;
use crate::engine::Engine;

/// The most time for a report. Each part of it has less.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

/// For looking alone, so that there is time to write what was seen.
const LOOK_LIMIT: Duration = Duration::from_secs(7);

/// A test that has failed.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What has become of it.
    pub(crate) headline: String,
    pub(crate) place: Place,
    pub(crate) containers: Vec<(Subject, Seen)>,
}

/// Where what is told of a container comes from.
#[derive(Debug)]
pub(crate) enum Seen {
    /// It is still on this engine.
    On(Engine),
    /// It was looked at before it was removed.
    Before(Look),
}

/// What was made of a failure: the report as it is read, and a last line that says where more is.
#[derive(Debug)]
pub(crate) struct Report {
    text: String,
    /// The folder, or why there is none; nothing when none is wanted.
    pub(crate) folder: Option<String>,
}

/// Makes the report. On the I/O thread.
pub(crate) async fn make(failure: Failure) -> Report {
    let Failure { headline, place, containers } = failure;
    let looks = containers.into_iter().map(|(subject, seen)| async move {
        let look = match seen {
            Seen::Before(look) => look,
            Seen::On(engine) => {
                let looking = tokio::time::timeout(LOOK_LIMIT, look(&engine, &subject));
                looking.await.unwrap_or_else(|_| Look::late(LOOK_LIMIT))
            }
        };
        (subject, look)
    });
    let looks = future::join_all(looks).await;

    let mut text = headline;
    for (subject, look) in &looks {
        let part = &subject.part;
        let part = match part.bytes().all(|byte| byte.is_ascii_digit()) {
            true => format!("container {part}"),
            false => format!("container `{part}`"),
        };
        text.push_str(&format!("\n  {part}: {}", look.text.trim_end().replace('\n', "\n  ")));
    }
    let shown = place.shown();
    let (whole, parts) = (text.clone(), looks);
    let writing =
        tokio::task::spawn_blocking(move || folder::write(&place, &format!("{whole}\n"), &parts));
    let folder = match writing.await {
        Ok(Ok(folder)) => folder.map(|folder| folder.display().to_string()),
        Ok(Err(error)) => Some(format!("could not be written to {shown}: {error}")),
        Err(error) => Some(format!("could not be written to {shown}: {error}")),
    };
    Report { text, folder }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        match &self.folder {
            Some(folder) => write!(f, "\n  report: {folder}"),
            None => Ok(()),
        }
    }
}
