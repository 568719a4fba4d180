//! Ports: every way to write one, where it is reached, and how it is asked for. Ports that somebody has are in
//! `ports_taken`.

use std::io::{ErrorKind, Write};
use std::net::{IpAddr, Shutdown, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use longshore::{Address, ContainerRequest, CopyIn};

use crate::client::{free_ports, page, shell, text_of, web, Mark};
use crate::support::{api, eventually, is_podman, TestResult, BUSYBOX};

/// A container with these words for its port 80; the addresses it got.
async fn addresses(words: &[&str]) -> longshore::Result<(longshore::Container, Vec<Address>)> {
    let request = words.iter().fold(web([80]), |request, word| request.publish(*word));
    let container = request.start().await?;
    let addresses = container.addresses(80)?;
    Ok((container, addresses))
}

/// One word gives one address, which answers.
async fn check(word: &str, host: &str, numbers: std::ops::RangeInclusive<u16>) -> TestResult {
    let (container, addresses) = addresses(&[word]).await?;
    let [address] = addresses.as_slice() else { panic!("`{word}` gave {addresses:?}") };
    assert_eq!(address.host(), host, "`{word}`");
    assert!(numbers.contains(&address.port()), "`{word}` gave {address}");
    // Podman accepts on ::1 and passes nothing on.
    if !(host == "::1" && is_podman()) {
        assert_eq!(page(address)?, "I am 80\n", "`{word}`");
    }
    container.remove().await?;
    Ok(())
}

#[tokio::test]
async fn a_container_port_alone_gets_a_random_port_on_loopback() -> TestResult {
    for word in ["80", ":80", "80/tcp", "127.0.0.1::80"] {
        check(word, "127.0.0.1", 1..=u16::MAX).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_host_port_is_the_one_that_was_asked_for() -> TestResult {
    for address in ["", "127.0.0.1:"] {
        let port = free_ports(1);
        check(&format!("{address}{port}:80"), "127.0.0.1", port..=port).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_range_of_host_ports_gives_one_of_them() -> TestResult {
    let first = free_ports(20);
    check(&format!("{first}-{}:80", first + 19), "127.0.0.1", first..=first + 19).await?;
    check(&format!("127.0.0.1:{first}-{}:80", first + 19), "127.0.0.1", first..=first + 19).await
}

#[tokio::test]
async fn ipv6_loopback_is_published_when_it_is_asked_for() -> TestResult {
    check("[::1]::80", "::1", 1..=u16::MAX).await?;
    let port = free_ports(1);
    check(&format!("[::1]:{port}:80"), "::1", port..=port).await
}

#[tokio::test]
async fn a_range_of_container_ports_is_mapped_one_to_one() -> TestResult {
    let first = free_ports(10);
    let container =
        web(5000..=5009).publish(format!("{first}-{}:5000-5009", first + 9)).start().await?;
    for offset in 0..10 {
        let address = container.address(5000 + offset)?;
        assert_eq!((address.host(), address.port()), ("127.0.0.1", first + offset));
        assert_eq!(page(&address)?, format!("I am {}\n", 5000 + offset));
    }
    container.remove().await?;

    let container = web(5000..=5002).publish("5000-5002").start().await?;
    for port in 5000..=5002 {
        assert_eq!(page(container.address(port)?)?, format!("I am {port}\n"));
    }
    container.remove().await?;
    Ok(())
}

#[tokio::test]
async fn the_same_port_can_be_published_more_than_once() -> TestResult {
    let port = free_ports(1);
    let (container, addresses) = addresses(&["80", &format!("{port}:80")]).await?;
    assert_eq!(addresses.len(), 2, "{addresses:?}");
    assert!(addresses.iter().any(|address| address.port() == port), "{addresses:?}");
    for address in &addresses {
        assert_eq!(page(address)?, "I am 80\n");
    }
    container.remove().await?;
    Ok(())
}

#[tokio::test]
async fn ipv4_comes_before_ipv6() -> TestResult {
    let (container, addresses) = addresses(&["[::1]::80", "127.0.0.1::80"]).await?;
    let hosts: Vec<_> = addresses.iter().map(Address::host).collect();
    assert_eq!(hosts, ["127.0.0.1", "::1"]);
    container.remove().await?;
    Ok(())
}

#[tokio::test]
async fn every_port_of_the_image_is_published_on_loopback_when_all_are() -> TestResult {
    let nginx = ContainerRequest::new("nginx:1.22").publish_all().start().await?;
    let address = nginx.address(80)?;
    assert_eq!(address.host(), "127.0.0.1");
    assert!(page(&address)?.contains("nginx"));
    let bindings = nginx.inspect().await?.raw()["NetworkSettings"]["Ports"]["80/tcp"].clone();
    assert_eq!(bindings.as_array().map(Vec::len), Some(1), "on no other address: {bindings}");
    nginx.remove().await?;
    Ok(())
}

#[tokio::test]
async fn what_is_published_and_exposed_is_published_once() -> TestResult {
    let port = free_ports(1);
    let request = web([80, 81]).publish(format!("{port}:80")).expose("80").expose("81");
    let container = request.start().await?;
    assert_eq!(page(container.address(80)?)?, "I am 80\n");
    // As with `docker run`, exposing alone publishes nothing.
    assert!(container.address(81).unwrap_err().is_not_published());
    container.remove().await?;

    let container = request.publish_all().start().await?;
    let published = container.addresses(80)?;
    assert_eq!(published.iter().map(Address::port).collect::<Vec<_>>(), [port]);
    assert_eq!(page(&published[0])?, "I am 80\n");
    assert_eq!(page(container.address(81)?)?, "I am 81\n");
    container.remove().await?;
    Ok(())
}

/// The IPv4 addresses of this network namespace that are not loopback (proc(5), `fib_trie`).
fn other_addresses() -> Vec<IpAddr> {
    let table = std::fs::read_to_string("/proc/net/fib_trie").unwrap_or_default();
    let mut last = None;
    let mut found: Vec<IpAddr> = Vec::new();
    for line in table.lines().map(str::trim) {
        if let Some(address) = line.strip_prefix("|-- ") {
            last = address.parse::<IpAddr>().ok();
        } else if line == "/32 host LOCAL" {
            let address = last.filter(|address| !address.is_loopback() && !found.contains(address));
            found.extend(address);
        }
    }
    found
}

fn connects(address: IpAddr, port: u16) -> Result<(), ErrorKind> {
    let tried = TcpStream::connect_timeout(&(address, port).into(), Duration::from_secs(2));
    tried.map(drop).map_err(|error| error.kind())
}

#[tokio::test]
async fn a_port_is_on_loopback_alone_unless_another_address_is_named() -> TestResult {
    let others = other_addresses();
    assert!(!others.is_empty(), "this machine has no address but loopback, so nothing can be seen");
    let (alone, on_loopback) = addresses(&["80"]).await?;
    let (shared, on_all) = addresses(&["0.0.0.0::80"]).await?;
    assert_eq!(on_all[0].host(), "127.0.0.1");
    assert_eq!(page(&on_all[0])?, "I am 80\n");
    let mut looked_at = 0;
    for other in others {
        let (alone, shared) =
            (connects(other, on_loopback[0].port()), page((other, on_all[0].port())));
        // Other tests make networks, whose addresses go when they do.
        if !other_addresses().contains(&other) {
            continue;
        }
        assert_eq!(alone, Err(ErrorKind::ConnectionRefused), "{other}");
        assert_eq!(shared?, "I am 80\n", "{other}");
        looked_at += 1;
    }
    assert!(looked_at > 0, "every address but loopback went meanwhile");
    longshore::remove_all([alone, shared]).await?;
    Ok(())
}

/// Sends until an answer comes; a datagram may be lost.
fn ask(address: &Address, question: &[u8]) -> std::io::Result<Vec<u8>> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(Duration::from_millis(200)))?;
    let mut answer = [0; 64];
    let mut count = 0;
    eventually("an answer over UDP", || {
        socket.send_to(question, address).is_ok()
            && socket.recv(&mut answer).map(|received| count = received).is_ok()
    });
    Ok(answer[..count].to_vec())
}

/// No small image has a server for UDP, so this program is one, in a container: it echoes UDP and TCP on port 53.
fn echo() -> ContainerRequest {
    let this_program = std::env::current_exe().expect("Linux tells");
    ContainerRequest::new("debian:bookworm-slim")
        .cmd(["/echo", "--exact", "ports::the_echo_server", "--ignored"])
        .copy(CopyIn::new(this_program, "/echo").mode(0o755))
        .env("ECHO", "yes")
}

#[test]
#[ignore = "run in a container by other tests"]
fn the_echo_server() -> TestResult {
    if std::env::var_os("ECHO").is_none() {
        return Ok(());
    }
    let tcp = TcpListener::bind("0.0.0.0:53")?;
    std::thread::spawn(move || {
        for stream in tcp.incoming().flatten() {
            let _ = std::io::copy(&mut &stream, &mut &stream);
        }
    });
    let udp = UdpSocket::bind("0.0.0.0:53")?;
    let mut datagram = [0; 1500];
    loop {
        let (count, from) = udp.recv_from(&mut datagram)?;
        udp.send_to(&datagram[..count], from)?;
    }
}

#[tokio::test]
async fn udp_is_answered() -> TestResult {
    let port = free_ports(1);
    let container = echo().publish(format!("{port}:53/udp")).start().await?;
    let address = container.address("53/udp")?;
    assert_eq!(address.to_string(), format!("127.0.0.1:{port}"));
    assert_eq!(ask(&address, b"hello")?, b"hello");
    assert!(container.address(53).is_err_and(|error| error.is_not_published()));
    container.remove().await?;
    Ok(())
}

#[tokio::test]
async fn tcp_and_udp_of_the_same_number_are_two_ports() -> TestResult {
    let container = echo().publish("53").publish("53/udp").start().await?;
    let (tcp, udp) = (container.address("53/tcp")?, container.address("53/udp")?);
    assert_eq!(container.address(53)?, tcp);
    assert_eq!(ask(&udp, b"datagram")?, b"datagram");
    let mut stream = TcpStream::connect(&tcp)?;
    stream.write_all(b"stream")?;
    stream.shutdown(Shutdown::Write)?;
    assert_eq!(std::io::read_to_string(stream)?, "stream");
    container.remove().await?;
    Ok(())
}

#[tokio::test]
async fn sctp_is_published_or_clearly_refused() -> TestResult {
    let mark = Mark::new();
    match mark.on(shell("exec sleep 600").publish("5000/sctp")).start().await {
        Ok(container) => {
            assert!(container.address("5000/sctp")?.port() > 0);
            assert!(container.address(5000).is_err_and(|error| error.is_not_published()));
            container.remove().await?;
        }
        // A kernel or an engine without it.
        Err(error) => {
            let text = error.to_string();
            assert!(
                text.contains("protocol not supported") || text.contains("SCTP is not allowed"),
                "{text}"
            );
        }
    }
    assert_eq!(mark.count(), 0);
    Ok(())
}

#[tokio::test]
async fn a_port_that_is_not_published_is_an_error_that_says_which_are() -> TestResult {
    let container =
        web([80]).publish("80").publish("53/udp").wait(longshore::Wait::port(80)).start().await?;
    let error = container.address(5432).unwrap_err();
    assert!(error.is_not_published());
    assert_eq!(
        text_of(&error).await,
        "port `5432/tcp` of the container is not published\n  image: `busybox:1.35`\n  container: `NAME` (ID)\n  engine: \
         ENGINE\n  published: `53/udp`, `80/tcp`\n  hint: publish it when the container is declared: `.publish(\"5432\")`"
    );
    let error = container.addresses("80/udp").unwrap_err();
    assert!(error.to_string().ends_with("`.publish(\"80/udp\")`"), "{error}");
    for (port, text) in [
        ("0", "`0` is not a container port: a container port cannot be 0\n  hint: ports go from 1 to 65535"),
        (
            "http",
            "`http` is not a container port: the container port `http` is not a number\n  hint: a port is a number from 1 \
             to 65535",
        ),
    ] {
        let error = container.address(port).unwrap_err();
        assert!(error.is_invalid_request());
        assert_eq!(error.to_string(), text);
    }
    container.remove().await?;
    Ok(())
}

#[tokio::test]
async fn what_only_the_image_exposes_is_not_published() -> TestResult {
    let container = ContainerRequest::new("nginx:1.22").start().await?;
    let error = container.address(80).unwrap_err();
    assert!(error.is_not_published());
    assert!(error.to_string().contains("\n  published: none\n"), "{error}");
    container.remove().await?;
    Ok(())
}

#[tokio::test]
async fn addresses_are_right_after_a_restart() -> TestResult {
    let fixed = free_ports(1);
    let container = web([80, 81]).publish("80").publish(format!("{fixed}:81")).start().await?;
    let answers = |port: u16| {
        let address = container.address(port).expect("it is published");
        eventually("an answer after the restart", || {
            page(&address).is_ok_and(|page| page == format!("I am {port}\n"))
        });
        address
    };
    container.restart().await?;
    answers(80);
    assert_eq!(answers(81).port(), fixed);
    // By somebody else's hand: the handle learns of it when it is started.
    assert_eq!(api("POST", &format!("/containers/{}/stop?t=0", container.id())).0, 204);
    assert_eq!(container.wait().await?, 137);
    container.start().await?;
    answers(80);
    assert_eq!(answers(81).port(), fixed);
    container.remove().await?;
    Ok(())
}

#[tokio::test]
async fn on_the_hosts_network_a_port_is_itself() -> TestResult {
    let port = free_ports(1);
    let container = web([port]).network("host").wait(longshore::Wait::port(port)).start().await?;
    let address = container.address(port)?;
    assert_eq!(address.to_string(), format!("127.0.0.1:{port}"));
    assert_eq!(page(&address)?, format!("I am {port}\n"));
    container.remove().await?;
    Ok(())
}

#[test]
fn an_address_is_what_any_connect_takes() -> TestResult {
    let container = web([80]).publish("80").start_blocking()?;
    let address = container.address(80)?;
    assert_eq!(address.as_str(), format!("{}:{}", address.host(), address.port()));
    assert_eq!(page(address.as_str())?, "I am 80\n");
    assert_eq!(page((address.host(), address.port()))?, "I am 80\n");
    assert_eq!(page(address.socket_addr()?)?, "I am 80\n");
    assert_eq!(String::from(address.clone()), address.to_string());
    assert_eq!(container.image(), BUSYBOX);
    container.remove()?;
    Ok(())
}
