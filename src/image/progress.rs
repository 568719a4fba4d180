//! Showing a pull or a push: on a terminal a line that moves, elsewhere two lines by `tracing`.

use std::collections::HashMap;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use serde_json::Value;

/// The line moves at most this often.
const REDRAW: Duration = Duration::from_millis(200);

pub(super) struct Progress {
    /// `pulling` or `pushing`.
    doing: &'static str,
    image: String,
    started: Instant,
    drawn: Option<Instant>,
    /// Bytes that have come and are to come, by layer.
    layers: HashMap<String, (i64, i64)>,
    is_terminal: bool,
}

impl Progress {
    pub(super) fn start(doing: &'static str, image: &str) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let progress = Progress {
            doing,
            image: image.to_owned(),
            started: Instant::now(),
            drawn: None,
            layers: HashMap::new(),
            is_terminal,
        };
        if is_terminal {
            progress.draw("");
        } else {
            tracing::info!(image, "{doing} the image");
        }
        progress
    }

    /// Takes note of one object of the engine's answer.
    pub(super) fn saw(&mut self, step: &Value) {
        let detail = &step["progressDetail"];
        let moving = matches!(step["status"].as_str(), Some("Downloading" | "Pushing"));
        if let (true, Some(layer), Some(current), Some(total)) =
            (moving, step["id"].as_str(), detail["current"].as_i64(), detail["total"].as_i64())
        {
            self.layers.insert(layer.to_owned(), (current, total));
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
        let line = format!("\r\x1b[Klongshore: {} {}{rest}", self.doing, self.image);
        // A terminal that is gone is no reason to fail.
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }
}
