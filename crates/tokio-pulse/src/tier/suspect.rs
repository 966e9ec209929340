//! One task on record, and what each of its polls changes.

use std::sync::Arc;
use std::time::Duration;

use super::Tier;
use super::by_hand::TaskTerms;
use super::record::{Change, PollReport, Record};
use super::sites::Site;
use super::terms::Terms;
use crate::config::TierConfig;
use crate::task::TaskContext;

/// What the latest poll counts of the share of violations: two in a row make the next one expected.
const LATEST: f64 = 0.3;
const EXPECTED: f64 = 0.5;

/// So many polls without a violation acquit a task that has done nothing but come from a suspect site.
pub(super) const PROBATION_POLLS: u32 = 3;

/// What is known of one task.
#[derive(Clone, Debug)]
pub(crate) struct Suspect {
    pub(crate) record: Record,
    pub(crate) site: Site,
    /// What was said of it, or of the part of it that offended last; `None` if nobody has, or as long as
    /// it is not known.
    pub(super) description: Option<Arc<TaskContext>>,
    pub(crate) standing: Standing,
    pub(crate) terms: Terms,
    /// What somebody has set for it.
    pub(super) by_hand: Option<TaskTerms>,
    pub(crate) violations: u64,
    /// Of its violations: their CPU time, the longest, and when the last one ended.
    pub(super) cpu: Duration,
    pub(super) longest: Duration,
    pub(super) offended_at: Option<Duration>,
    /// It was spawned through Pulse, so it can run on the lane.
    pub(crate) movable: bool,
    /// The share of violations among its polls, the latest counting most.
    heavy: f64,
    /// When it was polled last, or offended.
    pub(crate) touched: Duration,
}

/// Why it is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It has offended.
    Offender,
    /// Others that were spawned where it was have offended. So many polls without a violation speak for it.
    Probation { polls: u32 },
    /// The user has exempted it, by what no hook sees before its first poll.
    Exempt,
    /// It was on probation and behaved. Kept, so that it is not put there again at once.
    Acquitted,
}

fn has_floor(terms: Terms) -> bool {
    terms.floor > Tier::Zero
}

/// What a poll has changed for its task.
pub(super) struct Judged {
    pub(super) change: Change,
    pub(super) tier: Tier,
    /// It is the first violation of this task.
    pub(super) first: bool,
    /// It is on probation, and this poll speaks for it and for its site.
    pub(super) in_favour: bool,
}

impl Suspect {
    pub(super) fn new(
        tier: Tier,
        site: Site,
        standing: Standing,
        terms: Terms,
        now: Duration,
    ) -> Self {
        let record = Record::new(tier, now);
        Self {
            record,
            site,
            description: None,
            standing,
            terms,
            by_hand: None,
            violations: 0,
            cpu: Duration::ZERO,
            longest: Duration::ZERO,
            offended_at: None,
            movable: false,
            heavy: 0.0,
            touched: now,
        }
    }

    pub(crate) fn tier(&self) -> Tier {
        self.record.tier().max(self.terms.floor)
    }

    /// Whether anything is held against it, or feared from it.
    pub(crate) fn is_judged(&self) -> bool {
        matches!(self.standing, Standing::Offender | Standing::Probation { .. })
    }

    /// Whether its next poll is to be treated as its tier demands, and not only measured. A task that
    /// is heavy now and then, such as a connection that serves all kinds of requests, would have its
    /// good polls wait for nothing: the rescue does more for everybody.
    pub(super) fn is_expected_to_offend(&self) -> bool {
        self.standing != Standing::Offender
            || self.terms.floor > Tier::Zero
            || self.heavy >= EXPECTED
    }

    /// Sets by hand what is there. With a tier its record begins anew.
    pub(super) fn set_by_hand(&mut self, set: TaskTerms, terms: Terms, now: Duration) {
        let before = self.by_hand.and_then(|before| before.tier);
        // Not when only something else is set: it may have risen since. But a pardon is one each time.
        if let Some(tier) = set.tier.filter(|&tier| Some(tier) != before || tier == Tier::Zero) {
            self.record = Record::new(tier, now);
            self.standing = Standing::Offender;
            self.heavy = 0.0;
        }
        self.by_hand = (set != TaskTerms::default()).then_some(set);
        self.terms = set.upon(terms);
        self.touched = now;
    }

    /// A poll begins; `None` if nothing is to be done to it.
    pub(super) fn touch(&mut self, now: Duration) -> Option<(Tier, bool)> {
        // Not touched either, so that they are forgotten in time.
        if !self.is_judged() {
            return None;
        }
        self.touched = now;
        Some((self.tier(), self.is_expected_to_offend()))
    }

    pub(super) fn add(
        &mut self,
        report: PollReport,
        lasted: Duration,
        terms: Terms,
        config: &TierConfig,
        now: Duration,
    ) -> Judged {
        self.terms = terms;
        let weight = f64::from(u8::from(report.violation));
        self.heavy += LATEST * (weight - self.heavy);
        let first = report.violation && self.violations == 0;
        let mut in_favour = false;
        if self.record.tier() < terms.floor {
            self.record = Record::new(terms.floor, now);
        }
        if report.violation {
            self.violations += 1;
            self.cpu = self.cpu.saturating_add(report.cpu);
            self.longest = self.longest.max(lasted);
            self.offended_at = Some(now);
            self.touched = now;
            if !self.is_judged() {
                self.record = Record::new(terms.floor, now);
            }
            // From probation it goes on where it was: what was suspected of it has come true, and is
            // expected of it again.
            if let Standing::Probation { .. } = self.standing {
                self.heavy = self.heavy.max(EXPECTED);
            }
            self.standing = Standing::Offender;
        } else if let Standing::Probation { polls } = &mut self.standing {
            // It is suspected of violations, so a poll that is none speaks for it, good or slow.
            *polls += 1;
            in_favour = true;
            if *polls >= PROBATION_POLLS {
                self.standing = Standing::Acquitted;
            }
        }
        if self.standing != Standing::Offender {
            return Judged { change: Change::None, tier: self.tier(), first, in_favour };
        }
        let patience = config.patience(terms.priority);
        let mut change = self.record.add(report, config.tiers(), patience, now);
        // What was set by hand is kept with the record.
        let stays = has_floor(terms) || self.by_hand.is_some();
        if self.record.tier() < terms.floor || (change == Change::Cleared && stays) {
            self.record = Record::new(terms.floor, now);
            change = Change::None;
        }
        Judged { change, tier: self.tier(), first, in_favour }
    }
}

#[cfg(all(test, not(pulse_loom)))]
mod tests {
    use std::panic::Location;

    use super::super::terms::terms;
    use super::*;

    const BAD: PollReport = PollReport { cpu: Duration::from_millis(50), violation: true };
    const GOOD: PollReport = PollReport { cpu: Duration::ZERO, violation: false };

    fn suspect(standing: Standing) -> impl FnMut(PollReport) -> bool {
        let config = TierConfig::default();
        let site = Site::of(Location::caller());
        let terms = terms(&config, site, None).unwrap();
        let mut suspect = Suspect::new(Tier::Three, site, standing, terms, Duration::ZERO);
        move |report| {
            suspect.add(report, report.cpu, terms, &config, Duration::from_millis(1));
            suspect.is_expected_to_offend()
        }
    }

    #[test]
    fn one_offence_of_a_stranger_is_no_habit_and_two_are() {
        let mut poll = suspect(Standing::Offender);
        assert_eq!([poll(BAD), poll(BAD), poll(GOOD), poll(GOOD)], [false, true, false, false]);
    }

    #[test]
    fn who_does_no_wrong_is_acquitted_however_slow() {
        let config = TierConfig::default();
        let site = Site::of(Location::caller());
        let terms = terms(&config, site, None).unwrap();
        let slow = config.policy(Tier::Two).good_poll_cpu() + Duration::from_millis(1);
        for cpu in [Duration::ZERO, slow] {
            let probation = Standing::Probation { polls: 0 };
            let mut suspect = Suspect::new(Tier::Two, site, probation, terms, Duration::ZERO);
            let report = PollReport { cpu, violation: false };
            for _ in 0..PROBATION_POLLS {
                assert!(suspect.is_judged(), "{cpu:?}");
                assert!(suspect.add(report, cpu, terms, &config, Duration::ZERO).in_favour);
            }
            assert_eq!(suspect.standing, Standing::Acquitted, "{cpu:?}");
        }
    }

    #[test]
    fn one_offence_on_probation_is_what_was_expected() {
        let mut poll = suspect(Standing::Probation { polls: 0 });
        assert_eq!([poll(BAD), poll(BAD), poll(GOOD)], [true, true, false]);
    }
}
