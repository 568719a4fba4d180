//! MongoDB, by the documented interface of its official image. Not run by our tests.

use super::common::{common_methods, login, url_part, InitScripts};
use super::running::Running;
use super::service::Service;
use crate::request::ContainerRequest;
use crate::wait::Wait;

const PORT: u16 = 27017;

/// MongoDB: `mongo:7.0`, no user and no password, database `test`.
///
/// # Examples
///
/// ```no_run
/// use longshore::services;
///
/// # async fn example() -> longshore::Result<()> {
/// let db = services::mongo().database("app").user("root").password("secret").start().await?;
/// println!("{}", db.url()); // mongodb://root:secret@127.0.0.1:32768/app?authSource=admin
/// # Ok(())
/// # }
/// ```
pub fn mongo() -> Mongo {
    Mongo {
        user: None,
        password: "mongo".into(),
        database: "test".into(),
        scripts: InitScripts::default(),
        more: ContainerRequest::new("mongo:7.0"),
    }
}

/// A MongoDB server that is to be started; see [`mongo`].
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a service does nothing until it is started"]
pub struct Mongo {
    /// Without one there are no users at all.
    user: Option<String>,
    password: String,
    database: String,
    scripts: InitScripts,
    more: ContainerRequest,
}

/// A MongoDB server that runs.
pub type MongoContainer = Running<Mongo>;

impl Mongo {
    /// A superuser of this name, whom clients have to be then.
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.user = Some(name.into());
        self
    }

    /// The superuser's password, if there is [one](Self::user); `mongo`, if not said.
    pub fn password(mut self, password: impl Into<String>) -> Self {
        self.password = password.into();
        self
    }

    /// The database that the URL names, and in which scripts are run.
    pub fn database(mut self, name: impl Into<String>) -> Self {
        self.database = name.into();
        self
    }

    /// JavaScript that the shell runs at the first start, after what was added before it.
    pub fn init_js(mut self, script: impl Into<String>) -> Self {
        self.scripts.add_text(script, "js");
        self
    }

    /// A file that is run at the first start, after what was added before it: `.js` or `.sh`.
    pub fn init_file(mut self, path: impl AsRef<std::path::Path>) -> Self {
        self.scripts.add_file(path);
        self
    }
}

common_methods!(Mongo);

impl Service for Mongo {
    fn request(&self) -> ContainerRequest {
        let mut request = ContainerRequest::new(self.more.image())
            .publish(PORT)
            .env("MONGO_INITDB_DATABASE", &self.database)
            // It is asked over HTTP and says that this is no HTTP. The server of the initialisation listens on loopback only.
            .wait(Wait::tcp(PORT).send("GET / HTTP/1.0\r\n\r\n").answer_contains("HTTP"));
        if let Some(user) = &self.user {
            request = request
                .env("MONGO_INITDB_ROOT_USERNAME", user)
                .env("MONGO_INITDB_ROOT_PASSWORD", &self.password);
        }
        self.more.clone().on_top_of(self.scripts.copied_into(request))
    }

    fn port(&self) -> u16 {
        PORT
    }

    fn url(&self, address: &str) -> String {
        let database = url_part(&self.database);
        match &self.user {
            None => format!("mongodb://{address}/{database}"),
            Some(user) => {
                let login = login(user, &self.password);
                format!("mongodb://{login}{address}/{database}?authSource=admin")
            }
        }
    }
}

impl Running<Mongo> {
    /// The superuser's name, if there is one.
    pub fn user(&self) -> Option<&str> {
        self.service().user.as_deref()
    }

    /// The superuser's password, if there is one.
    pub fn password(&self) -> Option<&str> {
        self.user().map(|_| self.service().password.as_str())
    }

    /// The name of the database.
    pub fn database(&self) -> &str {
        &self.service().database
    }
}
