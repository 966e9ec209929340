//! Other workers take over from stalled ones. The essay is in `README.md` beside this file.

pub(crate) mod ballast;
pub(crate) mod internal;
pub(crate) mod plan;
pub(crate) mod reserve;

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::pulse::Core;
use crate::watchdog::contained;
use plan::Planner;

/// The acting half of the watchdog: turns the number of held workers into calls on the reserve.
#[derive(Debug)]
pub(crate) struct Rescuer {
    core: Arc<Core>,
    runtime: Handle,
    planner: Planner,
    exhausted: bool,
}

/// What a rescue came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Held workers for whom nobody could stand in.
    pub(crate) missing: usize,
    /// The reserve has run out just now.
    pub(crate) ran_out: bool,
}

impl Rescuer {
    pub(crate) fn new(core: Arc<Core>, runtime: Handle) -> Self {
        let planner = Planner::new(core.config.reserve, core.config.slice);
        Self { core, runtime, planner, exhausted: false }
    }

    /// Adapts the reserve to workers that are held, or lingering in a poll; `fresh` if any of them
    /// was not at the last call.
    pub(crate) fn adapt(
        &mut self,
        held: usize,
        lingering: usize,
        fresh: bool,
        now: Duration,
    ) -> Outcome {
        if !self.core.can_rescue() {
            return Outcome { missing: held, ran_out: false };
        }
        let reserve = &self.core.reserve;
        let step = self.planner.step(held, lingering, reserve.counts(), now);
        if step.dismiss > 0 {
            reserve.dismiss(step.dismiss);
        }
        if step.release > 0 {
            reserve.release(step.release);
        }
        if fresh {
            // Timers and I/O may have been left alone by the worker that got stuck. Whoever is
            // woken by this takes them over when it runs out of tasks.
            contained(|| internal::nudge(&self.runtime));
        }
        if step.summon > 0 && reserve.summon(step.summon) {
            for _ in 0..step.summon {
                contained(|| ballast::spawn(&self.core, &self.runtime));
            }
        }
        let ran_out = step.missing > 0 && !self.exhausted;
        self.exhausted = step.missing > 0;
        Outcome { missing: step.missing, ran_out }
    }

    pub(crate) fn set_slice(&mut self, slice: Duration) {
        self.planner.set_slice(slice);
    }

    /// Whether nothing will change in the reserve while nothing is held.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.planner.is_at_rest()
    }
}
