//! The options of `docker run`, as a user notices them: in the container, from another one, or on its handle. That they are sent as
//! the command sends them is compared in `run_lines`.

mod isolation;
mod life;
mod limits;
mod network;
mod process;
mod refused;
mod storage;

use longshore::{Container, ContainerRequest};
use serde_json::Value;

use crate::support::{get, BUSYBOX};

/// A container that does nothing until it is looked at.
fn idle() -> ContainerRequest {
    ContainerRequest::new(BUSYBOX).cmd(["sleep", "600"]).stop_signal("KILL")
}

/// What a script prints in a container of this request, without the last line's end.
async fn says(request: ContainerRequest, script: &str) -> longshore::Result<String> {
    say(&request.start().await?, script).await
}

/// What a script prints in a container.
async fn say(container: &Container, script: &str) -> longshore::Result<String> {
    let output = container.exec(["sh", "-c", script]).await?.ok()?;
    Ok(output.stdout_str()?.trim_end().to_owned())
}

/// What the engine tells of a container.
fn inspected(container: &Container) -> Value {
    get(&format!("/containers/{}/json", container.id()))
}

/// Whether the engine speaks this version of the API, or states that it does.
fn speaks(major: u64, minor: u64) -> bool {
    let version = get("/version")["ApiVersion"].as_str().unwrap_or_default().to_owned();
    let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
    (numbers.next(), numbers.next()) >= (Some(major), Some(minor))
}
