//! What is counted where it happens, some of it in a signal handler.

use std::array;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::Metrics;
use super::histogram::{BUCKETS, bucket};
use super::refusal::Refusal;

/// Each number has one writer, the thread that it is about.
#[derive(Debug)]
pub(crate) struct Counters {
    preemptions: AtomicU64,
    yields: AtomicU64,
    refusals: [AtomicU64; Refusal::ALL.len()],
    latencies: [AtomicU64; BUCKETS],
    deliveries: [AtomicU64; BUCKETS],
    switches: [AtomicU64; BUCKETS],
    resumes: [AtomicU64; BUCKETS],
}

impl Default for Counters {
    fn default() -> Self {
        fn zeros<const N: usize>() -> [AtomicU64; N] {
            array::from_fn(|_| AtomicU64::new(0))
        }
        Self {
            preemptions: AtomicU64::new(0),
            yields: AtomicU64::new(0),
            refusals: zeros(),
            latencies: zeros(),
            deliveries: zeros(),
            switches: zeros(),
            resumes: zeros(),
        }
    }
}

fn bump(counter: &AtomicU64) {
    counter.store(counter.load(Relaxed).wrapping_add(1), Relaxed);
}

impl Counters {
    /// A switch out of the handler, so long after the timer asked and after the signal came.
    pub(crate) fn preempted(&self, since_asked_ns: u64, since_signal_ns: u64) {
        bump(&self.preemptions);
        bump(&self.latencies[bucket(since_asked_ns)]);
        bump(&self.deliveries[bucket(since_asked_ns.saturating_sub(since_signal_ns))]);
        bump(&self.switches[bucket(since_signal_ns)]);
    }

    /// A switch at a safe point that the task came to itself.
    pub(crate) fn yielded(&self) {
        bump(&self.yields);
    }

    pub(crate) fn refused(&self, refusal: Refusal) {
        bump(&self.refusals[refusal as usize]);
    }

    pub(crate) fn resumed(&self, ns: u64) {
        bump(&self.resumes[bucket(ns)]);
    }

    pub(crate) fn add_to(&self, sum: &mut Metrics) {
        let add = |sums: &mut [u64], counters: &[AtomicU64]| {
            sums.iter_mut().zip(counters).for_each(|(sum, counter)| *sum += counter.load(Relaxed));
        };
        sum.preemptions += self.preemptions.load(Relaxed);
        sum.yields += self.yields.load(Relaxed);
        add(&mut sum.refusals, &self.refusals);
        add(&mut sum.latency.0, &self.latencies);
        add(&mut sum.delivery.0, &self.deliveries);
        add(&mut sum.switch.0, &self.switches);
        add(&mut sum.resume.0, &self.resumes);
    }
}
