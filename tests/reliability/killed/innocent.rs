//! Things of somebody else on the same engine: nothing that removes may ever touch them.

use serde_json::{json, Value};

use super::support::{api, api_with, get, unique, BUSYBOX};

/// A container, a network and a volume that longshore did not make; removed when they are dropped.
pub(super) struct Innocent {
    name: String,
    container: Value,
}

impl Innocent {
    /// They carry these labels: none, or such as tell that nobody can say whether their owner lives.
    pub(super) fn with_labels(labels: &Value) -> Self {
        let name = unique("innocent");
        let body = json!({
            "Image": BUSYBOX, "Cmd": ["sleep", "3600"], "Labels": labels,
            "HostConfig": { "NetworkMode": name, "Binds": [format!("{name}:/data")] },
        });
        let mut innocent = Innocent { name: name.clone(), container: Value::Null };
        make("/volumes/create", &json!({ "Name": name, "Labels": labels }));
        make("/networks/create", &json!({ "Name": name, "Labels": labels }));
        make(&format!("/containers/create?name={name}"), &body);
        assert_eq!(api("POST", &format!("/containers/{name}/start")).0, 204);
        innocent.container = innocent.look();
        innocent
    }

    fn look(&self) -> Value {
        let found = get(&format!("/containers/{}/json", self.name));
        json!([found["Id"], found["State"]["Running"], found["State"]["StartedAt"]])
    }

    /// They are there, and the container still runs.
    pub(super) fn assert_untouched(&self) {
        assert_eq!(self.look(), self.container);
        assert_eq!(self.container[1], true);
        assert_eq!(get(&format!("/networks/{}", self.name))["Name"], self.name.as_str());
        assert_eq!(get(&format!("/volumes/{}", self.name))["Name"], self.name.as_str());
    }
}

fn make(path: &str, body: &Value) {
    let (status, answer) = api_with("POST", path, &body.to_string());
    assert!([200, 201].contains(&status), "POST {path}: {status} {answer}");
}

impl Drop for Innocent {
    fn drop(&mut self) {
        let name = &self.name;
        for path in [
            format!("/containers/{name}?force=1"),
            format!("/networks/{name}"),
            format!("/volumes/{name}"),
        ] {
            let _ = std::panic::catch_unwind(|| api("DELETE", &path));
        }
    }
}
