//! Which containers a list shows: the filters of `docker ps`.

use std::fmt;

use serde_json::{json, Map, Value};

use crate::engine::{query, ContainerState, Engine};
use crate::error::{Error, Kind, Result};
use crate::request::PortWord;
use crate::session;

/// Which containers are listed, in the words of `docker ps`. By default the running ones.
///
/// Filters of different kinds all have to fit, and so have labels; of several of another kind one is enough.
///
/// # Examples
///
/// ```no_run
/// use longshore::{ContainerFilters, ContainerState, Engine};
///
/// # async fn example() -> longshore::Result<()> {
/// let failed = ContainerFilters::new().status(ContainerState::Exited).exited(1).label("app=web");
/// for container in Engine::connect().await?.containers().list(failed).await? {
///     println!("{} {}", container.name(), container.status());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct ContainerFilters {
    all: bool,
    size: bool,
    limit: Option<usize>,
    statuses: Vec<ContainerState>,
    ports: Vec<(&'static str, PortWord)>,
    /// The others, by the API's names.
    words: Vec<(&'static str, String)>,
}

/// A container's health, as `docker ps --filter health=..` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HealthState {
    /// It has a health check that has not been passed yet.
    Starting,
    /// The check was passed.
    Healthy,
    /// The check failed too often.
    Unhealthy,
    /// It has no health check.
    None,
}

impl fmt::Display for HealthState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            HealthState::Starting => "starting",
            HealthState::Healthy => "healthy",
            HealthState::Unhealthy => "unhealthy",
            HealthState::None => "none",
        })
    }
}

impl ContainerFilters {
    /// The running containers.
    pub fn new() -> Self {
        ContainerFilters::default()
    }

    /// Also those that do not run (`--all`).
    pub fn all(mut self) -> Self {
        self.all = true;
        self
    }

    /// Those in this state (`--filter status=exited`).
    pub fn status(mut self, state: ContainerState) -> Self {
        self.statuses.push(state);
        self
    }

    /// Those with this label: `"name"` or `"name=value"` (`--filter label=..`).
    pub fn label(self, label: impl Into<String>) -> Self {
        self.word("label", label)
    }

    /// Those of this test run: what this process and the others of the run have made and not removed.
    pub fn ours(self) -> Self {
        let label = session::of_this_session();
        self.word("label", label)
    }

    /// Those whose name has this in it; a regular expression to Docker (`--filter name=..`).
    pub fn name(self, name: impl Into<String>) -> Self {
        self.word("name", name)
    }

    /// Those whose id begins so (`--filter id=..`).
    pub fn id(self, id: impl Into<String>) -> Self {
        self.word("id", id)
    }

    /// Those made of this image, or of one that is made of it (`--filter ancestor=..`): a name or an id.
    pub fn ancestor(self, image: impl Into<String>) -> Self {
        self.word("ancestor", image)
    }

    /// Those on this network: a name or an id (`--filter network=..`).
    pub fn network(self, network: impl Into<String>) -> Self {
        self.word("network", network)
    }

    /// Those with this volume: its name, or where it is mounted (`--filter volume=..`).
    pub fn volume(self, volume: impl Into<String>) -> Self {
        self.word("volume", volume)
    }

    /// Those whose health check says this (`--filter health=..`).
    pub fn health(self, health: HealthState) -> Self {
        self.word("health", health.to_string())
    }

    /// Those made before this one: a name or an id (`--filter before=..`).
    pub fn before(self, container: impl Into<String>) -> Self {
        self.word("before", container)
    }

    /// Those made after this one: a name or an id (`--filter since=..`).
    pub fn since(self, container: impl Into<String>) -> Self {
        self.word("since", container)
    }

    /// Those that have ended with this exit code (`--all --filter exited=..`).
    pub fn exited(mut self, code: i64) -> Self {
        self.all = true;
        self.word("exited", code.to_string())
    }

    /// Those that are published on this port of the host: `8080`, `"53/udp"`, `"8000-8080"` (`--filter publish=..`).
    pub fn publish(mut self, port: impl Into<PortWord>) -> Self {
        self.ports.push(("publish", port.into()));
        self
    }

    /// Those that expose this port of theirs, published or not: `80`, `"53/udp"`, `"8000-8080"` (`--filter expose=..`).
    pub fn expose(mut self, port: impl Into<PortWord>) -> Self {
        self.ports.push(("expose", port.into()));
        self
    }

    /// The `count` that were made last, running or not (`--last`).
    pub fn limit(mut self, count: usize) -> Self {
        self.limit = Some(count);
        self
    }

    /// With their sizes, which takes the engine some time (`--size`).
    pub fn size(mut self) -> Self {
        self.size = true;
        self
    }

    fn word(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.words.push((key, value.into()));
        self
    }

    /// The query of `GET /containers/json`, or what is wrong.
    pub(super) fn query(&self, engine: &Engine) -> Result<String> {
        self.query_of(engine.is_podman())
    }

    fn query_of(&self, is_podman: bool) -> Result<String> {
        let wrong =
            |what: String, hint: &str| Err(Error::new(Kind::InvalidRequest, what).hint(hint));
        let mut filters = Map::new();
        let mut put = |key: &str, value: String| {
            let values = filters.entry(key).or_insert_with(|| json!([]));
            values.as_array_mut().expect("every value is a list").push(value.into());
        };
        for (key, value) in &self.words {
            if value.is_empty() {
                return wrong(
                    format!("the filter `{key}` is empty"),
                    "leave the filter away to have all containers",
                );
            }
            // Podman knows an image's id by its digits alone.
            let is_id = is_podman && *key == "ancestor";
            let word = value.strip_prefix("sha256:").filter(|_| is_id).unwrap_or(value);
            put(key, word.to_owned());
        }
        for (key, port) in &self.ports {
            longshore_syntax::parse_expose(&port.to_string())?;
            put(key, port.to_string());
        }
        for state in &self.statuses {
            if *state == ContainerState::Unknown {
                return wrong(
                    "no engine lists containers by an unknown state".into(),
                    "name a state",
                );
            }
            put("status", state.to_string());
        }
        if self.limit == Some(0) {
            return wrong(
                "a list of the last 0 containers is empty".into(),
                "leave `.limit(..)` away to have all",
            );
        }
        let all = self.all || !self.statuses.is_empty();
        let (filters, limit) =
            (Value::from(filters).to_string(), self.limit.map(|limit| limit.to_string()));
        let mut pairs = vec![("filters", filters.as_str())];
        pairs.extend(all.then_some(("all", "1")));
        pairs.extend(self.size.then_some(("size", "1")));
        pairs.extend(limit.as_deref().map(|limit| ("limit", limit)));
        Ok(query(&pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_those_of_the_api() {
        let told = |filters: ContainerFilters| filters.query_of(false).unwrap().replace("%22", "'");
        assert_eq!(told(ContainerFilters::new()), "?filters=%7B%7D");
        let many = ContainerFilters::new()
            .label("a=b")
            .label("c")
            .status(ContainerState::Exited)
            .exited(3)
            .publish(80)
            .health(HealthState::Unhealthy)
            .limit(2)
            .size();
        let expected = json!({
            "label": ["a=b", "c"], "exited": ["3"], "health": ["unhealthy"], "publish": ["80"], "status": ["exited"],
        });
        let filters = query(&[("filters", &expected.to_string())]);
        assert_eq!(many.query_of(false).unwrap(), format!("{filters}&all=1&size=1&limit=2"));
    }

    #[test]
    fn podman_is_told_an_images_id_in_its_own_words() {
        let of =
            |is_podman| ContainerFilters::new().ancestor("sha256:12").query_of(is_podman).unwrap();
        assert!(of(false).contains("sha256:12") && !of(true).contains("sha256"));
    }

    #[test]
    fn what_is_wrong_is_told_before_the_engine_is_asked() {
        let problem =
            |filters: ContainerFilters| filters.query_of(false).unwrap_err().summary().to_owned();
        assert_eq!(problem(ContainerFilters::new().name("")), "the filter `name` is empty");
        assert!(problem(ContainerFilters::new().publish("http")).contains("`http`"));
        assert!(
            problem(ContainerFilters::new().status(ContainerState::Unknown)).contains("unknown")
        );
        assert!(problem(ContainerFilters::new().limit(0)).contains("last 0"));
    }
}
