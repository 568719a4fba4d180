//! The places in which an engine is looked for, and what each of them answered.

use std::env;
use std::path::PathBuf;

use super::endpoint::Endpoint;
use crate::error::{Error, Kind, Result};

/// One place, and why we look there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) endpoint: Endpoint,
    pub(super) origin: &'static str,
}

/// `DOCKER_HOST` alone when it is set, else the sockets that Docker, Podman and the desktop products use.
pub(super) fn candidates() -> Result<Vec<Candidate>> {
    if let Some(host) = env::var("DOCKER_HOST").ok().filter(|host| !host.is_empty()) {
        let endpoint = host
            .parse()
            .map_err(|error: Error| error.fact("from", "the variable `DOCKER_HOST`"))?;
        return Ok(vec![Candidate { endpoint, origin: "DOCKER_HOST" }]);
    }
    Ok(standard(|name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from)))
}

#[cfg(not(windows))]
fn standard(folder: impl Fn(&str) -> Option<PathBuf>) -> Vec<Candidate> {
    let (home, runtime) = (folder("HOME"), folder("XDG_RUNTIME_DIR"));
    let at = |base: &Option<PathBuf>, path: &str| base.as_ref().map(|base| base.join(path));
    let places = [
        (Some(PathBuf::from("/var/run/docker.sock")), "Docker"),
        (at(&runtime, "docker.sock"), "rootless Docker"),
        (at(&home, ".docker/run/docker.sock"), "Docker Desktop"),
        (at(&home, ".docker/desktop/docker.sock"), "Docker Desktop"),
        (at(&home, ".colima/default/docker.sock"), "Colima"),
        (at(&home, ".orbstack/run/docker.sock"), "OrbStack"),
        (at(&home, ".rd/docker.sock"), "Rancher Desktop"),
        (at(&runtime, "podman/podman.sock"), "rootless Podman"),
        (Some(PathBuf::from("/run/podman/podman.sock")), "Podman"),
    ];
    let known = |(path, origin): (Option<PathBuf>, _)| {
        path.map(|path| Candidate { endpoint: Endpoint::Unix(path), origin })
    };
    places.into_iter().filter_map(known).collect()
}

#[cfg(windows)]
fn standard(_: impl Fn(&str) -> Option<PathBuf>) -> Vec<Candidate> {
    let at = |path: &str, origin| Candidate { endpoint: Endpoint::Pipe(path.into()), origin };
    vec![at(r"\\.\pipe\docker_engine", "Docker"), at(r"\\.\pipe\podman-machine-default", "Podman")]
}

/// The one error when nobody answered: every place, and what came of it.
pub(super) fn nobody_answers(tried: &[(Candidate, String)]) -> Error {
    let lines: Vec<String> = tried
        .iter()
        .map(|(at, answer)| format!("{} ({}): {answer}", at.endpoint, at.origin))
        .collect();
    let refused = tried.iter().any(|(_, answer)| answer.contains("ermission denied"));
    let hint = match tried {
        _ if refused => "you may not use the engine's socket: add yourself to its group (`sudo usermod -aG docker $USER`, then \
                         log in again) or run a rootless engine",
        [(Candidate { origin: "DOCKER_HOST", .. }, _)] => {
            "start that engine, or unset `DOCKER_HOST` to have the usual sockets tried"
        }
        _ => "start Docker (`sudo systemctl start docker`, or Docker Desktop) or Podman (`systemctl --user start \
              podman.socket`), or set `DOCKER_HOST`",
    };
    Error::new(Kind::EngineUnavailable, "no container engine answers")
        .fact("tried", lines.join("\n"))
        .hint(hint)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn only_places_whose_folder_is_known_are_tried() {
        let none: Vec<_> =
            standard(|_| None).into_iter().map(|at| at.endpoint.to_string()).collect();
        assert_eq!(none, ["unix:///var/run/docker.sock", "unix:///run/podman/podman.sock"]);
        let home = standard(|name| (name == "HOME").then(|| PathBuf::from("/home/me")));
        assert!(home
            .iter()
            .any(|at| at.endpoint.to_string() == "unix:///home/me/.colima/default/docker.sock"));
    }

    #[test]
    fn the_error_lists_every_place_and_what_to_do() {
        let tried: Vec<_> = standard(|_| None)
            .into_iter()
            .zip(["no such file".to_owned(), "refused".to_owned()])
            .collect();
        assert_eq!(
            nobody_answers(&tried).to_string(),
            "no container engine answers\n  tried: unix:///var/run/docker.sock (Docker): no such file\n    \
             unix:///run/podman/podman.sock (Podman): refused\n  hint: start Docker (`sudo systemctl start docker`, or \
             Docker Desktop) or Podman (`systemctl --user start podman.socket`), or set `DOCKER_HOST`"
        );
    }
}
