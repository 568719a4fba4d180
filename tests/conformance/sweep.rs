//! The sweep: what dead owners have left goes, and nothing else. Owners of any kind are made by hand here, by things that the
//! raw API makes with labels of theirs.

use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

use longshore::{
    Commit, Container, ContainerRequest, Engine, LeftReason, Network, NetworkRequest, Sweep,
    SweepReport, Volume, VolumeRequest,
};
use serde_json::{json, Value};
use tokio::sync::{Mutex, MutexGuard};

use super::support::{
    api, api_with, exists, get, marks_of, network_exists, unique, volume_exists, TestResult,
    BUSYBOX,
};

/// The labels of this process, as longshore writes them.
fn own_labels(container: &Container) -> Value {
    get(&format!("/containers/{}/json", container.id()))["Config"]["Labels"].clone()
}

fn idle() -> ContainerRequest {
    ContainerRequest::new(BUSYBOX).cmd(["sleep", "600"])
}

/// An owner of this boot and pid namespace that has ended: process 1 had another start.
fn dead(this: &Value) -> String {
    let owner = this["org.longshore.owner"].as_str().expect("an owner");
    let mut parts: Vec<_> = owner.split('/').collect();
    (parts[2], parts[3]) = ("1", "9999999999999");
    parts.join("/")
}

/// An owner of whom nothing can be known from here.
fn unknown() -> &'static str {
    "another-boot/pid:[1]/1/1"
}

fn seconds_ago(seconds: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    (now - seconds).to_string()
}

/// The test run that things here are of.
fn session() -> &'static str {
    static SESSION: LazyLock<String> = LazyLock::new(|| unique("session"));
    &SESSION
}

/// One test at a time, since each sweeps what the others make.
async fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::const_new(());
    ALONE.lock().await
}

/// A sweep of what is made here: on this engine there may be what somebody keeps.
fn sweep() -> Sweep {
    longshore::sweep().session(session())
}

/// Labels as an owner of another test run would have written them.
fn labels(owner: &str, seconds: u64) -> Value {
    json!({
        "org.longshore.session": session(),
        "org.longshore.owner": owner,
        "org.longshore.instance": unique("instance"),
        "org.longshore.created": seconds_ago(seconds),
    })
}

fn with(mut labels: Value, name: &str, value: &str) -> Value {
    labels[name] = value.into();
    labels
}

/// Makes a container by hand, and gives its id.
fn make(labels: &Value, more: &Value) -> String {
    let mut body = json!({ "Image": BUSYBOX, "Cmd": ["sleep", "600"], "Labels": labels });
    body.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
    let (status, told) = api_with("POST", "/containers/create", &body.to_string());
    assert_eq!(status, 201, "{told}");
    let made: Value = serde_json::from_str(&told).expect("JSON");
    made["Id"].as_str().expect("an id").to_owned()
}

fn start(container: &str) {
    assert_eq!(api("POST", &format!("/containers/{container}/start")).0, 204);
}

fn make_network(labels: &Value) -> String {
    let body = json!({ "Name": unique("by-hand"), "Labels": labels });
    let (status, told) = api_with("POST", "/networks/create", &body.to_string());
    assert_eq!(status, 201, "{told}");
    let made: Value = serde_json::from_str(&told).expect("JSON");
    made["Id"].as_str().expect("an id").to_owned()
}

fn make_volume(labels: &Value) -> String {
    let name = unique("by-hand");
    let body = json!({ "Name": name, "Labels": labels });
    assert_eq!(api_with("POST", "/volumes/create", &body.to_string()).0, 201);
    name
}

fn take_away(container: &str) {
    api("DELETE", &format!("/containers/{container}?force=1&v=1"));
}

fn was_removed(report: &SweepReport, id: &str) -> bool {
    report.removed().iter().any(|thing| thing.id() == id)
}

fn reason(report: &SweepReport, id: &str) -> Option<LeftReason> {
    report.left().iter().find(|(thing, _)| thing.id() == id).map(|(_, reason)| *reason)
}

#[tokio::test]
async fn what_a_dead_owner_left_goes_and_nobody_elses() -> TestResult {
    let _alone = alone().await;
    // The images that things here are made of have to be there.
    let living = idle().start().await?;
    let this = own_labels(&living);
    let labels = labels(&dead(&this), 5);
    let (network, volume) = (make_network(&labels), make_volume(&labels));
    let network_name = get(&format!("/networks/{network}"))["Name"].clone();
    let left = make(
        &labels,
        &json!({ "HostConfig": { "Binds": [format!("{volume}:/data")], "NetworkMode": network_name } }),
    );
    start(&left);
    let innocent = make(&json!({ "mine": "1" }), &json!({}));
    start(&innocent);
    let (own_network, own_volume) = (Network::create().await?, Volume::create().await?);

    let would = longshore::sweep().dry_run().run().await?;
    for id in [&left, &network, &volume] {
        assert!(was_removed(&would, id), "{would}");
    }
    assert!(
        exists(&left) && network_exists(&network) && volume_exists(&volume),
        "a dry run removes"
    );
    assert_eq!(reason(&would, living.id()), Some(LeftReason::LivingOwner), "{would}");
    assert!(!would.to_string().contains(&innocent), "{would}");

    let report = longshore::sweep().run().await?;
    assert!(!exists(&left) && !network_exists(&network) && !volume_exists(&volume), "{report}");
    assert!(was_removed(&report, &left) && was_removed(&report, &network), "{report}");
    let there = exists(&innocent);
    take_away(&innocent);
    assert!(there, "what has no label of ours was removed");
    assert!(living.inspect().await?.is_running());
    assert!(network_exists(own_network.id()) && volume_exists(own_volume.name()));
    let of_living = [living.id(), own_network.id(), own_volume.name()];
    assert!(
        of_living.iter().all(|id| reason(&report, id) == Some(LeftReason::LivingOwner)),
        "{report}"
    );
    report.ok()?;
    Ok(())
}

#[tokio::test]
async fn what_belongs_to_the_unknown_goes_when_it_is_old_and_that_is_asked_for() -> TestResult {
    let _alone = alone().await;
    let image = idle().create().await?;
    let (old, young) = (labels(unknown(), 400_000_000), labels(unknown(), 60));
    // What a later version may write.
    let later =
        format!("{}/more", own_labels(&image)["org.longshore.owner"].as_str().expect("one"));
    let (old, young, later) =
        (make(&old, &json!({})), make(&young, &json!({})), make(&labels(&later, 60), &json!({})));

    let report = sweep().run().await?;
    for id in [&old, &young, &later] {
        assert_eq!(reason(&report, id), Some(LeftReason::UnknownOwner), "{report}");
        assert!(exists(id));
    }
    let report = sweep().unknown_owners_older_than("87600h").run().await?;
    let (old_is_there, young_is_there) = (exists(&old), exists(&young));
    take_away(&young);
    take_away(&later);
    assert!(!old_is_there && young_is_there, "{report}");
    assert_eq!(reason(&report, &later), Some(LeftReason::UnknownOwner), "{report}");
    drop(image);
    Ok(())
}

#[tokio::test]
async fn what_a_container_left_goes_when_that_has_ended_or_is_gone() -> TestResult {
    let _alone = alone().await;
    let job = idle().start().await?;
    let owned = with(labels(unknown(), 5), "org.longshore.container", job.id());
    let left = make(&owned, &json!({}));
    let report = sweep().run().await?;
    assert_eq!(reason(&report, &left), Some(LeftReason::UnknownOwner), "{report}");

    // Dead, though nothing is known of its process.
    job.kill("KILL").await?;
    job.wait().await?;
    let report = sweep().run().await?;
    assert!(!exists(&left), "its owner has ended: {report}");

    let left = make(&owned, &json!({}));
    let elsewhere = with(labels(unknown(), 5), "org.longshore.container", "not-an-id");
    let elsewhere = make(&elsewhere, &json!({}));
    job.remove().await?;
    let report = sweep().run().await?;
    let is_there = exists(&elsewhere);
    take_away(&elsewhere);
    assert!(!exists(&left), "its owner is gone: {report}");
    assert!(is_there, "what is no container's id tells nothing: {report}");
    Ok(())
}

#[tokio::test]
async fn what_somebody_uses_stays_and_is_told() -> TestResult {
    let _alone = alone().await;
    let living = idle().create().await?;
    let labels = labels(&dead(&own_labels(&living)), 5);
    let (network, volume) = (make_network(&labels), make_volume(&labels));
    let name = get(&format!("/networks/{network}"))["Name"].as_str().expect("a name").to_owned();
    let user = idle().network(&name).volume(format!("{volume}:/data")).start().await?;

    let report = sweep().run().await?;
    assert_eq!(reason(&report, &network), Some(LeftReason::Used), "{report}");
    assert_eq!(reason(&report, &volume), Some(LeftReason::Used), "{report}");
    let networks = &get(&format!("/containers/{}/json", user.id()))["NetworkSettings"]["Networks"];
    assert!(networks[&name].is_object(), "it was disconnected: {networks}");
    user.remove().await?;

    sweep().run().await?;
    assert!(!network_exists(&network) && !volume_exists(&volume), "nobody uses them any more");
    Ok(())
}

#[tokio::test]
async fn committed_images_go_with_those_that_are_made_of_them() -> TestResult {
    let _alone = alone().await;
    let container = idle().start().await?;
    let dead = dead(&own_labels(&container));
    let tag = unique("swept-image");
    // A commit by hand, since longshore writes its own owner.
    let commit = |from: &str, tag: &str, own: &str| {
        let labels = with(labels(&dead, 5), "org.longshore.tag", own);
        let lines: Vec<_> = labels.as_object().expect("labels").iter().collect();
        let changes: String = lines
            .iter()
            .map(|(name, value)| {
                format!("&changes=LABEL%20{name}=%22{}%22", value.as_str().unwrap_or_default())
            })
            .collect();
        let changes = changes.replace("[", "%5B").replace("]", "%5D");
        let (status, told) =
            api_with("POST", &format!("/commit?container={from}&repo={tag}&tag=1{changes}"), "{}");
        assert_eq!(status, 201, "{told}");
    };
    let is_there = |tag: &str| api("GET", &format!("/images/{tag}:1/json")).0 == 200;
    commit(container.id(), &tag, &format!("{tag}:1"));
    let of_it = ContainerRequest::new(format!("{tag}:1")).cmd(["sleep", "600"]).start().await?;
    let (child, theirs) = (unique("swept-image"), unique("their-tag"));
    commit(of_it.id(), &child, &format!("{child}:1"));
    // Somebody else has tagged one.
    commit(container.id(), &theirs, "");

    let report = sweep().run().await?;
    assert!(is_there(&tag), "a container of it is there: {report}");
    assert!(!is_there(&child), "{report}");
    of_it.remove().await?;
    // It has the labels of its image, and is somebody's.
    let by_hand = make(&json!({}), &json!({ "Image": format!("{tag}:1") }));
    let report = sweep().run().await?;
    let labels_are_inherited = get(&format!("/containers/{by_hand}/json"))["Config"]["Labels"]
        ["org.longshore.owner"]
        == dead.as_str();
    let by_hand_is_there = exists(&by_hand);
    take_away(&by_hand);
    assert!(labels_are_inherited);
    assert!(by_hand_is_there, "a container was taken for ours: {report}");
    let report = sweep().run().await?;
    let theirs_is_there = is_there(&theirs);
    api("DELETE", &format!("/images/{theirs}:1"));
    assert!(!is_there(&tag), "{report}");
    assert!(theirs_is_there, "somebody else's tag is gone: {report}");
    Ok(())
}

#[tokio::test]
async fn a_committed_image_of_a_living_owner_stays() -> TestResult {
    let _alone = alone().await;
    let container = idle().start().await?;
    let tag = format!("{}:1", unique("stays"));
    let image = container.commit(Commit::new().tag(&tag)).await?;
    let report = longshore::sweep().dry_run().run().await?;
    assert_eq!(reason(&report, image.id()), Some(LeftReason::LivingOwner), "{report}");
    let left = report.left().iter().find(|(thing, _)| thing.id() == image.id());
    assert_eq!(left.map(|(thing, _)| (thing.kind(), thing.name())), Some(("image", tag.as_str())));
    image.remove().await?;
    Ok(())
}

#[tokio::test]
async fn what_is_kept_stays_until_that_is_asked_for() -> TestResult {
    let _alone = alone().await;
    let living = idle().create().await?;
    let dead = dead(&own_labels(&living));
    let by_label = make(&with(labels(&dead, 5), "org.longshore.keep", "failed"), &json!({}));
    let marked = labels(&dead, 5);
    let instance = marked["org.longshore.instance"].as_str().expect("an instance").to_owned();
    let by_mark = make(&marked, &json!({}));
    let mark = json!({
        "org.longshore.session": session(), "org.longshore.owner": dead, "org.longshore.kept": instance,
    });
    make_volume(&mark);

    let report = sweep().run().await?;
    for id in [&by_label, &by_mark] {
        assert!(exists(id), "{report}");
        assert_eq!(reason(&report, id), Some(LeftReason::Kept), "{report}");
    }
    assert_eq!(marks_of(&instance).len(), 1);
    let report = sweep().kept().run().await?;
    assert!(!exists(&by_label) && !exists(&by_mark), "{report}");
    assert_eq!(marks_of(&instance), [""; 0], "a mark of what is gone");
    Ok(())
}

#[tokio::test]
async fn a_mark_whose_thing_is_gone_goes() -> TestResult {
    let _alone = alone().await;
    let kept = idle().create().await?.keep().await?;
    let labels = get(&format!("/containers/{}/json", kept.id()))["Config"]["Labels"].clone();
    let instance = labels["org.longshore.instance"].as_str().expect("an instance");
    let own_session = labels["org.longshore.session"].as_str().expect("a session");
    longshore::sweep().session(own_session).kept().run().await?;
    assert!(exists(kept.id()), "its owner lives");
    assert_eq!(marks_of(instance).len(), 1);
    // As the message says.
    take_away(kept.id());
    longshore::sweep().session(own_session).run().await?;
    assert_eq!(marks_of(instance), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn fixed_names_of_a_dead_owner_are_taken_over_unless_they_are_kept() -> TestResult {
    let _alone = alone().await;
    let living = idle().create().await?;
    let labels = labels(&dead(&own_labels(&living)), 5);
    let kept = with(labels.clone(), "org.longshore.keep", "always");
    let name = unique("kept-name");
    let volume = json!({ "Name": name, "Labels": kept });
    assert_eq!(api_with("POST", "/volumes/create", &volume.to_string()).0, 201);
    let refused = VolumeRequest::new().name(&name).create().await;
    api("DELETE", &format!("/volumes/{name}"));
    assert!(refused.expect_err("it is kept").is_name_taken());

    let network = json!({ "Name": name, "Labels": labels });
    assert_eq!(api_with("POST", "/networks/create", &network.to_string()).0, 201);
    let network = NetworkRequest::new().name(&name).create().await?;
    assert_eq!(network.name(), name);
    Ok(())
}

#[tokio::test]
async fn an_age_that_is_none_is_told_before_anything_is_done() {
    let _alone = alone().await;
    let error = sweep().unknown_owners_older_than("yesterday").run().await.unwrap_err();
    assert!(error.is_invalid_request(), "{error}");
    let engine = Engine::connect().await.expect("an engine");
    let report = sweep().dry_run().run_on(&engine).await.expect("a report");
    assert!(report.to_string().contains(" would be removed, "), "{report}");
    let blocking = std::thread::spawn(move || sweep().dry_run().run_on_blocking(&engine).map(drop));
    blocking.join().expect("no panic").expect("a report");
}
