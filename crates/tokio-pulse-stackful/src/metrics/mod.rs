//! What preemption did, counted where it happens and copied from there.

mod counters;
mod histogram;
mod refusal;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

pub(crate) use counters::Counters;
pub use histogram::Histogram;
pub use refusal::Refusal;

/// Interrupted polls whose stacks were left behind, in this process.
static ABANDONED: AtomicU64 = AtomicU64::new(0);

pub(crate) fn count_abandoned() {
    ABANDONED.fetch_add(1, Relaxed);
}

/// How many interrupted polls this process has given up: their tasks were dropped, and the polls did
/// not end in time. Their stacks, and all that is on them, are leaked.
pub fn abandoned() -> u64 {
    ABANDONED.load(Relaxed)
}

/// What preemption did so far, on one thread or on all workers of a runtime.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    preemptions: u64,
    yields: u64,
    refusals: [u64; Refusal::ALL.len()],
    latency: Histogram,
    delivery: Histogram,
    switch: Histogram,
    resume: Histogram,
}

impl Metrics {
    /// How often a poll was set aside at an arbitrary instruction.
    pub fn preemptions(&self) -> u64 {
        self.preemptions
    }

    /// How often a poll was set aside at a safe point after a refused preemption.
    pub fn yields(&self) -> u64 {
        self.yields
    }

    /// How often an interrupted poll was let go on for this reason.
    pub fn refusals(&self, reason: Refusal) -> u64 {
        self.refusals[reason as usize]
    }

    /// From the moment that the timer asked for a preemption to the switch. An attempt that was
    /// refused asks anew.
    pub fn latency(&self) -> &Histogram {
        &self.latency
    }

    /// The part of [`latency`](Self::latency) that the system takes from the timer's call to the first
    /// instruction of the handler.
    pub fn delivery(&self) -> &Histogram {
        &self.delivery
    }

    /// The part of [`latency`](Self::latency) that the handler takes to decide.
    pub fn decision(&self) -> &Histogram {
        &self.switch
    }

    /// From the decision to resume a poll to its own stack; the return from the signal, which is
    /// the kernel's, comes on top.
    pub fn resume(&self) -> &Histogram {
        &self.resume
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_upper_ends() {
        let counters = Counters::default();
        (1..=100).for_each(|n| counters.preempted(n * 1_000, n * 500));
        let mut sum = Metrics::default();
        counters.add_to(&mut sum);
        assert_eq!(Histogram::default().quantile(0.5), None);
        let median = sum.latency().quantile(0.5).unwrap().as_nanos();
        assert!((50_000..65_000).contains(&median), "{median}");
        let parts = [sum.delivery(), sum.decision()].map(|part| part.quantile(0.5).unwrap());
        assert!(parts.iter().all(|part| (25_000..33_000).contains(&part.as_nanos())), "{parts:?}");
        assert_eq!((sum.preemptions(), sum.latency().count()), (100, 100));
    }
}
