//! The connections that are open: a bounded number, of which the oldest makes room.

use std::collections::VecDeque;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

pub(super) const MAX_CONNECTIONS: usize = 16;

/// One that was cut off is gone sooner than this, unless it is in the user's code.
const ROOM_WITHIN: Duration = Duration::from_millis(250);

#[derive(Debug, Default)]
pub(super) struct Connections {
    open: Mutex<Open>,
    left: Condvar,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    /// Oldest first.
    streams: VecDeque<(u64, TcpStream)>,
    closed: bool,
}

/// A place among them, until it is dropped.
#[derive(Debug)]
pub(super) struct Seat {
    connections: Arc<Connections>,
    number: u64,
}

impl Connections {
    /// Whoever is slow makes room: a probe is done in no time, and who holds connections open for the
    /// sake of it is cut off first. `None`: nobody has left in time, or there will be no more.
    pub(super) fn admit(self: &Arc<Self>, stream: &TcpStream) -> Option<Seat> {
        let stream = stream.try_clone().ok()?;
        let mut open = self.lock();
        if open.streams.len() >= MAX_CONNECTIONS {
            open.cut_off_oldest();
            let full = |open: &mut Open| open.streams.len() >= MAX_CONNECTIONS && !open.closed;
            let waited = self.left.wait_timeout_while(open, ROOM_WITHIN, full);
            open = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        if open.closed || open.streams.len() >= MAX_CONNECTIONS {
            return None;
        }
        open.next += 1;
        let number = open.next;
        open.streams.push_back((number, stream));
        Some(Seat { connections: self.clone(), number })
    }

    /// Cuts all of them off and waits until they are gone, for so long at most: one may be in the
    /// user's code.
    pub(super) fn close(&self, limit: Duration) {
        let mut open = self.lock();
        open.closed = true;
        for (_, stream) in &open.streams {
            let _ = stream.shutdown(Shutdown::Both);
        }
        drop(self.left.wait_timeout_while(open, limit, |open| !open.streams.is_empty()));
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// The one that is cut off goes behind the others, so that the next time it is another.
    fn cut_off_oldest(&mut self) {
        if let Some((number, stream)) = self.streams.pop_front() {
            // It may have been closed by the client.
            let _ = stream.shutdown(Shutdown::Both);
            self.streams.push_back((number, stream));
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.connections.lock().streams.retain(|(number, _)| *number != self.number);
        self.connections.left.notify_all();
    }
}
