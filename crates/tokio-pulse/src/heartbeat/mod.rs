//! What the threads of a runtime tell the watchdog, at the price of a plain store a poll.

pub(crate) mod attention;
pub(crate) mod beat;
pub(crate) mod charge;
pub(crate) mod hooks;
pub(crate) mod pool;
pub(crate) mod registry;
pub(crate) mod seat;
pub(crate) mod slot;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::Thread;
use std::time::Instant;

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

/// Who may want to be asked at the beginning of each poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(crate) enum Party {
    /// The tiers: there are suspects.
    Tiers = 1,
    /// The user's hooks.
    Hooks = 2,
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
    armed: AtomicUsize,
    /// All times of this runtime count from here.
    pub(crate) began: Instant,
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
            armed: AtomicUsize::new(0),
            began: Instant::now(),
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

    /// Somebody wants to be asked at the beginning of each poll, or does not any more.
    pub(crate) fn set_armed(&self, who: Party, armed: bool) {
        let bit = who as usize;
        if self.is_armed_for(who) == armed {
            return;
        }
        let before = if armed {
            self.armed.fetch_or(bit, Ordering::AcqRel)
        } else {
            self.armed.fetch_and(!bit, Ordering::AcqRel)
        };
        if (before & bit != 0) != armed {
            // Whoever comes last goes by what all have said: a thread that looks in between may be
            // told the wrong thing, but not for good.
            for slot in self.registry.slots() {
                slot.line.attention.set_armed(self.is_armed());
            }
        }
    }

    pub(crate) fn is_armed_for(&self, who: Party) -> bool {
        self.armed.load(Ordering::Relaxed) & who as usize != 0
    }

    fn is_armed(&self) -> bool {
        self.armed.load(Ordering::Acquire) != 0
    }

    /// A thread shows itself for the first time.
    fn register(&self, slot: Arc<Slot>) {
        self.registry.register(slot.clone());
        // After it is in the list: whoever arms the runtime meanwhile finds it there.
        if self.is_armed() {
            slot.line.attention.set_armed(true);
        }
        if self.doze.must_wake() {
            self.wake_watcher();
        }
    }
}
