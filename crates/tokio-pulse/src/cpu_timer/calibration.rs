//! What a reading costs by itself: two words, shared by the process.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::reading::Reading;

/// An odd number, so that one of them is in the middle. Enough that interrupts, which a few of them
/// meet, do not move the median.
const PAIRS: usize = 255;

/// See the module above.
const MAX_AGE: Duration = Duration::from_secs(60);

const UNKNOWN: u32 = u32::MAX;

static SHARED: Calibration = Calibration::new();

/// The cost of one reading. The first call measures it.
#[inline]
pub(super) fn overhead() -> Duration {
    SHARED.overhead().unwrap_or_else(recalibrate)
}

/// Measures it now.
#[cold]
pub(super) fn recalibrate() -> Duration {
    SHARED.set(measure(), age_of_process())
}

/// Measures it if that was done before, and long ago. For threads that have time.
pub(crate) fn recalibrate_if_stale() {
    if SHARED.claim_if_stale(age_of_process()) {
        recalibrate();
    }
}

/// Since the first that asked.
fn age_of_process() -> Duration {
    static BEGAN: OnceLock<Instant> = OnceLock::new();
    BEGAN.get_or_init(Instant::now).elapsed()
}

/// The median of the differences between two readings with nothing in between.
fn measure() -> Duration {
    let mut pairs = [Duration::ZERO; PAIRS];
    for pair in &mut pairs {
        *pair = Reading::now().elapsed();
    }
    pairs.sort_unstable();
    pairs[PAIRS / 2]
}

/// Relaxed throughout: each word has a meaning of its own, and the last of two who measure at the
/// same time is as good as the other.
#[derive(Debug)]
struct Calibration {
    /// Nanoseconds, or `UNKNOWN`.
    overhead: AtomicU32,
    /// Seconds from the start of the process.
    measured: AtomicU32,
}

impl Calibration {
    const fn new() -> Self {
        Self { overhead: AtomicU32::new(UNKNOWN), measured: AtomicU32::new(0) }
    }

    #[inline]
    fn overhead(&self) -> Option<Duration> {
        let overhead = self.overhead.load(Relaxed);
        (overhead != UNKNOWN).then(|| Duration::from_nanos(overhead.into()))
    }

    /// Returns what is known from now on.
    fn set(&self, overhead: Duration, now: Duration) -> Duration {
        let nanos = u32::try_from(overhead.as_nanos()).unwrap_or(UNKNOWN).min(UNKNOWN - 1);
        self.measured.store(seconds(now), Relaxed);
        self.overhead.store(nanos, Relaxed);
        Duration::from_nanos(nanos.into())
    }

    /// Whether the caller is to measure: the last time is too long ago, and nobody else was told so.
    fn claim_if_stale(&self, now: Duration) -> bool {
        let measured = self.measured.load(Relaxed);
        self.overhead().is_some()
            && seconds(now).saturating_sub(measured) >= seconds(MAX_AGE)
            && self.measured.compare_exchange(measured, seconds(now), Relaxed, Relaxed).is_ok()
    }
}

/// Enough for 136 years.
fn seconds(time: Duration) -> u32 {
    u32::try_from(time.as_secs()).unwrap_or(u32::MAX)
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn what_nobody_has_used_is_never_stale() {
        let calibration = Calibration::new();
        assert_eq!(calibration.overhead(), None);
        assert!(!calibration.claim_if_stale(at(1_000)));
    }

    #[test]
    fn it_is_stale_after_a_minute_and_one_is_told() {
        let calibration = Calibration::new();
        calibration.set(Duration::from_nanos(180), at(100));
        assert!(!calibration.claim_if_stale(at(159)));
        assert!(calibration.claim_if_stale(at(160)));
        assert!(!calibration.claim_if_stale(at(160)));
        assert_eq!(calibration.overhead(), Some(Duration::from_nanos(180)));
        assert!(calibration.claim_if_stale(at(220)));
    }

    #[test]
    fn a_clock_that_costs_seconds_is_known_all_the_same() {
        let calibration = Calibration::new();
        let most = Duration::from_nanos(u64::from(UNKNOWN) - 1);
        assert_eq!(calibration.set(at(3_600), at(0)), most);
        assert_eq!(calibration.overhead(), Some(most));
        assert_eq!(calibration.set(Duration::ZERO, at(0)), Duration::ZERO);
        assert_eq!(calibration.overhead(), Some(Duration::ZERO));
    }

    #[test]
    fn the_first_who_asks_measures_for_all() {
        let known = overhead();
        assert!(known < at(1), "{known:?}");
        assert!(SHARED.overhead().is_some());
        recalibrate_if_stale();
    }
}
