//! What was done to suspects.

use crate::intervene::gate::Standing;
use crate::metrics::tier_counters::TierSnapshot;
use crate::tier::{Tier, TierManager};

/// What was done to suspects so far: what [`TierManager::metrics`] returns.
#[derive(Clone, Debug)]
pub struct TierMetrics {
    counters: TierSnapshot,
    gate_waits: u64,
    gate_forced: u64,
    gate: Standing,
    suspects: [usize; Tier::ALL.len()],
}

impl TierManager {
    /// What was done to suspects so far.
    pub fn metrics(&self) -> TierMetrics {
        let (gate_waits, gate_forced) = self.gate().waited_and_forced();
        TierMetrics {
            counters: self.counters().snapshot(),
            gate_waits,
            gate_forced,
            gate: self.gate().standing(),
            suspects: self.suspects_by_tier(),
        }
    }
}

impl TierMetrics {
    /// Tasks on record now.
    pub fn suspects(&self) -> usize {
        self.suspects.iter().sum()
    }

    /// Of those, the ones at this tier.
    pub fn suspects_at(&self, tier: Tier) -> usize {
        self.suspects[tier.index()]
    }

    /// Polls that were proven to have taken more than they may.
    pub fn violations(&self) -> u64 {
        self.counters.violations
    }

    /// Polls of suspects that were no violations, but no good ones either.
    pub fn slow_polls(&self) -> u64 {
        self.counters.slow_polls
    }

    /// Times that a task went up a tier.
    pub fn promotions(&self) -> u64 {
        self.counters.promotions
    }

    /// Times that a task went down a tier, or off the record.
    pub fn demotions(&self) -> u64 {
        self.counters.demotions
    }

    /// Polls whose worker was handed over before they began.
    pub fn handoffs(&self) -> u64 {
        self.counters.handoffs
    }

    /// Polls that began with their worker all the same: nobody came to take it in time, or half of
    /// Tokio's blocking pool is taken by such polls already. The rescue stands by for them.
    pub fn failed_handoffs(&self) -> u64 {
        self.counters.failed_handoffs
    }

    /// Polls that had to wait for a permit.
    pub fn gate_waits(&self) -> u64 {
        self.gate_waits
    }

    /// Of those, the polls that went in without one, because nobody had come out for long.
    pub fn gate_forced(&self) -> u64 {
        self.gate_forced
    }

    /// So many polls may be inside of the gate, as it was said to the last one that came.
    pub fn gate_permits(&self) -> usize {
        self.gate.permits
    }

    /// Polls inside of the gate now, without those that were written off.
    pub fn gate_inside(&self) -> usize {
        self.gate.inside
    }

    /// Polls that wait at the gate now.
    pub fn gate_waiting(&self) -> usize {
        self.gate.waiting
    }

    /// Warnings that were not sent, because there had been so many.
    pub fn suppressed_warnings(&self) -> u64 {
        self.counters.suppressed_warnings
    }
}
