//! A socket before the engine's, on which requests for one version of its API become requests for another. testcontainers 0.28 asks
//! for 1.53, whatever the engine says that it has, and an engine refuses what it is too old for.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::{env, fs, process, thread};

/// The version that testcontainers asks for.
const ASKED: &str = "1.53";

/// The socket, for as long as this is held.
pub struct Relay(PathBuf);

impl Relay {
    pub fn before(engine: &Path) -> io::Result<Self> {
        let path = env::temp_dir().join(format!("services-benchmark-{}.sock", process::id()));
        let (listener, relay) = (UnixListener::bind(&path)?, Relay(path));
        let (from, to) = (version(ASKED), version(&served_by(engine)?));
        assert_eq!(from.len(), to.len(), "a request keeps its length");
        let engine = engine.to_owned();
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (engine, from, to) = (engine.clone(), from.clone(), to.clone());
                thread::spawn(move || pass_on(client, &engine, &from, &to));
            }
        });
        Ok(relay)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// As it stands in the first line of a request, where it is sent in one piece.
fn version(number: &str) -> Vec<u8> {
    format!(" /v{number}/").into_bytes()
}

/// The version that the engine has, of its own accord.
fn served_by(engine: &Path) -> io::Result<String> {
    let mut stream = UnixStream::connect(engine)?;
    stream.write_all(b"GET /version HTTP/1.0\r\nHost: engine\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let number = answer.split("\"ApiVersion\":\"").nth(1).and_then(|rest| rest.split('"').next());
    number.map(str::to_owned).ok_or_else(|| io::Error::other(answer))
}

fn pass_on(mut client: UnixStream, engine: &Path, from: &[u8], to: &[u8]) -> io::Result<()> {
    let mut engine = UnixStream::connect(engine)?;
    let (mut answers, mut back) = (engine.try_clone()?, client.try_clone()?);
    thread::spawn(move || {
        let _ = io::copy(&mut answers, &mut back);
        let _ = back.shutdown(Shutdown::Write);
    });
    let mut bytes = vec![0; 64 << 10];
    loop {
        let count = client.read(&mut bytes)?;
        if count == 0 {
            return engine.shutdown(Shutdown::Write);
        }
        for at in 0..count.saturating_sub(from.len()) {
            if bytes[at..].starts_with(from) {
                bytes[at..at + to.len()].copy_from_slice(to);
            }
        }
        engine.write_all(&bytes[..count])?;
    }
}
