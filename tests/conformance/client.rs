//! What the tests of this suite look with: an HTTP exchange by hand and by hyper, free port numbers, marks, and errors as text.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use longshore::{ContainerRequest, Engine, Error};

use crate::support::{labelled, unique, TestResult, BUSYBOX};

/// The most time for an answer that should come at once.
const PATIENCE: Duration = Duration::from_secs(20);

/// `GET path` in one try: the status and the body.
pub(crate) fn http_get(address: impl ToSocketAddrs, path: &str) -> io::Result<(u16, String)> {
    let address = address.to_socket_addrs()?.next().expect("an address");
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: test\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((status.ok_or(io::ErrorKind::InvalidData)?, body.to_owned()))
}

/// `METHOD URL` by a client as applications have one: the status and the body.
pub(crate) async fn fetch(
    method: &str,
    url: &str,
    body: impl Into<Bytes>,
) -> TestResult<(u16, String)> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let request = hyper::Request::builder().method(method).uri(url).body(Full::new(body.into()))?;
    let exchange = async {
        let answer = client.request(request).await?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await?.to_bytes();
        TestResult::Ok((status, String::from_utf8(body.to_vec())?))
    };
    tokio::time::timeout(PATIENCE, exchange).await?
}

/// The body of `/` on a web server.
pub(crate) fn page(address: impl ToSocketAddrs) -> io::Result<String> {
    http_get(address, "/").map(|(_, body)| body)
}

/// A container with a web server on each of the ports; the page of each says its own port: `I am 80`.
pub(crate) fn web(ports: impl IntoIterator<Item = u16>) -> ContainerRequest {
    let mut script = String::new();
    for port in ports {
        write!(
            script,
            "mkdir -p /www/{port}; echo I am {port} > /www/{port}/index.html; httpd -p {port} -h /www/{port}; "
        )
        .expect("a string takes everything");
    }
    ContainerRequest::new(BUSYBOX).cmd(["sh", "-c", &format!("{script} exec sleep 600")])
}

/// A container of the small image that runs a script of the shell.
pub(crate) fn shell(script: &str) -> ContainerRequest {
    ContainerRequest::new(BUSYBOX).cmd(["sh", "-c", script])
}

/// A label of a test's own, to see what it has left.
pub(crate) struct Mark(String);

impl Mark {
    pub(crate) fn new() -> Self {
        Mark(unique("mark"))
    }

    /// The request with the label on it.
    pub(crate) fn on(&self, request: ContainerRequest) -> ContainerRequest {
        request.label("mark", &self.0)
    }

    pub(crate) fn value(&self) -> &str {
        &self.0
    }

    /// How many containers have the label, running or not.
    pub(crate) fn count(&self) -> usize {
        labelled(&format!("mark={}", self.0)).len()
    }
}

/// The error of a start that has to fail, and proof that it left no container.
pub(crate) async fn failed_start(request: ContainerRequest) -> Error {
    let mark = Mark::new();
    let outcome = mark.on(request).start().await;
    let error =
        outcome.map(|container| format!("{container:?} started")).expect_err("a failed start");
    assert_eq!(mark.count(), 0, "a failed start left something: {error}");
    error
}

/// The error's text with this run's own words replaced: `ENGINE`, `NAME` and `ID` of the container.
pub(crate) async fn text_of(error: &Error) -> String {
    let engine = Engine::connect().await.expect("an engine").to_string();
    let text = error.to_string().replace(&engine, "ENGINE");
    let Some(line) = text.lines().find(|line| line.starts_with("  container: `")) else {
        return text;
    };
    let (name, id) = line["  container: `".len()..].split_once("` (").expect("name and id");
    text.replace(name, "NAME").replace(&format!("({})", id.trim_end_matches(')')), "(ID)")
}

/// That text without the fact that quotes the engine, which is told beside it: each engine has its own words there.
pub(crate) async fn text_and_cause_of(error: &Error) -> (String, String) {
    let (mut rest, mut cause, mut in_cause) = (Vec::new(), Vec::new(), false);
    let text = text_of(error).await;
    for line in text.lines() {
        in_cause = line.starts_with("  because: ") || (in_cause && line.starts_with("    "));
        if in_cause { &mut cause } else { &mut rest }.push(line);
    }
    (rest.join("\n"), cause.join("\n"))
}

/// The first of `count` numbers in a row that nobody has. No two tests of a process get the same, nor does the kernel
/// give them to anybody by itself (they are below `net.ipv4.ip_local_port_range`).
pub(crate) fn free_ports(count: u16) -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    const FIRST: u16 = 10_000;
    const SPAN: u16 = 22_000;
    // Processes that run side by side begin in different places.
    let begin = (std::process::id() % 220) as u16 * 100;
    loop {
        let at = (begin + NEXT.fetch_add(count, Ordering::Relaxed)) % SPAN;
        let first = FIRST + at.min(SPAN - count);
        let is_free = |port: u16| {
            TcpListener::bind(("0.0.0.0", port)).is_ok()
                && UdpSocket::bind(("0.0.0.0", port)).is_ok()
        };
        if (first..first + count).all(is_free) {
            return first;
        }
    }
}
