//! What a tutorial of Docker shows at the command line, from a Rust program. Each step says its command.
//!
//! `tests/run cargo run --example docker_tutorial`, or without `tests/run` where an engine answers.
#![allow(clippy::print_stdout, reason = "an example talks to its reader")]

use futures::StreamExt;
use longshore::{
    Commit, ContainerRequest, ContainerState, Engine, ImageFilters, Network, Prune, Volume, Wait,
};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let engine = Engine::connect().await?;
    run_in_the_background(&engine).await?;
    names_ports_and_environment().await?;
    look_inside().await?;
    create_start_stop().await?;
    networks_and_volumes().await?;
    images(&engine).await?;
    clean_up(&engine).await
}

async fn run_in_the_background(engine: &Engine) -> Result<()> {
    println!("$ docker run -d busybox:1.35 sleep 600");
    let container =
        ContainerRequest::from_run("docker run -d busybox:1.35 sleep 600")?.start().await?;
    println!("{}", container.id());

    println!("$ docker ps");
    let filters = longshore::ContainerFilters::new().id(container.id());
    for one in engine.containers().list(filters).await? {
        println!("{}  {}  {}  {}", &one.id()[..12], one.image(), one.status(), one.name());
    }

    println!("$ docker run --rm busybox:1.35 echo hello");
    let job = ContainerRequest::from_run("docker run --rm busybox:1.35 echo hello")?;
    let job = job.wait(Wait::exit()).start().await?;
    print!("{}", job.logs().await?);

    println!("$ docker rm -f {}", container.name());
    container.remove().await?;
    Ok(())
}

async fn names_ports_and_environment() -> Result<()> {
    println!(
        "$ docker run -d --name tutorial-web -p 8000-9000:80 -e GREETING=hello busybox:1.35 .."
    );
    let web = ContainerRequest::new("busybox:1.35")
        .name("tutorial-web")
        .publish("8000-9000:80")
        .env("GREETING", "hello")
        .cmd([
            "sh",
            "-c",
            "mkdir /www; echo $GREETING > /www/index.html; exec httpd -f -p 80 -h /www",
        ])
        .wait(Wait::http("/").port(80).body_contains("hello"))
        .start()
        .await?;
    println!("$ docker port {} 80\n{}", web.name(), web.address(80)?);
    Ok(())
}

async fn look_inside() -> Result<()> {
    let container = ContainerRequest::new("busybox:1.35")
        .cmd(["sh", "-c", "for i in 1 2 3; do echo line $i; sleep 0.1; done; exec sleep 600"])
        .start()
        .await?;

    println!("$ docker logs -f {}", container.name());
    let mut logs = container.follow_logs().await?;
    let mut seen = String::new();
    while !seen.contains("line 3") {
        let Some(frame) = logs.next().await else { break };
        let frame = frame?;
        print!("{}", frame.text());
        seen.push_str(&frame.text());
    }

    println!("$ docker exec {} hostname", container.name());
    print!("{}", container.exec(["hostname"]).await?.ok()?.stdout_str()?);

    println!("$ docker inspect -f '{{{{.State.Pid}}}}' {}", container.name());
    println!("{:?}", container.inspect().await?.pid());

    println!("$ docker cp Cargo.toml {}:/tmp/", container.name());
    container.copy_to("Cargo.toml", "/tmp/").await?;
    println!("$ docker diff {}", container.name());
    for change in container.changes().await? {
        println!("{change}");
    }
    println!("$ docker cp {}:/tmp target/tutorial", container.name());
    container.copy_from("/tmp", "target/tutorial").await?;

    println!("$ docker stats --no-stream {}", container.name());
    let stats = container.stats().await?;
    println!("{} bytes of memory, {} processes", stats.memory_usage(), stats.pids());
    Ok(())
}

async fn create_start_stop() -> Result<()> {
    println!("$ docker create busybox:1.35 ..");
    let container = ContainerRequest::new("busybox:1.35")
        .stop_signal("KILL")
        .cmd(["sh", "-c", "date >> /runs; exec sleep 600"])
        .create()
        .await?;
    assert_eq!(container.inspect().await?.state(), ContainerState::Created);
    println!("$ docker start, stop and start again");
    container.start().await?;
    container.stop().await?;
    container.start().await?;
    print!("{}", container.exec(["wc", "-l", "/runs"]).await?.ok()?.stdout_str()?);
    Ok(())
}

async fn networks_and_volumes() -> Result<()> {
    println!("$ docker network create");
    let network = Network::create().await?;
    println!("$ docker volume create");
    let volume = Volume::create().await?;

    println!(
        "$ docker run -d --network {} --network-alias web -v {} ..",
        network.name(),
        volume.at("/www")
    );
    let _web = ContainerRequest::new("busybox:1.35")
        .network(&network)
        .network_alias("web")
        .volume(volume.at("/www"))
        .cmd([
            "sh",
            "-c",
            "echo hello from the volume > /www/index.html; exec httpd -f -p 80 -h /www",
        ])
        .wait(Wait::exec(["wget", "-q", "-O", "-", "http://127.0.0.1/"]))
        .start()
        .await?;
    println!(
        "$ docker run --rm --network {} busybox:1.35 wget -q -O - http://web/",
        network.name()
    );
    let client = ContainerRequest::new("busybox:1.35")
        .network(&network)
        .cmd(["wget", "-q", "-O", "-", "http://web/"])
        .wait(Wait::exit())
        .start()
        .await?;
    print!("{}", client.logs().await?);
    Ok(())
}

async fn images(engine: &Engine) -> Result<()> {
    println!("$ docker history busybox:1.35");
    for step in engine.images().history("busybox:1.35").await? {
        println!("{} bytes  {}", step.size(), step.created_by());
    }

    println!("$ docker commit");
    let container = ContainerRequest::new("busybox:1.35").cmd(["sleep", "600"]).start().await?;
    container.exec(["touch", "/committed"]).await?.ok()?;
    let image = container.commit(Commit::new().message("a file more")).await?;

    println!("$ docker images -f dangling=true");
    for one in engine.images().list(ImageFilters::new().dangling()).await? {
        println!(
            "{}  {} bytes{}",
            one.id(),
            one.size(),
            if one.id() == image.id() { "  <- ours" } else { "" }
        );
    }
    Ok(())
}

async fn clean_up(engine: &Engine) -> Result<()> {
    // Whatever a handle held is gone already. Of what is left, only that of this test run is touched.
    println!("$ docker system prune");
    print!("{}", engine.prune(Prune::new()).await?);
    Ok(())
}
