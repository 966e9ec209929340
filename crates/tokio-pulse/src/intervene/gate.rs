//! The gate: so many polls of offenders run at a time, in the order of a fair queue.
//!
//! A poll that waits here has handed its worker over, so nobody waits behind it. It is for tasks that
//! cannot be moved to the lane, because others have spawned them. The queue is of the same kind as
//! the lane's, with the same weights and the same measure: what a poll has cost is charged to its
//! task when it leaves. Of the few whose turn comes next, one that can go on where the last one has left goes
//! first ([`nearest`](super::nearest)).
//!
//! A poll inside may itself wait for something that only a poll outside can bring about, such as a
//! message through a blocking channel. So the gate never stays shut for good: when nobody has left
//! it for `STUCK`, those inside are written off, and their places given to the first in the row.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use tokio_pulse_sys::current_processor;

use super::nearest::Nearest;
use crate::lane::SchedulingAlgorithm;
use crate::lane::queue::{FairQueue, Flow};
use crate::metrics::histogram::{Histogram, Recorder};

/// Longer than most polls that one sees. Those that take longer, all permits together, let the next
/// ones in.
const STUCK: Duration = Duration::from_millis(250);

/// So many of the row are looked at for each permit, and passed over so often. With one, half of what there is to
/// gain is lost: those who wait for the other processor fill the places.
const LOOKAHEAD: usize = 2;

/// For the lottery: the same draws in every run.
const SEED: u64 = 0x5EED;

#[derive(Debug)]
pub(crate) struct Gate {
    row: Mutex<Row>,
    waited: AtomicU64,
    forced: AtomicU64,
    /// Written by whoever holds the row, so by one at a time.
    wait_time: Recorder,
}

#[derive(Debug)]
struct Row {
    algorithm: SchedulingAlgorithm,
    /// As the last one that came was told.
    permits: usize,
    /// Polls inside, those that were written off left out.
    inside: usize,
    /// Grows when those inside are written off: their leaving changes nothing any more.
    generation: u64,
    waiting: Box<dyn FairQueue<Arc<Waiter>>>,
    /// Taken from there, and still waiting.
    next: Nearest<(Flow, Arc<Waiter>)>,
    last_exit: Instant,
    open: bool,
}

#[derive(Debug)]
struct Waiter {
    thread: Thread,
    /// That it ran on when it came.
    processor: Option<u32>,
    /// The generation that it was admitted in, plus one; 0 while it waits.
    admitted: AtomicU64,
    /// It has given up. Written and read by whoever holds the row.
    gone: AtomicBool,
}

/// A place inside, until it is dropped.
#[must_use]
#[derive(Debug)]
pub(crate) struct Permit {
    gate: Arc<Gate>,
    generation: u64,
    flow: Flow,
    cost: Duration,
}

/// How many may be inside, and by which rule the next one is chosen.
#[derive(Clone, Copy, Debug)]
pub(crate) struct House {
    pub(crate) permits: usize,
    pub(crate) algorithm: SchedulingAlgorithm,
}

/// How the gate stands at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Standing {
    /// As the last one that came was told.
    pub(crate) permits: usize,
    /// Those that were written off left out.
    pub(crate) inside: usize,
    pub(crate) waiting: usize,
}

impl Gate {
    pub(crate) fn new() -> Self {
        let algorithm = SchedulingAlgorithm::default();
        let row = Row {
            algorithm,
            permits: 1,
            inside: 0,
            generation: 0,
            waiting: algorithm.queue(SEED),
            next: Nearest::new(),
            last_exit: Instant::now(),
            open: false,
        };
        let (waited, forced) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { row: Mutex::new(row), waited, forced, wait_time: Recorder::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Row> {
        self.row.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until there is a permit and nobody is in front. `None`: after `patience` there was still
    /// somebody waiting behind the caller, as `is_free` says; it is asked then, not before, and if it says
    /// that nobody does, there is no hurry any more.
    pub(crate) fn enter(
        self: &Arc<Self>,
        flow: Flow,
        house: House,
        patience: Duration,
        is_free: &dyn Fn() -> bool,
    ) -> Option<Permit> {
        let permit = |generation| {
            Some(Permit { gate: self.clone(), generation, flow, cost: Duration::ZERO })
        };
        let waiter = {
            let mut row = self.lock();
            row.adopt(house);
            if row.open {
                row.inside += 1;
                return permit(row.generation);
            }
            let waiter = Arc::new(Waiter::here());
            // Through the queue even where there is room: it has to know who runs.
            row.waiting.push(flow, waiter.clone());
            if row.inside < row.permits {
                if row.inside == 0 {
                    row.last_exit = Instant::now();
                }
                row.admit();
            }
            if let Some(generation) = waiter.admitted() {
                return permit(generation);
            }
            waiter
        };
        self.waited.fetch_add(1, Ordering::Relaxed);
        let began = Instant::now();
        let mut free = false;
        loop {
            if let Some(generation) = waiter.admitted() {
                let _row = self.lock();
                self.wait_time.record(began.elapsed());
                return permit(generation);
            }
            let left = patience.saturating_sub(began.elapsed());
            if !free && left.is_zero() {
                free = is_free();
                if !free {
                    return self.give_up(&waiter).and_then(permit);
                }
            }
            thread::park_timeout(if free { STUCK } else { left.min(STUCK) });
            self.admit_if_stuck();
        }
    }

    /// The caller does not wait any more, unless it was let in just now.
    fn give_up(&self, waiter: &Waiter) -> Option<u64> {
        // Nobody is let in meanwhile.
        let _row = self.lock();
        let admitted = waiter.admitted();
        waiter.gone.store(admitted.is_none(), Ordering::Relaxed);
        admitted
    }

    fn admit_if_stuck(&self) {
        let mut row = self.lock();
        if row.last_exit.elapsed() >= STUCK && row.len() > 0 {
            self.forced.fetch_add(1, Ordering::Relaxed);
            row.last_exit = Instant::now();
            row.generation += 1;
            row.inside = 0;
            row.admit();
        }
    }

    fn leave(&self, generation: u64, flow: Flow, cost: Duration) {
        let mut row = self.lock();
        row.waiting.charge(flow, u64::try_from(cost.as_nanos()).unwrap_or(u64::MAX));
        if generation == row.generation {
            row.inside -= 1;
        }
        row.last_exit = Instant::now();
        row.admit();
    }

    /// Lets everybody in, for good: the runtime shuts down.
    pub(crate) fn open(&self) {
        let mut row = self.lock();
        row.open = true;
        row.admit();
    }

    /// How long those have waited that had to.
    pub(crate) fn wait_time(&self) -> Histogram {
        self.wait_time.snapshot()
    }

    /// How it stands now.
    pub(crate) fn standing(&self) -> Standing {
        let row = self.lock();
        Standing { permits: row.permits, inside: row.inside, waiting: row.len() }
    }

    /// Polls that had to wait, and those of them that went in without a permit.
    pub(crate) fn waited_and_forced(&self) -> (u64, u64) {
        (self.waited.load(Ordering::Relaxed), self.forced.load(Ordering::Relaxed))
    }
}

impl Row {
    /// Both may be changed while the gate works.
    fn adopt(&mut self, house: House) {
        self.permits = house.permits;
        if self.algorithm != house.algorithm {
            let mut queue = house.algorithm.queue(SEED);
            while let Some((flow, waiter)) = self.waiting.pop() {
                queue.push(flow, waiter);
            }
            self.algorithm = house.algorithm;
            self.waiting = queue;
        }
    }

    fn len(&self) -> usize {
        self.next.len() + self.waiting.len()
    }

    /// Whose turn it is.
    fn take(&mut self, here: Option<u32>) -> Option<(Flow, Arc<Waiter>)> {
        let places = LOOKAHEAD * self.permits;
        while self.next.len() < places {
            let Some((flow, waiter)) = self.waiting.pop() else { break };
            let processor = waiter.processor;
            self.next.push((flow, waiter), processor);
        }
        self.next.take(here, places)
    }

    /// Lets in whom there is room for.
    fn admit(&mut self) {
        let here = current_processor().ok();
        while self.open || self.inside < self.permits {
            let Some((flow, waiter)) = self.take(here) else { return };
            if waiter.gone.load(Ordering::Relaxed) {
                self.waiting.charge(flow, 0);
                continue;
            }
            self.inside += 1;
            waiter.admitted.store(self.generation + 1, Ordering::Release);
            waiter.thread.unpark();
        }
    }
}

impl Waiter {
    fn here() -> Self {
        let (thread, processor) = (thread::current(), current_processor().ok());
        Self { thread, processor, admitted: AtomicU64::new(0), gone: AtomicBool::new(false) }
    }

    fn admitted(&self) -> Option<u64> {
        self.admitted.load(Ordering::Acquire).checked_sub(1)
    }
}

impl Permit {
    /// What the poll inside has cost.
    pub(crate) fn charge(&mut self, cost: Duration) {
        self.cost = cost;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.gate.leave(self.generation, self.flow, self.cost);
    }
}

#[cfg(all(test, not(pulse_loom)))]
#[path = "gate_tests.rs"]
mod tests;
