//! Networks that everybody in a process shares who asks for the same name.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

use longshore::{blocking, Engine, Network};

use super::networks::{client, fetch, server};
use super::support::proxy::{Action, Proxy};
use super::support::{api, eventually, network_exists, remove_kept, unique, TestResult};

/// The networks on the engine that were made for this shared name.
fn made_for(name: &str) -> Vec<String> {
    // Podman 4.3 refuses while a container of somebody else goes.
    let mut all = api("GET", "/networks");
    eventually("a list of networks", || {
        all = api("GET", "/networks");
        all.0 == 200
    });
    let all: serde_json::Value = serde_json::from_str(&all.1).expect("JSON");
    let names = all.as_array().into_iter().flatten().filter_map(|network| network["Name"].as_str());
    names.filter(|known| known.contains(name)).map(str::to_owned).collect()
}

#[tokio::test]
async fn all_who_ask_for_a_name_get_the_same_one_until_the_last_handle_goes() -> TestResult {
    let name = unique("shared");
    let first = Network::shared(&name).await?;
    let second = Network::shared(&name).await?;
    let other = Network::shared(unique("shared")).await?;
    assert_eq!((first.id(), first.name()), (second.id(), second.name()));
    assert_ne!(first.id(), other.id());
    assert!(first.name().starts_with(&format!("longshore-{name}-")), "{}", first.name());
    assert_eq!(made_for(&name), [first.name()]);

    let id = first.id().to_owned();
    drop(first);
    assert!(network_exists(&id), "somebody still has it");
    assert_eq!(second.inspect().await?.id(), id);
    second.remove().await?;
    assert!(!network_exists(&id), "that was the last one");

    let third = Network::shared(&name).await?;
    assert_ne!(third.id(), id);
    drop(third);
    assert_eq!(made_for(&name), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn remove_gives_back_what_others_still_use() -> TestResult {
    let name = unique("shared");
    let (first, second) = (Network::shared(&name).await?, Network::shared(&name).await?);
    let server = server().network(&first).network_alias("web").start().await?;
    first.remove().await?;
    let client = client().network(&second).start().await?;
    assert_eq!(fetch(&client, "web").await?, "hello\n");
    drop(server);
    Ok(())
}

#[test]
fn only_one_is_made_however_many_ask_at_once_in_whatever_runtimes() -> TestResult {
    let name = unique("at-once");
    let begin = Arc::new(Barrier::new(12));
    let threads: Vec<_> = (0..12)
        .map(|number| {
            let (name, begin) = (name.clone(), begin.clone());
            thread::spawn(move || {
                begin.wait();
                match number % 3 {
                    0 => blocking::block_on(Network::shared(name)),
                    1 => futures::executor::block_on(Network::shared(name)),
                    _ => {
                        let runtime = tokio::runtime::Builder::new_current_thread().build();
                        runtime.expect("a runtime").block_on(Network::shared(name))
                    }
                }
            })
        })
        .collect();
    let networks: Vec<_> = threads
        .into_iter()
        .map(|thread| thread.join().expect("no panic"))
        .collect::<Result<_, _>>()?;
    assert!(networks.iter().all(|network| network.id() == networks[0].id()));
    assert_eq!(made_for(&name), [networks[0].name()]);
    drop(networks);
    assert_eq!(made_for(&name), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn one_that_is_asked_for_and_not_polled_holds_up_nobody() -> TestResult {
    let name = unique("not-polled");
    let engine = Engine::connect().await?;
    let mut asked = Box::pin(Network::shared_on(&engine, &name));
    // It has begun, and is left alone then.
    let waker = futures::task::noop_waker();
    let mut context = std::task::Context::from_waker(&waker);
    assert!(asked.as_mut().poll(&mut context).is_pending());
    let second = blocking::block_on(Network::shared(&name))?;
    let first = asked.await?;
    assert_eq!(first.id(), second.id());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_one_who_makes_it_gives_up_the_next_one_does() -> TestResult {
    let proxy = Proxy::with(|call| match call.contains("/networks/create") {
        true => Action::DelayAnswer(Duration::from_millis(300)),
        false => Action::Pass,
    });
    let engine = Engine::connect_to(&proxy.address()).await?;
    let name = unique("given-up");
    let maker = tokio::spawn(Network::shared_on(&engine, &name));
    eventually("the call to make it", || proxy.calls().iter().any(|call| call.contains("create")));
    let next = tokio::spawn(Network::shared_on(&engine, &name));
    maker.abort();
    drop(maker.await);
    let network = next.await??;
    assert_eq!(made_for(&name), [network.name()]);
    drop(network);
    assert_eq!(made_for(&name), [""; 0]);
    Ok(())
}

#[tokio::test]
async fn when_making_it_fails_the_next_one_tries() -> TestResult {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let proxy = Proxy::with(move |call| {
        if !call.contains("/networks/create") {
            return Action::Pass;
        }
        match counted.fetch_add(1, Ordering::SeqCst) {
            0 => Action::Refuse(400, "all predefined address pools have been fully subnetted"),
            1 => Action::LoseAnswer,
            _ => Action::Pass,
        }
    });
    let engine = Engine::connect_to(&proxy.address()).await?;
    let name = unique("failing");
    let outcomes =
        futures::future::join_all((0..5).map(|_| Network::shared_on(&engine, &name))).await;
    let (made, failed): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!((made.len(), failed.len()), (3, 2), "{failed:?}");
    assert!(failed
        .iter()
        .flat_map(|failed| failed.as_ref().err())
        .any(|error| error.is_subnet_unavailable()));
    let made: Vec<_> = made.into_iter().collect::<Result<_, _>>()?;
    assert_eq!(
        made_for(&name),
        [made[0].name()],
        "what was made though the answer was lost is gone"
    );
    drop(made);
    assert_eq!(made_for(&name), [""; 0]);
    assert_eq!(calls.load(Ordering::SeqCst), 3);
    Ok(())
}

#[tokio::test]
async fn one_that_is_kept_stays_and_is_not_given_out_again() -> TestResult {
    let name = unique("kept");
    let (first, second) = (Network::shared(&name).await?, Network::shared(&name).await?);
    let kept = first.keep().await?;
    drop(second);
    let there = network_exists(kept.id());
    let next = Network::shared(&name).await;
    remove_kept(&format!("/networks/{}", kept.id()));
    assert!(there);
    assert_ne!(next?.id(), kept.id());
    Ok(())
}

#[tokio::test]
async fn engines_at_the_same_address_are_the_same() -> TestResult {
    let address = Engine::connect().await?.address();
    let name = unique("address");
    let first = Network::shared(&name).await?;
    let second = Network::shared_on(&Engine::connect_to(&address).await?, &name).await?;
    assert_eq!(first.id(), second.id());
    let elsewhere = Proxy::start();
    let elsewhere = Engine::connect_to(&elsewhere.address()).await?;
    assert_ne!(Network::shared_on(&elsewhere, &name).await?.id(), first.id());
    Ok(())
}
