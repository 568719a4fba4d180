//! Whether what stands in the way was left by an owner that has ended.

use serde_json::Value;

use super::identity::Process;
use super::labels::OWNER;

/// Whether a container (as inspected) is ours and its owner is provably dead. Anything else is somebody's.
pub(crate) fn has_dead_owner(inspect: &Value) -> bool {
    let owner = inspect["Config"]["Labels"][OWNER].as_str().and_then(Process::from_label);
    owner.is_some_and(|owner| owner.is_dead())
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
    }
}
