//! Keeping things on purpose: they stay, nothing of longshore's removes them, and who keeps them is told what to do.

use longshore::{
    Commit, ContainerRequest, Engine, Network, NetworkRequest, Prune, Volume, VolumeRequest, Wait,
};
use serde_json::{json, Value};

use super::support::{
    api, exists, get, is_podman, marks_of, network_exists, remove_kept, unique, volume_exists,
    TestResult, BUSYBOX,
};

fn idle() -> ContainerRequest {
    ContainerRequest::new(BUSYBOX).cmd(["sleep", "600"])
}

fn instance(labels: &Value) -> String {
    labels["org.longshore.instance"].as_str().expect("it is ours").to_owned()
}

#[tokio::test]
async fn a_container_is_kept_with_the_networks_volumes_and_images_that_it_uses() -> TestResult {
    let (network, volume) = (Network::create().await?, Volume::create().await?);
    let image = idle().start().await?.commit(Commit::new().tag(unique("kept"))).await?;
    let (image_id, network_id) = (image.id().to_owned(), network.id().to_owned());
    let volume_name = volume.name().to_owned();
    let container = ContainerRequest::new(&image)
        .cmd(["sleep", "600"])
        .network(&network)
        .volume(volume.at("/data"))
        .start()
        .await?;
    let labels = get(&format!("/containers/{}/json", container.id()))["Config"]["Labels"].clone();
    let own = instance(&labels);
    let kept = container.keep().await?;
    drop((network, volume, image));
    let stay = network_exists(&network_id)
        && volume_exists(&volume_name)
        && api("GET", &format!("/images/{image_id}/json")).0 == 200;
    let is_running = get(&format!("/containers/{}/json", kept.id()))["State"]["Running"] == true;
    let on_network = get(&format!("/networks/{network_id}"))["Containers"][kept.id()].is_object();
    // Itself and three others.
    let marks = marks_of(&own).len();
    let told = kept.to_string();
    let network_name = get(&format!("/networks/{network_id}"))["Name"].clone();
    for path in [
        format!("/containers/{}", kept.id()),
        format!("/networks/{network_id}"),
        format!("/volumes/{volume_name}"),
        format!("/images/{image_id}"),
    ] {
        remove_kept(&path);
    }
    assert!(stay && is_running && on_network, "{stay} {is_running} {on_network}");
    assert_eq!(marks, 4);
    let network_name = network_name.as_str().expect("a name");
    assert!(
        told.contains(&format!(
            ", with the network `{network_name}` and the volume `{volume_name}` and the image"
        )),
        "{told}"
    );
    Ok(())
}

#[tokio::test]
async fn who_keeps_is_told_how_to_enter_and_how_to_remove() -> TestResult {
    let container = idle().name(unique("told")).start().await?;
    let (name, address) = (container.name().to_owned(), container.engine().address());
    let kept = container.keep().await?;
    remove_kept(&format!("/containers/{}", kept.id()));
    let command = match (is_podman(), address.as_str()) {
        (true, _) => format!("podman --url {address}"),
        (false, "unix:///var/run/docker.sock") => "docker".to_owned(),
        (false, _) => format!("docker -H {address}"),
    };
    assert_eq!(kept.name(), name);
    assert_eq!(kept.enter_command(), Some(format!("{command} exec -it {name} sh")));
    assert_eq!(kept.remove_command(), format!("{command} rm -fv {name}"));

    let kept = Volume::create().await?.keep().await?;
    remove_kept(&format!("/volumes/{}", kept.id()));
    assert_eq!(kept.enter_command(), None);
    assert_eq!(kept.remove_command(), format!("{command} volume rm {}", kept.name()));
    Ok(())
}

#[tokio::test]
async fn a_prune_leaves_what_is_kept_and_takes_the_rest() -> TestResult {
    let label = unique("prune-kept");
    let network = || NetworkRequest::new().label(&label, "1").create();
    let volume = || VolumeRequest::new().label(&label, "1").create();
    let ended = || {
        let request = ContainerRequest::new(BUSYBOX).label(&label, "1").cmd(["true"]);
        async move { request.wait(Wait::exit()).start().await }
    };
    let kept = (
        ended().await?.keep().await?,
        network().await?.keep().await?,
        volume().await?.keep().await?,
    );
    let (goes, network, volume) = (ended().await?, network().await?, volume().await?);
    let container = ended().await?;
    let commit = || Commit::new().change(format!("LABEL {label}=1"));
    let kept_image = container.commit(commit()).await?.keep().await?;
    let image = container.commit(commit().change("ENV A=b")).await?;
    let engine = Engine::connect().await?;
    let of_mine = || Prune::new().label(format!("{label}=1"));

    let pruned = [
        engine.containers().prune(of_mine()).await,
        engine.networks().prune(of_mine()).await,
        engine.volumes().prune(of_mine().all()).await,
        engine.images().prune(of_mine().all()).await,
    ];
    let stay = [
        exists(kept.0.id()),
        network_exists(kept.1.id()),
        volume_exists(kept.2.id()),
        api("GET", &format!("/images/{}/json", kept_image.id())).0 == 200,
    ];
    let gone = [
        !exists(goes.id()),
        !network_exists(network.id()),
        !volume_exists(volume.name()),
        api("GET", &format!("/images/{}/json", image.id())).0 == 404,
    ];
    remove_kept(&format!("/containers/{}", kept.0.id()));
    remove_kept(&format!("/networks/{}", kept.1.id()));
    remove_kept(&format!("/volumes/{}", kept.2.id()));
    remove_kept(&format!("/images/{}", kept_image.id()));
    assert_eq!((stay, gone), ([true; 4], [true; 4]));
    let [containers, networks, volumes, images] = pruned;
    assert!(containers?.containers().iter().any(|id| id == goes.id()));
    assert_eq!(networks?.networks(), [network.name()]);
    assert_eq!(volumes?.volumes(), [volume.name()]);
    assert!(!images?.images().is_empty());
    Ok(())
}

#[tokio::test]
async fn a_mark_is_a_volume_with_labels_of_ours() -> TestResult {
    let volume = Volume::create().await?;
    let path = format!("/volumes/{}", volume.name());
    let own = instance(&get(&path)["Labels"]);
    volume.keep().await?;
    let mark = get(&format!("/volumes/longshore-kept-{own}"))["Labels"].clone();
    remove_kept(&path);
    assert_eq!(mark["org.longshore.kept"], json!(own));
    for label in ["session", "owner", "created"] {
        assert!(mark[format!("org.longshore.{label}")].is_string(), "{mark}");
    }
    assert!(mark["org.longshore.instance"].is_null(), "it would be taken for the thing: {mark}");
    Ok(())
}
