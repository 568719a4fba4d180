//! Stands in until the real one is merged.

use std::fmt;

use super::labels::OWNER;
use crate::engine::{ApiError, Engine, Thing};

#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) thing: Thing,
    pub(crate) name: String,
}

impl Found {
    pub(crate) fn instance(&self) -> &str {
        ""
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.thing.noun(), self.name)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    Used,
}

#[derive(Debug, Default)]
pub(crate) struct Cleared {
    pub(crate) removed: Vec<Found>,
    pub(crate) left: Vec<(Found, Reason)>,
    pub(crate) failures: Vec<(Found, ApiError)>,
}

pub(crate) async fn of_owner(engine: &Engine, owner: &str) -> Result<Cleared, ApiError> {
    let mut cleared = Cleared::default();
    for thing in [Thing::Container, Thing::Network, Thing::Volume, Thing::Image] {
        for id in thing.labelled(engine, &format!("{OWNER}={owner}")).await? {
            thing.remove(engine, &id).await?;
            cleared.removed.push(Found { thing, name: id });
        }
    }
    Ok(cleared)
}

pub(crate) async fn of_dead_owners(_: &Engine) -> Result<Cleared, ApiError> {
    Ok(Cleared::default())
}
