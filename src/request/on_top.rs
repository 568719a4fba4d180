//! One request laid over another: what a user says about a ready-made service, over what the service says itself. Pure data.

use longshore_syntax::Takes;

use super::container_request::ContainerRequest;

impl ContainerRequest {
    /// This one laid over `below`: what both say, this one says; what can be said several times is added. A container's port that
    /// this one publishes is not published by `below` as well.
    pub(crate) fn on_top_of(self, below: ContainerRequest) -> ContainerRequest {
        let mut whole = below;
        whole.image = self.image;
        if !self.cmd.is_empty() {
            whole.cmd = self.cmd;
        }
        let (own, over) = (&mut whole.own, self.own);
        own.copies.extend(over.copies);
        own.waits.extend(over.waits);
        own.raw.extend(over.raw);
        own.pull_stall_timeout = over.pull_stall_timeout.or(own.pull_stall_timeout);
        own.start_timeout = over.start_timeout.or(own.start_timeout);
        own.warm = match (over.warm, own.warm.take()) {
            (Some(over), Some(below)) => Some(over.on_top_of(below)),
            (over, below) => over.or(below),
        };
        let published: Vec<String> =
            self.words.all("publish").iter().map(|word| inner_port(word).to_owned()).collect();
        let kept = whole.words.all("publish").iter();
        let kept = kept.filter(|word| !published.iter().any(|port| port == inner_port(word)));
        let kept: Vec<String> = kept.cloned().collect();
        whole.words.replace_all("publish", kept);
        for (flag, words) in self.words.iter() {
            match flag.takes() {
                Takes::Values => {
                    words.iter().for_each(|word| whole.words.push_as_written(flag.name(), word));
                }
                _ => whole.words.set_all(flag.name(), words.to_vec()),
            }
        }
        whole
    }

    /// Another tag of the same image.
    pub(crate) fn with_tag(mut self, tag: &str) -> Self {
        let name = self.image.split('@').next().unwrap_or_default();
        let start = name.rfind('/').map_or(0, |slash| slash + 1);
        let end = name[start..].find(':').map_or(name.len(), |colon| start + colon);
        self.image = format!("{}:{tag}", &name[..end]);
        self
    }

    /// Another image, and all else as it is.
    pub(crate) fn with_image(mut self, image: impl Into<String>) -> Self {
        self.image = image.into();
        self
    }
}

/// The container's end of a published port, as it is written.
fn inner_port(word: &str) -> &str {
    let port = word.rsplit(':').next().unwrap_or(word);
    port.strip_suffix("/tcp").unwrap_or(port)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait::Wait;

    #[test]
    fn what_lies_on_top_counts() {
        let below = ContainerRequest::new("postgres:15")
            .env("A", "below")
            .env("B", "below")
            .publish(5432)
            .publish(80)
            .cmd(["postgres"])
            .memory("512m")
            .tmpfs("/a")
            .wait(Wait::log("below"));
        let top = ContainerRequest::new("postgres:16")
            .env("A", "top")
            .publish("6000:5432")
            .memory("1g")
            .tmpfs("/b")
            .tty()
            .wait(Wait::log("top"));
        let whole = ContainerRequest::new("postgres:16")
            .env("B", "below")
            .env("A", "top")
            .publish(80)
            .publish("6000:5432")
            .cmd(["postgres"])
            .memory("1g")
            .tmpfs("/a")
            .tmpfs("/b")
            .tty()
            .wait(Wait::log("below"))
            .wait(Wait::log("top"));
        assert_eq!(top.on_top_of(below), whole);
    }

    #[test]
    fn a_request_that_says_nothing_changes_nothing() {
        let below = ContainerRequest::new("a:1").cmd(["b"]).user("c");
        assert_eq!(ContainerRequest::new("a:1").on_top_of(below.clone()), below);
    }

    #[test]
    fn a_tag_takes_the_place_of_tag_and_digest() {
        for (image, other) in [
            ("postgres:15", "postgres:9"),
            ("postgres", "postgres:9"),
            ("localhost:5000/a/b", "localhost:5000/a/b:9"),
            ("localhost:5000/a/b:1", "localhost:5000/a/b:9"),
            ("redis:1@sha256:abc", "redis:9"),
        ] {
            assert_eq!(ContainerRequest::new(image).with_tag("9").image(), other);
        }
    }
}
