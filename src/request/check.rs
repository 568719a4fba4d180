//! Everything that is wrong with a request, found before anything is made. Reads the disk, asks no engine.

use std::path::Path;
use std::time::Duration;

use longshore_syntax::{
    parse_expose, parse_publish, ContainerPort, HostPort, ImageReference, PortMapping, Protocol,
    SyntaxError,
};
use serde_json::Value;

use super::container_request::ContainerRequest;
use crate::error::{Error, Kind, Result};

/// A request in which everything has been parsed.
#[derive(Debug, Clone)]
pub(crate) struct Checked {
    pub(crate) image: ImageReference,
    pub(crate) mappings: Vec<PortMapping>,
    pub(crate) memory: Option<u64>,
    pub(crate) shm_size: Option<u64>,
}

/// The problems found so far.
#[derive(Default)]
struct Problems(Vec<(String, Option<String>)>);

impl Problems {
    fn add(&mut self, what: impl Into<String>, hint: &str) {
        self.0.push((what.into(), Some(hint.to_owned())));
    }

    fn take<T>(&mut self, parsed: Result<T, SyntaxError>) -> Option<T> {
        parsed
            .map_err(|error| {
                self.0.push((error.message().to_owned(), error.hint().map(str::to_owned)))
            })
            .ok()
    }
}

impl ContainerRequest {
    /// Parses what is text and looks for what cannot work.
    pub(crate) fn check(&self) -> Result<Checked> {
        let mut problems = Problems::default();
        let image = problems.take(ImageReference::parse_or_id(&self.image));
        let mappings = self.check_ports(&mut problems);
        self.check_waits(&mappings, &mut problems);
        self.check_names(&mut problems);
        self.check_paths(&mut problems);
        self.check_times(&mut problems);
        let memory = self.options.memory.as_ref().and_then(|size| problems.take(size.bytes()));
        let shm_size = self.options.shm_size.as_ref().and_then(|size| problems.take(size.bytes()));
        self.check_raw(&mut problems);
        match (image, problems.0) {
            (Some(image), problems) if problems.is_empty() => {
                Ok(Checked { image, mappings, memory, shm_size })
            }
            (_, problems) => Err(self.report(problems)),
        }
    }

    fn check_ports(&self, problems: &mut Problems) -> Vec<PortMapping> {
        let options = &self.options;
        let mut mappings: Vec<PortMapping> = options
            .publish
            .iter()
            .filter_map(|text| problems.take(parse_publish(text.as_str())))
            .flatten()
            .collect();
        let exposed = options
            .expose
            .iter()
            .filter_map(|text| problems.take(parse_expose(text.as_str())))
            .flatten();
        for port in exposed.collect::<Vec<_>>() {
            // Exposed and published: the mapping that was asked for is enough.
            if !mappings.iter().any(|mapping| mapping.container_port() == port) {
                mappings.push(port.into());
            }
        }
        for (index, mapping) in mappings.iter().enumerate() {
            let is_same = |other: &PortMapping| {
                matches!(mapping.host_port(), HostPort::Fixed(_))
                    && other.host_port() == mapping.host_port()
                    && other.host_address() == mapping.host_address()
                    && other.container_port().protocol() == mapping.container_port().protocol()
            };
            if mappings[..index].iter().any(is_same) {
                problems.add(
                    format!("the host port of `{mapping}` is given twice"),
                    "give each mapping a host port of its own",
                );
            }
        }
        let network = options.network.as_deref().unwrap_or_default();
        if !mappings.is_empty()
            && (network == "host" || network == "none" || network.starts_with("container:"))
        {
            problems.add(
                format!("ports cannot be published on the network `{network}`"),
                "leave `.publish(..)` away: on the host's network a container's ports are the host's own",
            );
        }
        if !options.network_alias.is_empty()
            && matches!(network, "" | "bridge" | "default" | "host" | "none")
        {
            problems
                .add("a network alias needs a network of your own", "name one with `.network(..)`");
        }
        mappings
    }

    fn check_waits(&self, mappings: &[PortMapping], problems: &mut Problems) {
        for wait in &self.options.waits {
            let found = wait.problems();
            if !found.is_empty() {
                found.into_iter().for_each(|(what, hint)| problems.add(what, hint));
                continue;
            }
            // On the host's network every port is reached, and raw JSON may publish what is not seen here.
            if self.options.network.as_deref() == Some("host") || !self.options.raw.is_empty() {
                continue;
            }
            for needed in wait.needed_ports() {
                let fits = |port: ContainerPort| {
                    needed.map_or(port.protocol() == Protocol::Tcp, |needed| needed == port)
                };
                if mappings.iter().any(|mapping| fits(mapping.container_port())) {
                    continue;
                }
                match needed {
                    Some(port) => {
                        let hint =
                            format!("publish it: `.publish(\"{}\")`", PortMapping::from(port));
                        problems.add(
                            format!("the wait for {wait} needs the port `{port}`, which is not published"),
                            &hint,
                        );
                    }
                    None => problems.add(
                        format!(
                            "the wait for {wait} needs a published TCP port, and there is none"
                        ),
                        "publish the port of the service: `.publish(\"80\")`",
                    ),
                }
            }
        }
    }

    fn check_names(&self, problems: &mut Problems) {
        let options = &self.options;
        if let Some(name) = &options.name {
            let mut characters = name.chars();
            let starts_well = characters.next().is_some_and(|first| first.is_ascii_alphanumeric());
            let goes_on =
                characters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'));
            if !starts_well || !goes_on || name.len() < 2 {
                problems.add(
                    format!("`{name}` is not a container's name"),
                    "a name has two or more letters, digits, `_`, `.` or `-`, and begins with a letter or a digit",
                );
            }
        }
        for (name, _) in options.env.iter().filter(|(_, value)| value.contains('\0')) {
            problems.add(
                format!("the value of the environment variable `{name}` holds a NUL"),
                "an environment cannot carry one",
            );
        }
        for name in options.env.keys().filter(|name| name.is_empty() || name.contains(['=', '\0']))
        {
            problems.add(
                format!("`{name}` is not the name of an environment variable"),
                "write `.env(\"NAME\", \"value\")`",
            );
        }
        for name in
            options.labels.keys().filter(|name| name.starts_with(crate::session::LABEL_PREFIX))
        {
            problems.add(
                format!("the label `{name}` is longshore's own"),
                "choose a name outside `org.longshore.`",
            );
        }
        if options
            .entrypoint
            .as_ref()
            .is_some_and(|words| words.first().is_none_or(String::is_empty))
        {
            problems.add(
                "the entry point is empty",
                "leave `.entrypoint(..)` away to have the image's",
            );
        }
        for line in options.add_host.iter().filter(|line| !line.contains(':')) {
            problems.add(
                format!("`{line}` is not a line for `/etc/hosts`"),
                "write `name:address` or `name:host-gateway`",
            );
        }
    }

    fn check_paths(&self, problems: &mut Problems) {
        let options = &self.options;
        for copy in &options.copies {
            if let Some((what, hint)) = copy.problem() {
                problems.add(what, hint);
            }
            let is_beneath = |mount: &&String| {
                let rest = copy.target().strip_prefix(mount.trim_end_matches('/'));
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            if let Some(mount) = options.tmpfs.keys().find(is_beneath) {
                // It would land on the file system beneath, and be hidden.
                let what = format!(
                    "the target `{}` of a copy is in the tmpfs `{mount}`, which does not exist yet",
                    copy.target()
                );
                problems.add(
                    what,
                    "write it with `exec` once the container runs, or mount no tmpfs there",
                );
            }
        }
        let absolute = "paths in a container begin with `/`";
        if let Some(path) = options.workdir.as_ref().filter(|path| !path.starts_with('/')) {
            problems.add(format!("the working folder `{path}` is not absolute"), absolute);
        }
        for path in options.tmpfs.keys().filter(|path| !path.starts_with('/')) {
            problems.add(format!("the path `{path}` of a tmpfs is not absolute"), absolute);
        }
        for volume in &options.volume {
            let target = volume.split(':').nth(1).unwrap_or(volume);
            let is_windows_path = volume.as_bytes().get(1) == Some(&b':');
            if !is_windows_path && !target.starts_with('/') {
                problems.add(
                    format!("the path `{target}` in the volume `{volume}` is not absolute"),
                    absolute,
                );
            }
            let source = volume.split(':').next().unwrap_or_default();
            if source.starts_with('.') || (!source.starts_with('/') && source.contains('/')) {
                let hint = Path::new(source).canonicalize().map_or(
                    "host paths of a volume begin with `/`".into(),
                    |path| {
                        format!(
                            "host paths of a volume begin with `/`: did you mean `{}`?",
                            path.display()
                        )
                    },
                );
                problems.add(
                    format!("the host path `{source}` of the volume `{volume}` is not absolute"),
                    &hint,
                );
            }
        }
    }

    /// What longshore itself goes by has to be said in its own words.
    fn check_raw(&self, problems: &mut Problems) {
        const OURS: [(&str, &str); 4] = [
            ("/Image", "name the image in `ContainerRequest::new`"),
            ("/Labels", "write `.label(..)`"),
            ("/Tty", "write `.tty()`"),
            ("/HostConfig/AutoRemove", "write `.rm(true)`"),
        ];
        for body in &self.options.raw {
            if !body.is_object() {
                problems.add(
                    format!("`{body}` is not a JSON object"),
                    "`raw` takes the body of a create request, or a part of it",
                );
            }
            for (pointer, hint) in
                OURS.iter().filter(|(pointer, _)| body.pointer(pointer).is_some())
            {
                problems
                    .add(format!("`raw` cannot set `{}`", pointer[1..].replace('/', ".")), hint);
            }
        }
    }

    fn check_times(&self, problems: &mut Problems) {
        if self.options.start_timeout == Some(Duration::ZERO) {
            problems.add(
                "the start time-out is zero",
                "give the start some seconds, or leave it at its 60 s",
            );
        }
        if let Some(health) = &self.options.health {
            let times = [
                ("interval", health.interval),
                ("time-out", health.timeout),
                ("start period", health.start_period),
            ];
            for (name, time) in times {
                // Docker Engine API: "0 or at least 1000000 (1 ms)".
                if time.is_some_and(|time| !time.is_zero() && time < Duration::from_millis(1)) {
                    problems.add(
                        format!("the {name} of the health check is below 1 ms"),
                        "Docker takes 1 ms or more",
                    );
                }
            }
        }
    }

    fn report(&self, problems: Vec<(String, Option<String>)>) -> Error {
        let image = format!("`{}`", self.image);
        if let [(what, hint)] = problems.as_slice() {
            let report = Error::new(Kind::InvalidRequest, what).fact("image", image);
            return match hint {
                Some(hint) => report.hint(hint),
                None => report,
            };
        }
        let lines: Vec<String> = problems
            .into_iter()
            .map(|(what, hint)| hint.map_or(what.clone(), |hint| format!("{what} ({hint})")))
            .collect();
        Error::new(
            Kind::InvalidRequest,
            format!("{} things are wrong with the request", lines.len()),
        )
        .fact("image", image)
        .fact("wrong", lines.join("\n"))
    }
}

/// Merges `from` into `into`: objects key by key, anything else replaces.
pub(super) fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::wait::Wait;

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let error = ContainerRequest::new("Postgres:15")
            .publish("80:80:80:80")
            .name("-x")
            .memory("12q")
            .copy_to("no/such/file", "relative")
            .wait(Wait::log_matches("("))
            .check()
            .unwrap_err();
        assert!(error.is_invalid_request());
        let text = error.to_string();
        assert!(text.starts_with("6 things are wrong with the request\n"), "{text}");
        for part in [
            "Postgres",
            "80:80:80:80",
            "`-x` is not a container's name",
            "12q",
            "`relative`",
            "regular expression",
        ] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
    }

    #[test]
    fn a_single_problem_is_the_headline() {
        let error = ContainerRequest::new("busybox").workdir("www").check().unwrap_err();
        assert_eq!(
            error.to_string(),
            "the working folder `www` is not absolute\n  image: `busybox`\n  hint: paths in a container begin with `/`"
        );
    }

    #[test]
    fn published_and_exposed_ports_all_count_once() {
        let checked = ContainerRequest::new("busybox")
            .publish("80")
            .publish("8080:80")
            .expose("80-81")
            .expose("53/udp")
            .check()
            .unwrap();
        let ports: Vec<_> = checked.mappings.iter().map(ToString::to_string).collect();
        assert_eq!(ports, ["80", "8080:80", "81", "53/udp"]);
    }

    #[test]
    fn what_would_go_wrong_without_a_word_is_refused() {
        let request = || ContainerRequest::new("busybox");
        let problem = |request: ContainerRequest| request.check().unwrap_err().summary().to_owned();
        assert_eq!(
            problem(request().publish("8080:80").publish("8080:81")),
            "the host port of `8080:81` is given twice"
        );
        assert_eq!(
            problem(request().tmpfs("/t").copy_to(b"x", "/t/x")),
            "the target `/t/x` of a copy is in the tmpfs `/t`, which does not exist yet"
        );
        assert_eq!(problem(request().raw(json!({ "Labels": null }))), "`raw` cannot set `Labels`");
        assert_eq!(
            problem(request().raw(json!({ "HostConfig": { "AutoRemove": true } }))),
            "`raw` cannot set `HostConfig.AutoRemove`"
        );
        assert_eq!(
            problem(request().env("A", "a\0b")),
            "the value of the environment variable `A` holds a NUL"
        );
        assert!(request()
            .publish("8080:80")
            .publish("8080:80/udp")
            .tmpfs("/t")
            .copy_to(b"x", "/tx")
            .check()
            .is_ok());
    }

    #[test]
    fn raw_json_is_merged_key_by_key() {
        let mut body = json!({ "Image": "a", "HostConfig": { "Init": true, "Binds": ["/a:/a"] } });
        merge(&mut body, &json!({ "HostConfig": { "Binds": [], "PidsLimit": 5 } }));
        assert_eq!(
            body,
            json!({ "Image": "a", "HostConfig": { "Init": true, "Binds": [], "PidsLimit": 5 } })
        );
    }
}
