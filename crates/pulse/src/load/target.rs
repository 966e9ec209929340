//! What is asked of the server.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Method, Request, header};

/// One kind of request.
#[derive(Clone, Debug)]
pub struct Target {
    method: Method,
    path: String,
    body: Bytes,
}

impl Target {
    /// `GET path`. The path is a constant of the caller and begins with a slash.
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), body: Bytes::new() }
    }

    /// `POST path` with a body.
    pub fn post(path: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Self { method: Method::POST, path: path.into(), body: body.into() }
    }

    /// The path, which also is the name in tables.
    pub fn path(&self) -> &str {
        &self.path
    }

    pub(crate) fn request(&self) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
        Request::builder()
            .method(self.method.clone())
            .uri(&self.path)
            // HTTP/1.1 wants one, and the server does not look at it.
            .header(header::HOST, "localhost")
            .body(Full::new(self.body.clone()))
    }
}
