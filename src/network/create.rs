//! The way from a request to a network: the guard, the call, and who may have a fixed name.

use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rand::Rng;
use serde_json::{json, Value};

use super::handle::{Inner, Network};
use super::network_request::NetworkRequest;
use super::plan::Plan;
use crate::engine::{get_networks, io, phase, query, ApiError, Engine, Thing};
use crate::error::{Error, Kind, Result};
use crate::session::{self, Guard};

/// Since this version of the API a network can be without IPv4.
const IPV4_CAN_BE_OFF: (usize, usize) = (1, 48);

/// Since this version of the API the engine finds a free subnet of IPv6 itself.
const ENGINE_HAS_IPV6_SUBNETS: (usize, usize) = (1, 46);

/// Since this version of the API no two networks have the same name, however many ask at once.
const NAMES_ARE_UNIQUE: (usize, usize) = (1, 44);

/// How often a name is asked for again that several had for a moment.
const ATTEMPTS: u32 = 10;

impl NetworkRequest {
    /// Makes the network on the process's default engine (`docker network create`).
    ///
    /// Dropping the future before it is done removes what was made.
    ///
    /// # Errors
    ///
    /// When the request is wrong (everything that is wrong with it, before anything is made), no engine answers, the name
    /// is taken ([`is_name_taken`](Error::is_name_taken)), or there is no such subnet to be had
    /// ([`is_subnet_unavailable`](Error::is_subnet_unavailable)). Nothing is left then.
    pub fn create(&self) -> impl Future<Output = Result<Network>> + Send + 'static {
        let request = self.clone();
        Box::pin(async move {
            let plan = request.plan()?;
            session::check_variables()?;
            io::check_process()?;
            create(&request, &plan, &Engine::connect().await?).await
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
    ) -> impl Future<Output = Result<Network>> + Send + 'static {
        let (request, engine) = (self.clone(), engine.clone());
        Box::pin(async move {
            let plan = request.plan()?;
            session::check_variables()?;
            io::check_process()?;
            create(&request, &plan, &engine).await
        })
    }
}

async fn create(request: &NetworkRequest, plan: &Plan, engine: &Engine) -> Result<Network> {
    engine.meet().await;
    match &request.name {
        Some(name) => create_named(request, plan, engine, name).await,
        None => {
            let draft = Draft::new(request, plan, engine, "longshore-", "")?;
            let id = draft.create().await.map_err(|error| report(error, &draft.inner))?;
            Ok(draft.made(id))
        }
    }
}

/// A network that is not made yet, with the guard that it will have.
pub(super) struct Draft {
    pub(super) inner: Arc<Inner>,
    body: Value,
}

impl Draft {
    /// One called `prefix` and a random word, or `fixed` if that is not empty. On the thread of the test, whose name is
    /// written on it.
    pub(super) fn new(
        request: &NetworkRequest,
        plan: &Plan,
        engine: &Engine,
        prefix: &str,
        fixed: &str,
    ) -> Result<Self> {
        let (mut plan, instance) = (plan.clone(), session::instance());
        let name = if fixed.is_empty() { format!("{prefix}{instance}") } else { fixed.to_owned() };
        let api = engine.version().api_numbers();
        if request.no_ipv4 && api < Some(IPV4_CAN_BE_OFF) {
            let headline = "the engine makes no networks without IPv4";
            let report = Error::new(Kind::InvalidRequest, headline)
                .fact("engine", engine.to_string())
                .hint("leave `.no_ipv4()` away, or use Docker 28 or newer");
            return Err(report);
        }
        if !request.aux_addresses.is_empty() && engine.is_podman() {
            // It takes them and gives them away all the same.
            let report = Error::new(Kind::InvalidRequest, "the engine sets no addresses aside")
                .fact("engine", engine.to_string())
                .hint("leave `.aux_address(..)` away, and give `.ip_range(..)` without them");
            return Err(report);
        }
        let engine_has_ipv6 = api >= Some(ENGINE_HAS_IPV6_SUBNETS) || engine.is_podman();
        if request.lacks_ipv6_subnet(&plan) && !engine_has_ipv6 {
            plan.choose_ipv6_subnet();
        }
        let body = request.body(&plan, &name, session::labels(engine, Thing::Network, &instance));
        let guard = Guard::new(engine.clone(), Thing::Network, instance, name.clone());
        let inner = Inner { guard, engine: engine.clone(), name, id: Arc::new(OnceLock::new()) };
        Ok(Draft { inner: Arc::new(inner), body })
    }

    /// Has it made and gives its id. The future holds no part of this: whoever drops the draft has it removed.
    pub(super) fn create(&self) -> impl Future<Output = Result<String, ApiError>> + Send + 'static {
        let create = self.inner.guard.create("/networks/create".into(), self.body.clone());
        phase(tracing::info_span!("create", network = self.inner.name), create)
    }

    /// The handle, when it is there.
    pub(super) fn made(self, id: String) -> Network {
        // Nobody else sets it.
        let _ = self.inner.id.set(id);
        Network(self.inner)
    }
}

/// Makes a network with a fixed name.
///
/// An older Docker gives one name to everybody who asks at the same time. So everybody looks around afterwards, and whoever
/// sees another one gives his own up and asks again: of two that were made one after the other at least the second is seen.
async fn create_named(
    request: &NetworkRequest,
    plan: &Plan,
    engine: &Engine,
    name: &str,
) -> Result<Network> {
    let names_are_unique =
        engine.version().api_numbers() >= Some(NAMES_ARE_UNIQUE) || engine.is_podman();
    let mut told = String::new();
    let mut swept = false;
    for _ in 0..ATTEMPTS {
        let draft = Draft::new(request, plan, engine, "", name)?;
        let id = match draft.create().await {
            Ok(id) => id,
            Err(error) if is_taken(&error) => {
                told = error.to_string();
                if swept || !sweep_away(engine, name).await {
                    break;
                }
                swept = true;
                continue;
            }
            Err(error) => return Err(report(error, &draft.inner)),
        };
        if names_are_unique {
            return Ok(draft.made(id));
        }
        let (asked, of_that_name) = (engine.clone(), name.to_owned());
        let all = io::run(async move { all_called(&asked, &of_that_name).await });
        let all = all.await.map_err(|error| report(error, &draft.inner))?;
        if all.iter().all(|other| other["Id"] == id.as_str()) {
            return Ok(draft.made(id));
        }
        told = "others asked for the same name at the same time".into();
        draft.made(id).remove().await?;
        let pause = rand::thread_rng().gen_range(10..200);
        io::sleep(Duration::from_millis(pause)).await;
    }
    Err(Error::new(Kind::NameTaken, format!("the name `{name}` is taken by another network"))
        .fact("because", told)
        .fact("engine", engine.to_string())
        .hint(format!(
            "remove it (`docker network rm {name}`), or leave `.name(..)` away to have a free one"
        )))
}

/// Docker says 409 for a name that is taken, an older Podman 500.
fn is_taken(error: &ApiError) -> bool {
    let is_refusal = matches!(error.status(), Some(409 | 500));
    is_refusal && error.to_string().contains("already exists")
}

/// Removes the networks of this name if all of them are ours and their owners are dead.
async fn sweep_away(engine: &Engine, name: &str) -> bool {
    let (engine, name) = (engine.clone(), name.to_owned());
    io::run(async move {
        let Ok(holders) = all_called(&engine, &name).await else { return false };
        for holder in &holders {
            if !session::is_left_behind(&engine, holder).await {
                return false;
            }
        }
        // If there are none, they are gone meanwhile: another try is worth it.
        for holder in holders {
            let id = holder["Id"].as_str().unwrap_or_default();
            if Thing::Network.remove(&engine, id).await.is_err() {
                return false;
            }
        }
        true
    })
    .await
}

/// Every network of exactly this name. On the I/O thread.
async fn all_called(engine: &Engine, name: &str) -> Result<Vec<Value>, ApiError> {
    let filters = json!({ "name": [name] }).to_string();
    let path = format!("/networks{}", query(&[("filters", &filters)]));
    let found = get_networks(engine, &path).await?;
    let all = found.as_array().into_iter().flatten();
    Ok(all.filter(|network| network["Name"] == name).cloned().collect())
}

/// The report of a network that was not made.
pub(super) fn report(error: ApiError, inner: &Inner) -> Error {
    let told = error.to_string();
    let says = |parts: &[&str]| parts.iter().any(|part| told.contains(part));
    let report = if says(&NONE_LEFT) {
        Error::new(Kind::SubnetUnavailable, "the engine has no subnet left for another network")
            .fact("because", told)
            .hint(
                "remove networks that nobody needs (`docker network prune`), give this one a `.subnet(..)`, or give the \
                 engine more `default-address-pools`",
            )
    } else if says(&OVERLAPS) {
        Error::new(Kind::SubnetUnavailable, "a subnet of the network is taken by another one")
            .fact("because", told)
            .hint("choose another `.subnet(..)`, or leave it away to have a free one")
    } else {
        error.while_trying("the engine did not create the network")
    };
    report.fact("network", format!("`{}`", inner.name)).fact("engine", inner.engine.to_string())
}

/// The words of Docker 20.10, of a newer one, and of Podman.
const NONE_LEFT: [&str; 3] = [
    "address pool among the defaults",
    "address pools have been fully subnetted",
    "could not find free subnet",
];

/// Docker's words, at first and when it comes to the bridges, and Podman's.
const OVERLAPS: [&str; 3] =
    ["Pool overlaps with other one", "networks have overlapping", "is already used on the host"];
