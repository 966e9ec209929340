//! The record of offenders: who is on it, and what that means for their next polls.
//!
//! What a poll that has ended says of its task is the matter of [`verdict`](super::verdict).
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

use super::filter::Filter;
use super::sites::{History, Site, Sites, Threshold};
use super::suspect::{Standing, Suspect};
use super::suspects::Suspects;
use super::terms::terms;
use super::treatment::{Treatment, Ward};
use super::{InterventionAction, Tier, TierPolicy};
use crate::config::{ConfigError, ConfigHandle, TierConfig};
use crate::heartbeat::{Heart, Party};
use crate::hooks::{PollContext, PreemptionHooks};
use crate::intervene::demote::{Means, Sentence};
use crate::intervene::{gate::Gate, places::Places, warn::WarnLimit};
use crate::lane::queue::Flow;
use crate::lane::ticket;
use crate::metrics::tier_counters::TierCounters;
use crate::task::TaskContext;
use crate::task::TaskPriority;
use crate::trace::{Intervention, TreatedPoll};

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
    pub(super) shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) heart: Arc<Heart>,
    pub(super) filter: Filter,
    pub(super) suspects: Suspects,
    pub(super) sites: Sites,
    pub(super) config: ConfigHandle,
    gate: Arc<Gate>,
    places: Arc<Places>,
    pub(super) counters: TierCounters,
    pub(super) warnings: WarnLimit,
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
        self.tidy(self.now());
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
        let now = self.now();
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
            (config.sites_tier(), Standing::Probation { polls: 0 })
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
            let now = self.now();
            let shared = &*self.shared;
            let new = || Suspect::new(terms.floor, site, Standing::Offender, terms, now);
            let limit = config.suspects_limit();
            let describe = |suspect: &mut Suspect| suspect.description = Some(context.clone());
            shared.suspects.with_or_insert(task, limit, &shared.filter, new, describe);
        }
    }

    /// The span of a poll on the lane that is about to begin.
    pub(crate) fn trace_on_lane(&self, task: Id, site: Site) -> Intervention {
        Intervention::begin(|| {
            let tier = self.tier_of(task);
            let action = self.shared.config.load().policy(tier).action();
            TreatedPoll { task, site, tier, action, on_lane: true }
        })
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
    pub(super) fn arm(&self, armed: bool, config: &TierConfig) {
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

    pub(super) fn is_stopped(&self) -> bool {
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

pub(super) fn threshold(config: &TierConfig) -> Threshold {
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
