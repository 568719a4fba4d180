//! The ports that an image exposes.

use hyper::Method;
use longshore_syntax::ContainerPort;

use crate::engine::{ApiError, Engine};

/// The ports that an image exposes, from `GET /images/{name}/json`. On the I/O thread.
pub(crate) async fn exposed_ports(
    engine: &Engine,
    image: &str,
) -> Result<Vec<ContainerPort>, ApiError> {
    let inspect = engine.client().json(Method::GET, &format!("/images/{image}/json"), None).await?;
    let ports = inspect["Config"]["ExposedPorts"].as_object().into_iter().flatten();
    Ok(ports.filter_map(|(port, _)| ContainerPort::parse(port).ok()).collect())
}
