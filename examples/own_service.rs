//! A service of one's own: what can be said about it, what is started, and where it is reached. All else is given.
//!
//! `cargo run --example own_service`, where Docker or Podman runs.
#![allow(clippy::print_stdout, reason = "an example talks to its reader")]

use longshore::services::{Running, Service};
use longshore::{ContainerRequest, Wait};

/// A web server with one page.
#[derive(Clone)]
struct Greeter {
    greeting: String,
}

impl Service for Greeter {
    fn request(&self) -> ContainerRequest {
        ContainerRequest::new("busybox:1.35")
            .env("GREETING", &self.greeting)
            .cmd(["sh", "-c", "mkdir /www; echo $GREETING >/www/index.html; exec httpd -f -h /www"])
            .publish(80)
            .wait(Wait::http("/"))
    }

    fn port(&self) -> u16 {
        80
    }

    fn url(&self, address: &str) -> String {
        format!("http://{address}/")
    }
}

type GreeterContainer = Running<Greeter>;

#[tokio::main]
async fn main() -> longshore::Result<()> {
    let greeter: GreeterContainer = Greeter { greeting: "hello".into() }.start().await?;
    let page = greeter.exec(["wget", "-qO-", "http://127.0.0.1/"]).await?.ok()?;
    println!("{} says {}", greeter.url(), page.stdout_str()?.trim());
    greeter.remove().await
}
