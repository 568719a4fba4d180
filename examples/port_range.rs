//! Host ports from a range, for a firewall that lets only these through: each container gets a free one.
//!
//! `cargo run --example port_range`, where Docker or Podman runs.
#![allow(clippy::print_stdout, reason = "an example talks to its reader")]

use std::error::Error;

use futures::future::try_join_all;
use longshore::{remove_all, ContainerRequest, Wait};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let web = ContainerRequest::new("busybox:1.35")
        .publish("8000-9000:80")
        .copy_to(b"hello\n", "/www/index.html")
        .cmd(["httpd", "-f", "-p", "80", "-h", "/www"])
        .wait(Wait::http("/index.html").body_contains("hello"));

    // A request is data: one declaration, any number of containers, side by side.
    let servers = try_join_all((0..4).map(|_| web.start())).await?;
    for server in &servers {
        println!("{} answers at http://{}/", server.name(), server.address(80)?);
    }

    // Dropping them would do it one after another.
    remove_all(servers).await?;
    println!("all are removed");
    Ok(())
}
