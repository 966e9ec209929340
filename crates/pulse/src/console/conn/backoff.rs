//! How long to wait before the next attempt.

use std::time::Duration;

/// A service that restarts is back in about this time.
const FIRST: Duration = Duration::from_millis(500);
/// Longer than this nobody wants to wait who has just started a service again.
const LONGEST: Duration = Duration::from_secs(10);

/// Doubles with each attempt that fails.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    attempt: u32,
}

impl Backoff {
    /// The attempts that have failed since the last that did not.
    pub(super) fn attempt(&self) -> u32 {
        self.attempt
    }

    /// After one more failure. `spread` is from 0 to 1: with it, many clients of one service do not come
    /// back at once.
    pub(super) fn after_failure(&mut self, spread: f64) -> Duration {
        let doubled = FIRST.saturating_mul(1 << self.attempt.min(10)).min(LONGEST);
        self.attempt = self.attempt.saturating_add(1);
        doubled.mul_f64(0.75 + 0.25 * spread.clamp(0.0, 1.0))
    }

    /// It works.
    pub(super) fn reset(&mut self) {
        self.attempt = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_its_bound_and_begins_again() {
        let mut backoff = Backoff::default();
        let mut last = Duration::ZERO;
        for _ in 0..4 {
            let next = backoff.after_failure(1.0);
            assert!(next > last);
            last = next;
        }
        for _ in 0..100 {
            assert!(backoff.after_failure(7.0) <= LONGEST);
        }
        assert_eq!(backoff.attempt(), 104);
        backoff.reset();
        assert_eq!(backoff.after_failure(0.0), FIRST.mul_f64(0.75));
    }
}
