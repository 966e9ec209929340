//! What the watchdog holds against a poll, and what that proves.

use std::time::Duration;

use super::treatment::Measured;
use crate::watchdog::scan::{Cause, Milestone};

/// What the watchdog holds against the poll that ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accusation {
    /// When it saw the poll first, since the start of the runtime.
    pub(crate) since: Duration,
    /// What the thread's CPU clock said then.
    pub(crate) cpu_then: Option<Duration>,
    pub(crate) cpu_now: Option<Duration>,
    /// What it noted when the poll began to linger.
    pub(crate) milestone: Option<Milestone>,
    pub(crate) run_delay_now: Option<Duration>,
    pub(crate) cause: Cause,
    /// The number of the stall, if it was reported while it went on.
    pub(crate) told: Option<u64>,
}

impl Accusation {
    /// What the poll came to, as far as it can be proven. `now`: since the start of the runtime.
    pub(super) fn measured(&self, now: Duration) -> Measured {
        let lasted = now.saturating_sub(self.since);
        let cpu = match (self.cpu_then, self.cpu_now) {
            (Some(then), Some(now)) => Some(now.saturating_sub(then)),
            _ => None,
        };
        let waited = match (self.cause, self.milestone.zip(self.run_delay_now)) {
            // What a computing poll has not burned, it has waited.
            (Cause::Computing, _) => cpu.map(|cpu| lasted.saturating_sub(cpu)),
            // Before the milestone only what it burned counts, since then all but its waits.
            (Cause::Blocked, Some((milestone, run_delay))) => {
                let burned = milestone.cpu.saturating_sub(self.cpu_then.unwrap_or_default());
                let waited = run_delay.saturating_sub(milestone.run_delay);
                let since = now.saturating_sub(milestone.at).saturating_sub(waited);
                Some(lasted.saturating_sub(burned + since))
            }
            (Cause::Blocked | Cause::Unknown, _) => None,
        };
        Measured { lasted, cpu, waited, handed_off: false }
    }
}
