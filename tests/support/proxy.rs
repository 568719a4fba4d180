//! A relay between longshore and the engine that counts calls, and can lose or delay answers. What a reaper asks goes through
//! untouched, unless it is meant too.

#![allow(dead_code, missing_docs, unreachable_pub, reason = "each suite uses a part of it")]

use std::env;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What becomes of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It goes through.
    Pass,
    /// The engine does it; the connection breaks before its answer comes.
    LoseAnswer,
    /// The engine is asked this much later.
    Delay(Duration),
    /// The answer comes this much later.
    DelayAnswer(Duration),
    /// The engine is not asked; this is answered, as if by it: status and message.
    Refuse(u16, &'static str),
}

/// A relay on a Unix socket of its own; gone when it is dropped.
pub struct Proxy {
    path: PathBuf,
    shared: Arc<Shared>,
}

struct Shared {
    /// Whether the calls of reapers count.
    reapers_too: bool,
    rule: Box<dyn Fn(&str) -> Action + Send + Sync>,
    calls: Mutex<Vec<String>>,
    deletes_now: AtomicUsize,
    most_deletes: AtomicUsize,
}

impl Proxy {
    /// Passes and counts.
    pub fn start() -> Self {
        Proxy::with(|_| Action::Pass)
    }

    /// Decides for each call by `METHOD /path?query`, without the version in the path.
    pub fn with(rule: impl Fn(&str) -> Action + Send + Sync + 'static) -> Self {
        Proxy::listen(rule, false)
    }

    /// The same, also for the calls of reapers.
    pub fn with_reapers(rule: impl Fn(&str) -> Action + Send + Sync + 'static) -> Self {
        Proxy::listen(rule, true)
    }

    fn listen(rule: impl Fn(&str) -> Action + Send + Sync + 'static, reapers_too: bool) -> Self {
        let path = env::temp_dir().join(format!("{}.sock", super::unique("longshore-proxy")));
        let listener = UnixListener::bind(&path).expect("a socket in the temporary folder");
        let shared = Arc::new(Shared {
            reapers_too,
            rule: Box::new(rule),
            calls: Mutex::default(),
            deletes_now: AtomicUsize::new(0),
            most_deletes: AtomicUsize::new(0),
        });
        let relaying = shared.clone();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let shared = relaying.clone();
                thread::spawn(move || relay(client, &shared));
            }
        });
        Proxy { path, shared }
    }

    /// For `Engine::connect_to`.
    pub fn address(&self) -> String {
        format!("unix://{}", self.path.display())
    }

    /// Every call so far, as `METHOD /path` without version, query and ids: `POST /containers/ID/start`.
    pub fn calls(&self) -> Vec<String> {
        self.shared
            .calls
            .lock()
            .expect("no panic in the lock")
            .iter()
            .map(|call| shape(call))
            .collect()
    }

    /// Forgets the calls so far.
    pub fn forget(&self) {
        self.shared.calls.lock().expect("no panic in the lock").clear();
    }

    /// The most `DELETE` calls that were under way at the same time.
    pub fn most_deletes_at_once(&self) -> usize {
        self.shared.most_deletes.load(Ordering::SeqCst)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// The path of the engine's own socket.
pub fn engine_socket() -> PathBuf {
    let host = env::var("DOCKER_HOST").unwrap_or_else(|_| "unix:///var/run/docker.sock".into());
    host.strip_prefix("unix://").expect("the suites' engines have Unix sockets").into()
}

fn relay(client: UnixStream, shared: &Arc<Shared>) {
    let Ok(engine) = UnixStream::connect(engine_socket()) else { return };
    let counts = shared.reapers_too || !is_reaper(&client);
    // What the answer under way is to suffer, handed from the one direction to the other.
    let pending: Arc<Mutex<Option<(Action, bool)>>> = Arc::default();
    let (mut answers, mut back) =
        (engine.try_clone().expect("a descriptor"), client.try_clone().expect("a descriptor"));
    let (seen, counting) = (pending.clone(), shared.clone());
    let answering = thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = answers.read(&mut buffer) {
            let begun = seen.lock().expect("no panic in the lock").take();
            if let Some((_, true)) = begun {
                counting.deletes_now.fetch_sub(1, Ordering::SeqCst);
            }
            match begun.map(|(action, _)| action) {
                Some(Action::LoseAnswer) => break,
                Some(Action::DelayAnswer(time)) => thread::sleep(time),
                _ => {}
            }
            if back.write_all(&buffer[..count]).is_err() {
                break;
            }
        }
        let _ = back.shutdown(Shutdown::Both);
        let _ = answers.shutdown(Shutdown::Both);
    });
    let (mut asking, mut onward) = (client, engine);
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = match asking.read(&mut buffer) {
            // Half closed: the other half still carries answers.
            Ok(0) => {
                let _ = onward.shutdown(Shutdown::Write);
                break;
            }
            Ok(count) => count,
            Err(_) => break,
        };
        if let Some(call) = request_line(&buffer[..count]).filter(|_| counts) {
            let action = (shared.rule)(&call);
            if let Action::Refuse(status, message) = action {
                shared.calls.lock().expect("no panic in the lock").push(call);
                let _ = refuse(&asking, status, message);
                // What the client still sends has to be read, or it would not see the answer.
                while matches!(asking.read(&mut buffer), Ok(1..)) {}
                let _ = onward.shutdown(Shutdown::Both);
                break;
            }
            let is_delete = call.starts_with("DELETE ");
            if is_delete {
                let now = shared.deletes_now.fetch_add(1, Ordering::SeqCst) + 1;
                shared.most_deletes.fetch_max(now, Ordering::SeqCst);
            }
            *pending.lock().expect("no panic in the lock") = Some((action, is_delete));
            shared.calls.lock().expect("no panic in the lock").push(call);
            if let Action::Delay(time) = action {
                thread::sleep(time);
            }
        }
        if onward.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = answering.join();
}

/// Whether a longshore reaper is at the other end.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "the standard library does not tell who is at the other end yet")]
fn is_reaper(client: &UnixStream) -> bool {
    let mut peer = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut size = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: the descriptor is open, and the size is that of what is filled.
    let asked = unsafe {
        libc::getsockopt(
            std::os::fd::AsRawFd::as_raw_fd(client),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut peer).cast(),
            &raw mut size,
        )
    };
    let command = std::fs::read(format!("/proc/{}/cmdline", peer.pid)).unwrap_or_default();
    asked == 0 && command.starts_with(b"longshore-reaper\0")
}

/// Elsewhere that cannot be known.
#[cfg(not(target_os = "linux"))]
fn is_reaper(_: &UnixStream) -> bool {
    false
}

/// Answers in the engine's place, and that ends the connection.
fn refuse(mut client: &UnixStream, status: u16, message: &str) -> std::io::Result<()> {
    let body = format!("{{\"message\":\"{message}\"}}");
    let length = body.len();
    write!(
        client,
        "HTTP/1.1 {status} Refused\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// `METHOD /path?query` when these bytes begin a request; a client writes a request's head at once.
fn request_line(bytes: &[u8]) -> Option<String> {
    let line = bytes.split(|byte| *byte == b'\r').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let (method, rest) = line.split_once(' ')?;
    let path = rest.strip_suffix(" HTTP/1.1")?;
    if !["GET", "HEAD", "POST", "PUT", "DELETE"].contains(&method) {
        return None;
    }
    let versioned = path.strip_prefix("/v1.").and_then(|rest| rest.split_once('/'));
    Some(match versioned {
        Some((_, path)) => format!("{method} /{path}"),
        None => format!("{method} {path}"),
    })
}

/// Without query, and with `ID` for ids.
fn shape(call: &str) -> String {
    let path = call.split('?').next().unwrap_or(call);
    let is_id = |part: &str| part.len() == 64 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    path.split('/').map(|part| if is_id(part) { "ID" } else { part }).collect::<Vec<_>>().join("/")
}
