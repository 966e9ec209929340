//! The verdict on a poll that has ended: what it says of its task, of the place where that was
//! spawned, and to the user.
//!
//! A poll of a task that is not on record is seen by the watchdog alone. When it outlives its slice
//! and the evidence is against it, the watchdog accuses the thread (see
//! [`attention`](crate::heartbeat::attention)), and the thread, at the end of the poll, names the
//! task: nothing about tasks is written down while they behave. From then on the task is on record,
//! and its polls are measured on the thread itself: wall clock, CPU clock, and the time for which
//! the thread waited for a processor, which is taken off. A poll that handed its worker over is
//! invisible to the watchdog and is judged by these alone.

use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::Id;
use tokio_pulse_sys::ThreadCpuClock;

use super::InterventionAction;
use super::accusation::Accusation;
use super::manager::{TierManager, threshold};
use super::record::{Change, PollReport};
use super::sites::{Site, Violation};
use super::suspect::{Judged, PROBATION_POLLS, Standing, Suspect};
use super::terms::{Terms, terms};
use super::treatment::{Measured, Treatment};
use crate::config::TierConfig;
use crate::lane::ticket;
use crate::task::context::{self, TaskContext};
use crate::trace::{self, Intervention, Offender};
use crate::watchdog::scan::Cause;

/// What is to be noted of a poll on its thread.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ended {
    /// It was treated: there was a call of [`TierManager::before`] that said so.
    pub(crate) treated: bool,
    pub(crate) handed_off: bool,
    pub(crate) violation: bool,
    pub(crate) slow: bool,
    /// Of the time that the poll was allowed; `None` if it was not judged.
    pub(crate) budget_remaining: Option<Duration>,
}

/// A poll that is to be judged.
#[derive(Clone, Copy, Debug)]
struct Case<'a> {
    task: Id,
    site: Site,
    context: Option<&'a Arc<TaskContext>>,
    measured: Measured,
    cause: Cause,
    /// When it ended, since the start of the runtime.
    now: Duration,
}

impl TierManager {
    /// A poll has ended that was treated, or that the watchdog accuses.
    pub(crate) fn after(
        &self,
        task: Id,
        spawned_at: &'static Location<'static>,
        accusation: Option<Accusation>,
    ) -> Ended {
        let treated = Treatment::end(task, &self.shared.heart);
        let now = self.now();
        let (treated, span) = treated.unzip();
        let measured = match (treated, &accusation) {
            (Some(treated), Some(accusation)) => treated.excused_by(accusation),
            (Some(treated), None) => treated,
            (None, Some(accusation)) => accusation.measured(ThreadCpuClock::grain()),
            (None, None) => return Ended::default(),
        };
        let context = context::last_polled(task);
        let judged = self.judge(&Case {
            task,
            site: Site::of(spawned_at),
            context: context.as_ref(),
            measured,
            cause: accusation.map_or_else(|| measured.cause(), |accused| accused.cause),
            now,
        });
        if let Some(treated) = treated {
            self.shared.counters.polled(treated.lasted);
        }
        let handed_off = measured.handed_off;
        let judged = judged.unwrap_or_default();
        if let Some(span) = span {
            span.end(measured.outcome(judged.budget_remaining));
        }
        Ended { treated: treated.is_some(), handed_off, ..judged }
    }

    /// A poll has ended on the lane. Whether the next one is to be there as well.
    pub(crate) fn judge_on_lane(
        &self,
        task: Id,
        site: Site,
        context: Option<&Arc<TaskContext>>,
        measured: Measured,
        span: Intervention,
    ) -> bool {
        let now = self.now();
        let cause = measured.cause();
        let judged = self.judge(&Case { task, site, context, measured, cause, now });
        span.end(measured.outcome(judged.and_then(|judged| judged.budget_remaining)));
        let config = self.shared.config.load();
        let slow = |suspect: &mut Suspect| {
            suspect.touch(now).is_some_and(|(tier, expected)| {
                let action = config.policy(self.in_force(tier)).action();
                expected && action >= InterventionAction::SlowQueue
            })
        };
        config.lane_enabled() && self.shared.suspects.with(task, slow).unwrap_or(false)
    }

    /// `None`: nobody is judged any more, the task is exempt, or the poll speaks neither for nor against it.
    fn judge(&self, case: &Case<'_>) -> Option<Ended> {
        let shared = &*self.shared;
        let config = shared.config.current();
        if self.is_stopped() {
            return None;
        }
        let known = shared.filter.may_contain(case.task);
        let terms = self.terms_of(case, known, &config)?;
        let allowed = terms.allowed(&config);
        // The watchdog has its own evidence, but does not know what this task may take.
        let Measured { lasted, cpu, in_doubt, .. } = case.measured;
        let active = case.measured.active();
        let violation = active >= allowed;
        if !known && !violation {
            return None;
        }
        if violation && in_doubt && cpu.is_some_and(|cpu| cpu < allowed) {
            // It may be an innocent's or an offender's.
            return None;
        }
        let report = PollReport { cpu: cpu.unwrap_or(active), violation };
        let judged = self.put_on_record(case, report, terms, &config)?;
        self.arm(true, &config);
        self.count(judged.change, violation);
        if judged.change == Change::Cleared {
            shared.suspects.remove(case.task, &shared.filter);
        }
        let threshold = threshold(&config);
        if judged.in_favour {
            let weight = 1.0 / f64::from(PROBATION_POLLS);
            shared.sites.behaved(case.site, weight, threshold, case.now, &shared.filter);
        }
        let budget_remaining = allowed.saturating_sub(active);
        if violation {
            let (cause, first) = (case.cause, judged.first);
            let violation = Violation { cpu: report.cpu, lasted, cause, first };
            shared.sites.offended(case.site, violation, threshold, case.now, &shared.filter);
            let offender = Offender {
                task: case.task,
                name: case.context.and_then(|context| context.name()),
                site: case.site,
                tier: judged.tier,
                action: config.policy(judged.tier).action(),
                violation,
                budget_remaining,
                suppressed: 0,
            };
            self.warn(&config, offender, case.now);
        }
        let slow = !violation && report.cpu > config.policy(judged.tier).good_poll_cpu();
        if slow {
            shared.counters.was_slow();
        }
        let budget_remaining = Some(budget_remaining);
        Some(Ended { violation, slow, budget_remaining, ..Ended::default() })
    }

    /// What counts for the task now. `None`: it is exempt.
    fn terms_of(&self, case: &Case<'_>, known: bool, config: &TierConfig) -> Option<Terms> {
        let suspects = &self.shared.suspects;
        let terms = terms(config, case.site, case.context.map(|context| &**context));
        if !known {
            return terms;
        }
        let Some(terms) = terms else {
            // By its name, which is not known before a poll, or since a moment ago. It stays where it
            // is found, or its next poll would be taken for that of a stranger.
            suspects.with(case.task, |suspect| suspect.standing = Standing::Exempt);
            return None;
        };
        let by_hand = suspects.with(case.task, |suspect| suspect.by_hand).flatten();
        Some(by_hand.unwrap_or_default().upon(terms))
    }

    /// What the poll changes for its task. `None`: it was forgotten, and has done nothing to come back.
    fn put_on_record(
        &self,
        case: &Case<'_>,
        report: PollReport,
        terms: Terms,
        config: &TierConfig,
    ) -> Option<Judged> {
        let Case { task, site, context, now, .. } = *case;
        let shared = &*self.shared;
        let movable = ticket::can_move(task);
        let add = |suspect: &mut Suspect| {
            suspect.movable |= movable;
            let is_new = report.violation || suspect.description.is_none();
            if let (true, Some(context)) = (is_new, context) {
                suspect.description = Some(context.clone());
            }
            suspect.add(report, case.measured.lasted, terms, config, now)
        };
        if !report.violation {
            return shared.suspects.with(task, add);
        }
        let new = || Suspect::new(terms.floor, site, Standing::Offender, terms, now);
        let limit = config.suspects_limit();
        Some(shared.suspects.with_or_insert(task, limit, &shared.filter, new, add))
    }

    fn count(&self, change: Change, violation: bool) {
        let counters = &self.shared.counters;
        if violation {
            counters.violated();
        }
        match change {
            Change::Promoted => counters.promoted(),
            Change::Demoted | Change::Cleared => counters.demoted(),
            Change::None => {}
        }
    }

    fn warn(&self, config: &TierConfig, mut offender: Offender<'_>, now: Duration) {
        if offender.action < InterventionAction::Warn {
            return;
        }
        match self.shared.warnings.admit(config.warnings_per_minute(), now) {
            Some(suppressed) => {
                offender.suppressed = suppressed;
                crate::watchdog::contained(|| trace::offender(&offender));
            }
            None => self.shared.counters.warning_suppressed(),
        }
    }
}
