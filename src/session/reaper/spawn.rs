//! The session's reaper, as a test process reaches it: connected to, or started first. Blocks for some milliseconds, so it is
//! for a thread that may.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;

use super::super::identity::{self, Session};
use super::entry;
use super::folder::Folder;
use super::protocol::{Order, ORDER};

/// A connection to the reaper of this process's session.
///
/// # Errors
///
/// Why there can be none, as the end of a sentence.
pub(super) fn reach(session: &Session) -> Result<UnixStream, String> {
    entry::check_hook()?;
    let folder = Folder::of(&session.id);
    let _lock = folder.lock()?;
    let socket = folder.socket();
    let told = |error: io::Error| format!("`{}`: {error}", socket.display());
    match UnixStream::connect(&socket) {
        Ok(stream) => return Ok(stream),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        // One was killed and has left its socket.
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(&socket).map_err(told)?;
        }
        Err(error) => return Err(told(error)),
    }
    let listener = UnixListener::bind(&socket).map_err(told)?;
    // Whatever the umask is.
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o600)).map_err(told)?;
    start(session, &folder, listener)?;
    UnixStream::connect(&socket).map_err(told)
}

/// Starts this program again as a reaper that listens there.
fn start(session: &Session, folder: &Folder, listener: UnixListener) -> Result<(), String> {
    let (folder_path, runner) = (folder.path().to_owned(), identity::runner());
    let order = Order { session: session.clone(), folder: folder_path, runner };
    let order = serde_json::to_string(&order).map_err(|error| error.to_string())?;
    let log = folder.open_log().and_then(|log| Ok((log.try_clone()?, log)));
    let (output, errors) = log.map_err(|error| format!("its log could not be opened: {error}"))?;
    let (program, mut command) = this_program()?;
    command
        .arg0("longshore-reaper")
        .arg(&session.id)
        .env(ORDER, order)
        // From its first moment, or a Ctrl-C that ends the test in the next would reach it as well.
        .process_group(0)
        .stdin(Stdio::from(OwnedFd::from(listener)))
        .stdout(output)
        .stderr(errors);
    let mut child = command
        .spawn()
        .map_err(|error| format!("`{}` could not be started: {error}", program.display()))?;
    // It ends as soon as it has forked.
    let reaped = thread::Builder::new().name("longshore-wait".into()).spawn(move || child.wait());
    reaped.map(drop).map_err(|error| error.to_string())
}

/// By its place in `/proc` it is found also when it has been replaced or removed meanwhile.
fn this_program() -> Result<(PathBuf, Command), String> {
    let in_proc = PathBuf::from("/proc/self/exe");
    let program = match in_proc.exists() {
        true => in_proc,
        false => std::env::current_exe().map_err(|error| error.to_string())?,
    };
    let command = Command::new(&program);
    Ok((program, command))
}
