//! What every ready-made service has: the builder methods of `common_methods`, scripts for its first start, and the spelling of
//! URLs. Pure data; must know no service by name.

use crate::request::{ContainerRequest, CopyIn, CopySource};

/// The builder and start methods that all services have, on a type with the field `more`: what its user says beyond its own
/// words, as a request that is laid over the service's.
macro_rules! common_methods {
    ($service:ident) => {
        /// What every service has.
        impl $service {
            /// Another tag of the image, such as `"16-alpine"`.
            pub fn tag(mut self, tag: impl AsRef<str>) -> Self {
                self.more = self.more.with_tag(tag.as_ref());
                self
            }

            /// Another image that takes the same settings: `"localhost:5000/mine:1"`, or an [`&Image`](crate::Image).
            pub fn image(mut self, image: impl Into<String>) -> Self {
                self.more = self.more.with_image(image);
                self
            }

            /// The most memory it may take: `"512m"`, or bytes as a number (`--memory`).
            pub fn memory(self, limit: impl Into<$crate::Size>) -> Self {
                self.with(|request| request.memory(limit))
            }

            /// Starts it from a snapshot of its first start, so that it makes its data folder and runs its scripts once, and not at
            /// each start; see [`ContainerRequest::warm`](crate::ContainerRequest::warm).
            pub fn warm(self) -> Self {
                self.with(|request| request.warm())
            }

            /// Everything else that a request can. What is said there counts for more than what the service says: an
            /// environment variable, the command, where the port is published (`"15432:5432"`). Files and waits are added.
            pub fn with(
                mut self,
                change: impl FnOnce($crate::ContainerRequest) -> $crate::ContainerRequest,
            ) -> Self {
                self.more = change(self.more);
                self
            }

            /// The request that it is, for [`Hooks`](crate::Hooks) and the like; [`Running::new`](crate::services::Running::new)
            /// makes the service's handle of its container.
            pub fn request(&self) -> $crate::ContainerRequest {
                $crate::services::Service::request(self)
            }

            /// Starts it on the process's default engine and returns when it is ready; see
            /// [`ContainerRequest::start`](crate::ContainerRequest::start).
            ///
            /// # Errors
            ///
            /// As [`ContainerRequest::start`](crate::ContainerRequest::start).
            pub fn start(
                &self,
            ) -> impl std::future::Future<Output = $crate::Result<$crate::services::Running<Self>>>
                   + Send
                   + 'static {
                $crate::services::service::start(
                    self.clone(),
                    $crate::services::service::Lasts::AsItsHandle,
                    None,
                )
            }

            /// As [`start`](Self::start), on another engine than the default one.
            ///
            /// # Errors
            ///
            /// As [`start`](Self::start).
            pub fn start_on(
                &self,
                engine: &$crate::Engine,
            ) -> impl std::future::Future<Output = $crate::Result<$crate::services::Running<Self>>>
                   + Send
                   + 'static {
                $crate::services::service::start(
                    self.clone(),
                    $crate::services::service::Lasts::AsItsHandle,
                    Some(engine.clone()),
                )
            }

            /// Gives the one that all of this test run share that ask for the same; see
            /// [`ContainerRequest::start_shared`](crate::ContainerRequest::start_shared).
            ///
            /// # Errors
            ///
            /// As [`start`](Self::start).
            pub fn start_shared(
                &self,
            ) -> impl std::future::Future<Output = $crate::Result<$crate::services::Running<Self>>>
                   + Send
                   + 'static {
                $crate::services::service::start(
                    self.clone(),
                    $crate::services::service::Lasts::AsTheTestRun,
                    None,
                )
            }

            /// As [`start_shared`](Self::start_shared), on another engine than the default one.
            ///
            /// # Errors
            ///
            /// As [`start`](Self::start).
            pub fn start_shared_on(
                &self,
                engine: &$crate::Engine,
            ) -> impl std::future::Future<Output = $crate::Result<$crate::services::Running<Self>>>
                   + Send
                   + 'static {
                $crate::services::service::start(
                    self.clone(),
                    $crate::services::service::Lasts::AsTheTestRun,
                    Some(engine.clone()),
                )
            }

            /// As [`start`](Self::start), blocking this thread.
            ///
            /// # Errors
            ///
            /// As [`start`](Self::start).
            pub fn start_blocking(&self) -> $crate::Result<$crate::services::Running<Self>> {
                $crate::services::Service::start_blocking(self)
            }

            /// As [`start_on`](Self::start_on), blocking this thread.
            ///
            /// # Errors
            ///
            /// As [`start`](Self::start).
            pub fn start_on_blocking(
                &self,
                engine: &$crate::Engine,
            ) -> $crate::Result<$crate::services::Running<Self>> {
                $crate::services::Service::start_on_blocking(self, engine)
            }

            /// As [`start_shared`](Self::start_shared), blocking this thread.
            ///
            /// # Errors
            ///
            /// As [`start`](Self::start).
            pub fn start_shared_blocking(&self) -> $crate::Result<$crate::services::Running<Self>> {
                $crate::services::Service::start_shared_blocking(self)
            }

            /// As [`start_shared_on`](Self::start_shared_on), blocking this thread.
            ///
            /// # Errors
            ///
            /// As [`start`](Self::start).
            pub fn start_shared_on_blocking(
                &self,
                engine: &$crate::Engine,
            ) -> $crate::Result<$crate::services::Running<Self>> {
                $crate::services::Service::start_shared_on_blocking(self, engine)
            }
        }
    };
}
pub(super) use common_methods;

/// The folder of scripts that the images of databases run once, when the data folder is still empty.
pub(super) const INIT_FOLDER: &str = "/docker-entrypoint-initdb.d";

/// Scripts for the first start, run in the order in which they were added.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct InitScripts(Vec<CopyIn>);

impl InitScripts {
    /// One more, from its text; `extension` says of what sort it is.
    pub(super) fn add_text(&mut self, text: impl Into<String>, extension: &str) {
        self.add(CopySource::bytes(text.into()), &format!("script.{extension}"));
    }

    /// One more, from a file on this machine.
    pub(super) fn add_file(&mut self, path: impl AsRef<std::path::Path>) {
        let path = path.as_ref();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        self.add(CopySource::from(path), &name.unwrap_or_default());
    }

    /// The images go by the names' order. A file that only its owner can read here would be none that the server's user can;
    /// a shell script that may be run is run, and one that may not is read by the entry point's own shell.
    fn add(&mut self, source: CopySource, name: &str) {
        let mode = if name.ends_with(".sh") { 0o755 } else { 0o644 };
        let target = format!("{INIT_FOLDER}/{:03}-{name}", self.0.len());
        self.0.push(CopyIn::new(source, target).mode(mode));
    }

    pub(super) fn copied_into(&self, request: ContainerRequest) -> ContainerRequest {
        self.0.iter().fold(request, |request, script| request.copy(script.clone()))
    }
}

/// A part of a URL: what would mean something else there is written as `%XX`.
pub(super) fn url_part(text: &str) -> String {
    let mut part = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                part.push(byte.into());
            }
            _ => part.push_str(&format!("%{byte:02X}")),
        }
    }
    part
}

/// `user:password@`, as it stands in a URL.
pub(super) fn login(user: &str, password: &str) -> String {
    format!("{}:{}@", url_part(user), url_part(password))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_in_a_url_is_written_otherwise() {
        assert_eq!(login("me", "p@ss/wörd"), "me:p%40ss%2Fw%C3%B6rd@");
    }

    #[test]
    fn scripts_are_run_in_the_order_in_which_they_were_added() {
        let mut scripts = InitScripts::default();
        scripts.add_file("tests/z.sql");
        scripts.add_text("SELECT 1", "sql");
        scripts.add_file("a.sh");
        let targets: Vec<&str> = scripts.0.iter().map(CopyIn::target).collect();
        assert_eq!(
            targets,
            ["000-z.sql", "001-script.sql", "002-a.sh"].map(|name| format!("{INIT_FOLDER}/{name}"))
        );
    }
}
