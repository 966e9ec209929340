//! The state of an alert against what it promises.

use proptest::prelude::*;

use super::*;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn terms(raise_after: u64, clear_after: u64) -> Terms {
    Terms { raise: 10.0, clear: 5.0, raise_after: ms(raise_after), clear_after: ms(clear_after) }
}

#[test]
fn it_is_raised_at_once_when_nobody_waits() {
    let mut latch = Latch::new(terms(0, 0));
    assert_eq!(latch.step(9.9, ms(0)), None);
    assert_eq!(latch.step(10.0, ms(1)), Some(Turn::Raised));
    assert_eq!(latch.step(10.0, ms(2)), None);
    assert_eq!(latch.step(5.0, ms(3)), Some(Turn::Cleared));
}

#[test]
fn a_dip_makes_it_wait_again() {
    let mut latch = Latch::new(terms(100, 100));
    assert_eq!(latch.step(10.0, ms(0)), None);
    assert_eq!(latch.step(9.0, ms(90)), None);
    assert_eq!(latch.step(10.0, ms(100)), None);
    assert_eq!(latch.step(10.0, ms(199)), None);
    assert_eq!(latch.step(10.0, ms(200)), Some(Turn::Raised));
}

#[test]
fn a_value_in_the_band_makes_it_wait_again_to_be_cleared() {
    let mut latch = Latch::new(terms(0, 100));
    latch.step(10.0, ms(0));
    assert_eq!(latch.step(5.0, ms(10)), None);
    assert_eq!(latch.step(6.0, ms(100)), None);
    assert_eq!(latch.step(5.0, ms(110)), None);
    assert_eq!(latch.step(5.0, ms(209)), None);
    assert_eq!(latch.step(5.0, ms(210)), Some(Turn::Cleared));
}

#[test]
fn what_is_no_number_changes_nothing() {
    let mut latch = Latch::new(terms(0, 0));
    assert_eq!(latch.step(f64::NAN, ms(0)), None);
    latch.step(10.0, ms(1));
    assert_eq!(latch.step(f64::NAN, ms(2)), None);
    assert!(latch.is_active());
}

proptest! {
    /// Between the thresholds, whatever came before, nothing turns.
    #[test]
    fn it_does_not_flap_inside_the_band(
        before in prop::collection::vec((0.0..20.0f64, 0..50u64), 0..50),
        inside in prop::collection::vec((5.001..9.999f64, 0..5_000u64), 1..100),
        (raise_after, clear_after) in (0..200u64, 0..200u64),
    ) {
        let mut latch = Latch::new(terms(raise_after, clear_after));
        let mut now = 0;
        for (value, wait) in before {
            now += wait;
            latch.step(value, ms(now));
        }
        let active = latch.is_active();
        for (value, wait) in inside {
            now += wait;
            prop_assert_eq!(latch.step(value, ms(now)), None);
            prop_assert_eq!(latch.is_active(), active);
        }
    }

    /// Each turn comes after a row of values on the right side that is as long as it is to be, and
    /// turns alternate. And no such row goes by without its turn.
    #[test]
    fn times_are_kept(
        values in prop::collection::vec((0.0..20.0f64, 0..100u64), 1..300),
        (raise_after, clear_after) in (0..500u64, 0..500u64),
    ) {
        let mut latch = Latch::new(terms(raise_after, clear_after));
        let (mut now, mut high_since, mut low_since, mut active) = (0, None, None, false);
        for (value, wait) in values {
            now += wait;
            high_since = (value >= 10.0).then(|| high_since.unwrap_or(now));
            low_since = (value <= 5.0).then(|| low_since.unwrap_or(now));
            let is_due = |since: Option<u64>, after| since.is_some_and(|since| now - since >= after);
            let expected = if active {
                is_due(low_since, clear_after).then_some(Turn::Cleared)
            } else {
                is_due(high_since, raise_after).then_some(Turn::Raised)
            };
            prop_assert_eq!(latch.step(value, ms(now)), expected);
            active ^= expected.is_some();
            prop_assert_eq!(latch.is_active(), active);
        }
    }
}
