//! Who waits for the workers of a runtime: nobody is preempted for nobody.

use std::sync::atomic::Ordering::*;

use crate::sync::AtomicU64;

/// How many tasks wait in each queue. Written by whoever puts one there or takes one out, read by the
/// ticker; a number that is a moment old does no harm.
#[derive(Debug)]
pub(crate) struct Demand {
    shared: AtomicU64,
    local: Box<[AtomicU64]>,
}

impl Demand {
    pub(crate) fn new(workers: usize) -> Self {
        let local = (0..workers).map(|_| AtomicU64::new(0)).collect();
        Self { shared: AtomicU64::new(0), local }
    }

    pub(crate) fn workers(&self) -> usize {
        self.local.len()
    }

    /// In the queue of one worker, or in the shared one.
    fn of(&self, worker: Option<usize>) -> &AtomicU64 {
        worker.map_or(&self.shared, |worker| &self.local[worker])
    }

    pub(crate) fn add(&self, worker: Option<usize>) {
        self.of(worker).fetch_add(1, Relaxed);
    }

    pub(crate) fn take(&self, worker: Option<usize>) {
        self.of(worker).fetch_sub(1, Relaxed);
    }

    pub(super) fn is_there(&self, worker: usize) -> bool {
        self.shared.load(Relaxed) > 0 || self.local[worker].load(Relaxed) > 0
    }
}
