//! The networks of one engine: where `docker network ..` begins.

use crate::engine::Engine;

/// The networks of an engine, whoever made them, as `docker network`: see its methods.
#[derive(Debug, Clone)]
pub struct Networks {
    pub(crate) engine: Engine,
}

impl Engine {
    /// The engine's networks (`docker network ..`).
    pub fn networks(&self) -> Networks {
        Networks { engine: self.clone() }
    }
}
