//! The first example, letter for letter as the crate promises it.

use longshore::{ContainerRequest, Wait};

use super::support::{exists, TestResult};

#[tokio::test]
async fn the_first_example_works_as_it_is_written() -> TestResult {
    let web = ContainerRequest::new("busybox:1.35")
        .publish("8000-9000:80")
        .env("GREETING", "hello")
        .cmd(["sh", "-c", "echo ready; exec httpd -f -p 80 -h /www"])
        .copy_to("tests/data/index.html", "/www/index.html")
        .wait(Wait::log("ready"))
        .wait(Wait::http("/index.html").port(80).status(200))
        .start()
        .await?;
    let id = web.id().to_owned();

    let address = web.address(80)?;
    assert_eq!(address.host(), "127.0.0.1");
    assert!((8000..=9000).contains(&address.port()), "{address}");
    drop(std::net::TcpStream::connect(&address)?);
    drop(tokio::net::TcpStream::connect(address.as_str()).await?);

    let output = web.exec(["sh", "-c", "echo $GREETING; exit 3"]).await?;
    assert_eq!((output.code(), output.stdout_str()?), (3, "hello\n"));

    let folder = std::env::temp_dir().join(super::support::unique("longshore-www"));
    web.copy_from("/www", &folder).await?;
    let copied = std::fs::read(folder.join("index.html"))?;
    std::fs::remove_dir_all(&folder)?;
    assert_eq!(copied, std::fs::read("tests/data/index.html")?);

    let text = web.logs().await?;
    assert_eq!(text, "ready\n");
    web.remove().await?;
    assert!(!exists(&id));
    Ok(())
}
