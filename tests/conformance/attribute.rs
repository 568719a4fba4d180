//! `#[with_container]`: what a test is given, and that it is gone after the test, whatever became of that.
//!
//! A function with the attribute can be called like any other, which is how the ends of tests are looked at here: inner functions are
//! no tests of the program.

#![allow(unnameable_test_items, reason = "they are called by hand")]

use std::any::Any;
use std::error::Error;
use std::panic::catch_unwind;
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use longshore::{blocking, with_container, Container, ContainerRequest};

use crate::support::{exists, get, labelled, remove_kept, unique, TestResult, BUSYBOX};

fn sleeper() -> ContainerRequest {
    ContainerRequest::new(BUSYBOX).cmd(["sleep", "600"])
}

/// Prints a variable, in the container.
fn echo(variable: &str) -> [String; 3] {
    ["sh".into(), "-c".into(), format!("echo ${variable}")]
}

#[with_container("busybox:1.35", cmd = ["sleep", "600"], env("A" = "b"))]
#[test]
fn a_sync_test_is_given_a_container_by_value(container: blocking::Container) -> TestResult {
    assert_eq!(container.exec(echo("A"))?.stdout_str()?, "b\n");
    Ok(())
}

#[with_container("busybox:1.35", cmd = ["sleep", "600"])]
#[test]
fn a_sync_test_is_given_a_reference(container: &blocking::Container) {
    assert!(exists(container.id()));
}

#[with_container("busybox:1.35", cmd("sleep", "600"), env("A", "b"))]
#[tokio::test]
async fn an_async_test_is_given_a_container_by_value(mut container: Container) -> TestResult {
    assert_eq!(container.exec(echo("A")).await?.stdout_str()?, "b\n");
    container.rename(&unique("renamed")).await?;
    Ok(())
}

#[with_container("busybox:1.35", cmd("sleep", "600"))]
#[tokio::test]
async fn an_async_test_is_given_a_mutable_reference(container: &mut Container) -> TestResult {
    container.rename(&unique("renamed")).await?;
    Ok(())
}

const ANOTHER: &str = BUSYBOX;

#[with_container(run = "docker run -e A=1 busybox:1.35 sleep 600")]
#[with_container(sleeper(), env("A" = "2"), name = "second")]
#[with_container(&sleeper(), env("A" = "3"))]
#[with_container(ANOTHER, cmd = ["sleep", "600"], env("A" = "4"))]
#[tokio::test(flavor = "multi_thread")]
async fn several_are_bound_in_order_or_by_name(
    second: &Container,
    first: &Container,
    third: Container,
    fourth: &Container,
) -> Result<(), Box<dyn Error>> {
    let all = [(first, "1\n"), (second, "2\n"), (&third, "3\n"), (fourth, "4\n")];
    for (container, value) in all {
        assert_eq!(container.exec(echo("A")).await?.stdout_str()?, value);
    }
    Ok(())
}

#[with_container("busybox:1.35", cmd = ["sleep", "600"])]
async fn without_a_test_attribute_it_is_a_test_with_a_runtime(container: &Container) -> TestResult {
    tokio::time::sleep(Duration::from_millis(1)).await;
    container.inspect().await?;
    Ok(())
}

#[with_container("busybox:1.35", cmd = ["sleep", "600"])]
fn without_a_test_attribute_and_async_it_is_a_test_too(container: &blocking::Container) {
    assert!(exists(container.id()));
}

static NOBODYS: LazyLock<String> = LazyLock::new(|| unique("nobodys"));

#[with_container("busybox:1.35", cmd = ["sleep", "600"], label("test" = &*NOBODYS))]
#[test]
fn one_that_is_no_parameter_runs_all_the_same() {
    assert_eq!(labelled(&format!("test={}", *NOBODYS)).len(), 1);
}

#[with_container(
    "busybox:1.35",
    cmd = ["sh", "-c", "echo starting; mkdir /www; echo hello > /www/index.html; touch /up; echo up; echo up; exec httpd -f -p 80 -h /www"],
    publish = "80",
    interactive,
    user = "root",
    memory = "64m",
    pids_limit = 50,
    tmpfs("/a", "/b"),
    pull = "missing",
    copy_to("tests/data/index.html", "/data/index.html"),
    start_timeout = "50s",
    wait = log("up", times = 2, stdout, timeout = "40s"),
    wait = all(port(80), http("/index.html", port = 80, status = 200, body_contains = "hello")),
    wait = any(file("/up"), exec("test", "-e", "/up")),
    wait = exec(["cat", "/data/index.html"]),
)]
#[tokio::test]
async fn options_are_builder_methods(web: &Container) -> TestResult {
    let inspect = get(&format!("/containers/{}/json", web.id()));
    assert_eq!(inspect["Config"]["OpenStdin"], true);
    assert_eq!(inspect["HostConfig"]["Memory"], 64 << 20);
    assert_eq!(inspect["HostConfig"]["PidsLimit"], 50);
    assert_eq!(inspect["Config"]["User"], "root");
    assert_eq!(web.ports().len(), 1);
    web.exec(["grep", "/b", "/proc/mounts"]).await?.ok()?;
    Ok(())
}

#[with_container("busybox:1.35", cmd = ["sleep", "600"], wait = duration("3s"))]
#[with_container("busybox:1.35", cmd = ["sleep", "600"], wait = duration("3s"))]
#[test]
fn containers_start_side_by_side(a: blocking::Container, b: blocking::Container) {
    let created = |container: &blocking::Container| {
        get(&format!("/containers/{}/json", container.id()))["Created"].as_str().map(seconds)
    };
    let (Some(a), Some(b)) = (created(&a), created(&b)) else { panic!("no times") };
    // An hour may have begun between them.
    let apart = (a - b).abs().min(3600.0 - (a - b).abs());
    assert!(apart < 3.0, "one after another: {a} and {b}");
}

/// Seconds in the hour, of a time such as `2026-01-02T03:04:05.678Z`.
fn seconds(time: &str) -> f64 {
    let (minutes, rest) = time[14..].split_once(':').expect("minutes");
    let second = rest.trim_end_matches(|c: char| !c.is_ascii_digit() && c != '.');
    let second: f64 = second[..second.len().min(5)].parse().expect("seconds");
    minutes.parse::<f64>().expect("minutes") * 60.0 + second
}

#[with_container("busybox:1.35", cmd = ["sleep", "600"])]
#[tokio::test]
async fn dropping_or_removing_it_gives_it_back(container: Container) -> TestResult {
    let id = container.id().to_owned();
    container.remove().await?;
    assert!(exists(&id), "it is the test's until its end");
    Ok(())
}

mod all_tests {
    use super::*;

    #[with_container("busybox:1.35", cmd = ["sleep", "600"], env("A" = "module"))]
    mod of_a_module {
        use super::*;

        fn check(container: &blocking::Container) -> TestResult {
            assert_eq!(container.exec(echo("A"))?.stdout_str()?, "module\n");
            Ok(())
        }

        #[test]
        fn are_given_its_container(container: &blocking::Container) -> TestResult {
            check(container)
        }

        #[with_container("busybox:1.35", cmd = ["sleep", "600"])]
        #[tokio::test]
        async fn and_their_own(modules: &Container, own: &Container) -> TestResult {
            assert_eq!(modules.exec(echo("A")).await?.stdout_str()?, "module\n");
            assert_eq!(own.exec(echo("A")).await?.stdout_str()?, "\n");
            Ok(())
        }

        mod that_is_in_it {
            use super::*;

            #[test]
            fn too(container: blocking::Container) -> TestResult {
                check(&container)
            }
        }
    }

    #[with_container("busybox:1.35", cmd = ["sleep", "600"], env("A" = "first"))]
    #[with_container("busybox:1.35", cmd = ["sleep", "600"], env("A" = "second"))]
    mod of_a_module_with_two {
        use super::*;

        #[test]
        fn have_them_in_order(
            first: &blocking::Container,
            second: &blocking::Container,
        ) -> TestResult {
            assert_eq!(first.exec(echo("A"))?.stdout_str()?, "first\n");
            assert_eq!(second.exec(echo("A"))?.stdout_str()?, "second\n");
            Ok(())
        }

        #[with_container("busybox:1.35", cmd = ["sleep", "600"], env("A" = "third"))]
        mod and_one_in_it {
            use super::*;

            #[with_container("busybox:1.35", cmd = ["sleep", "600"], env("A" = "own"))]
            #[tokio::test]
            async fn too(
                first: Container,
                second: Container,
                third: Container,
                own: Container,
            ) -> TestResult {
                for (container, said) in
                    [(first, "first\n"), (second, "second\n"), (third, "third\n"), (own, "own\n")]
                {
                    assert_eq!(container.exec(echo("A")).await?.stdout_str()?, said);
                }
                Ok(())
            }
        }
    }
}

#[rstest::fixture]
fn twelve() -> u32 {
    6 * 2
}

#[with_container("busybox:1.35", cmd = ["sleep", "600"], env("A" = word))]
#[with_container("busybox:1.35", cmd = ["sleep", "600"], env("A" = "other"), name = "other")]
#[rstest::rstest]
#[case("one")]
#[case("two")]
#[tokio::test]
async fn cases_and_fixtures_of_rstest_stay(
    twelve: u32,
    other: &Container,
    #[case] word: &str,
    container: Container,
) -> TestResult {
    assert_eq!(twelve, 12);
    assert_eq!(container.exec(echo("A")).await?.stdout_str()?, format!("{word}\n"));
    assert_eq!(other.exec(echo("A")).await?.stdout_str()?, "other\n");
    Ok(())
}

/// The ids that tests have been given, by a word each.
static GIVEN: Mutex<Vec<(&str, String)>> = Mutex::new(Vec::new());

fn note(test: &'static str, id: &str) {
    assert!(exists(id));
    GIVEN.lock().expect("nobody panics here").push((test, id.into()));
}

fn noted(test: &str) -> Vec<String> {
    let given = GIVEN.lock().expect("nobody panics here");
    given.iter().filter(|(of, _)| *of == test).map(|(_, id)| id.clone()).collect()
}

/// Asserts that a test was given so many, and that all are gone.
fn check_gone(test: &str, count: usize) {
    let ids = noted(test);
    assert_eq!(ids.len(), count);
    assert!(!ids.iter().any(|id| exists(id)), "{test}: something is left");
}

pub(super) fn text(panic: Box<dyn Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => (*panic.downcast::<&str>().expect("text")).to_owned(),
    }
}

#[test]
fn after_a_panic_it_is_gone_and_the_panic_goes_on() {
    #[with_container("busybox:1.35", cmd = ["sleep", "600"])]
    #[with_container("busybox:1.35", cmd = ["sleep", "600"])]
    #[test]
    #[should_panic(expected = "on purpose")]
    fn panics(a: blocking::Container, b: &blocking::Container) {
        note("panics", a.id());
        note("panics", b.id());
        panic!("on purpose");
    }

    let panic = catch_unwind(panics).expect_err("it panics");
    assert_eq!(text(panic), "on purpose");
    check_gone("panics", 2);
}

#[test]
fn after_a_panic_in_a_runtime_it_is_gone_and_the_panic_goes_on() {
    #[with_container("busybox:1.35", cmd = ["sleep", "600"])]
    #[tokio::test]
    #[should_panic]
    async fn panics_in_a_runtime(container: Container) {
        note("panics in a runtime", container.id());
        tokio::task::yield_now().await;
        panic!("on purpose");
    }

    let panic = catch_unwind(panics_in_a_runtime).expect_err("it panics");
    assert_eq!(text(panic), "on purpose");
    check_gone("panics in a runtime", 1);
}

#[test]
fn after_an_error_it_is_gone_and_the_error_is_returned() {
    #[with_container("busybox:1.35", cmd = ["sleep", "600"])]
    async fn fails(container: &Container) -> Result<(), Box<dyn Error>> {
        note("fails", container.id());
        if container.name().is_empty() {
            return Ok(());
        }
        "no number".parse::<u32>()?;
        Err(Box::new(std::fmt::Error))
    }

    assert_eq!(fails().unwrap_err().to_string(), "invalid digit found in string");
    check_gone("fails", 1);
}

#[test]
fn after_success_it_is_gone_whatever_became_of_the_handle() {
    #[with_container("busybox:1.35", cmd = ["sleep", "600"])]
    #[test]
    fn passes(container: blocking::Container) -> impl std::process::Termination {
        note("passes", container.id());
        Box::leak(Box::new(container));
    }

    let _ = passes();
    check_gone("passes", 1);
}

#[tokio::test]
async fn when_the_test_is_given_up_it_is_gone() {
    // What the attribute writes into an async test, without what would make a blocking function of that.
    let wanted = longshore::__private::request(sleeper());
    let (ask, kind) = longshore::__private::Ask::new(wanted, "container", false);
    let hangs = longshore::__private::run_async(
        longshore::__private::Test::new("conformance::attribute::hangs", |()| false),
        [ask],
        move |[mut slot]| async move {
            let container: &Container = longshore::__private::given(&mut slot, kind);
            note("hangs", container.id());
            std::future::pending::<()>().await
        },
    );
    let _ = tokio::time::timeout(Duration::from_secs(3), hangs).await;
    check_gone("hangs", 1);
}

#[test]
fn one_that_is_kept_stays() {
    #[with_container("busybox:1.35", cmd = ["sleep", "600"])]
    async fn keeps(container: Container) -> TestResult {
        note("keeps", container.keep().await?.id());
        Ok(())
    }

    keeps().expect("it is kept");
    let id = noted("keeps").remove(0);
    assert!(exists(&id));
    remove_kept(&format!("/containers/{id}"));
}

static OTHERS: LazyLock<String> = LazyLock::new(|| unique("others"));

#[test]
fn a_start_that_fails_says_for_which_parameter_and_leaves_nothing() {
    #[with_container("busybox:1.35", cmd = ["sleep", "600"], label("test" = &*OTHERS), name = "_")]
    #[with_container("busybox:1.35", cmd = ["sh", "-c", "echo no, not this one; exit 3"])]
    #[test]
    fn is_not_started(broken: &blocking::Container) {
        panic!("{} runs", broken.id());
    }

    // An expansion's place is that of the first attribute.
    let line = line!() - 8;
    let told = text(catch_unwind(is_not_started).expect_err("it does not start"));
    let place = format!(
        "\n  for the parameter: `broken`\n  asked for at: tests/conformance/attribute.rs:{line}:5\n"
    );
    assert!(told.starts_with("the container exited with code 3 "), "{told}");
    assert!(told.contains(&place), "{told}");
    assert!(told.ends_with("\n    | no, not this one"), "{told}");
    assert_eq!(labelled(&format!("test={}", *OTHERS)), [""; 0]);
}

#[test]
fn a_start_that_fails_is_not_the_panic_that_was_expected() {
    #[with_container("busybox:1.35", cmd = ["false"])]
    #[test]
    #[should_panic]
    fn sync() {
        panic!("it runs");
    }

    #[with_container("busybox:1.35", cmd = ["false"])]
    #[tokio::test]
    #[should_panic]
    async fn in_a_runtime() {
        panic!("it runs");
    }

    #[with_container("busybox:1.35", cmd = ["false"])]
    #[should_panic]
    async fn in_a_runtime_of_its_own() {
        panic!("it runs");
    }

    sync();
    in_a_runtime();
    in_a_runtime_of_its_own();
}
