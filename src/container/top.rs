//! `docker top`: the processes of a running container.

use std::future::Future;

use serde_json::Value;

use super::handle::Container;
use crate::engine::Remote;
use crate::error::Result;

/// What is asked of Podman, whose 4.3 otherwise runs the container's own `ps`, and reads busybox's wrongly.
const PODMANS_COLUMNS: &str = "user,pid,ppid,pcpu,etime,tty,time,args";

impl Container {
    /// Its processes, as the engine's machine sees them (`docker top`): user, process id, command and more.
    ///
    /// # Errors
    ///
    /// When it does not run ([`is_exited`](crate::Error::is_exited)).
    pub fn top(&self) -> impl Future<Output = Result<Top>> + Send + 'static {
        top(self.remote.clone(), None)
    }

    /// Its processes in the columns that `ps` is asked for: `top_with("-o pid,comm")` (`docker top CONTAINER -o pid,comm`).
    /// `ps` is the engine's machine's, and one of the columns has to be the process id.
    ///
    /// # Errors
    ///
    /// When it does not run, or `ps` does not take these options.
    pub fn top_with(&self, ps_options: &str) -> impl Future<Output = Result<Top>> + Send + 'static {
        top(self.remote.clone(), Some(ps_options.to_owned()))
    }
}

async fn top(remote: Remote, ps_options: Option<String>) -> Result<Top> {
    let look = |remote: Remote| async move {
        let options =
            ps_options.or_else(|| remote.engine().is_podman().then(|| PODMANS_COLUMNS.to_owned()));
        let pairs: Vec<_> = options.iter().map(|options| ("ps_args", options.as_str())).collect();
        remote.get("top", &pairs).await
    };
    let raw = remote.call_running("the container's processes could not be listed", look).await?;
    Ok(Top::new(raw))
}

/// The processes of a container: a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Top {
    titles: Vec<String>,
    processes: Vec<Vec<String>>,
    raw: Value,
}

impl Top {
    fn new(raw: Value) -> Self {
        let words = |row: &Value| -> Vec<String> {
            let cells = row.as_array().into_iter().flatten();
            cells.map(|cell| cell.as_str().unwrap_or_default().to_owned()).collect()
        };
        let titles = words(&raw["Titles"]);
        let processes = raw["Processes"].as_array().into_iter().flatten().map(words).collect();
        Top { titles, processes, raw }
    }

    /// The titles of the columns, such as `UID`, `PID` and `CMD`. What they are is up to the engine and its `ps`.
    pub fn titles(&self) -> &[String] {
        &self.titles
    }

    /// The processes, a row each, in the order of the titles.
    pub fn processes(&self) -> &[Vec<String>] {
        &self.processes
    }

    /// One column, by its title in either case: `column("pid")`. `None` if there is no such column.
    pub fn column(&self, title: &str) -> Option<Vec<&str>> {
        let index = self.titles.iter().position(|have| have.eq_ignore_ascii_case(title))?;
        let rows = self.processes.iter();
        Some(rows.map(|row| row.get(index).map(String::as_str).unwrap_or_default()).collect())
    }

    /// Everything, as the engine gave it.
    pub fn raw(&self) -> &Value {
        &self.raw
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_found_by_their_titles() {
        let top = Top::new(json!({
            "Titles": ["PID", "CMD"], "Processes": [["1", "sh -c x"], ["7", "sleep 1"]],
        }));
        assert_eq!(top.titles(), ["PID", "CMD"]);
        assert_eq!(top.column("pid"), Some(vec!["1", "7"]));
        assert_eq!(top.column("CMD"), Some(vec!["sh -c x", "sleep 1"]));
        assert_eq!(top.column("UID"), None);
        assert_eq!(top.processes().len(), 2);
        assert!(Top::new(json!({})).processes().is_empty());
    }
}
