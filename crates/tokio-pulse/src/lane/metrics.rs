//! What happened on a lane, as users read it.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio_pulse_sys::IsolationKind;

use super::scheduler::Lane;

/// What happened on the lane so far: what [`DedicatedThreadScheduler::metrics`] returns.
///
/// A poll is counted by its thread after it has ended, and so a moment after the task's handle may
/// have become ready.
///
/// [`DedicatedThreadScheduler::metrics`]: super::DedicatedThreadScheduler::metrics
#[derive(Clone, Debug)]
pub struct LaneMetrics {
    threads: usize,
    target: usize,
    queued: usize,
    bound: usize,
    running: u64,
    admitted: u64,
    refused: u64,
    returned: u64,
    completed: u64,
    panicked: u64,
    start_failures: u64,
    polls: u64,
    cpu: Duration,
    isolation: Option<Result<IsolationKind, String>>,
}

impl LaneMetrics {
    pub(crate) fn of(lane: &Lane) -> Self {
        let (threads, target) = lane.threads();
        let counters = &lane.counters;
        Self {
            threads,
            target,
            queued: lane.queued(),
            bound: lane.bound(),
            running: counters.running.load(Relaxed),
            admitted: counters.admissions.load(Relaxed),
            refused: counters.refusals.load(Relaxed),
            returned: counters.returns.load(Relaxed),
            completed: counters.completions.load(Relaxed),
            panicked: counters.panics.load(Relaxed),
            start_failures: counters.start_failures.load(Relaxed),
            polls: counters.polls.load(Relaxed),
            cpu: Duration::from_nanos(counters.cpu_nanos.load(Relaxed)),
            isolation: lane.isolation(),
        }
    }

    /// Threads that serve now, the sleeping ones included.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// As many threads as there may be at the present pressure.
    pub fn target_threads(&self) -> usize {
        self.target
    }

    /// Tasks that wait for a thread.
    pub fn queued(&self) -> usize {
        self.queued
    }

    /// As many as may wait before one more is run in place.
    pub fn queue_bound(&self) -> usize {
        self.bound
    }

    /// Tasks whose poll runs on the lane now.
    pub fn running(&self) -> u64 {
        self.running
    }

    /// Times that a task came to the lane.
    pub fn admitted(&self) -> u64 {
        self.admitted
    }

    /// Times that a task was run in place because the lane was full.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Times that a task went back to the workers.
    pub fn returned(&self) -> u64 {
        self.returned
    }

    /// Tasks that came to their end on the lane.
    pub fn completed(&self) -> u64 {
        self.completed
    }

    /// Tasks that panicked on the lane. Their handles say so, as always.
    pub fn panicked(&self) -> u64 {
        self.panicked
    }

    /// Times that the system refused a thread. If there was none at all, the tasks were run in place.
    pub fn thread_start_failures(&self) -> u64 {
        self.start_failures
    }

    /// Polls on the lane.
    pub fn polls(&self) -> u64 {
        self.polls
    }

    /// What holds the threads of the isolated lane to their quota, or why nothing does: then they run
    /// on, and only step back. `None`: no thread has asked for it yet.
    pub fn isolation(&self) -> Option<Result<IsolationKind, &str>> {
        self.isolation.as_ref().map(|kind| kind.as_ref().map_err(String::as_str).copied())
    }

    /// Their CPU time; where the system does not tell, the time that they took.
    pub fn cpu_time(&self) -> Duration {
        self.cpu
    }
}
