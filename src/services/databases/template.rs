//! [`Template`]: what fresh databases are copies of, and by what it is told from others. Reads files of this machine; asks no
//! server.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::fmt;
use std::fs;
use std::future::Future;
use std::panic::Location;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::SystemTime;

use futures::future::BoxFuture;
use xxhash_rust::xxh3::xxh3_128;

use crate::error::{Error, Kind, Result};

/// What a template's closure fails with: any error.
pub(super) type Cause = Box<dyn StdError + Send + Sync>;

type Code = dyn Fn(String) -> BoxFuture<'static, Result<(), Cause>> + Send + Sync;

/// What fresh databases are copies of. It is made once for a server, by the first who asks for a database.
///
/// It begins as a copy of the service's own database as that is when the server comes up: with what init scripts made, or with
/// what there is in a data folder that exists already. (That one is copied at the first ask, and nobody may be connected to it
/// then.) What is said here is done to that copy:
///
/// - a path: a file of SQL, `.sql` or `.sql.gz`, that the server's own client runs in the container, so that all that it knows is
///   understood (`COPY .. FROM stdin` of `pg_dump`, `\set`, `DELIMITER`). The first error ends it. The file's content tells the
///   template from others.
/// - an async closure that is given the database's URL: for migrations. It runs where its asker is: on the task that awaits
///   [`fresh_database`](crate::services::Running::fresh_database), or on the thread that is blocked for it. The place in the source where it is
///   handed over tells it from others, **not what it captures**: give it a key of its own, by [`keyed`](Template::keyed), where that
///   counts. It should close its connections: what is still open when it ends is closed.
///
/// A template is not part of the container's request: tests with several share one server. Roles are the server's, not a database's:
/// a second template that says `CREATE ROLE`, or a second try at one, finds the role there.
///
/// # Examples
///
/// ```no_run
/// use longshore::services::{self, Template};
///
/// # async fn migrate(_url: &str, _to: u32) -> std::io::Result<()> { Ok(()) }
/// # #[cfg(feature = "postgres")]
/// # fn example() {
/// let by_file = services::postgres().template("tests/schema.sql");
/// let by_code = services::postgres().template(|url: String| async move { migrate(&url, 7).await });
/// let version = 6;
/// let by_key = Template::keyed(format!("schema {version}"), move |url| async move { migrate(&url, version).await });
/// let older = services::postgres().template(by_key);
/// # }
/// ```
#[derive(Clone)]
#[must_use = "a template does nothing until a service has it"]
pub struct Template {
    key: String,
    source: Source,
}

#[derive(Clone)]
enum Source {
    File(PathBuf),
    Sql(String),
    Code(Arc<Code>),
}

impl Template {
    /// A file of SQL on this machine, `.sql` or `.sql.gz`; a relative path starts at the current folder.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Template { key: String::new(), source: Source::File(path) }
    }

    /// SQL, as it would stand in such a file.
    pub fn sql(text: impl Into<String>) -> Self {
        let text = text.into();
        Template { key: format!("sql {}", hash(text.as_bytes())), source: Source::Sql(text) }
    }

    /// An async closure that is given the database's URL. The same key says that it does the same, in all processes of the test
    /// run; it should name all that it depends on.
    pub fn keyed<F, Fut, E>(key: impl Into<String>, code: F) -> Self
    where
        F: Fn(String) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>>,
    {
        let code = Arc::new(move |url: String| -> BoxFuture<'static, Result<(), Cause>> {
            let run = code(url);
            Box::pin(async move { run.await.map_err(Into::into) })
        });
        Template { key: format!("key {}", key.into()), source: Source::Code(code) }
    }

    /// An error if it is a file that cannot be read.
    pub(in crate::services) fn check(&self) -> Result<()> {
        self.full_key().map(drop)
    }

    /// What tells it from others, read anew if its file was changed.
    pub(super) fn full_key(&self) -> Result<String> {
        match &self.source {
            Source::File(path) => {
                let content = hash_of_file(path).map_err(|error| unreadable(path, &error))?;
                let packed = if is_packed(path) { "packed" } else { "plain" };
                Ok(format!("file {packed} {content}"))
            }
            Source::Sql(_) | Source::Code(_) => Ok(self.key.clone()),
        }
    }

    /// What has to be done to make it.
    pub(super) fn work(&self) -> Result<Work> {
        Ok(match &self.source {
            Source::File(path) => Work::Script(Script {
                content: fs::read(path).map_err(|error| unreadable(path, &error))?,
                is_packed: is_packed(path),
                name: path.display().to_string(),
            }),
            Source::Sql(text) => Work::Script(Script {
                content: text.clone().into_bytes(),
                is_packed: false,
                name: "the template's SQL".into(),
            }),
            Source::Code(code) => Work::Code(code.clone()),
        })
    }

    /// As a user calls it.
    pub(super) fn describe(&self) -> String {
        match &self.source {
            Source::File(path) => format!("`{}`", path.display()),
            Source::Sql(_) => "of SQL".to_owned(),
            Source::Code(_) => format!("of the closure ({})", self.key),
        }
    }
}

/// What makes a template of a copy of the service's own database.
pub(super) enum Work {
    Script(Script),
    Code(Arc<Code>),
}

/// SQL for the server's own client.
pub(super) struct Script {
    pub(super) content: Vec<u8>,
    /// By gzip.
    pub(super) is_packed: bool,
    /// What its lines are told as being of.
    pub(super) name: String,
}

/// What a template is made of: a path, an async closure over the database's URL, or a [`Template`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a template for databases",
    note = "give a path: `\"tests/schema.sql\"`; or an async closure whose error is one: `|url: String| async move {{ .. Ok::<_, MyError>(()) }}`"
)]
pub trait IntoTemplate {
    /// The template.
    #[track_caller]
    fn into_template(self) -> Template;
}

impl IntoTemplate for Template {
    fn into_template(self) -> Template {
        self
    }
}

impl IntoTemplate for &str {
    fn into_template(self) -> Template {
        Template::file(self)
    }
}

impl IntoTemplate for String {
    fn into_template(self) -> Template {
        Template::file(self)
    }
}

impl IntoTemplate for &Path {
    fn into_template(self) -> Template {
        Template::file(self)
    }
}

impl IntoTemplate for PathBuf {
    fn into_template(self) -> Template {
        Template::file(self)
    }
}

impl IntoTemplate for &PathBuf {
    fn into_template(self) -> Template {
        Template::file(self)
    }
}

impl<F, Fut, E> IntoTemplate for F
where
    F: Fn(String) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), E>> + Send + 'static,
    E: Into<Box<dyn StdError + Send + Sync>>,
{
    #[track_caller]
    fn into_template(self) -> Template {
        let place = Location::caller().to_string();
        Template { key: place.clone(), ..Template::keyed(place, self) }
    }
}

impl PartialEq for Template {
    /// Closures are the same by their keys.
    fn eq(&self, other: &Self) -> bool {
        match (&self.source, &other.source) {
            (Source::File(one), Source::File(two)) => one == two,
            (Source::Sql(one), Source::Sql(two)) => one == two,
            (Source::Code(_), Source::Code(_)) => self.key == other.key,
            _ => false,
        }
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Template({})", self.describe())
    }
}

/// As hexadecimal digits.
pub(super) fn hash(bytes: &[u8]) -> String {
    format!("{:032x}", xxh3_128(bytes))
}

fn is_packed(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "gz")
}

/// Reading it is done once for each state of the file: each test asks.
fn hash_of_file(path: &Path) -> std::io::Result<String> {
    type Known = HashMap<PathBuf, (SystemTime, u64, String)>;
    static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);
    let about = fs::metadata(path)?;
    let (changed, length) = (about.modified()?, about.len());
    let path = std::path::absolute(path)?;
    if let Some((when, long, hash)) =
        KNOWN.lock().unwrap_or_else(PoisonError::into_inner).get(&path)
    {
        if (*when, *long) == (changed, length) {
            return Ok(hash.clone());
        }
    }
    let hash = hash(&fs::read(&path)?);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.insert(path, (changed, length, hash.clone()));
    Ok(hash)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    let what = format!("the template `{}` cannot be read", path.display());
    Error::new(Kind::InvalidRequest, what).fact("because", error.to_string()).hint(
        "a relative path starts at the current folder, which `cargo test` makes the package's",
    )
}

/// An error with all its causes, each told once.
pub(super) fn told(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}
