//! nginx, by the interface of its official image: pages, and configuration of one's own.

use super::common::common_methods;
use super::running::Running;
use super::service::Service;
use crate::request::{ContainerRequest, CopyIn, CopySource};
use crate::wait::Wait;

const PORT: u16 = 80;
const PAGES: &str = "/usr/share/nginx/html";

/// nginx: `nginx:1.22`, which serves its welcome page.
///
/// # Examples
///
/// ```no_run
/// use longshore::services;
///
/// # async fn example() -> longshore::Result<()> {
/// let web = services::nginx().page("tests/data/index.html", "/index.html").start().await?;
/// println!("{}/index.html", web.url());
/// # Ok(())
/// # }
/// ```
pub fn nginx() -> Nginx {
    Nginx { copies: Vec::new(), more: ContainerRequest::new("nginx:1.22") }
}

/// An nginx that is to be started; see [`nginx`].
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a service does nothing until it is started"]
pub struct Nginx {
    copies: Vec<CopyIn>,
    more: ContainerRequest,
}

/// An nginx that runs.
pub type NginxContainer = Running<Nginx>;

impl Nginx {
    /// A file or a folder that is served at `path`: a path on this machine, or [`CopySource::bytes`]. With `"/"`, a folder's files
    /// are served at the top.
    pub fn page(mut self, source: impl Into<CopySource>, path: &str) -> Self {
        let target = format!("{PAGES}/{}", path.trim_start_matches('/'));
        // A folder is named for what it becomes; with a `/` behind it would be put into it.
        self.copies.push(CopyIn::new(source, target.trim_end_matches('/')).mode(0o644));
        self
    }

    /// The server's configuration, in place of the image's `conf.d/default.conf`: `server { listen 80; .. }` blocks. A path on this
    /// machine, or [`CopySource::bytes`].
    pub fn config(mut self, source: impl Into<CopySource>) -> Self {
        self.copies.push(CopyIn::new(source, "/etc/nginx/conf.d/default.conf").mode(0o644));
        self
    }
}

common_methods!(Nginx);

impl Service for Nginx {
    fn request(&self) -> ContainerRequest {
        // It listens when it has read all of its configuration. Asking for a page instead would be in its log.
        let request = ContainerRequest::new(self.more.image()).publish(PORT).wait(Wait::port(PORT));
        let copies = self.copies.iter().cloned();
        self.more.clone().on_top_of(copies.fold(request, ContainerRequest::copy))
    }

    fn port(&self) -> u16 {
        PORT
    }

    fn url(&self, address: &str) -> String {
        format!("http://{address}")
    }
}
