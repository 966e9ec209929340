//! What is held against one task. Pure: a poll goes in, a change of tier comes out.

use std::time::Duration;

use super::{Tier, TierPolicy};

/// One finished poll of a task that is on record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PollReport {
    /// What it burned, as far as that is known.
    pub(crate) cpu: Duration,
    /// It burned CPU or blocked for longer than its slice.
    pub(crate) violation: bool,
}

/// What a poll changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    None,
    Promoted,
    Demoted,
    /// Nothing is held against the task any more.
    Cleared,
}

/// The counters belong to the tier: each change of tier begins with new evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    tier: Tier,
    /// When it came to this tier.
    since: Duration,
    violations: u32,
    cpu: Duration,
    slow_polls: u32,
    good_polls: u32,
}

impl Record {
    pub(crate) fn new(tier: Tier, now: Duration) -> Self {
        Self { tier, since: now, violations: 0, cpu: Duration::ZERO, slow_polls: 0, good_polls: 0 }
    }

    pub(crate) fn tier(&self) -> Tier {
        self.tier
    }

    /// Takes a poll into account. `patience` stretches the thresholds of promotion.
    pub(crate) fn add(
        &mut self,
        poll: PollReport,
        policies: &[TierPolicy; 4],
        patience: f64,
        now: Duration,
    ) -> Change {
        let policy = &policies[self.tier.index()];
        let good = !poll.violation && poll.cpu <= policy.good_poll_cpu();
        if poll.violation {
            self.violations = self.violations.saturating_add(1);
            self.cpu = self.cpu.saturating_add(poll.cpu);
            self.good_polls = 0;
            self.slow_polls = 0;
        } else if good {
            self.good_polls = self.good_polls.saturating_add(1);
            self.slow_polls = 0;
        } else {
            self.slow_polls = self.slow_polls.saturating_add(1);
        }
        if self.must_rise(poll, policy, patience) {
            return match self.tier.up() {
                Some(up) => self.move_to(up, now, Change::Promoted),
                None => Change::None,
            };
        }
        let served = now.saturating_sub(self.since) >= policy.minimum_time();
        if good && served && self.good_polls >= policy.demotion_good_polls() {
            return match self.tier.down() {
                Some(down) => self.move_to(down, now, Change::Demoted),
                None => self.move_to(Tier::Zero, now, Change::Cleared),
            };
        }
        Change::None
    }

    /// Only evidence of the kind that this poll has brought can raise a task.
    fn must_rise(&self, poll: PollReport, policy: &TierPolicy, patience: f64) -> bool {
        let reached = |count: u32, limit: Option<u32>| {
            limit.is_some_and(|limit| f64::from(count) >= f64::from(limit) * patience)
        };
        if poll.violation {
            reached(self.violations, policy.promotion_violations())
                || policy.promotion_cpu().is_some_and(|limit| self.cpu >= stretch(limit, patience))
        } else {
            self.slow_polls > 0 && reached(self.slow_polls, policy.promotion_slow_polls())
        }
    }

    fn move_to(&mut self, tier: Tier, now: Duration, change: Change) -> Change {
        *self = Self::new(tier, now);
        change
    }
}

/// Without the panic of `Duration::mul_f64` for what does not fit.
pub(crate) fn stretch(duration: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(duration.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

#[cfg(all(test, not(pulse_loom)))]
#[path = "record_tests.rs"]
mod tests;
