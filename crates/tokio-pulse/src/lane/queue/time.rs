//! Virtual time: how much each unit of weight has had so far.
//!
//! It advances by the work that was done, divided by the weight of all who wait or run. It wraps:
//! times are compared by their difference, as the kernel does, so that it never ends.

use super::account::Account;
use super::{MAX_COST, QUANTUM};

/// A flow that is new was served that long ago.
const LONG_AGO: u64 = 1 << 40;
/// The most that a flow can owe, in virtual time.
const DEBT: i64 = 10 * MAX_COST as i64;

#[derive(Debug, Default)]
pub(super) struct VirtualTime {
    now: u64,
    weight: u64,
    /// Work that was not enough for another nanosecond.
    rest: u64,
}

impl VirtualTime {
    #[cfg(all(test, not(pulse_loom)))]
    pub(super) fn starting_at(now: u64) -> Self {
        Self { now, ..Self::default() }
    }

    pub(super) fn now(&self) -> u64 {
        self.now
    }

    pub(super) fn join(&mut self, weight: u64) {
        self.weight += weight;
    }

    pub(super) fn leave(&mut self, weight: u64) {
        self.weight = self.weight.saturating_sub(weight);
    }

    pub(super) fn advance(&mut self, work: u64) {
        let (work, weight) = (self.rest + work, self.weight.max(1));
        self.now = self.now.wrapping_add(work / weight);
        self.rest = work % weight;
    }

    /// Nobody is behind `time`.
    pub(super) fn reach(&mut self, time: u64) {
        if ahead(time, self.now) > 0 {
            self.now = time;
        }
    }

    /// For a flow that was never served.
    pub(super) fn long_ago(&self) -> u64 {
        self.now.wrapping_sub(LONG_AGO)
    }

    /// Whether a flow that was served at `served` has stayed away for as long as it would have had to
    /// wait for its next turn. One that comes back at once is no newcomer.
    pub(super) fn has_rested<S>(&self, account: &Account<S>, served: u64) -> bool {
        ahead(self.now, served) >= expected_wait(account) as i64
    }

    /// `time`, or what is left of it after long sleep: a quantum of credit, and a bounded debt.
    pub(super) fn caught_up(&self, time: u64) -> u64 {
        let ahead = ahead(time, self.now).clamp(-(QUANTUM as i64), DEBT);
        self.now.wrapping_add_signed(ahead)
    }
}

/// How long a flow waits for its turn, by its share: its mean cost by weight.
pub(super) fn expected_wait<S>(account: &Account<S>) -> u64 {
    account.mean >> account.flow.weight_bits()
}

/// How far `time` is ahead of `other`.
pub(super) fn ahead(time: u64, other: u64) -> i64 {
    time.wrapping_sub(other) as i64
}
