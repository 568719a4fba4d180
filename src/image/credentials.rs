//! Credentials for a registry, from where `docker login` left them.

use bollard::auth::DockerCredentials;
use docker_credential::DockerCredential;

/// Docker Hub's key in `config.json`, for historical reasons.
const HUB_KEY: &str = "https://index.docker.io/v1/";

/// What `~/.docker/config.json` (or `$DOCKER_CONFIG`) and its helpers say for `registry`. Nothing found is not an error:
/// most images need no credentials, and the registry will say so if this one does. Blocks: a helper is a process.
pub(super) fn for_registry(registry: &str) -> Option<DockerCredentials> {
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
