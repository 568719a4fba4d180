//! `docker images`: what is listed, and how each image is told.

use std::collections::BTreeMap;
use std::future::Future;
use std::time::SystemTime;

use hyper::Method;
use serde_json::Value;

use super::filters::{has_label, ImageFilters};
use super::images::Images;
use super::moment::unix;
use super::name::{familiar, report};
use super::{glob, podman};
use crate::engine::{io, query, ApiError, Engine};
use crate::error::Result;

impl Images {
    /// Lists images, the newest first (`docker images`).
    ///
    /// # Errors
    ///
    /// When a filter is malformed, or names an image that is not here
    /// ([`is_image_not_found`](crate::Error::is_image_not_found)).
    pub fn list(
        &self,
        filters: ImageFilters,
    ) -> impl Future<Output = Result<Vec<ImageSummary>>> + Send + 'static {
        let engine = self.engine.clone();
        async move {
            io::check_process()?;
            filters.check()?;
            let until = filters.until.as_ref().map(|until| until.moment()).transpose()?;
            let asking = engine.clone();
            let listed = io::run(async move { list(&asking, &filters).await }).await;
            let mut images = listed
                .map_err(|error| report(error, "the images could not be listed".into(), &engine))?;
            images.retain(|image| until.is_none_or(|until| image.created() < until));
            images.sort_by_key(|image| std::cmp::Reverse(image.created()));
            Ok(images)
        }
    }
}

/// `GET /images/json`, whatever was created when. On the I/O thread.
pub(crate) async fn list(
    engine: &Engine,
    filters: &ImageFilters,
) -> Result<Vec<ImageSummary>, ApiError> {
    if engine.is_podman() {
        let mut asked = filters.clone();
        podman::leave_to_us(engine, &mut asked).await?;
        let images = list_as_asked(engine, &asked).await?;
        return Ok(images.into_iter().filter_map(|image| image.narrowed_by(filters)).collect());
    }
    list_as_asked(engine, filters).await
}

async fn list_as_asked(
    engine: &Engine,
    filters: &ImageFilters,
) -> Result<Vec<ImageSummary>, ApiError> {
    let encoded = filters.to_json().to_string();
    let all = if filters.all { "1" } else { "0" };
    let path = format!("/images/json{}", query(&[("all", all), ("filters", &encoded)]));
    let answer = match engine.is_podman() {
        true => crate::engine::podman::list(engine, &path).await?,
        false => engine.client().json(Method::GET, &path, None).await?,
    };
    let images = answer.as_array().into_iter().flatten();
    Ok(images.map(|raw| ImageSummary::new(raw.clone())).collect())
}

/// One image of a list (`docker images`).
#[derive(Debug, Clone, PartialEq)]
pub struct ImageSummary {
    raw: Value,
    tags: Vec<String>,
    digests: Vec<String>,
}

impl ImageSummary {
    fn new(raw: Value) -> Self {
        let (tags, digests) = (names(&raw["RepoTags"]), names(&raw["RepoDigests"]));
        ImageSummary { raw, tags, digests }
    }

    /// By the filters for labels and references. As Docker does: only the names that match are told.
    fn narrowed_by(mut self, filters: &ImageFilters) -> Option<Self> {
        if !filters.labels.iter().all(|label| has_label(&self.raw["Labels"], label)) {
            return None;
        }
        if filters.references.is_empty() {
            return Some(self);
        }
        let matches = |name: &String| {
            // Of the familiar form, or of that without tag or digest.
            let repository = name.split('@').next().unwrap_or_default();
            let slash = repository.rfind('/').map_or(0, |at| at + 1);
            let end = repository[slash..].find(':').map_or(repository.len(), |at| slash + at);
            let forms = [name, &repository[..end]];
            let mut pairs =
                filters.references.iter().flat_map(|pattern| forms.map(|form| (pattern, form)));
            pairs.any(|(pattern, form)| glob::matches(pattern, form))
        };
        self.tags.retain(matches);
        self.digests.retain(matches);
        (!self.tags.is_empty() || !self.digests.is_empty()).then_some(self)
    }

    /// The full id: `sha256:` and 64 digits.
    pub fn id(&self) -> &str {
        self.raw["Id"].as_str().unwrap_or_default()
    }

    /// Its names, such as `busybox:1.35`.
    pub fn tags(&self) -> &[String] {
        &self.tags
    }

    /// Its names by digest, such as `busybox@sha256:..`: where it was pulled from or pushed to.
    pub fn digests(&self) -> &[String] {
        &self.digests
    }

    /// When it was made, to the second.
    pub fn created(&self) -> SystemTime {
        unix(self.raw["Created"].as_i64().unwrap_or_default())
    }

    /// The bytes of all of its layers; some of them may be other images' too.
    pub fn size(&self) -> u64 {
        self.raw["Size"].as_u64().unwrap_or_default()
    }

    /// Its labels.
    pub fn labels(&self) -> BTreeMap<&str, &str> {
        labels(&self.raw["Labels"])
    }

    /// Whether it has no name at all, neither by tag nor by digest: what another image of the same name has taken the
    /// place of, for one.
    pub fn is_dangling(&self) -> bool {
        self.tags.is_empty() && self.digests.is_empty()
    }

    /// Everything, as the engine gave it.
    pub fn raw(&self) -> &Value {
        &self.raw
    }
}

/// `RepoTags` or `RepoDigests` as `docker images` shows them. Old engines say `<none>:<none>` for none.
pub(super) fn names(list: &Value) -> Vec<String> {
    let names = list.as_array().into_iter().flatten().filter_map(Value::as_str);
    names.filter(|name| !name.contains("<none>")).map(familiar).collect()
}

/// A JSON object of labels.
pub(super) fn labels(labels: &Value) -> BTreeMap<&str, &str> {
    let labels = labels.as_object().into_iter().flatten();
    labels.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_dangling_image_has_no_names_whatever_an_engine_says_instead() {
        for (tags, digests) in [
            (json!(["<none>:<none>"]), json!(["<none>@<none>"])),
            (json!([]), json!(null)),
            (json!(null), json!([])),
        ] {
            let image = ImageSummary::new(json!({ "RepoTags": tags, "RepoDigests": digests }));
            assert!(image.is_dangling() && image.tags().is_empty() && image.digests().is_empty());
        }
    }

    #[test]
    fn only_names_that_match_are_told() {
        let image = ImageSummary::new(json!({
            "RepoTags": ["docker.io/library/busybox:1.35", "docker.io/library/other:1", "127.0.0.1:5000/team/app:1"],
            "Labels": { "a": "1" } }));
        let told = |filters: ImageFilters| {
            image.clone().narrowed_by(&filters).map(|image| image.tags.join(" "))
        };
        assert_eq!(told(ImageFilters::new().reference("busy*:*35")).unwrap(), "busybox:1.35");
        assert_eq!(
            told(ImageFilters::new().reference("busybox").reference("*/team/app")).unwrap(),
            "busybox:1.35 127.0.0.1:5000/team/app:1"
        );
        assert_eq!(told(ImageFilters::new().reference("nothing")), None);
        assert_eq!(told(ImageFilters::new().label("a=2")), None);
        assert!(told(ImageFilters::new().label("a").label("a=1")).is_some());
    }
}
