//! How long things took: counts in buckets whose bounds double.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Bounds of 1, 2, 4, ... microseconds, up to 67 s.
const BOUNDED: usize = 27;
/// And one for all that takes longer.
const BUCKETS: usize = BOUNDED + 1;

const NANOS_PER_MICRO: u64 = 1_000;

/// Durations as they come, told by one writer at a time, or by many.
///
/// Readers see each word as it is; a reading while somebody writes may miss the latest duration in
/// one word and have it in another.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    buckets: [AtomicU64; BUCKETS],
    nanos: AtomicU64,
}

impl Recorder {
    /// For a histogram with one writer at a time: two loads and two stores.
    #[inline]
    pub(crate) fn record(&self, time: Duration) {
        self.record_nanos(nanos(time));
    }

    /// The same, for a time in nanoseconds.
    #[inline]
    pub(crate) fn record_nanos(&self, nanos: u64) {
        bump(&self.buckets[bucket_of(nanos)], 1);
        bump(&self.nanos, nanos);
    }

    /// For a histogram that many threads write.
    #[inline]
    pub(crate) fn record_shared(&self, time: Duration) {
        let nanos = nanos(time);
        self.buckets[bucket_of(nanos)].fetch_add(1, Relaxed);
        self.nanos.fetch_add(nanos, Relaxed);
    }

    /// For whoever has it from another, who is gone.
    #[allow(dead_code, reason = "for the feature `poll-times`")]
    pub(crate) fn clear(&self) {
        self.buckets.iter().for_each(|bucket| bucket.store(0, Relaxed));
        self.nanos.store(0, Relaxed);
    }

    pub(crate) fn snapshot(&self) -> Histogram {
        Histogram {
            buckets: self.buckets.each_ref().map(|bucket| bucket.load(Relaxed)),
            nanos: self.nanos.load(Relaxed),
        }
    }
}

fn bump(word: &AtomicU64, by: u64) {
    word.store(word.load(Relaxed).wrapping_add(by), Relaxed);
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// The first bucket whose bound is not exceeded.
#[inline]
fn bucket_of(nanos: u64) -> usize {
    let micros_begun = nanos.saturating_sub(1) / NANOS_PER_MICRO;
    let bits = u64::BITS - micros_begun.leading_zeros();
    (bits as usize).min(BOUNDED)
}

/// How often something took how long.
///
/// ```
/// let runtime = tokio_pulse::Builder::new_multi_thread().worker_threads(1).build()?;
/// let metrics = runtime.handle().preemption_metrics();
/// assert_eq!(metrics.stall_time().count(), 0);
/// assert_eq!(metrics.stall_time().quantile(0.99), None);
/// # Ok::<(), tokio_pulse::BuildError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    buckets: [u64; BUCKETS],
    nanos: u64,
}

impl Histogram {
    /// The inclusive upper bounds of all buckets but the last, which has none.
    pub fn bounds() -> [Duration; BOUNDED] {
        std::array::from_fn(|index| Duration::from_micros(1 << index))
    }

    /// How often it happened.
    pub fn count(&self) -> u64 {
        self.buckets.iter().fold(0, |sum, bucket| sum.wrapping_add(*bucket))
    }

    /// How long it took, all together.
    pub fn sum(&self) -> Duration {
        Duration::from_nanos(self.nanos)
    }

    /// What each bucket holds; one more than there are [`bounds`](Self::bounds).
    pub fn buckets(&self) -> &[u64] {
        &self.buckets
    }

    /// A time that the share `q` of all did not exceed: the bound of a bucket, up to twice the true
    /// value. `None` when there are none. `q` is taken as 0 below and as 1 above these.
    ///
    /// Times above the last bound, 67 s, are told as that.
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        let count = self.count();
        // Not a number: as 0.
        let rank = ((q.clamp(0.0, 1.0) * count as f64).ceil() as u64).clamp(1, count.max(1));
        let mut seen = 0;
        let reached = self.buckets.iter().position(|bucket| {
            seen += bucket;
            seen >= rank
        })?;
        Some(Self::bounds()[reached.min(BOUNDED - 1)])
    }

    /// What has come since an earlier reading of the same histogram.
    pub fn since(&self, earlier: &Self) -> Self {
        let new = |index: usize| self.buckets[index].saturating_sub(earlier.buckets[index]);
        Self { buckets: std::array::from_fn(new), nanos: self.nanos.saturating_sub(earlier.nanos) }
    }

    /// Both together.
    pub(crate) fn plus(&self, other: &Self) -> Self {
        let both = |index: usize| self.buckets[index].wrapping_add(other.buckets[index]);
        Self { buckets: std::array::from_fn(both), nanos: self.nanos.wrapping_add(other.nanos) }
    }
}

#[cfg(all(test, not(pulse_loom)))]
#[path = "histogram_tests.rs"]
mod tests;
