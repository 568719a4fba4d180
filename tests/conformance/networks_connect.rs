//! How containers are connected to networks and taken off them, by all that `docker network connect` has.

use longshore::{blocking, Container, Endpoint, Engine, Network, NetworkRequest};

use super::client::{page, text_and_cause_of, text_of, web};
use super::networks::{
    api_version, client, fetch, free_subnet, free_subnet_of_ipv6, has_default_route, has_ipv6,
    server,
};
use super::support::{get, is_podman, TestResult};

/// The ports of a container by the engine's own words: `(port in it, port on the host)`.
fn host_port(container: &Container, port: u16) -> u16 {
    let inspect = get(&format!("/containers/{}/json", container.id()));
    let told = inspect["NetworkSettings"]["Ports"][format!("{port}/tcp")][0]["HostPort"].clone();
    told.as_str().and_then(|port| port.parse().ok()).unwrap_or_else(|| panic!("no port: {inspect}"))
}

/// The names of the networks that a container is on.
fn networks_of(container: &Container) -> Vec<String> {
    let inspect = get(&format!("/containers/{}/json", container.id()));
    let networks = inspect["NetworkSettings"]["Networks"].as_object().cloned().unwrap_or_default();
    networks.keys().cloned().collect()
}

#[tokio::test]
async fn a_running_container_that_is_connected_is_found_by_its_alias_until_it_is_disconnected(
) -> TestResult {
    let (home, network) = (Network::create().await?, Network::create().await?);
    let server = server().network(&home).publish("80").start().await?;
    let client = client().network(&network).start().await?;
    fetch(&client, "web").await.expect_err("it is not connected yet");

    network.connect_with(&server, Endpoint::new().alias("web").alias("shop")).await?;
    for host in ["web", "shop", server.name()] {
        assert_eq!(fetch(&client, host).await?, "hello\n", "by {host}");
    }
    assert_eq!(page(server.address(80)?)?, "hello\n", "its published port is still right");

    network.disconnect(&server).await?;
    fetch(&client, "web").await.expect_err("it is connected no more");
    assert!(!networks_of(&server).contains(&network.name().to_owned()));
    assert_eq!(page(server.address(80)?)?, "hello\n", "its published port is still right");

    network.connect(&server).await?;
    // Another one looks: on Podman the first one still knows the old hardware address of that IP address.
    let another = super::networks::client().network(&network).start().await?;
    assert_eq!(fetch(&another, server.name()).await?, "hello\n");
    network.disconnect_by_force(&server).await?;
    assert_eq!(networks_of(&server), [home.name()]);
    Ok(())
}

#[tokio::test]
async fn a_published_port_that_moves_with_the_networks_is_known() -> TestResult {
    let (first, second) = (Network::create().await?, Network::create().await?);
    let container = web([80]).network(&first).publish("80").start().await?;
    assert_eq!(container.address(80)?.port(), host_port(&container, 80));
    second.connect(&container).await?;
    first.disconnect(&container).await?;
    // Docker publishes it anew, on another port.
    assert_eq!(container.address(80)?.port(), host_port(&container, 80));
    assert_eq!(page(container.address(80)?)?, "I am 80\n");
    Ok(())
}

#[tokio::test]
async fn a_container_gets_the_addresses_that_are_asked_for() -> TestResult {
    let (net, net6) = (free_subnet(), free_subnet_of_ipv6());
    let ipv6 = has_ipv6().await?;
    let mut request = NetworkRequest::new().subnet(format!("{net}.0/24"));
    let mut endpoint = Endpoint::new().alias("web").ip(format!("{net}.77"));
    if ipv6 {
        request = request.ipv6().subnet(format!("{net6}::/64"));
        endpoint = endpoint.ip6(format!("{net6}::77"));
    }
    let network = request.create().await?;
    let server = server().start().await?;
    let client = client().network(&network).start().await?;
    network.connect_with(&server, endpoint).await?;

    let on_it = network.inspect().await?.containers();
    let told = on_it.iter().find(|told| told.id() == server.id()).expect("it is on it");
    assert_eq!(told.ipv4(), format!("{net}.77").parse().ok());
    let shown = server.exec(["ip", "-o", "addr"]).await?.ok()?.stdout_str()?.to_owned();
    assert!(shown.contains(&format!(" {net}.77/24 ")), "{shown}");
    assert_eq!(fetch(&client, &format!("{net}.77")).await?, "hello\n");
    if ipv6 {
        assert_eq!(told.ipv6(), format!("{net6}::77").parse().ok());
        assert!(shown.contains(&format!(" {net6}::77/64 ")), "{shown}");
    }
    Ok(())
}

#[tokio::test]
async fn a_stopped_container_is_connected_for_its_next_start() -> TestResult {
    let network = Network::create().await?;
    let server = server().stop_signal("KILL").start().await?;
    server.stop().await?;
    network.connect_with(&server, Endpoint::new().alias("web")).await?;
    server.start().await?;
    let client = client().network(&network).start().await?;
    let ready = "until wget -qO- http://web/ 2>/dev/null; do sleep 0.1; done";
    let output = client.exec(["timeout", "10", "sh", "-c", ready]).await?.ok()?;
    assert_eq!(output.stdout_str()?, "hello\n");
    Ok(())
}

#[tokio::test]
async fn links_options_and_more_addresses_reach_the_engine() -> TestResult {
    let network = NetworkRequest::new().subnet(format!("{}.0/24", free_subnet())).create().await?;
    let server = server().network(&network).start().await?;
    let client = client().start().await?;
    let link = format!("{}:shop", server.name());
    let endpoint =
        Endpoint::new().link(link).link_local_ip("169.254.34.68").driver_opt("colour", "red");
    network.connect_with(&client, endpoint).await?;
    // Podman has no links, no second address and keeps no options.
    if !is_podman() {
        assert_eq!(fetch(&client, "shop").await?, "hello\n");
        let shown = client.exec(["ip", "-o", "addr"]).await?.ok()?;
        assert!(shown.stdout_str()?.contains(" 169.254.34.68/16 "), "{shown:?}");
        let inspect = client.inspect().await?;
        let own = &inspect.raw()["NetworkSettings"]["Networks"][network.name()];
        assert_eq!(own["DriverOpts"]["colour"], "red");
    }
    Ok(())
}

#[tokio::test]
async fn the_way_out_is_chosen_by_priority_where_the_engine_can_do_so() -> TestResult {
    let (home, away) = (Network::create().await?, Network::create().await?);
    let container = client().network(&home).start().await?;
    let outcome = away.connect_with(&container, Endpoint::new().gw_priority(7)).await;
    if api_version().await? < [1, 48] {
        let error = outcome.unwrap_err();
        assert!(error.is_invalid_request());
        assert_eq!(
            text_of(&error).await.replace(away.name(), "NETWORK"),
            "the engine cannot choose a container's way out by priority\n  image: `busybox:1.35`\n  container: `NAME` \
             (ID)\n  network: `NETWORK`\n  engine: ENGINE\n  hint: leave `.gw_priority(..)` away, or use Docker 28 or newer"
        );
        assert!(away.inspect().await?.containers().is_empty(), "it is not connected all the same");
        return Ok(());
    }
    outcome?;
    let routes = container.exec(["ip", "route"]).await?.ok()?;
    let route = format!("default via {} ", away.inspect().await?.gateways()[0]);
    assert!(routes.stdout_str()?.lines().any(|line| line.starts_with(&route)), "{routes:?}");
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_with_an_endpoint_is_told_before_the_engine_is_asked() -> TestResult {
    let (network, container) = (Network::create().await?, client().start().await?);
    let error = network.connect_with(&container, Endpoint::new().ip("10.5.0")).await.unwrap_err();
    assert!(error.is_invalid_request());
    assert_eq!(
        text_of(&error).await.replace(network.name(), "NETWORK"),
        "`10.5.0` is not an address of IPv4\n  image: `busybox:1.35`\n  container: `NAME` (ID)\n  network: `NETWORK`\n  \
         engine: ENGINE\n  hint: write it as `10.5.0.80`, `fd00:5::80`"
    );
    assert!(network.inspect().await?.containers().is_empty());
    Ok(())
}

#[tokio::test]
async fn what_the_engine_refuses_names_the_container_and_the_network() -> TestResult {
    let net = free_subnet();
    let network = NetworkRequest::new().subnet(format!("{net}.0/24")).create().await?;
    let (first, second) = (client().network(&network).start().await?, client().start().await?);
    let named = "\n  image: `busybox:1.35`\n  container: `NAME` (ID)\n  network: `NETWORK`\n  engine: ENGINE";
    let connected = format!("the container could not be connected{named}");
    let check = |error: longshore::Error,
                 text: String,
                 words: &'static [&'static str],
                 name: String| async move {
        let (told, cause) = text_and_cause_of(&error).await;
        assert_eq!(told.replace(&name, "NETWORK"), text);
        assert!(words.iter().any(|word| cause.contains(word)), "{cause}");
    };
    let name = || network.name().to_owned();

    let taken = first.inspect().await?.ip_addresses()[0].1;
    let error = network.connect_with(&second, Endpoint::new().ip(taken)).await.unwrap_err();
    check(error, connected.clone(), &["Address already in use", "already allocated"], name()).await;
    // Docker notes it down all the same, and there is no undoing that while the container runs.
    assert!(networks_of(&second).len() == 1 || !is_podman(), "it is on its first network alone");
    let error = network.connect(&first).await.unwrap_err();
    let words = &["already exists in network", "already connected"];
    check(error, connected.clone(), words, name()).await;
    let error = network.disconnect(&second).await.unwrap_err();
    check(
        error,
        format!("the container could not be disconnected{named}"),
        &["not connected"],
        name(),
    )
    .await;
    let host = client().network("host").start().await?;
    let error = network.connect(&host).await.unwrap_err();
    check(error, connected.clone(), &["host", "not supported"], name()).await;

    // A network without a subnet that was chosen gives no fixed addresses on an older Docker.
    let plain = Network::create().await?;
    let subnet = plain.inspect().await?.subnets()[0].to_owned();
    let free = subnet.replace(".0/24", ".77").replace(".0/16", ".77").replace(".0/20", ".77");
    if let Err(error) = plain.connect_with(&second, Endpoint::new().ip(free)).await {
        let hint = "\n  hint: a fixed address needs a network with a `.subnet(..)` of its own";
        check(
            error,
            format!("{connected}{hint}"),
            &["user configured subnet"],
            plain.name().to_owned(),
        )
        .await;
    }

    network.remove().await?;
    let network = Network::create().await?;
    let id = network.id().to_owned();
    network.remove().await?;
    let networks = Engine::connect().await?.networks();
    let error = networks.connect(&id, &second, Endpoint::new()).await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    Ok(())
}

#[tokio::test]
async fn networks_that_nobody_holds_are_connected_to_by_name() -> TestResult {
    let networks = Engine::connect().await?.networks();
    let home = NetworkRequest::new().internal().create().await?;
    let container = client().network(&home).start().await?;
    let default = if is_podman() { "podman" } else { "bridge" };
    networks.connect(default, &container, Endpoint::new()).await?;
    let mut both = [default, home.name()];
    both.sort_unstable();
    assert_eq!(networks_of(&container), both);
    assert!(has_default_route(&container).await?, "it has a way out now");
    networks.disconnect(default, &container).await?;
    assert_eq!(networks_of(&container), [home.name()]);
    Ok(())
}

#[test]
fn a_blocking_handle_is_connected_like_any_other() -> TestResult {
    let network = blocking::block_on(Network::create())?;
    let server = server().start_blocking()?;
    let client = client().network(&network).start_blocking()?;
    blocking::block_on(network.connect_with(&server, Endpoint::new().alias("web")))?;
    let output = client.exec(["timeout", "5", "wget", "-qO-", "http://web/"])?.ok()?;
    assert_eq!(output.stdout_str()?, "hello\n");
    blocking::block_on(network.disconnect(&server))?;
    Ok(())
}
