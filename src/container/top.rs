//! `docker top`: the processes of a running container.

use std::future::Future;

use serde_json::Value;

use super::handle::Container;
use crate::engine::Remote;
use crate::error::Result;

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
        let options = match remote.engine().is_podman() {
            true => Some(podmans_options(ps_options.as_deref())),
            false => ps_options,
        };
        let pairs: Vec<_> = options.iter().map(|options| ("ps_args", options.as_str())).collect();
        remote.get("top", &pairs).await
    };
    let raw = remote.call_running("the container's processes could not be listed", look).await?;
    Ok(Top::new(raw))
}

/// The columns in words of Podman's own, for which it looks itself. Given options of `ps` it runs the container's, and its 4.3
/// reads busybox's wrongly.
fn podmans_options(options: Option<&str>) -> String {
    const COLUMNS: &str = "user,pid,ppid,pcpu,etime,tty,time,args";
    let options = options.unwrap_or(COLUMNS);
    options.strip_prefix("-o").unwrap_or(options).trim_start().to_owned()
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
    fn podman_is_asked_for_columns() {
        assert_eq!(podmans_options(Some("-o pid,comm")), "pid,comm");
        assert_eq!(podmans_options(Some("-opid")), "pid");
        assert_eq!(podmans_options(Some("aux")), "aux");
        assert!(podmans_options(None).starts_with("user,pid,"));
    }

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
