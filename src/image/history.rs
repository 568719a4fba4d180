//! `docker history`: the steps by which an image was made.

use std::future::Future;
use std::time::SystemTime;

use hyper::Method;
use serde_json::Value;

use super::images::Images;
use super::list::names;
use super::moment::unix;
use super::name::full_id;
use crate::error::Result;

impl Images {
    /// The steps by which an image was made, the newest first (`docker history --no-trunc`).
    ///
    /// # Errors
    ///
    /// When the name is malformed, or there is no such image here
    /// ([`is_image_not_found`](crate::Error::is_image_not_found)).
    pub fn history(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<Vec<HistoryEntry>>> + Send + 'static {
        self.ask(name, "asked for its history", |engine, name| async move {
            let path = format!("/images/{}/history", name.in_path(&engine));
            let answer = engine.client().json(Method::GET, &path, None).await?;
            let entries = answer.as_array().into_iter().flatten();
            Ok(entries.map(|raw| HistoryEntry::new(raw.clone())).collect())
        })
    }
}

/// One step of an image's history (`docker history`).
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryEntry {
    raw: Value,
    id: Option<String>,
    tags: Vec<String>,
}

impl HistoryEntry {
    fn new(raw: Value) -> Self {
        let id = raw["Id"].as_str().filter(|id| !id.is_empty() && *id != "<missing>").map(full_id);
        let tags = names(&raw["Tags"]);
        HistoryEntry { raw, id, tags }
    }

    /// The image that this step made; `None` where it is not here (`<missing>`), as for all but the last step of an image
    /// that was pulled.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// When, to the second.
    pub fn created(&self) -> SystemTime {
        unix(self.raw["Created"].as_i64().unwrap_or_default())
    }

    /// By which command.
    pub fn created_by(&self) -> &str {
        self.raw["CreatedBy"].as_str().unwrap_or_default()
    }

    /// The bytes of the layer that it added; 0 when it only changed settings.
    pub fn size(&self) -> u64 {
        self.raw["Size"].as_u64().unwrap_or_default()
    }

    /// What its maker noted.
    pub fn comment(&self) -> &str {
        self.raw["Comment"].as_str().unwrap_or_default()
    }

    /// The names of the image that it made.
    pub fn tags(&self) -> &[String] {
        &self.tags
    }

    /// Everything, as the engine gave it.
    pub fn raw(&self) -> &Value {
        &self.raw
    }
}
