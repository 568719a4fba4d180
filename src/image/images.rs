//! The images of one engine: where `docker image ..` begins.

use crate::engine::Engine;

/// The images of an engine, as `docker image`: see its methods.
#[derive(Debug, Clone)]
pub struct Images {
    pub(crate) engine: Engine,
}

impl Engine {
    /// The engine's images (`docker image ..`).
    pub fn images(&self) -> Images {
        Images { engine: self.clone() }
    }
}
