//! Redis, by the interface of its official image; Valkey's takes the same.

use super::common::{common_methods, url_part};
use super::running::Running;
use super::service::Service;
use crate::request::ContainerRequest;
use crate::wait::Wait;

const PORT: u16 = 6379;

/// Redis: `redis:7.0`, no password, database 0.
///
/// Valkey as well: `.image("valkey/valkey:8.1")`.
///
/// # Examples
///
/// ```no_run
/// use longshore::services;
///
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let redis = services::redis().setting("maxmemory", "64mb").start_blocking()?;
/// let client = redis::Client::open(redis.url())?;
/// # Ok(())
/// # }
/// ```
pub fn redis() -> Redis {
    Redis {
        password: None,
        database: 0,
        settings: Vec::new(),
        more: ContainerRequest::new("redis:7.0"),
    }
}

/// A Redis server that is to be started; see [`redis`].
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a service does nothing until it is started"]
pub struct Redis {
    password: Option<String>,
    database: u16,
    settings: Vec<(String, String)>,
    more: ContainerRequest,
}

/// A Redis server that runs.
pub type RedisContainer = Running<Redis>;

impl Redis {
    /// The password that clients have to give (`requirepass`).
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// The database that the URL names; Redis has 16 of them, 0 to 15, unless it is told otherwise.
    pub fn database(mut self, number: u16) -> Self {
        self.database = number;
        self
    }

    /// A directive of `redis.conf`: `("maxmemory", "64mb")`, `("appendonly", "yes")`, `("save", "")`.
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }
}

common_methods!(Redis);

impl Service for Redis {
    fn request(&self) -> ContainerRequest {
        let mut words = vec!["redis-server".to_owned()];
        let mut settings = self.settings.clone();
        if let Some(password) = &self.password {
            settings.push(("requirepass".into(), password.clone()));
        }
        words.extend(settings.into_iter().flat_map(|(name, value)| [format!("--{name}"), value]));
        // It listens before it has read its data, and answers with another error until then. Its log says when it is ready, but
        // not with every `loglevel`.
        let is_ready = Wait::tcp(PORT).send("PING\r\n").answer_matches(r"\A(\+PONG|-NOAUTH)");
        let request = ContainerRequest::new(self.more.image()).publish(PORT).cmd(words);
        self.more.clone().on_top_of(request.wait(is_ready))
    }

    fn port(&self) -> u16 {
        PORT
    }

    fn url(&self, address: &str) -> String {
        let login = self.password.as_deref().map(|password| format!(":{}@", url_part(password)));
        format!("redis://{}{address}/{}", login.unwrap_or_default(), self.database)
    }
}

impl Running<Redis> {
    /// The password, if it wants one.
    pub fn password(&self) -> Option<&str> {
        self.service().password.as_deref()
    }

    /// The number of the database in the URL.
    pub fn database(&self) -> u16 {
        self.service().database
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_spelled_as_clients_read_them() {
        assert_eq!(redis().url("127.0.0.1:1"), "redis://127.0.0.1:1/0");
        assert_eq!(redis().password("a:b").database(3).url("h:1"), "redis://:a%3Ab@h:1/3");
    }
}
