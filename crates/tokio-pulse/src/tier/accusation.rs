//! What the watchdog holds against a poll, and what that proves.

use std::time::Duration;

use super::treatment::Measured;
use crate::watchdog::scan::{Cause, Milestone};

/// What the watchdog holds against the poll that ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accusation {
    /// When it saw the poll first, since the start of the runtime.
    pub(crate) since: Duration,
    /// When it ended: read before what it is charged with, or a wait in between would count as its own.
    pub(crate) ended: Duration,
    /// What the thread's CPU clock said then.
    pub(crate) cpu_then: Option<Duration>,
    pub(crate) cpu_now: Option<Duration>,
    /// What it noted when the poll began to linger.
    pub(crate) milestone: Option<Milestone>,
    pub(crate) run_delay_now: Option<Duration>,
    /// Of a poll that waited for another thread: for how long the others of the runtime have waited for a
    /// processor meanwhile.
    pub(crate) others_waited: Option<Duration>,
    pub(crate) cause: Cause,
    /// The number of the stall, if it was reported while it went on.
    pub(crate) told: Option<u64>,
}

impl Accusation {
    /// What the poll came to, as far as it can be proven. `grain`: of the thread's CPU clock, whose last
    /// jump may have been due to what ran before.
    pub(super) fn measured(&self, grain: Duration) -> Measured {
        let lasted = self.ended.saturating_sub(self.since);
        let cpu = match (self.cpu_then, self.cpu_now) {
            (Some(then), Some(now)) => Some(now.saturating_sub(then).saturating_sub(grain)),
            _ => None,
        };
        let waited = match (self.cause, self.milestone.zip(self.run_delay_now)) {
            // What a computing poll has not burned, it has waited. So may one have of which nothing is
            // told but its CPU time: it was worth a stand-in, and is no proof.
            (Cause::Computing | Cause::Unknown, _) => cpu.map(|cpu| lasted.saturating_sub(cpu)),
            // Before the milestone only what it burned counts, since then all but its waits.
            (Cause::Blocked, Some((milestone, run_delay))) => {
                let burned = milestone.cpu.saturating_sub(self.cpu_then.unwrap_or_default());
                let waited = run_delay.saturating_sub(milestone.run_delay)
                    // Tokio's own locks are shared by all tasks. Who waits for a lock whose holder waits for
                    // a processor does so as well.
                    + self.others_waited.unwrap_or_default();
                let since = self.ended.saturating_sub(milestone.at).saturating_sub(waited);
                Some(lasted.saturating_sub(burned + since))
            }
            (Cause::Blocked, _) => None,
        };
        Measured { lasted, cpu, waited, in_doubt: false, handed_off: false }
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);
    const JUMP: Duration = Duration::from_millis(16);

    fn active(cause: Cause, cpu: Option<Duration>, grain: Duration) -> Duration {
        let accusation = Accusation {
            since: Duration::ZERO,
            ended: 100 * MS,
            cpu_then: Some(Duration::ZERO),
            cpu_now: cpu,
            milestone: None,
            run_delay_now: None,
            others_waited: None,
            cause,
            told: None,
        };
        let measured = accusation.measured(grain);
        measured.lasted - measured.waited.unwrap_or_default()
    }

    #[test]
    fn one_jump_of_a_coarse_clock_proves_nothing() {
        for cause in [Cause::Unknown, Cause::Computing] {
            assert_eq!(active(cause, Some(JUMP), JUMP), Duration::ZERO);
            assert_eq!(active(cause, Some(96 * MS), JUMP), 80 * MS);
            assert_eq!(active(cause, Some(96 * MS), Duration::ZERO), 96 * MS);
        }
    }

    /// A poll of 100 ms that was seen to sleep, with 2 ms burned, in a thread that did not wait itself.
    fn blocked(others_waited: Option<Duration>) -> Duration {
        let accusation = Accusation {
            since: Duration::ZERO,
            ended: 100 * MS,
            cpu_then: Some(Duration::ZERO),
            cpu_now: Some(2 * MS),
            milestone: Some(Milestone {
                at: 5 * MS,
                cpu: MS,
                run_delay: MS,
                others_waited: others_waited.map(|_| Duration::ZERO),
            }),
            run_delay_now: Some(MS),
            others_waited,
            cause: Cause::Blocked,
            told: None,
        };
        accusation.measured(Duration::ZERO).active()
    }

    #[test]
    fn who_waits_for_a_lock_may_wait_for_a_processor_through_its_holder() {
        assert_eq!(blocked(None), 96 * MS);
        assert_eq!(blocked(Some(Duration::ZERO)), 96 * MS);
        assert_eq!(blocked(Some(40 * MS)), 56 * MS);
        assert_eq!(blocked(Some(500 * MS)), 2 * MS);
    }

    #[test]
    fn what_blocks_for_sure_and_what_nothing_is_told_of_is_held_to_the_wall_clock() {
        assert_eq!(active(Cause::Blocked, Some(MS), Duration::ZERO), 100 * MS);
        assert_eq!(active(Cause::Unknown, None, JUMP), 100 * MS);
    }
}
