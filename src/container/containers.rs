//! The containers of one engine: where `docker container ..` begins for those that nobody holds a handle of.

use crate::engine::Engine;

/// The containers of an engine, whoever made them, as `docker container`: see its methods.
#[derive(Debug, Clone)]
pub struct Containers {
    pub(crate) engine: Engine,
}

impl Engine {
    /// The engine's containers (`docker container ..`).
    pub fn containers(&self) -> Containers {
        Containers { engine: self.clone() }
    }
}
