//! The README's table of `docker` commands: each row's code is compiled here, and the README has these rows and no others.

#![allow(missing_docs, reason = "a test")]

use longshore::{
    Attach, Commit, Container, ContainerFilters, ContainerRequest, ContainerState, Endpoint,
    Engine, Exec, ImageFilters, LogOptions, Network, NetworkFilters, NetworkRequest, Prune, Update,
    Volume, VolumeFilters, VolumeRequest, WaitCondition,
};

/// Makes a function of each row, so that its code is compiled, and a list of them all.
macro_rules! rows {
    (($engine:ident, $request:ident, $container:ident, $network:ident, $volume:ident)
     $($docker:literal => $code:expr;)*) => {
        const ROWS: &[(&str, &str)] = &[$(($docker, stringify!($code)),)*];
        $(
            const _: () = {
                #[allow(unused, clippy::all, reason = "what is compiled is what the table says")]
                async fn row(
                    $engine: Engine, $request: ContainerRequest, mut $container: Container, $network: Network, $volume: Volume,
                ) -> longshore::Result<()> {
                    let _ = $code;
                    Ok(())
                }
            };
        )*
    };
}

rows! {
    (engine, request, container, network, volume)
    "docker run -d -p 8080:80 -e A=b nginx:1.22" => ContainerRequest::new("nginx:1.22").publish("8080:80").env("A", "b").start().await?;
    "docker run .." => ContainerRequest::from_run("docker run -it --rm -p 5432 postgres:15")?.start().await?;
    "docker run --name db --rm" => request.name("db").rm(true).start().await?;
    "docker create" => request.create().await?;
    "docker start" => container.start().await?;
    "docker stop" => container.stop().await?;
    "docker restart" => container.restart().await?;
    "docker kill -s HUP" => container.kill("HUP").await?;
    "docker pause" => container.pause().await?;
    "docker unpause" => container.unpause().await?;
    "docker wait" => container.wait().await?;
    "docker wait (until it is removed)" => container.wait_for(WaitCondition::Removed).await?;
    "docker rm -fv" => container.remove().await?;
    "docker rename" => container.rename("other").await?;
    "docker inspect" => container.inspect().await?.raw();
    "docker port" => container.ports();
    "docker port CONTAINER 5432" => container.address(5432)?;
    "docker logs" => container.logs().await?;
    "docker logs --tail 10" => container.logs_with(LogOptions::new().tail(10)).await?;
    "docker logs -f" => container.follow_logs().await?;
    "docker exec" => container.exec(["ls", "/"]).await?.ok()?.stdout_str()?;
    "docker exec -it" => container.exec_stream(Exec::new(["sh"]).interactive().tty()).await?;
    "docker attach" => container.attach(Attach::new()).await?;
    "docker cp HERE CONTAINER:/there" => container.copy_to("tests/data/index.html", "/www/").await?;
    "docker cp CONTAINER:/there HERE" => container.copy_from("/www", "target/www").await?;
    "docker top" => container.top().await?.processes();
    "docker stats --no-stream" => container.stats().await?.memory_usage();
    "docker stats" => container.follow_stats().await?;
    "docker diff" => container.changes().await?;
    "docker commit" => container.commit(Commit::new().tag("mine:1")).await?;
    "docker export -o" => container.export("target/all.tar").await?;
    "docker update" => container.update(Update::new().memory("512m").memory_swap("1g")).await?;
    "docker ps" => engine.containers().list(ContainerFilters::new()).await?;
    "docker ps -a -f status=exited -f label=x" => engine.containers().list(ContainerFilters::new().status(ContainerState::Exited).label("x")).await?;
    "docker stop $(docker ps -q ..)" => engine.containers().stop_all().await?;
    "docker rm -f $(docker ps -aq ..)" => engine.containers().remove_all().await?;
    "docker container prune" => engine.containers().prune(Prune::new()).await?;
    "docker network create" => Network::create().await?;
    "docker network create --internal --subnet 10.5.0.0/16 back" => NetworkRequest::new().name("back").internal().subnet("10.5.0.0/16").create().await?;
    "docker run --network back --network-alias db" => request.network(&network).network_alias("db").start().await?;
    "docker network connect --alias db --ip 10.5.0.7" => network.connect_with(&container, Endpoint::new().alias("db").ip("10.5.0.7")).await?;
    "docker network disconnect" => network.disconnect(&container).await?;
    "docker network inspect" => network.inspect().await?.containers();
    "docker network ls -f dangling=true" => engine.networks().list(NetworkFilters::new().dangling()).await?;
    "docker network rm" => network.remove().await?;
    "docker network prune" => engine.networks().prune(Prune::new()).await?;
    "docker volume create" => Volume::create().await?;
    "docker volume create --label x=y data" => VolumeRequest::new().name("data").label("x", "y").create().await?;
    "docker run -v data:/data" => request.volume(volume.at("/data")).start().await?;
    "docker volume inspect" => volume.inspect().await?.mountpoint();
    "docker volume ls" => engine.volumes().list(VolumeFilters::new()).await?;
    "docker volume rm" => volume.remove().await?;
    "docker volume prune" => engine.volumes().prune(Prune::new()).await?;
    "docker images 'busy*:*libc'" => engine.images().list(ImageFilters::new().reference("busy*:*libc")).await?;
    "docker images -f dangling=true" => engine.images().list(ImageFilters::new().dangling()).await?;
    "docker image inspect" => engine.images().inspect("busybox:1.35").await?.layers();
    "docker history" => engine.images().history("postgres:15").await?;
    "docker pull" => engine.images().pull("redis:7.0").await?;
    "docker tag" => engine.images().tag("redis:7.0", "localhost:5000/redis:1").await?;
    "docker push" => engine.images().push("localhost:5000/redis:1").await?;
    "docker rmi" => engine.images().remove("localhost:5000/redis:1").await?;
    "docker save -o" => engine.images().save(["redis:7.0"], "target/redis.tar").await?;
    "docker load -i" => engine.images().load("target/redis.tar").await?;
    "docker image prune" => engine.images().prune(Prune::new()).await?;
    "docker system prune" => engine.prune(Prune::new()).await?.space_reclaimed();
    "docker version" => engine.version().engine();
}

/// The rows of the README, as they are written there.
fn rows_of_readme() -> Vec<(String, String)> {
    let readme = std::fs::read_to_string("README.md").expect("the README is here");
    let rows = readme.lines().filter_map(|line| {
        let (docker, code) = line.strip_prefix("| `docker ")?.split_once("` | `")?;
        Some((format!("docker {docker}"), code.strip_suffix("` |")?.to_owned()))
    });
    rows.collect()
}

fn without_spaces(code: &str) -> String {
    code.split_whitespace().collect()
}

#[test]
fn the_readmes_table_of_commands_is_what_is_compiled_here() {
    let written = rows_of_readme();
    let table: Vec<_> = ROWS
        .iter()
        .map(|(docker, code)| {
            format!("| `{docker}` | `{}` |", code.split_whitespace().collect::<Vec<_>>().join(" "))
        })
        .collect();
    let same = written.len() == ROWS.len()
        && written.iter().zip(ROWS).all(|((docker, code), row)| {
            docker == row.0 && without_spaces(code) == without_spaces(row.1)
        });
    assert!(same, "the README's table has to be:\n{}", table.join("\n"));
}
