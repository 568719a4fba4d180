//! Where an engine listens, as `DOCKER_HOST` spells it. No I/O.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::error::{Error, Kind};

/// The address of an engine's API.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Endpoint {
    Unix(PathBuf),
    Tcp {
        host: String,
        port: u16,
    },
    #[cfg_attr(not(windows), expect(dead_code, reason = "only Windows has named pipes"))]
    Pipe(String),
}

impl Endpoint {
    /// Whether the engine's own command finds it without being told: at Docker's usual socket, or at Podman's of this user.
    pub(super) fn is_usual(&self, is_podman: bool) -> bool {
        let Endpoint::Unix(path) = self else { return false };
        if !is_podman {
            return ["/var/run/docker.sock", "/run/docker.sock"]
                .iter()
                .any(|usual| path == Path::new(usual));
        }
        std::env::var_os("XDG_RUNTIME_DIR")
            .is_some_and(|folder| *path == Path::new(&folder).join("podman/podman.sock"))
    }
}

impl FromStr for Endpoint {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let invalid = |why: &str| {
            Error::new(Kind::InvalidRequest, format!("`{text}` is not an engine's address: {why}"))
                .hint("write it as `DOCKER_HOST` does: `unix:///var/run/docker.sock` or `tcp://127.0.0.1:2375`")
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(|| invalid("it has no scheme"))?;
        match scheme {
            "unix" if rest.starts_with('/') => Ok(Endpoint::Unix(rest.into())),
            "unix" => Err(invalid("the path of the socket is not absolute")),
            "tcp" | "http" => {
                let rest = rest.trim_end_matches('/');
                if rest.contains('/') {
                    return Err(invalid("a path behind the port is not supported"));
                }
                let (host, port) = match rest.rsplit_once(':') {
                    // The colons of an IPv6 address stand before its bracket.
                    Some((host, port)) if !port.contains(']') => (
                        host,
                        port.parse()
                            .map_err(|_| invalid("the port is not a number up to 65535"))?,
                    ),
                    _ => (rest, 2375),
                };
                let host = host.trim_start_matches('[').trim_end_matches(']');
                if host.is_empty() {
                    return Err(invalid("it names no host"));
                }
                Ok(Endpoint::Tcp { host: host.into(), port })
            }
            #[cfg(windows)]
            "npipe" => Ok(Endpoint::Pipe(rest.replace('/', "\\"))),
            #[cfg(not(windows))]
            "npipe" => Err(invalid("named pipes exist on Windows only")),
            "https" | "ssh" | "fd" => Err(invalid(&format!("`{scheme}` is not supported yet"))),
            _ => Err(invalid(&format!("its scheme `{scheme}` is unknown"))),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Endpoint::Unix(path) => write!(f, "unix://{}", path.display()),
            Endpoint::Tcp { host, port } if host.contains(':') => {
                write!(f, "tcp://[{host}]:{port}")
            }
            Endpoint::Tcp { host, port } => write!(f, "tcp://{host}:{port}"),
            Endpoint::Pipe(path) => write!(f, "npipe://{}", path.replace('\\', "/")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_docker_host_may_hold() {
        for (text, shown) in [
            ("unix:///var/run/docker.sock", "unix:///var/run/docker.sock"),
            ("tcp://127.0.0.1:2375", "tcp://127.0.0.1:2375"),
            ("tcp://docker", "tcp://docker:2375"),
            ("http://docker:80/", "tcp://docker:80"),
            ("tcp://[::1]:2375", "tcp://[::1]:2375"),
            ("tcp://[::1]", "tcp://[::1]:2375"),
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn says_what_is_wrong_with_an_address() {
        for (text, why) in [
            ("/var/run/docker.sock", "it has no scheme"),
            ("unix://docker.sock", "the path of the socket is not absolute"),
            ("tcp://:2375", "it names no host"),
            ("tcp://docker:port", "the port is not a number up to 65535"),
            ("tcp://docker:1/api", "a path behind the port is not supported"),
            ("ssh://me@host", "`ssh` is not supported yet"),
            ("gopher://host", "its scheme `gopher` is unknown"),
        ] {
            let error = text.parse::<Endpoint>().unwrap_err();
            assert_eq!(error.summary(), format!("`{text}` is not an engine's address: {why}"));
        }
    }
}
