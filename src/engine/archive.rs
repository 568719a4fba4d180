//! `docker cp` and `docker export` over the API: tar streams into and out of a container. What is in them is not this file's business.

use std::io;

use bytes::Bytes;
use futures::{Stream, StreamExt};
use http_body_util::BodyStream;
use hyper::body::Incoming;
use hyper::{Method, Response};

use super::failure::ApiError;
use super::Remote;

impl Remote {
    /// `PUT /containers/{id}/archive`: unpacks a tar stream at the container's root. Missing folders on the way are
    /// made by the engine, owned by root, mode 755. On the I/O thread.
    pub(crate) async fn put_archive(
        &self,
        tar: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    ) -> Result<(), ApiError> {
        let options = bollard::query_parameters::UploadToContainerOptions {
            path: "/".into(),
            ..Default::default()
        };
        let body = bollard::body_try_stream(tar);
        Ok(self
            .engine()
            .client()
            .docker()
            .upload_to_container(self.id(), Some(options), body)
            .await?)
    }

    /// `HEAD /containers/{id}/archive`: whether there is a file or folder at `path`. On the I/O thread.
    pub(crate) async fn has_path(&self, path: &str) -> Result<bool, ApiError> {
        let path = format!("/containers/{}/archive{}", self.id(), super::query(&[("path", path)]));
        match self.engine().client().send(Method::HEAD, &path, None).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// `GET /containers/{id}/archive`: a tar stream of the file or folder at `path`. On the I/O thread.
    pub(crate) async fn get_archive(
        &self,
        path: &str,
    ) -> Result<impl Stream<Item = io::Result<Bytes>> + Send + Unpin, ApiError> {
        let path = format!("/containers/{}/archive{}", self.id(), super::query(&[("path", path)]));
        let answer = self.engine().client().send(Method::GET, &path, None).await?;
        Ok(pieces_of(answer))
    }

    /// `GET /containers/{id}/export`: a tar stream of the whole file system. On the I/O thread.
    pub(crate) async fn export(
        &self,
    ) -> Result<impl Stream<Item = io::Result<Bytes>> + Send + Unpin, ApiError> {
        let path = format!("/containers/{}/export", self.id());
        Ok(pieces_of(self.engine().client().send(Method::GET, &path, None).await?))
    }
}

fn pieces_of(answer: Response<Incoming>) -> impl Stream<Item = io::Result<Bytes>> + Send + Unpin {
    BodyStream::new(answer.into_body()).filter_map(|frame| {
        let bytes = match frame {
            Ok(frame) => frame.into_data().ok().map(Ok),
            Err(error) => Some(Err(io::Error::other(error))),
        };
        std::future::ready(bytes)
    })
}
