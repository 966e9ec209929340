//! How tasks get from whoever wakes them to a worker.
//!
//! One lock over all queues: one that all workers share, and one a worker for tasks that cannot leave
//! it. Who finds nothing waits for `arrived` under that lock, so that a push either comes first and is
//! seen, or finds the worker waiting and wakes it. Nobody is told where nobody waits. A push to the
//! shared queue wakes one worker, whichever; a push to a worker's own wakes all, since the one that it
//! is for cannot be picked. Closing wakes all, and nothing is taken out or put in after it.

use std::sync::Arc;

use super::levels::{Levels, Picker, Priority, Source};
use crate::sync::{Condvar, Mutex, MutexGuard, lock, wait};
use crate::ticker::Demand;

pub(crate) struct HandOver<T> {
    queues: Mutex<Queues<T>>,
    arrived: Condvar,
    demand: Arc<Demand>,
}

struct Queues<T> {
    shared: Levels<T>,
    local: Vec<Levels<T>>,
    arrivals: u64,
    /// Workers that wait.
    waiting: usize,
    closed: bool,
}

impl<T> HandOver<T> {
    pub(crate) fn new(workers: usize) -> Self {
        let local = (0..workers).map(|_| Levels::default()).collect();
        let shared = Levels::default();
        let queues = Queues { shared, local, arrivals: 0, waiting: 0, closed: false };
        Self {
            queues: Mutex::new(queues),
            arrived: Condvar::new(),
            demand: Arc::new(Demand::new(workers)),
        }
    }

    pub(crate) fn demand(&self) -> &Arc<Demand> {
        &self.demand
    }

    fn queues(&self) -> MutexGuard<'_, Queues<T>> {
        lock(&self.queues)
    }

    /// To the end of its priority's queue: the shared one, or that of a worker. Whether it was taken;
    /// not after the end.
    pub(crate) fn push(&self, priority: Priority, home: Option<usize>, item: T) -> bool {
        let mut queues = self.queues();
        if queues.closed {
            return false;
        }
        let arrival = queues.arrivals;
        queues.arrivals += 1;
        let Queues { shared, local, .. } = &mut *queues;
        home.map_or(shared, |worker| &mut local[worker]).push(priority, arrival, item);
        self.demand.add(home);
        let waiting = queues.waiting > 0;
        drop(queues);
        match home {
            // A system call, even if nobody waits.
            _ if !waiting => {}
            Some(_) => self.arrived.notify_all(),
            None => self.arrived.notify_one(),
        }
        true
    }

    /// The next for a worker; waits for one, and says so before and after. `None` at the end.
    pub(crate) fn next(
        &self,
        worker: usize,
        picker: &mut Picker,
        rest: impl FnOnce(),
        wake_up: impl FnOnce(),
    ) -> Option<T> {
        let mut queues = self.queues();
        let mut rest = Some(rest);
        let item = loop {
            if queues.closed {
                break None;
            }
            let Queues { shared, local, .. } = &mut *queues;
            if let Some((source, item)) = picker.pick(shared, &mut local[worker]) {
                self.demand.take((source == Source::Local).then_some(worker));
                break Some(item);
            }
            if let Some(rest) = rest.take() {
                rest();
            }
            queues.waiting += 1;
            queues = wait(&self.arrived, queues);
            queues.waiting -= 1;
        };
        drop(queues);
        if rest.is_none() {
            wake_up();
        }
        item
    }

    /// Nobody gets another one; polls that run are preempted.
    pub(crate) fn close(&self) {
        self.queues().closed = true;
        self.demand.add(None);
        self.arrived.notify_all();
    }

    /// Drops what was left.
    pub(crate) fn clear(&self) {
        let mut queues = self.queues();
        let shared = std::mem::take(&mut queues.shared);
        let local = std::mem::take(&mut queues.local);
        drop(queues);
        drop((shared, local));
    }
}
