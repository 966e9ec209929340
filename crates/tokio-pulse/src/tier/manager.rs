//! Judges the polls of suspects, and decides what is done to their next ones.
//!
//! # From the poll to the verdict
//!
//! A poll of a task that is not on record is seen by the watchdog alone. When it outlives its slice
//! and the evidence is against it, the watchdog accuses the thread (see
//! [`attention`](crate::heartbeat::attention)), and the thread, at the end of the poll, names the
//! task: nothing about tasks is written down while they behave. From then on the task is on record,
//! and its polls are measured on the thread itself: wall clock, CPU clock, and the time for which
//! the thread waited for a processor, which is taken off. A poll that handed its worker over is
//! invisible to the watchdog and is judged by these alone.
//!
//! # Who writes what
//!
//! The tables of suspects and sites have locks, taken for a few instructions and never while
//! anything is polled. While any of the two has an entry, the runtime is armed, so that polls ask;
//! they may learn of that a moment late, which lets one more poll of a suspect go untreated. The
//! watchdog tidies up once in a while.

use std::panic::Location;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::Id;
use tokio_pulse_sys::ThreadCpuClock;

use super::accusation::Accusation;
use super::filter::Filter;
use super::record::{Change, PollReport};
use super::sites::{History, Site, Sites, Threshold, Violation};
use super::suspect::{PROBATION_POLLS, Standing, Suspect};
use super::suspects::Suspects;
use super::terms::terms;
use super::treatment::{Measured, Treatment, Ward};
use super::{InterventionAction, Tier, TierPolicy};
use crate::config::{ConfigError, ConfigHandle, TierConfig};
use crate::heartbeat::{Heart, Party};
use crate::hooks::{PollContext, PreemptionHooks};
use crate::intervene::demote::{Means, Sentence};
use crate::intervene::{gate::Gate, places::Places, warn::WarnLimit};
use crate::lane::queue::Flow;
use crate::lane::ticket;
use crate::metrics::tier_counters::TierCounters;
use crate::task::TaskPriority;
use crate::task::context::{self, TaskContext};
use crate::trace::{self, Intervention, Offender, TreatedPoll};

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

/// Keeps the record of offenders, and treats their polls as their tier demands.
///
/// Cheap to clone; clones share the record. Each runtime under watch has one:
/// [`Handle::tiers`](crate::Handle::tiers).
///
/// ```
/// # #[tokio_pulse::main]
/// # async fn main() {
/// let tiers = tokio_pulse::Handle::current().tiers().clone();
/// assert!(tiers.suspects().is_empty());
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct TierManager {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    heart: Arc<Heart>,
    filter: Filter,
    suspects: Suspects,
    sites: Sites,
    config: ConfigHandle,
    gate: Arc<Gate>,
    places: Arc<Places>,
    counters: TierCounters,
    warnings: WarnLimit,
    /// The watch has ended. Polls read it without a lock; it is set under that of `arming`, so that
    /// nothing is armed after the end.
    stopped: AtomicBool,
    arming: Mutex<()>,
    /// Each task on record counts for one tier more: an alert says so.
    escalated: AtomicBool,
}

impl TierManager {
    pub(crate) fn new(config: ConfigHandle, heart: Arc<Heart>, places: Arc<Places>) -> Self {
        let floors = has_floors(&config.current());
        let manager = Self {
            shared: Arc::new(Shared {
                heart,
                filter: Filter::new(),
                suspects: Suspects::new(),
                sites: Sites::default(),
                config,
                gate: Arc::new(Gate::new()),
                places,
                counters: TierCounters::default(),
                warnings: WarnLimit::default(),
                stopped: AtomicBool::new(false),
                arming: Mutex::new(()),
                escalated: AtomicBool::new(false),
            }),
        };
        manager.arm(floors, &manager.config());
        manager
    }

    /// The configuration in force.
    pub fn config(&self) -> Arc<TierConfig> {
        self.shared.config.current()
    }

    /// The configuration, to be read, changed and subscribed to.
    pub fn config_handle(&self) -> &ConfigHandle {
        &self.shared.config
    }

    /// Puts another configuration in force, for polls that begin from now on.
    ///
    /// It was checked when it was made, so nothing can go wrong here.
    pub fn update_config(&self, config: TierConfig) {
        self.shared.config.update_config(config);
        self.tidy(self.shared.heart.began.elapsed());
    }

    /// Puts another policy for one tier in force.
    ///
    /// # Errors
    ///
    /// When it does not go with the other tiers; then nothing changes.
    pub fn update_tier_policy(&self, tier: Tier, policy: TierPolicy) -> Result<(), ConfigError> {
        self.shared.config.update_tier_policy(tier, policy)
    }

    /// The tier that counts for a task; [`Tier::Zero`] for all that are not on record. While an alert
    /// escalates, it is one above what [`suspects`](Self::suspects) tells, which is the record.
    pub fn tier_of(&self, task: Id) -> Tier {
        let tier = |suspect: &mut Suspect| suspect.is_judged().then(|| suspect.tier());
        let tier = self.shared.suspects.with(task, tier).flatten();
        tier.map(|tier| self.in_force(tier)).unwrap_or_default()
    }

    /// What a task on record counts for, whose record or floor says `tier`.
    ///
    /// An alert raises all of them here, where a tier is put into force, and nowhere else: neither
    /// the records nor the configuration are touched, so there is nothing to be undone but one word,
    /// and both may change meanwhile as they like.
    pub(super) fn in_force(&self, tier: Tier) -> Tier {
        let escalated = self.shared.escalated.load(Relaxed);
        tier.up().filter(|_| escalated).unwrap_or(tier)
    }

    /// Each task on record counts for one tier more, or does not any longer. Polls that have begun go
    /// on as they are.
    pub(crate) fn set_escalated(&self, escalated: bool) {
        self.shared.escalated.store(escalated, Relaxed);
    }

    /// Whether an alert has all tasks on record count for one tier more now.
    pub fn is_escalated(&self) -> bool {
        self.shared.escalated.load(Relaxed)
    }

    pub(super) fn suspects_on_record(&self) -> &Suspects {
        &self.shared.suspects
    }

    /// Whether a task may be on record; false is certain.
    #[allow(dead_code, reason = "for the feature `tokio-console`")]
    pub(super) fn may_be_on_record(&self, task: Id) -> bool {
        self.shared.filter.may_contain(task)
    }

    /// Of now, as the records have it.
    pub(super) fn now(&self) -> Duration {
        self.shared.heart.began.elapsed()
    }

    pub(crate) fn suspect_list(&self) -> Vec<(Id, Suspect)> {
        self.shared.suspects.list()
    }

    pub(crate) fn site_list(&self) -> Vec<(Site, History)> {
        self.shared.sites.list()
    }

    pub(crate) fn counters(&self) -> &TierCounters {
        &self.shared.counters
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.shared.gate
    }

    /// Of the tasks on record, how many count for each tier.
    pub(crate) fn suspects_by_tier(&self) -> [usize; Tier::ALL.len()] {
        self.shared.suspects.by_tier()
    }

    /// A poll is about to begin. True: its end has to be told, by [`after`](Self::after).
    pub(crate) fn before(&self, task: Id, spawned_at: &'static Location<'static>) -> bool {
        let shared = &*self.shared;
        if self.is_stopped() || Treatment::is_running(task) {
            return false;
        }
        let site = Site::of(spawned_at);
        let known = shared.filter.may_contain(task);
        let config = shared.config.load();
        let named = has_floors(&config);
        if !known && !named && !shared.filter.may_contain(site) {
            return false;
        }
        let now = shared.heart.began.elapsed();
        let look =
            |suspect: &mut Suspect| (suspect.touch(now), suspect.movable, suspect.terms.priority);
        let (tier, movable, priority) = match shared.suspects.with(task, look) {
            Some(known) => known,
            None => {
                let tier = self.suspect_by_origin(task, site, &config, now);
                (tier.map(|tier| (tier, true)), false, TaskPriority::default())
            }
        };
        let Some((tier, expected)) = tier else { return false };
        let action = config.policy(self.in_force(tier)).action();
        let action = if expected { action } else { action.min(InterventionAction::Warn) };
        if movable && config.lane_enabled() && action >= InterventionAction::SlowQueue {
            ticket::issue();
            // If the lane does not take it, it runs in place, and the rescue stands by for it.
            return false;
        }
        Treatment::begin(
            task,
            action,
            Ward {
                site,
                tier: self.in_force(tier),
                flow: Flow::of_task(task, priority),
                config: &config,
                heart: &shared.heart,
                gate: &shared.gate,
                places: &shared.places,
                counters: &shared.counters,
            },
        );
        true
    }

    /// Of a task that is not on record: whether it goes there without an offence of its own.
    fn suspect_by_origin(
        &self,
        task: Id,
        site: Site,
        config: &TierConfig,
        now: Duration,
    ) -> Option<Tier> {
        let shared = &*self.shared;
        let terms = terms(config, site, None)?;
        let (tier, standing) = if terms.floor > Tier::Zero {
            (terms.floor, Standing::Offender)
        } else if shared.sites.is_suspect(site) {
            (config.sites_tier(), Standing::Probation { good_polls: 0 })
        } else {
            return None;
        };
        let new = || Suspect::new(tier, site, standing, terms, now);
        let limit = config.suspects_limit();
        Some(shared.suspects.with_or_insert(task, limit, &shared.filter, new, |s| s.tier()))
    }

    /// Whether a task that its user has described may have a rule that nobody knows of yet: polls of
    /// it ask, since rules come and records are forgotten.
    pub(crate) fn must_introduce(&self, task: Id) -> bool {
        let shared = &*self.shared;
        shared.heart.is_armed_for(Party::Tiers)
            && has_floors(&shared.config.load())
            // The filter may say yes for a stranger, and he would never be introduced.
            && shared.suspects.with(task, |_| ()).is_none()
    }

    /// Puts such a task on record if it has one.
    pub(crate) fn introduce(&self, task: Id, site: Site, context: &Arc<TaskContext>) {
        let config = self.shared.config.current();
        let Some(terms) = terms(&config, site, Some(context)) else { return };
        if terms.floor > Tier::Zero {
            let now = self.shared.heart.began.elapsed();
            let shared = &*self.shared;
            let new = || Suspect::new(terms.floor, site, Standing::Offender, terms, now);
            let limit = config.suspects_limit();
            let describe = |suspect: &mut Suspect| suspect.description = Some(context.clone());
            shared.suspects.with_or_insert(task, limit, &shared.filter, new, describe);
        }
    }

    /// A poll has ended that was treated, or that the watchdog accuses.
    pub(crate) fn after(
        &self,
        task: Id,
        spawned_at: &'static Location<'static>,
        accusation: Option<Accusation>,
    ) -> Ended {
        let treated = Treatment::end(task, &self.shared.heart);
        let now = self.shared.heart.began.elapsed();
        let (treated, span) = treated.unzip();
        let measured = match (treated, &accusation) {
            (Some(treated), Some(accusation)) => treated.excused_by(accusation),
            (Some(treated), None) => treated,
            (None, Some(accusation)) => accusation.measured(ThreadCpuClock::grain()),
            (None, None) => return Ended::default(),
        };
        let context = context::last_polled(task);
        let site = Site::of(spawned_at);
        let judged = self.judge(task, site, context.as_ref(), measured, accusation, now);
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

    /// The span of a poll on the lane that is about to begin.
    pub(crate) fn trace_on_lane(&self, task: Id, site: Site) -> Intervention {
        Intervention::begin(|| {
            let tier = self.tier_of(task);
            let action = self.shared.config.load().policy(tier).action();
            TreatedPoll { task, site, tier, action, on_lane: true }
        })
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
        let now = self.shared.heart.began.elapsed();
        let judged = self.judge(task, site, context, measured, None, now);
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

    /// Whether a task belongs to the isolated lane.
    pub(crate) fn isolates(&self, task: Id) -> bool {
        let config = self.shared.config.load();
        config.isolation().is_some()
            && config.policy(self.tier_of(task)).action() >= InterventionAction::Isolate
    }

    /// The priority of a task on record.
    pub(crate) fn priority_of(&self, task: Id) -> Option<TaskPriority> {
        self.shared.suspects.with(task, |suspect| suspect.terms.priority)
    }

    fn judge(
        &self,
        task: Id,
        site: Site,
        context: Option<&Arc<TaskContext>>,
        measured: Measured,
        accusation: Option<Accusation>,
        now: Duration,
    ) -> Option<Ended> {
        let shared = &*self.shared;
        let config = shared.config.current();
        if self.is_stopped() {
            return None;
        }
        let known = shared.filter.may_contain(task);
        let Some(mut terms) = terms(&config, site, context.map(|context| &**context)) else {
            // By its name, which is not known before a poll, or since a moment ago. It stays where it
            // is found, or its next poll would be taken for that of a stranger.
            if known {
                shared.suspects.with(task, |suspect| suspect.standing = Standing::Exempt);
            }
            return None;
        };
        if known {
            let by_hand = shared.suspects.with(task, |suspect| suspect.by_hand).flatten();
            terms = by_hand.unwrap_or_default().upon(terms);
        }
        let allowed = terms.allowed(&config);
        // The watchdog has its own evidence, but does not know what this task may take.
        let active = measured.active();
        let violation = active >= allowed;
        let budget_remaining = allowed.saturating_sub(active);
        if !known && !violation {
            return None;
        }
        if violation && measured.in_doubt && measured.cpu.is_some_and(|cpu| cpu < allowed) {
            // It may be an innocent's or an offender's: it speaks neither for nor against the task.
            return None;
        }
        let report = PollReport { cpu: measured.cpu.unwrap_or(active), violation };
        let cause = accusation.map_or_else(|| measured.cause(), |accused| accused.cause);
        let movable = ticket::can_move(task);
        let add = |suspect: &mut Suspect| {
            suspect.movable |= movable;
            if let (true, Some(context)) = (violation || suspect.description.is_none(), context) {
                suspect.description = Some(context.clone());
            }
            suspect.add(report, measured.lasted, terms, &config, now)
        };
        let judged = if violation {
            let new = || Suspect::new(terms.floor, site, Standing::Offender, terms, now);
            let limit = config.suspects_limit();
            Some(shared.suspects.with_or_insert(task, limit, &shared.filter, new, add))
        } else {
            shared.suspects.with(task, add)
        };
        let judged = judged?;
        self.arm(true, &config);
        self.count(judged.change, violation);
        if judged.change == Change::Cleared {
            shared.suspects.remove(task, &shared.filter);
        }
        if judged.in_favour {
            let weight = 1.0 / f64::from(PROBATION_POLLS);
            shared.sites.behaved(site, weight, threshold(&config), now, &shared.filter);
        }
        if violation {
            let lasted = measured.lasted;
            let violation = Violation { cpu: report.cpu, lasted, cause, first: judged.first };
            shared.sites.offended(site, violation, threshold(&config), now, &shared.filter);
            let (tier, action) = (judged.tier, config.policy(judged.tier).action());
            let name = context.and_then(|context| context.name());
            let offender = Offender {
                task,
                name,
                site,
                tier,
                action,
                violation,
                budget_remaining,
                suppressed: 0,
            };
            self.warn(&config, offender, now);
        }
        let slow = !violation && report.cpu > config.policy(judged.tier).good_poll_cpu();
        if slow {
            shared.counters.was_slow();
        }
        let budget_remaining = Some(budget_remaining);
        Some(Ended { violation, slow, budget_remaining, ..Ended::default() })
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

    /// Watchdog, once in a while: lets the memory fade.
    pub(crate) fn tidy(&self, now: Duration) {
        let shared = &*self.shared;
        let config = shared.config.current();
        if let Some(then) = now.checked_sub(config.suspects_forget_after()) {
            shared.suspects.forget_before(then, &shared.filter);
        }
        let sites = shared.sites.fade(threshold(&config), now, &shared.filter);
        // An offender that goes on record between the look and the store is treated from its next
        // offence on, or from the next time that this is called.
        let armed = sites > 0 || shared.suspects.judged() > 0 || has_floors(&config);
        self.arm(armed, &config);
    }

    /// Whether polls have to ask at all.
    fn arm(&self, armed: bool, config: &TierConfig) {
        let shared = &*self.shared;
        let sentence =
            Sentence::of(config.demotion(), config.demotion_slice(), false, Means::here());
        let slice = sentence.worker_slice().filter(|_| armed);
        let heart = &shared.heart;
        if armed == heart.is_armed_for(Party::Tiers) && slice == heart.worker_slice() {
            return;
        }
        let _arming = self.lock_arming();
        let stopped = self.is_stopped();
        heart.set_armed(Party::Tiers, armed && !stopped);
        heart.set_worker_slice(slice.filter(|_| !stopped));
    }

    fn is_stopped(&self) -> bool {
        self.shared.stopped.load(Relaxed)
    }

    fn lock_arming(&self) -> MutexGuard<'_, ()> {
        self.shared.arming.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The watch ends: nobody waits any more, and the threads are Tokio's again.
    pub(crate) fn let_all_go(&self) {
        {
            let _arming = self.lock_arming();
            self.shared.stopped.store(true, Relaxed);
        }
        self.shared.gate.open();
        self.arm(false, &self.config());
    }
}

/// Whether a task may be treated without any offence.
fn has_floors(config: &TierConfig) -> bool {
    config.rules().iter().any(|rule| rule.tier().is_some())
}

fn threshold(config: &TierConfig) -> Threshold {
    Threshold {
        offenders: config.sites_offenders(),
        half_life: config.sites_fade_after(),
        limit: config.sites_limit(),
    }
}

impl PreemptionHooks for TierManager {
    fn before_poll(&self, task: &PollContext<'_>) {
        let _ = self.before(task.id(), task.spawned_at());
    }

    fn after_poll(&self, task: &PollContext<'_>) {
        let _ = self.after(task.id(), task.spawned_at(), None);
    }

    fn on_complete(&self, task: &PollContext<'_>) {
        if self.shared.filter.may_contain(task.id()) {
            self.shared.suspects.remove(task.id(), &self.shared.filter);
        }
    }
}
