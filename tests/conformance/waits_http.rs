//! Waiting for an answer over HTTP.

use std::time::{Duration, Instant};

use longshore::wait::HttpWait;
use longshore::{ContainerRequest, CopyIn, Wait};

use crate::client::{failed_start, http_get, shell, text_of, web};
use crate::support::{TestResult, BUSYBOX};

/// Answers with the text of the request: request line, header lines, an empty line, body.
const ECHO: &str = r#"#!/bin/sh
length=0
while read -r line; do
    line=$(printf %s "$line" | tr -d '\r')
    text="$text$line
"
    case $line in
        [Cc]ontent-[Ll]ength:*) length=${line#*: } ;;
        '') break ;;
    esac
done
printf 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n'
printf %s "$text"
head -c "$length"
"#;

/// Answers 503 twice, then 204.
const IN_TIME: &str = r#"#!/bin/sh
while read -r line; do
    [ -z "$(printf %s "$line" | tr -d '\r')" ] && break
done
echo >> /tries
if [ "$(wc -l < /tries)" -le 2 ]; then
    printf 'HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\nnot yet'
else
    printf 'HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n'
fi
"#;

/// A server whose every connection is served by a script.
fn served_by(script: &str) -> ContainerRequest {
    let request = ContainerRequest::new(BUSYBOX).publish("80");
    request
        .copy(CopyIn::new(script.as_bytes(), "/serve").mode(0o755))
        .cmd(["nc", "-ll", "-p", "80", "-e", "/serve"])
}

async fn check(request: ContainerRequest, wait: HttpWait) -> TestResult {
    request.wait(wait.timeout(Duration::from_secs(20))).start().await?.remove().await?;
    Ok(())
}

/// The wait times out, and the error tells what was seen.
async fn check_never(request: ContainerRequest, wait: HttpWait, told: &str) {
    let error = failed_start(request.wait(wait.timeout(Duration::from_secs(2)))).await;
    assert!(error.is_timeout(), "{error}");
    assert!(error.to_string().contains(told), "`{told}` is not in {error}");
}

#[tokio::test]
async fn an_answer_of_2xx_is_ready() -> TestResult {
    let request =
        shell("sleep 1; echo hello > /index.html; exec httpd -f -p 80 -h /").publish("80");
    let begun = Instant::now();
    let container = request.wait(Wait::http("/index.html")).start().await?;
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert_eq!(http_get(container.address(80)?, "/index.html")?, (200, "hello\n".into()));
    container.remove().await?;

    check_never(web([80]).publish("80"), Wait::http("/missing"), "answered 404 Not Found").await;
    Ok(())
}

#[tokio::test]
async fn a_port_can_be_named_and_is_the_lowest_otherwise() -> TestResult {
    let both = || web([80, 81]).publish("81").publish("80").publish("53/udp");
    check(both(), Wait::http("/").body_contains("I am 80")).await?;
    check(both(), Wait::http("/").port(81).body_contains("I am 81")).await?;
    check(both(), Wait::http("/").port("81/tcp").body_contains("I am 81")).await
}

#[tokio::test]
async fn method_path_headers_and_body_are_sent_as_they_were_declared() -> TestResult {
    let wait = Wait::http("/a/b?c=d&e=%20")
        .method("POST")
        .header("X-Colour", "blue")
        .body("hello")
        .body_matches(r"(?s)^POST /a/b\?c=d&e=%20 HTTP/1.1\n.*(?i:x-colour: blue)\n.*\n\nhello$");
    check(served_by(ECHO), wait).await
}

#[tokio::test]
async fn the_host_header_is_the_address_unless_it_is_declared() -> TestResult {
    check(served_by(ECHO), Wait::http("/").body_matches(r"(?i)\nhost: 127\.0\.0\.1:[0-9]+\n"))
        .await?;
    let wait = Wait::http("/").header("Host", "example.org");
    check(served_by(ECHO), wait.body_matches(r"(?i)^GET / HTTP/1.1\nhost: example\.org\n\n$")).await
}

#[tokio::test]
async fn credentials_are_sent() -> TestResult {
    let bearer = Wait::http("/").bearer_auth("sesame");
    check(served_by(ECHO), bearer.body_matches(r"\n(?i:authorization): Bearer sesame\n")).await?;

    let guarded = || {
        web([80])
            .publish("80")
            .cmd(["httpd", "-f", "-p", "80", "-h", "/www", "-c", "/etc/httpd.conf"])
            .copy_to("tests/data/index.html", "/www/secret/index.html")
            .copy_to(b"/secret:admin:pass:word\n", "/etc/httpd.conf")
    };
    let wait = || Wait::http("/secret/index.html");
    check(guarded(), wait().basic_auth("admin", "pass:word").body_contains("longshore")).await?;
    check(guarded(), wait().status(401)).await?;
    check_never(guarded(), wait().basic_auth("admin", "wrong"), "answered 401 Unauthorized").await;
    Ok(())
}

#[tokio::test]
async fn it_is_asked_again_until_the_status_fits() -> TestResult {
    let container = served_by(IN_TIME).wait(Wait::http("/")).start().await?;
    let tries = container.exec(["wc", "-l", "/tries"]).await?;
    assert_eq!(tries.stdout_str()?, "3 /tries\n");
    container.remove().await?;

    check(served_by(IN_TIME), Wait::http("/").status_in([200, 204])).await?;
    check(served_by(IN_TIME), Wait::http("/").status_in([404, 503])).await?;
    check(web([80]).publish("80"), Wait::http("/missing").status(404)).await?;
    let told = "answered 200 OK";
    check_never(web([80]).publish("80"), Wait::http("/").status_in([201, 202]), told).await;
    Ok(())
}

#[tokio::test]
async fn an_interval_is_kept() -> TestResult {
    let begun = Instant::now();
    check(served_by(IN_TIME), Wait::http("/").interval(Duration::from_millis(700))).await?;
    assert!(begun.elapsed() >= Duration::from_millis(1400), "three tries have two pauses");
    Ok(())
}

#[tokio::test]
async fn the_body_has_to_match_too() -> TestResult {
    let late = "echo starting > /index.html; (sleep 1; echo ready > /index.html) & exec httpd -f -p 80 -h /";
    let begun = Instant::now();
    check(shell(late).publish("80"), Wait::http("/index.html").body_contains("ready")).await?;
    assert!(begun.elapsed() >= Duration::from_secs(1));

    let told = "answered 200 OK: I am 80\n";
    check_never(web([80]).publish("80"), Wait::http("/").body_matches("^I am [^8]"), told).await;
    Ok(())
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_is_told() {
    let silent = served_by("#!/bin/sh\nexec sleep 600\n");
    let error = failed_start(silent.wait(Wait::http("/").timeout(Duration::from_secs(7)))).await;
    assert!(error.is_timeout(), "{error}");
    assert!(error.to_string().contains("no answer in 5s"), "{error}");
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_told_as_it_was_asked_for() {
    let wait = Wait::http("/up").port(80).method("HEAD").status_in([200, 204]);
    let error =
        failed_start(web([80]).publish("80").wait(wait.timeout(Duration::from_secs(1)))).await;
    let text = text_of(&error).await;
    let (before, after) = text.split_once("127.0.0.1:").expect("the address");
    assert_eq!(
        before,
        "the container was not ready in time\n  waiting for: HTTP `HEAD /up` on port `80` to be answered with 200 or 204\n  \
         because: it did not happen in 1s: "
    );
    assert_eq!(
        after.trim_start_matches(|c: char| c.is_ascii_digit()),
        " answered 404 Not Found\n  image: `busybox:1.35`\n  container: `NAME` (ID)\n  engine: ENGINE\n  hint: look at the \
         path and at what is asked of the answer: `.status(..)`, `.body_contains(..)`"
    );
}

#[tokio::test]
async fn a_port_that_is_not_published_is_told_before_anything_is_made() {
    let error = failed_start(web([80, 81]).publish("80").wait(Wait::http("/").port(81))).await;
    assert!(error.is_invalid_request());
    assert_eq!(
        error.to_string(),
        "the wait for HTTP `GET /` on port `81` to be answered with 2xx needs the port `81/tcp`, which is not published\n  \
         image: `busybox:1.35`\n  hint: publish it: `.publish(\"81\")`"
    );
    for request in [web([80]), web([80]).publish("53/udp")] {
        let error = failed_start(request.wait(Wait::http("/"))).await;
        assert!(error.is_invalid_request());
        assert_eq!(
            error.to_string(),
            "the wait for HTTP `GET /` to be answered with 2xx needs a published TCP port, and there is none\n  image: \
             `busybox:1.35`\n  hint: publish the port of the service: `.publish(\"80\")`"
        );
    }
}
