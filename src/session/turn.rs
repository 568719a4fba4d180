//! Taking turns with the other processes of this machine, over something that has a name.
//!
//! A turn is an abstract Unix socket, of which the kernel gives each name to one process, and takes it back when that ends,
//! however it ends. It must never be held longer than a few calls to the engine.

#[cfg(target_os = "linux")]
use std::time::Duration;

use crate::engine::Engine;

/// What is held during a turn.
#[cfg(target_os = "linux")]
pub(crate) type Turn = Option<std::os::unix::net::UnixListener>;

#[cfg(not(target_os = "linux"))]
pub(crate) type Turn = ();

/// How long somebody else's turn is waited for; then it is ours all the same.
#[cfg(target_os = "linux")]
const PATIENCE: Duration = Duration::from_secs(20);

/// Waits for this process's turn over the volumes of a name. A volume has no id: between the look and the removal, nobody else
/// may do the same and make a new one.
pub(crate) async fn turn_over_volume(engine: &Engine, name: &str) -> Turn {
    take_turn(&format!("{}\n{name}", engine.address())).await
}

/// Waits until no other process has its turn over `name`.
#[cfg(target_os = "linux")]
async fn take_turn(name: &str) -> Turn {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixListener};

    let hash = xxhash_rust::xxh3::xxh3_128(name.as_bytes());
    let address = SocketAddr::from_abstract_name(format!("longshore-turn-{hash:032x}")).ok()?;
    let turn = async {
        loop {
            match UnixListener::bind_addr(&address) {
                Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
                    // The kernel has no queue for names.
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                outcome => return outcome.ok(),
            }
        }
    };
    tokio::time::timeout(PATIENCE, turn).await.ok().flatten()
}

/// Elsewhere nobody can tell that an owner is dead, so there is nothing to take turns over.
#[cfg(not(target_os = "linux"))]
async fn take_turn(_name: &str) -> Turn {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::engine::io;

    #[test]
    fn one_has_it_at_a_time() {
        let name = format!("test of turns {}", std::process::id());
        let take = |name: String| io::run(async move { take_turn(&name).await });
        let first = io::block_on(take(name.clone()));
        assert!(first.is_some());
        assert!(io::block_on(take(format!("{name}, another"))).is_some());
        let soon = Duration::from_millis(50);
        assert!(io::block_on(io::timeout(soon, take(name.clone()))).is_none());
        drop(first);
        assert!(io::block_on(take(name)).is_some());
    }
}
