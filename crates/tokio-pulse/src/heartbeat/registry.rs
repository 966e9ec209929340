//! The threads of one runtime.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::heartbeat::hooks::Claims;
use crate::heartbeat::slot::Slot;

/// Slots by thread, and who holds which worker.
///
/// Threads come when a hook first runs on them and go when they end. The lock is held for a push
/// or a copy, never while a task is polled.
#[derive(Debug)]
pub(crate) struct Registry {
    slots: Mutex<Vec<Arc<Slot>>>,
    /// Grows with every change of `slots`, so that the watchdog copies the list only then.
    version: AtomicUsize,
    #[allow(dead_code, reason = "Tokio's hooks make it needless")]
    pub(crate) claims: Claims,
}

impl Registry {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            slots: Mutex::new(Vec::new()),
            version: AtomicUsize::new(0),
            claims: Claims::new(workers),
        }
    }

    /// Adds a thread, and forgets those that have ended.
    pub(crate) fn register(&self, slot: Arc<Slot>) {
        let mut slots = self.lock();
        slots.retain(|slot| !slot.is_retired());
        slots.push(slot);
        // Release, and the lock: whoever sees the new version finds the new list.
        self.version.fetch_add(1, Ordering::Release);
    }

    /// A thread cannot panic with the list half changed.
    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn version(&self) -> usize {
        self.version.load(Ordering::Acquire)
    }

    /// The threads that have not ended, oldest first.
    pub(crate) fn slots(&self) -> Vec<Arc<Slot>> {
        self.lock().iter().filter(|slot| !slot.is_retired()).cloned().collect()
    }
}
