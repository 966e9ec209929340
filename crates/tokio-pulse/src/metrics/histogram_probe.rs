//! A histogram as the benchmarks reach it. No public API: it may change at any time.

use std::time::Duration;

use super::histogram::{Histogram, Recorder};

/// A histogram to write to.
#[derive(Debug, Default)]
pub struct HistogramProbe(Recorder);

impl HistogramProbe {
    /// As its one writer.
    #[inline]
    pub fn record(&self, time: Duration) {
        self.0.record(time);
    }

    /// As one of many writers.
    #[inline]
    pub fn record_shared(&self, time: Duration) {
        self.0.record_shared(time);
    }

    /// What was written.
    pub fn snapshot(&self) -> Histogram {
        self.0.snapshot()
    }
}
