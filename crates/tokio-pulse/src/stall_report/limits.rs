//! How much is reported: so much that people read it.

use std::collections::HashMap;
use std::time::Duration;

use crate::intervene::warn::WarnLimit;

/// The window of the cap, and for how long reports with one fingerprint are merged.
const WINDOW: Duration = Duration::from_secs(60);

/// Stalls and fingerprints that are remembered.
const REMEMBERED: usize = 512;

/// How much is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReportLimits {
    pub(crate) per_minute: u32,
    pub(crate) threshold: Duration,
    pub(crate) name_for: Option<Duration>,
}

impl Default for ReportLimits {
    fn default() -> Self {
        Self {
            per_minute: Self::PER_MINUTE,
            threshold: Self::THRESHOLD,
            name_for: Some(Self::NAME_FOR),
        }
    }
}

impl ReportLimits {
    /// Five: as many as are warned of by default.
    pub const PER_MINUTE: u32 = 5;

    /// 50 ms: five slices, so that a stall is worth an interruption of its thread.
    pub const THRESHOLD: Duration = Duration::from_millis(50);

    /// A minute: where one stall was there are more, and a runtime without any has nothing to note.
    pub const NAME_FOR: Duration = Duration::from_secs(60);

    /// The default limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// At most so many reports a minute; the others are counted, and the count is told with the
    /// next. 0 is none at all.
    #[must_use]
    pub fn per_minute(mut self, reports: u32) -> Self {
        self.per_minute = reports;
        self
    }

    /// A stall is reported when it has lasted for so long, then after twice that, four times, and
    /// so on.
    #[must_use]
    pub fn threshold(mut self, threshold: Duration) -> Self {
        self.threshold = threshold;
        self
    }

    /// For so long after a stall that was half as long as a reported one, each poll of the runtime
    /// notes its task, so that the next report has task, name and spawn site while the stall goes on;
    /// `None` is always, from the start. Without that the [end](super::StallEnd) of a stall has them.
    ///
    /// It costs each poll some nanoseconds, as does a task on record; `pulse-bench heartbeat` measures it
    /// as `pulse-naming`.
    #[must_use]
    pub fn name_for(mut self, time: impl Into<Option<Duration>>) -> Self {
        self.name_for = time.into();
        self
    }
}

/// Which poll of which thread.
pub(crate) type Stall = (i32, u64);

/// When one stall is looked at again.
#[derive(Debug, Default)]
pub(crate) struct Doubling(HashMap<i32, (u64, Duration)>);

impl Doubling {
    /// Whether a stall that has lasted for `elapsed` is due.
    pub(crate) fn is_due(&self, stall: Stall, elapsed: Duration, threshold: Duration) -> bool {
        elapsed >= self.next(stall, threshold)
    }

    fn next(&self, (tid, poll): Stall, threshold: Duration) -> Duration {
        match self.0.get(&tid) {
            Some((known, next)) if *known == poll => *next,
            _ => threshold,
        }
    }

    /// As [`is_due`](Self::is_due); and the next time comes when it has doubled.
    pub(crate) fn take(&mut self, stall: Stall, elapsed: Duration, threshold: Duration) -> bool {
        let (tid, poll) = stall;
        let next = self.next(stall, threshold);
        if elapsed < next {
            return false;
        }
        // Threads come and go; what is lost is when a stall that goes on was told.
        if self.0.len() >= REMEMBERED && !self.0.contains_key(&tid) {
            self.0.clear();
        }
        let mut next = next.max(Duration::from_millis(1));
        while next <= elapsed && next < Duration::MAX {
            next = next.saturating_mul(2);
        }
        self.0.insert(tid, (poll, next));
        true
    }
}

/// What becomes of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    Tell { repeated: u64, suppressed: u64 },
    Merged,
    Suppressed,
}

/// Merges reports with one fingerprint, and caps the rest.
#[derive(Debug, Default)]
pub(super) struct Filter {
    cap: WarnLimit,
    kinds: HashMap<u64, Kind>,
}

#[derive(Debug)]
struct Kind {
    told: Option<(Stall, Duration)>,
    repeated: u64,
    seen: Duration,
}

impl Filter {
    /// A stall that goes on is told again whatever its fingerprint; others with the same one are
    /// merged for a minute.
    pub(super) fn admit(
        &mut self,
        fingerprint: u64,
        stall: Stall,
        per_minute: u32,
        now: Duration,
    ) -> Admission {
        if fingerprint == 0 {
            return match self.cap.admit(per_minute, now) {
                Some(suppressed) => Admission::Tell { repeated: 0, suppressed },
                None => Admission::Suppressed,
            };
        }
        if self.kinds.len() >= REMEMBERED && !self.kinds.contains_key(&fingerprint) {
            let oldest = self.kinds.iter().min_by_key(|(_, kind)| kind.seen);
            if let Some(oldest) = oldest.map(|(fingerprint, _)| *fingerprint) {
                self.kinds.remove(&oldest);
            }
        }
        let kind =
            self.kinds.entry(fingerprint).or_insert(Kind { told: None, repeated: 0, seen: now });
        kind.seen = now;
        let is_known = |(by, at): (Stall, Duration)| by != stall && now < at.saturating_add(WINDOW);
        if kind.told.is_some_and(is_known) {
            kind.repeated += 1;
            return Admission::Merged;
        }
        match self.cap.admit(per_minute, now) {
            Some(suppressed) => {
                kind.told = Some((stall, now));
                Admission::Tell { repeated: std::mem::take(&mut kind.repeated), suppressed }
            }
            None => Admission::Suppressed,
        }
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_stall_is_due_at_the_threshold_and_then_at_each_doubling() {
        let mut doubling = Doubling::default();
        let due: Vec<_> =
            (0..200).map(|t| t * 10).filter(|t| doubling.take((1, 7), ms(*t), ms(50))).collect();
        assert_eq!(due, [50, 100, 200, 400, 800, 1600]);
        assert!(doubling.take((1, 8), ms(60), ms(50)), "the next poll is another stall");
        assert!(!doubling.take((1, 8), ms(99), ms(50)));
        assert!(doubling.take((2, 8), ms(1000), ms(50)));
        assert!(!doubling.take((2, 8), ms(1500), ms(50)));
        for tid in 0..2000 {
            doubling.take((tid, 1), ms(100), ms(50));
        }
        assert!(doubling.0.len() <= REMEMBERED);
        assert!(doubling.take((1, 9), Duration::MAX, Duration::ZERO), "and it ends");
    }

    #[test]
    fn one_kind_is_told_once_a_minute_and_the_rest_is_counted() {
        let mut filter = Filter::default();
        let at = Duration::from_secs;
        let tell = |repeated, suppressed| Admission::Tell { repeated, suppressed };
        assert_eq!(filter.admit(5, (1, 1), 2, at(0)), tell(0, 0));
        assert_eq!(filter.admit(5, (2, 1), 2, at(1)), Admission::Merged);
        assert_eq!(filter.admit(5, (1, 2), 2, at(2)), Admission::Merged);
        assert_eq!(filter.admit(5, (1, 1), 2, at(3)), tell(2, 0), "it goes on");
        assert_eq!(filter.admit(6, (3, 1), 2, at(4)), Admission::Suppressed);
        assert_eq!(filter.admit(0, (3, 1), 2, at(5)), Admission::Suppressed);
        assert_eq!(filter.admit(5, (4, 1), 2, at(6)), Admission::Merged);
        assert_eq!(filter.admit(5, (5, 1), 2, at(64)), tell(1, 2));
        assert_eq!(filter.admit(0, (5, 1), 2, at(65)), tell(0, 0));
        assert_eq!(filter.admit(9, (5, 1), 0, at(300)), Admission::Suppressed);
    }

    #[test]
    fn kinds_are_forgotten_the_oldest_first() {
        let mut filter = Filter::default();
        for kind in 1..=REMEMBERED as u64 * 2 {
            filter.admit(kind, (1, kind), u32::MAX, ms(kind));
        }
        assert_eq!(filter.kinds.len(), REMEMBERED);
        assert!(!filter.kinds.contains_key(&1));
    }
}
