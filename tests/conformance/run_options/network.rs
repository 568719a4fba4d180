//! How a container is reached, and what it reaches.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use longshore::{Container, ContainerRequest, Wait};
use serde_json::json;

use super::{idle, say, says, speaks};
use crate::client::{failed_start, page, text_and_cause_of, text_of, web};
use crate::support::{api, api_with, is_podman, unique, TestResult};

/// A network with a subnet, made by hand and removed at the end.
struct Net {
    name: String,
    /// The first three numbers of its addresses.
    stem: String,
}

impl Net {
    fn new() -> Self {
        let name = unique("opts");
        // Others choose subnets at the same time.
        let first = std::process::id() % 100;
        for number in 0..100 {
            let stem = format!("10.{}.{}", 110 + (first + number) % 100, number);
            let config = json!({ "Config": [{ "Subnet": format!("{stem}.0/24") }] });
            let body = json!({ "Name": name, "Driver": "bridge", "IPAM": config });
            match api_with("POST", "/networks/create", &body.to_string()) {
                (200 | 201, _) => return Net { name, stem },
                (_, text) => assert!(text.contains("overlap") || text.contains("used"), "{text}"),
            }
        }
        panic!("no subnet is free");
    }

    fn ip(&self, last: u8) -> String {
        format!("{}.{last}", self.stem)
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        api("DELETE", &format!("/networks/{}", self.name));
    }
}

/// The page that a container gets from a name. Podman's DNS may need a moment to know a new one.
async fn page_in(container: &Container, name: &str) -> longshore::Result<String> {
    let get = format!("wget -qO- http://{name}");
    say(container, &format!("for i in 1 2 3 4 5 6 7 8 9; do {get} && exit; sleep 0.3; done; {get}"))
        .await
}

/// The addresses that a container sees on itself.
const ADDRESSES: &str = "ip -4 -o addr | awk '{ print $4 }' | cut -d/ -f1 | grep -v ^127 | sort";

#[tokio::test]
async fn several_networks_with_a_name_and_an_address_on_each() -> TestResult {
    let (front, back) = (Net::new(), Net::new());
    let container = web([80])
        .network(format!("name={},alias=shop,ip={}", front.name, front.ip(77)))
        .network(format!("name={},alias=db,alias=store,ip={}", back.name, back.ip(88)))
        .publish("80")
        .start()
        .await?;
    assert_eq!(page(container.address(80)?)?, "I am 80\n");
    let addresses = say(&container, ADDRESSES).await?;
    let mut expected = [front.ip(77), back.ip(88)];
    expected.sort();
    assert_eq!(addresses.lines().collect::<Vec<_>>(), expected);
    for (net, names) in [(&front, &["shop"][..]), (&back, &["db", "store"])] {
        let other = idle().network(&net.name).start().await?;
        for name in names {
            assert_eq!(page_in(&other, name).await?, "I am 80");
        }
    }
    let stranger = idle().network(&back.name).start().await?;
    let output = stranger.exec(["wget", "-qO-", "http://shop"]).await?;
    assert!(output.stderr_str()?.contains("bad address"), "{output:?}");
    Ok(())
}

#[tokio::test]
async fn several_networks_in_short() -> TestResult {
    let (one, two) = (Net::new(), Net::new());
    let container = web([80])
        .network(&one.name)
        .network_alias("shop")
        .ip(one.ip(9))
        .network(&two.name)
        .start()
        .await?;
    let addresses = say(&container, ADDRESSES).await?;
    assert!(addresses.lines().any(|line| line == one.ip(9)), "{addresses}");
    assert_eq!(addresses.lines().count(), 2, "{addresses}");
    let other = idle().network(&one.name).start().await?;
    assert_eq!(page_in(&other, "shop").await?, "I am 80");
    // Both are there from the first line of its command on.
    let first = idle().cmd(["sh", "-c", &format!("{ADDRESSES}; exec sleep 600")]);
    let first = first.network(&one.name).network(&two.name);
    drop(first.wait(Wait::log_matches("(?s)10.*10")).start().await?);
    Ok(())
}

#[tokio::test]
async fn a_mac_address_on_each_network() -> TestResult {
    let (one, two) = (Net::new(), Net::new());
    let macs = "cat /sys/class/net/*/address | grep ^02:00 | sort";
    let request = idle().network(&one.name).mac_address("02:00:00:00:00:03");
    assert_eq!(says(request, macs).await?, "02:00:00:00:00:03");
    let long =
        |net: &Net, last: u8| format!("name={},mac-address=02:00:00:00:00:0{last}", net.name);
    assert_eq!(says(idle().network(long(&one, 4)), macs).await?, "02:00:00:00:00:04");
    let both = idle().network(long(&one, 1)).network(long(&two, 2));
    if is_podman() || speaks(1, 44) {
        assert_eq!(says(both, macs).await?, "02:00:00:00:00:01\n02:00:00:00:00:02");
        return Ok(());
    }
    // It would be passed over.
    let error = failed_start(both).await;
    assert_eq!(
        text_of(&error).await,
        "`mac-address` on a second network needs version 1.44 of the engine's API
  because: the engine speaks version 1.41
  image: `busybox:1.35`
  engine: ENGINE
  hint: use a newer engine, or leave it away"
    );
    Ok(())
}

#[tokio::test]
async fn a_link_to_another_container() -> TestResult {
    if is_podman() {
        let error = failed_start(idle().link("db")).await;
        assert!(error.to_string().contains("link is not supported"), "{error}");
        return Ok(());
    }
    let other = web([80]).start().await?;
    let container = idle().link(format!("{}:database", other.name())).start().await?;
    assert_eq!(page_in(&container, "database").await?, "I am 80");
    let net = Net::new();
    let other = web([80]).network(&net.name).start().await?;
    let container =
        idle().network(&net.name).link(format!("{}:neighbour", other.name())).start().await?;
    assert_eq!(page_in(&container, "neighbour").await?, "I am 80");
    Ok(())
}

#[tokio::test]
async fn names_in_etc_hosts() -> TestResult {
    let request = idle().add_host("db:10.1.2.3").add_host("six=fd00::1");
    let with_host = request.clone().add_host("host.docker.internal:host-gateway");
    let hosts = match says(with_host, "cat /etc/hosts").await {
        Ok(hosts) => hosts,
        Err(error) => {
            // Podman 4.3 would write the word itself into the file.
            assert_eq!(error.summary(), "`host-gateway` needs Podman 4.7");
            says(request.add_host("host.docker.internal:10.1.2.4"), "cat /etc/hosts").await?
        }
    };
    let address = |name: &str| {
        let line = hosts.lines().find(|line| line.split_whitespace().any(|word| word == name));
        line.and_then(|line| line.split_whitespace().next()).map(str::to_owned)
    };
    assert_eq!(address("db").as_deref(), Some("10.1.2.3"));
    assert_eq!(address("six").as_deref(), Some("fd00::1"));
    assert!(
        address("host.docker.internal").is_some_and(|ip| ip.parse::<std::net::IpAddr>().is_ok()),
        "{hosts}"
    );
    Ok(())
}

#[tokio::test]
async fn servers_and_domains_of_dns() -> TestResult {
    let request = idle().dns("10.9.8.7").dns_search("example.org").dns_option("ndots:3");
    let text = says(request, "cat /etc/resolv.conf").await?;
    for line in ["nameserver 10.9.8.7", "search example.org", "options ndots:3"] {
        assert!(text.lines().any(|one| one.starts_with(line)), "{line} in {text}");
    }
    Ok(())
}

#[tokio::test]
async fn the_network_of_another_container_of_the_host_and_none() -> TestResult {
    let other = web([80]).start().await?;
    let guest = idle().network(format!("container:{}", other.name())).start().await?;
    assert_eq!(say(&guest, "wget -qO- http://127.0.0.1").await?, "I am 80");
    assert_eq!(says(idle().network("none"), "ls /sys/class/net | grep -v lo || true").await?, "");
    let names = "ls /sys/class/net | tr '\\n' ' '";
    let inside = says(idle().network("host"), names).await?;
    assert_ne!(inside, says(idle(), names).await?);
    Ok(())
}

/// What a Redis on this address says to `PING`.
fn ping(address: &longshore::Address) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((address.host(), address.port()))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.write_all(b"PING\r\n")?;
    let mut answer = [0; 7];
    stream.read_exact(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[tokio::test]
async fn all_ports_that_the_image_exposes_are_published_and_awaited() -> TestResult {
    let redis = ContainerRequest::new("redis:7.0").publish_all().start().await?;
    assert_eq!(ping(&redis.address(6379)?)?, "+PONG\r\n");
    let container = web([80, 81]).expose("80-81").publish_all().start().await?;
    assert_eq!(page(container.address(80)?)?, "I am 80\n");
    assert_eq!(page(container.address(81)?)?, "I am 81\n");
    Ok(())
}

#[tokio::test]
async fn an_exposed_port_is_not_published() -> TestResult {
    let container = idle().expose(80).expose("53/udp").start().await?;
    let exposed = &super::inspected(&container)["Config"]["ExposedPorts"];
    assert!(exposed["80/tcp"].is_object() && exposed["53/udp"].is_object(), "{exposed}");
    assert!(container.address(80).unwrap_err().is_not_published());
    Ok(())
}

#[tokio::test]
async fn a_network_that_is_not_there_is_told() -> TestResult {
    let net = Net::new();
    for request in [
        idle().network("longshore-no-such-network"),
        idle().network(&net.name).network("longshore-no-such-network"),
    ] {
        let error = failed_start(request).await;
        let hint = "make the network first: `NetworkRequest`, or `docker network create`";
        let text = text_and_cause_of(&error).await.0;
        assert!(text.ends_with(&format!("\n  engine: ENGINE\n  hint: {hint}")), "{text}");
        assert!(error.to_string().contains("longshore-no-such-network"), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn an_address_of_version_six() -> TestResult {
    let name = unique("opts6");
    let subnet =
        format!("fd{:02x}:{:x}::/64", std::process::id() % 250, std::process::id() % 65000);
    let ip = subnet.replace("::/64", "::77");
    let body =
        json!({ "Name": name, "EnableIPv6": true, "IPAM": { "Config": [{ "Subnet": subnet }] } });
    let (status, text) = api_with("POST", "/networks/create", &body.to_string());
    assert!(status < 300, "{text}");
    let outcome = says(idle().network(&name).ip6(&ip), "ip -6 -o addr").await;
    api("DELETE", &format!("/networks/{name}"));
    let addresses = outcome?;
    assert!(addresses.contains(&ip), "{addresses}");
    Ok(())
}
