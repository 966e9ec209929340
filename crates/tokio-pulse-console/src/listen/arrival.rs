//! One connection: counted, and closed when nobody is let in on it in time.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Sleep;
use tonic::Extensions;
use tonic::transport::server::Connected;

/// What moves bytes.
pub(super) trait Io: AsyncRead + AsyncWrite + Send {}

impl<T: AsyncRead + AsyncWrite + Send> Io for T {}

/// What a call knows of its connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Arrival(Arc<AtomicBool>);

impl Arrival {
    /// Of a call.
    pub(crate) fn of(extensions: &Extensions) -> Option<&Self> {
        #[cfg(feature = "tls")]
        if let Some(info) = extensions.get::<tonic::transport::server::TlsConnectInfo<Self>>() {
            return Some(info.get_ref());
        }
        extensions.get::<Self>()
    }

    /// Somebody on the connection has shown who he is: it may stay.
    pub(crate) fn let_in(&self) {
        self.0.store(true, Relaxed);
    }

    fn is_let_in(&self) -> bool {
        self.0.load(Relaxed)
    }
}

/// The connection. A client that connects and says nothing, or nothing of use, is cut off by its own
/// next read: HTTP/2 always has one under way.
pub(crate) struct Connection {
    io: Pin<Box<dyn Io>>,
    arrival: Arrival,
    /// Until somebody is let in.
    deadline: Option<Pin<Box<Sleep>>>,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    pub(super) fn new(io: impl Io + 'static, deadline: Sleep, place: OwnedSemaphorePermit) -> Self {
        Self {
            io: Box::pin(io),
            arrival: Arrival::default(),
            deadline: Some(Box::pin(deadline)),
            _place: place,
        }
    }

    fn is_too_late(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(deadline) = &mut self.deadline else { return false };
        if self.arrival.is_let_in() {
            self.deadline = None;
            return false;
        }
        deadline.as_mut().poll(cx).is_ready()
    }
}

impl Connected for Connection {
    type ConnectInfo = Arrival;

    fn connect_info(&self) -> Arrival {
        self.arrival.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_too_late(cx) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        self.io.as_mut().poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.io.as_mut().poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.io.as_mut().poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.as_mut().poll_shutdown(cx)
    }
}
