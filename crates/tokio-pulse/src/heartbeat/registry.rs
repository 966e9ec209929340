//! The threads of one runtime.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::heartbeat::hooks::Claims;
use crate::heartbeat::slot::Slot;
use crate::metrics::histogram::Histogram;

/// Slots by thread, and who holds which worker.
///
/// Threads come when a hook first runs on them and go when they end. The lock is held for a push
/// or a copy, never while a task is polled.
#[derive(Debug)]
pub(crate) struct Registry {
    threads: Mutex<Threads>,
    /// Grows with every change of `slots`, so that the watchdog copies the list only then.
    version: AtomicUsize,
    #[allow(dead_code, reason = "Tokio's hooks make it needless")]
    pub(crate) claims: Claims,
}

#[derive(Debug, Default)]
struct Threads {
    slots: Vec<Arc<Slot>>,
    /// Polls on threads that have been forgotten.
    past_polls: u64,
    past_times: Histogram,
}

impl Registry {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            threads: Mutex::default(),
            version: AtomicUsize::new(0),
            claims: Claims::new(workers),
        }
    }

    /// Adds a thread, and forgets those that have ended.
    pub(crate) fn register(&self, slot: Arc<Slot>) {
        let Threads { slots, past_polls, past_times } = &mut *self.lock();
        slots.retain(|slot| {
            let ended = slot.is_retired();
            if ended {
                *past_polls += polls_of(slot);
                *past_times = past_times.plus(&slot.line.timing.times());
            }
            !ended
        });
        slots.push(slot);
        // Release, and the lock: whoever sees the new version finds the new list.
        self.version.fetch_add(1, Ordering::Release);
    }

    /// A thread cannot panic with the list half changed.
    fn lock(&self) -> MutexGuard<'_, Threads> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn version(&self) -> usize {
        self.version.load(Ordering::Acquire)
    }

    /// The threads that have not ended, oldest first.
    pub(crate) fn slots(&self) -> Vec<Arc<Slot>> {
        self.lock().slots.iter().filter(|slot| !slot.is_retired()).cloned().collect()
    }

    /// For how long all threads but this one have waited for a processor so far. Asks each of them: some
    /// system calls.
    pub(crate) fn others_waited(&self, slot: &Slot) -> Duration {
        let slots = self.slots();
        let others = slots.iter().filter(|other| other.thread.id != slot.thread.id);
        others.filter_map(|other| other.run_delay()).sum()
    }

    /// Whether any thread is idle.
    pub(crate) fn has_idle(&self) -> bool {
        self.lock().slots.iter().any(|slot| slot.is_idle())
    }

    /// Polls on all threads so far, those that have ended included.
    pub(crate) fn polls(&self) -> u64 {
        let threads = self.lock();
        threads.past_polls + threads.slots.iter().map(|slot| polls_of(slot)).sum::<u64>()
    }

    /// How long they took, if that is measured.
    pub(crate) fn poll_time(&self) -> Histogram {
        let threads = self.lock();
        let times = threads.slots.iter().map(|slot| slot.line.timing.times());
        times.fold(threads.past_times.clone(), |sum, times| sum.plus(&times))
    }
}

fn polls_of(slot: &Slot) -> u64 {
    slot.beat().snapshot().polls() as u64
}
