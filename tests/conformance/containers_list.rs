//! Lists of containers, filtered as `docker ps` filters them, and a look at any one of them. Each test has a label of its own:
//! other tests' containers are on the same engine.

use std::time::{Duration, Instant, SystemTime};

use longshore::{
    Commit, Container, ContainerFilters, ContainerRequest, ContainerState, ContainerSummary,
    Containers, Engine, HealthState, Wait,
};

use super::client::{shell, Mark};
use super::support::{is_podman, is_podman_4, unique, TestResult, BUSYBOX};

fn idle() -> ContainerRequest {
    ContainerRequest::new(BUSYBOX).cmd(["sleep", "1000"]).stop_signal("KILL")
}

async fn containers() -> longshore::Result<Containers> {
    Ok(Engine::connect().await?.containers())
}

/// The filters for the containers of one test, running or not.
fn of(mark: &Mark) -> ContainerFilters {
    ContainerFilters::new().all().label(format!("mark={}", mark.value()))
}

async fn listed(filters: ContainerFilters) -> longshore::Result<Vec<String>> {
    let listed = containers().await?.list(filters).await?;
    Ok(listed.iter().map(|container| container.id().to_owned()).collect())
}

/// The only container that is listed.
async fn single(filters: ContainerFilters) -> longshore::Result<ContainerSummary> {
    let mut listed = containers().await?.list(filters).await?;
    assert_eq!(listed.len(), 1, "{listed:?}");
    Ok(listed.remove(0))
}

/// Exactly these, in any order. An engine's list may come a moment after what else it says.
async fn check(filters: ContainerFilters, expected: &[&Container]) -> TestResult {
    let mut expected: Vec<_> = expected.iter().map(|container| container.id().to_owned()).collect();
    expected.sort();
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let mut found = listed(filters.clone()).await?;
        found.sort();
        if found == expected {
            return Ok(());
        }
        assert!(Instant::now() < deadline, "{filters:?}: {found:?} instead of {expected:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_line_tells_what_docker_ps_shows() -> TestResult {
    let mark = Mark::new();
    let before = SystemTime::now() - Duration::from_secs(2);
    let request = mark.on(shell("exec sleep 1000")).publish("80").publish("53/udp").tmpfs("/t");
    let container = request.volume("/data").wait(Wait::exec(["true"])).start().await?;
    let line = single(of(&mark)).await?;
    assert_eq!((line.id(), line.name()), (container.id(), container.name()));
    assert_eq!(line.names(), [container.name()]);
    assert!(line.image().ends_with(BUSYBOX), "{}", line.image());
    let inspect = container.inspect().await?;
    assert!(inspect.image_id().ends_with(line.image_id().trim_start_matches("sha256:")));
    assert!(line.command().contains("sleep 1000"), "{}", line.command());
    assert!((before..SystemTime::now()).contains(&line.created()), "{:?}", line.created());
    assert_eq!(line.state(), ContainerState::Running);
    assert!(line.status().starts_with("Up"), "{}", line.status());
    assert_eq!(line.labels()["mark"], mark.value());
    assert_eq!(line.ports(), container.ports());
    assert_eq!(line.networks().len(), 1);
    assert!(!line.mounts().is_empty(), "{:?}", line.raw());
    assert_eq!((line.size_written(), line.size_total()), (None, None));
    assert_eq!(line.raw()["Id"], container.id());
    Ok(())
}

#[tokio::test]
async fn only_running_ones_are_listed_unless_all_are_asked_for() -> TestResult {
    let mark = Mark::new();
    let running = mark.on(idle()).start().await?;
    let ended = mark.on(shell("exit 3")).wait(Wait::exit().code(3)).start().await?;
    let running_only = ContainerFilters::new().label(format!("mark={}", mark.value()));
    check(running_only, &[&running]).await?;
    check(of(&mark), &[&running, &ended]).await?;
    check(of(&mark).limit(1), &[&ended]).await?;
    Ok(())
}

#[tokio::test]
async fn states_and_exit_codes_are_told_apart() -> TestResult {
    let mark = Mark::new();
    let running = mark.on(idle()).start().await?;
    let paused = mark.on(idle()).start().await?;
    paused.pause().await?;
    let created = mark.on(idle()).create().await?;
    let failed = mark.on(shell("exit 3")).wait(Wait::exit().code(3)).start().await?;
    let fine = mark.on(shell("exit 0")).wait(Wait::exit()).start().await?;
    // Not `all`: a state says enough.
    let by_label = || ContainerFilters::new().label(format!("mark={}", mark.value()));
    check(by_label().status(ContainerState::Running), &[&running]).await?;
    check(by_label().status(ContainerState::Paused), &[&paused]).await?;
    check(by_label().status(ContainerState::Created), &[&created]).await?;
    check(by_label().status(ContainerState::Exited), &[&failed, &fine]).await?;
    let two = by_label().status(ContainerState::Paused).status(ContainerState::Created);
    check(two, &[&paused, &created]).await?;
    check(by_label().exited(3), &[&failed]).await?;
    check(by_label().exited(3).exited(0), &[&failed, &fine]).await?;
    let line = single(by_label().exited(3)).await?;
    assert_eq!(line.state(), ContainerState::Exited);
    assert!(line.status().starts_with("Exited (3)"), "{}", line.status());
    Ok(())
}

#[tokio::test]
async fn names_ids_and_labels_are_found() -> TestResult {
    let mark = Mark::new();
    let name = unique("listed");
    let one = mark.on(idle()).name(format!("{name}-one")).label("size", "small").start().await?;
    let two = mark.on(idle()).name(format!("{name}-two")).label("size", "large").start().await?;
    check(of(&mark).name(&name), &[&one, &two]).await?;
    check(of(&mark).name(format!("{name}-two")), &[&two]).await?;
    check(of(&mark).id(&one.id()[..12]), &[&one]).await?;
    check(of(&mark).label("size"), &[&one, &two]).await?;
    check(of(&mark).label("size=large"), &[&two]).await?;
    check(of(&mark).label("size=huge"), &[]).await?;
    Ok(())
}

#[tokio::test]
async fn the_order_of_making_is_known() -> TestResult {
    let mark = Mark::new();
    let first = mark.on(idle()).create().await?;
    let second = mark.on(idle()).create().await?;
    let third = mark.on(idle()).create().await?;
    check(of(&mark).before(second.id()), &[&first]).await?;
    check(of(&mark).since(second.name()), &[&third]).await?;
    if !is_podman() {
        // Its list tells no more than the second, and has no order.
        let youngest_first = [&third, &second, &first].map(|container| container.id().to_owned());
        assert_eq!(listed(of(&mark)).await?, youngest_first);
    }
    Ok(())
}

#[tokio::test]
async fn images_and_what_is_made_of_them_are_found() -> TestResult {
    let mark = Mark::new();
    let container = mark.on(idle()).start().await?;
    let image = container.commit(Commit::new()).await?;
    let above = mark.on(ContainerRequest::new(&image).cmd(["sleep", "1000"])).start().await?;
    if !is_podman() {
        // It looks at the image itself alone.
        check(of(&mark).ancestor(BUSYBOX), &[&container, &above]).await?;
    }
    check(of(&mark).ancestor(image.id()), &[&above]).await?;
    Ok(())
}

#[tokio::test]
async fn networks_volumes_and_ports_are_found() -> TestResult {
    let mark = Mark::new();
    let volume = unique("listed-volume");
    let request = mark.on(idle()).volume(format!("{volume}:/data")).publish("81");
    let one = request.wait(Wait::exec(["true"])).start().await?;
    let two = mark.on(idle()).network("none").start().await?;
    if !is_podman() {
        // To it that is no network.
        check(of(&mark).network("none"), &[&two]).await?;
    }
    let by_volume = (
        check(of(&mark).volume(&volume), &[&one]).await,
        // Podman looks for names alone.
        if is_podman() { Ok(()) } else { check(of(&mark).volume("/data"), &[&one]).await },
    );
    drop(one);
    super::support::api("DELETE", &format!("/volumes/{volume}"));
    by_volume.0?;
    by_volume.1?;
    Ok(())
}

#[tokio::test]
async fn published_and_exposed_ports_are_found() -> TestResult {
    if is_podman() {
        // It has no such filters.
        return Ok(());
    }
    let mark = Mark::new();
    let one = mark.on(idle()).publish("81").wait(Wait::exec(["true"])).start().await?;
    // On the host's side, as Docker has it.
    let port = one.address(81)?.port();
    check(of(&mark).publish(port), &[&one]).await?;
    check(of(&mark).publish(format!("{}-{port}/tcp", port - 1)), &[&one]).await?;
    check(of(&mark).publish(format!("{port}/udp")), &[]).await?;
    check(of(&mark).expose(81), &[&one]).await?;
    check(of(&mark).expose("80-90/tcp"), &[&one]).await?;
    check(of(&mark).expose("81/udp"), &[]).await?;
    Ok(())
}

#[tokio::test]
async fn health_is_told_apart() -> TestResult {
    if is_podman() {
        // It runs no health checks without systemd.
        return Ok(());
    }
    let mark = Mark::new();
    let check_often = || mark.on(idle()).health_interval(Duration::from_millis(200));
    let healthy = check_often().health_cmd("true").start().await?;
    let failing = check_often().health_cmd("false").health_retries(1).wait(Wait::exec(["true"]));
    let unhealthy = failing.start().await?;
    let none = mark.on(idle()).start().await?;
    while unhealthy.inspect().await?.health() != Some("unhealthy") {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    check(of(&mark).health(HealthState::Healthy), &[&healthy]).await?;
    check(of(&mark).health(HealthState::Unhealthy), &[&unhealthy]).await?;
    check(of(&mark).health(HealthState::None), &[&none]).await?;
    check(of(&mark).health(HealthState::Starting), &[]).await?;
    let line = single(of(&mark).health(HealthState::Healthy)).await?;
    assert!(line.status().contains("(healthy)"), "{}", line.status());
    Ok(())
}

#[tokio::test]
async fn sizes_are_told_if_they_are_asked_for() -> TestResult {
    let mark = Mark::new();
    let container = mark.on(idle()).start().await?;
    container.exec(["sh", "-c", "head -c 3000000 /dev/zero > /zeros"]).await?.ok()?;
    let line = single(of(&mark).size()).await?;
    let (written, total) = (line.size_written(), line.size_total());
    assert!(written >= Some(3_000_000), "{written:?}");
    // Podman 4 leaves away there what was written.
    assert!(total > if is_podman_4() { None } else { written }, "{total:?}");
    Ok(())
}

#[tokio::test]
async fn ours_are_those_of_this_test_run() -> TestResult {
    let mark = Mark::new();
    let ours = mark.on(idle()).start().await?;
    // Somebody else's, by hand.
    let body = format!(
        r#"{{"Image":"{BUSYBOX}","Cmd":["sleep","1000"],"Labels":{{"mark":"{}","org.longshore.session":"another"}}}}"#,
        mark.value()
    );
    let (status, told) = super::support::api_with("POST", "/containers/create", &body);
    assert_eq!(status, 201, "{told}");
    let theirs: serde_json::Value = serde_json::from_str(&told)?;
    let id = theirs["Id"].as_str().ok_or("an id")?.to_owned();
    let (all, own) = (listed(of(&mark)).await, listed(of(&mark).ours()).await);
    super::support::api("DELETE", &format!("/containers/{id}?force=1"));
    assert_eq!(own?, [ours.id()]);
    assert_eq!(all?.len(), 2);
    Ok(())
}

#[tokio::test]
async fn a_wrong_filter_is_told_before_the_engine_is_asked() -> TestResult {
    let containers = containers().await?;
    let error = containers.list(ContainerFilters::new().label("")).await.unwrap_err();
    assert!(error.is_invalid_request());
    assert_eq!(error.summary(), "the filter `label` is empty");
    let error = containers.list(ContainerFilters::new().publish("web")).await.unwrap_err();
    assert!(error.is_invalid_request() && error.summary().contains("`web`"), "{error}");
    let missing = ContainerFilters::new().since("no-such-container");
    let error = containers.list(missing).await.unwrap_err();
    assert_eq!(error.summary(), "the containers could not be listed");
    assert!(error.to_string().contains("no-such-container"), "{error}");
    Ok(())
}

#[tokio::test]
async fn any_container_is_inspected_by_name_and_by_id() -> TestResult {
    let container = idle().start().await?;
    let containers = containers().await?;
    for word in [container.name(), container.id(), &container.id()[..12]] {
        let inspect = containers.inspect(word).await?;
        assert_eq!((inspect.id(), inspect.name()), (container.id(), container.name()));
        assert!(inspect.is_running());
    }
    let error = containers.inspect("no-such-container").await.unwrap_err();
    assert!(error.is_not_found());
    assert_eq!(error.summary(), "the container `no-such-container` could not be inspected");
    for word in ["", "a/b", "a?b", "a b"] {
        let error = containers.inspect(word).await.unwrap_err();
        assert!(error.is_invalid_request(), "{error}");
    }
    Ok(())
}
