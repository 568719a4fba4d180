//! What a sweep is to remove, in words that chain, and the sweep itself.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::future::BoxFuture;

use super::report::SweepReport;
use crate::engine::{io, Engine};
use crate::error::Result;
use crate::request::Time;
use crate::session::{self, Orders};

/// Removes what test runs have left whose processes are provably dead: containers, networks, volumes and committed images of
/// any test run. Nothing is done before [`run`](Sweep::run).
///
/// An owner is dead when its process is gone that ran on this machine, or when the engine says that the container in which it
/// ran has ended or is unknown. What has no label of longshore's, or an owner that lives, is never touched.
///
/// # Examples
///
/// ```no_run
/// # async fn example() -> longshore::Result<()> {
/// let report = longshore::sweep().unknown_owners_older_than("24h").run().await?;
/// println!("{report}");
/// report.ok()?;
/// # Ok(())
/// # }
/// ```
pub fn sweep() -> Sweep {
    Sweep { session: None, unknown: None, kept: false, dry_run: false }
}

/// What a [`sweep`] is to remove.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a sweep does nothing before it is run"]
pub struct Sweep {
    session: Option<String>,
    unknown: Option<Time>,
    kept: bool,
    dry_run: bool,
}

impl Sweep {
    /// Only what this test run has made: what `LONGSHORE_SESSION` was there, or what a [report](SweepReport) shows.
    pub fn session(mut self, session: impl Into<String>) -> Self {
        self.session = Some(session.into());
        self
    }

    /// Also what belongs to owners of whom nothing can be known from here, such as another machine's or those of before the
    /// last boot, if it was made longer ago than this: `"24h"`, or a `Duration`. By the clock of the machine that made it. One
    /// of them may still live: say more than a test run takes.
    pub fn unknown_owners_older_than(mut self, age: impl Into<Time>) -> Self {
        self.unknown = Some(age.into());
        self
    }

    /// Also what was kept on purpose, by `keep()` or `LONGSHORE_KEEP`, if its owner has ended.
    pub fn kept(mut self) -> Self {
        self.kept = true;
        self
    }

    /// Removes nothing, and reports what would go. What turns out to be in use only when it is removed is among that.
    pub fn dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }

    /// Sweeps the process's default engine.
    ///
    /// # Errors
    ///
    /// When the age is malformed (nothing is asked then), no engine answers, or it cannot list what it has. What became of
    /// each thing is in the report.
    pub fn run(&self) -> BoxFuture<'static, Result<SweepReport>> {
        let sweep = self.clone();
        Box::pin(async move {
            let orders = sweep.orders()?;
            io::check_process()?;
            run(Engine::connect().await?, orders).await
        })
    }

    /// As [`run`](Sweep::run), on another engine than the default one.
    ///
    /// # Errors
    ///
    /// As [`run`](Sweep::run).
    pub fn run_on(&self, engine: &Engine) -> BoxFuture<'static, Result<SweepReport>> {
        let (sweep, engine) = (self.clone(), engine.clone());
        Box::pin(async move {
            let orders = sweep.orders()?;
            io::check_process()?;
            run(engine, orders).await
        })
    }

    /// As [`run`](Sweep::run), blocking this thread.
    ///
    /// # Errors
    ///
    /// As [`run`](Sweep::run).
    pub fn run_blocking(&self) -> Result<SweepReport> {
        io::block_on(self.run())
    }

    /// As [`run_on`](Sweep::run_on), blocking this thread.
    ///
    /// # Errors
    ///
    /// As [`run`](Sweep::run).
    pub fn run_on_blocking(&self, engine: &Engine) -> Result<SweepReport> {
        io::block_on(self.run_on(engine))
    }

    fn orders(&self) -> Result<Orders> {
        let ago = |age: Duration| SystemTime::now().checked_sub(age).unwrap_or(UNIX_EPOCH);
        let unknown_before = match &self.unknown {
            Some(age) => Some(ago(longshore_syntax::parse_duration(&age.to_string())?)),
            None => None,
        };
        Ok(Orders {
            session: self.session.clone(),
            unknown_before,
            kept: self.kept,
            dry_run: self.dry_run,
        })
    }
}

async fn run(engine: Engine, orders: Orders) -> Result<SweepReport> {
    let asked = engine.clone();
    let is_dry = orders.dry_run;
    // What has begun to go goes, also when nobody waits.
    let swept = io::spawn(async move { session::sweep(&asked, &orders).await }).await;
    match swept {
        Ok(cleared) => Ok(SweepReport::new(cleared, &engine, is_dry)),
        Err(error) => {
            let report = error.while_trying("what test runs have left could not be listed");
            Err(report.fact("engine", engine.to_string()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_read_before_the_engine_is_asked() {
        let orders = sweep().unknown_owners_older_than("24h").kept().orders().unwrap();
        let age = SystemTime::now().duration_since(orders.unknown_before.unwrap()).unwrap();
        assert!(age.as_secs().abs_diff(24 * 3600) < 60, "{age:?}");
        assert!(orders.kept && !orders.dry_run);
        assert_eq!(sweep().dry_run().orders().unwrap().unknown_before, None);
        let endless = Duration::from_secs(u64::MAX);
        assert!(sweep().unknown_owners_older_than(endless).orders().is_ok());
        let wrong = sweep().unknown_owners_older_than("a day").orders().unwrap_err();
        assert!(wrong.is_invalid_request(), "{wrong}");
    }
}
