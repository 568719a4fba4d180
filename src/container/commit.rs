//! `docker commit`: an image of a container's file system, which is its handle's own.

use std::collections::BTreeMap;

use futures::future::BoxFuture;
use hyper::Method;
use longshore_syntax::ImageReference;
use serde_json::{json, Map, Value};

use super::handle::Container;
use crate::engine::{io, query, remove_image, ApiError, Engine, Remote, Thing};
use crate::error::{Error, Kind, Result};
use crate::image::{short, Image};
use crate::session::{self, Guard, LABEL_PREFIX};

const WHAT: &str = "the container could not be committed";

impl Container {
    /// Makes an image of it as it is now, running or not (`docker commit`). The image is the handle's own: it goes when that is
    /// dropped. What lies in volumes and mounts is not in it.
    ///
    /// Docker would take a tag away from the image that has it. Here a tag that exists is an error, unless a test run that
    /// has ended has left it.
    ///
    /// # Errors
    ///
    /// When the commit is wrong in itself (nothing is asked then), the tag is taken
    /// ([`is_name_taken`](Error::is_name_taken)), or the engine refuses a change.
    pub fn commit(&self, commit: Commit) -> BoxFuture<'static, Result<Image>> {
        let remote = self.remote.clone();
        // On the thread of the test, whose name is one of them.
        let instance = session::instance();
        let mut labels = session::labels(self.engine(), Thing::Image, &instance);
        Box::pin(async move {
            let tag = commit.check().map_err(|error| remote.name_in(error))?;
            session::check_variables()?;
            io::check_process()?;
            if let Some(tag) = &tag {
                make_room(&remote, tag).await?;
            }
            let name = tag.as_ref().map(ImageReference::familiar);
            labels.extend([session::tag_label(name.as_deref().unwrap_or_default())]);
            let (path, config) = commit.call(&remote, tag.as_ref(), labels).await?;
            let called = name.clone().unwrap_or_else(|| format!("of {}", remote.name()));
            let guard = Guard::new(remote.engine().clone(), Thing::Image, instance, called);
            let id =
                guard.create(path, config).await.map_err(|error| remote.name_in(report(error)))?;
            if name.is_none() {
                guard.renamed(short(&id));
            }
            Ok(Image::new(guard, remote.engine().clone(), id, name))
        })
    }
}

/// The whole configuration, as Docker takes it when it is sent none, with labels of the image's own instead of the container's.
async fn labelled_config(remote: &Remote, labels: BTreeMap<String, String>) -> Result<Value> {
    let mut config = remote.inspect().await?.raw()["Config"].clone();
    let labels = labels.into_iter().map(|(name, value)| (name, Value::from(value)));
    match config["Labels"].as_object_mut() {
        Some(have) => have.extend(labels),
        None => config["Labels"] = labels.collect::<Map<_, _>>().into(),
    }
    Ok(config)
}

/// A label as a change of Podman's commits, since 4.3 takes no configuration: one a line, since it takes no more.
fn label_change(label: (&String, &String)) -> String {
    format!("LABEL {}", label_word(label))
}

/// A label as a Dockerfile's `LABEL` takes it.
pub(super) fn label_word((name, value): (&String, &String)) -> String {
    let mut quoted = String::new();
    for character in value.chars() {
        if matches!(character, '"' | '\\' | '$') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    format!("\"{name}\"=\"{quoted}\"")
}

fn report(error: ApiError) -> Error {
    let is_change = error.to_string().contains("change");
    let report = error.while_trying(WHAT);
    match is_change {
        true => report.hint(
            "a change is one of CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, ONBUILD, USER, VOLUME and WORKDIR",
        ),
        false => report,
    }
}

/// Sees to it that nobody has the tag: what a dead owner has left goes.
async fn make_room(remote: &Remote, tag: &ImageReference) -> Result<()> {
    let (engine, wanted) = (remote.engine().clone(), tag.clone());
    let is_free = io::run(async move { is_free(&engine, &wanted).await }).await;
    match is_free.map_err(|error| remote.name_in(error.while_trying(WHAT)))? {
        true => Ok(()),
        false => {
            let tag = tag.familiar();
            let what = format!("the tag `{tag}` is taken by another image");
            Err(remote.name_in(Error::new(Kind::NameTaken, what).hint(format!(
                "remove it (`docker rmi {tag}`), or leave `.tag(..)` away to have an image without one"
            ))))
        }
    }
}

async fn is_free(engine: &Engine, tag: &ImageReference) -> Result<bool, ApiError> {
    let (name, familiar) = (tag.canonical(), tag.familiar());
    let path = format!("/images/{name}/json");
    match engine.client().json(Method::GET, &path, None).await {
        Ok(holder) if session::is_image_left_behind(engine, &holder, &familiar).await => {
            let id = holder["Id"].as_str().unwrap_or_default();
            remove_image(engine, id, &name).await.map(|()| true)
        }
        Ok(_) => Ok(false),
        Err(error) if error.is_not_found() => Ok(true),
        Err(error) => Err(error),
    }
}

/// What an image is made with, in the words of `docker commit`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "a commit does nothing until it is given to a container"]
pub struct Commit {
    tag: Option<String>,
    author: Option<String>,
    message: Option<String>,
    changes: Vec<String>,
    no_pause: bool,
}

impl Commit {
    /// An image without a tag.
    pub fn new() -> Self {
        Commit::default()
    }

    /// Its name and tag: `"app:1"`; without a tag it is `latest`. What stands behind the container in `docker commit`.
    pub fn tag(mut self, name: impl Into<String>) -> Self {
        self.tag = Some(name.into());
        self
    }

    /// Who made it (`--author`).
    pub fn author(mut self, author: impl Into<String>) -> Self {
        self.author = Some(author.into());
        self
    }

    /// What it is, for `docker history` (`--message`).
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// A line of a Dockerfile that is applied: `"ENV A=b"`, `"CMD [\"sleep\", \"1000\"]"` (`--change`). One of CMD, ENTRYPOINT,
    /// ENV, EXPOSE, LABEL, ONBUILD, USER, VOLUME and WORKDIR.
    pub fn change(mut self, line: impl Into<String>) -> Self {
        self.changes.push(line.into());
        self
    }

    /// Without freezing the container meanwhile (`--pause=false`): what it writes at that moment may be half in the image.
    pub fn no_pause(mut self) -> Self {
        self.no_pause = true;
        self
    }

    /// The tag, parsed.
    fn check(&self) -> Result<Option<ImageReference>> {
        for change in &self.changes {
            let lower = change.to_lowercase();
            if lower.contains(LABEL_PREFIX) && lower.trim_start().starts_with("label") {
                return Err(Error::new(
                    Kind::InvalidRequest,
                    format!("the change `{change}` sets a label that is longshore's own"),
                )
                .hint("choose a name outside `org.longshore.`"));
            }
            if change.trim().is_empty() || change.contains('\n') {
                return Err(Error::new(
                    Kind::InvalidRequest,
                    format!("the change `{}` is not one line", change.escape_debug()),
                )
                .hint("call `.change(..)` once for each line: `.change(\"ENV A=b\")`"));
            }
        }
        let Some(tag) = &self.tag else { return Ok(None) };
        let tag = ImageReference::parse(tag)?;
        match tag.digest() {
            None => Ok(Some(tag)),
            Some(_) => Err(Error::new(
                Kind::InvalidRequest,
                format!("the digest in `{tag}` cannot be chosen: it comes of the image's content"),
            )
            .hint("write a name and a tag: `.tag(\"app:1\")`")),
        }
    }

    /// The call that makes an image of it with these labels: its path and its body.
    pub(super) async fn call(
        mut self,
        remote: &Remote,
        tag: Option<&ImageReference>,
        labels: BTreeMap<String, String>,
    ) -> Result<(String, Value)> {
        let config = match remote.engine().is_podman() {
            true => {
                self.changes.extend(labels.iter().map(label_change));
                json!({})
            }
            false => labelled_config(remote, labels).await?,
        };
        Ok((self.path(remote, tag), config))
    }

    /// `/commit?..`
    fn path(&self, remote: &Remote, tag: Option<&ImageReference>) -> String {
        let mut pairs = vec![("container", remote.id().to_owned())];
        if let Some(tag) = tag {
            pairs.push(("repo", format!("{}/{}", tag.registry(), tag.repository())));
            pairs.push(("tag", tag.tag().unwrap_or("latest").to_owned()));
        }
        pairs.extend(self.author.clone().map(|author| ("author", author)));
        pairs.extend(self.message.clone().map(|message| ("comment", message)));
        pairs.push(("pause", if self.no_pause { "0" } else { "1" }.to_owned()));
        pairs.extend(self.changes.iter().map(|change| ("changes", change.clone())));
        let pairs: Vec<_> = pairs.iter().map(|(key, value)| (*key, value.as_str())).collect();
        format!("/commit{}", query(&pairs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_told_before_the_engine_is_asked() {
        let problem = |commit: Commit| commit.check().unwrap_err().to_string();
        assert_eq!(
            problem(Commit::new().change("LABEL org.longshore.session=mine")),
            "the change `LABEL org.longshore.session=mine` sets a label that is longshore's own\n  hint: choose a name \
             outside `org.longshore.`"
        );
        assert_eq!(
            problem(Commit::new().change("ENV A=b\nENV C=d")),
            "the change `ENV A=b\\nENV C=d` is not one line\n  hint: call `.change(..)` once for each line: \
             `.change(\"ENV A=b\")`"
        );
        assert!(
            problem(Commit::new().tag("App:1")).starts_with("`App:1` is not an image reference")
        );
        let digest = format!("app@sha256:{}", "0".repeat(64));
        assert!(problem(Commit::new().tag(digest)).contains("cannot be chosen"));
        assert_eq!(Commit::new().check().unwrap(), None);
        let tag = Commit::new().tag("app").change("ENV A=b").check().unwrap().unwrap();
        assert_eq!(tag.familiar(), "app:latest");
    }
}
