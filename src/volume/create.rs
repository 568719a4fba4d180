//! The way from a request to a volume: the guard, the call, and what a dead owner has left under a fixed name.

use std::future::Future;

use hyper::Method;
use serde_json::json;

use super::handle::Volume;
use super::remote::name_in;
use super::volume_request::VolumeRequest;
use crate::engine::{io, phase, query, segment, ApiError, Engine, Thing};
use crate::error::{Error, Kind, Result};
use crate::session::{self, Guard};

impl VolumeRequest {
    /// Makes the volume on the process's default engine (`docker volume create`).
    ///
    /// Dropping the future before it is done removes what was made.
    ///
    /// # Errors
    ///
    /// When the request is wrong (everything that is wrong with it, before anything is made), no engine answers, or the
    /// name is taken ([`is_name_taken`](Error::is_name_taken)). Nothing is left then.
    pub fn create(&self) -> impl Future<Output = Result<Volume>> + Send + 'static {
        let request = self.clone();
        Box::pin(async move {
            request.check()?;
            session::check_variables()?;
            io::check_process()?;
            create(&request, &Engine::connect().await?).await
        })
    }

    /// As [`create`](Self::create), on another engine than the default one.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    pub fn create_on(
        &self,
        engine: &Engine,
    ) -> impl Future<Output = Result<Volume>> + Send + 'static {
        let (request, engine) = (self.clone(), engine.clone());
        Box::pin(async move {
            request.check()?;
            session::check_variables()?;
            io::check_process()?;
            create(&request, &engine).await
        })
    }
}

async fn create(request: &VolumeRequest, engine: &Engine) -> Result<Volume> {
    engine.meet().await;
    let instance = session::instance();
    let name = request.name.clone().unwrap_or_else(|| format!("longshore-{instance}"));
    let body = request.body(&name, session::labels(engine, Thing::Volume, &instance));
    let guard = Guard::new(engine.clone(), Thing::Volume, instance, name.clone());
    let mut swept = false;
    loop {
        let create = guard.create("/volumes/create".into(), body.clone());
        let error = match phase(tracing::info_span!("create", volume = name), create).await {
            Ok(_) => return Ok(Volume { guard, engine: engine.clone(), name }),
            Err(error) => error,
        };
        if !is_taken(&error) {
            let report = error.while_trying("the engine did not create the volume");
            return Err(name_in(report, &name, engine));
        }
        if swept || !sweep_away(engine, &name).await {
            let headline = format!("the name `{name}` is taken by another volume");
            return Err(Error::new(Kind::NameTaken, headline)
                .fact("because", error.to_string())
                .fact("engine", engine.to_string())
                .hint(format!(
                    "remove it (`docker volume rm {name}`), or leave `.name(..)` away to have a free one"
                )));
        }
        swept = true;
    }
}

/// Docker says 409 for a name that is taken; Podman 500, where somebody else was faster.
fn is_taken(error: &ApiError) -> bool {
    error.status() == Some(409)
        || error.status() == Some(500) && error.to_string().contains("already exists")
}

/// Removes the volume of this name if it is ours and its owner is dead, with the containers of dead owners that use it.
async fn sweep_away(engine: &Engine, name: &str) -> bool {
    let (engine, name) = (engine.clone(), name.to_owned());
    io::run(async move {
        let _turn = session::turn_over_volume(&engine, &name).await;
        let path = format!("/volumes/{}", segment(&name));
        match engine.client().json(Method::GET, &path, None).await {
            Ok(holder) if !session::is_left_behind(&engine, &holder).await => return false,
            Ok(_) => {}
            // Gone meanwhile: another try is worth it.
            Err(error) => return error.is_not_found(),
        }
        match Thing::Volume.remove(&engine, &name).await {
            Ok(()) => return true,
            Err(error) if error.status() != Some(409) => return false,
            Err(_) => {}
        }
        remove_dead_users(&engine, &name).await.is_ok()
            && Thing::Volume.remove(&engine, &name).await.is_ok()
    })
    .await
}

/// Removes the containers that use a volume and whose owners are dead. On the I/O thread.
async fn remove_dead_users(engine: &Engine, volume: &str) -> Result<(), ApiError> {
    let filters = json!({ "volume": [volume] }).to_string();
    let path = format!("/containers/json{}", query(&[("all", "1"), ("filters", &filters)]));
    let users = engine.client().json(Method::GET, &path, None).await?;
    for user in users.as_array().into_iter().flatten() {
        if !session::is_left_behind(engine, user).await {
            continue;
        }
        Thing::Container.remove(engine, &Thing::Container.id_in(user)).await?;
    }
    Ok(())
}
