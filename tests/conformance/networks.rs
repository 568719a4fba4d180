//! Networks: made, told about, talked over, removed. How containers are connected to them is in `networks_connect`, those
//! that a process has in common are in `networks_shared`.

use std::panic::{catch_unwind, AssertUnwindSafe};

use longshore::{
    Container, ContainerRequest, Engine, Error, Network, NetworkFilters, NetworkRequest, Wait,
};
use rand::Rng;

use super::client::{shell, text_and_cause_of, text_of};
use super::support::proxy::{Action, Proxy};
use super::support::{
    api, api_with, exists, get, is_podman, network_exists, networks_labelled, remove_kept, unique,
    TestResult,
};

/// A subnet that nobody else has: `10.123.45` of `10.123.45.0/24`.
pub(crate) fn free_subnet() -> String {
    let mut random = rand::thread_rng();
    format!("10.{}.{}", random.gen_range(90..250), random.gen_range(0..256))
}

/// The same of IPv6: `fd12:3456:789a` of `fd12:3456:789a::/64`.
pub(crate) fn free_subnet_of_ipv6() -> String {
    let random: u64 = rand::thread_rng().gen();
    format!(
        "fd{:02x}:{:x}:{:x}",
        random >> 56,
        (random >> 16) as u16 | 0x1000,
        random as u16 | 0x1000
    )
}

/// A web server that says hello.
pub(crate) fn server() -> ContainerRequest {
    shell("mkdir /www; echo hello > /www/index.html; echo ready; exec httpd -f -h /www")
        .wait(Wait::log("ready"))
        .wait(Wait::exec(["wget", "-qO-", "http://127.0.0.1/"]))
}

/// A container that does nothing until it is told to.
pub(crate) fn client() -> ContainerRequest {
    shell("exec sleep 600")
}

/// What `client` gets from the server on `host`; its error if it gets nothing.
pub(crate) async fn fetch(client: &Container, host: &str) -> longshore::Result<String> {
    let url = format!("http://{host}/");
    let output = client.exec(["timeout", "5", "wget", "-qO-", &url]).await?.ok()?;
    Ok(output.stdout_str()?.to_owned())
}

/// Whether the containers of this engine can have addresses of IPv6. If not, that is said, and in CI it fails.
pub(crate) async fn has_ipv6() -> longshore::Result<bool> {
    let look = ["test", "-e", "/proc/net/if_inet6"];
    let has = client().start().await?.exec(look).await?.success();
    if !has {
        assert!(std::env::var_os("CI").is_none(), "the engine's machine has no IPv6");
        #[allow(clippy::print_stderr, reason = "a test that shows nothing has to say so")]
        {
            eprintln!(
                "skipped: the engine's machine has no IPv6 (boot it without `ipv6.disable=1`)"
            );
        }
    }
    Ok(has)
}

/// The version of the API that the engine has, such as `[1, 41]`.
pub(crate) async fn api_version() -> longshore::Result<[u32; 2]> {
    let engine = Engine::connect().await?;
    let parts: Vec<_> = engine.version().api().split('.').collect();
    let number = |part: usize| parts[part].parse().expect("a number");
    Ok([number(0), number(1)])
}

/// Whether a container has a route to everywhere.
pub(crate) async fn has_default_route(container: &Container) -> longshore::Result<bool> {
    let routes = container.exec(["ip", "route"]).await?.ok()?;
    let has = routes.stdout_str()?.lines().any(|line| line.starts_with("default via "));
    Ok(has)
}

async fn refused(request: NetworkRequest) -> Error {
    let label = unique("refused");
    let outcome = request.label("test", &label).create().await;
    let error = outcome.map(|network| network.name().to_owned()).expect_err("it is refused");
    assert_eq!(networks_labelled(&format!("test={label}")), [""; 0], "left after: {error}");
    error
}

#[tokio::test]
async fn two_containers_talk_by_alias_and_by_name() -> TestResult {
    let network = Network::create().await?;
    let server =
        server().network(&network).network_alias("web").network_alias("shop").start().await?;
    let client = client().network(&network).start().await?;
    for host in ["web", "shop", server.name()] {
        assert_eq!(fetch(&client, host).await?, "hello\n", "by {host}");
    }
    let inspect = network.inspect().await?;
    let mut names = [server.name(), client.name()];
    names.sort_unstable();
    let on_it = inspect.containers();
    assert_eq!(on_it.iter().map(|container| container.name()).collect::<Vec<_>>(), names);
    for container in [&server, &client] {
        let told = on_it.iter().find(|told| told.id() == container.id()).expect("it is on it");
        let own = container.inspect().await?.ip_addresses()[0].1;
        assert_eq!(told.ipv4().map(std::net::IpAddr::V4), Some(own));
        assert_eq!(told.mac_address().len(), 17, "{:?}", told.raw());
    }
    Ok(())
}

#[tokio::test]
async fn containers_on_different_networks_do_not_see_each_other() -> TestResult {
    let (one, other) = (Network::create().await?, Network::create().await?);
    let server = server().network(&one).network_alias("web").start().await?;
    let near = client().network(&one).start().await?;
    let far = client().network(&other).start().await?;
    assert_eq!(fetch(&near, "web").await?, "hello\n");
    fetch(&far, "web").await.expect_err("the name is not known there");
    assert!(server.inspect().await?.is_running());
    Ok(())
}

#[tokio::test]
async fn a_fresh_one_has_a_name_and_a_subnet_of_its_own() -> TestResult {
    let networks = futures::future::try_join_all((0..3).map(|_| Network::create())).await?;
    for network in &networks {
        assert!(network.name().starts_with("longshore-"), "{}", network.name());
        let raw = get(&format!("/networks/{}", network.name()));
        assert_eq!(raw["Id"], network.id());
        let inspect = network.inspect().await?;
        assert_eq!((inspect.id(), inspect.name()), (network.id(), network.name()));
        assert_eq!((inspect.driver(), inspect.scope()), ("bridge", "local"));
        assert!(!inspect.is_internal() && !inspect.is_ipv6() && !inspect.is_attachable());
        assert_eq!((inspect.subnets().len(), inspect.gateways().len()), (1, 1));
        assert!(inspect.containers().is_empty());
        assert!(inspect.labels().contains_key("org.longshore.owner"));
        assert!(inspect.created().starts_with("20"), "{}", inspect.created());
        assert_eq!(String::from(network), network.name());
        assert_eq!(network.engine().address(), Engine::connect().await?.address());
    }
    assert_ne!(networks[0].inspect().await?.subnets(), networks[1].inspect().await?.subnets());
    Ok(())
}

#[tokio::test]
async fn what_is_asked_for_is_what_the_engine_says() -> TestResult {
    let (name, net, net6) = (unique("asked"), free_subnet(), free_subnet_of_ipv6());
    let mut request = NetworkRequest::new()
        .name(&name)
        .driver("bridge")
        .internal()
        .attachable()
        .ipv6()
        .scope("local")
        .subnet(format!("{net}.0/24"))
        .gateway(format!("{net}.9"))
        .ip_range(format!("{net}.128/25"))
        .subnet(format!("{net6}::/64"))
        .gateway(format!("{net6}::9"))
        .opt("com.docker.network.driver.mtu", "1400")
        .label("project", "shop");
    // Podman would give it away all the same.
    let reserving = request.clone().aux_address("router", format!("{net}.129"));
    if is_podman() {
        let error = refused(reserving).await;
        assert!(error.is_invalid_request());
        assert_eq!(
            text_of(&error).await,
            "the engine sets no addresses aside\n  engine: ENGINE\n  hint: leave `.aux_address(..)` away, and give \
             `.ip_range(..)` without them"
        );
    } else {
        request = reserving;
    }
    let network = request.create().await?;
    let inspect = network.inspect().await?;
    assert_eq!((inspect.name(), inspect.id()), (name.as_str(), network.id()));
    assert!(inspect.is_internal() && inspect.is_ipv6());
    let mut subnets = inspect.subnets();
    subnets.sort_unstable();
    assert_eq!(subnets, [format!("{net}.0/24"), format!("{net6}::/64")]);
    assert_eq!(inspect.labels()["project"], "shop");
    let client = client().network(&network).start().await?;
    let shown =
        client.exec(["sh", "-c", "ip -o addr show eth0; cat /sys/class/net/eth0/mtu"]).await?;
    let shown = shown.stdout_str()?.to_owned();
    // The first address of the range that is nobody else's.
    let own: std::net::Ipv4Addr =
        network.inspect().await?.containers()[0].ipv4().expect("an address");
    assert!(shown.contains(&format!(" {own}/24 ")), "{shown}");
    assert!(shown.contains(&format!(" {net6}:")), "{shown}");
    assert!(own.octets()[3] >= 128, "{own}");
    assert!(own.octets()[3] != 129 || is_podman(), "that is the router's");
    // Podman tells less of a network through Docker's API, and gives no internal one a gateway.
    if !is_podman() {
        assert!(inspect.is_attachable());
        assert_eq!(inspect.options()["com.docker.network.driver.mtu"], "1400");
        assert!(shown.ends_with("1400\n"), "{shown}");
        let gateways: Vec<_> = inspect.gateways().iter().map(ToString::to_string).collect();
        assert_eq!(gateways.len(), 2, "{:?}", inspect.raw());
        assert!(gateways.contains(&format!("{net}.9")) && gateways.contains(&format!("{net6}::9")));
        let pools = inspect.raw()["IPAM"]["Config"].as_array().expect("a list").clone();
        let pool = pools.iter().find(|pool| pool["Subnet"] == format!("{net}.0/24")).expect("ours");
        assert_eq!(pool["IPRange"], format!("{net}.128/25"));
        assert_eq!(pool["AuxiliaryAddresses"]["router"], format!("{net}.129"));
    }
    Ok(())
}

#[tokio::test]
async fn an_ipam_driver_and_its_options_reach_the_engine() -> TestResult {
    let request = NetworkRequest::new().ipam_driver("default").ipam_opt("size", "small");
    let network = request.create().await?;
    // Podman has options of its own there.
    if !is_podman() {
        let ipam = network.inspect().await?.raw()["IPAM"].clone();
        assert_eq!(
            (ipam["Driver"].as_str(), ipam["Options"]["size"].as_str()),
            (Some("default"), Some("small"))
        );
    }
    Ok(())
}

#[tokio::test]
async fn an_internal_network_has_no_way_out_though_its_containers_talk() -> TestResult {
    let open = Network::create().await?;
    let outward = client().network(&open).start().await?;
    assert!(has_default_route(&outward).await?, "a network as usual has a way out");

    let network = NetworkRequest::new().internal().create().await?;
    assert!(network.inspect().await?.is_internal());
    let server = server().network(&network).network_alias("web").start().await?;
    let client = client().network(&network).start().await?;
    assert_eq!(fetch(&client, "web").await?, "hello\n");
    // An older Docker leaves the route and closes the way by its firewall, which is seen only by somebody further out.
    if is_podman() || api_version().await? >= [1, 44] {
        for container in [&server, &client] {
            assert!(!has_default_route(container).await?, "an internal network has none");
        }
    }
    Ok(())
}

#[tokio::test]
async fn on_a_network_with_ipv6_containers_reach_each_other_by_their_global_addresses() -> TestResult
{
    if !has_ipv6().await? {
        return Ok(());
    }
    let net6 = free_subnet_of_ipv6();
    for request in
        [NetworkRequest::new().ipv6(), NetworkRequest::new().ipv6().subnet(format!("{net6}::/64"))]
    {
        let network = request.create().await?;
        let inspect = network.inspect().await?;
        assert!(inspect.is_ipv6());
        assert!(inspect.subnets().iter().any(|subnet| subnet.contains(':')), "{:?}", inspect.raw());
        let server = server().network(&network).network_alias("web").start().await?;
        let client = client().network(&network).start().await?;
        let addresses = server.inspect().await?;
        let addresses = addresses.ip_addresses();
        let own = addresses.iter().map(|(_, address)| address).find(|address| address.is_ipv6());
        let own = *own.expect("an address of IPv6");
        let on_it = network.inspect().await?.containers();
        let told = on_it.iter().find(|told| told.id() == server.id()).expect("it is on it");
        assert_eq!(told.ipv6().map(std::net::IpAddr::V6), Some(own));
        // The kernel first looks whether somebody else has the address.
        let look = "until ip -6 addr show dev eth0 scope global | grep -q inet6 && ! ip -6 addr | grep -q tentative; do \
                    sleep 0.1; done";
        for container in [&server, &client] {
            let settled = container.exec(["timeout", "10", "sh", "-c", look]).await?;
            assert!(settled.success(), "{settled:?}");
        }
        assert_eq!(fetch(&client, &format!("[{own}]")).await?, "hello\n");
        if !is_podman() {
            // Docker has IPv4 beside it.
            assert!(told.ipv4().is_some());
            assert_eq!(fetch(&client, "web").await?, "hello\n");
        }
    }
    Ok(())
}

#[tokio::test]
async fn without_ipv4_where_the_engine_can_do_so() -> TestResult {
    let request = NetworkRequest::new().ipv6().no_ipv4();
    if api_version().await? < [1, 48] {
        let error = refused(request).await;
        assert!(error.is_invalid_request());
        assert_eq!(
            text_of(&error).await,
            "the engine makes no networks without IPv4\n  engine: ENGINE\n  hint: leave `.no_ipv4()` away, or use Docker 28 \
             or newer"
        );
        return Ok(());
    }
    let network = request.create().await?;
    let client = client().network(&network).start().await?;
    let told = network.inspect().await?.containers().remove(0);
    assert_eq!(told.ipv4(), None);
    assert!(told.ipv6().is_some());
    let shown = client.exec(["ip", "-4", "addr", "show", "dev", "eth0"]).await?;
    assert_eq!(shown.stdout_str()?, "");
    Ok(())
}

#[tokio::test]
async fn a_dropped_handle_means_gone_and_so_does_remove() -> TestResult {
    let network = Network::create().await?;
    let id = network.id().to_owned();
    assert!(network_exists(&id));
    drop(network);
    assert!(!network_exists(&id), "the network is still there when the drop has returned");

    let network = Network::create().await?;
    let id = network.id().to_owned();
    network.remove().await?;
    assert!(!network_exists(&id));
    Ok(())
}

#[tokio::test]
async fn a_panic_over_it_removes_it() -> TestResult {
    let network = Network::create().await?;
    let id = network.id().to_owned();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let _network = network;
        panic!("this panic belongs to the test");
    }));
    assert!(outcome.is_err());
    assert!(!network_exists(&id));
    Ok(())
}

#[tokio::test]
async fn dropped_before_its_containers_it_goes_and_they_go_on() -> TestResult {
    let network = Network::create().await?;
    let id = network.id().to_owned();
    let running = client().network(&network).start().await?;
    let stopped = client().stop_signal("KILL").network(&network).start().await?;
    stopped.stop().await?;
    drop(network);
    assert!(!network_exists(&id));
    assert!(running.inspect().await?.is_running(), "a container is nobody's to end");
    assert!(running.exec(["true"]).await?.success());
    let ids = [running.id().to_owned(), stopped.id().to_owned()];
    drop((running, stopped));
    assert!(ids.iter().all(|id| !exists(id)));
    Ok(())
}

#[tokio::test]
async fn one_that_somebody_else_has_removed_is_fine() -> TestResult {
    let (first, second) = (Network::create().await?, Network::create().await?);
    for network in [&first, &second] {
        let (status, told) = api("DELETE", &format!("/networks/{}", network.id()));
        assert_eq!(status, 204, "{told}");
    }
    let error = first.inspect().await.unwrap_err();
    assert!(error.is_not_found(), "{error}");
    first.remove().await?;
    drop(second);
    Ok(())
}

#[tokio::test]
async fn kept_it_stays() -> TestResult {
    let network = Network::create().await?;
    let name = network.name().to_owned();
    let kept = network.keep().await?;
    assert_eq!(kept.name(), name);
    let there = network_exists(kept.id());
    remove_kept(&format!("/networks/{}", kept.id()));
    assert!(there);
    assert!(!network_exists(kept.id()));
    Ok(())
}

#[tokio::test]
async fn twenty_at_once_all_are_different() -> TestResult {
    let networks = futures::future::join_all((0..20).map(|_| Network::create())).await;
    let networks: Vec<_> = networks.into_iter().collect::<Result<_, _>>()?;
    let mut subnets = std::collections::BTreeSet::new();
    for network in &networks {
        let inspect = network.inspect().await?;
        assert!(subnets.insert(inspect.subnets()[0].to_owned()), "{subnets:?}");
    }
    let ids: Vec<_> = networks.iter().map(|network| network.id().to_owned()).collect();
    drop(networks);
    assert!(ids.iter().all(|id| !network_exists(id)));
    Ok(())
}

#[tokio::test]
async fn a_name_that_somebody_has() -> TestResult {
    let name = unique("taken");
    let request = NetworkRequest::new().name(&name);
    let first = request.create().await?;
    assert_eq!(first.name(), name);
    let error = refused(request.clone()).await;
    assert!(error.is_name_taken(), "{error}");
    let (text, cause) = text_and_cause_of(&error).await;
    assert_eq!(
        text,
        format!(
            "the name `{name}` is taken by another network\n  engine: ENGINE\n  hint: remove it (`docker network rm \
             {name}`), or leave `.name(..)` away to have a free one"
        )
    );
    assert!(cause.contains("already"), "{cause}");
    assert!(network_exists(first.id()), "whoever has it keeps it");
    first.remove().await?;
    request.create().await?.remove().await?;

    // Somebody's who does not use longshore.
    let (status, told) = api_with("POST", "/networks/create", &format!(r#"{{"Name":"{name}"}}"#));
    assert_eq!(status, 201, "{told}");
    let error = refused(request).await;
    let still = network_exists(&name);
    api("DELETE", &format!("/networks/{name}"));
    assert!(error.is_name_taken() && still, "{error}");
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_is_told_before_anything_is_asked() -> TestResult {
    let proxy = Proxy::start();
    let engine = Engine::connect_to(&proxy.address()).await?;
    proxy.forget();
    let request = NetworkRequest::new().name("my net").subnet("10.5.0.0").gateway("10.5.0.1");
    let error = request.create_on(&engine).await.unwrap_err();
    assert!(error.is_invalid_request());
    assert_eq!(
        error.to_string(),
        "2 things are wrong with the request\n  network: `my net`\n  wrong: `my net` is not a network's name (a name has \
         letters, digits, `_`, `.` or `-`, and begins with a letter or a digit)\n    `10.5.0.0` is not a subnet: its prefix \
         is missing (say how many bits its addresses have in common: `10.5.0.0/24`)"
    );
    let error = Network::shared_on(&engine, "my net").await.unwrap_err();
    assert!(
        error.is_invalid_request() && error.summary() == "`my net` is not a network's name",
        "{error}"
    );
    assert_eq!(proxy.calls(), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_subnet_that_another_network_has() -> TestResult {
    let request = NetworkRequest::new().subnet(format!("{}.0/24", free_subnet()));
    let first = request.create().await?;
    let error = refused(request).await;
    assert!(error.is_subnet_unavailable(), "{error}");
    let (text, cause) = text_and_cause_of(&error).await;
    let name =
        text.split("network: `").nth(1).and_then(|rest| rest.split('`').next()).expect("a name");
    assert_eq!(
        text.replace(name, "NAME"),
        "a subnet of the network is taken by another one\n  network: `NAME`\n  engine: ENGINE\n  hint: choose another \
         `.subnet(..)`, or leave it away to have a free one"
    );
    assert!(cause.contains("overlaps") || cause.contains("already used"), "{cause}");
    drop(first);
    Ok(())
}

#[tokio::test]
async fn an_engine_without_a_free_subnet_says_what_to_do() -> TestResult {
    // What Docker 20.10, a newer one and Podman say. Nobody else on the engine could make a network meanwhile, so it is
    // said in their place.
    for (status, words) in [
        (404, "could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network"),
        (400, "all predefined address pools have been fully subnetted"),
        (500, "could not find free subnet from subnet pools"),
    ] {
        let proxy = Proxy::with(move |call| match call.contains("/networks/create") {
            true => Action::Refuse(status, words),
            false => Action::Pass,
        });
        let engine = Engine::connect_to(&proxy.address()).await?;
        let error = NetworkRequest::new().create_on(&engine).await.unwrap_err();
        assert!(error.is_subnet_unavailable() && !error.is_not_found(), "{error}");
        let text = error.to_string().replace(&engine.to_string(), "ENGINE");
        let name = text.split("network: `").nth(1).and_then(|rest| rest.split('`').next()).expect("a name");
        assert_eq!(
            text.replace(name, "NAME"),
            format!(
                "the engine has no subnet left for another network\n  because: the engine answered {status}: {words}\n  \
                 network: `NAME`\n  engine: ENGINE\n  hint: remove networks that nobody needs (`docker network prune`), \
                 give this one a `.subnet(..)`, or give the engine more `default-address-pools`"
            )
        );
    }
    Ok(())
}

#[tokio::test]
async fn what_the_engine_refuses_is_told_in_its_words() -> TestResult {
    let error = refused(NetworkRequest::new().driver("no-such-driver")).await;
    let (text, cause) = text_and_cause_of(&error).await;
    assert!(
        text.starts_with("the engine did not create the network\n  network: `longshore-"),
        "{text}"
    );
    assert!(cause.contains("no-such-driver"), "{cause}");
    // Podman knows no scopes, and takes what it does not know.
    if !is_podman() {
        let error = refused(NetworkRequest::new().scope("swarm")).await;
        assert!(error.to_string().contains("swarm"), "{error}");
        let error = refused(NetworkRequest::new().ingress()).await;
        assert!(error.to_string().contains("Ingress network"), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn networks_are_listed_by_dockers_filters() -> TestResult {
    let networks = Engine::connect().await?.networks();
    let label = unique("listed");
    let labelled = || NetworkFilters::new().label(format!("test={label}"));
    let names = |filters: NetworkFilters| {
        let list = networks.list(filters);
        async move {
            let mut names: Vec<_> =
                list.await?.iter().map(|network| network.name().to_owned()).collect();
            names.sort_unstable();
            Ok::<_, Error>(names)
        }
    };
    let (a, b) = (unique("list-a"), unique("list-b"));
    let first = NetworkRequest::new()
        .name(&a)
        .label("test", &label)
        .label("colour", "red")
        .create()
        .await?;
    let second = NetworkRequest::new().name(&b).label("test", &label).internal().create().await?;
    let user = client().network(&first).start().await?;

    assert_eq!(names(labelled()).await?, [a.as_str(), &b]);
    assert_eq!(names(labelled().label("colour")).await?, [a.as_str()]);
    assert_eq!(names(labelled().label("colour=blue")).await?, [""; 0]);
    assert_eq!(names(labelled().name(&b)).await?, [b.as_str()]);
    assert_eq!(names(NetworkFilters::new().name(format!("^{a}$"))).await?, [a.as_str()]);
    assert_eq!(names(labelled().id(&second.id()[..20])).await?, [b.as_str()]);
    assert_eq!(names(labelled().driver("bridge")).await?.len(), 2);
    assert_eq!(names(labelled().driver("macvlan")).await?, [""; 0]);
    assert_eq!(names(labelled().dangling()).await?, [b.as_str()]);
    assert_eq!(names(labelled().in_use()).await?, [a.as_str()]);
    // Podman has neither of these two.
    if !is_podman() {
        assert_eq!(names(labelled().scope("local")).await?.len(), 2);
        assert_eq!(names(labelled().scope("swarm")).await?, [""; 0]);
        assert_eq!(names(labelled().custom()).await?.len(), 2);
        assert_eq!(names(labelled().builtin()).await?, [""; 0]);
        let builtin = names(NetworkFilters::new().builtin()).await?;
        assert_eq!(builtin, ["bridge", "host", "none"]);
    }
    let all = networks.list(NetworkFilters::new()).await?;
    let listed = all.iter().find(|network| network.id() == second.id()).expect("all are there");
    assert!(listed.is_internal() && listed.labels()["test"] == label);
    drop(user);
    Ok(())
}

#[tokio::test]
async fn networks_are_inspected_and_removed_by_name_or_id() -> TestResult {
    let engine = Engine::connect().await?;
    let networks = engine.networks();
    let network = Network::create().await?;
    for reference in [network.id(), network.name()] {
        assert_eq!(networks.inspect(reference).await?.id(), network.id());
    }
    let user = client().network(&network).start().await?;
    let error = networks.remove(network.name()).await.unwrap_err();
    let (text, _) = text_and_cause_of(&error).await;
    assert_eq!(
        text,
        format!(
            "the network could not be removed\n  network: `{}`\n  engine: ENGINE\n  hint: disconnect what is on it first \
             (`docker network disconnect -f`), or remove those containers",
            network.name()
        )
    );
    assert!(network_exists(network.id()));
    user.remove().await?;
    networks.remove(network.name()).await?;
    assert!(!network_exists(network.id()));
    network.remove().await?;

    for error in [
        networks.inspect("no-such-network").await.unwrap_err(),
        networks.remove("no/such?network").await.unwrap_err(),
        networks.inspect("").await.unwrap_err(),
    ] {
        assert!(error.is_not_found(), "{error}");
        assert!(text_of(&error).await.contains("\n  engine: ENGINE"), "{error}");
    }
    Ok(())
}
