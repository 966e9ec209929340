//! Medians, quartiles, and how far a median can be trusted.

use serde::{Deserialize, Serialize};

/// How sure the interval around the median is: 95 %.
const RISK: f64 = 0.05;

/// What many rounds say about one figure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    /// The lower quartile.
    pub(crate) q1: f64,
    /// The upper quartile.
    pub(crate) q3: f64,
    /// The true median lies between `low` and `high` with 95 % confidence, whatever the
    /// distribution. With fewer than 6 rounds nothing narrower than all of them can say so.
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) rounds: usize,
}

impl Spread {
    /// Of at least one sample; an empty slice is a bug of the caller.
    pub(crate) fn of(samples: &[f64]) -> Self {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let margin = outside_interval(sorted.len());
        Self {
            median: quantile(&sorted, 0.5),
            q1: quantile(&sorted, 0.25),
            q3: quantile(&sorted, 0.75),
            low: sorted[margin],
            high: sorted[sorted.len() - 1 - margin],
            rounds: sorted.len(),
        }
    }

    /// The interquartile range as a part of the median.
    pub(crate) fn relative_range(&self) -> f64 {
        (self.q3 - self.q1) / self.median.abs()
    }
}

/// Linear between the neighbours.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let below = place.floor() as usize;
    let above = place.ceil() as usize;
    sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64)
}

pub(crate) fn median(samples: &[f64]) -> f64 {
    Spread::of(samples).median
}

/// How many samples may be left out at each end: each lies above the median as often as below it,
/// so the number of those below is binomial.
fn outside_interval(rounds: usize) -> usize {
    let mut chance = 0.5_f64.powi(i32::try_from(rounds).unwrap_or(i32::MAX));
    let mut sum = 0.0;
    for below in 0..rounds {
        sum += chance;
        if 2.0 * sum > RISK {
            return below.saturating_sub(1).min(rounds.saturating_sub(1) / 2);
        }
        chance *= (rounds - below) as f64 / (below + 1) as f64;
    }
    0
}

/// Round by round, because the two sides of a round share the machine's mood.
pub(crate) fn ratios(of: &[f64], to: &[f64]) -> Vec<f64> {
    of.iter().zip(to).map(|(a, b)| a / b).collect()
}

pub(crate) fn differences(of: &[f64], from: &[f64]) -> Vec<f64> {
    of.iter().zip(from).map(|(a, b)| a - b).collect()
}

/// The geometric mean of each round over all series.
pub(crate) fn geometric_means(series: &[Vec<f64>]) -> Vec<f64> {
    let rounds = series.iter().map(Vec::len).min().unwrap_or(0);
    let mean = |round: usize| {
        let logs: f64 = series.iter().map(|samples| samples[round].ln()).sum();
        (logs / series.len() as f64).exp()
    };
    (0..rounds).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_lie_between_their_neighbours() {
        let spread = Spread::of(&[4.0, 1.0, 3.0, 2.0]);
        assert_eq!((spread.q1, spread.median, spread.q3), (1.75, 2.5, 3.25));
        assert!((spread.relative_range() - 0.6).abs() < 1e-12);
        assert_eq!(spread.rounds, 4);
    }

    #[test]
    fn one_sample_is_its_own_spread() {
        let spread = Spread::of(&[7.0]);
        assert_eq!([spread.q1, spread.median, spread.q3, spread.low, spread.high], [7.0; 5]);
    }

    #[test]
    fn the_interval_leaves_out_what_the_tables_say() {
        // Sign-test tables: 95 % confidence, samples left out at each end.
        for (rounds, left_out) in [(5, 0), (6, 0), (7, 0), (9, 1), (15, 3), (21, 5), (31, 9)] {
            assert_eq!(outside_interval(rounds), left_out, "{rounds} rounds");
        }
        let samples: Vec<f64> = (0..21).map(f64::from).collect();
        let spread = Spread::of(&samples);
        assert_eq!((spread.low, spread.high), (5.0, 15.0));
    }

    #[test]
    fn the_geometric_mean_goes_round_by_round() {
        let means = geometric_means(&[vec![2.0, 1.0], vec![8.0, 1.0]]);
        assert!((means[0] - 4.0).abs() < 1e-12 && (means[1] - 1.0).abs() < 1e-12);
    }

    #[test]
    fn pairs_keep_their_round() {
        assert_eq!(ratios(&[2.0, 9.0], &[1.0, 3.0]), [2.0, 3.0]);
        assert_eq!(differences(&[2.0, 9.0], &[1.0, 3.0]), [1.0, 6.0]);
    }
}
