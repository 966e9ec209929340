//! What the threads of a runtime tell the watchdog, at the price of a plain store a poll.

pub(crate) mod beat;
pub(crate) mod hooks;
mod pool;
pub(crate) mod registry;
pub(crate) mod seat;
pub(crate) mod slot;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::Thread;

use crate::watchdog::doze::Doze;
use beat::Beat;
use registry::Registry;
use slot::Slot;

/// How the threads of a runtime beat; see [`beat`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "stable Tokio has no poll hooks")]
pub(crate) enum Rhythm {
    /// Before each poll.
    Tick,
    /// Before and after each poll.
    Bracket,
}

/// The worker side of one runtime: what its hooks need, shared by all of them.
#[derive(Debug)]
pub(crate) struct Heart {
    /// Never used twice in a process, unlike an address.
    pub(crate) id: u64,
    #[allow(dead_code, reason = "stable Tokio has no poll hooks")]
    pub(crate) rhythm: Rhythm,
    pub(crate) registry: Registry,
    pub(crate) doze: Doze,
    /// The watchdog, once it runs.
    watcher: OnceLock<Thread>,
}

impl Heart {
    pub(crate) fn new(rhythm: Rhythm, workers: usize) -> Self {
        static NEXT_ID: AtomicU64 = AtomicU64::new(0);
        Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            rhythm,
            registry: Registry::new(workers),
            doze: Doze::new(),
            watcher: OnceLock::new(),
        }
    }

    /// Makes known who is to be woken when work begins.
    pub(crate) fn set_watcher(&self, watcher: Thread) {
        // Set once, by the start of the only watchdog of this runtime.
        let _ = self.watcher.set(watcher);
    }

    pub(crate) fn wake_watcher(&self) {
        if let Some(watcher) = self.watcher.get() {
            watcher.unpark();
        }
    }

    /// Hook: the thread goes to Tokio's park.
    pub(crate) fn park(&self) {
        hooks::on_park_or_unpark(self, Beat::park);
    }

    /// Hook: the thread has left Tokio's park.
    pub(crate) fn unpark(&self) {
        hooks::on_park_or_unpark(self, Beat::unpark);
        if self.doze.must_wake() {
            self.wake_watcher();
        }
    }

    /// A thread shows itself for the first time.
    fn register(&self, slot: Arc<Slot>) {
        self.registry.register(slot);
        if self.doze.must_wake() {
            self.wake_watcher();
        }
    }
}
