//! Whether the owner of a thing still lives: its process as far as it is seen from here, and its container as the engine
//! knows it.
//!
//! What is not provably dead must never be called so.

use std::collections::HashMap;

use hyper::Method;
use serde_json::Value;

use super::found::{has_inherited_labels, kept};
use super::labels::{CONTAINER, OWNER, TAG};
use super::process::Process;
use crate::engine::{ApiError, Engine};

/// What is known of an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Its process is seen.
    Living,
    /// Its process is gone, or the engine says that its container has ended or is unknown.
    Dead,
    /// It is of another machine, another boot or another container; or the label is none that this version writes.
    Unknown,
}

/// The owners of the things on one engine, which is asked once about each container.
#[derive(Debug)]
pub(super) struct Owners<'a> {
    engine: &'a Engine,
    is_gone: HashMap<String, bool>,
}

impl<'a> Owners<'a> {
    pub(super) fn of(engine: &'a Engine) -> Self {
        Owners { engine, is_gone: HashMap::new() }
    }

    /// The verdict on the owner that these labels name. On the I/O thread.
    pub(super) async fn verdict(&mut self, labels: &Value) -> Verdict {
        match of_process(labels) {
            Verdict::Unknown => {}
            verdict => return verdict,
        }
        match container(labels) {
            Some(container) if self.is_gone(container).await => Verdict::Dead,
            _ => Verdict::Unknown,
        }
    }

    async fn is_gone(&mut self, container: &str) -> bool {
        if let Some(is_gone) = self.is_gone.get(container) {
            return *is_gone;
        }
        let path = format!("/containers/{container}/json");
        let answer = self.engine.client().json(Method::GET, &path, None).await;
        let is_gone = says_gone(&answer);
        self.is_gone.insert(container.to_owned(), is_gone);
        is_gone
    }
}

/// Whether something was left by a dead owner and nobody keeps it, so that it is in the way of whoever wants its name: a
/// container as inspected, or a network, a volume or a line in a list, whose labels stand at the top. Anything else is
/// somebody's. On the I/O thread.
pub(crate) async fn is_left_behind(engine: &Engine, inspect: &Value) -> bool {
    let labels = match &inspect["Config"]["Labels"] {
        Value::Null => &inspect["Labels"],
        labels => labels,
    };
    Owners::of(engine).verdict(labels).await == Verdict::Dead
        && kept(engine).await.is_ok_and(|kept| !kept.has(labels))
        && !has_inherited_labels(engine, labels, inspect).await
}

/// As [`is_left_behind`], of an image under the tag that its owner has given it.
pub(crate) async fn is_image_left_behind(engine: &Engine, inspect: &Value, tag: &str) -> bool {
    inspect["Config"]["Labels"][TAG] == tag && is_left_behind(engine, inspect).await
}

/// What the process alone tells.
pub(super) fn of_process(labels: &Value) -> Verdict {
    let label = labels[OWNER].as_str().unwrap_or_default();
    let Some(owner) = Process::from_label(label) else { return Verdict::Unknown };
    if owner.is_dead() {
        return Verdict::Dead;
    }
    match owner.is_comparable() {
        true => Verdict::Living,
        false => Verdict::Unknown,
    }
}

/// The owner's container, if it is an id: what else stands there is not ours, and must not get into a path.
fn container(labels: &Value) -> Option<&str> {
    let container = labels[CONTAINER].as_str()?;
    let is_id = container.len() == 64 && container.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then_some(container)
}

fn says_gone(answer: &Result<Value, ApiError>) -> bool {
    match answer {
        Ok(inspect) => {
            let state = &inspect["State"];
            // `stopped` is Podman's word.
            let has_ended = matches!(
                state["Status"].as_str(),
                Some("exited" | "stopped" | "dead" | "removing")
            );
            has_ended && state["Running"] != true
        }
        Err(error) => error.is_not_found(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn owned_by(owner: &str) -> Value {
        json!({ OWNER: owner })
    }

    #[test]
    fn a_process_is_living_dead_or_unknown() {
        let this = Process::this().to_label();
        assert_eq!(of_process(&owned_by(&this)), Verdict::Living);
        let (place, _) = this.rsplit_once('/').unwrap();
        let earlier = of_process(&owned_by(&format!("{place}/1")));
        assert_eq!(earlier == Verdict::Dead, cfg!(target_os = "linux"));
        let (_, process) = this.split_once('/').unwrap();
        for unknown in [
            "somebody",
            "",
            &format!("another-boot/{process}"),
            &this.replacen("pid:[", "pid:[9", 1).replace("//", "/another/"),
            &format!("{this}/what-a-later-version-adds"),
            "///",
        ] {
            assert_eq!(of_process(&owned_by(unknown)), Verdict::Unknown, "{unknown}");
        }
        assert_eq!(of_process(&json!(null)), Verdict::Unknown);
    }

    #[test]
    fn a_container_is_gone_when_the_engine_says_so() {
        let state = |status: &str, running: bool| {
            says_gone(&Ok(json!({ "State": { "Status": status, "Running": running } })))
        };
        for status in ["exited", "stopped", "dead", "removing"] {
            assert!(state(status, false), "{status}");
            assert!(!state(status, true), "{status}, but it runs");
        }
        for status in ["created", "running", "paused", "restarting", ""] {
            assert!(!state(status, false), "{status}");
        }
        let refused =
            |status| says_gone(&Err(ApiError::Refused { status, message: String::new() }));
        assert!(refused(404));
        assert!(!refused(500), "an engine that fails says nothing");
        assert!(!says_gone(&Err(ApiError::Broken { message: String::new(), connected: false })));
    }

    #[test]
    fn only_an_id_is_asked_for() {
        let id = "0123456789abcdef".repeat(4);
        assert_eq!(container(&json!({ CONTAINER: id })), Some(id.as_str()));
        for wrong in [json!(""), json!("web"), json!("../../images"), json!(id[1..]), json!(null)] {
            assert_eq!(container(&json!({ CONTAINER: wrong })), None);
        }
    }
}
