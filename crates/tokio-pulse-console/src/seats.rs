//! The seats of subscribers: a bounded number of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio_pulse_proto::Reason;
use tonic::Status;

#[derive(Debug)]
pub(crate) struct Seats {
    taken: AtomicUsize,
    limit: usize,
}

/// A seat, until it is dropped.
#[derive(Debug)]
#[must_use]
pub(crate) struct Seat(Arc<Seats>);

impl Seats {
    pub(crate) fn new(limit: usize) -> Self {
        Self { taken: AtomicUsize::new(0), limit }
    }

    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Relaxed)
    }

    pub(crate) fn take(self: &Arc<Self>) -> Result<Seat, Status> {
        let one_more = |taken| (taken < self.limit).then_some(taken + 1);
        match self.taken.fetch_update(Relaxed, Relaxed, one_more) {
            Ok(_) => Ok(Seat(self.clone())),
            Err(taken) => Err(Reason::TooMany.status(format!(
                "there are {taken} subscribers, and no more are served; close one and try again"
            ))),
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Relaxed);
    }
}
