//! A pool of HTTP/1.1 connections to one server, which grows as needed.
//!
//! Each request has a connection for itself, so there are never more than there were requests
//! at once. (A client library's pool would race a new connection against the return of an old
//! one: more sockets, and more work on cores that the server under test needs.)

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{StatusCode, client::conn::http1};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::Target;

type Connection = http1::SendRequest<Full<Bytes>>;

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// No connection could be made.
    #[error("cannot connect: {0}")]
    Connect(#[from] std::io::Error),
    /// The connection broke, or what came was not HTTP.
    #[error("the connection failed: {0}")]
    Http(#[from] hyper::Error),
    /// The target cannot be written as a request.
    #[error("not a request: {0}")]
    Malformed(#[from] hyper::http::Error),
    /// The server answered that it failed.
    #[error("the server answered {0}")]
    Status(StatusCode),
}

#[derive(Clone)]
pub(crate) struct Connections {
    addr: SocketAddr,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Connections {
    pub(crate) fn new(addr: SocketAddr) -> Self {
        Self { addr, idle: Arc::default() }
    }

    /// Sends one request and reads the answer to its end.
    pub(crate) async fn fetch(&mut self, target: &Target) -> Result<Vec<u8>, RequestError> {
        let mut connection = self.take().await?;
        let response = connection.send_request(target.request()?).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        // Only a connection whose answer was read to its end can be used again; a request that
        // fails or is dropped half-way takes its connection along.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        if status.is_success() { Ok(body.into()) } else { Err(RequestError::Status(status)) }
    }

    async fn take(&self) -> Result<Connection, RequestError> {
        loop {
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(mut connection) = idle else { return self.connect().await };
            if connection.ready().await.is_ok() {
                return Ok(connection);
            }
        }
    }

    async fn connect(&self) -> Result<Connection, RequestError> {
        let stream = TcpStream::connect(self.addr).await?;
        stream.set_nodelay(true)?;
        let (connection, driver) = http1::handshake(TokioIo::new(stream)).await?;
        // The driver ends with the connection; its error also reaches the request.
        tokio::spawn(driver);
        Ok(connection)
    }
}
