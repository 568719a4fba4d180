//! Starting without async. The words are those of the async API with `_blocking` behind them, so that one request type
//! serves both.

use tokio::runtime::Handle;

use super::container::Container;
use crate::engine::{io, Engine};
use crate::error::Result;
use crate::request::{ContainerRequest, Hooks};

impl ContainerRequest {
    /// As [`start`](Self::start), blocking this thread.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_blocking(&self) -> Result<Container> {
        io::block_on(self.start()).map(Container::new)
    }

    /// As [`start_on`](Self::start_on), blocking this thread.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_on_blocking(&self, engine: &Engine) -> Result<Container> {
        io::block_on(self.start_on(engine)).map(Container::new)
    }

    /// As [`start_with`](Self::start_with), blocking this thread. Waits of one's own run on this thread, with a tokio
    /// runtime to use.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_with_blocking(&self, hooks: Hooks) -> Result<Container> {
        with_runtime_if(!hooks.waits.is_empty(), || {
            io::block_on(self.start_with(hooks)).map(Container::new)
        })
    }

    /// As [`start_on_with`](Self::start_on_with), blocking this thread; see [`start_with_blocking`](Self::start_with_blocking).
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_on_with_blocking(&self, engine: &Engine, hooks: Hooks) -> Result<Container> {
        with_runtime_if(!hooks.waits.is_empty(), || {
            io::block_on(self.start_on_with(engine, hooks)).map(Container::new)
        })
    }
}

/// Containers that tests share.
impl ContainerRequest {
    /// As [`start_shared`](Self::start_shared), blocking this thread.
    ///
    /// # Errors
    ///
    /// As [`start_shared`](Self::start_shared).
    pub fn start_shared_blocking(&self) -> Result<Container> {
        io::block_on(self.start_shared()).map(Container::new)
    }

    /// As [`start_shared_on`](Self::start_shared_on), blocking this thread.
    ///
    /// # Errors
    ///
    /// As [`start_shared`](Self::start_shared).
    pub fn start_shared_on_blocking(&self, engine: &Engine) -> Result<Container> {
        io::block_on(self.start_shared_on(engine)).map(Container::new)
    }

    /// As [`start_shared_with`](Self::start_shared_with), blocking this thread; see
    /// [`start_with_blocking`](Self::start_with_blocking).
    ///
    /// # Errors
    ///
    /// As [`start_shared_with`](Self::start_shared_with).
    pub fn start_shared_with_blocking(
        &self,
        key: impl Into<String>,
        hooks: Hooks,
    ) -> Result<Container> {
        with_runtime_if(!hooks.waits.is_empty(), || {
            io::block_on(self.start_shared_with(key, hooks)).map(Container::new)
        })
    }

    /// As [`start_shared_on_with`](Self::start_shared_on_with), blocking this thread; see
    /// [`start_with_blocking`](Self::start_with_blocking).
    ///
    /// # Errors
    ///
    /// As [`start_shared_with`](Self::start_shared_with).
    pub fn start_shared_on_with_blocking(
        &self,
        engine: &Engine,
        key: impl Into<String>,
        hooks: Hooks,
    ) -> Result<Container> {
        with_runtime_if(!hooks.waits.is_empty(), || {
            io::block_on(self.start_shared_on_with(engine, key, hooks)).map(Container::new)
        })
    }
}

/// Containers that are made and not started.
impl ContainerRequest {
    /// As [`create`](Self::create), blocking this thread.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    pub fn create_blocking(&self) -> Result<Container> {
        io::block_on(self.create()).map(Container::new)
    }

    /// As [`create_on`](Self::create_on), blocking this thread.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    pub fn create_on_blocking(&self, engine: &Engine) -> Result<Container> {
        io::block_on(self.create_on(engine)).map(Container::new)
    }

    /// As [`create_with`](Self::create_with), blocking this thread. Waits of one's own run where
    /// [`start`](Container::start) is called.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    pub fn create_with_blocking(&self, hooks: Hooks) -> Result<Container> {
        io::block_on(self.create_with(hooks)).map(Container::new)
    }

    /// As [`create_on_with`](Self::create_on_with), blocking this thread.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    pub fn create_on_with_blocking(&self, engine: &Engine, hooks: Hooks) -> Result<Container> {
        io::block_on(self.create_on_with(engine, hooks)).map(Container::new)
    }
}

/// Runs user's waits, which may want a tokio runtime, with one if the thread has none.
pub(crate) fn with_runtime_if<T>(is_wanted: bool, work: impl FnOnce() -> T) -> T {
    let needs_runtime = is_wanted && Handle::try_current().is_err();
    let users = needs_runtime.then(io::runtime_for_users);
    let _entered = users.as_ref().map(Handle::enter);
    work()
}

impl Engine {
    /// As [`connect`](Self::connect), blocking this thread.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect).
    pub fn connect_blocking() -> Result<Engine> {
        io::block_on(Engine::connect())
    }

    /// As [`connect_to`](Self::connect_to), blocking this thread.
    ///
    /// # Errors
    ///
    /// As [`connect_to`](Self::connect_to).
    pub fn connect_to_blocking(address: &str) -> Result<Engine> {
        io::block_on(Engine::connect_to(address))
    }

    /// As [`ping`](Self::ping), blocking this thread.
    ///
    /// # Errors
    ///
    /// As [`ping`](Self::ping).
    pub fn ping_blocking(&self) -> Result<()> {
        io::block_on(self.ping())
    }
}
