//! Writes a report's folder: what was printed, and a folder for each container. An earlier one is replaced.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::look::Look;
use super::place::{safe, Place, REPORT};
use super::subject::Subject;

/// Says above a run line what it is.
const ABOVE_RUN: &str =
    "# what the test has asked for, by hand; values of variables are in it as they are\n";

/// Writes all of it, and gives the folder; `None` when no reports are wanted.
pub(super) fn write(
    place: &Place,
    text: &str,
    parts: &[(Subject, Look)],
) -> io::Result<Option<PathBuf>> {
    let Some(folder) = place.make()? else { return Ok(None) };
    // First: it tells a folder of ours from others.
    fs::write(folder.join(REPORT), text)?;
    for (subject, look) in parts {
        let part = folder.join(safe(&subject.part));
        fs::create_dir_all(&part)?;
        fs::write(part.join("run.sh"), format!("{ABOVE_RUN}{}\n", subject.run))?;
        for (name, bytes) in &look.files {
            fs::write(part.join(name), bytes)?;
        }
    }
    Ok(Some(folder))
}
