//! Host ports that somebody has: walked past in a range, told where there is no other.

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::thread;

use longshore::{Container, ContainerRequest, Engine, Error};
use serde_json::{json, Value};

use crate::client::{failed_start, free_ports, page, shell, text_and_cause_of, web, Mark};
use crate::support::proxy::engine_socket;
use crate::support::{api, api_with, TestResult, BUSYBOX};

/// Somebody on this machine who listens on loopback.
fn listener(port: u16) -> TcpListener {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("the port was free")
}

/// Somebody else's container that has a port, made without longshore; gone when this is dropped.
struct Stranger(String);

impl Stranger {
    fn with_port(port: u16) -> Self {
        let body = json!({
            "Image": BUSYBOX, "Cmd": ["sleep", "600"], "ExposedPorts": { "80/tcp": {} },
            "HostConfig": { "PortBindings": { "80/tcp": [{ "HostIp": "", "HostPort": port.to_string() }] } },
        });
        let (status, told) = api_with("POST", "/containers/create", &body.to_string());
        assert_eq!(status, 201, "{told}");
        let created: Value = serde_json::from_str(&told).expect("JSON");
        let stranger = Stranger(created["Id"].as_str().expect("an id").to_owned());
        let (status, told) = api("POST", &format!("/containers/{}/start", stranger.0));
        assert_eq!(status, 204, "{told}");
        stranger
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        api("DELETE", &format!("/containers/{}?force=1&v=1", self.0));
    }
}

fn range(first: u16, count: u16) -> String {
    format!("{first}-{}:80", first + count - 1)
}

#[tokio::test]
async fn many_starts_at_once_get_different_ports_of_a_range() -> TestResult {
    const COUNT: u16 = 8;
    let first = free_ports(COUNT);
    let request = web([80]).publish(range(first, COUNT));
    let starts: Vec<_> = (0..COUNT).map(|_| tokio::spawn(request.start())).collect();
    let mut containers = Vec::new();
    for start in starts {
        containers.push(start.await??);
    }
    let ports = containers.iter().map(|container| Ok(container.address(80)?.port()));
    let ports = ports.collect::<longshore::Result<BTreeSet<u16>>>()?;
    assert_eq!(ports, (first..first + COUNT).collect());
    for container in &containers {
        assert_eq!(page(container.address(80)?)?, "I am 80\n");
    }

    // Now it is spent, also for one that comes late; what is given back can be had again.
    let error = failed_start(request.clone()).await;
    assert!(error.is_port_unavailable(), "{error}");
    let given_back = containers.remove(3);
    let port = given_back.address(80)?.port();
    given_back.remove().await?;
    let again = request.start().await?;
    assert_eq!(again.address(80)?.port(), port);
    containers.push(again);
    longshore::remove_all(containers).await?;
    Ok(())
}

#[tokio::test]
async fn several_ranges_of_one_request_and_the_same_range_twice_are_all_served() -> TestResult {
    let first = free_ports(2);
    let container = web([80, 81])
        .publish(range(first, 2))
        .publish(format!("{first}-{}:81", first + 1))
        .start()
        .await?;
    let ports = BTreeSet::from([container.address(80)?.port(), container.address(81)?.port()]);
    assert_eq!(ports, BTreeSet::from([first, first + 1]));
    assert_eq!(page(container.address(81)?)?, "I am 81\n");
    container.remove().await?;
    Ok(())
}

#[tokio::test]
async fn a_number_that_a_program_has_is_walked_past() -> TestResult {
    let first = free_ports(4);
    let _held: Vec<_> = [first, first + 1, first + 3].map(listener).into();
    let container = web([80]).publish(range(first, 4)).start().await?;
    assert_eq!(container.address(80)?.port(), first + 2);
    assert_eq!(page(container.address(80)?)?, "I am 80\n");
    container.remove().await?;
    Ok(())
}

#[tokio::test]
async fn a_number_that_the_engine_gave_to_another_container_is_walked_past() -> TestResult {
    let first = free_ports(3);
    web([80]).start().await?.remove().await?; // the image is here now
    let _strangers = [Stranger::with_port(first), Stranger::with_port(first + 2)];
    let container = web([80]).publish(range(first, 3)).start().await?;
    assert_eq!(container.address(80)?.port(), first + 1);
    container.remove().await?;
    Ok(())
}

/// The engine behind a TCP port of this machine, as one on another machine is reached. Lives as long as the process.
fn engine_over_tcp() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let engine = UnixStream::connect(engine_socket()).expect("the engine listens");
            let (mut asks, mut answers) = (
                client.try_clone().expect("a descriptor"),
                engine.try_clone().expect("a descriptor"),
            );
            thread::spawn(move || {
                let _ = io::copy(&mut asks, &mut &engine);
                let _ = engine.shutdown(Shutdown::Write);
            });
            thread::spawn(move || {
                let _ = io::copy(&mut answers, &mut &client);
                let _ = client.shutdown(Shutdown::Both);
            });
        }
    });
    Ok(address)
}

/// longshore as it is when the engine is elsewhere: it cannot see which ports are free there.
async fn remote_engine() -> Result<(Engine, String), Box<dyn std::error::Error>> {
    // An address of this machine that is not loopback: the one that leads to the containers.
    let container = shell("exec sleep 600").start().await?;
    let gateway = container.exec(["sh", "-c", "ip route | sed -n 's/^default via //p'"]).await?;
    let host = gateway.stdout_str()?.split(' ').next().unwrap_or_default().to_owned();
    container.remove().await?;
    let engine = Engine::connect_to(&format!("tcp://{host}:{}", engine_over_tcp()?.port())).await?;
    Ok((engine, host))
}

#[tokio::test]
async fn a_remote_engines_ports_are_on_its_host() -> TestResult {
    let (engine, host) = remote_engine().await?;
    let container = web([80]).publish("80").start_on(&engine).await?;
    let address = container.address(80)?;
    assert_eq!(address.host(), host);
    assert_eq!(page(&address)?, "I am 80\n");
    container.remove().await?;
    Ok(())
}

#[tokio::test]
async fn a_number_that_only_the_engine_can_see_is_walked_past() -> TestResult {
    let (engine, _) = remote_engine().await?;
    let first = free_ports(4);
    let _held: (Stranger, Vec<TcpListener>) = (
        Stranger::with_port(first),
        [first + 1, first + 3]
            .map(|port| {
                TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).expect("the port was free")
            })
            .into(),
    );
    let mark = Mark::new();
    let request =
        mark.on(web([80]).publish(range(first, 4)).copy_to("tests/data/index.html", "/copied"));
    let container: Container = request.start_on(&engine).await?;
    assert_eq!(container.address(80)?.port(), first + 2);
    assert!(
        container.exec(["test", "-s", "/copied"]).await?.success(),
        "the copies are made again"
    );
    assert_eq!(mark.count(), 1, "the attempts before it are gone");

    let error = request.start_on(&engine).await.map(drop).expect_err("all four are taken");
    assert!(error.is_port_unavailable(), "{error}");
    assert_eq!(mark.count(), 1);
    container.remove().await?;
    Ok(())
}

#[tokio::test]
async fn a_spent_range_is_an_error() -> TestResult {
    let first = free_ports(3);
    let _held: Vec<_> = [first, first + 1, first + 2].map(listener).into();
    let error = failed_start(web([80]).publish(range(first, 3))).await;
    assert!(error.is_port_unavailable());
    let (text, _) = text_and_cause_of(&error).await;
    assert_eq!(
        text,
        format!(
            "no host port of `{}` is free: all 3 are taken\n  image: `busybox:1.35`\n  engine: ENGINE\n  hint: give a \
             wider range, or leave it away for a random port: `.publish(\"80\")`",
            range(first, 3)
        )
    );
    Ok(())
}

async fn check_fixed(error: &Error, port: u16) {
    assert!(error.is_port_unavailable(), "{error}");
    let (text, cause) = text_and_cause_of(error).await;
    assert_eq!(
        text,
        format!(
            "the host port {port} of `{port}:80` is taken\n  image: `busybox:1.35`\n  engine: ENGINE\n  hint: stop who has \
             it, or have a free one: `.publish(\"80\")`"
        )
    );
    assert!(cause.contains("already"), "{cause}");
}

#[tokio::test]
async fn a_fixed_port_that_a_program_has_is_an_error() -> TestResult {
    let port = free_ports(1);
    let _held = listener(port);
    check_fixed(&failed_start(web([80]).publish(format!("{port}:80"))).await, port).await;
    Ok(())
}

#[tokio::test]
async fn a_fixed_port_that_a_container_has_is_an_error() -> TestResult {
    let port = free_ports(1);
    let request: ContainerRequest = web([80]).publish(format!("{port}:80"));
    let first = request.start().await?;
    check_fixed(&failed_start(request.clone()).await, port).await;
    first.remove().await?;
    // And free again at once.
    let second = request.start().await?;
    assert_eq!(page(second.address(80)?)?, "I am 80\n");
    second.remove().await?;
    Ok(())
}

#[tokio::test]
async fn a_taken_fixed_port_beside_a_range_is_told_and_not_tried_for_ever() -> TestResult {
    let first = free_ports(4);
    let _held: TcpStream = {
        // A connection of somebody's own end holds the number as a listener does.
        let server = listener(first + 3);
        let client = TcpStream::connect(server.local_addr()?)?;
        thread::spawn(move || server.accept().map(|_| thread::park()));
        client
    };
    let error =
        failed_start(web([80, 81]).publish(range(first, 3)).publish(format!("{}:81", first + 3)))
            .await;
    assert!(error.is_port_unavailable(), "{error}");
    assert_eq!(error.summary(), format!("the host port {0} of `{0}:81` is taken", first + 3));
    Ok(())
}

#[tokio::test]
async fn two_random_host_ports_of_one_port_are_two() -> TestResult {
    let container = web([80]).publish("80").publish("80").start().await?;
    let addresses = container.addresses(80)?;
    assert_eq!(addresses.len(), 2, "{addresses:?}");
    for address in &addresses {
        assert_eq!(page(address)?, "I am 80\n");
    }
    Ok(())
}
