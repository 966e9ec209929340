//! From what is seen of a runtime to whether it is live and ready. Pure: time is a value.

use std::time::Duration;

use super::HealthPolicy;
use super::report::{HealthReport, Reason, Vitals};
use crate::alert::state::{Latch, Terms};

#[derive(Debug)]
pub(super) struct Judge {
    stuck: Latch,
    unready: Latch,
    min_free_workers: Option<usize>,
}

/// For a thing that is there or is not.
fn latch(raise_after: Duration, clear_after: Duration) -> Latch {
    Latch::new(Terms { raise: 1.0, clear: 0.0, raise_after, clear_after })
}

fn level(is: bool) -> f64 {
    f64::from(u8::from(is))
}

impl Judge {
    pub(super) fn new(policy: &HealthPolicy) -> Self {
        Self {
            stuck: latch(policy.stuck_for, Duration::ZERO),
            unready: latch(policy.unready_after, policy.ready_after),
            min_free_workers: policy.min_free_workers,
        }
    }

    /// Takes a look. To be called often, since nothing is known of the time in between.
    pub(super) fn look(&mut self, vitals: Vitals, now: Duration) -> HealthReport {
        let mut reasons = Vec::new();
        let is_stuck = vitals.free() == 0;
        self.stuck.step(level(is_stuck), now);
        let wanted = self.min_free_workers.unwrap_or(vitals.workers);
        if is_stuck {
            reasons.push(Reason::Stuck);
        } else if vitals.free() < wanted {
            reasons.push(Reason::FewFree { wanted });
        }
        // A bound of 0: there is no lane.
        if vitals.lane_bound > 0 && vitals.lane_queued >= vitals.lane_bound {
            reasons.push(Reason::LaneFull);
        }
        if vitals.ended {
            reasons.push(Reason::Ended);
        }
        self.unready.step(level(!reasons.is_empty()), now);
        let live = !self.stuck.is_active();
        // The end needs no time to become true, and will not become false.
        let ready = live && !self.unready.is_active() && !vitals.ended;
        if !ready && reasons.is_empty() {
            reasons.push(Reason::Settling);
        }
        HealthReport { live, ready, reasons, vitals }
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    const WELL: Vitals =
        Vitals { workers: 2, reserve: 4, stalls: 0, lane_queued: 0, lane_bound: 256, ended: false };

    fn judge() -> Judge {
        let policy = HealthPolicy::default()
            .stuck_for(Duration::from_secs(10))
            .unready_after(Duration::from_secs(1))
            .ready_after(Duration::from_secs(5));
        Judge::new(&policy)
    }

    fn look(judge: &mut Judge, stalls: usize, second: u64) -> (bool, bool) {
        let report = judge.look(Vitals { stalls, ..WELL }, Duration::from_secs(second));
        (report.is_live(), report.is_ready())
    }

    #[test]
    fn a_stall_that_is_rescued_is_nobodys_business() {
        let mut judge = judge();
        for second in 0..100 {
            assert_eq!(look(&mut judge, 4, second), (true, true));
        }
    }

    #[test]
    fn without_a_reserve_it_is_unready_after_a_while_and_ready_after_a_longer_one() {
        let mut judge = judge();
        assert_eq!(look(&mut judge, 5, 0), (true, true));
        assert_eq!(look(&mut judge, 5, 1), (true, false));
        assert_eq!(look(&mut judge, 0, 2), (true, false));
        assert_eq!(look(&mut judge, 5, 6), (true, false));
        assert_eq!(look(&mut judge, 0, 7), (true, false));
        assert_eq!(look(&mut judge, 0, 11), (true, false));
        assert_eq!(look(&mut judge, 0, 12), (true, true));
    }

    #[test]
    fn all_stuck_for_long_is_not_live_until_one_of_them_goes_on() {
        let mut judge = judge();
        assert_eq!(look(&mut judge, 6, 0), (true, true));
        assert_eq!(look(&mut judge, 6, 9), (true, false));
        assert_eq!(look(&mut judge, 6, 10), (false, false));
        assert_eq!(look(&mut judge, 5, 11), (true, false));
    }

    #[test]
    fn a_full_lane_and_the_end_of_the_watch_are_reasons() {
        let full = Vitals { lane_queued: 256, ..WELL };
        let mut one = judge();
        one.look(full, Duration::ZERO);
        let report = one.look(full, Duration::from_secs(2));
        assert!(report.is_live() && !report.is_ready());
        assert_eq!(
            report.reasons().next().unwrap(),
            "the lane is full: 256 tasks wait where 256 may"
        );
        let ended = judge().look(Vitals { ended: true, ..WELL }, Duration::ZERO);
        assert!(ended.is_live() && !ended.is_ready());
        let no_lane = Vitals { lane_bound: 0, ..WELL };
        assert!(judge().look(no_lane, Duration::ZERO).reasons().next().is_none());
    }

    #[test]
    fn what_is_told_is_json() {
        let report = judge().look(Vitals { stalls: 6, ended: true, ..WELL }, Duration::ZERO);
        let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!(json["live"], true);
        assert_eq!(json["stalls"], 6);
        assert_eq!(json["reasons"].as_array().unwrap().len(), 2);
        assert!(report.to_string().contains("all workers are stuck"), "{report}");
    }
}
