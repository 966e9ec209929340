//! What the watchdog counts.

use std::time::Duration;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::histogram::{Histogram, Recorder};

/// Counters that only grow, and gauges. The watchdog is the one writer of all but `hook_panics`,
/// so an update is a load and a store; readers may see two of them from different moments.
#[derive(Debug)]
pub(crate) struct Counters {
    stalls: AtomicU64,
    rescued: AtomicU64,
    in_progress: AtomicU64,
    descheduled: AtomicU64,
    exhausted: AtomicU64,
    longest_ns: AtomicU64,
    looks: AtomicU64,
    hook_panics: AtomicU64,
    stall_time: Recorder,
}

impl Counters {
    pub(crate) fn new() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            stalls: zero(),
            rescued: zero(),
            in_progress: zero(),
            descheduled: zero(),
            exhausted: zero(),
            longest_ns: zero(),
            looks: zero(),
            hook_panics: zero(),
            stall_time: Recorder::default(),
        }
    }

    pub(crate) fn looked(&self) {
        bump(&self.looks, 1);
    }

    pub(crate) fn stalls_began(&self, began: usize, unrescued: usize) {
        bump(&self.stalls, began as u64);
        bump(&self.rescued, began.saturating_sub(unrescued) as u64);
    }

    pub(crate) fn set_in_progress(&self, stalls: usize) {
        self.in_progress.store(stalls as u64, Relaxed);
    }

    pub(crate) fn was_descheduled(&self) {
        bump(&self.descheduled, 1);
    }

    pub(crate) fn ran_out(&self) {
        bump(&self.exhausted, 1);
    }

    pub(crate) fn stall_lasted(&self, so_far: Duration) {
        let so_far = u64::try_from(so_far.as_nanos()).unwrap_or(u64::MAX);
        if so_far > self.longest_ns.load(Relaxed) {
            self.longest_ns.store(so_far, Relaxed);
        }
    }

    pub(crate) fn stall_ended(&self, lasted: Duration) {
        self.stall_lasted(lasted);
        self.stall_time.record(lasted);
    }

    pub(crate) fn stall_time(&self) -> Histogram {
        self.stall_time.snapshot()
    }

    /// Runs one of the user's hooks, on any thread. A panic in it is counted and goes no further.
    pub(crate) fn contain_hook(&self, hook: impl FnOnce()) {
        if catch_unwind(AssertUnwindSafe(hook)).is_err() {
            self.hook_panics.fetch_add(1, Relaxed);
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot {
            stalls: self.stalls.load(Relaxed),
            rescued: self.rescued.load(Relaxed),
            in_progress: self.in_progress.load(Relaxed) as usize,
            descheduled: self.descheduled.load(Relaxed),
            exhausted: self.exhausted.load(Relaxed),
            longest: Duration::from_nanos(self.longest_ns.load(Relaxed)),
            looks: self.looks.load(Relaxed),
            hook_panics: self.hook_panics.load(Relaxed),
        }
    }
}

fn bump(counter: &AtomicU64, by: u64) {
    counter.store(counter.load(Relaxed).wrapping_add(by), Relaxed);
}

/// The counters at one moment, more or less.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Snapshot {
    pub(crate) stalls: u64,
    pub(crate) rescued: u64,
    pub(crate) in_progress: usize,
    pub(crate) descheduled: u64,
    pub(crate) exhausted: u64,
    pub(crate) longest: Duration,
    pub(crate) looks: u64,
    pub(crate) hook_panics: u64,
}
