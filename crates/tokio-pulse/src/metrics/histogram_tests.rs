//! Buckets, bounds and what is read from them.

use proptest::prelude::*;

use super::*;

fn of(times: impl IntoIterator<Item = u64>) -> Histogram {
    let recorder = Recorder::default();
    times.into_iter().for_each(|nanos| recorder.record(Duration::from_nanos(nanos)));
    recorder.snapshot()
}

#[test]
fn a_bound_belongs_to_its_bucket_and_what_follows_to_the_next() {
    for (index, bound) in Histogram::bounds().into_iter().enumerate() {
        let bound = bound.as_nanos() as u64;
        assert_eq!(bucket_of(bound), index);
        assert_eq!(bucket_of(bound + 1), index + 1);
    }
    assert_eq!(bucket_of(0), 0);
    assert_eq!(bucket_of(u64::MAX), BOUNDED);
}

#[test]
fn nothing_has_no_quantile() {
    assert_eq!(of([]).quantile(0.5), None);
    assert_eq!(of([]).count(), 0);
}

#[test]
fn one_that_takes_for_ever_is_told_as_the_last_bound() {
    assert_eq!(of([u64::MAX]).quantile(1.0), Histogram::bounds().last().copied());
}

#[test]
fn many_writers_lose_nothing() {
    let recorder = Recorder::default();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope
                .spawn(|| (0..1_000).for_each(|n| recorder.record_shared(Duration::from_nanos(n))));
        }
    });
    let histogram = recorder.snapshot();
    assert_eq!(histogram.count(), 4_000);
    assert_eq!(histogram.sum(), Duration::from_nanos(4 * 999 * 1_000 / 2));
}

proptest! {
    #[test]
    fn a_quantile_is_an_upper_bound_within_a_factor_of_two(
        mut times in prop::collection::vec(1_000..60_000_000_000u64, 1..200),
        q in 0.0..=1.0f64,
    ) {
        let histogram = of(times.iter().copied());
        times.sort_unstable();
        let rank = ((q * times.len() as f64).ceil() as usize).clamp(1, times.len());
        let exact = times[rank - 1];
        let told = histogram.quantile(q).unwrap().as_nanos() as u64;
        prop_assert!(exact <= told && told < 2 * exact.max(1_000), "{exact} told as {told}");
        prop_assert_eq!(histogram.sum(), Duration::from_nanos(times.iter().sum()));
    }

    #[test]
    fn what_came_since_is_what_came_since(
        before in prop::collection::vec(any::<u32>(), 0..50),
        after in prop::collection::vec(any::<u32>(), 0..50),
    ) {
        let wide = |times: &[u32]| times.iter().map(|&t| u64::from(t)).collect::<Vec<_>>();
        let (first, both) = (of(wide(&before)), of([wide(&before), wide(&after)].concat()));
        prop_assert_eq!(both.since(&first), of(wide(&after)));
        prop_assert_eq!(first.plus(&of(wide(&after))), both);
    }
}
