//! What has happened of late: counters now, against the same counters a while ago.

use std::collections::VecDeque;
use std::time::Duration;

use super::AlertSignal;

/// So many readings of a window are kept, or a long one would need a lot of memory. Its beginning is
/// known to one part of so many.
const PARTS: u32 = 128;

/// A share of fewer polls than this says nothing.
const MIN_POLLS: u64 = 20;

/// What a rule looks at, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Reading {
    /// Since the runtime began.
    pub(super) at: Duration,
    pub(super) polls: u64,
    pub(super) slow_polls: u64,
    pub(super) stalls: u64,
    pub(super) violations: u64,
    /// See [`AlertSignal::ReserveInUse`].
    pub(super) reserve_in_use: f64,
    pub(super) scheduling_delay: Duration,
}

/// The readings of a time, the oldest first.
#[derive(Debug)]
pub(super) struct Window {
    span: Duration,
    past: VecDeque<Reading>,
}

impl Window {
    /// Begins with a runtime that has done nothing.
    pub(super) fn new(span: Duration) -> Self {
        Self { span, past: VecDeque::from([Reading::default()]) }
    }

    /// Takes a reading, and tells the signal.
    pub(super) fn value(&mut self, signal: AlertSignal, now: Reading) -> f64 {
        let base = self.base(now.at);
        let minutes = now.at.saturating_sub(base.at).max(self.span).as_secs_f64() / 60.0;
        let per_minute = |now: u64, then: u64| now.saturating_sub(then) as f64 / minutes;
        let value = match signal {
            AlertSignal::StallsPerMinute => per_minute(now.stalls, base.stalls),
            AlertSignal::ViolationsPerMinute => per_minute(now.violations, base.violations),
            AlertSignal::SlowPollRatio => {
                let polls = now.polls.saturating_sub(base.polls);
                let slow = now.slow_polls.saturating_sub(base.slow_polls);
                if polls < MIN_POLLS { 0.0 } else { (slow as f64 / polls as f64).min(1.0) }
            }
            AlertSignal::ReserveInUse => now.reserve_in_use,
            AlertSignal::SchedulingDelay => now.scheduling_delay.as_secs_f64(),
        };
        self.keep(now);
        value
    }

    /// The latest reading that is as old as the window, or else the oldest.
    fn base(&mut self, now: Duration) -> Reading {
        while self.past.get(1).is_some_and(|next| now.saturating_sub(next.at) >= self.span) {
            self.past.pop_front();
        }
        self.past.front().copied().unwrap_or_default()
    }

    fn keep(&mut self, now: Reading) {
        let last = self.past.back().map_or(Duration::ZERO, |last| last.at);
        if now.at.saturating_sub(last) >= self.span / PARTS {
            self.past.push_back(now);
        }
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Reading {
        Reading { at: Duration::from_secs(seconds), ..Reading::default() }
    }

    #[test]
    fn a_rate_is_that_of_the_window() {
        let mut window = Window::new(Duration::from_secs(60));
        let signal = AlertSignal::StallsPerMinute;
        for second in 1..=600 {
            let value = window.value(signal, Reading { stalls: second, ..at(second) });
            let expected = second.min(60) as f64;
            assert!((value - expected).abs() < 1e-9, "{value} after {second} s");
        }
        for second in 601..=700 {
            window.value(signal, Reading { stalls: 600, ..at(second) });
        }
        assert_eq!(window.value(signal, Reading { stalls: 600, ..at(701) }), 0.0);
    }

    #[test]
    fn a_burst_in_a_young_runtime_is_no_high_rate() {
        let mut window = Window::new(Duration::from_secs(60));
        let value = window.value(AlertSignal::StallsPerMinute, Reading { stalls: 2, ..at(1) });
        assert_eq!(value, 2.0);
    }

    #[test]
    fn a_share_of_nothing_is_nothing() {
        let mut window = Window::new(Duration::from_secs(60));
        let few = Reading { polls: 19, slow_polls: 19, ..at(1) };
        assert_eq!(window.value(AlertSignal::SlowPollRatio, few), 0.0);
        let enough = Reading { polls: 20, slow_polls: 19, ..at(2) };
        assert_eq!(window.value(AlertSignal::SlowPollRatio, enough), 0.95);
    }

    #[test]
    fn a_long_window_keeps_few_readings() {
        let mut window = Window::new(Duration::from_secs(3_600));
        for second in 1..20_000 {
            window.value(AlertSignal::StallsPerMinute, at(second));
        }
        assert!(window.past.len() <= PARTS as usize + 2, "{} readings", window.past.len());
    }
}
