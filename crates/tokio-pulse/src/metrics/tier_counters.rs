//! What was done to suspects. Many threads write, but only for polls of suspects.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::histogram::{Histogram, Recorder};

#[derive(Debug, Default)]
pub(crate) struct TierCounters {
    violations: AtomicU64,
    promotions: AtomicU64,
    demotions: AtomicU64,
    handoffs: AtomicU64,
    failed_handoffs: AtomicU64,
    suppressed_warnings: AtomicU64,
    slow_polls: AtomicU64,
    /// Written by many threads: one for each would end with its thread, and threads of Tokio's
    /// blocking pool come and go.
    poll_time: Recorder,
}

/// The counters at one moment, more or less.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TierSnapshot {
    pub(crate) violations: u64,
    pub(crate) promotions: u64,
    pub(crate) demotions: u64,
    pub(crate) handoffs: u64,
    pub(crate) failed_handoffs: u64,
    pub(crate) suppressed_warnings: u64,
    pub(crate) slow_polls: u64,
}

impl TierCounters {
    pub(crate) fn violated(&self) {
        self.violations.fetch_add(1, Relaxed);
    }

    pub(crate) fn promoted(&self) {
        self.promotions.fetch_add(1, Relaxed);
    }

    pub(crate) fn demoted(&self) {
        self.demotions.fetch_add(1, Relaxed);
    }

    pub(crate) fn handed_off(&self) {
        self.handoffs.fetch_add(1, Relaxed);
    }

    pub(crate) fn handoff_failed(&self) {
        self.failed_handoffs.fetch_add(1, Relaxed);
    }

    pub(crate) fn warning_suppressed(&self) {
        self.suppressed_warnings.fetch_add(1, Relaxed);
    }

    pub(crate) fn was_slow(&self) {
        self.slow_polls.fetch_add(1, Relaxed);
    }

    pub(crate) fn polled(&self, lasted: Duration) {
        self.poll_time.record_shared(lasted);
    }

    pub(crate) fn poll_time(&self) -> Histogram {
        self.poll_time.snapshot()
    }

    pub(crate) fn snapshot(&self) -> TierSnapshot {
        TierSnapshot {
            violations: self.violations.load(Relaxed),
            promotions: self.promotions.load(Relaxed),
            demotions: self.demotions.load(Relaxed),
            handoffs: self.handoffs.load(Relaxed),
            failed_handoffs: self.failed_handoffs.load(Relaxed),
            suppressed_warnings: self.suppressed_warnings.load(Relaxed),
            slow_polls: self.slow_polls.load(Relaxed),
        }
    }
}
