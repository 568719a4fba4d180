//! What an engine tells while it pulls, pushes or loads: JSON objects, one after the other, in the body of an answer that
//! began with 200 whatever comes of it.

use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::Response;
use serde_json::Value;

use crate::engine::ApiError;

/// The objects of one answer.
pub(super) struct Told {
    body: Incoming,
    pending: Vec<u8>,
    is_over: bool,
}

impl Told {
    pub(super) fn new(answer: Response<Incoming>) -> Self {
        Told { body: answer.into_body(), pending: Vec::new(), is_over: false }
    }

    /// The next object; `None` after the last one. One that tells an error is one.
    pub(super) async fn next(&mut self) -> Result<Option<Value>, ApiError> {
        loop {
            if let Some(object) = take_object(&mut self.pending, self.is_over)? {
                return match error_in(&object) {
                    Some(message) => Err(ApiError::Refused { status: 200, message }),
                    None => Ok(Some(object)),
                };
            }
            if self.is_over {
                return Ok(None);
            }
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    self.pending.extend_from_slice(frame.data_ref().map_or(&[], |bytes| bytes));
                }
                Some(Err(error)) => {
                    let message = format!("the engine's answer broke off: {error}");
                    return Err(ApiError::Broken { message, connected: true });
                }
                None => self.is_over = true,
            }
        }
    }

    /// The same; an engine that says nothing for this long is late.
    pub(super) async fn next_within(&mut self, limit: Duration) -> Result<Option<Value>, ApiError> {
        match tokio::time::timeout(limit, self.next()).await {
            Ok(next) => next,
            Err(_) => Err(ApiError::Late(limit)),
        }
    }
}

/// What went wrong, in the engine's own words; an error told by a 200 has no status worth telling.
pub(super) fn words_of(error: ApiError) -> String {
    match error {
        ApiError::Refused { message, .. } => message.trim().to_owned(),
        other => other.to_string(),
    }
}

/// The first object, as soon as its line has ended, or the answer has.
fn take_object(pending: &mut Vec<u8>, is_over: bool) -> Result<Option<Value>, ApiError> {
    loop {
        let end = match pending.iter().position(|byte| *byte == b'\n') {
            Some(end) => end + 1,
            None if is_over && !pending.is_empty() => pending.len(),
            None => return Ok(None),
        };
        let line: Vec<u8> = pending.drain(..end).collect();
        let line = line.trim_ascii();
        if !line.is_empty() {
            return serde_json::from_slice(line).map(Some).map_err(|error| ApiError::Broken {
                message: format!("the answer is not JSON: {error}"),
                connected: true,
            });
        }
    }
}

fn error_in(object: &Value) -> Option<String> {
    let message = object["errorDetail"]["message"].as_str().or(object["error"].as_str())?;
    Some(message.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_come_as_their_lines_end() {
        let mut pending = b"{\"a\":1}\r\n\r\n{\"b\":2}".to_vec();
        assert_eq!(take_object(&mut pending, false).unwrap(), Some(json!({ "a": 1 })));
        assert_eq!(take_object(&mut pending, false).unwrap(), None);
        assert_eq!(take_object(&mut pending, true).unwrap(), Some(json!({ "b": 2 })));
        assert_eq!(take_object(&mut pending, true).unwrap(), None);
        assert!(take_object(&mut b"what?\n".to_vec(), false).is_err());
    }

    #[test]
    fn errors_are_told_by_their_details() {
        let told = json!({ "errorDetail": { "message": "denied" }, "error": "denied" });
        assert_eq!(error_in(&told).unwrap(), "denied");
        assert_eq!(error_in(&json!({ "error": "no" })).unwrap(), "no");
        assert_eq!(error_in(&json!({ "status": "Pushing" })), None);
    }
}
