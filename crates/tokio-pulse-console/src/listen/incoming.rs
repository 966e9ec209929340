//! Accepts connections, and closes at once what is one too many.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{Sleep, sleep};
use tokio_stream::Stream;

use super::arrival::Connection;
use super::{Bound, local};

/// After a connection that could not be accepted: most often there is no file descriptor left, and
/// asking again at once would not bring one.
const PAUSE: Duration = Duration::from_millis(20);

/// The connections, one after the other, for ever.
pub(crate) struct Incoming {
    listener: Listener,
    places: Arc<Semaphore>,
    let_in_within: Duration,
    pause: Option<Pin<Box<Sleep>>>,
}

enum Listener {
    Tcp(TcpListener),
    Unix(local::Listener),
}

impl Incoming {
    /// Within a Tokio runtime.
    pub(crate) fn new(bound: Bound, places: usize, let_in_within: Duration) -> io::Result<Self> {
        let listener = match bound {
            Bound::Tcp(listener) => Listener::Tcp(TcpListener::from_std(listener)?),
            Bound::Unix(socket) => Listener::Unix(socket.listen()?),
        };
        let places = Arc::new(Semaphore::new(places));
        Ok(Self { listener, places, let_in_within, pause: None })
    }

    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Connection>>> {
        // The latter is dropped, and with it what was accepted.
        let place = self.places.clone().try_acquire_owned();
        let deadline = || sleep(self.let_in_within);
        let connection = match &self.listener {
            Listener::Tcp(listener) => {
                let (stream, _) = ready!(listener.poll_accept(cx))?;
                // Small messages, and somebody waits for each; an error is no reason not to serve.
                let _ = stream.set_nodelay(true);
                place.ok().map(|place| Connection::new(stream, deadline(), place))
            }
            Listener::Unix(listener) => {
                let stream = ready!(listener.poll_accept(cx))?;
                place.ok().map(|place| Connection::new(stream, deadline(), place))
            }
        };
        Poll::Ready(Ok(connection))
    }
}

impl Stream for Incoming {
    type Item = Result<Connection, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(cx));
                self.pause = None;
            }
            match ready!(self.poll_accept(cx)) {
                Ok(Some(connection)) => return Poll::Ready(Some(Ok(connection))),
                Ok(None) => {}
                Err(_) => self.pause = Some(Box::pin(sleep(PAUSE))),
            }
        }
    }
}
