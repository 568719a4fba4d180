//! Commands in a running container, and files into and out of it: `docker exec` and `docker cp`.
//!
//! `cargo run --example exec_and_copy`, where Docker or Podman runs.
#![allow(clippy::print_stdout, reason = "an example talks to its reader")]

use std::error::Error;

use longshore::{ContainerRequest, CopyIn, Exec};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let container = ContainerRequest::new("busybox:1.35")
        .env("GREETING", "hello")
        // Copied before it starts: a path of this machine or bytes.
        .copy_to("tests/data/index.html", "/www/index.html")
        .copy(CopyIn::new(b"top secret", "/run/secret").mode(0o600))
        .cmd(["sleep", "1000"])
        .start()
        .await?;

    // An exit code other than 0 is a result, not an error; `ok()` makes it one.
    let output = container.exec(["sh", "-c", "echo $GREETING; exit 3"]).await?;
    println!("exit code {}, standard output {:?}", output.code(), output.stdout_str()?);

    let sort = Exec::new(["sort"]).stdin("pear\napple\n").workdir("/tmp").user("nobody");
    let sorted = container.exec(sort).await?.ok()?;
    println!("sorted as nobody: {:?}", sorted.stdout_str()?);

    // While it runs, in both directions.
    container.copy_to(b"later", "/www/later.txt").await?;
    let here = std::env::temp_dir().join(format!("longshore-{}", std::process::id()));
    container.copy_from("/www", &here).await?;
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&here)? {
        names.push(entry?.file_name());
    }
    names.sort();
    std::fs::remove_dir_all(&here)?;
    println!("copied out of /www: {names:?}");

    let secret = container.read_file("/run/secret").await?;
    println!("read: {} bytes of /run/secret", secret.len());

    container.remove().await?;
    Ok(())
}
