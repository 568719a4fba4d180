//! Waits of the user's own, by the trait and by a closure.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::{BoxFuture, FutureExt};
use futures::StreamExt;
use longshore::wait::{Target, WaitResult, WaitStrategy};
use longshore::{Error, Hooks, Wait};

use crate::client::{page, shell, text_of, web, Mark};
use crate::support::TestResult;

/// Waits until the page of port 80 has been asked for a number of times.
struct Pages {
    asked: Arc<AtomicUsize>,
    enough: usize,
}

impl WaitStrategy for Pages {
    fn ready<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, WaitResult> {
        async move {
            let address = target.address(80)?;
            while self.asked.load(Ordering::SeqCst) < self.enough {
                if page(&address).is_ok_and(|page| page == "I am 80\n") {
                    self.asked.fetch_add(1, Ordering::SeqCst);
                }
                target.sleep(Duration::from_millis(20)).await;
            }
            Ok(())
        }
        .boxed()
    }

    fn describe(&self) -> String {
        format!("{} pages", self.enough)
    }
}

async fn failed_start_with(request: longshore::ContainerRequest, hooks: Hooks) -> Error {
    let mark = Mark::new();
    let error = mark.on(request).start_with(hooks).await.map(drop).expect_err("a failed start");
    assert_eq!(mark.count(), 0, "a failed start left something: {error}");
    error
}

#[tokio::test]
async fn a_strategy_decides_when_it_is_ready() -> TestResult {
    let asked = Arc::new(AtomicUsize::new(0));
    let pages = Pages { asked: asked.clone(), enough: 3 };
    let container = web([80]).publish("80").start_with(Hooks::new().wait(pages)).await?;
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    container.remove().await?;
    Ok(())
}

#[tokio::test]
async fn a_closure_is_a_strategy_and_sees_what_the_handle_sees() -> TestResult {
    let (sender, seen) = std::sync::mpsc::channel();
    let wait = move |target: Target| {
        let sender = sender.clone();
        async move {
            let mut output = target.follow_logs().await?;
            while let Some(frame) = output.next().await {
                if frame?.text().contains("ready") {
                    break;
                }
            }
            let command = target.exec(["echo", "from inside"]).await?;
            let state = target.inspect().await?.is_running();
            let what =
                (target.id().to_owned(), target.name().to_owned(), target.image().to_owned());
            sender.send((what, command.stdout_str()?.to_owned(), state, target.exit_code()))?;
            Ok(())
        }
    };
    let request = shell("sleep 0.5; echo ready; exec sleep 600");
    let container = request.start_with(Hooks::new().wait(wait)).await?;
    let own =
        (container.id().to_owned(), container.name().to_owned(), container.image().to_owned());
    assert_eq!(seen.try_recv()?, (own, "from inside\n".into(), true, None));
    container.remove().await?;
    Ok(())
}

#[tokio::test]
async fn it_is_awaited_after_the_requests_waits() -> TestResult {
    let wait = |target: Target| async move {
        match target.exec(["test", "-e", "/up"]).await?.code() {
            0 => Ok(()),
            code => Err(format!("asked too early: {code}").into()),
        }
    };
    let request = shell("sleep 1; touch /up; exec sleep 600").wait(Wait::file("/up"));
    request.start_with(Hooks::new().wait(wait)).await?.remove().await?;
    Ok(())
}

#[tokio::test]
async fn one_that_fails_for_good_ends_the_start_with_its_own_words() {
    let begun = Instant::now();
    let wait = |_: Target| async move { Err("the licence has expired".into()) };
    let request = shell("echo hello; exec sleep 600").wait(Wait::log("hello"));
    let error = failed_start_with(request, Hooks::new().wait(wait)).await;
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(!error.is_timeout() && !error.is_exited());
    assert_eq!(
        text_of(&error).await,
        "the container did not become ready\n  waiting for: a wait of the test's own\n  because: the licence has expired\n  \
         image: `busybox:1.35`\n  container: `NAME` (ID)\n  engine: ENGINE\n  last output:\n    | hello"
    );
}

#[tokio::test]
async fn one_that_never_comes_is_ended_by_the_starts_time_out() {
    let pages = Pages { asked: Arc::default(), enough: usize::MAX };
    let request = web([80]).publish("80").start_timeout(Duration::from_secs(2));
    let error = failed_start_with(request, Hooks::new().wait(pages)).await;
    assert!(error.is_timeout(), "{error}");
    let text = text_of(&error).await;
    let told = format!("the container was not ready in 2s\n  waiting for: {} pages\n", usize::MAX);
    assert!(text.starts_with(&told), "{text}");
}

#[tokio::test]
async fn one_that_panics_panics_in_the_test_and_leaves_nothing() {
    let mark = Mark::new();
    let request = mark.on(shell("exec sleep 600"));
    let wait = |target: Target| async move {
        assert!(target.id().is_empty(), "this strategy panics");
        Ok(())
    };
    let start = tokio::spawn(request.start_with(Hooks::new().wait(wait)));
    assert!(start.await.is_err_and(|error| error.is_panic()));
    assert_eq!(mark.count(), 0);
}

#[test]
fn it_runs_without_any_runtime_around_it() -> TestResult {
    let wait = |target: Target| async move {
        target.sleep(Duration::from_millis(50)).await;
        target.exec(["true"]).await?.ok()?;
        Ok(())
    };
    let container = shell("exec sleep 600").start_with_blocking(Hooks::new().wait(wait))?;
    container.remove()?;
    Ok(())
}
