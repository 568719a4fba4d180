//! What a create request has to say otherwise for Podman, which passes over in silence what it does not know. Each difference was
//! seen on 4.3 and 5.8 unless it says otherwise.

use std::time::Duration;

use serde_json::{json, Value};

use crate::error::{Error, Kind, Result};
use crate::request::{Checked, ContainerRequest, Need, OPTIONS_OF_A_NEW_VOLUME};

/// The version of the Engine API by which Podman takes networks: several, each with its own MAC address, whatever version it
/// states. (4.3 does not see a MAC address elsewhere.)
pub(super) const NETWORKS_AS_OF: (usize, usize) = (1, 44);

/// Docker's time between the stop signal and the kill, where nobody says another.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// Since this version of Podman `host-gateway` is an address; before it stood as it is in `/etc/hosts`.
const HOST_GATEWAY: (u64, u64) = (4, 7);

/// Makes the body one that means the same to Podman.
pub(super) fn adapt(body: &mut Value, request: &ContainerRequest, checked: &Checked) {
    if body["StopTimeout"].is_null() {
        // Podman takes "not said" for zero, and would stop nothing politely.
        body["StopTimeout"] = STOP_TIMEOUT.as_secs().into();
    }
    if request.removes_itself() {
        // An attached client may miss the output of a short job there, so the logs are read and it is removed from here.
        body["HostConfig"]["AutoRemove"] = false.into();
    }
    let host = &mut body["HostConfig"];
    for option in host["SecurityOpt"].as_array_mut().into_iter().flatten() {
        // A profile is named and read by Podman, which has to be on this machine.
        let named = checked.profiles.iter().find(|(sent, _)| option.as_str() == Some(sent));
        if let Some((_, path)) = named {
            *option = format!("seccomp={path}").into();
        }
    }
    volumes_that_begin_empty(host);
    if host["MaskedPaths"] == json!([]) {
        match host["SecurityOpt"].as_array_mut() {
            Some(options) => options.push("systempaths=unconfined".into()),
            None => host["SecurityOpt"] = json!(["systempaths=unconfined"]),
        }
    }
}

/// `volume-nocopy` is passed over in a mount, and understood in a bind.
fn volumes_that_begin_empty(host: &mut Value) {
    let Some(mounts) = host["Mounts"].as_array_mut() else { return };
    let mut binds = Vec::new();
    mounts.retain(|mount| {
        let (source, target) = (mount["Source"].as_str(), mount["Target"].as_str());
        let (true, Some(source), Some(target)) =
            (mount["VolumeOptions"]["NoCopy"] == true, source, target)
        else {
            return true;
        };
        let mode = if mount["ReadOnly"] == true { "ro,nocopy" } else { "nocopy" };
        binds.push(Value::from(format!("{source}:{target}:{mode}")));
        false
    });
    match host["Binds"].as_array_mut() {
        Some(others) => others.extend(binds),
        None if !binds.is_empty() => host["Binds"] = binds.into(),
        None => {}
    }
}

/// Whether this version of Podman can do what is asked for. For the most part its version does not tell.
pub(super) fn check(version: &str, needs: &[Need]) -> Result<()> {
    let mut numbers = version.split('.').map(|number| number.parse().unwrap_or_default());
    let numbers = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    let needs = |known: &str| needs.iter().any(|(what, _)| what == known);
    if needs(OPTIONS_OF_A_NEW_VOLUME) {
        let what = format!("Podman passes over {OPTIONS_OF_A_NEW_VOLUME}");
        return Err(Error::new(Kind::InvalidRequest, what)
            .hint("make the volume before, with its options, and mount it by its name"));
    }
    if needs("`host-gateway`") && numbers < HOST_GATEWAY {
        return Err(Error::new(Kind::InvalidRequest, "`host-gateway` needs Podman 4.7")
            .fact("because", format!("this is Podman {version}"))
            .hint("use the name `host.containers.internal`, which Podman's containers know by themselves"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_that_begins_empty_is_a_bind() {
        let mut host = json!({ "Mounts": [
            { "Type": "volume", "Source": "a", "Target": "/a", "ReadOnly": true, "VolumeOptions": { "NoCopy": true } },
            { "Type": "volume", "Source": "b", "Target": "/b" },
        ] });
        volumes_that_begin_empty(&mut host);
        assert_eq!(host["Binds"], json!(["a:/a:ro,nocopy"]));
        assert_eq!(host["Mounts"].as_array().map(Vec::len), Some(1));
        volumes_that_begin_empty(&mut Value::Null);
    }

    #[test]
    fn what_an_old_podman_passes_over_is_refused() {
        let needs = [("`host-gateway`".to_owned(), (1, 41))];
        let refused = |version| check(version, &needs).is_err();
        assert!(refused("4.3.1") && refused("3.4"));
        assert!(!refused("4.7.0") && !refused("5.8.6-dev") && !refused("10.0"));
        assert!(check("5.8.6", &[(OPTIONS_OF_A_NEW_VOLUME.to_owned(), (1, 25))]).is_err());
        assert!(check("4.3.1", &[("`--annotation`".to_owned(), (1, 43))]).is_ok());
    }
}
