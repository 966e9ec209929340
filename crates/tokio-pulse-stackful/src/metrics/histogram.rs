//! Times in buckets.

use std::time::Duration;

/// Four to an octave of nanoseconds.
pub(super) const BUCKETS: usize = 160;

/// How often a time fell into which of many buckets, four to an octave.
#[derive(Clone, Debug)]
pub struct Histogram(pub(super) [u64; BUCKETS]);

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

pub(super) fn bucket(ns: u64) -> usize {
    let ns = ns.max(4);
    let octave = ns.ilog2() as usize;
    let quarter = (ns >> (octave - 2)) as usize & 3;
    (octave * 4 + quarter).min(BUCKETS - 1)
}

fn upper_end(bucket: usize) -> u64 {
    let (octave, quarter) = (bucket / 4, bucket as u64 % 4);
    ((4 + quarter + 1) << octave) / 4
}

#[cfg(all(test, not(pulse_loom)))]
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
}
