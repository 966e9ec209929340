//! When requests leave: independent Poisson processes, merged, from one seed.

use std::time::Duration;

use rand::{SeedableRng as _, rngs::Xoshiro256PlusPlus};
use rand_distr::{Distribution as _, Exp};

/// One request's place in the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When it leaves, counted from the start of the load.
    pub at: Duration,
    /// Which of the rates it belongs to.
    pub class: usize,
}

/// The schedule: an iterator over [`Arrival`]s in the order of time, which ends.
///
/// The same rates and seed give the same schedule, on every machine.
#[derive(Debug)]
pub struct Arrivals {
    streams: Vec<Stream>,
    end: Duration,
}

#[derive(Debug)]
struct Stream {
    next: Duration,
    gap: Option<Exp<f64>>,
    rng: Xoshiro256PlusPlus,
}

impl Stream {
    fn advance(&mut self) {
        let gap = self.gap.map(|gap| gap.sample(&mut self.rng));
        // No rate, no arrival: the stream lies beyond any end.
        self.next = gap
            .and_then(|gap| Duration::try_from_secs_f64(gap).ok())
            .and_then(|gap| self.next.checked_add(gap))
            .unwrap_or(Duration::MAX);
    }
}

impl Arrivals {
    /// Arrivals before `end`, with so many per second on average in each class.
    ///
    /// A class whose rate is not a positive number has no arrivals.
    pub fn new(per_second: &[f64], seed: u64, end: Duration) -> Self {
        let streams = (0u64..)
            .zip(per_second)
            .map(|(class, &rate)| {
                let gap = (rate > 0.0).then(|| Exp::new(rate).ok()).flatten();
                // A class keeps its schedule when the rate of another one changes.
                let rng = Xoshiro256PlusPlus::seed_from_u64(seed ^ class.rotate_right(8));
                let mut stream = Stream { next: Duration::ZERO, gap, rng };
                stream.advance();
                stream
            })
            .collect();
        Self { streams, end }
    }
}

impl Iterator for Arrivals {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let (class, stream) =
            self.streams.iter_mut().enumerate().min_by_key(|(_, stream)| stream.next)?;
        if stream.next >= self.end {
            return None;
        }
        let at = stream.next;
        stream.advance();
        Some(Arrival { at, class })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn the_same_seed_gives_the_same_schedule_and_another_another() {
        let draw = |seed| Arrivals::new(&[50.0, 5.0], seed, MINUTE).collect::<Vec<_>>();
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn arrivals_are_in_order_and_before_the_end() {
        let all: Vec<_> = Arrivals::new(&[100.0, 30.0, 7.0], 3, MINUTE).collect();
        assert!(all.is_sorted_by_key(|arrival| arrival.at));
        assert!(all.iter().all(|arrival| arrival.at < MINUTE));
    }

    #[test]
    fn the_mean_rate_is_the_one_asked_for() {
        let all: Vec<_> = Arrivals::new(&[200.0, 20.0], 4, MINUTE).collect();
        for (class, expected) in [(0, 12_000.0), (1, 1_200.0)] {
            let seen = all.iter().filter(|arrival| arrival.class == class).count() as f64;
            // Five standard deviations of a Poisson count.
            assert!((seen - expected).abs() < 5.0 * f64::sqrt(expected), "{class}: {seen}");
        }
    }

    #[test]
    fn gaps_are_exponential_and_not_regular() {
        let all: Vec<_> = Arrivals::new(&[100.0], 5, MINUTE).collect();
        let gaps: Vec<f64> =
            all.windows(2).map(|pair| (pair[1].at - pair[0].at).as_secs_f64()).collect();
        // Of an exponential distribution, 1 - 1/e lies below the mean.
        let below = gaps.iter().filter(|gap| **gap < 0.01).count() as f64 / gaps.len() as f64;
        assert!((below - 0.632).abs() < 0.03, "{below}");
    }

    #[test]
    fn a_rate_that_is_no_rate_has_no_arrivals() {
        assert_eq!(Arrivals::new(&[0.0, -1.0, f64::NAN], 6, MINUTE).count(), 0);
        assert_eq!(Arrivals::new(&[], 6, MINUTE).count(), 0);
    }

    #[test]
    fn a_class_keeps_its_schedule_when_another_changes() {
        let first = |other| {
            Arrivals::new(&[10.0, other], 7, MINUTE)
                .filter(|arrival| arrival.class == 0)
                .collect::<Vec<_>>()
        };
        assert_eq!(first(0.0), first(99.0));
    }
}
