//! How many reserve workers should be asleep. Pure: numbers in, a step out.

use std::time::Duration;

use crate::rescue::reserve::Counts;

/// For so many slices after a stall its stand-in stays up. Where one stall was there are more, and
/// they come in bursts; each finds a worker that is already awake, instead of waiting for the
/// watchdog. A worker that is up and has nothing to do costs nothing.
const LINGER_SLICES: u32 = 100;

/// But not for longer than this, however long the slice.
const MAX_LINGER: Duration = Duration::from_secs(1);

/// What to do with the reserve now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Step {
    /// Wake so many sleeping reserves.
    pub(crate) release: usize,
    /// Take back so many calls for ballast that nobody has answered yet.
    pub(crate) dismiss: usize,
    /// Call so many workers to the reserve.
    pub(crate) summon: usize,
    /// Held workers for which there is no reserve left.
    pub(crate) missing: usize,
}

/// Keeps as many workers free as the user asked for, while others are held.
#[derive(Debug)]
pub(crate) struct Planner {
    reserve: usize,
    linger: Duration,
    /// Workers to stand in for: rises with the held ones at once, falls after the linger.
    demand: usize,
    /// When `demand` was last justified.
    justified: Duration,
    /// The largest number of held workers since then.
    recent: usize,
}

impl Planner {
    pub(crate) fn new(reserve: usize, slice: Duration) -> Self {
        Self { reserve, linger: linger(slice), demand: 0, justified: Duration::ZERO, recent: 0 }
    }

    pub(crate) fn set_slice(&mut self, slice: Duration) {
        self.linger = linger(slice);
    }

    /// The step that brings the reserve to where it should be. `held`: workers in a poll that has
    /// outlived its slice; `lingering`: in one that is on the way there.
    pub(crate) fn step(
        &mut self,
        held: usize,
        lingering: usize,
        counts: Counts,
        now: Duration,
    ) -> Step {
        // In calm times a poll that lingers is an honest one, and one more worker would only be one
        // more thread than the user asked for. After a stall it is likely to be the next.
        let alarmed = held > 0 || self.demand > 0;
        let wanted = if alarmed { held + lingering } else { 0 };
        self.recent = self.recent.max(wanted);
        if wanted >= self.demand {
            self.demand = wanted;
            self.justified = now;
            self.recent = wanted;
        } else if now.saturating_sub(self.justified) >= self.linger {
            // To the most that the linger has seen, so that steady churn stays covered.
            self.demand = self.recent;
            self.justified = now;
            self.recent = wanted;
        }
        let asleep = self.reserve.saturating_sub(self.demand);
        let mut step = Step { missing: held.saturating_sub(self.reserve), ..Step::default() };
        let excess = (counts.parked + counts.summoned).saturating_sub(asleep);
        if excess > 0 {
            // A call that is still in Tokio's queue costs nothing to take back.
            step.dismiss = excess.min(counts.summoned);
            step.release = excess - step.dismiss;
        } else {
            step.summon = asleep - (counts.parked + counts.summoned);
        }
        step
    }

    /// Whether the reserve is where it will stay while nothing is held.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.demand == 0
    }
}

fn linger(slice: Duration) -> Duration {
    slice.saturating_mul(LINGER_SLICES).min(MAX_LINGER)
}

#[cfg(all(test, not(pulse_loom)))]
#[path = "plan_tests.rs"]
mod tests;
