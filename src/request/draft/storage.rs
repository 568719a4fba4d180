//! What a container finds in its file system: volumes, mounts, file systems in memory.

use std::collections::BTreeSet;

use longshore_syntax::{parse_mount, parse_volume, BindRecursive, Mount, MountType, VolumeSource};
use serde_json::{json, Map, Value};

use super::{Draft, Place, OPTIONS_OF_A_NEW_VOLUME};

impl Draft<'_> {
    pub(super) fn storage(&mut self) {
        let mut targets = BTreeSet::new();
        self.volumes(&mut targets);
        self.mounts(&mut targets);
        self.tmpfs(&mut targets);
        for word in self.words.all("volumes-from") {
            let (container, mode) = word.split_once(':').unwrap_or((word, "rw"));
            if container.is_empty()
                || !mode.split(',').all(|mode| matches!(mode, "ro" | "rw" | "z" | "Z"))
            {
                self.problems.add(
                    format!("`{word}` names no container for `--volumes-from`"),
                    "write a container's name or id, with `:ro` behind it if need be",
                );
            }
        }
    }

    /// Notes the place of a mount; two at one place hide each other, and engines refuse them.
    fn at(&mut self, target: &str, targets: &mut BTreeSet<String>) {
        let place = match target.trim_end_matches('/') {
            "" => "/",
            place => place,
        };
        if place == "/" {
            self.problems.add("nothing can be mounted at `/`", "name a folder beneath it");
        } else if !targets.insert(place.to_owned()) {
            self.problems.add(
                format!("two things are mounted at `{place}`"),
                "give each mount a place of its own",
            );
        }
    }

    fn volumes(&mut self, targets: &mut BTreeSet<String>) {
        let (mut binds, mut anonymous) = (Vec::new(), Map::new());
        for word in self.words.all("volume") {
            let Some(volume) = self.problems.take(parse_volume(word)) else { continue };
            self.at(volume.target(), targets);
            match volume.source() {
                None => {
                    anonymous.insert(word.clone(), json!({}));
                }
                Some(VolumeSource::Name(_)) => binds.push(word.clone()),
                Some(VolumeSource::Path(path)) => match path.starts_with('.') {
                    // As `docker run` does since version 23.
                    true => match std::path::absolute(path) {
                        Ok(absolute) => {
                            binds.push(format!("{}{}", plain(&absolute), &word[path.len()..]))
                        }
                        Err(error) => self.problems.add(
                            format!(
                                "the path `{path}` of the volume `{word}` leads nowhere: {error}"
                            ),
                            "write an absolute path",
                        ),
                    },
                    false => binds.push(word.clone()),
                },
                Some(_) => binds.push(word.clone()),
            }
        }
        if !binds.is_empty() {
            self.put(Place::Host, "Binds", binds.into());
        }
        if !anonymous.is_empty() {
            self.put(Place::Config, "Volumes", Value::Object(anonymous));
        }
    }

    fn tmpfs(&mut self, targets: &mut BTreeSet<String>) {
        let mut mounts = Map::new();
        for word in self.words.all("tmpfs") {
            let (path, options) = word.split_once(':').unwrap_or((word, ""));
            if !path.starts_with('/') {
                self.problems.add(
                    format!("the path `{path}` of a tmpfs is not absolute"),
                    "paths in a container begin with `/`",
                );
                continue;
            }
            self.at(path, targets);
            mounts.insert(path.to_owned(), options.into());
        }
        if !mounts.is_empty() {
            self.put(Place::Host, "Tmpfs", Value::Object(mounts));
        }
    }

    fn mounts(&mut self, targets: &mut BTreeSet<String>) {
        let mut mounts = Vec::new();
        for word in self.words.all("mount") {
            let Some(mount) = self.problems.take(parse_mount(word)) else { continue };
            self.at(mount.target(), targets);
            mounts.push(self.mount(&mount));
        }
        if !mounts.is_empty() {
            self.put(Place::Host, "Mounts", mounts.into());
        }
    }
}

impl Draft<'_> {
    /// The API's `Mount`.
    fn mount(&mut self, mount: &Mount) -> Value {
        let mut json = json!({ "Type": mount.mount_type().as_str(), "Target": mount.target() });
        if let Some(source) = mount.source() {
            let is_relative = mount.mount_type() == MountType::Bind && source.starts_with('.');
            // As `docker run` does.
            let absolute = std::path::absolute(source).ok().filter(|_| is_relative);
            json["Source"] = absolute.map_or(source.to_owned(), |path| plain(&path)).into();
        }
        if mount.is_read_only() {
            json["ReadOnly"] = true.into();
        }
        if let Some(consistency) = mount.consistency() {
            json["Consistency"] = consistency.as_str().into();
        }
        self.bind_options(mount, &mut json);
        self.volume_options(mount, &mut json);
        if let Some(size) = mount.tmpfs_size() {
            json["TmpfsOptions"]["SizeBytes"] = size.into();
        }
        if let Some(mode) = mount.tmpfs_mode() {
            json["TmpfsOptions"]["Mode"] = mode.into();
        }
        if mount.mount_type() == MountType::Image {
            self.needs("`--mount type=image`", (1, 48));
        }
        json
    }

    fn bind_options(&mut self, mount: &Mount, json: &mut Value) {
        let mut creates_source = false;
        let options = &mut json["BindOptions"];
        if let Some(propagation) = mount.bind_propagation() {
            options["Propagation"] = propagation.as_str().into();
        }
        match mount.bind_recursive() {
            BindRecursive::Disabled => options["NonRecursive"] = true.into(),
            BindRecursive::Writable => options["ReadOnlyNonRecursive"] = true.into(),
            BindRecursive::Readonly => options["ReadOnlyForceRecursive"] = true.into(),
            _ => {}
        }
        if let Some(creates) = mount.bind_creates_source() {
            options["CreateMountpoint"] = creates.into();
            creates_source = true;
        }
        if options.is_null() {
            json.as_object_mut().expect("it was made so").remove("BindOptions");
        }
        if creates_source {
            self.needs("`bind-create-src`", (1, 42));
        }
        if matches!(mount.bind_recursive(), BindRecursive::Writable | BindRecursive::Readonly) {
            self.needs("`bind-recursive`", (1, 44));
        }
    }

    fn volume_options(&mut self, mount: &Mount, json: &mut Value) {
        let object = |pairs: &[(String, String)]| {
            Value::Object(
                pairs.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect(),
            )
        };
        let mut options = Map::new();
        if !mount.volume_is_copied() {
            options.insert("NoCopy".into(), true.into());
        }
        if !mount.volume_labels().is_empty() {
            options.insert("Labels".into(), object(mount.volume_labels()));
        }
        let mut driver = Map::new();
        if let Some(name) = mount.volume_driver() {
            driver.insert("Name".into(), name.into());
        }
        if !mount.volume_options().is_empty() {
            driver.insert("Options".into(), object(mount.volume_options()));
        }
        if options.contains_key("Labels") || !driver.is_empty() {
            self.needs(OPTIONS_OF_A_NEW_VOLUME, (1, 25));
        }
        if !options.is_empty() || !driver.is_empty() {
            options.insert("DriverConfig".into(), driver.into());
            json["VolumeOptions"] = options.into();
        }
        if let Some(path) = mount.subpath() {
            let (kind, version) = match mount.mount_type() {
                MountType::Image => ("ImageOptions", (1, 48)),
                _ => ("VolumeOptions", (1, 45)),
            };
            json[kind]["Subpath"] = path.into();
            self.needs("`subpath`", version);
        }
    }
}

/// The path without its dots: `./data` is `data` beneath the current folder, `..` is the folder above.
fn plain(path: &std::path::Path) -> String {
    let mut parts: Vec<std::path::Component<'_>> = Vec::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir if parts.len() > 1 => drop(parts.pop()),
            std::path::Component::ParentDir | std::path::Component::CurDir => {}
            part => parts.push(part),
        }
    }
    parts.iter().collect::<std::path::PathBuf>().to_string_lossy().into_owned()
}
