//! Readings of what a container uses, as the engine gives them. What the numbers mean is not this file's business.

use futures::stream::BoxStream;
use futures::StreamExt;
use serde_json::Value;

use super::failure::ApiError;
use super::podman;
use super::remote::Remote;

/// One answer of `GET /containers/{id}/stats`.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) raw: Value,
    /// The share of the processors, where it does not follow from the answer.
    pub(crate) cpu_percent: Option<f64>,
}

impl Sample {
    fn new(raw: Value) -> Self {
        Sample { raw, cpu_percent: None }
    }

    /// Whether nothing was measured, since the container does not run.
    pub(crate) fn is_empty(&self) -> bool {
        let read = self.raw["read"].as_str().unwrap_or_default();
        read.is_empty() || read.starts_with("0001-")
    }
}

impl Remote {
    /// What it uses now; takes one to two seconds. On the I/O thread.
    pub(crate) async fn sample(&self) -> Result<Sample, ApiError> {
        if !self.engine().is_podman() {
            return Ok(Sample::new(self.get("stats", &[("stream", "0")]).await?));
        }
        let mut samples = podman::samples(self);
        let first = samples.next().await.expect("they have no end")?;
        match first.is_empty() {
            true => Ok(first),
            false => samples.next().await.expect("they have no end"),
        }
    }

    /// What it uses, about once a second, also beyond its end. On the I/O thread.
    pub(crate) async fn samples(
        &self,
    ) -> Result<BoxStream<'static, Result<Sample, ApiError>>, ApiError> {
        if self.engine().is_podman() {
            return Ok(podman::samples(self).boxed());
        }
        let answers = self.get_stream("stats", &[("stream", "1")]).await?;
        Ok(answers.map(|answer| answer.map(Sample::new)).boxed())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_container_that_does_not_run_gives_an_empty_sample() {
        let is_empty = |raw: Value| Sample::new(raw).is_empty();
        assert!(is_empty(json!({ "read": "0001-01-01T00:00:00Z" })));
        assert!(is_empty(json!({})) && is_empty(Value::Null));
        assert!(!is_empty(json!({ "read": "2024-01-01T00:00:00Z" })));
    }
}
