//! Volumes: made, written, told about, removed, whatever uses them.

use std::panic::{catch_unwind, AssertUnwindSafe};

use longshore::{Container, Engine, Error, Volume, VolumeFilters, VolumeRequest, Wait};

use super::client::{shell, text_and_cause_of, text_of};
use super::support::proxy::Proxy;
use super::support::{
    api, api_with, get, remove_kept, unique, volume_exists, volumes_labelled, TestResult,
};

/// A container that has the volume at `/data` and does nothing until it is told to.
async fn user_of(volume: &Volume) -> longshore::Result<Container> {
    shell("exec sleep 600").volume(volume.at("/data")).start().await
}

async fn refused(request: VolumeRequest) -> Error {
    let label = unique("refused");
    let outcome = request.label("test", &label).create().await;
    let error = outcome.map(|volume| volume.name().to_owned()).expect_err("it is refused");
    assert_eq!(volumes_labelled(&format!("test={label}")), [""; 0], "left after: {error}");
    error
}

#[tokio::test]
async fn what_one_container_writes_the_next_one_reads() -> TestResult {
    let volume = Volume::create().await?;
    let write = shell("echo hello > /data/greeting").volume(volume.at("/data"));
    write.wait(Wait::exit()).start().await?.remove().await?;
    assert!(volume_exists(volume.name()), "it goes with its handle, not with a container");
    let read =
        shell("cat /data/greeting; echo x > /data/greeting; true").volume(volume.at("/data:ro"));
    let reader = read.wait(Wait::exit()).start().await?;
    let told = reader.logs().await?;
    assert!(told.contains("hello\n") && told.contains("Read-only"), "{told}");
    Ok(())
}

#[tokio::test]
async fn two_containers_use_it_at_the_same_time() -> TestResult {
    let volume = Volume::create().await?;
    let (one, other) = (user_of(&volume).await?, user_of(&volume).await?);
    one.exec(["sh", "-c", "echo hello > /data/greeting"]).await?.ok()?;
    assert_eq!(other.exec(["cat", "/data/greeting"]).await?.ok()?.stdout_str()?, "hello\n");
    Ok(())
}

#[tokio::test]
async fn a_fresh_one_is_empty_and_called_as_nobody_else() -> TestResult {
    let (one, other) = (Volume::create().await?, Volume::create().await?);
    assert_ne!(one.name(), other.name());
    assert!(one.name().starts_with("longshore-"), "{}", one.name());
    assert_eq!(String::from(&one), one.name());
    assert_eq!(one.engine().address(), Engine::connect().await?.address());
    assert_eq!(one.at("/data:ro"), format!("{}:/data:ro", one.name()));
    let found = user_of(&one).await?.exec(["ls", "-A", "/data"]).await?.ok()?;
    assert_eq!(found.stdout_str()?, "");
    let inspect = one.inspect().await?;
    assert_eq!((inspect.name(), inspect.driver(), inspect.scope()), (one.name(), "local", "local"));
    assert!(inspect.mountpoint().starts_with('/') && inspect.created().starts_with("20"));
    assert!(inspect.options().is_empty());
    assert!(inspect.labels().contains_key("org.longshore.owner"));
    Ok(())
}

#[tokio::test]
async fn what_is_asked_for_is_what_the_engine_says() -> TestResult {
    let name = unique("asked");
    let volume = VolumeRequest::new()
        .name(&name)
        .driver("local")
        .opt("type", "tmpfs")
        .opt("device", "tmpfs")
        .opt("o", "mode=0711")
        .label("project", "shop")
        .create()
        .await?;
    assert_eq!(volume.name(), name);
    let (inspect, raw) = (volume.inspect().await?, get(&format!("/volumes/{name}")));
    assert_eq!((inspect.name(), inspect.driver()), (name.as_str(), "local"));
    assert_eq!(inspect.labels()["project"], "shop");
    assert_eq!((inspect.options()["type"], inspect.options()["o"]), ("tmpfs", "mode=0711"));
    assert_eq!(inspect.raw()["Mountpoint"], raw["Mountpoint"]);
    let mounts =
        user_of(&volume).await?.exec(["grep", " /data tmpfs ", "/proc/mounts"]).await?.ok()?;
    assert!(mounts.stdout_str()?.contains("mode=711"), "{mounts:?}");
    Ok(())
}

#[tokio::test]
async fn a_dropped_handle_means_gone_and_so_does_remove() -> TestResult {
    let volume = Volume::create().await?;
    let name = volume.name().to_owned();
    assert!(volume_exists(&name));
    drop(volume);
    assert!(!volume_exists(&name), "the volume is still there when the drop has returned");

    let volume = Volume::create().await?;
    let name = volume.name().to_owned();
    volume.remove().await?;
    assert!(!volume_exists(&name));
    Ok(())
}

#[tokio::test]
async fn a_panic_over_it_removes_it() -> TestResult {
    let volume = Volume::create().await?;
    let name = volume.name().to_owned();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        let _volume = volume;
        panic!("this panic belongs to the test");
    }));
    assert!(outcome.is_err());
    assert!(!volume_exists(&name));
    Ok(())
}

#[tokio::test]
async fn dropped_before_its_container_it_goes_with_that() -> TestResult {
    let volume = Volume::create().await?;
    let name = volume.name().to_owned();
    let (first, second) = (user_of(&volume).await?, user_of(&volume).await?);
    drop(volume);
    assert!(volume_exists(&name), "it is still used");
    assert!(first.exec(["touch", "/data/x"]).await?.success());
    drop(first);
    assert!(volume_exists(&name), "it is still used by another one");
    drop(second);
    assert!(!volume_exists(&name), "nobody uses it any more");

    // One that has ended uses it as well, and one that is removed says how it went.
    let volume = Volume::create().await?;
    let name = volume.name().to_owned();
    let ended = shell("true").volume(volume.at("/data")).wait(Wait::exit()).start().await?;
    drop(volume);
    assert!(volume_exists(&name));
    ended.remove().await?;
    assert!(!volume_exists(&name));
    Ok(())
}

#[tokio::test]
async fn many_that_are_dropped_while_their_containers_go_all_go() -> TestResult {
    let mut pairs = Vec::new();
    for _ in 0..6 {
        let volume = Volume::create().await?;
        let container = user_of(&volume).await?;
        pairs.push((volume, container));
    }
    let names: Vec<_> = pairs.iter().map(|(volume, _)| volume.name().to_owned()).collect();
    // The volume and its container at the very same time.
    let threads: Vec<_> = pairs
        .into_iter()
        .flat_map(|(volume, container)| {
            [std::thread::spawn(move || drop(volume)), std::thread::spawn(move || drop(container))]
        })
        .collect();
    for thread in threads {
        thread.join().expect("no panic");
    }
    assert_eq!(names.iter().filter(|name| volume_exists(name)).count(), 0);
    Ok(())
}

#[tokio::test]
async fn one_that_is_used_cannot_be_removed_and_goes_with_its_container() -> TestResult {
    let volume = Volume::create().await?;
    let name = volume.name().to_owned();
    let container = user_of(&volume).await?;
    let error = volume.remove().await.unwrap_err();
    let (text, cause) = text_and_cause_of(&error).await;
    assert_eq!(
        text,
        format!(
            "the volume could not be removed\n  volume: `{name}`\n  engine: ENGINE\n  hint: remove the container that uses \
             it first; the volume goes with it now"
        )
    );
    assert!(cause.contains("in use") || cause.contains("being used"), "{cause}");
    assert!(volume_exists(&name));
    container.remove().await?;
    assert!(!volume_exists(&name));
    Ok(())
}

#[tokio::test]
async fn one_that_somebody_else_has_removed_is_fine() -> TestResult {
    let (first, second) = (Volume::create().await?, Volume::create().await?);
    for volume in [&first, &second] {
        let (status, told) = api("DELETE", &format!("/volumes/{}", volume.name()));
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
    let kept = Volume::create().await?.keep().await?;
    let there = volume_exists(kept.id());
    remove_kept(&format!("/volumes/{}", kept.name()));
    assert!(there);
    assert!(!volume_exists(kept.id()));
    Ok(())
}

#[tokio::test]
async fn a_name_that_somebody_has() -> TestResult {
    let name = unique("taken");
    let request = VolumeRequest::new().name(&name);
    let first = request.create().await?;
    user_of(&first).await?.exec(["touch", "/data/mine"]).await?.ok()?;
    let error = refused(request.clone()).await;
    assert!(error.is_name_taken(), "{error}");
    let (text, cause) = text_and_cause_of(&error).await;
    assert_eq!(
        text,
        format!(
            "the name `{name}` is taken by another volume\n  engine: ENGINE\n  hint: remove it (`docker volume rm {name}`), \
             or leave `.name(..)` away to have a free one"
        )
    );
    assert!(cause.contains("already in use"), "{cause}");
    let found = user_of(&first).await?.exec(["ls", "/data"]).await?.ok()?;
    assert_eq!(found.stdout_str()?, "mine\n", "whoever has it keeps it, and what is in it");
    first.remove().await?;
    request.create().await?.remove().await?;

    // Somebody's who does not use longshore.
    let (status, told) = api_with("POST", "/volumes/create", &format!(r#"{{"Name":"{name}"}}"#));
    assert_eq!(status, 201, "{told}");
    let error = refused(request).await;
    let still = volume_exists(&name);
    api("DELETE", &format!("/volumes/{name}"));
    assert!(error.is_name_taken() && still, "{error}");
    Ok(())
}

#[tokio::test]
async fn twenty_at_once_all_are_different() -> TestResult {
    let volumes = futures::future::join_all((0..20).map(|_| Volume::create())).await;
    let volumes: Vec<_> = volumes.into_iter().collect::<Result<_, _>>()?;
    let names: std::collections::BTreeSet<_> =
        volumes.iter().map(|volume| volume.name().to_owned()).collect();
    assert_eq!(names.len(), 20);
    assert!(names.iter().all(|name| volume_exists(name)));
    drop(volumes);
    assert!(names.iter().all(|name| !volume_exists(name)));
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_is_told_before_anything_is_asked() -> TestResult {
    let proxy = Proxy::start();
    let engine = Engine::connect_to(&proxy.address()).await?;
    proxy.forget();
    let request = VolumeRequest::new().name("./data");
    let error = request.create_on(&engine).await.unwrap_err();
    assert!(error.is_invalid_request());
    assert_eq!(
        error.to_string(),
        "`./data` is not a volume's name\n  volume: `./data`\n  hint: a name has two or more letters, digits, `_`, `.` or \
         `-`, and begins with a letter or a digit"
    );
    assert_eq!(proxy.calls(), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn what_the_engine_refuses_is_told_in_its_words() -> TestResult {
    let error = refused(VolumeRequest::new().driver("no-such-driver")).await;
    let (text, cause) = text_and_cause_of(&error).await;
    let headline = "the engine did not create the volume\n  volume: `longshore-";
    assert!(text.starts_with(headline), "{text}");
    assert!(cause.contains("no-such-driver"), "{cause}");
    let error = refused(VolumeRequest::new().opt("no-such-option", "x")).await;
    let (text, cause) = text_and_cause_of(&error).await;
    assert!(text.starts_with(headline), "{text}");
    assert!(cause.contains("no-such-option"), "{cause}");
    Ok(())
}

#[tokio::test]
async fn volumes_are_listed_by_dockers_filters() -> TestResult {
    let volumes = Engine::connect().await?.volumes();
    let label = unique("listed");
    let labelled = || VolumeFilters::new().label(format!("test={label}"));
    let names = |filters: VolumeFilters| {
        let list = volumes.list(filters);
        async move {
            let mut names: Vec<_> =
                list.await?.iter().map(|volume| volume.name().to_owned()).collect();
            names.sort_unstable();
            Ok::<_, Error>(names)
        }
    };
    let (a, b) = (unique("list-a"), unique("list-b"));
    let request = VolumeRequest::new().label("test", &label);
    let first = request.clone().name(&a).label("colour", "red").create().await?;
    let second = request.name(&b).create().await?;
    let user = user_of(&first).await?;

    assert_eq!(names(labelled()).await?, [a.as_str(), &b]);
    assert_eq!(names(labelled().label("colour")).await?, [a.as_str()]);
    assert_eq!(names(labelled().label("colour=blue")).await?, [""; 0]);
    assert_eq!(names(labelled().name(&b)).await?, [b.as_str()]);
    assert_eq!(names(labelled().driver("local")).await?.len(), 2);
    assert_eq!(names(labelled().driver("nfs")).await?, [""; 0]);
    assert_eq!(names(labelled().dangling()).await?, [b.as_str()]);
    assert_eq!(names(labelled().in_use()).await?, [a.as_str()]);
    let all = volumes.list(VolumeFilters::new()).await?;
    let listed = all.iter().find(|volume| volume.name() == second.name()).expect("all are there");
    assert_eq!(listed.labels()["test"], label);
    drop(user);
    Ok(())
}

#[tokio::test]
async fn volumes_are_inspected_and_removed_by_name() -> TestResult {
    let volumes = Engine::connect().await?.volumes();
    let volume = Volume::create().await?;
    assert_eq!(volumes.inspect(volume.name()).await?.name(), volume.name());
    let user = user_of(&volume).await?;
    let error = volumes.remove(volume.name()).await.unwrap_err();
    let (text, _) = text_and_cause_of(&error).await;
    assert_eq!(
        text,
        format!(
            "the volume could not be removed\n  volume: `{}`\n  engine: ENGINE\n  hint: remove the container that uses it \
             first (`docker ps -a --filter volume=NAME` finds it)",
            volume.name()
        )
    );
    user.remove().await?;
    volumes.remove(volume.name()).await?;
    assert!(!volume_exists(volume.name()));
    volume.remove().await?;

    for error in [
        volumes.inspect("no-such-volume").await.unwrap_err(),
        volumes.remove("no/such?volume").await.unwrap_err(),
        volumes.inspect("").await.unwrap_err(),
    ] {
        assert!(error.is_not_found(), "{error}");
        assert!(text_of(&error).await.contains("\n  engine: ENGINE"), "{error}");
    }
    Ok(())
}
