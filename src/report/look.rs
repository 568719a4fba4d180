//! Asks the engine what may help to understand why a test has failed. On the I/O thread. Each question has a limit of its own, so that
//! one that is not answered does not cost the others.

use std::fmt::Write;
use std::future::Future;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::StreamExt;
use serde_json::{json, Value};

use super::subject::Subject;
use crate::engine::{joined, ApiError, ContainerState, Engine, Inspect, LogOptions, Ports, Remote};

/// For each question.
const LIMIT: Duration = Duration::from_secs(3);

/// How many lines of the output are written to the folder. All of it may be more than a disk holds.
const LINES: usize = 50_000;

const OUTPUT_UNREAD: &str = "its output could not be read";

/// What was found out about a container.
#[derive(Debug, Default)]
pub(crate) struct Look {
    /// Lines for the report.
    pub(crate) text: String,
    /// For the folder, by their names.
    pub(crate) files: Vec<(&'static str, Vec<u8>)>,
}

impl Look {
    /// Nothing was found out in that time.
    pub(super) fn late(limit: Duration) -> Self {
        Look { text: format!("{}\n", ApiError::Late(limit)), files: Vec::new() }
    }
}

/// Looks at a container of a test.
pub(super) async fn look(engine: &Engine, subject: &Subject) -> Look {
    let Subject { id, name, image, .. } = subject.clone();
    look_closely(&Remote::new(engine.clone(), id, name, image, false)).await
}

/// Looks at one that is still there.
pub(crate) async fn look_closely(remote: &Remote) -> Look {
    let inspect = in_time(remote.inspect_raw()).await;
    let raw = inspect.as_ref().cloned().unwrap_or_default();
    let engine = remote.engine();
    let tty = raw["Config"]["Tty"] == true;
    let name = raw["Name"].as_str().map(|name| name.trim_start_matches('/').to_owned());
    let (id, image) = (remote.id().to_owned(), remote.image().to_owned());
    let name = name.unwrap_or_else(|| remote.name().to_owned());
    let remote = Remote::new(engine.clone(), id, name, image, tty);

    let all = LogOptions::new().timestamps().tail(LINES);
    let (last, logs, events, host) = futures::join!(
        in_time(remote.try_last_output()),
        in_time(remote.read_logs(&all)),
        events(&remote, raw["Created"].as_str().unwrap_or("1")),
        in_time(async { Ok(engine.host().await.clone()) }),
    );
    let ports = host.map(|host| Ports::from_inspect(&raw).all(&host)).unwrap_or_default();
    let ports: Vec<_> = ports.iter().map(ToString::to_string).collect();

    let mut look = Look::default();
    let (name, image) = (remote.name(), remote.image());
    let _ = writeln!(look.text, "`{name}` of `{image}`, {}", state(inspect));
    if !ports.is_empty() {
        let _ = writeln!(look.text, "  ports: {}", ports.join(", "));
    }
    match last {
        Ok(lines) if lines.is_empty() => {}
        Ok(lines) => {
            look.text.push_str("  last output:\n");
            for line in lines {
                let _ = writeln!(look.text, "    | {line}");
            }
        }
        Err(error) if error.is_not_found() => {}
        Err(error) => look.text.push_str(&format!("  {OUTPUT_UNREAD}: {error}\n")),
    }
    look.files = vec![
        ("logs.txt", logs.map_or_else(told, |frames| joined(&frames))),
        ("inspect.json", pretty(&raw)),
        ("events.json", events),
        ("ports.txt", lines(&ports)),
    ];
    look
}

async fn in_time<T>(work: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
    tokio::time::timeout(LIMIT, work).await.unwrap_or(Err(ApiError::Late(LIMIT)))
}

/// How it is, in the words of `docker ps`.
fn state(inspect: Result<Value, ApiError>) -> String {
    let inspect = match inspect {
        Ok(raw) => Inspect::new(raw),
        Err(error) if error.is_not_found() => return "which is gone".into(),
        Err(error) => return format!("which could not be looked at: {error}"),
    };
    let mut text = match (inspect.state(), inspect.exit_code()) {
        (ContainerState::Exited, Some(code)) => format!("exited with code {code}"),
        (state, _) => state.to_string(),
    };
    if inspect.oom_killed() {
        text.push_str(", killed for want of memory");
    }
    if let Some(health) = inspect.health() {
        let _ = write!(text, ", {health}");
    }
    text
}

/// What the engine has noted of it, a line each.
async fn events(remote: &Remote, created: &str) -> Vec<u8> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let mut text = Vec::new();
    let reading = async {
        let mut events = remote.past_events(created, now).await?;
        while let Some(event) = events.next().await {
            text.extend_from_slice(event?.to_string().as_bytes());
            text.push(b'\n');
        }
        Ok(())
    };
    // An engine whose clock is behind ends late; what it has told by then is there.
    match in_time(reading).await {
        Err(error) if text.is_empty() => {
            format!("{}\n", json!({ "error": error.to_string() })).into()
        }
        _ => text,
    }
}

fn told(error: ApiError) -> Vec<u8> {
    format!("{OUTPUT_UNREAD}: {error}\n").into_bytes()
}

fn pretty(raw: &Value) -> Vec<u8> {
    let mut text = serde_json::to_vec_pretty(raw).unwrap_or_default();
    text.push(b'\n');
    text
}

fn lines(all: &[String]) -> Vec<u8> {
    all.iter().flat_map(|line| [line.as_bytes(), b"\n"]).flatten().copied().collect()
}
