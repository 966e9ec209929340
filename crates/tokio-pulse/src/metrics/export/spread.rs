//! From counts in buckets to values to be recorded.
//!
//! The facade takes single values, and exporters sort them into buckets of their own. So each count
//! is told as that many times one value from within its bucket, and the place within is the same in
//! all buckets: the one with which the values add up to what was really measured. Where the exporter
//! has the same bounds, buckets and sum come out exact, and with them averages.

use crate::metrics::Histogram;

/// Values come after the bucket's lower bound, which belongs to the bucket before.
const LEAST: f64 = 1e-9;

/// Of new observations: a value, in seconds, and how many times it is to be recorded.
pub(super) fn spread(new: &Histogram) -> Vec<(f64, u64)> {
    let buckets: Vec<_> =
        new.buckets().iter().zip(ranges()).filter(|(count, _)| **count > 0).collect();
    let total = |bound: fn(&(f64, f64)) -> f64| {
        buckets.iter().map(|(count, range)| **count as f64 * bound(range)).sum::<f64>()
    };
    let width = total(|(low, high)| high - low);
    // Between the words of a histogram that is being written to, it may be a little out of range.
    let place = ((new.sum().as_secs_f64() - total(|(low, _)| *low)) / width).clamp(LEAST, 1.0);
    let value = |(low, high): (f64, f64)| (low + place * (high - low)).min(high);
    buckets.iter().map(|(count, range)| (value(*range), **count)).collect()
}

/// From where to where each bucket goes. The last one has no end: twice its beginning will do.
fn ranges() -> impl Iterator<Item = (f64, f64)> {
    let bounds = Histogram::bounds().map(|bound| bound.as_secs_f64());
    let last = bounds[bounds.len() - 1];
    let lows = std::iter::once(0.0).chain(bounds);
    lows.zip(bounds.into_iter().chain([2.0 * last]))
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::metrics::histogram::Recorder;

    fn sorted(values: &[(f64, u64)]) -> Vec<u64> {
        let mut buckets = vec![0; Histogram::bounds().len() + 1];
        for (value, count) in values {
            let fits = |bound: &Duration| *value <= bound.as_secs_f64();
            let index = Histogram::bounds().iter().position(fits);
            buckets[index.unwrap_or(Histogram::bounds().len())] += count;
        }
        buckets
    }

    proptest! {
        #[test]
        fn an_exporter_with_the_same_bounds_has_the_same_buckets_and_sum(
            times in prop::collection::vec(1..60_000_000_000u64, 0..100),
        ) {
            let recorder = Recorder::default();
            times.iter().for_each(|&nanos| recorder.record(Duration::from_nanos(nanos)));
            let histogram = recorder.snapshot();
            let values = spread(&histogram);
            prop_assert_eq!(sorted(&values), histogram.buckets());
            let sum: f64 = values.iter().map(|(value, count)| value * *count as f64).sum();
            let exact = histogram.sum().as_secs_f64();
            prop_assert!((sum - exact).abs() <= 1e-6 * exact + 1e-12, "{sum} instead of {exact}");
        }
    }

    #[test]
    fn bounds_and_what_is_beyond_them_stay_in_their_buckets() {
        let recorder = Recorder::default();
        Histogram::bounds().into_iter().for_each(|bound| recorder.record(bound));
        recorder.record(Duration::from_secs(100_000));
        let histogram = recorder.snapshot();
        assert_eq!(sorted(&spread(&histogram)), histogram.buckets());
    }
}
