//! Whether what stands in the way was left by an owner that has ended.

use serde_json::Value;

use super::labels::OWNER;
use super::process::Process;

/// Whether something is ours and its owner is provably dead: a container as inspected, or a network, a volume or a line in
/// a list, whose labels stand at the top. Anything else is somebody's.
pub(crate) fn has_dead_owner(inspect: &Value) -> bool {
    let owner = inspect["Config"]["Labels"][OWNER].as_str().or(inspect["Labels"][OWNER].as_str());
    owner.and_then(Process::from_label).is_some_and(|owner| owner.is_dead())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_a_dead_owner_of_ours_counts() {
        let owned_by = |owner: &str| json!({ "Config": { "Labels": { OWNER: owner } } });
        let mut this = Process::this();
        assert!(!has_dead_owner(&owned_by(&this.to_label())));
        assert!(!has_dead_owner(&owned_by("somebody")));
        assert!(!has_dead_owner(&json!({ "Config": { "Labels": null } })));
        this.started += 1;
        assert_eq!(has_dead_owner(&owned_by(&this.to_label())), cfg!(target_os = "linux"));
        let network = json!({ "Labels": { OWNER: this.to_label() } });
        assert_eq!(has_dead_owner(&network), cfg!(target_os = "linux"));
    }
}
