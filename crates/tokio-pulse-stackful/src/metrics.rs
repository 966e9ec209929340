//! What preemption did, counted where it happens and copied from there.

use std::array;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Why an interrupted poll was let go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// The signal came too late: another poll was running, or none.
    Late,
    /// The runtime's own code was running.
    Runtime,
    /// A [`NoPreempt`](crate::NoPreempt) guard, the allocator or a lock.
    Guarded,
    /// Outside of a marked region, with [`Coverage::Marked`](crate::Coverage::Marked).
    Unmarked,
    /// A panic was unwinding.
    Panicking,
    /// Signals were blocked: inside of another handler, or by the task itself.
    Mask,
    /// On a stack that is not the task's.
    ForeignStack,
    /// Too little of the stack was left to work on.
    StackLow,
    /// The instruction was in the C library, the standard library, a lock, or code that is not Rust.
    Code,
    /// A caller was.
    Caller,
    /// The call chain could not be followed.
    Unwinding,
    /// The call chain was too long to look at.
    Deep,
}

impl Refusal {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Late,
        Self::Runtime,
        Self::Guarded,
        Self::Unmarked,
        Self::Panicking,
        Self::Mask,
        Self::ForeignStack,
        Self::StackLow,
        Self::Code,
        Self::Caller,
        Self::Unwinding,
        Self::Deep,
    ];
}

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

/// Four to an octave of nanoseconds.
const BUCKETS: usize = 160;

/// Each number has one writer, the thread that it is about.
#[derive(Debug)]
pub(crate) struct Counters {
    preemptions: AtomicU64,
    yields: AtomicU64,
    refusals: [AtomicU64; Refusal::ALL.len()],
    latencies: [AtomicU64; BUCKETS],
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
        add(&mut sum.switch.0, &self.switches);
        add(&mut sum.resume.0, &self.resumes);
    }
}

/// What preemption did so far, on one thread or on all workers of a runtime.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    preemptions: u64,
    yields: u64,
    refusals: [u64; Refusal::ALL.len()],
    latency: Histogram,
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

/// How often a time fell into which of many buckets, four to an octave.
#[derive(Clone, Debug)]
pub struct Histogram([u64; BUCKETS]);

impl Default for Histogram {
    fn default() -> Self {
        Self([0; BUCKETS])
    }
}

impl Histogram {
    /// How many times were recorded.
    pub fn count(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The upper end of the bucket that this share of all times does not exceed; `None` without
    /// any. A share outside of 0 to 1 is taken for the nearer of the two.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let wanted = (self.count() as f64 * share.clamp(0.0, 1.0)).ceil().max(1.0) as u64;
        let mut seen = 0;
        let index = self.0.iter().position(|count| {
            seen += count;
            seen >= wanted
        })?;
        Some(Duration::from_nanos(upper_end(index)))
    }
}

fn bucket(ns: u64) -> usize {
    let ns = ns.max(4);
    let octave = ns.ilog2() as usize;
    let quarter = (ns >> (octave - 2)) as usize & 3;
    (octave * 4 + quarter).min(BUCKETS - 1)
}

fn upper_end(bucket: usize) -> u64 {
    let (octave, quarter) = (bucket / 4, bucket as u64 % 4);
    ((4 + quarter + 1) << octave) / 4
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_lies_in_its_bucket() {
        for ns in [4, 5, 7, 8, 100, 999, 1_000, 25_000, 1_000_000_000] {
            let index = bucket(ns);
            assert!(ns < upper_end(index) && ns >= upper_end(index - 1), "{ns}");
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn quantiles_are_upper_ends() {
        let counters = Counters::default();
        (1..=100).for_each(|n| counters.preempted(n * 1_000, 10));
        let mut sum = Metrics::default();
        counters.add_to(&mut sum);
        assert_eq!(Histogram::default().quantile(0.5), None);
        let median = sum.latency().quantile(0.5).unwrap().as_nanos();
        assert!((50_000..65_000).contains(&median), "{median}");
        assert_eq!((sum.preemptions(), sum.latency().count()), (100, 100));
    }

    #[test]
    fn reasons_are_numbered_as_listed() {
        for (index, reason) in Refusal::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, index);
        }
    }
}
