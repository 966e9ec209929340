//! What is kept of one flow.

use super::Flow;

/// The place of an account in the table.
pub(super) type Id = u32;

/// No account, no item.
pub(super) const NONE: u32 = u32::MAX;

/// One line of the processor's cache: with 100,000 of them, each line more is fetched from memory.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Account<S> {
    pub(super) flow: Flow,
    pub(super) line: Line,
    /// Items that were popped and not charged yet.
    pub(super) running: u32,
    /// What these are held to cost, together.
    pub(super) pending: u64,
    /// What a run costs on average, the latest counting most.
    pub(super) mean: u64,
    /// What the algorithm keeps.
    pub(super) seat: S,
}

/// Whether anything of it waits.
#[derive(Clone, Copy, Debug)]
pub(super) enum Line {
    /// The first and the last of its items.
    Waits { first: u32, last: u32 },
    /// Its neighbours among those of whom nothing does.
    Idle { older: Id, newer: Id },
}

impl<S> Account<S> {
    pub(super) fn new(flow: Flow, mean: u64, seat: S) -> Self {
        Self {
            flow,
            line: Line::Idle { older: NONE, newer: NONE },
            running: 0,
            pending: 0,
            mean,
            seat,
        }
    }

    pub(super) fn waits(&self) -> bool {
        matches!(self.line, Line::Waits { .. })
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
        let estimate = match self.running {
            0 => 0,
            // Most often: no division.
            1 => self.pending,
            running => self.pending / u64::from(running),
        };
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
