//! MinIO, a store that speaks S3, by the documented interface of its image. Not run by our tests.

use super::common::common_methods;
use super::running::Running;
use super::service::Service;
use crate::request::ContainerRequest;
use crate::wait::Wait;

const PORT: u16 = 9000;

/// MinIO: `minio/minio:RELEASE.2024-12-18T13-15-44Z`, user `minioadmin`, password `minioadmin`.
///
/// Any region will do; addresses have the bucket in the path (`force_path_style` in most clients). Its console is on 9001:
/// `.with(|request| request.publish(9001))`.
///
/// # Examples
///
/// ```no_run
/// use longshore::services;
///
/// # async fn example() -> longshore::Result<()> {
/// let store = services::minio().bucket("photos").start().await?;
/// println!("{} for {} {}", store.url(), store.user(), store.password()); // http://127.0.0.1:32768
/// # Ok(())
/// # }
/// ```
pub fn minio() -> Minio {
    Minio {
        user: "minioadmin".into(),
        password: "minioadmin".into(),
        buckets: Vec::new(),
        more: ContainerRequest::new("minio/minio:RELEASE.2024-12-18T13-15-44Z"),
    }
}

/// A MinIO server that is to be started; see [`minio`].
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a service does nothing until it is started"]
pub struct Minio {
    user: String,
    password: String,
    buckets: Vec<String>,
    more: ContainerRequest,
}

/// A MinIO server that runs.
pub type MinioContainer = Running<Minio>;

impl Minio {
    /// The user's name, which is the access key: three letters at least.
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.user = name.into();
        self
    }

    /// The password, which is the secret key: eight letters at least.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = password.into();
        self
    }

    /// A bucket that is there from the start.
    pub fn bucket(mut self, name: impl Into<String>) -> Self {
        self.buckets.push(name.into());
        self
    }
}

common_methods!(Minio);

impl Service for Minio {
    fn request(&self) -> ContainerRequest {
        // A folder that is there when it starts is a bucket.
        let script = r#"for bucket; do mkdir -p "/data/$bucket"; done; exec minio server /data --console-address :9001"#;
        let words = ["-c", script, "minio"].into_iter().map(str::to_owned);
        let request = ContainerRequest::new(self.more.image())
            .publish(PORT)
            .env("MINIO_ROOT_USER", &self.user)
            .env("MINIO_ROOT_PASSWORD", &self.password)
            .entrypoint(["/bin/sh"])
            .cmd(words.chain(self.buckets.iter().cloned()))
            .wait(Wait::http("/minio/health/ready").port(PORT));
        self.more.clone().on_top_of(request)
    }

    fn port(&self) -> u16 {
        PORT
    }

    fn url(&self, address: &str) -> String {
        format!("http://{address}")
    }
}

impl Running<Minio> {
    /// The user's name, which is the access key.
    pub fn user(&self) -> &str {
        &self.service().user
    }

    /// The password, which is the secret key.
    pub fn password(&self) -> &str {
        &self.service().password
    }
}
