//! Everything that is wrong with a request, found before anything is made. Reads the disk, asks no engine.
//!
//! The options are read by `draft`; here are the image, the ports, the waits and the copies, and what has to do with each other.

use std::time::Duration;

use longshore_syntax::{
    parse_expose, parse_publish, ContainerPort, HostPort, ImageReference, PortMapping, Protocol,
};
use serde_json::Value;

use super::container_request::ContainerRequest;
use super::draft::{Draft, Endpoint, ImageOptions, Need};
use super::warm::is_beneath;
use crate::error::{Problems, Result};
use crate::wait::Wait;

/// A request in which everything has been read.
#[derive(Debug, Clone)]
pub(crate) struct Checked {
    pub(crate) image: ImageReference,
    pub(crate) mappings: Vec<PortMapping>,
    /// Ports that are exposed, published or not.
    pub(crate) exposed: Vec<ContainerPort>,
    /// Whether every port that the image exposes is published too.
    pub(crate) publishes_all: bool,
    pub(crate) networks: Vec<Endpoint>,
    /// What older engines cannot do.
    pub(crate) needs: Vec<Need>,
    /// Security options that hold a profile, and the file of each.
    pub(crate) profiles: Vec<(String, String)>,
    /// The body of the create request, but for the image, the ports, the networks' settings, and our labels.
    pub(super) body: Value,
}

impl ContainerRequest {
    /// Parses what is text and looks for what cannot work.
    pub(crate) fn check(&self) -> Result<Checked> {
        let mut early = Problems::default();
        let image = early.take(ImageReference::parse_or_id(&self.image));
        let mut draft = Draft::of(&self.words, &ImageOptions { cmd: &self.cmd });
        draft.problems.before(early);
        let publishes_all = self.words.is_on("publish-all");
        let (mappings, exposed) = self.check_ports(publishes_all, &mut draft.problems);
        self.check_network(&mappings, &mut draft);
        self.check_waits(&mappings, &mut draft);
        self.check_copies(&mut draft.problems);
        self.check_warm(&mut draft.problems);
        if self.own.start_timeout == Some(Duration::ZERO) {
            draft.problems.add(
                "the start time-out is zero",
                "give the start some seconds, or leave it at its 60 s",
            );
        }
        self.check_raw(&mut draft.problems);
        match image {
            Some(image) if draft.problems.is_empty() => {
                let mut body = draft.config;
                body.insert("HostConfig".into(), Value::Object(draft.host));
                Ok(Checked {
                    image,
                    mappings,
                    exposed,
                    publishes_all,
                    networks: draft.networks,
                    needs: draft.needs,
                    profiles: draft.profiles,
                    body: Value::Object(body),
                })
            }
            _ => Err(draft.problems.report(&[("image", format!("`{}`", self.image))])),
        }
    }

    /// The mappings, and the ports that are exposed whether they are published or not.
    fn check_ports(
        &self,
        publishes_all: bool,
        problems: &mut Problems,
    ) -> (Vec<PortMapping>, Vec<ContainerPort>) {
        let mut mappings: Vec<PortMapping> = Vec::new();
        for word in self.words.all("publish") {
            mappings.extend(problems.take(parse_publish(word)).unwrap_or_default());
        }
        let mut exposed: Vec<ContainerPort> = Vec::new();
        for word in self.words.all("expose") {
            exposed.extend(problems.take(parse_expose(word)).unwrap_or_default());
        }
        if publishes_all {
            for port in &exposed {
                publish_too(*port, &mut mappings);
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
        (mappings, exposed)
    }

    fn check_network(&self, mappings: &[PortMapping], draft: &mut Draft<'_>) {
        let network = draft.networks.first().map_or("", |endpoint| endpoint.network.as_str());
        let hint = match network {
            "host" => {
                "leave `.publish(..)` away: on the host's network a container's ports are the host's own"
            }
            "none" => "leave `.publish(..)` away, or give it a network",
            other if other.starts_with("container:") => {
                "publish the port where the other container is declared: it is the same network"
            }
            _ => return,
        };
        if !mappings.is_empty() {
            let what = format!("ports cannot be published on the network `{network}`");
            draft.problems.add(what, hint);
        }
    }

    fn check_waits(&self, mappings: &[PortMapping], draft: &mut Draft<'_>) {
        let on_host = draft.networks.first().is_some_and(|endpoint| endpoint.network == "host");
        let has_no_logs = draft.keeps_no_logs() && !self.removes_itself();
        let problems = &mut draft.problems;
        let warm = self.own.warm.iter().flat_map(|warm| &warm.waits);
        for wait in self.own.waits.iter().chain(warm) {
            let found = wait.problems();
            if !found.is_empty() {
                found.into_iter().for_each(|(what, hint)| problems.add(what, hint));
                continue;
            }
            if has_no_logs && wait.reads_output() {
                problems.add(
                    format!(
                        "the wait for {wait} needs the output, and `--log-driver none` keeps none"
                    ),
                    "leave `.log_driver(\"none\")` away, or wait for something else",
                );
            }
            // On the host's network every port is reached, the image's ports are not known yet, and raw JSON may publish what is
            // not seen here.
            if on_host || self.words.is_on("publish-all") || !self.own.raw.is_empty() {
                continue;
            }
            check_ports_of(wait, mappings, problems);
        }
    }

    fn check_copies(&self, problems: &mut Problems) {
        for copy in &self.own.copies {
            if let Some((what, hint)) = copy.problem() {
                problems.add(what, hint);
            }
            let mut mounts = self
                .words
                .all("tmpfs")
                .iter()
                .map(|word| word.split_once(':').map_or(word.as_str(), |(path, _)| path));
            if let Some(mount) = mounts.find(|mount| is_beneath(copy.target(), mount)) {
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
    }

    /// What longshore itself goes by has to be said in its own words.
    fn check_raw(&self, problems: &mut Problems) {
        const OURS: [(&str, &str); 4] = [
            ("/Image", "name the image in `ContainerRequest::new`"),
            ("/Labels", "write `.label(..)`"),
            ("/Tty", "write `.tty()`"),
            ("/HostConfig/AutoRemove", "write `.rm(true)`"),
        ];
        for body in &self.own.raw {
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
                    .add(format!("`raw` cannot set `{}`", pointer[1..].replace('/', ".")), *hint);
            }
        }
    }
}

impl Checked {
    /// The body, with those lists ordered in which the order means nothing.
    pub(super) fn body_in_one_order(&self) -> Value {
        let mut body = self.body.clone();
        if let Some(variables) = body["Env"].as_array_mut() {
            variables.sort_by_key(Value::to_string);
        }
        body
    }
}

/// A wait for ports is in vain where they are not published.
fn check_ports_of(wait: &Wait, mappings: &[PortMapping], problems: &mut Problems) {
    for needed in wait.needed_ports() {
        let fits = |port: ContainerPort| {
            needed.map_or(port.protocol() == Protocol::Tcp, |needed| needed == port)
        };
        if mappings.iter().any(|mapping| fits(mapping.container_port())) {
            continue;
        }
        match needed {
            Some(port) => problems.add(
                format!("the wait for {wait} needs the port `{port}`, which is not published"),
                format!("publish it: `.publish(\"{}\")`", PortMapping::from(port)),
            ),
            None => problems.add(
                format!("the wait for {wait} needs a published TCP port, and there is none"),
                "publish the port of the service: `.publish(\"80\")`",
            ),
        }
    }
}

/// Publishes a port at random unless it is published already.
pub(crate) fn publish_too(port: ContainerPort, mappings: &mut Vec<PortMapping>) {
    if !mappings.iter().any(|mapping| mapping.container_port() == port) {
        mappings.push(port.into());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
    fn exposed_ports_are_published_when_all_are() {
        let request = ContainerRequest::new("busybox")
            .publish("80")
            .publish("8080:80")
            .expose("80-81")
            .expose("53/udp");
        let mappings = |request: &ContainerRequest| {
            let checked = request.check().unwrap();
            checked.mappings.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(mappings(&request), ["80", "8080:80"]);
        assert_eq!(mappings(&request.publish_all()), ["80", "8080:80", "81", "53/udp"]);
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
        for name in ["", "A=B", "A\0"] {
            let what = problem(request().env(name, "c"));
            assert_eq!(what, format!("`{name}` is not the name of an environment variable"));
        }
        assert!(request()
            .publish("8080:80")
            .publish("8080:80/udp")
            .tmpfs("/t")
            .copy_to(b"x", "/tx")
            .check()
            .is_ok());
    }
}
