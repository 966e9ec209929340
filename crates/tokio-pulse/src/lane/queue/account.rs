//! What is kept of one flow.

use super::Flow;

/// The place of an account in the table.
pub(super) type Id = u32;

/// No account, no item.
pub(super) const NONE: u32 = u32::MAX;

#[derive(Debug)]
pub(super) struct Account<S> {
    pub(super) flow: Flow,
    /// Its items that wait, the first and the last of them.
    pub(super) first: u32,
    pub(super) last: u32,
    /// Its neighbours among those with nothing waiting.
    pub(super) older: Id,
    pub(super) newer: Id,
    /// Items that were popped and not charged yet.
    pub(super) running: u32,
    /// What these are held to cost, together.
    pub(super) pending: u64,
    /// What a run costs on average, the latest counting most.
    pub(super) mean: u64,
    /// What the algorithm keeps.
    pub(super) seat: S,
}

impl<S> Account<S> {
    pub(super) fn new(flow: Flow, mean: u64, seat: S) -> Self {
        Self {
            flow,
            first: NONE,
            last: NONE,
            older: NONE,
            newer: NONE,
            running: 0,
            pending: 0,
            mean,
            seat,
        }
    }

    pub(super) fn waits(&self) -> bool {
        self.first != NONE
    }

    pub(super) fn is_active(&self) -> bool {
        self.waits() || self.running > 0
    }

    /// Another run has begun. Returns what it is held to cost.
    pub(super) fn begin(&mut self) -> u64 {
        self.running = self.running.saturating_add(1);
        self.pending = self.pending.saturating_add(self.mean);
        self.mean
    }

    /// One of its runs has ended. Returns by how much it cost more than it was held to.
    pub(super) fn settle(&mut self, cost: u64) -> i64 {
        let estimate = self.pending.checked_div(self.running.into()).unwrap_or(0);
        self.pending -= estimate;
        self.running = self.running.saturating_sub(1);
        self.mean = approach(self.mean, cost, 2);
        // Both are far below what an `i64` holds.
        cost as i64 - estimate as i64
    }
}

/// A part of the way from a mean to a new value.
pub(super) fn approach(mean: u64, value: u64, bits: u32) -> u64 {
    mean - (mean >> bits) + (value >> bits)
}
