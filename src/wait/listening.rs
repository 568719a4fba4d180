//! What is listened on inside a container, read from the kernel on the engine's own machine.
//!
//! `/proc/PID/net/tcp` shows the sockets of the network namespace that the process is in, to everybody, without
//! entering it. Nothing is run in the container.

use std::fs;

use longshore_syntax::{ContainerPort, Protocol};

use super::process;

/// A socket that takes connections or datagrams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Listener {
    pub(super) port: ContainerPort,
    /// On the container's own 127.0.0.1 or ::1, where no published port leads.
    pub(super) loopback_only: bool,
}

/// The listeners of the container `id` whose first process is `pid`, or `None` where that process cannot be
/// seen from here: another machine, another pid namespace, another system, or it has ended.
pub(super) fn listeners(pid: u32, id: &str) -> Option<Vec<Listener>> {
    if !process::is_of_container(pid, id) {
        return None;
    }
    let mut found = Vec::new();
    for (file, protocol) in [
        ("tcp", Protocol::Tcp),
        ("tcp6", Protocol::Tcp),
        ("udp", Protocol::Udp),
        ("udp6", Protocol::Udp),
    ] {
        match fs::read_to_string(format!("/proc/{pid}/net/{file}")) {
            Ok(table) => found.extend(parse(&table, protocol)),
            // Without IPv6 there is no table of it.
            Err(_) if file.ends_with('6') => {}
            Err(_) => return None,
        }
    }
    found.sort_unstable();
    found.dedup();
    Some(found)
}

/// The lines of `/proc/net/tcp` or `udp` (Linux, Documentation/networking/proc_net_tcp.rst): number, local address,
/// remote address, state, all hexadecimal.
fn parse(table: &str, protocol: Protocol) -> impl Iterator<Item = Listener> + '_ {
    const LISTEN: &str = "0A";
    // A datagram socket that is connected to nobody.
    const CLOSE: &str = "07";
    let wanted = if protocol == Protocol::Udp { CLOSE } else { LISTEN };
    table.lines().skip(1).filter_map(move |line| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let (local, _, state) = (fields.next()?, fields.next()?, fields.next()?);
        let (address, port) = local.split_once(':')?;
        let port = u16::from_str_radix(port, 16).ok().filter(|port| *port != 0)?;
        // Words are in the machine's byte order: 127.0.0.1 is 0100007F on a little-endian one.
        let is_v4_loopback = |word: &str| {
            u32::from_str_radix(word, 16).is_ok_and(|word| word.to_ne_bytes()[0] == 127)
        };
        let loopback_only = match address.len() {
            8 => is_v4_loopback(address),
            32 => {
                let is_mapped = address.starts_with("0000000000000000FFFF0000")
                    || address.starts_with("00000000000000000000FFFF");
                address == "00000000000000000000000001000000"
                    || address == "00000000000000000000000000000001"
                    || (is_mapped && is_v4_loopback(&address[24..]))
            }
            _ => return None,
        };
        (state == wanted)
            .then_some(Listener { port: ContainerPort::new(port, protocol), loopback_only })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TCP: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0
   2: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 3 1 0 20 4 30 10 -1
";
    const TCP6: &str =
        "  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 0 0
   1: 00000000000000000000000001000000:0051 00000000000000000000000000000000:0000 0A 0 0
   2: 0000000000000000FFFF00000100007F:0052 00000000000000000000000000000000:0000 0A 0 0
";

    #[test]
    #[cfg(target_endian = "little")]
    fn tells_listeners_from_connections_and_loopback_from_the_rest() {
        let listener =
            |port, loopback_only| Listener { port: ContainerPort::from(port), loopback_only };
        assert_eq!(
            parse(TCP, Protocol::Tcp).collect::<Vec<_>>(),
            [listener(8080, false), listener(5432, true)]
        );
        let v6: Vec<_> = parse(TCP6, Protocol::Tcp).collect();
        assert_eq!(v6, [listener(80, false), listener(81, true), listener(82, true)]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_process_that_is_not_in_the_container_is_not_believed() {
        assert_eq!(listeners(std::process::id(), &"0".repeat(64)), None);
    }
}
