//! Yield points in front of readers, writers and streams.

use std::io::{IoSlice, Result};
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};

use super::check::step_aside;
use super::request::{Way, is_asked};

pin_project! {
    /// A reader, writer or stream with a yield point before each operation.
    ///
    /// For loops that are not yours and whose other end is always ready, as in
    /// `tokio::io::copy` from memory to memory: the yield point is passed at each read, each write and
    /// each item. When the poll has used its slice up, the operation is not begun, and the task goes on
    /// with it after all that wait.
    ///
    /// Flush and shutdown pass none.
    ///
    /// ```
    /// use tokio::io::AsyncReadExt as _;
    /// use tokio_pulse::yield_point::Yielding;
    ///
    /// # #[tokio_pulse::main]
    /// # async fn main() -> std::io::Result<()> {
    /// let mut text = String::new();
    /// Yielding::new(&b"hello"[..]).read_to_string(&mut text).await?;
    /// assert_eq!(text, "hello");
    /// # Ok(())
    /// # }
    /// ```
    #[derive(Clone, Debug)]
    pub struct Yielding<T> {
        #[pin]
        pub(super) inner: T,
    }
}

impl<T> Yielding<T> {
    /// Puts yield points in front of `inner`.
    pub const fn new(inner: T) -> Self {
        Self { inner }
    }

    /// What is behind the yield points.
    pub fn get_ref(&self) -> &T {
        &self.inner
    }

    /// What is behind the yield points.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.inner
    }

    /// What was behind the yield points.
    pub fn into_inner(self) -> T {
        self.inner
    }
}

/// A yield point in a poll. `Pending`: the caller returns the same.
#[inline]
pub(super) fn poll_yield_point(cx: &mut Context<'_>) -> Poll<()> {
    if is_asked(Way::Yield) {
        step_aside(cx);
        return Poll::Pending;
    }
    Poll::Ready(())
}

impl<T: AsyncRead> AsyncRead for Yielding<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        match poll_yield_point(cx) {
            Poll::Ready(()) => self.project().inner.poll_read(cx, buf),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<T: AsyncBufRead> AsyncBufRead for Yielding<T> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<&[u8]>> {
        match poll_yield_point(cx) {
            Poll::Ready(()) => self.project().inner.poll_fill_buf(cx),
            Poll::Pending => Poll::Pending,
        }
    }

    fn consume(self: Pin<&mut Self>, amount: usize) {
        self.project().inner.consume(amount);
    }
}

impl<T: AsyncWrite> AsyncWrite for Yielding<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        match poll_yield_point(cx) {
            Poll::Ready(()) => self.project().inner.poll_write(cx, buf),
            Poll::Pending => Poll::Pending,
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        match poll_yield_point(cx) {
            Poll::Ready(()) => self.project().inner.poll_write_vectored(cx, bufs),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.project().inner.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.project().inner.poll_shutdown(cx)
    }
}
