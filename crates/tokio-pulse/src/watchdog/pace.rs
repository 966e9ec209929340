//! When the watchdog looks next.

use std::time::Duration;

/// While anything runs, a slice is divided into so many looks. Two bounds the lateness of a
/// verdict to half a slice; more looks would cost more than the lateness does (each wake-up of a
/// thread costs about 15 us, by `pulse-bench idle`).
pub(super) const LOOKS_PER_SLICE: u32 = 2;

/// For so many slices after a stall began or ended the looks come more often: where one was, there are more.
/// Longer, and a single one now and then, as known offenders have when they were good for a while, would keep
/// the watchdog in the way of all others.
const ALERT_SLICES: u32 = 20;

/// The looks of a slice in that time: each poll of some length is met while it lingers.
const ALERT_LOOKS_PER_SLICE: u32 = 8;

/// The shortest nap, as a part of the slice, however soon a poll will be a stall.
const SHORTEST_NAP_FRACTION: u32 = 64;

/// So many slices without any progress or stall, and the watchdog dozes until a hook wakes it. More
/// would keep it up between the requests of a service that has few; fewer would make a worker pay
/// for a wake-up more often.
const QUIET_SLICES: u32 = 3;

/// A stall that has lasted this many slices is looked at less and less often.
const OLD_STALL_SLICES: u32 = 20;

/// How often things are looked at that hardly ever change: how late the end of an old stall may be
/// noticed, for one.
pub(crate) const GLANCE: Duration = Duration::from_millis(100);

/// What the last scan saw, all units together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Activity {
    /// A unit made progress, or is busy without being an old stall.
    pub(crate) lively: bool,
    /// The age of the youngest stall in progress.
    pub(crate) youngest_stall: Option<Duration>,
    /// A stall began or ended.
    pub(crate) turn: bool,
    /// Stand-ins are out that are to go home after a while.
    pub(crate) settling: bool,
    /// When the first of the polls that were there at two looks will have outlived its slice.
    pub(crate) deadline: Option<Duration>,
}

impl Activity {
    pub(crate) fn add_stall(&mut self, age: Duration) {
        self.youngest_stall = Some(self.youngest_stall.map_or(age, |youngest| youngest.min(age)));
    }

    pub(crate) fn add_deadline(&mut self, deadline: Option<Duration>) {
        self.deadline = [self.deadline, deadline].into_iter().flatten().min();
    }
}

/// What to do until the next scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Look again after this time.
    Nap(Duration),
    /// Sleep until a hook says that work has begun, or for this time if it is given.
    Doze(Option<Duration>),
}

/// The pace of one watchdog.
#[derive(Debug)]
pub(crate) struct Pace {
    slice: Duration,
    last_lively: Duration,
    last_turn: Option<Duration>,
}

impl Pace {
    pub(crate) fn new(slice: Duration) -> Self {
        Self { slice, last_lively: Duration::ZERO, last_turn: None }
    }

    pub(crate) fn slice(&self) -> Duration {
        self.slice
    }

    pub(crate) fn set_slice(&mut self, slice: Duration) {
        self.slice = slice;
    }

    pub(crate) fn next(&mut self, activity: Activity, now: Duration) -> Rest {
        if activity.turn {
            self.last_turn = Some(now);
        }
        let old = self.slice * OLD_STALL_SLICES;
        let young_stall = activity.youngest_stall.is_some_and(|age| age < old);
        if activity.lively || activity.turn || young_stall {
            self.last_lively = now;
        }
        if now.saturating_sub(self.last_lively) >= self.slice * QUIET_SLICES {
            // A doze all the same: a hook ends it at the very beginning of the next work.
            let glances = activity.youngest_stall.is_some() || activity.settling;
            return Rest::Doze(glances.then_some(GLANCE.max(self.slice)));
        }
        let since_turn = self.last_turn.map(|turn| now.saturating_sub(turn));
        let alert = since_turn.is_some_and(|since| since < self.slice * ALERT_SLICES);
        let nap = self.slice / if alert { ALERT_LOOKS_PER_SLICE } else { LOOKS_PER_SLICE };
        let left = activity.deadline.map(|deadline| deadline.saturating_sub(now));
        Rest::Nap(left.map_or(nap, |left| left.clamp(self.slice / SHORTEST_NAP_FRACTION, nap)))
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    const SLICE: Duration = Duration::from_millis(10);
    const QUIET: Activity = Activity {
        lively: false,
        youngest_stall: None,
        turn: false,
        settling: false,
        deadline: None,
    };
    const LIVELY: Activity = Activity { lively: true, ..QUIET };

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_busy_runtime_is_looked_at_twice_a_slice_and_more_after_a_stall() {
        let mut pace = Pace::new(SLICE);
        assert_eq!(pace.next(LIVELY, ms(0)), Rest::Nap(ms(5)));
        let turn = Activity { turn: true, ..LIVELY };
        assert_eq!(pace.next(turn, ms(5)), Rest::Nap(Duration::from_micros(1250)));
        assert_eq!(pace.next(LIVELY, ms(204)), Rest::Nap(Duration::from_micros(1250)));
        assert_eq!(pace.next(LIVELY, ms(205)), Rest::Nap(ms(5)));
    }

    /// It is looked at again when its slice is over, and not up to half a slice later.
    #[test]
    fn a_poll_that_was_there_at_two_looks_is_met_at_the_end_of_its_slice() {
        let mut pace = Pace::new(SLICE);
        let mut until = |deadline| {
            let mut activity = LIVELY;
            for other in [None, Some(deadline), Some(ms(900))] {
                activity.add_deadline(other);
            }
            pace.next(activity, ms(100))
        };
        assert_eq!(until(ms(103)), Rest::Nap(ms(3)));
        assert_eq!(until(ms(108)), Rest::Nap(ms(5)), "no later than without it");
        assert_eq!(until(ms(100)), Rest::Nap(SLICE / 64), "nor without a pause");
    }

    #[test]
    fn a_quiet_runtime_is_left_alone_after_a_while_and_not_before() {
        let mut pace = Pace::new(SLICE);
        pace.next(LIVELY, ms(50));
        assert!(matches!(pace.next(QUIET, ms(79)), Rest::Nap(_)));
        assert_eq!(pace.next(QUIET, ms(80)), Rest::Doze(None));
        assert!(matches!(pace.next(LIVELY, ms(81)), Rest::Nap(_)));
    }

    #[test]
    fn who_waits_for_stand_ins_to_go_home_dozes_for_a_while() {
        let mut pace = Pace::new(SLICE);
        let settling = Activity { settling: true, ..QUIET };
        assert!(matches!(pace.next(settling, ms(29)), Rest::Nap(_)));
        assert_eq!(pace.next(settling, ms(30)), Rest::Doze(Some(GLANCE)));
    }

    #[test]
    fn an_endless_stall_alone_is_only_glanced_at() {
        let mut pace = Pace::new(SLICE);
        let stalled = |age| Activity { youngest_stall: Some(age), ..QUIET };
        assert!(matches!(pace.next(stalled(ms(100)), ms(0)), Rest::Nap(_)));
        assert_eq!(pace.next(stalled(ms(900)), ms(800)), Rest::Doze(Some(ms(100))));
        // A slice above the glance's own pace stretches it.
        let mut slow = Pace::new(ms(1_000));
        assert_eq!(slow.next(stalled(ms(60_000)), ms(60_000)), Rest::Doze(Some(ms(1_000))));
    }
}
