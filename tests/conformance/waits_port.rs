//! Waiting for ports: an accepted connection is not enough, since the engine's own proxy accepts.

use std::time::{Duration, Instant};

use longshore::Wait;

use crate::client::{failed_start, page, shell, text_of, web};
use crate::support::TestResult;

/// A web server that comes a second after its container.
const LATE: &str = "sleep 1; echo I am late > /index.html; exec httpd -f -p 80 -h /";

#[tokio::test]
async fn a_port_counts_when_the_service_listens_and_not_before() -> TestResult {
    for wait in [Wait::from(Wait::port(80)), Wait::port("80/tcp").into(), Wait::ports().into()] {
        let begun = Instant::now();
        let container = shell(LATE).publish("80").wait(wait).start().await?;
        assert!(begun.elapsed() >= Duration::from_secs(1), "ready after {:?}", begun.elapsed());
        assert_eq!(page(container.address(80)?)?, "I am late\n", "the first try");
        container.remove().await?;
    }
    Ok(())
}

#[tokio::test]
async fn published_ports_are_awaited_when_nothing_is_declared() -> TestResult {
    let script = "mkdir /a /b; echo A > /a/index.html; echo B > /b/index.html; sleep 0.5; httpd -p 80 -h /a; sleep 0.5; \
                  exec httpd -f -p 81 -h /b";
    let container = shell(script).publish("80").expose("81").publish_all().start().await?;
    assert_eq!(page(container.address(81)?)?, "B\n", "the first try");
    assert_eq!(page(container.address(80)?)?, "A\n");
    container.remove().await?;
    Ok(())
}

#[tokio::test]
async fn a_service_on_its_own_loopback_address_is_told_as_such() {
    let request = shell("exec httpd -f -p 127.0.0.1:80").publish("80");
    let error = failed_start(request.wait(Wait::port(80).timeout(Duration::from_secs(2)))).await;
    assert!(error.is_timeout(), "{error}");
    assert_eq!(
        text_of(&error).await,
        "the container was not ready in time\n  waiting for: port `80` to be listened on\n  because: it did not happen in 2s: \
         `80/tcp` is listened on only on the container's own loopback address, which a published port does not reach\n  \
         image: `busybox:1.35`\n  container: `NAME` (ID)\n  engine: ENGINE\n  hint: have the service listen on 0.0.0.0"
    );
}

#[tokio::test]
async fn what_is_listened_on_instead_is_told() {
    let request =
        web([8080, 8081]).publish("80").wait(Wait::ports().timeout(Duration::from_secs(2)));
    let error = failed_start(request).await;
    assert!(error.is_timeout(), "{error}");
    let told = "nobody listens on `80/tcp` in the container; listened on: `8080/tcp`, `8081/tcp`\n";
    assert!(error.to_string().contains(told), "{error}");

    let request = shell("exec sleep 600").publish("80");
    let error = failed_start(request.start_timeout(Duration::from_secs(2))).await;
    let told = "nobody listens on `80/tcp` in the container; listened on: nothing\n";
    assert!(error.to_string().contains(told), "{error}");
}

#[tokio::test]
async fn a_port_that_is_not_published_is_told_before_anything_is_made() {
    let error = failed_start(web([80, 81]).publish("80").wait(Wait::port(81))).await;
    assert!(error.is_invalid_request());
    assert_eq!(
        error.to_string(),
        "the wait for port `81` to be listened on needs the port `81/tcp`, which is not published\n  image: \
         `busybox:1.35`\n  hint: publish it: `.publish(\"81\")`"
    );
}

#[tokio::test]
async fn an_answer_over_tcp_is_awaited_in_the_services_words() -> TestResult {
    // It refuses at first, as a server that recovers does.
    let script = r#"printf '#!/bin/sh\nread line; if test -f /up; then echo "+PONG $line"; else echo "-LOADING"; fi\n' >/serve
                    chmod +x /serve; (sleep 1; touch /up) & exec nc -ll -p 7 -e /serve"#;
    let served = shell(script).publish(7).start_timeout(Duration::from_secs(20));
    let ready = Wait::tcp(7).send("PING\n").answer_contains("+PONG PING");
    let container = served.clone().wait(ready.clone()).start().await?;
    assert_eq!(container.exec(["test", "-f", "/up"]).await?.code(), 0);
    let any = served.clone().wait(Wait::tcp(7).send("x\n")).start().await?;
    drop(any);

    let never = served.wait(ready.answer_matches("^never").timeout(Duration::from_secs(2)));
    let error = failed_start(never).await;
    let text = text_of(&error).await;
    assert!(error.is_timeout(), "{text}");
    assert!(text.contains("waiting for: an answer over TCP on port `7` with /^never/\n"), "{text}");
    assert!(text.contains("it answered: +PONG PING"), "{text}");

    let wrong = shell("sleep 600").publish(7).wait(Wait::tcp("7/udp").answer_matches("("));
    let text = failed_start(wrong).await.to_string();
    assert!(text.contains("`7/udp` is no TCP port"), "{text}");
    assert!(text.contains("`(` is not a regular expression"), "{text}");
    Ok(())
}
