//! Yield points between the items of a stream.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_core::stream::FusedStream;

use super::yielding::{Yielding, poll_yield_point};

/// Streams with yield points.
pub trait StreamExt: Stream + Sized {
    /// Passes a yield point before each item: for streams that are always ready, consumed by a loop
    /// that is not yours.
    ///
    /// ```
    /// use futures_util::StreamExt as _;
    /// use tokio_pulse::yield_point::StreamExt as _;
    ///
    /// # #[tokio_pulse::main]
    /// # async fn main() {
    /// let items = futures_util::stream::iter(0..1_000).with_yield_points();
    /// assert_eq!(items.count().await, 1_000);
    /// # }
    /// ```
    fn with_yield_points(self) -> Yielding<Self> {
        Yielding::new(self)
    }
}

impl<S: Stream> StreamExt for S {}

impl<S: Stream> Stream for Yielding<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        match poll_yield_point(cx) {
            Poll::Ready(()) => self.project().inner.poll_next(cx),
            Poll::Pending => Poll::Pending,
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.inner.size_hint()
    }
}

impl<S: FusedStream> FusedStream for Yielding<S> {
    fn is_terminated(&self) -> bool {
        self.inner.is_terminated()
    }
}
