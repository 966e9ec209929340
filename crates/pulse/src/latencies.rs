//! A latency histogram with the few questions the command asks of it.

use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

/// The longest latency told apart from longer ones; far above any request timeout.
const CEILING: Duration = Duration::from_secs(600);
/// Three digits: an error of 0.1 % at most.
const DIGITS: u8 = 3;

/// Latencies from 1 us to 10 minutes, with three digits.
#[derive(Clone, Debug)]
pub struct Latencies {
    micros: Histogram<u64>,
}

/// The percentiles that are printed, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// How many latencies there are.
    pub count: u64,
    /// The median.
    pub p50_ms: f64,
    /// 9 in 10 are not longer.
    pub p90_ms: f64,
    /// 99 in 100 are not longer.
    pub p99_ms: f64,
    /// 999 in 1,000 are not longer.
    pub p999_ms: f64,
    /// The longest.
    pub max_ms: f64,
}

impl Default for Latencies {
    fn default() -> Self {
        Self::new()
    }
}

impl Latencies {
    /// An empty histogram.
    pub fn new() -> Self {
        let micros = Histogram::new_with_bounds(1, micros(CEILING), DIGITS)
            .expect("constant bounds which the histogram accepts");
        Self { micros }
    }

    /// Adds one latency; those above the ceiling count as the ceiling.
    pub fn record(&mut self, latency: Duration) {
        self.micros.saturating_record(micros(latency));
    }

    /// Adds all of another histogram.
    pub fn merge(&mut self, other: &Self) {
        for (value, count) in other.buckets() {
            self.micros.saturating_record_n(value, count);
        }
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.micros.is_empty()
    }

    /// The latency that a share of `percentile` per cent does not exceed; zero when empty.
    pub fn percentile(&self, percentile: f64) -> Duration {
        if self.is_empty() {
            return Duration::ZERO;
        }
        // The bucket's upper end may lie above the largest latency seen.
        let value = self.micros.value_at_percentile(percentile).min(self.micros.max());
        Duration::from_micros(value)
    }

    /// The share of those that are not longer; 1 when empty.
    pub fn share_within(&self, limit: Duration) -> f64 {
        if self.is_empty() {
            return 1.0;
        }
        let within = self.micros.count_between(0, micros(limit));
        within as f64 / self.micros.len() as f64
    }

    /// The percentiles that are printed.
    pub fn summary(&self) -> Summary {
        let ms = |percentile| self.percentile(percentile).as_secs_f64() * 1e3;
        Summary {
            count: self.micros.len(),
            p50_ms: ms(50.0),
            p90_ms: ms(90.0),
            p99_ms: ms(99.0),
            p999_ms: ms(99.9),
            max_ms: ms(100.0),
        }
    }

    /// Each bucket that is not empty: its value in microseconds and its count.
    ///
    /// This is how a histogram travels from one process to the other.
    pub fn buckets(&self) -> Vec<(u64, u64)> {
        self.micros
            .iter_recorded()
            .map(|it| (it.value_iterated_to(), it.count_at_value()))
            .collect()
    }

    /// The histogram with these [`buckets`](Self::buckets).
    pub fn from_buckets(buckets: &[(u64, u64)]) -> Self {
        let mut all = Self::new();
        for &(value, count) in buckets {
            all.micros.saturating_record_n(value, count);
        }
        all
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_to(n: u64) -> Latencies {
        let mut all = Latencies::new();
        (1..=n).for_each(|ms| all.record(Duration::from_millis(ms)));
        all
    }

    #[test]
    fn the_summary_has_the_percentiles_within_three_digits() {
        let summary = one_to(1000).summary();
        assert_eq!(summary.count, 1000);
        for (seen, wanted) in [
            (summary.p50_ms, 500.0),
            (summary.p90_ms, 900.0),
            (summary.p99_ms, 990.0),
            (summary.p999_ms, 999.0),
            (summary.max_ms, 1000.0),
        ] {
            assert!((seen / wanted - 1.0).abs() < 2e-3, "{seen} is not {wanted}");
        }
    }

    #[test]
    fn nothing_recorded_is_zero() {
        assert_eq!(Latencies::new().summary(), Summary::default());
    }

    #[test]
    fn what_travels_as_buckets_arrives_the_same() {
        let all = one_to(777);
        assert_eq!(Latencies::from_buckets(&all.buckets()).summary(), all.summary());
    }

    #[test]
    fn merging_adds_the_counts() {
        let mut all = one_to(10);
        all.merge(&one_to(1000));
        assert_eq!(all.summary().count, 1010);
    }

    #[test]
    fn extremes_are_kept_within_the_bounds() {
        let mut all = Latencies::new();
        all.record(Duration::ZERO);
        all.record(Duration::MAX);
        assert_eq!(all.summary().count, 2);
    }
}
