//! Numbers to read: what [`Handle::metrics`](crate::Handle::metrics) returns.

pub(crate) mod counters;
#[cfg(feature = "metrics")]
pub mod export;
pub(crate) mod histogram;
mod histogram_probe;
mod preemption;
pub(crate) mod tier_counters;
mod tiers;
pub(crate) mod worker;

use std::time::Duration;

use crate::pulse::Core;

pub use histogram::Histogram;
pub use histogram_probe::HistogramProbe;
pub use preemption::PreemptionMetrics;
pub use tiers::TierMetrics;
pub use worker::WorkerMetrics;

/// What Pulse has seen and done on one runtime, at the moment of the call.
///
/// The figures are read one after the other while the watchdog goes on, so two of them may differ
/// by an event that happened in between.
///
/// ```
/// let runtime = tokio_pulse::Builder::new_multi_thread().worker_threads(2).build()?;
/// let metrics = runtime.metrics();
/// assert_eq!(metrics.num_workers(), 2);
/// assert_eq!(metrics.stalls(), 0);
/// # Ok::<(), tokio_pulse::BuildError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Metrics {
    workers: usize,
    reserve: usize,
    reserves_free: usize,
    counters: counters::Snapshot,
    threads: Vec<WorkerMetrics>,
}

impl Metrics {
    pub(crate) fn of(core: &Core) -> Self {
        Self {
            workers: core.config.workers,
            reserve: core.config.reserve,
            reserves_free: core.reserve.counts().parked,
            counters: core.counters.snapshot(),
            threads: core.heart.registry.slots().iter().map(|s| WorkerMetrics::of(s)).collect(),
        }
    }

    /// Workers that serve tasks when nothing is stalled: what the builder was asked for.
    pub fn num_workers(&self) -> usize {
        self.workers
    }

    /// Workers that are kept on top of those, asleep until a stall calls for them.
    pub fn reserve_workers(&self) -> usize {
        self.reserve
    }

    /// Reserve workers that are asleep now and could take over.
    pub fn reserves_free(&self) -> usize {
        self.reserves_free
    }

    /// Stalls seen since the start: polls that burned CPU or blocked for longer than the slice.
    pub fn stalls(&self) -> u64 {
        self.counters.stalls
    }

    /// Stalls that are in progress now.
    pub fn stalls_in_progress(&self) -> usize {
        self.counters.in_progress
    }

    /// Stalls during which another worker stood in for the stalled one.
    ///
    /// The rest began while the reserve was exhausted, or on a current-thread runtime, where
    /// nobody else can take over.
    pub fn stalls_rescued(&self) -> u64 {
        self.counters.rescued
    }

    /// The longest stall so far, one in progress included; zero if there was none.
    ///
    /// A lower bound: the watchdog may have seen the poll for the first time up to one look after
    /// it began, and for the last time one look before it ended.
    pub fn longest_stall(&self) -> Duration {
        self.counters.longest
    }

    /// Polls that outlived the slice only because the kernel ran other threads meanwhile. They are
    /// not stalls, and nobody is blamed for them.
    pub fn descheduled(&self) -> u64 {
        self.counters.descheduled
    }

    /// How often more workers were held than there are reserves.
    pub fn exhausted(&self) -> u64 {
        self.counters.exhausted
    }

    /// Panics in the user's own runtime hooks, which Pulse caught.
    pub fn hook_panics(&self) -> u64 {
        self.counters.hook_panics
    }

    /// Looks that the watchdog has taken. It stands still while the runtime is idle.
    pub fn watchdog_looks(&self) -> u64 {
        self.counters.looks
    }

    /// One entry for each live thread that has worked for the runtime, reserve workers included.
    pub fn workers(&self) -> &[WorkerMetrics] {
        &self.threads
    }
}
