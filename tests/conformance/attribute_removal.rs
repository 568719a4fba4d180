//! The containers of one test with `#[with_container]` are removed side by side, however the test ends. Each end is that of a child
//! process, which reaches the engine by a relay that holds every removal up for a while.

use std::env;
use std::time::Duration;

use longshore::{blocking, with_container};

use crate::support::child::is_child;
use crate::support::proxy::{Action, Proxy};
use crate::support::session::Session;
use crate::support::TestResult;

/// How a child is to end.
const END: &str = "LONGSHORE_TEST_END";

const CHILD: &str = "attribute_removal::child_with_three";

/// Longer than it takes to ask for all removals one after another.
const HELD_UP: Duration = Duration::from_secs(2);

#[with_container("busybox:1.35", cmd = ["sleep", "600"])]
#[with_container("busybox:1.35", cmd = ["sleep", "600"])]
#[with_container("busybox:1.35", cmd = ["sleep", "600"])]
#[test]
#[ignore = "run as a child process by the other test"]
fn child_with_three(
    _one: blocking::Container,
    _two: &blocking::Container,
    _three: &mut blocking::Container,
) -> TestResult {
    match env::var(END).as_deref() {
        _ if !is_child(CHILD) => Ok(()),
        Ok("panics") => panic!("on purpose"),
        Ok("fails") => Err("on purpose")?,
        _ => Ok(()),
    }
}

#[test]
fn they_go_side_by_side_however_the_test_ends() -> TestResult {
    for (end, is_good) in [("returns", true), ("panics", false), ("fails", false)] {
        let proxy = Proxy::with(|call| match call.starts_with("DELETE /containers/") {
            true => Action::Delay(HELD_UP),
            false => Action::Pass,
        });
        let session = Session::new("side-by-side")
            .env("DOCKER_HOST", proxy.address())
            .env("LONGSHORE_REPORTS", "off")
            .env(END, end);
        let ended = session.start(CHILD).end();
        assert_eq!(ended.status.success(), is_good, "{end}: {}", ended.errors);
        assert_eq!(proxy.most_deletes_at_once(), 3, "{end}");
        assert_eq!(session.left(), [], "{end}");
    }
    Ok(())
}
