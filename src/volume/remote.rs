//! One volume as the engine knows it: the calls of the API that need no more than its name. Owns nothing.

use hyper::Method;

use super::inspect::VolumeInspect;
use crate::engine::{io, segment, Engine};
use crate::error::{Error, Result};

/// Puts the volume and the engine into a report.
pub(super) fn name_in(error: Error, name: &str, engine: &Engine) -> Error {
    error.fact("volume", format!("`{name}`")).fact("engine", engine.to_string())
}

pub(super) async fn inspect(engine: Engine, name: String) -> Result<VolumeInspect> {
    io::check_process()?;
    let (asked, path) = (engine.clone(), format!("/volumes/{}", segment(&name)));
    match io::run(async move { asked.client().json(Method::GET, &path, None).await }).await {
        Ok(raw) => Ok(VolumeInspect::new(raw)),
        Err(error) => {
            let report = error.while_trying("the volume could not be inspected");
            Err(name_in(report, &name, &engine))
        }
    }
}

/// `DELETE /volumes/{name}`: refused while a container uses it.
pub(super) async fn remove(engine: Engine, name: String) -> Result<()> {
    io::check_process()?;
    let (asked, path) = (engine.clone(), format!("/volumes/{}", segment(&name)));
    let removed = io::run(async move { asked.client().send(Method::DELETE, &path, None).await });
    removed.await.map(drop).map_err(|error| {
        let is_used = error.status() == Some(409);
        let report = error.while_trying("the volume could not be removed");
        let report = name_in(report, &name, &engine);
        if is_used {
            return report.hint("remove the container that uses it first (`docker ps -a --filter volume=NAME` finds it)");
        }
        report
    })
}
