//! Credentials for a registry, from where `docker login` left them.

use base64::prelude::{Engine as _, BASE64_URL_SAFE};
use bollard::auth::DockerCredentials;
use docker_credential::DockerCredential;

/// Docker Hub's key in `config.json`, for historical reasons.
const HUB_KEY: &str = "https://index.docker.io/v1/";

/// The header in which an engine is given credentials for a registry.
pub(super) const HEADER: &str = "X-Registry-Auth";

/// The value of that header for a registry, if there are credentials for it. On the I/O thread.
pub(super) async fn header_for(registry: &str) -> Option<String> {
    let registry = registry.to_owned();
    let found = tokio::task::spawn_blocking(move || for_registry(&registry)).await.ok()??;
    Some(BASE64_URL_SAFE.encode(serde_json::to_vec(&found).ok()?))
}

/// The value of that header for no credentials.
pub(super) fn header_for_nobody() -> String {
    BASE64_URL_SAFE.encode("{}")
}

/// What `~/.docker/config.json` (or `$DOCKER_CONFIG`) and its helpers say for `registry`. Nothing found is not an error:
/// most images need no credentials, and the registry will say so if this one does. Blocks: a helper is a process.
fn for_registry(registry: &str) -> Option<DockerCredentials> {
    let key = if registry == "docker.io" { HUB_KEY } else { registry };
    match docker_credential::get_credential(key) {
        Ok(DockerCredential::UsernamePassword(username, password)) => Some(DockerCredentials {
            username: Some(username),
            password: Some(password),
            serveraddress: Some(key.to_owned()),
            ..DockerCredentials::default()
        }),
        Ok(DockerCredential::IdentityToken(token)) => Some(DockerCredentials {
            identitytoken: Some(token),
            serveraddress: Some(key.to_owned()),
            ..DockerCredentials::default()
        }),
        Err(error) => {
            tracing::debug!(registry, %error, "no credentials for the registry");
            None
        }
    }
}
