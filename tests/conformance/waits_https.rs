//! Waiting for an answer over HTTPS. `tests/data/tls` holds an authority's certificate and one that it signed for
//! `localhost`, 127.0.0.1 and ::1, both valid until 2124; the authority's key is not kept.

use std::time::{Duration, Instant};

use longshore::wait::HttpWait;
use longshore::{ContainerRequest, Wait};

use crate::client::failed_start;
use crate::support::TestResult;

const AUTHORITY: &str = include_str!("../data/tls/ca.pem");
const SITE: &[u8] = b"server {
    listen 443 ssl;
    ssl_certificate /etc/nginx/server.pem;
    ssl_certificate_key /etc/nginx/server.key;
    location / { return 200 'over tls'; }
}
";

fn server() -> ContainerRequest {
    ContainerRequest::new("nginx:1.22")
        .publish("443")
        .copy_to(SITE, "/etc/nginx/conf.d/default.conf")
        .copy_to("tests/data/tls/server.pem", "/etc/nginx/server.pem")
        .copy_to("tests/data/tls/server.key", "/etc/nginx/server.key")
}

async fn check_refused(wait: HttpWait, told: &str) {
    let error = failed_start(server().wait(wait.timeout(Duration::from_secs(3)))).await;
    assert!(error.is_timeout(), "{error}");
    assert!(error.to_string().contains("waiting for: HTTPS `GET /`"), "{error}");
    assert!(error.to_string().contains(told), "`{told}` is not in {error}");
}

#[tokio::test]
async fn a_certificate_of_a_trusted_authority_is_believed() -> TestResult {
    let wait = Wait::https("/").port(443).trust_authorities(AUTHORITY).body_contains("over tls");
    server().wait(wait).start().await?.remove().await?;
    Ok(())
}

#[tokio::test]
async fn any_certificate_is_believed_when_that_is_asked_for() -> TestResult {
    let wait = Wait::https("/").trust_any_certificate().status(200);
    server().wait(wait).start().await?.remove().await?;
    Ok(())
}

#[tokio::test]
async fn a_certificate_of_nobody_known_is_refused() {
    check_refused(Wait::https("/"), "certificate").await;
    // Another authority: the server's own certificate is no authority for itself.
    let other = include_str!("../data/tls/server.pem");
    check_refused(Wait::https("/").trust_authorities(other), "certificate").await;
}

#[tokio::test]
async fn plain_http_is_not_an_answer() {
    let plain = ContainerRequest::new("nginx:1.22").publish("80");
    let wait = Wait::https("/").trust_any_certificate().timeout(Duration::from_secs(3));
    let error = failed_start(plain.wait(wait)).await;
    assert!(error.is_timeout(), "{error}");
}

#[tokio::test]
async fn authorities_that_are_none_are_told_at_once() {
    let begun = Instant::now();
    let error =
        failed_start(server().wait(Wait::https("/").trust_authorities("no certificate"))).await;
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(error.to_string().contains("there is no certificate in the PEM"), "{error}");
}
