//! Who is measured when.

use crate::Result;

/// Measures every variant once a round, one right after the other, and returns the samples of
/// each. Who goes first changes from round to round, and so does the direction, so that a machine
/// that warms up or slows down hits all alike.
pub(crate) fn interleave<V: Copy, T>(
    rounds: usize,
    variants: &[V],
    mut measure: impl FnMut(V) -> Result<T>,
) -> Result<Vec<Vec<T>>> {
    let mut samples: Vec<Vec<T>> = variants.iter().map(|_| Vec::with_capacity(rounds)).collect();
    for round in 0..rounds {
        for index in order(round, variants.len()) {
            samples[index].push(measure(variants[index])?);
        }
    }
    Ok(samples)
}

fn order(round: usize, variants: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..variants).collect();
    // Two rounds with the same first variant, one in each direction, then the next.
    order.rotate_left((round / 2) % variants.max(1));
    if round % 2 == 1 {
        order.reverse();
    }
    order
}

/// One number of each sample.
pub(crate) fn pick<T>(samples: &[T], of: impl Fn(&T) -> f64) -> Vec<f64> {
    samples.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_measured_once_a_round_and_takes_turns() {
        let mut seen = Vec::new();
        let samples = interleave(4, &['a', 'b'], |variant| {
            seen.push(variant);
            Ok(seen.len())
        })
        .unwrap();
        assert_eq!(seen.iter().collect::<String>(), "abbabaab");
        assert_eq!(samples, [vec![1, 4, 6, 7], vec![2, 3, 5, 8]]);
    }

    #[test]
    fn a_failure_ends_the_rounds() {
        let mut calls = 0;
        let result: Result<Vec<Vec<()>>> = interleave(3, &[0, 1], |_| {
            calls += 1;
            Err("no".into())
        });
        assert!(result.is_err());
        assert_eq!(calls, 1);
    }
}
