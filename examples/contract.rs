use longshore::{ContainerRequest, Wait};
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let t = std::time::Instant::now();
    let web = ContainerRequest::new("busybox:1.35")
        .publish("8000-9000:80")
        .env("GREETING", "hello")
        .cmd(["sh", "-c", "echo ready; exec httpd -f -p 80 -h /www"])
        .copy_to("tests/data/index.html", "/www/index.html") // before start; bytes and folders too
        .wait(Wait::log("ready"))
        .wait(Wait::http("/index.html").port(80).status(200))
        .start()
        .await?;
    println!("started {:?} {:?}", t.elapsed(), web);
    let address = web.address(80)?; // Display "127.0.0.1:8123"; .host(), .port(); goes into connect()
    println!("{address}");
    std::net::TcpStream::connect(&address)?;
    let output = web.exec(["sh", "-c", "echo $GREETING; exit 3"]).await?;
    assert_eq!((output.code(), output.stdout_str()?), (3, "hello\n"));
    web.copy_from("/www", "target/www").await?; // files and folders, also from a stopped container
    let text = web.logs().await?; // all of it; follow_logs() is a Stream of frames
    println!("{text}");
    let t = std::time::Instant::now();
    web.remove().await?; // or drop(web)
    println!("removed {:?}", t.elapsed());
    let e =
        ContainerRequest::new("busybox:1.35").cmd(["sh", "-c", "echo boom; exit 3"]).start().await;
    println!("{}", e.unwrap_err());
    let e = ContainerRequest::new("busybox:1.35").cmd(["nosuch"]).start().await;
    println!("{}", e.unwrap_err());
    let e = ContainerRequest::new("busybox:nope").start().await;
    println!("{}", e.unwrap_err());
    Ok(())
}
