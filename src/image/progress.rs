//! Showing a pull: on a terminal a line that moves, elsewhere two lines by `tracing`.

use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use bollard::models::CreateImageInfo;

/// The line moves at most this often.
const REDRAW: Duration = Duration::from_millis(200);

pub(super) struct Progress {
    image: String,
    started: Instant,
    drawn: Option<Instant>,
    /// Bytes that have come and are to come, by layer.
    layers: HashMap<String, (i64, i64)>,
    is_terminal: bool,
}

impl Progress {
    pub(super) fn start(image: &str) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let progress = Progress {
            image: image.to_owned(),
            started: Instant::now(),
            drawn: None,
            layers: HashMap::new(),
            is_terminal,
        };
        if is_terminal {
            progress.draw("");
        } else {
            tracing::info!(image, "pulling the image");
        }
        progress
    }

    pub(super) fn saw(&mut self, info: &CreateImageInfo) {
        let detail =
            info.progress_detail.as_ref().and_then(|detail| Some((detail.current?, detail.total?)));
        if let (Some(layer), Some(detail), Some("Downloading")) =
            (&info.id, detail, info.status.as_deref())
        {
            self.layers.insert(layer.clone(), detail);
        }
        if self.is_terminal && self.drawn.is_none_or(|drawn| drawn.elapsed() > REDRAW) {
            self.drawn = Some(Instant::now());
            let (have, total) =
                self.layers.values().fold((0, 0), |sum, layer| (sum.0 + layer.0, sum.1 + layer.1));
            self.draw(&format!(" {} of {} MB", have / 1_000_000, total / 1_000_000));
        }
    }

    pub(super) fn end(self, outcome: &str) {
        let elapsed = self.started.elapsed();
        if self.is_terminal {
            self.draw(&format!(" {outcome} after {:.1} s\n", elapsed.as_secs_f32()));
        } else {
            tracing::info!(image = self.image, ?elapsed, "{outcome}");
        }
    }

    /// To the process's own standard error, which libtest does not capture: a test that seems to hang is pulling.
    fn draw(&self, rest: &str) {
        let line = format!("\r\x1b[Klongshore: pulling {}{rest}", self.image);
        // A terminal that is gone is no reason to fail.
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }
}
