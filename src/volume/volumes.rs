//! The volumes of one engine: where `docker volume ..` begins.

use crate::engine::Engine;

/// The volumes of an engine, whoever made them, as `docker volume`: see its methods.
#[derive(Debug, Clone)]
pub struct Volumes {
    pub(crate) engine: Engine,
}

impl Engine {
    /// The engine's volumes (`docker volume ..`).
    pub fn volumes(&self) -> Volumes {
        Volumes { engine: self.clone() }
    }
}
